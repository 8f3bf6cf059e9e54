"""Correlations over training sets that share domains: intervals from a bootstrap that weights domains as well as sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

from breadth.errors import MeasureError
from breadth.seeds import generator
from breadth.stats.interval import Estimate, finite_vector, t_quantile
from breadth.stats.mixed import check_membership

__all__ = ["blocked_pearson", "blocked_spearman"]

Floats = npt.NDArray[np.float64]
_LEAST_DOMAINS = 4  # with fewer blocks, random weights of blocks say too little about their spread


def _weighted(x: Floats, y: Floats, w: Floats) -> Floats:
    """Pearson's r under each row of weights w [draws, n]: [draws]."""
    w = w / w.sum(1, keepdims=True)
    dx, dy = x - (w @ x)[:, None], y - (w @ y)[:, None]
    covariance = (w * dx * dy).sum(1)
    return np.asarray(covariance / np.sqrt((w * dx**2).sum(1) * (w * dy**2).sum(1)))


def _blocked(x: Floats, y: Floats, membership: npt.ArrayLike, level: float, draws: int, seed: int, name: str) -> Estimate:
    if float(np.ptp(x)) == 0 or float(np.ptp(y)) == 0:
        raise MeasureError("x or y is the same for all training sets; a correlation is undefined: give sets that differ")
    n = x.size
    m = check_membership(membership, n)
    domains = int(np.linalg.matrix_rank(m))
    value = float(_weighted(x, y, np.ones((1, n)))[0])
    nan = float("nan")
    if n < 4:
        return Estimate(value, nan, nan, level, n, f"training sets, {name}, no interval: {n} training sets are too few")
    if 1 < domains < _LEAST_DOMAINS:
        why = f"no interval: {domains} domains are too few, {_LEAST_DOMAINS} or more can give one"
        return Estimate(value, nan, nan, level, n, f"training sets, {name}, {why}")
    method = f"training sets, {name}, bootstrap over {'domains and sets' if domains > 1 else 'sets'}"
    if abs(value) > 1 - 1e-12:
        return Estimate(value, value, value, level, n, method)
    rng = generator(seed, "blocked bootstrap")
    shared = np.log(rng.standard_exponential((draws, m.shape[1]))) @ np.sqrt(m).T
    log_weights = np.log(rng.standard_exponential((draws, n))) + shared
    weights = np.exp(log_weights - log_weights.max(1, keepdims=True))
    z = np.arctanh(np.clip(_weighted(x, y, weights), -1 + 1e-12, 1 - 1e-12))
    half = t_quantile(0.5 + level / 2, (n if domains == 1 else min(domains, n)) - 2) * float(z.std(ddof=1))
    centre = float(np.arctanh(value))
    return Estimate(value, float(np.tanh(centre - half)), float(np.tanh(centre + half)), level, n, method)


def blocked_pearson(
    x: npt.ArrayLike, y: npt.ArrayLike, membership: npt.ArrayLike, level: float = 0.95, *, draws: int = 2000, seed: int = 0
) -> Estimate:
    """Return Pearson's r over training sets x, y [n] with shares of domains ``membership`` [n, D], rows summing to 1.

    Interval: on Fisher's z scale, r -+ t times the spread of r under random weights, degrees of freedom min(D, n) - 2, where D is the
    number of domains that tell sets apart (rank of the shares); n - 2 for D = 1. nan for n < 4, and for D = 2 or 3: so few domains
    cannot say how far r would move with others; ``method`` says so.
    The weight of a set is an exponential of its own times the product over domains d of g_d^sqrt(m_sd), g exponential. Rubin 1981,
    Annals of Statistics 9:130 (random weights); Owen & Eckles 2012, Annals of Applied Statistics 6:895 (products of weights for crossed
    factors). The root keeps the variance of log weights the same for sets of one domain and of many; without domain effects the interval
    is wider than needed.
    Raises MeasureError for unequal lengths, numbers that are not finite, no variation, or rows that are not shares.
    """
    a, b = finite_vector(x, "x", least=2), finite_vector(y, "y", least=2)
    if a.size != b.size:
        raise MeasureError(f"x has {a.size} values and y has {b.size}; expected one of each for every training set")
    return _blocked(a, b, membership, level, draws, seed, "Pearson")


def blocked_spearman(
    x: npt.ArrayLike, y: npt.ArrayLike, membership: npt.ArrayLike, level: float = 0.95, *, draws: int = 2000, seed: int = 0
) -> Estimate:
    """Return Spearman's rho, the correlation of mid-ranks, with the interval of ``blocked_pearson`` for the ranks."""
    a, b = finite_vector(x, "x", least=2), finite_vector(y, "y", least=2)
    if a.size != b.size:
        raise MeasureError(f"x has {a.size} values and y has {b.size}; expected one of each for every training set")
    return _blocked(stats.rankdata(a), stats.rankdata(b), membership, level, draws, seed, "Spearman")
