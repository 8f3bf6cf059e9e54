"""The distance of the published code, for embeddings of its estimator: with an absolute epsilon, so that its unit matters."""

from __future__ import annotations

import numpy as np

from breadth.errors import MeasureError

__all__ = ["EPS", "published_cross", "published_pairwise"]

EPS = 1e-8


def _checked(H: np.ndarray) -> np.ndarray:
    h = np.asarray(H, dtype=np.float64)
    if not h.any(1).all():
        raise MeasureError(f"embedding {int(np.argmin(h.any(1)))} is zero everywhere; its distances are undefined: use more draws")
    return h


def _row(h: np.ndarray, others: np.ndarray, eps: float) -> np.ndarray:
    total = h + others + eps
    u, v = h / total, others / total
    return np.asarray(1 - (u * v).sum(1) / np.sqrt((u * u).sum(1) * (v * v).sum(1)))


def published_pairwise(H: np.ndarray, eps: float = EPS) -> np.ndarray:
    """Return the published distances [M, M] of embeddings H [M, D]: 1 - cos(a/(a + b + eps), b/(a + b + eps)), zero diagonal.

    Only for embeddings of ``awslabs_fisher``: eps is absolute, so that multiplying all embeddings by one number changes the
    distances, and entries far below it hardly count. ``pairwise`` has no eps. (The published coefficient is the mean of the pairs whose
    distance is not zero.) Raises MeasureError for an embedding that is zero everywhere.
    """
    h = _checked(H)
    out = np.zeros((len(h), len(h)))
    for i in range(len(h) - 1):
        out[i, i + 1 :] = _row(h[i], h[i + 1 :], eps)
    return out + out.T


def published_cross(A: np.ndarray, B: np.ndarray, eps: float = EPS) -> np.ndarray:
    """Return the published distances [MA, MB] from each of A [MA, D] to each of B [MB, D]. Raises as ``published_pairwise``."""
    others = _checked(B)
    return np.stack([_row(h, others, eps) for h in _checked(A)])
