"""How large a difference is: Cohen's d, the published 1 % rule, paired differences, and equivalence by two one-sided tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.stats.interval import Estimate, finite_vector, mean

__all__ = [
    "Equivalence",
    "clustered_difference",
    "cohen_d",
    "hedges_g",
    "one_percent_rule",
    "paired_d",
    "paired_difference",
    "tost_paired",
]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests: p is the larger of the two, ``equivalent`` whether p < alpha, margin in the units of the scores."""

    p: float
    equivalent: bool
    margin: float
    alpha: float
    n: int


def cohen_d(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return (mean a - mean b) / s with s = sqrt((s_a^2 + s_b^2) / 2), ddof 1: the form of arXiv 2306.13841 (Cohen 1988).

    a, b: scores of independent units, [n_a] and [n_b], at least 2 each. nan where both have no spread and equal means, else -+inf.
    """
    x, y = finite_vector(a, "the first sample", least=2), finite_vector(b, "the second sample", least=2)
    return _ratio(float(x.mean() - y.mean()), float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2)))


def hedges_g(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return d J(m), J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)), m = n_a + n_b - 2: d without its small-sample bias.

    Hedges 1981, J. Educational Statistics 6:107.
    """
    m = np.size(a) + np.size(b) - 2
    return cohen_d(a, b) * float(np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2)) / np.sqrt(m / 2))


def paired_d(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return mean(a - b) / sd(a - b), ddof 1, over pairs [n]: the standardised paired difference (Cohen 1988, d_z)."""
    d = _differences(a, b)
    return _ratio(float(d.mean()), float(d.std(ddof=1)))


def _ratio(difference: float, spread: float) -> float:
    if spread > 0:
        return difference / spread
    return float("nan") if difference == 0 else float(np.copysign(np.inf, difference))


def _differences(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    x, y = finite_vector(a, "the first of the pairs", least=2), finite_vector(b, "the second of the pairs", least=2)
    if x.size != y.size:
        raise MeasureError(f"{x.size} scores against {y.size}; expected pairs: score both methods on the same episodes")
    return np.asarray(x - y, dtype=np.float64)


def one_percent_rule(difference: float, *, first: str = "first", second: str = "second", threshold: float = 0.01) -> str:
    """Return the side that wins by the published rule, or "no difference": H1 iff |d| >= threshold / s, then the sign decides.

    arXiv 2306.13841. Since d = difference / s, the spread cancels: this is |difference| >= 0.01 exactly (a tie is H1), whatever
    the sampling error. ``difference``: mean(first) - mean(second). Equality is taken to 12 digits: .71 - .70 < .01 in binary.
    """
    if not np.isfinite(difference):
        raise MeasureError(f"the difference is {difference}; expected a finite number: compare the means first")
    if abs(difference) < threshold * (1 - 1e-12):
        return "no difference"
    return first if difference > 0 else second


def paired_difference(a: npt.ArrayLike, b: npt.ArrayLike, level: float = 0.95, *, unit: str = "pairs") -> Estimate:
    """Return mean(a - b) over pairs [n] with its t_{n-1} interval."""
    return mean(_differences(a, b), level, unit=unit)


def clustered_difference(a: npt.ArrayLike, b: npt.ArrayLike, groups: Sequence[str | int], level: float = 0.95) -> Estimate:
    """Return the mean over groups of the groups' mean(a - b), with a t interval over groups: one training set is one unit.

    groups: the training set of each pair, [n]. nan interval for a single group.
    """
    return mean(_cluster(_differences(a, b), groups), level, unit="training sets")


def _cluster(d: Floats, groups: Sequence[str | int]) -> Floats:
    keys = list(groups)
    if len(keys) != d.size:
        raise MeasureError(f"{len(keys)} group names for {d.size} pairs; expected one a pair")
    return np.array([d[[k == key for k in keys]].mean() for key in dict.fromkeys(keys)])


def tost_paired(
    difference: npt.ArrayLike, margin: float, alpha: float = 0.05, groups: Sequence[str | int] | None = None
) -> Equivalence:
    """Return whether paired differences [n] lie within -+margin: two one-sided t tests, p = max(p_lower, p_upper).

    Schuirmann 1987, J. Pharmacokinetics and Biopharmaceutics 15:657. Equivalent iff p < alpha, i.e. iff the 1 - 2 alpha interval
    lies inside the margin. groups: training set of each pair; then the units are group means. At least 2 units; margin > 0.
    """
    d = finite_vector(difference, "the differences", least=2)
    if not margin > 0:
        raise MeasureError(f"equivalence margin is {margin:g}; expected a number above 0 in the units of the scores")
    if groups is not None:
        d = finite_vector(_cluster(d, groups), "the differences of the groups", least=2)
    se = float(d.std(ddof=1)) / d.size**0.5
    nearest = margin - abs(float(d.mean()))
    p = float(special.stdtr(d.size - 1, -nearest / se)) if se > 0 else float(nearest <= 0)
    return Equivalence(p, p < alpha, margin, alpha, d.size)
