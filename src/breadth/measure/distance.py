"""Distance between task embeddings: the symmetric cosine distance of arXiv 1902.03545 in its scale-free form, and the asymmetric one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from breadth.errors import MeasureError
from breadth.measure import ratios

__all__ = ["asymmetric", "cosine", "cross", "pairwise", "trivial_embedding"]

# Numbers in one block of ratios: small enough for the cache, so that memory never grows as M x M x D.
BLOCK = 131_072

# Ratios (pairs x filters) up to which all of them are taken in float64, which costs less than a tenth of a second; above it most are
# taken in float32, about nine times faster.
SMALL = 2**24


def checked(h: np.ndarray, ndim: int) -> np.ndarray:
    """Return embeddings as float64 [D] or [M, D]; raises MeasureError as ``cosine`` says."""
    x = np.asarray(h, dtype=np.float64)
    if x.ndim != ndim:
        raise MeasureError(f"an embedding array has {x.ndim} dimensions; expected {ndim}")
    rows = np.atleast_2d(x)
    top = rows.max(1, initial=0.0)
    # One NaN makes the maximum NaN.
    if not np.isfinite(top).all() or x.min(initial=0.0) < 0:
        raise MeasureError("an embedding holds negative numbers, NaN or infinity; expected Fisher information")
    if not top.all():
        raise MeasureError(
            f"embedding {int(np.argmin(top))} is zero everywhere; its distances are undefined: the head is "
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
    uv, uu, vv = np.vecdot(u, v), np.vecdot(u, u), np.vecdot(v, v)
    return np.asarray(np.clip(1 - uv / np.sqrt(uu * vv), 0.0, 1.0))


def _fill(h: np.ndarray, others: np.ndarray, where: np.ndarray, out: np.ndarray) -> None:
    """Write the distances of h [D] to the rows of others [B, D] at the places ``where`` in out [B]."""
    step = max(1, BLOCK // others.shape[1])
    for i in range(0, len(where), step):
        out[where[i : i + step]] = _row(h, others[where[i : i + step]])


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Return d(a, b) = 1 - cos(a/(a+b), b/(a+b)) of two embeddings [D], between 0 and 1 (arXiv 1902.03545, section 3.3).

    No epsilon is added: coordinates where both are zero are dropped, and d does not change when both
    are multiplied by one number, however small; multiples of one embedding are at distance 0.
    Raises MeasureError for embeddings of different length, with negative or non-finite numbers, or zero everywhere.
    """
    return float(cross(np.asarray(a)[None], np.asarray(b)[None])[0, 0])


def pairwise(H: np.ndarray) -> np.ndarray:
    """Return the distances [M, M] between the embeddings H [M, D]: symmetric, float64, zero diagonal. Raises as ``cosine``.

    Of many embeddings most distances are sums in float32: within 1e-6 of ``cosine`` (in general 1e-7); those below 1e-4 and those
    of very unequal embeddings are taken in float64 like it. Memory: a few times H, and M x M.
    """
    h = checked(H, 2)
    alive = h.max(0, initial=0.0) > 0
    h = h if alive.all() else h[:, alive]
    out, doubt = np.zeros((len(h), len(h))), np.ones((len(h), len(h)), dtype=bool)
    if len(h) * (len(h) - 1) // 2 * h.shape[1] > SMALL:
        out, doubt = ratios.distances(h)
    for i in range(len(h) - 1):
        _fill(h[i], h, i + 1 + np.flatnonzero(doubt[i, i + 1 :]), out[i])
    upper = np.triu(out, 1)
    return upper + upper.T


def cross(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return the distances [MA, MB] from each of A [MA, D] to each of B [MB, D]. Precision as ``pairwise``; raises as ``cosine``."""
    a, b = checked(A, 2), checked(B, 2)
    if a.shape[1] != b.shape[1]:
        raise MeasureError(f"embeddings have {a.shape[1]} and {b.shape[1]} numbers; expected one probe for both")
    alive = np.maximum(a.max(0, initial=0.0), b.max(0, initial=0.0)) > 0
    if not alive.all():
        a, b = a[:, alive], b[:, alive]
    out, doubt = np.empty((len(a), len(b))), np.ones((len(a), len(b)), dtype=bool)
    if out.size * a.shape[1] > SMALL:
        out, doubt = ratios.distances(a, b)
    for i, h in enumerate(a):
        _fill(h, b, np.flatnonzero(doubt[i]), out[i])
    return out


def trivial_embedding(layers: Sequence[tuple[str, int]], precision: Sequence[float]) -> np.ndarray:
    """Return the embedding t0 [D] of the trivial task: one number a layer, from each layer's (name, filters) and prior precision.

    A task that tells nothing about the weights leaves them at their prior N(0, lambda^2) (arXiv 1902.03545): t0 is 1/lambda^2 of the
    layer, in the unit of the embeddings it is compared with. Its plain Fisher information would be zero, at no defined distance.
    Raises MeasureError unless there is one positive, finite number a layer.
    """
    given = np.asarray(precision, dtype=np.float64)
    if given.shape != (len(layers),) or not (np.isfinite(given) & (given > 0)).all():
        raise MeasureError(
            f"the trivial task's precisions are {given.tolist()} for {len(layers)} layers; expected one positive number a layer"
        )
    return np.repeat(given, [filters for _, filters in layers])


def asymmetric(a: np.ndarray, b: np.ndarray, trivial: np.ndarray, alpha: float = 0.15) -> float:
    """Return d(a -> b) = d(a, b) - alpha d(a, t0) of embeddings [D]: how far b is for a model trained on a (arXiv 1902.03545).

    trivial: t0, see ``trivial_embedding``. The further a is from t0, the more complex its task, and the nearer it counts to every
    other; the result may be negative. alpha: the paper's for a ResNet-34 probe, to be chosen for others. Raises as ``cosine``.
    """
    return cosine(a, b) - alpha * cosine(a, trivial)
