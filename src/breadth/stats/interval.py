"""Estimates that carry their interval, sample size and method; intervals for means, mean distances and any statistic of tasks.

Every interval is over the units that were drawn independently (tasks, training sets, runs), never over pairs of them: the
M (M - 1) / 2 distances of M tasks share tasks, so their own standard deviation says nothing about the error of their mean.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError

__all__ = [
    "Estimate",
    "combined",
    "finite_vector",
    "jackknife",
    "mean",
    "mean_cross",
    "mean_pairwise",
    "t_estimate",
    "t_quantile",
    "welch_df",
]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Estimate:
    """A number with its uncertainty.

    value: the point estimate; low, high: interval at ``level`` (0..1), ``nan`` where none can be computed; n: units of replication;
    method: what the units are and how the interval was made, e.g. "tasks, delete-one jackknife".
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    method: str

    def __str__(self) -> str:
        return f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}] ({self.level * 100:g} %, n = {self.n}, {self.method})"

    def as_dict(self) -> dict[str, float | int | str]:
        """Return the six fields under their names (the shape that ``--json`` prints)."""
        return asdict(self)


def finite_vector(values: npt.ArrayLike, what: str, *, least: int = 1) -> Floats:
    """Return ``values`` as a float64 vector [n]; ``MeasureError`` unless it is one-dimensional, finite and n >= ``least``."""
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise MeasureError(f"{what} has shape {x.shape}; expected one dimension: give one number a unit")
    if x.size < least:
        raise MeasureError(f"{what} has {x.size} values; expected at least {least}: give more units")
    if not np.isfinite(x).all():
        raise MeasureError(f"{what} has {int((~np.isfinite(x)).sum())} values that are not finite; repair those units first")
    return x


def t_quantile(probability: float, df: float) -> float:
    """Return the quantile of Student's t with ``df`` degrees of freedom (real numbers allowed); ``nan`` for df <= 0."""
    return float(special.stdtrit(df, probability)) if df > 0 else float("nan")


def t_estimate(value: float, se: float, df: float, *, level: float, n: int, method: str) -> Estimate:
    """Return value -+ t_{df} se at ``level`` as an ``Estimate``; the interval is ``nan`` where ``se`` is nan or ``df`` <= 0.

    Raises ``MeasureError`` where ``level`` is not inside (0, 1).
    """
    if not 0 < level < 1:
        raise MeasureError(f"level is {level:g}; expected a probability between 0 and 1, e.g. 0.95")
    half = se * t_quantile(0.5 + level / 2, df) if df > 0 else float("nan")
    return Estimate(float(value), float(value - half), float(value + half), level, n, method)


def welch_df(variances: Sequence[float], dfs: Sequence[float]) -> float:
    """Return the Welch-Satterthwaite degrees of freedom of a sum of independent variance estimates, (sum v)^2 / sum(v^2 / df).

    Satterthwaite 1946, Biometrics Bulletin 2:110. Where all variances are zero, the smallest of ``dfs``.
    """
    below = sum(v * v / d for v, d in zip(variances, dfs, strict=True) if d > 0)
    return float(sum(variances) ** 2 / below) if below > 0 else float(min(dfs))


def combined(value: float, terms: Sequence[tuple[float, Estimate]], method: str) -> Estimate:
    """Return ``value``, a function of independent estimates, with its interval by the delta method.

    terms: (derivative, estimate) of each; an estimate's variance is recovered from its interval as that of t_{n - 1}, and
    se^2 = sum (derivative se)^2 with Welch-Satterthwaite degrees of freedom. For a difference the derivatives are 1 and -1.
    ``nan`` interval where an estimate has none or one unit. Raises ``MeasureError`` for no estimate or different levels.
    """
    levels = {e.level for _, e in terms}
    if len(levels) != 1:
        raise MeasureError(f"estimates with intervals at levels {sorted(levels)} were combined; expected one or more, at one level")
    level = levels.pop()
    n = sum(e.n for _, e in terms)
    variances, dfs = [], []
    for derivative, e in terms:
        half = (e.high - e.low) / 2
        known = e.n > 1 and half > 0
        variances.append((derivative * half / t_quantile(0.5 + level / 2, e.n - 1)) ** 2 if known else 0.0 * half)
        dfs.append(e.n - 1)
    if not np.isfinite(variances).all():
        return t_estimate(value, float("nan"), 0, level=level, n=n, method=method)
    return t_estimate(value, float(np.sqrt(sum(variances))), welch_df(variances, dfs), level=level, n=n, method=method)


def mean(x: npt.ArrayLike, level: float = 0.95, *, unit: str = "units") -> Estimate:
    """Return the mean of independent units x [n] with its t_{n-1} interval, mean -+ t s / sqrt(n); ``nan`` interval for n = 1."""
    values = finite_vector(x, "the sample")
    n = values.size
    se = float(values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return t_estimate(float(values.mean()), se, n - 1, level=level, n=n, method=f"{unit}, t interval")


def _distances(D: npt.ArrayLike, *, square: bool) -> Floats:
    d = np.asarray(D, dtype=np.float64)
    if d.ndim != 2:
        raise MeasureError(f"distances have shape {d.shape}; expected a matrix of two dimensions")
    if square and d.shape[0] != d.shape[1]:
        raise MeasureError(f"pairwise distances have shape {d.shape}; expected a square matrix: for two sets use mean_cross")
    if not np.isfinite(d).all():
        raise MeasureError(f"{int((~np.isfinite(d)).sum())} of {d.size} distances are not finite; find the task behind them")
    return d


def mean_pairwise(D: npt.ArrayLike, level: float = 0.95) -> Estimate:
    """Return the mean off-diagonal distance of M tasks, a U-statistic of degree two, with a delete-one-task jackknife interval.

    D: symmetric [M, M], zero diagonal, finite. U = sum_{i != j} D_ij / (M (M - 1)); U_{-i} leaves out row and column i;
    variance = (M - 1)/M sum_i (U_{-i} - mean U_{-i})^2; interval U -+ t_{M-1} sqrt(variance). The variance is biased upwards by
    O(1/M) of itself, i.e. to the safe side. Arvesen 1969, Annals of Mathematical Statistics 40:2076 (jackknifed U-statistics).

    ``nan`` interval for M = 2. Raises ``MeasureError`` where D is not such a matrix or M < 2.
    """
    d = _distances(D, square=True)
    m = d.shape[0]
    if m < 2:
        raise MeasureError(f"{m} task gives no pair; expected at least 2 tasks (3 for an interval)")
    scale = max(float(np.abs(d).max()), 1e-300)
    if float(np.abs(d - d.T).max()) > 1e-6 * scale:
        raise MeasureError("pairwise distances are not symmetric; expected D[i, j] = D[j, i]: for two sets of tasks use mean_cross")
    if float(np.abs(np.diagonal(d)).max()) > 1e-6 * scale:
        raise MeasureError("pairwise distances have a diagonal that is not zero; expected D[i, i] = 0, a task against itself")
    rows = d.sum(axis=1) - np.diagonal(d)
    total = float(rows.sum())
    value = total / (m * (m - 1))
    se = float("nan")
    if m > 2:
        without = (total - 2 * rows) / ((m - 1) * (m - 2))
        se = float(np.sqrt((m - 1) / m * np.sum((without - without.mean()) ** 2)))
    return t_estimate(value, se, m - 1 if m > 2 else 0, level=level, n=m, method="tasks, delete-one jackknife")


def mean_cross(D: npt.ArrayLike, level: float = 0.95) -> Estimate:
    """Return the mean distance between two sets of tasks, D [A, B], with a two-sample delete-one-task jackknife interval.

    Leaving out row i (column j) gives variance s^2(row means)/A + s^2(column means)/B; degrees of freedom by Welch-Satterthwaite.
    Arvesen 1969 (section on two-sample U-statistics). ``nan`` interval where A or B is 1; n = A + B.
    Raises ``MeasureError`` where D is not a finite matrix with at least one row and column.
    """
    d = _distances(D, square=False)
    a, b = d.shape
    if a == 0 or b == 0:
        raise MeasureError(f"cross distances have shape {d.shape}; expected at least one task on each side")
    se, df = float("nan"), 0.0
    if a > 1 and b > 1:
        parts = (float(d.mean(axis=1).var(ddof=1)) / a, float(d.mean(axis=0).var(ddof=1)) / b)
        se, df = float(np.sqrt(sum(parts))), welch_df(parts, (a - 1, b - 1))
    return t_estimate(float(d.mean()), se, df, level=level, n=a + b, method="tasks of both sides, two-sample delete-one jackknife")


def jackknife(statistic: Callable[..., float], sizes: Sequence[int], level: float = 0.95, *, unit: str = "tasks") -> Estimate:
    """Return ``statistic(*rows)`` with a delete-one jackknife interval over one or more independent sets of units.

    sizes: number of units in each set; ``statistic`` receives one integer array of row numbers a set (all rows, then all but one of
    one set) and returns a number. Variance = sum over sets of (n_k - 1)/n_k sum_i (T_{-i} - mean T_{-i})^2, degrees of freedom by
    Welch-Satterthwaite. Use it for differences of means of distances, e.g. between half A, half B and within them. Arvesen 1969.

    ``nan`` interval where a set has fewer than 3 units. Raises ``MeasureError`` where a set is empty or the statistic not finite.
    """
    if not sizes or min(sizes) < 1:
        raise MeasureError(f"jackknife over sets of sizes {list(sizes)}; expected at least one unit in each set")
    full: list[Ints] = [np.arange(n) for n in sizes]
    value = float(statistic(*full))
    parts: list[float] = []
    for k, n in enumerate(sizes):
        if n < 3:
            continue
        without = np.array([statistic(*full[:k], np.delete(full[k], i), *full[k + 1 :]) for i in range(n)], dtype=np.float64)
        parts.append(float((n - 1) / n * np.sum((without - without.mean()) ** 2)))
    if not np.isfinite([value, *parts]).all():
        raise MeasureError("the jackknifed statistic is not finite; it must be defined for all units and for all but any one")
    known = len(parts) == len(sizes)
    se, df = (float(np.sqrt(sum(parts))), welch_df(parts, [n - 1 for n in sizes])) if known else (float("nan"), 0.0)
    return t_estimate(value, se, df, level=level, n=int(sum(sizes)), method=f"{unit}, delete-one jackknife")
