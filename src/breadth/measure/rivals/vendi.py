"""Vendi scores of every order: the effective number of items, from the eigenvalues of their similarity matrix.

For similarities K [n, n] with K_ii = 1 and eigenvalues lambda of K/n (they sum to 1), the score of order q is the Hill number

    VS_q = (sum_i lambda_i^q)^(1 / (1 - q)),   VS_1 = exp(-sum_i lambda_i log lambda_i),   VS_inf = 1 / max lambda,

and VS_0 the rank (arXiv 2210.02410 for q = 1, 2310.12952 for the others). Order 2 is 1 / ||K/n||_F^2, the RKE score of
arXiv 2306.11287. 1 <= VS_q <= min(n, rank), and VS_q falls with q.

Kernels: "cosine", x.y / |x||y|, and "rbf", exp(-|x - y|^2 / (2 sigma^2)). Roads to the same eigenvalues: "primal" (n x n),
"dual" (cosine only: Z^T Z / n, d x d, for unit rows Z) and, approximately, "nystrom" from m landmark items.

Every order but 2 grows with n until n is far beyond the effective number itself: compare sets at one n (``subsample.at_size``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import linalg

from breadth.errors import MeasureError, unknown_name
from breadth.measure.rivals.kernel import (
    MEMORY,
    Floats,
    Kernel,
    bandwidth,
    checked,
    fits,
    kernel_name,
    matrix_bytes,
    slabs,
    squared_distances,
    unit_rows,
)
from breadth.seeds import generator

__all__ = ["LANDMARKS", "Method", "Spectrum", "effective_number", "rke", "spectrum", "spectrum_of", "stream", "vendi"]

Method = Literal["auto", "primal", "dual", "nystrom"]
METHODS: tuple[str, ...] = get_args(Method)
LANDMARKS = 500
EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Eigenvalues of K/n that are above rounding, falling, sum 1; n: items; how: kernel, bandwidth and road, for people."""

    values: Floats
    n: int
    how: str


def _spectrum(eigenvalues: Floats, n: int, size: int, how: str) -> Spectrum:
    """Drop what is rounding (numpy's rank convention: ``size`` eps of the largest) and make the rest sum to 1."""
    top = float(eigenvalues.max())
    kept = np.sort(eigenvalues[eigenvalues > size * EPS * top])[::-1]
    return Spectrum(kept / kept.sum(), n, how)


def spectrum_of(K: npt.ArrayLike) -> Spectrum:
    """Return the spectrum of a similarity matrix K [n, n].

    Raises MeasureError unless K is finite, symmetric, 1 on the diagonal (all to 1e-6) and positive semidefinite (no eigenvalue of
    K/n below -1e-6): for anything else the score is not a number of items.
    """
    k = np.asarray(K, dtype=np.float64)
    if k.ndim != 2 or k.shape[0] != k.shape[1] or len(k) < 2:
        raise MeasureError(f"the similarities have shape {list(k.shape)}; expected a square matrix of 2 or more items")
    if not np.isfinite(k).all():
        raise MeasureError("the similarities hold NaN or infinity; expected finite numbers")
    if float(np.abs(k - k.T).max()) > 1e-6:
        raise MeasureError("the similarities are not symmetric; expected K[i, j] = K[j, i]")
    diagonal = np.diagonal(k)
    worst = int(np.argmax(np.abs(diagonal - 1)))
    if abs(diagonal[worst] - 1) > 1e-6:
        raise MeasureError(
            f"the similarity of item {worst} with itself is {diagonal[worst]:.4g}; expected 1: divide K[i, j] by sqrt(K[i, i] K[j, j])"
        )
    values = linalg.eigvalsh((k + k.T) / (2 * len(k)))
    if values[0] < -1e-6:
        raise MeasureError(
            f"the similarities have an eigenvalue of {values[0] * len(k):.3g}; expected none below 0: "
            "use a positive semidefinite kernel, such as cosine or rbf"
        )
    return _spectrum(values, len(k), len(k), "given similarities")


def stream(batches: Iterable[npt.ArrayLike]) -> Spectrum:
    """Return the cosine spectrum of items that come in batches [b, d]; memory d x d, whatever the number of items.

    Raises MeasureError for batches of different width or fewer than two items.
    """
    total, n = np.zeros((0, 0)), 0
    for batch in batches:
        z = unit_rows(checked(batch, least=1))
        if n == 0:
            total = np.zeros((z.shape[1], z.shape[1]))
        if z.shape[1] != len(total):
            raise MeasureError(f"a batch has {z.shape[1]} features, the first had {len(total)}; expected one width")
        total += z.T @ z
        n += len(z)
    if n < 2:
        raise MeasureError(f"{n} item{'' if n == 1 else 's'}; expected at least 2: diversity is between items")
    d = len(total)
    return _spectrum(linalg.eigvalsh(total / n), n, max(n, d), f"cosine, dual ({d} x {d})")


def _nystrom(x: Floats, sigma: float | None, landmarks: int, seed: int) -> tuple[Floats, float]:
    """Return the eigenvalues of the Nystrom approximation of K/n and its trace; sigma None: cosine, x already unit rows."""

    def similarity(a: Floats, b: Floats) -> Floats:
        return a @ b.T if sigma is None else np.asarray(np.exp(-squared_distances(a, b) / (2 * sigma**2)))

    chosen = x[np.sort(generator(seed, "landmarks").choice(len(x), landmarks, replace=False))]
    values, vectors = linalg.eigh(similarity(chosen, chosen))
    kept = values > landmarks * EPS * values[-1]
    whiten = vectors[:, kept] / np.sqrt(values[kept])
    total = np.zeros((kept.sum(), kept.sum()))
    for part in slabs(len(x), landmarks):
        features = similarity(x[part], chosen) @ whiten
        total += features.T @ features
    return linalg.eigvalsh(total / len(x)), float(np.trace(total) / len(x))


def _road(method: str, kernel: str, n: int, d: int, memory: int) -> str:
    if method not in METHODS:
        raise MeasureError(unknown_name("method", method, METHODS))
    if method == "dual" and kernel != "cosine":
        raise MeasureError("the dual form was asked for with kernel 'rbf', which has no finite features; use 'primal' or 'nystrom'")
    if method == "auto":
        if kernel == "cosine" and d <= n:
            return "dual"
        return "primal" if fits(n, memory) else "nystrom"
    if method == "primal" and not fits(n, memory):
        raise MeasureError(
            f"the {n} x {n} similarities of {n} items need {matrix_bytes(n) / 2**20:,.0f} MiB; the limit is "
            f"{memory / 2**20:,.0f} MiB: use method='nystrom' (or 'dual' for cosine), or raise memory="
        )
    return method


def spectrum(
    X: npt.ArrayLike,
    kernel: Kernel = "cosine",
    *,
    sigma: float | None = None,
    method: Method = "auto",
    landmarks: int = LANDMARKS,
    seed: int = 0,
    memory: int = MEMORY,
) -> Spectrum:
    """Return the eigenvalues of K/n of items X [n, d].

    sigma: bandwidth of "rbf", None for the median distance; ``how`` records it. method: "auto" takes the dual form for cosine with
    d <= n, else the n x n matrix where it fits into ``memory`` bytes, else Nystrom. landmarks, seed: the items that Nystrom draws;
    the part of the trace that they miss is spread evenly over the values found, as the truncated score does, so that the
    approximation is of the score truncated near ``landmarks`` (arXiv 2410.21719). Raises MeasureError for features that are not
    finite, fewer than two items, rows of zeros under "cosine", and "primal" beyond ``memory``.
    """
    x = checked(X)
    kernel_name(kernel)
    n, d = x.shape
    road = _road(method, kernel, n, d, memory)
    if kernel == "cosine":
        x, width, words = unit_rows(x), None, "cosine"
    else:
        width = bandwidth(x, sigma)
        x, words = x - x.mean(axis=0), f"rbf, sigma {width:.6g}{' (median distance)' if sigma is None else ''}"
    if road == "dual":
        return _spectrum(linalg.eigvalsh(x.T @ x / n), n, max(n, d), f"{words}, dual ({d} x {d})")
    if road == "primal":
        k = x @ x.T if width is None else np.exp(-squared_distances(x, x) / (2 * width**2))
        return _spectrum(linalg.eigvalsh(k / n), n, max(n, d), f"{words}, primal ({n} x {n})")
    if landmarks < 1:
        raise MeasureError(f"Nystrom was asked for with {landmarks} landmarks; expected 1 or more")
    m = min(landmarks, n)
    values, trace = _nystrom(x, width, m, seed)
    found = _spectrum(values, n, max(n, d), "")
    spread = found.values * trace + (1 - trace) / len(found.values)
    return Spectrum(spread, n, f"{words}, Nystrom ({m} landmarks, {trace:.1%} of the trace)")


def effective_number(s: Spectrum, q: float = 1.0, *, truncate: int | None = None) -> float:
    """Return VS_q of a spectrum, 0 <= q <= inf; q = 0 counts the values above rounding (see ``Spectrum``), i.e. the rank.

    truncate: keep the ``truncate`` largest eigenvalues and spread the rest of the mass evenly over them; this converges with
    n = O(truncate) items where the full score needs many more (arXiv 2410.21719). Raises MeasureError for q outside [0, inf].
    """
    if not q >= 0:
        raise MeasureError(f"the order q is {q}; expected a number from 0 to infinity")
    lam = s.values
    if truncate is not None:
        if truncate < 1:
            raise MeasureError(f"the spectrum was to be truncated to {truncate} eigenvalues; expected 1 or more")
        lam = lam[:truncate] + lam[truncate:].sum() / truncate
    if q == 0:
        return float(len(lam))
    if q == np.inf:
        return float(1 / lam[0])
    if q == 1:
        return float(np.exp(-(lam * np.log(lam)).sum()))
    if abs(q - 1) < 0.5:
        # sum lambda^q = 1 + sum lambda (lambda^(q-1) - 1): no digits are lost as q tends to 1.
        return float(np.exp(np.log1p((lam * np.expm1((q - 1) * np.log(lam))).sum()) / (1 - q)))
    # The largest is taken out, so that high orders do not underflow.
    return float(np.exp((q * np.log(lam[0]) + np.log(((lam / lam[0]) ** q).sum())) / (1 - q)))


def vendi(
    X: npt.ArrayLike,
    q: float = 1.0,
    *,
    kernel: Kernel = "cosine",
    sigma: float | None = None,
    truncate: int | None = None,
    method: Method = "auto",
    landmarks: int = LANDMARKS,
    seed: int = 0,
    memory: int = MEMORY,
) -> float:
    """Return VS_q of items X [n, d]: ``effective_number`` of ``spectrum``, see there."""
    s = spectrum(X, kernel, sigma=sigma, method=method, landmarks=landmarks, seed=seed, memory=memory)
    return effective_number(s, q, truncate=truncate)


def rke(X: npt.ArrayLike, kernel: Kernel = "cosine", *, sigma: float | None = None) -> float:
    """Return the RKE score 1 / ||K/n||_F^2 = VS_2 of items X [n, d] without eigenvalues (arXiv 2306.11287).

    O(n^2 d) time in slabs of rows, never n x n memory; for cosine with d <= n O(n d^2) time and d x d memory. Its bias in n is
    known: E[1/RKE_n] = 1/n + (1 - 1/n) / RKE_infinity. Raises as ``spectrum``.
    """
    x = checked(X)
    kernel_name(kernel)
    n, d = x.shape
    if kernel == "cosine":
        z = unit_rows(x)
        if d <= n:
            return float(1 / np.square(z.T @ z / n).sum())
        return float(n * n / sum(np.square(z[part] @ z.T).sum() for part in slabs(n, n)))
    width = bandwidth(x, sigma)
    x = x - x.mean(axis=0)
    return float(n * n / sum(np.exp(-squared_distances(x[part], x) / width**2).sum() for part in slabs(n, n)))
