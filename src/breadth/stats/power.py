"""What a study could have seen: power of a slope test, the minimum detectable effect, and success rates of any decision rule."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from breadth.errors import MeasureError
from breadth.seeds import generator
from breadth.stats.interval import Estimate
from breadth.stats.mixed import basis, check_membership, fit_mixed

__all__ = ["design_error", "detectable_effect", "minimum_detectable", "slope_power", "success_rate"]

Floats = npt.NDArray[np.float64]


def slope_power(effect: float, se: float, df: float, alpha: float = 0.05) -> float:
    """Return the power of the two-sided t test of a slope, P(|T| > t_{1 - alpha/2, df}), T noncentral t around effect / se.

    Cohen 1988, chapter 9. Counts both signs, as the two-sided test does. Raises ``MeasureError`` unless se > 0 and df > 0.
    """
    if not (se > 0 and df > 0):
        raise MeasureError(f"power of a slope with standard error {se:g} and {df:g} degrees of freedom; expected both above 0")
    critical = float(special.stdtrit(df, 1 - alpha / 2))
    if effect == 0:
        return alpha
    near, far = stats.nct.sf(critical, df, abs(effect) / se), stats.nct.cdf(-critical, df, abs(effect) / se)
    # scipy gives nan far out, where the near tail is 1 and the far tail 0 to all digits
    return float(min(1.0, (1.0 if np.isnan(near) else near) + (0.0 if np.isnan(far) else far)))


def minimum_detectable(se: float, df: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Return the effect (in units of the slope) whose two-sided t test at ``alpha`` has the given power.

    Raises ``MeasureError`` unless se > 0, df > 0 and alpha < power < 1.
    """
    if not alpha < power < 1:
        raise MeasureError(f"power is {power:g}; expected a probability between alpha ({alpha:g}) and 1, e.g. 0.8")
    slope_power(0.0, se, df, alpha)  # refuses an impossible design in its own words
    top = (float(special.stdtrit(df, 1 - alpha / 2)) + 7) * se
    return float(optimize.brentq(lambda e: slope_power(e, se, df, alpha) - power, 1e-9 * se, top))


def design_error(x: npt.ArrayLike, membership: npt.ArrayLike, y: npt.ArrayLike) -> tuple[float, float]:
    """Return (standard error per SD of x, degrees of freedom) of the mixed-model slope of y [n], for ``minimum_detectable``."""
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    scaled = (x - x.mean()) / x.std(ddof=1)
    slope = fit_mixed(basis(check_membership(membership, x.size)), np.column_stack([np.ones(x.size), scaled]), y).slope
    return slope.se, slope.df


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
