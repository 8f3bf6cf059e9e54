"""Tasks from a labelled stream that is never held as a whole: task i comes from the i-th window of it, and no window is used twice."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator

import numpy as np

from breadth.data.task import Draw
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["StreamTasks"]


class StreamTasks:
    """A ``TaskSource`` over a stream of (input, label) that holds one window of it at a time.

    opened: called without arguments, returns the stream from its first item, the same items in the same order every time; inputs are
    uint8 images [height, width, channels] or float32 vectors [features], labels any names or numbers. window: items of a window.
    Task i takes classes with enough items in window i and items of them, a pure function of (seed, i) and the stream; as windows do
    not overlap, no two tasks share an item. Tasks in order read the stream once, an earlier one reads it again from the start.
    Memory: one window, and a number for every class seen. The row number of an item is its place in the stream.
    """

    digest = "unknown"

    def __init__(self, name: str, opened: Callable[[], Iterable[tuple[np.ndarray, Hashable]]], *, window: int) -> None:
        if window < 1:
            raise DataError(f"windows of {window} items of the stream '{name}' were asked for; expected 1 or more")
        self.name, self.window, self.convention = name, window, f"windows of {window}"
        self._opened = opened
        self._numbers: dict[Hashable, int] = {}
        self._rest: Iterator[tuple[np.ndarray, Hashable]] = iter(())
        self._at = -1
        self._inputs: list[np.ndarray] = []
        self._classes = np.empty(0, np.int64)

    def part_name(self, part: int) -> str:
        """Return "": a stream has no parts."""
        return ""

    def _read(self, i: int) -> None:
        """Make window ``i`` the one that is held."""
        if i < self._at or self._at < 0:
            self._rest, self._at, self._inputs = iter(self._opened()), -1, []
        while self._at < i:
            inputs: list[np.ndarray] = []
            labels: list[int] = []
            self._inputs = inputs  # lets the last window go before the next is read
            for given, label in self._rest:
                inputs.append(self._checked(given, inputs))
                labels.append(self._numbers.setdefault(label, len(self._numbers)))
                if len(inputs) == self.window:
                    break
            if len(inputs) < self.window:
                before, self._at = self._at + 1, -1
                raise DataError(
                    f"the stream '{self.name}' ended after {before * self.window + len(inputs)} items, {before} full windows of "
                    f"{self.window}; window {i} was asked for: ask for fewer tasks or a smaller window"
                )
            self._at, self._classes = self._at + 1, np.array(labels, np.int64)

    def _checked(self, given: np.ndarray, before: list[np.ndarray]) -> np.ndarray:
        x = np.asarray(given)
        if (x.dtype, x.ndim) not in ((np.dtype(np.uint8), 3), (np.dtype(np.float32), 1)):
            raise DataError(
                f"the stream '{self.name}' gave a {x.dtype} input of shape {list(x.shape)}; expected a uint8 image [height, width, "
                "channels] or a float32 vector [features]"
            )
        if before and x.shape != before[0].shape:
            raise DataError(
                f"the stream '{self.name}' gave inputs of shapes {list(before[0].shape)} and {list(x.shape)}; expected one shape: resize "
                "the images first"
            )
        return x

    def draw(self, i: int, ways: int, per_class: int, seed: int) -> Draw:
        """Return draw ``i``: ``ways`` classes and ``per_class`` items of each from window ``i``.

        Raises DataError where the stream ends before that window does, or too few classes have ``per_class`` items in it.
        """
        if ways < 1 or per_class < 1:
            raise DataError(f"a task of {ways} ways with {per_class} items each was asked for; expected at least 1 of both")
        self._read(i)
        counts = np.bincount(self._classes)
        enough = np.flatnonzero(counts >= per_class)
        if len(enough) < ways:
            raise DataError(
                f"window {i} of the stream '{self.name}' has {len(enough)} classes with {per_class} items; {ways} are needed: use a window "
                f"of more than {self.window} items, or shuffle a stream that comes class by class"
            )
        rng = generator(seed, "draw", i)
        classes = rng.choice(enough, ways, replace=False)
        items = np.stack([rng.choice(np.flatnonzero(self._classes == c), per_class, replace=False) for c in classes])
        return Draw(-1, classes, items + i * self.window)

    def rows(self, items: np.ndarray) -> np.ndarray:
        """Return the inputs at places ``items`` of the stream [n, ...]. Raises DataError for what is not in the window held."""
        index = np.asarray(items, dtype=np.int64).reshape(-1) - self._at * self.window
        if self._at < 0 or (index < 0).any() or (index >= self.window).any():
            raise DataError(
                f"items of the stream '{self.name}' outside window {self._at} were asked for; expected those of the last draw"
            )
        return np.stack([self._inputs[k] for k in index.tolist()])
