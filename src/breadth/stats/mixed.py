"""The mixed model of a study: a straight line whose noise is shared by training sets that share domains; and least squares.

    y = X b + M u + e,   u_d ~ N(0, tau^2),   e_s ~ N(0, sigma^2)

Unit s is a training set, row s of M [n, D] says which share of it comes from each domain (rows sum to 1), so that
V = sigma^2 (I + g M M') with the single ratio g = tau^2 / sigma^2. In the eigenbasis of M M' (computed once for a design) V is
diagonal, and every quantity below is a weighted sum over n numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.stats.interval import Estimate, t_estimate

__all__ = ["Basis", "MixedFit", "Slope", "basis", "check_membership", "fit_mixed", "least_squares", "weighted_slope"]

Floats = npt.NDArray[np.float64]
_RATIOS = np.concatenate([[0.0], np.logspace(-3, 4, 36)])


@dataclass(frozen=True)
class Slope:
    """One coefficient: value, standard error, degrees of freedom of its t statistic, n units."""

    value: float
    se: float
    df: float
    n: int

    @property
    def t(self) -> float:
        """Return value / se; ``inf`` with the sign of the value where se is 0, 0 where both are."""
        if self.se > 0:
            return self.value / self.se
        return float(np.sign(self.value)) * float("inf") if self.value else 0.0

    def p(self, side: str = "two") -> float:
        """Return the p value against 0; side: "two" (either sign) or "up" (value > 0)."""
        if not self.df > 0:
            return float("nan")
        up = float(special.stdtr(self.df, -self.t))
        return up if side == "up" else 2 * min(up, 1 - up)

    def estimate(self, level: float, method: str) -> Estimate:
        """Return the t interval at ``level``."""
        return t_estimate(self.value, self.se, self.df, level=level, n=self.n, method=method)


@dataclass(frozen=True)
class Basis:
    """Eigenbasis of M M': ``vectors`` [n, n] (columns), ``values`` [n]; zero domains' variance is ``values`` = 0."""

    vectors: Floats
    values: Floats


@dataclass(frozen=True)
class MixedFit:
    """A fitted mixed model: the slope of the asked column, all coefficients [k], tau^2, sigma^2 and their ratio."""

    slope: Slope
    coefficients: Floats
    tau2: float
    sigma2: float
    ratio: float


def check_membership(membership: npt.ArrayLike, n: int) -> Floats:
    """Return membership [n, D] as float64; ``MeasureError`` unless it has n rows of shares >= 0 that sum to 1 (within 1e-6)."""
    m = np.asarray(membership, dtype=np.float64)
    if m.ndim != 2 or m.shape[0] != n:
        raise MeasureError(f"domain membership has shape {m.shape}; expected [{n}, domains]: one row a training set")
    if not np.isfinite(m).all() or m.min(initial=0.0) < 0 or np.abs(m.sum(axis=1) - 1).max(initial=0.0) > 1e-6:
        raise MeasureError("domain membership has a row that is not a share; expected numbers >= 0 that sum to 1 in every row")
    return m


def basis(membership: Floats) -> Basis:
    """Return the eigenbasis of M M' for a checked membership [n, D]."""
    values, vectors = np.linalg.eigh(membership @ membership.T)
    return Basis(vectors, np.clip(values, 0.0, None))


def least_squares(X: Floats, y: Floats, column: int) -> Slope:
    """Return coefficient ``column`` of the ordinary least-squares fit of y [n] on X [n, k] with its t_{n - rank} error.

    The value is ``nan`` (df 0) where the column is a combination of the others or no degree of freedom is left.
    """
    n = y.size
    others = np.delete(X, column, axis=1)
    left, singular, _ = np.linalg.svd(others, full_matrices=False)
    left = left[:, singular > 1e-10 * max(float(singular.max(initial=0.0)), 1e-300)]
    x = X[:, column]
    alone = x - left @ (left.T @ x)
    power = float(alone @ alone)
    df = n - left.shape[1] - 1
    if power <= 1e-10 * float(x @ x) or df < 1:
        return Slope(float("nan"), float("nan"), 0, n)
    rest = y - left @ (left.T @ y)
    value = float(alone @ rest) / power
    error = rest - value * alone
    return Slope(value, float(np.sqrt(error @ error / df / power)), df, n)


def _profile(ratios: Floats, eigenvalues: Floats, X: Floats, y: Floats) -> Floats:
    """Return -2 x the profiled REML log likelihood, up to a constant, at each ratio (Patterson & Thompson 1971)."""
    n, k = X.shape
    weights = 1.0 / (1.0 + ratios[:, None] * eigenvalues)
    Xy = np.concatenate([X, y[:, None]], axis=1)
    products = (Xy[:, :, None] * Xy[:, None, :]).reshape(n, -1)
    gram = (weights @ products).reshape(-1, k + 1, k + 1)
    # The determinant of [X y]' W [X y] is that of X' W X times the weighted residual sum of squares.
    sign, inner = np.linalg.slogdet(gram[:, :k, :k])
    _, outer = np.linalg.slogdet(gram)
    log_rss = np.maximum(outer - inner, np.log(1e-24 * float(y @ y) + 1e-300))
    profile: Floats = (n - k) * log_rss + np.log1p(ratios[:, None] * eigenvalues).sum(axis=1) + inner
    return np.where(sign > 0, profile, np.inf)


def _best_ratio(eigenvalues: Floats, X: Floats, y: Floats) -> float:
    if float(np.ptp(eigenvalues)) <= 1e-9 * float(eigenvalues.max(initial=0.0)) or X.shape[0] - X.shape[1] < 2:
        return 0.0  # M M' is a multiple of the identity: tau and sigma cannot be told apart, and the slope does not depend on them
    ratios = _RATIOS
    for _ in range(5):
        values = _profile(ratios, eigenvalues, X, y)
        at = int(np.argmin(values))
        best = float(ratios[at])
        low, high = float(ratios[max(at - 1, 0)]), float(ratios[min(at + 1, ratios.size - 1)])
        ratios = np.linspace(low, high, 12)
    return best


def weighted_slope(space: Basis, X: Floats, y: Floats, column: int, ratio: float) -> float:
    """Return coefficient ``column`` of the generalised least-squares fit at a given ratio; ``nan`` where undefined."""
    root = 1.0 / np.sqrt(1.0 + ratio * space.values)
    coefficients, _, rank, _ = np.linalg.lstsq(root[:, None] * (space.vectors.T @ X), root * (space.vectors.T @ y), rcond=1e-10)
    return float(coefficients[column]) if rank == X.shape[1] else float("nan")


def fit_mixed(space: Basis, X: Floats, y: Floats, column: int = 1) -> MixedFit:
    """Return the REML fit of y [n] on X [n, k] (full column rank, n > k) with domain variance, and the slope of ``column``.

    Ratio by REML (Patterson & Thompson 1971, Biometrika 58:545), slope by generalised least squares, its variance with the
    small-sample term of Kenward & Roger 1997 (Biometrics 53:983) and Satterthwaite degrees of freedom 2 v^2 / (g' L g), with g the
    gradient of the variance v by (sigma^2, tau^2) and L the inverse REML information; for one coefficient this is Kenward and
    Roger's own F test. Degrees of freedom are kept within 1 .. n - k.
    """
    n, k = X.shape
    rotated, target, eigenvalues = space.vectors.T @ X, space.vectors.T @ y, space.values
    ratio = _best_ratio(eigenvalues, rotated, target)
    weights = 1.0 / (1.0 + ratio * eigenvalues)
    inverse = np.linalg.inv(rotated.T @ (weights[:, None] * rotated))
    coefficients = inverse @ (rotated.T @ (weights * target))
    residual = target - rotated @ coefficients
    sigma2 = float(residual @ (weights * residual)) / (n - k)
    value = float(coefficients[column])
    if sigma2 <= 0:
        return MixedFit(Slope(value, 0.0, n - k, n), coefficients, 0.0, 0.0, ratio)
    # Units of sigma^2 from here on: V = diag(1 / weights), derivatives of V by (sigma^2, tau^2) are diag(1) and diag(eigenvalues).
    parts = (np.ones(n), eigenvalues)
    S = [rotated.T @ ((weights**2 * a)[:, None] * rotated) for a in parts]
    Q = [[rotated.T @ ((weights**3 * a * b)[:, None] * rotated) for b in parts] for a in parts]
    information = (
        np.array(
            [
                [
                    float(np.sum(weights**2 * parts[i] * parts[j]))
                    - 2 * float(np.sum(inverse * Q[i][j]))
                    + float(np.sum((inverse @ S[i]) * (inverse @ S[j]).T))
                    for j in range(2)
                ]
                for i in range(2)
            ]
        )
        / 2
    )
    variance, df = float(inverse[column, column]), float(n - k)
    flat = information[0, 0] * information[1, 1]
    if flat > 0 and np.linalg.det(information) > 1e-9 * flat:
        L = np.linalg.inv(information)
        row = inverse[column]
        g = np.array([float(row @ S[i] @ row) for i in range(2)])
        small = sum(L[i, j] * (Q[i][j] - S[i] @ inverse @ S[j]) for i in range(2) for j in range(2))
        df = float(np.clip(2 * variance**2 / max(float(g @ L @ g), 1e-300), 1.0, n - k))
        variance += 2 * max(float(row @ small @ row), 0.0)
    return MixedFit(Slope(value, float(np.sqrt(sigma2 * variance)), df, n), coefficients, ratio * sigma2, sigma2, ratio)
