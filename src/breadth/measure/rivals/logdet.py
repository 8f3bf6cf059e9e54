"""Log-determinant of the similarities: the log-volume that the items span, as in determinantal point processes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import linalg

from breadth.errors import MeasureError
from breadth.measure.rivals.kernel import (
    MEMORY,
    Kernel,
    bandwidth,
    checked,
    fits,
    kernel_name,
    matrix_bytes,
    squared_distances,
    unit_rows,
)

__all__ = ["log_det"]


def log_det(
    X: npt.ArrayLike, ridge: float, kernel: Kernel = "cosine", *, sigma: float | None = None, memory: int = MEMORY
) -> float:
    """Return log det(K + ridge I) in nats for the similarities K [n, n] of items X [n, d].

    Without a ridge it is -inf as soon as items outnumber dimensions or two are equal, so ``ridge`` has no default: it decides what
    counts as volume. The value is a sum over n items, so it scales with n: compare sets of one n only. Kulesza & Taskar,
    arXiv 1207.6083. Cosine with d <= n works on d x d: det(Z Z^T + r I_n) = r^(n - d) det(Z^T Z + r I_d).
    Raises MeasureError for a ridge that is not positive, and where n x n is needed beyond ``memory`` bytes.
    """
    x = checked(X)
    kernel_name(kernel)
    if not (0 < ridge < np.inf):
        raise MeasureError(
            f"the ridge of the log-determinant is {ridge}; expected a positive number: without one it is -inf for n > d"
        )
    n, d = x.shape
    if kernel == "cosine" and d <= n:
        z = unit_rows(x)
        return float((n - d) * np.log(ridge) + np.linalg.slogdet(z.T @ z + ridge * np.eye(d))[1])
    if not fits(n, memory):
        raise MeasureError(
            f"the {n} x {n} similarities of {n} items need {matrix_bytes(n) / 2**20:,.0f} MiB; the limit is "
            f"{memory / 2**20:,.0f} MiB: compare at fewer items, or raise memory="
        )
    if kernel == "cosine":
        z = unit_rows(x)
        k = z @ z.T
    else:
        width = bandwidth(x, sigma)
        x = x - x.mean(axis=0)
        k = np.exp(-squared_distances(x, x) / (2 * width**2))
    values = linalg.eigvalsh(k)
    # Rounding may leave eigenvalues a little below zero, where a small ridge would give the logarithm of a negative number.
    return float(np.log(np.maximum(values, 0) + ridge).sum())
