"""How fast a run goes on: what it counts, of a language model the tokens, a second of one attempt."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Speed"]


class Speed:
    """Counts from the first report of an attempt on: what an earlier attempt did counts no more than the time that loading takes.

    rate: a second; None until there are two reports.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._first: tuple[float, int] | None = None
        self.rate: float | None = None

    def note(self, done: int) -> None:
        """Take note of how much is done by now, what earlier attempts did included."""
        now = self._clock()
        if self._first is None:
            self._first = now, done
        since, before = self._first
        if now > since:
            self.rate = (done - before) / (now - since)
