"""Divergences between task embeddings read as Gaussians: N(0, diag(1/h)), the posterior of the weights of arXiv 1902.03545.

All are in nats, summed over filters, and do not change when a filter is multiplied by one number in both embeddings.

A zero is a weight the task says nothing about: variance 1/0. Where both embeddings are zero the filter is dropped: both leave
it at the same prior. Where one is, the divergence is infinite, and infinity is returned, not hidden: a positive ``prior`` (precision
of a Gaussian prior on each weight, in the unit of the embeddings, added to both) makes it finite.
"""

from __future__ import annotations

import numpy as np

from breadth.errors import MeasureError
from breadth.measure.distance import checked

__all__ = ["jensen_shannon", "kl", "kl_pairwise"]


def _prior(prior: float) -> float:
    if not 0 <= prior < np.inf:
        raise MeasureError(f"the prior's precision is {prior}; expected 0 or a positive number")
    return prior


def _two(a: np.ndarray, b: np.ndarray, prior: float) -> tuple[np.ndarray, np.ndarray]:
    """Both precisions, without the filters that are zero in both."""
    x, y = checked(a, 1), checked(b, 1)
    if len(x) != len(y):
        raise MeasureError(f"embeddings have {len(x)} and {len(y)} numbers; expected one probe for both")
    x, y = x + _prior(prior), y + prior
    seen = (x > 0) | (y > 0)
    return x[seen], y[seen]


def _excess(e: np.ndarray) -> np.ndarray:
    """e - log(1 + e) >= 0 for e > -1; near 0, where the difference would be rounding, by its series e^2/2 - e^3/3 + ..."""
    small = np.abs(e) < 0.01
    out = np.where(small, 0.0, e) - np.log1p(np.where(small, 0.0, e))
    s, tail = e[small], np.zeros(small.sum())
    for power in range(9, 1, -1):
        tail = (-1) ** power / power + s * tail
    out[small] = s * s * tail
    return out


def kl(a: np.ndarray, b: np.ndarray, prior: float = 0.0) -> float:
    """Return KL(N(0, 1/a) || N(0, 1/b)) = 1/2 sum(b/a - 1 - log(b/a)) of two embeddings [D], in nats; not symmetric.

    Raises MeasureError as ``distance.cosine``, and for a negative prior. Zeros: see above.
    """
    x, y = _two(a, b, prior)
    if ((x == 0) | (y == 0)).any():
        return float(np.inf)
    return float(_excess((y - x) / x).sum() / 2)


def jensen_shannon(a: np.ndarray, b: np.ndarray, prior: float = 0.0) -> float:
    """Return the mean of KL(N(0, 1/a) || m) and KL(N(0, 1/b) || m) of two embeddings [D] in nats, m the Gaussian of mean variance.

    It is 1/2 sum log((a + b)/(2 sqrt(ab))): symmetric, 0 only for a = b. m stands for the mixture of the two, for which there is no
    closed form; of all Gaussians it is the nearest to the mixture, so the value is an upper bound of the Jensen-Shannon divergence.
    The published code divides this sum by D. Raises as ``kl``.
    """
    x, y = _two(a, b, prior)
    if ((x == 0) | (y == 0)).any():
        return float(np.inf)
    # 4ab/(a+b)^2 = 1 - w^2: the left side is exact for unequal numbers, the right one for nearly equal ones.
    total = x + y
    w = (x - y) / total
    equal = np.abs(w) < 0.5
    return float(-(np.log1p(-(w[equal] ** 2)).sum() + np.log(4 * (x / total)[~equal] * (y / total)[~equal]).sum()) / 4)


def kl_pairwise(H: np.ndarray, prior: float = 0.0) -> np.ndarray:
    """Return KL(N(0, 1/H[i]) || N(0, 1/H[j])) [M, M] of embeddings H [M, D] in nats: one matrix product, no M x M x D.

    Rounding is about 1e-15 of sum(H[j]/H[i]), so that nearly equal embeddings are told apart less well than by ``kl``.
    Raises as ``kl``.
    """
    h = checked(H, 2) + _prior(prior)
    h = h[:, h.any(0)]
    # The ratio is what counts, so each filter is brought to 1 at its largest: nothing overflows that need not.
    h = h / h.max(0)
    seen = h > 0
    inverse = np.divide(1.0, h, out=np.zeros_like(h), where=seen)
    logs = np.log(h, out=np.zeros_like(h), where=seen).sum(1)
    both = seen.astype(float) @ seen.T.astype(float)
    number = seen.sum(1)
    out = np.maximum(inverse @ h.T - number + logs[:, None] - logs, 0.0) / 2
    out[(both != number) | (both != number[:, None])] = np.inf
    np.fill_diagonal(out, 0.0)
    return np.asarray(out)
