"""Intervals of quantities that cannot be negative: what may be shown of them, and when they say too little to be shown at all."""

from __future__ import annotations

import math
from dataclasses import replace

from breadth.stats.interval import Estimate

__all__ = ["possible", "too_few"]


def possible(e: Estimate, high: float = 1.0) -> Estimate:
    """Return a distance with its interval cut to 0 .. ``high``, where alone it can lie (its coverage stays); nan stays."""
    return replace(e, low=max(e.low, min(0.0, e.value)), high=min(e.high, max(high, e.value)))


def too_few(e: Estimate) -> bool:
    """Return whether the interval of a non-negative quantity is unknown, wider than its value, or reaches below 0."""
    if not (math.isfinite(e.low) and math.isfinite(e.high)):
        return True
    return e.high - e.low > max(e.value, 1e-9) or e.low < -1e-9
