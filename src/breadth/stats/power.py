"""What a study could have seen: how often a decision rule succeeds on simulated outcomes, and the smallest effect where it does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.seeds import generator
from breadth.stats.interval import Estimate
from breadth.stats.mixed import check_membership

__all__ = ["detectable_effect", "success_rate"]

Floats = npt.NDArray[np.float64]


def success_rate(
    decided: Callable[[Floats], bool],
    expected: Floats,
    membership: npt.ArrayLike,
    tau: float,
    sigma: float,
    *,
    draws: int = 400,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Return how often ``decided(y)`` holds for y = expected + M u + e, u ~ N(0, tau^2), e ~ N(0, sigma^2), with Wilson's interval.

    expected: [n]; membership: M [n, D]. Draw i depends on ``seed`` and i only. Wilson 1927, JASA 22:209.
    """
    m = check_membership(membership, expected.size)
    hits = 0
    for i in range(draws):
        rng = generator(seed, "power", i)
        hits += bool(decided(expected + tau * (m @ rng.standard_normal(m.shape[1])) + sigma * rng.standard_normal(expected.size)))
    share = hits / draws
    z = float(special.ndtri(0.5 + level / 2))
    centre, scale = (share + z * z / (2 * draws)), 1 + z * z / draws
    half = z * (share * (1 - share) / draws + z * z / (4 * draws * draws)) ** 0.5
    return Estimate(share, (centre - half) / scale, (centre + half) / scale, level, draws, "simulated studies, Wilson interval")


def detectable_effect(rate: Callable[[float], float], first: float, limit: float, wanted: float = 0.8, *, steps: int = 6) -> float:
    """Return the smallest effect where ``rate(effect)`` reaches ``wanted``, to 2^-steps of its bracket; inf beyond ``limit``.

    Doubles from ``first`` until the rate is reached, then halves the bracket. ``rate`` should use the same draws for every effect,
    which makes it rise with the effect up to simulation noise.
    """
    low, high = 0.0, first
    while rate(high) < wanted:
        low, high = high, 2 * high
        if high > limit:
            return float("inf")
    for _ in range(steps):
        middle = (low + high) / 2
        low, high = (low, middle) if rate(middle) >= wanted else (middle, high)
    return high
