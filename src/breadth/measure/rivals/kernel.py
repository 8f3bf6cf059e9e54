"""Items as rows of features: checks, distances, the median bandwidth, and the most memory that a matrix of all pairs may take."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from breadth.errors import MeasureError, unknown_name
from breadth.seeds import generator

__all__ = [
    "MEMORY",
    "Floats",
    "Kernel",
    "bandwidth",
    "checked",
    "fits",
    "kernel_name",
    "matrix_bytes",
    "median_distance",
    "slabs",
    "squared_distances",
    "unit_rows",
]

Floats = npt.NDArray[np.float64]
Kernel = Literal["cosine", "rbf"]
KERNELS: tuple[str, ...] = get_args(Kernel)
# Bytes that a matrix of all pairs and its working copy may take: 4,096 items.
MEMORY = 2**28
# Items whose distances give the median bandwidth; of more, so many are drawn.
MEDIAN_ITEMS = 2000
# Squared distances below this part of the squared norms are rounding, so the items are taken for equal.
ROUNDING = 1e-14


def checked(X: npt.ArrayLike, least: int = 2) -> Floats:
    """Return X as float64 [n, d]. Raises MeasureError unless it has two dimensions, n >= ``least``, d >= 1 and finite numbers."""
    try:
        x = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):
        raise MeasureError("the features are not numbers; expected an array [items, features]") from None
    if x.ndim != 2 or x.shape[1] == 0:
        raise MeasureError(f"the features have shape {list(x.shape)}; expected [items, features]: one row an item")
    if len(x) < least:
        raise MeasureError(f"{len(x)} item{'' if len(x) == 1 else 's'}; expected at least {least}: diversity is between items")
    bad = ~np.isfinite(x).all(axis=1)
    if bad.any():
        raise MeasureError(f"item {int(bad.argmax())} holds NaN or infinity; expected finite features: repair or drop such items")
    return x


def kernel_name(kernel: str) -> None:
    """Raise MeasureError for a kernel that does not exist."""
    if kernel not in KERNELS:
        raise MeasureError(unknown_name("kernel", kernel, KERNELS))


def unit_rows(X: Floats) -> Floats:
    """Return the rows of X divided by their Euclidean norms. Raises MeasureError for a row of zeros."""
    largest = np.abs(X).max(axis=1, keepdims=True)
    if not largest.all():
        raise MeasureError(
            f"item {int(np.argmin(largest))} is zero everywhere; its cosine is undefined: drop it or use kernel 'rbf'"
        )
    x = X / largest
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True))


def matrix_bytes(n: int) -> int:
    """Return the bytes of an n x n matrix and one working copy."""
    return 16 * n * n


def fits(n: int, memory: int) -> bool:
    """Return whether a matrix of all pairs of n items stays within ``memory`` bytes."""
    return matrix_bytes(n) <= memory


def slabs(n: int, width: int, memory: int = 2**25) -> Iterator[slice]:
    """Yield slices of rows such that a slab of them, ``width`` numbers a row, takes about ``memory`` bytes."""
    step = max(1, memory // (8 * width))
    for i in range(0, n, step):
        yield slice(i, min(n, i + step))


def squared_distances(A: Floats, B: Floats) -> Floats:
    """Return squared Euclidean distances [a, b] of rows; what is below rounding of the norms is exactly zero.

    By |a|^2 + |b|^2 - 2 a.b: centre both on one point first, or digits are lost.
    """
    norms = np.einsum("ij,ij->i", A, A)[:, None] + np.einsum("ij,ij->i", B, B)
    out = norms - 2 * (A @ B.T)
    out[out <= ROUNDING * norms] = 0
    return np.asarray(out)


def median_distance(X: Floats) -> float:
    """Return the median Euclidean distance of two items (of 2,000 where there are more, always the same ones).

    Raises MeasureError where it is zero: more than half of the pairs are duplicates.
    """
    x = X - X.mean(axis=0)
    if len(x) > MEDIAN_ITEMS:
        x = x[generator(0, "median distance").choice(len(x), MEDIAN_ITEMS, replace=False)]
    d = float(np.sqrt(np.median(squared_distances(x, x)[np.triu_indices(len(x), 1)])))
    if not d > 0:
        raise MeasureError("the median distance of two items is 0, most are duplicates; give sigma= as a positive number")
    return d


def bandwidth(X: Floats, sigma: float | None) -> float:
    """Return sigma, or the median distance where it is None. Raises MeasureError unless it is a positive number."""
    if sigma is None:
        return median_distance(X)
    if not (0 < sigma < np.inf):
        raise MeasureError(f"sigma is {sigma}; expected a positive number, or None for the median distance")
    return float(sigma)
