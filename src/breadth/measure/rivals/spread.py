"""Distances between items: the mean over pairs, the mean to the nearest neighbour, and hubness, which says when to distrust those.

All are computed in slabs of rows; no n x n matrix is kept, whatever n.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from breadth.errors import MeasureError, unknown_name
from breadth.measure.rivals.kernel import Floats, checked, slabs, squared_distances, unit_rows
from breadth.stats.interval import Estimate, t_estimate

__all__ = ["Metric", "hubness", "mean_distance", "mean_distance_estimate", "nearest_distance"]

Metric = Literal["euclidean", "cosine"]
METRICS: tuple[str, ...] = get_args(Metric)


def _prepared(X: npt.ArrayLike, metric: str, least: int = 2) -> Floats:
    x = checked(X, least)
    if metric not in METRICS:
        raise MeasureError(unknown_name("distance", metric, METRICS))
    return unit_rows(x) if metric == "cosine" else x - x.mean(axis=0)


def _from_squares(squares: Floats, metric: str) -> Floats:
    # Between unit rows |x - y|^2 = 2 (1 - cos).
    return squares / 2 if metric == "cosine" else np.sqrt(squares)


def _row_sums(x: Floats, metric: str) -> Floats:
    """Sum of the distances of each item to all others [n]; the zero distance to itself adds nothing."""
    return np.concatenate([_from_squares(squared_distances(x[part], x), metric).sum(axis=1) for part in slabs(len(x), len(x))])


def mean_distance(X: npt.ArrayLike, metric: Metric = "euclidean") -> float:
    """Return the mean distance of two different items, sum_{i != j} d_ij / (n (n - 1)) ("remote clique").

    metric: "euclidean" or "cosine", 1 - cos. Items are never paired with themselves: a mean that counts the n zeros of the diagonal
    is too small by (n - 1)/n. Unbiased at every n. High also for two tight, distant clusters.
    """
    x = _prepared(X, metric)
    return float(_row_sums(x, metric).sum() / (len(x) * (len(x) - 1)))


def mean_distance_estimate(X: npt.ArrayLike, metric: Metric = "euclidean", level: float = 0.95) -> Estimate:
    """Return ``mean_distance`` with the delete-one-item jackknife of ``stats.interval.mean_pairwise``, without keeping n x n."""
    x = _prepared(X, metric)
    n, rows = len(x), _row_sums(x, metric)
    total = float(rows.sum())
    se = float("nan")
    if n > 2:
        without = (total - 2 * rows) / ((n - 1) * (n - 2))
        se = float(np.sqrt((n - 1) / n * np.square(without - without.mean()).sum()))
    return t_estimate(total / (n * (n - 1)), se, n - 1 if n > 2 else 0, level=level, n=n, method="items, delete-one-item jackknife")


def nearest_distance(X: npt.ArrayLike, metric: Metric = "euclidean") -> float:
    """Return the mean distance of an item to its nearest other item, mean_i min_{j != i} d_ij.

    Falls with n, as n^(-1/dimension); one duplicate of each item makes it 0. Look at ``hubness`` first in high dimension.
    """
    x = _prepared(X, metric)
    nearest = np.empty(len(x))
    for part in slabs(len(x), len(x)):
        squares = squared_distances(x[part], x)
        squares[np.arange(len(squares)), np.arange(len(x))[part]] = np.inf
        nearest[part] = squares.min(axis=1)
    return float(_from_squares(nearest, metric).mean())


def hubness(X: npt.ArrayLike, k: int = 10, metric: Metric = "euclidean") -> float:
    """Return the skewness of N_k, how often an item is among the k nearest of others: E[(N_k - k)^3] / sd(N_k)^3.

    A diagnostic, not a diversity: above about 1 few items ("hubs") are neighbours of many and nearest-neighbour scores speak of
    them (Radovanovic et al. 2010, JMLR 11:2487). 0 where every item is counted equally often. Needs k < n.
    """
    x = _prepared(X, metric)
    n = len(x)
    if not 1 <= k < n:
        raise MeasureError(f"hubness was asked for {k} neighbours among {n} items; expected 1 to {n - 1}")
    counts = np.zeros(n)
    for part in slabs(n, n):
        squares = squared_distances(x[part], x)
        squares[np.arange(len(squares)), np.arange(n)[part]] = np.inf
        counts += np.bincount(np.argpartition(squares, k - 1, axis=1)[:, :k].ravel(), minlength=n)
    c = counts - k
    variance = float(np.square(c).mean())
    return float((c**3).mean() / variance**1.5) if variance > 0 else 0.0
