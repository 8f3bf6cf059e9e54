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

__all__ = ["convergence_scale", "magnitude", "magnitude_area"]


def _distances(X: npt.ArrayLike, memory: int) -> Floats:
    x = np.unique(checked(X), axis=0)
    if not fits(len(x), memory):
        raise MeasureError(
            f"the magnitude of {len(x)} points needs {matrix_bytes(len(x)) / 2**20:,.0f} MiB; the limit is "
            f"{memory / 2**20:,.0f} MiB: compare at fewer items, or raise memory="
        )
    x = x - x.mean(axis=0)
    d = np.sqrt(squared_distances(x, x))
    # Points nearer than rounding of the distance are one point: the first of each group stays.
    same = np.triu(d == 0, 1).any(axis=0)
    return np.asarray(d[np.ix_(~same, ~same)])


def _at(d: Floats, t: float) -> float:
    try:
        factor = linalg.cho_factor(np.exp(-t * d), lower=True, overwrite_a=True)
    except linalg.LinAlgError:
        raise MeasureError(
            f"exp(-t D) cannot be inverted at scale t = {t:.3g}: the points are too near each other for double precision; "
            "use a larger t, or merge near-duplicates"
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
