"""Magnitude of a metric space: the effective number of points at each scale of distance, and the area under that curve.

For Euclidean distances D and Z = exp(-t D), Mag(t) = 1^T Z^-1 1: 1 as t -> 0 (all points look alike), the number of distinct
points as t -> infinity (arXiv 2311.16054). Duplicates make Z singular; magnitude does not change when they are merged, so they are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from breadth.errors import MeasureError
from breadth.measure.rivals.kernel import MEMORY, Floats, checked, fits, matrix_bytes, squared_distances
from breadth.stats.interval import finite_vector

__all__ = ["convergence_scale", "magnitude", "magnitude_area", "magnitude_of"]


def _refuse_large(n: int, memory: int) -> None:
    if not fits(n, memory):
        raise MeasureError(
            f"the magnitude of {n} points needs {matrix_bytes(n) / 2**20:,.0f} MiB; the limit is {memory / 2**20:,.0f} MiB: "
            "compare at fewer items, or raise memory="
        )


def _merged(d: Floats) -> Floats:
    """The distances without all but the first of points at distance zero."""
    same = np.triu(d == 0, 1).any(axis=0)
    return np.asarray(d[np.ix_(~same, ~same)])


def _distances(X: npt.ArrayLike, memory: int) -> Floats:
    x = np.unique(checked(X), axis=0)
    _refuse_large(len(x), memory)
    x = x - x.mean(axis=0)
    # Points nearer than the rounding of their distance are at distance zero, though not equal.
    return _merged(np.sqrt(squared_distances(x, x)))


def _at(d: Floats, t: float) -> float:
    try:
        factor = linalg.cho_factor(np.exp(-t * d), lower=True, overwrite_a=True)
    except linalg.LinAlgError:
        raise MeasureError(
            f"exp(-t D) is not positive definite at scale t = {t:.3g}: points are too near each other for double precision, or the "
            "distances are not of negative type; use a larger t, merge near-duplicates, or use Euclidean distances"
        ) from None
    return float(linalg.cho_solve(factor, np.ones(len(d))).sum())


def _scales(scales: npt.ArrayLike) -> Floats:
    t = finite_vector(scales, "the list of scales")
    if not (t > 0).all():
        raise MeasureError(f"a scale of magnitude is {t.min():g}; expected positive numbers, e.g. 1 / median distance")
    return t


def magnitude(X: npt.ArrayLike, scales: npt.ArrayLike, *, memory: int = MEMORY) -> Floats:
    """Return Mag(t) of items X [n, d] for each of scales t [s] (1 / distance). O(n^3) a scale.

    Raises MeasureError for a scale that is not positive, for Z that is singular in double precision, and beyond ``memory`` bytes.
    """
    t = _scales(scales)
    d = _distances(X, memory)
    return np.array([_at(d, float(s)) for s in t])


def magnitude_of(D: npt.ArrayLike, scales: npt.ArrayLike) -> Floats:
    """Return Mag(t) from distances D [n, n] for each of scales t [s]; points at distance 0 count as one.

    Raises MeasureError unless D is finite, symmetric, not negative and zero on the diagonal, and as ``magnitude``.
    """
    d, t = np.asarray(D, dtype=np.float64), _scales(scales)
    if d.ndim != 2 or d.shape[0] != d.shape[1] or len(d) < 2:
        raise MeasureError(f"the distances have shape {list(d.shape)}; expected a square matrix of 2 or more items")
    if not np.isfinite(d).all() or (d < 0).any():
        raise MeasureError("the distances hold negative numbers, NaN or infinity; expected finite numbers from 0")
    if np.diagonal(d).any() or not np.allclose(d, d.T, rtol=1e-6, atol=0):
        raise MeasureError("the distances are not symmetric with zeros on the diagonal; expected D[i, j] = D[j, i] and D[i, i] = 0")
    d = _merged(d)
    return np.array([_at(d, float(s)) for s in t])


def magnitude_area(scales: npt.ArrayLike, values: npt.ArrayLike) -> float:
    """Return the area under Mag(t), values [s] at rising scales [s >= 2], by the trapezoid rule over their range: the mean magnitude.

    To compare sets give all of them one grid; arXiv 2311.16054 ends it at a common ``convergence_scale``.
    Raises MeasureError for scales that do not rise, or of another number than the values.
    """
    t, m = _scales(scales), finite_vector(values, "the list of magnitudes")
    if len(t) < 2 or len(m) != len(t) or not (np.diff(t) > 0).all():
        raise MeasureError(
            f"an area under {len(m)} magnitudes at {len(t)} scales; expected two or more rising scales, one value each"
        )
    return float(np.trapezoid(m, t) / (t[-1] - t[0]))


def convergence_scale(X: npt.ArrayLike, fraction: float = 0.95, *, memory: int = MEMORY) -> float:
    """Return the scale t where Mag(t) reaches ``fraction`` of the number of distinct items, to 0.1 % (arXiv 2311.16054).

    Raises MeasureError for a fraction outside (0, 1), and where one distinct item is left.
    """
    if not 0 < fraction < 1:
        raise MeasureError(f"the fraction of the magnitude is {fraction:g}; expected a number between 0 and 1, e.g. 0.95")
    d = _distances(X, memory)
    if len(d) < 2:
        raise MeasureError("all items are equal; expected two distinct ones: the magnitude is 1 at every scale")
    target = max(fraction * len(d), 1.0)
    high = float(1 / np.median(d[np.triu_indices(len(d), 1)]))
    while _at(d, high) < target:
        high *= 2
    low = high / 2
    while _at(d, low) > target:
        low /= 2
    while high > 1.001 * low:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _at(d, middle) < target else (low, middle)
    return high
