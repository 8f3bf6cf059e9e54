"""How y goes with x over training sets: correlation, slope, adjustment, permutation, leave-one-domain-out, Holm, mixed model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.seeds import generator
from breadth.stats.interval import Estimate, finite_vector
from breadth.stats.mixed import Slope, basis, check_membership, fit_mixed, least_squares

__all__ = [
    "Adjusted",
    "Mixed",
    "Quadratic",
    "adjusted_slope",
    "attenuation",
    "holm",
    "independent_columns",
    "leave_one_domain_out",
    "mixed_slope",
    "partial_correlation",
    "permutation_p",
    "quadratic",
    "reliability",
]

Floats = npt.NDArray[np.float64]
Covariates = Mapping[str, npt.ArrayLike]
_TINY = 1e-10


@dataclass(frozen=True)
class Adjusted:
    """A slope or correlation given covariates: p two-sided, names of the covariates used and of those dropped."""

    estimate: Estimate
    p: float
    used: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Mixed:
    """A mixed-model slope: two-sided p, degrees of freedom, domain and training-set standard deviations, covariates."""

    estimate: Estimate
    p: float
    df: float
    tau: float
    sigma: float
    used: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class Quadratic:
    """A parabola check: coefficient of the squared standardised x, its two-sided p, vertex in units of x, whether inside the data.

    shape: "inverted U" or "U" where p < alpha and the vertex lies inside the range of x, else "monotone" (as far as can be told).
    """

    coefficient: Estimate
    p: float
    vertex: float
    inside: bool
    shape: Literal["inverted U", "U", "monotone"]


def _pair(x: npt.ArrayLike, y: npt.ArrayLike, least: int = 3) -> tuple[Floats, Floats]:
    a, b = finite_vector(x, "x", least=least), finite_vector(y, "y", least=least)
    if a.size != b.size:
        raise MeasureError(f"x has {a.size} values and y has {b.size}; expected one of each for every training set")
    return a, b


def _varies(v: Floats) -> bool:
    return float(np.ptp(v)) > 1e-12 * float(np.abs(v).max())


def _both_vary(x: Floats, y: Floats, what: str) -> None:
    for name, v in (("x", x), ("y", y)):
        if not _varies(v):
            raise MeasureError(f"{name} is {v[0]:g} for all {v.size} training sets; {what} is undefined: give sets that differ")


def _fisher(r: float, variance: float, level: float, n: int, method: str) -> Estimate:
    """Return r with tanh(atanh r -+ z sqrt(variance)); nan interval where the variance is not defined."""
    if not np.isfinite(variance):
        return Estimate(r, float("nan"), float("nan"), level, n, method)
    if abs(r) >= 1:
        return Estimate(r, r, r, level, n, method)
    half = float(special.ndtri(0.5 + level / 2)) * variance**0.5
    return Estimate(r, float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half)), level, n, method)


def _correlation(a: Floats, b: Floats) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def independent_columns(columns: Mapping[str, npt.ArrayLike]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names kept and dropped: dropped are columns that do not vary or are linear combinations of earlier ones."""
    kept: list[str] = []
    dropped: list[str] = []
    done = np.zeros((0, 0))
    for name, values in columns.items():
        v = finite_vector(values, f"covariate '{name}'")
        rest = v - v.mean()
        size = float(np.linalg.norm(rest))
        done = done.reshape(v.size, -1)
        if _varies(v):
            rest = rest - done @ (done.T @ rest)
            rest = rest - done @ (done.T @ rest)  # twice is enough: keeps the columns orthogonal to rounding
        if not _varies(v) or float(np.linalg.norm(rest)) < 1e-6 * size:
            dropped.append(name)
            continue
        kept.append(name)
        done = np.column_stack([done, rest / np.linalg.norm(rest)])
    return tuple(kept), tuple(dropped)


def _table(x: Floats, covariates: Covariates | None) -> tuple[Floats, tuple[str, ...], tuple[str, ...]]:
    columns = {name: finite_vector(v, f"covariate '{name}'") for name, v in (covariates or {}).items()}
    for name, v in columns.items():
        if v.size != x.size:
            raise MeasureError(f"covariate '{name}' has {v.size} values; expected {x.size}, one a training set")
    kept, dropped = independent_columns(columns)
    scaled = [(columns[name] - columns[name].mean()) / columns[name].std(ddof=1) for name in kept]
    return np.column_stack([np.ones(x.size), *scaled]), kept, dropped


def _scaled(x: Floats, standardise: bool) -> Floats:
    return np.asarray((x - x.mean()) / (x.std(ddof=1) if standardise else 1.0), dtype=np.float64)


def adjusted_slope(
    x: npt.ArrayLike, y: npt.ArrayLike, covariates: Covariates | None, level: float = 0.95, *, standardise: bool = True
) -> Adjusted:
    """Return the slope of y on x given covariates by name ([n] each): least squares, t with n - 2 - (covariates used) df.

    Covariates that do not vary or repeat others are dropped and named. The estimate is nan where the covariates reproduce x or no
    degree of freedom is left.
    """
    a, b = _pair(x, y)
    if not _varies(a):
        raise MeasureError(f"x is {a[0]:g} for all {a.size} training sets; a slope is undefined: give sets that differ")
    table, used, dropped = _table(a, covariates)
    fit = least_squares(np.column_stack([_scaled(a, standardise), table]), b, 0)
    per = "SD" if standardise else "unit"
    given = f" given {', '.join(used)}" if used else ""
    return Adjusted(fit.estimate(level, f"training sets, slope per {per} of x{given}, t interval"), fit.p(), used, dropped)


def partial_correlation(x: npt.ArrayLike, y: npt.ArrayLike, covariates: Covariates, level: float = 0.95) -> Adjusted:
    """Return the correlation of what is left of x and y after least squares on the covariates; Fisher's interval with n - k - 3.

    p from t = r sqrt(df / (1 - r^2)), df = n - k - 2 for k covariates used. Fisher 1924, Metron 3:329. nan where the covariates
    reproduce x or y, or leave no degree of freedom.
    """
    a, b = _pair(x, y)
    _both_vary(a, b, "a partial correlation")
    table, used, dropped = _table(a, covariates)
    rest = [v - table @ np.linalg.lstsq(table, v, rcond=None)[0] for v in (a, b)]
    df = a.size - len(used) - 2
    method = f"training sets, partial correlation given {', '.join(used) or 'nothing'}, Fisher z"
    gone = any(float(np.linalg.norm(r)) < 1e-6 * float(np.linalg.norm(v - v.mean())) for r, v in zip(rest, (a, b), strict=True))
    if df < 1 or gone:
        nan = float("nan")
        return Adjusted(Estimate(nan, nan, nan, level, a.size, method), nan, used, dropped)
    r = _correlation(*rest)
    t = abs(r) * (df / max(1 - r * r, 1e-300)) ** 0.5
    variance = 1 / (df - 1) if df > 1 else float("nan")
    return Adjusted(_fisher(r, variance, level, a.size, method), 2 * float(special.stdtr(df, -t)), used, dropped)


def permutation_p(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    covariates: Covariates | None = None,
    *,
    membership: npt.ArrayLike | None = None,
    draws: int = 9999,
    seed: int = 0,
) -> float:
    """Return the two-sided permutation p of the slope of y on x, given covariates and shared domains where named.

    Freedman & Lane 1983, J. Business & Economic Statistics 1:292: residuals of y on the covariates are permuted and added back,
    the statistic is |t| of x; p = (1 + #{permuted >= observed}) / (1 + draws). With membership [n, D] all columns are first
    whitened by the fitted domain variance of the null model: sets that share domains are not exchangeable before that.
    nan where the covariates reproduce x or leave no degree of freedom.
    """
    a, b = _pair(x, y)
    _both_vary(a, b, "a permutation test")
    table, _, _ = _table(a, covariates)
    x_column = _scaled(a, True)
    if membership is not None:
        space = basis(check_membership(membership, a.size))
        if a.size > table.shape[1]:
            ratio = fit_mixed(space, table, b, 0).ratio
            root = (space.vectors / np.sqrt(1 + ratio * space.values)) @ space.vectors.T
            table, x_column, b = root @ table, root @ x_column, root @ b
    n, k = table.shape
    q, _ = np.linalg.qr(table)
    alone = x_column - q @ (q.T @ x_column)
    if n - k - 1 < 1 or float(alone @ alone) < _TINY * float(x_column @ x_column):
        return float("nan")
    alone = alone / np.linalg.norm(alone)
    rest = b - q @ (q.T @ b)
    # Of the permuted outcome only its part outside the covariates matters, so |t| is monotone in the share of it along x.
    picks = np.argsort(generator(seed, "permutation").random((draws, n)), axis=1)
    permuted = rest[picks]
    permuted = permuted - (permuted @ q) @ q.T
    shares = (permuted @ alone) ** 2 / np.maximum((permuted**2).sum(axis=1), 1e-300)
    observed = float((rest @ alone) ** 2 / max(float(rest @ rest), 1e-300))
    return float((1 + np.sum(shares >= observed * (1 - 1e-12))) / (1 + draws))


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """Return Holm's adjusted p values by name: running maximum of (m - i) p_(i), at most 1; nan stays nan and is not counted.

    Holm 1979, Scandinavian J. of Statistics 6:65. Controls the chance of any false claim among the named ones.
    """
    known = sorted((value, name) for name, value in p.items() if not np.isnan(value))
    out = dict(p)
    worst = 0.0
    for i, (value, name) in enumerate(known):
        worst = max(worst, min(1.0, (len(known) - i) * value))
        out[name] = worst
    return out


def leave_one_domain_out(
    x: npt.ArrayLike, y: npt.ArrayLike, membership: npt.ArrayLike, domains: Sequence[str], level: float = 0.95
) -> dict[str, Estimate]:
    """Return, for each domain, the mixed-model slope per SD of the full x over the training sets that hold nothing of that domain.

    nan estimate where fewer than 4 sets remain or x does not vary over them.
    """
    a, b = _pair(x, y, least=4)
    _both_vary(a, b, "a slope")
    m = check_membership(membership, a.size)
    if len(domains) != m.shape[1]:
        raise MeasureError(f"{len(domains)} domain names for a membership of {m.shape[1]} columns; expected one a column")
    scaled = _scaled(a, True)
    table: dict[str, Estimate] = {}
    for d, name in enumerate(domains):
        rows = m[:, d] == 0
        n = int(rows.sum())
        method = f"training sets without {name}, mixed model with domain effects"
        if n < 4 or not _varies(scaled[rows]):
            table[name] = Slope(float("nan"), float("nan"), 0, n).estimate(level, method)
        else:
            table[name] = fit_mixed(basis(m[rows]), np.column_stack([np.ones(n), scaled[rows]]), b[rows]).slope.estimate(
                level, method
            )
    return table


def mixed_slope(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    membership: npt.ArrayLike,
    covariates: Covariates | None = None,
    level: float = 0.95,
    *,
    standardise: bool = True,
) -> Mixed:
    """Return the slope of y on x over training sets that share domains, y = a + b x + c'z + M u + e, by REML (``stats.mixed``).

    x, y: [n], y averaged over seeds; membership: M [n, D], rows sum to 1. Dropped covariates are named. The estimate is nan where
    the covariates reproduce x or fewer than 1 degree of freedom is left.
    """
    a, b = _pair(x, y)
    _both_vary(a, b, "a slope")
    space = basis(check_membership(membership, a.size))
    table, used, dropped = _table(a, covariates)
    X = np.column_stack([_scaled(a, standardise), table])
    method = f"training sets, slope per {'SD' if standardise else 'unit'} of x, mixed model with domain effects" + (
        f" given {', '.join(used)}" if used else ""
    )
    if not least_squares(X, b, 0).df > 0:
        nan = float("nan")
        return Mixed(Slope(nan, nan, 0, a.size).estimate(level, method), nan, 0, nan, nan, used, dropped)
    fit = fit_mixed(space, X, b, 0)
    return Mixed(fit.slope.estimate(level, method), fit.slope.p(), fit.slope.df, fit.tau2**0.5, fit.sigma2**0.5, used, dropped)


def reliability(x: npt.ArrayLike, x_se: npt.ArrayLike | None) -> float:
    """Return 1 - mean(se^2) / var(x), cut at 0: the share of the variance of x that is not measurement error; 1 without errors."""
    a = finite_vector(x, "x", least=2)
    if x_se is None:
        return 1.0
    se = finite_vector(x_se, "standard errors of x")
    if se.size != a.size or float(se.min()) < 0:
        raise MeasureError(f"standard errors of x: {se.size} values, smallest {se.min():g}; expected {a.size} numbers >= 0")
    return max(0.0, 1 - float(np.mean(se**2)) / max(float(a.var(ddof=1)), 1e-300))


def attenuation(x: npt.ArrayLike, x_se: npt.ArrayLike) -> str:
    """Return one sentence on how error in x flattens slopes per standard deviation (SD) of x.

    Per unit of x, E[slope] = reliability x true slope (Fuller 1987, section 1.1). The SD of measured x is that of true x divided by
    the root of the reliability, so per SD the factor is the root of the reliability.
    """
    share = reliability(x, x_se)
    if share == 0:
        return "x varies no more than its measurement error: its reliability is 0 and no slope on it can be interpreted"
    return (
        f"x is measured with reliability {share:.3f}: slopes per SD of measured x are about {100 * share**0.5:.1f} % of those per SD of x "
        "without error"
    )


def quadratic(x: npt.ArrayLike, y: npt.ArrayLike, level: float = 0.95) -> Quadratic:
    """Return the check for a bend: y = a + b s + c s^2 in standardised s, p of c, vertex -b / (2 c) in units of x.

    A significant c alone does not make a U (Lind & Mehlum 2010): the vertex must also lie inside the range of x.
    """
    a, b = _pair(x, y, least=4)
    _both_vary(a, b, "a parabola")
    s = _scaled(a, True)
    columns = np.column_stack([s**2, s, np.ones(a.size)])
    fit = least_squares(columns, b, 0)
    linear = least_squares(columns, b, 1).value
    vertex = float(a.mean() + a.std(ddof=1) * -linear / (2 * fit.value)) if fit.df > 0 and fit.value else float("nan")
    inside = bool(a.min() < vertex < a.max())
    bent = inside and fit.p() < 1 - level
    shape: Literal["inverted U", "U", "monotone"] = "monotone" if not bent else "inverted U" if fit.value < 0 else "U"
    return Quadratic(
        fit.estimate(level, "training sets, coefficient of squared standardised x, t interval"), fit.p(), vertex, inside, shape
    )
