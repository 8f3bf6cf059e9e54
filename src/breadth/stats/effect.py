"""How large a difference is: Cohen's d, the published 1 % rule, differences over sets that share domains, and equivalence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.stats.interval import Estimate, finite_vector
from breadth.stats.mixed import Slope, basis, check_membership, fit_mixed

__all__ = ["ONE_PERCENT", "Difference", "Equivalence", "cohen_d", "one_percent_rule", "shared_difference", "tost"]

# The threshold of arXiv 2306.13841, in units of the scores.
ONE_PERCENT = 0.01


@dataclass(frozen=True)
class Difference:
    """A mean difference: Estimate, and the standard error and degrees of freedom of its t statistic."""

    estimate: Estimate
    se: float
    df: float

    @property
    def p(self) -> float:
        """Two-sided p of no difference; 0 or 1 where the differences have no spread."""
        value = abs(self.estimate.value)
        return float(2 * special.stdtr(self.df, -value / self.se)) if self.se > 0 else float(value == 0)


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
    difference, spread = float(x.mean() - y.mean()), float(np.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2))
    if spread > 0:
        return difference / spread
    return float("nan") if difference == 0 else float(np.copysign(np.inf, difference))


def one_percent_rule(difference: float, *, first: str = "first", second: str = "second", threshold: float = ONE_PERCENT) -> str:
    """Return the side that wins by the published rule, or "no difference": H1 iff |d| >= threshold / s, then the sign decides.

    arXiv 2306.13841. Since d = difference / s, the spread cancels: this is |difference| >= 0.01 exactly (a tie is H1), whatever
    the sampling error. ``difference``: mean(first) - mean(second). Equality is taken to 12 digits: .71 - .70 < .01 in binary.
    """
    if not np.isfinite(difference):
        raise MeasureError(f"the difference is {difference}; expected a finite number: compare the means first")
    if abs(difference) < threshold * (1 - 1e-12):
        return "no difference"
    return first if difference > 0 else second


def shared_difference(difference: npt.ArrayLike, membership: npt.ArrayLike, level: float = 0.95) -> Difference:
    """Return the mean of paired differences over training sets that share domains: d = mu + M u + e by REML (``stats.mixed``).

    difference: [n], one a training set, at least 2; membership: M [n, D], rows sum to 1. A method may be better on some domains than
    on others, and sets with a domain in common then err alike. mu is the generalised least-squares mean, its error and degrees of
    freedom are Kenward and Roger's (1997). The interval is for domains like the given ones, and wide where there are few of them or
    where their effects are smaller than the noise. Where the domains tell no sets apart (M of rank 1) it is the plain t interval.
    Raises MeasureError for fewer than 2 differences, numbers that are not finite, or rows that are not shares.
    """
    d = finite_vector(difference, "the differences", least=2)
    m = check_membership(membership, d.size)
    one = bool(np.linalg.matrix_rank(m) == 1)
    slope: Slope = fit_mixed(basis(np.eye(d.size) if one else m), np.ones((d.size, 1)), d, 0).slope
    method = "training sets, paired, " + ("t interval" if one else "mixed model with domain effects")
    return Difference(slope.estimate(level, method), slope.se, slope.df)


def tost(difference: Difference, margin: float, alpha: float = 0.05) -> Equivalence:
    """Return whether a difference lies within -+margin: two one-sided t tests with its own error, p = max(p_lower, p_upper).

    Schuirmann 1987, J. Pharmacokinetics and Biopharmaceutics 15:657. Equivalent iff p < alpha, i.e. iff the 1 - 2 alpha interval
    lies inside the margin. margin > 0, in the units of the scores.
    """
    if not margin > 0:
        raise MeasureError(f"equivalence margin is {margin:g}; expected a number above 0 in the units of the scores")
    nearest = margin - abs(difference.estimate.value)
    se = difference.se
    p = float(special.stdtr(difference.df, -nearest / se)) if se > 0 else float(nearest <= 0)
    return Equivalence(p, p < alpha, margin, alpha, difference.estimate.n)
