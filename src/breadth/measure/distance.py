"""Distance between task embeddings: the symmetric cosine distance of arXiv 1902.03545 in its scale-free form."""

from __future__ import annotations

import numpy as np

from breadth.errors import MeasureError

__all__ = ["cosine", "cross", "pairwise"]

# Numbers in one block of ratios: small enough for the cache, so that memory never grows as M x M x D.
BLOCK = 131_072


def _checked(h: np.ndarray, ndim: int) -> np.ndarray:
    x = np.asarray(h, dtype=np.float64)
    if x.ndim != ndim:
        raise MeasureError(f"an embedding array has {x.ndim} dimensions; expected {ndim}")
    if not np.isfinite(x).all() or (x < 0).any():
        raise MeasureError("an embedding holds negative numbers, NaN or infinity; expected Fisher information")
    rows = np.atleast_2d(x)
    if not rows.any(1).all():
        raise MeasureError(
            f"embedding {int(np.argmin(rows.any(1)))} is zero everywhere; its distances are undefined: the head is "
            "saturated or the probe is dead: use a larger ridge or another probe"
        )
    return x


def _row(h: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances of h [D] to each row of others [B, D], u = h/(h + g) and v = g/(h + g).

    v is not taken as 1 - u: where one Fisher is many orders smaller than the other, the difference would be rounding.
    """
    total = others + h
    if not total.all():
        # 0/0: neither task sees this filter; u = v = 0 drops it from every sum.
        total[total == 0] = np.inf
    v = others / total
    u = np.divide(h, total, out=total)
    uv, uu, vv = (np.einsum("ij,ij->i", x, y) for x, y in ((u, v), (u, u), (v, v)))
    return np.asarray(np.clip(1 - uv / np.sqrt(uu * vv), 0.0, 1.0))


def _fill(h: np.ndarray, others: np.ndarray, out: np.ndarray) -> None:
    step = max(1, BLOCK // others.shape[1])
    for i in range(0, len(others), step):
        out[i : i + step] = _row(h, others[i : i + step])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return d(a, b) = 1 - cos(a/(a+b), b/(a+b)) of two embeddings [D], between 0 and 1 (arXiv 1902.03545, section 3.3).

    No epsilon is added: coordinates where both are zero are dropped, and d does not change when both
    are multiplied by one number, however small; multiples of one embedding are at distance 0.
    Raises MeasureError for embeddings of different length, with negative or non-finite numbers, or zero everywhere.
    """
    return float(cross(np.asarray(a)[None], np.asarray(b)[None])[0, 0])


def pairwise(H: np.ndarray) -> np.ndarray:
    """Return the distances [M, M] between the embeddings H [M, D]: symmetric, float64, zero diagonal. Raises as ``cosine``."""
    h = _checked(H, 2)
    out = np.zeros((len(h), len(h)))
    for i in range(len(h) - 1):
        _fill(h[i], h[i + 1 :], out[i, i + 1 :])
    return out + out.T


def cross(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return the distances [MA, MB] from each of A [MA, D] to each of B [MB, D]. Raises as ``cosine``."""
    a, b = _checked(A, 2), _checked(B, 2)
    if a.shape[1] != b.shape[1]:
        raise MeasureError(f"embeddings have {a.shape[1]} and {b.shape[1]} numbers; expected one probe for both")
    out = np.empty((len(a), len(b)))
    for i, h in enumerate(a):
        _fill(h, b, out[i])
    return out
