"""How strong an unmeasured confounder would have to be to undo a slope: partial R^2, robustness values, bounds by recorded covariates.

After Cinelli & Hazlett 2020, "Making sense of sensitivity: extending omitted variable bias", JRSS-B 82:39 (sections 3.2, 4.1 to 4.4).
For y = b x + c'Z + g u + e with a confounder u that nobody recorded, the fit without u is off by

    |bias| = se sqrt(df) sqrt(R2_y R2_x / (1 - R2_x)),    R2_x = R2(x ~ u | Z),   R2_y = R2(y ~ u | x, Z)

where se and df are those of the fit without u: two shares say everything that matters about u, whatever else it is.

The algebra is that of least squares. It holds for the mixed slope of a study, too, with the domain variance ratio held at its fitted value:
generalised least squares is least squares on columns whitened by that ratio, and all shares are then of whitened columns. It does not hold
for rank correlations, and not exactly where a study with u would estimate another ratio.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.stats.association import Covariates, independent_columns
from breadth.stats.interval import finite_vector
from breadth.stats.mixed import Slope, basis, check_membership, fit_mixed, least_squares

__all__ = ["Benchmark", "Sensitivity", "bias", "bound", "partial_r2", "robustness_value", "sensitivity"]

Floats = npt.NDArray[np.float64]
_NAN = float("nan")


@dataclass(frozen=True)
class Benchmark:
    """A recorded covariate as a yardstick.

    with_x: share it explains of what the other covariates leave of x; with_y: of what they and x leave of y; left: the slope that a
    confounder as strong as it would leave at the worst, nan where it is so near to x that no such confounder can be bounded.
    """

    name: str
    with_x: float
    with_y: float
    left: float

    @property
    def undoes(self) -> bool | None:
        """Whether one as strong would bring the slope to 0 or beyond; None where that cannot be bounded."""
        return None if math.isnan(self.left) else self.left <= 0


@dataclass(frozen=True)
class Sensitivity:
    """A slope per SD of x and how strong a confounder would undo it; every share between 0 and 1, nan where nothing is estimated.

    slope: value, standard error and n - k degrees of freedom of (whitened) least squares; partial_r2: share of y that x explains given
    the covariates; robustness: share of both x and y that a confounder must explain to bring the slope to 0; robustness_alpha: so
    that its interval at 1 - alpha reaches 0; benchmarks: the covariates used, the strongest first.
    """

    slope: Slope
    partial_r2: float
    robustness: float
    robustness_alpha: float
    alpha: float
    benchmarks: tuple[Benchmark, ...]


def partial_r2(t: float, df: float) -> float:
    """Return R2(y ~ x | Z) = t^2 / (t^2 + df) of a coefficient with this t (section 4.4)."""
    _check(df)
    return t * t / (t * t + df)


def robustness_value(t: float, df: float, q: float = 1.0, alpha: float | None = None) -> float:
    """Return RV_q, or with ``alpha`` RV_{q, alpha}: the share of x and of y that a confounder must explain, both alike.

    It takes the share q of the estimate away; with ``alpha`` it moves the interval at 1 - alpha so far that it holds the estimate
    reduced by q. With f = q |t| / sqrt(df): RV_q = (sqrt(f^4 + 4 f^2) - f^2) / 2. With alpha, f less the critical
    |t*_{alpha, df - 1}| / sqrt(df - 1) takes its place; 0 where that is negative (section 4.3). Where the confounder that does most harm
    explains more of y than of x, so that equal shares bind only from below, it is (f^2 - f*^2) / (1 + f^2).
    """
    _check(df)
    if not q > 0:
        raise MeasureError(f"q is {q:g}; expected a share above 0 of the estimate, 1 for all of it")
    if alpha is None:
        return _robustness(q * abs(t) / math.sqrt(df), 0.0)
    if not 0 < alpha < 1:
        raise MeasureError(f"alpha is {alpha:g}; expected a probability between 0 and 1, e.g. 0.05")
    return _NAN if df <= 1 else _robustness(q * abs(t) / math.sqrt(df), _critical(alpha, df))


def _check(df: float) -> None:
    if not df > 0:
        raise MeasureError(f"{df:g} degrees of freedom; expected a number above 0")


def _critical(alpha: float, df: float) -> float:
    return float(-special.stdtrit(df - 1, alpha / 2)) / math.sqrt(df - 1)


def _robustness(f: float, critical: float) -> float:
    above = f - critical
    if above <= 0:
        return 0.0
    if math.isinf(f):
        return 1.0
    if critical > 0 and f >= 1 / critical:
        return (f * f - critical * critical) / (1 + f * f)
    # The same as (sqrt(a^4 + 4 a^2) - a^2) / 2 without the difference of two large numbers.
    return 2 / (1 + math.sqrt(1 + 4 / above**2))


def bias(se: float, df: float, r2_x: float, r2_y: float) -> float:
    """Return the largest |bias| of a slope that a confounder with these shares of what is left of x and of y makes (section 3.2)."""
    if not (0 <= r2_x < 1 and 0 <= r2_y <= 1):
        raise MeasureError(f"shares {r2_x:g} of x and {r2_y:g} of y; expected 0 <= share of x < 1 and 0 <= share of y <= 1")
    return se * math.sqrt(df * r2_y * r2_x / (1 - r2_x))


def bound(with_x: float, with_y: float, times: float = 1.0) -> tuple[float, float] | None:
    """Return the largest shares of x and of y of a confounder ``times`` as strong as a covariate with these shares (section 4.4).

    None where no confounder can be that strong: it would explain all of x, or more.
    """
    if with_x >= 1 or times * with_x >= 1 - with_x:
        return None
    r2_x = times * with_x / (1 - with_x)
    # How far the confounder, given x, must move with the covariate though it does not without x.
    tied = times * with_x**2 / ((1 - times * with_x) * (1 - with_x))
    if tied >= 1:
        return None
    eta = (times**0.5 + tied**0.5) / (1 - tied) ** 0.5
    return r2_x, 1.0 if with_y >= 1 else min(1.0, eta**2 * with_y / (1 - with_y))


def _left(slope: Slope, with_x: float, with_y: float) -> float:
    shares = bound(with_x, with_y)
    return _NAN if shares is None else abs(slope.value) - bias(slope.se, slope.df, *shares)


def _share(slope: Slope) -> float:
    return 1.0 if math.isinf(slope.t) else partial_r2(slope.t, slope.df)


def sensitivity(
    x: npt.ArrayLike,
    y: npt.ArrayLike,
    covariates: Covariates | None = None,
    *,
    membership: npt.ArrayLike | None = None,
    alpha: float = 0.05,
) -> Sensitivity:
    """Return how sensitive the slope of y on x [n] given covariates by name ([n] each) is to a confounder that was not recorded.

    Least squares; with ``membership`` [n, D] (rows sum to 1) on columns whitened by the fitted ratio of the mixed model. There
    ``robustness_alpha`` takes the half-width of the mixed slope's own interval (Kenward and Roger), so that it is 0 exactly where
    that interval holds 0; it does not charge the degree of freedom that recording the confounder would cost. All nan where
    covariates reproduce x or leave fewer than 2 degrees of freedom. ``Benchmark.left`` is in the slope's direction.
    """
    a, b = finite_vector(x, "x", least=3), finite_vector(y, "y", least=3)
    if a.size != b.size:
        raise MeasureError(f"x has {a.size} values and y has {b.size}; expected one of each for every training set")
    columns = {name: finite_vector(v, f"covariate '{name}'") for name, v in (covariates or {}).items()}
    for name, values in columns.items():
        if values.size != a.size:
            raise MeasureError(f"covariate '{name}' has {values.size} values; expected {a.size}, one a training set")
    names, _ = independent_columns(columns)
    if float(np.ptp(a)) <= 1e-12 * float(np.abs(a).max()):
        raise MeasureError(f"x is {a[0]:g} for all {a.size} training sets; a slope is undefined: give sets that differ")
    X = np.column_stack([np.ones(a.size), *((v - v.mean()) / v.std(ddof=1) for v in (a, *(columns[name] for name in names)))])
    target = b - b.mean()
    slope = least_squares(X, target, 1)
    if slope.df < 2:
        return Sensitivity(Slope(_NAN, _NAN, 0, a.size), _NAN, _NAN, _NAN, alpha, ())
    critical = _critical(alpha, slope.df)
    if membership is not None:
        space = basis(check_membership(membership, a.size))
        fit = fit_mixed(space, X, target, 1)
        root = (space.vectors / np.sqrt(1 + fit.ratio * space.values)) @ space.vectors.T
        X, target = root @ X, root @ target
        slope = least_squares(X, target, 1)
        # What the interval reaches with, in units of the slope's own f: its half-width is t* se.
        reach = float(-special.stdtrit(fit.slope.df, alpha / 2)) * fit.slope.se
        critical = reach / (slope.se * slope.df**0.5) if slope.se > 0 else critical
    f = _share(slope)
    found = []
    for j, name in enumerate(names, 2):
        others = np.delete(X, 1, axis=1)
        with_x = _share(least_squares(others, X[:, 1], j - 1))
        with_y = _share(least_squares(X, target, j))
        found.append(Benchmark(name, with_x, with_y, _left(slope, with_x, with_y)))
    found.sort(key=lambda m: (not math.isnan(m.left), m.left))
    effect = abs(slope.t) / slope.df**0.5
    return Sensitivity(slope, f, _robustness(effect, 0.0), _robustness(effect, critical), alpha, tuple(found))
