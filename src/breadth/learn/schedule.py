"""Learning rates, and the test for convergence, as pure functions: nothing to save, nothing to restore."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Plateau", "Schedule", "learning_rate", "windows_since_best"]

Schedule = Literal["onecycle", "cosine", "constant"]


def learning_rate(schedule: Schedule, peak: float, t: int, steps: int) -> float:
    """Return the learning rate of step ``t`` of ``steps``.

    "constant": ``peak``. "cosine": from ``peak`` to 0 (arXiv 1608.03983, eq. 5, without restarts). "onecycle": cosine from peak/25
    up to ``peak`` in the first 30 % and down to peak/250,000 at the end (arXiv 1708.07120 with PyTorch's defaults; the momentum
    stays fixed).
    """
    if schedule == "constant":
        return peak
    if schedule == "cosine":
        return peak * 0.5 * (1 + math.cos(math.pi * t / steps))
    top = max(0.3 * steps - 1, 1e-9)
    low, high, part = (peak / 25, peak, t / top) if t <= top else (peak, peak / 250_000, (t - top) / max(steps - 1 - top, 1e-9))
    return high + (low - high) * 0.5 * (1 + math.cos(math.pi * part))


@dataclass(frozen=True)
class Plateau:
    """Training has converged when the mean training loss of a window has not fallen below the best one for ``patience`` windows.

    window: steps; tolerance: a window counts as better when its loss is below best x (1 - tolerance). This is the convergence
    meter of arXiv 2306.13841 (patience 5), on window means where the published code samples single batches.
    """

    window: int
    patience: int = 5
    tolerance: float = 0.0


def windows_since_best(losses: Sequence[float], tolerance: float) -> int:
    """Return how many windows at the end of ``losses`` have not improved on the best before them (0 for an improving end)."""
    best, since = math.inf, 0
    for loss in losses:
        if loss < best * (1 - tolerance) or best == math.inf:
            best, since = loss, 0
        else:
            since += 1
    return since
