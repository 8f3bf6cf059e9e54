"""Sums of the ratios u = a/(a + b) over filters for many pairs of embeddings at once: float32 blocks that stay in the cache.

The cosine distance of arXiv 1902.03545 needs of a pair only n, S = sum u and Q = sum u^2, for v = 1 - u. With n filters kept,
uu = Q, vv = n - 2 S + Q, uv = S - Q and uu vv - uv^2 = n Q - S^2, so that

    d = 1 - uv/sqrt(uu vv) = (n Q - S^2) / (r (r + uv)),   r = sqrt(uu vv).

Dividing a filter by one number in all embeddings leaves u as it is; that brings embeddings of any unit into the range of float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = ["distances"]

# One block holds up to ROWS embeddings by FILTERS filters, of fewer embeddings more filters up to LONGEST: the block and its ratios
# fit the second-level cache, and sums of LONGEST ratios in float32 are exact enough; across blocks they are added in float64.
ROWS, FILTERS, LONGEST = 64, 2400, 4096

# The largest number of every filter becomes about 2**PEAK. Of the others, those below 2**-PEAK are too wide for float32. FLOOR
# replaces zero in denominators: 0/(0 + FLOOR) = 0 drops the filter, and x/(x + FLOOR) is exactly 1 from 2**-PEAK on.
PEAK, FLOOR = 100, 2.0**-126

# Where float32 does not suffice: a distance this near to 0, or one side's share of the squares this near to 0.
NEAR, SHARE, FAINT = 1e-4, 0.1, 1e-20


@dataclass(frozen=True)
class _Rows:
    """Scaled embeddings in ascending order of size.

    above, below: [M, D] float32 numerators and denominators' part; order: row of each in the input; size: [M] middle number;
    zero: [M, Z] 1 where it is zero, of the filters with any zero; wide: [M] whether float32 cannot hold the row.
    """

    above: Tensor
    below: Tensor
    order: np.ndarray
    size: np.ndarray
    zero: Tensor
    wide: np.ndarray


def _rows(h: np.ndarray, factor: np.ndarray, holed: np.ndarray) -> _Rows:
    x: np.ndarray = np.empty(h.shape, dtype=np.float32)
    np.multiply(h, factor, out=x, casting="same_kind")
    # Some filters tell which embedding is the larger as well as all: the order only decides which ratios are near 0, which near 1.
    size = np.asarray(np.median(x[:, :: max(1, x.shape[1] // 512)], axis=1))
    order = np.argsort(size, kind="stable")
    small = x.min() < 2.0**-PEAK
    wide = np.zeros(len(h), dtype=bool)
    if small:
        wide |= ((x < 2.0**-PEAK) & (h > 0)).any(1)
    zero = (h[:, holed] == 0).astype(np.float32)
    above = torch.from_numpy(x[order])
    return _Rows(above, above.clamp(min=FLOOR) if small else above, order, size[order], torch.from_numpy(zero[order]), wide[order])


def _sums(a: _Rows, b: _Rows, cut: np.ndarray, both: bool) -> np.ndarray:
    """Sums of u and of u^2 [2, MA, MB]: from column ``cut[i]`` on u = a/(a + b); before it u = b/(a + b), or nothing without both."""
    out = np.zeros((2, len(a.order), len(b.order)))
    step = max(FILTERS, min(LONGEST, ROWS * FILTERS // len(b.order)))
    ratios = torch.empty(ROWS * step)
    for k in range(0, a.above.shape[1], step):
        a_above, a_below = a.above[:, k : k + step], a.below[:, k : k + step]
        for j in range(0, len(b.order), ROWS):
            b_below = b.below[j : j + ROWS, k : k + step].contiguous()
            b_above = b.above[j : j + ROWS, k : k + step].contiguous()
            rows, filters = b_below.shape
            u = ratios[: rows * filters].view(rows, filters)
            u_ = u.numpy()
            sums = torch.zeros(2, len(a.order), rows)
            first, second = sums[0], sums[1].numpy()
            # Most blocks lie wholly on one side of the cut: for them no view is made that can be made once.
            numerators, first_rows, second_rows = a_above.unbind(), first.unbind(), list(second)
            for i, split in enumerate(np.clip(cut - j, 0, rows).tolist()):
                if split == 0:
                    h = numerators[i]
                    torch.add(b_below, h, out=u)
                    torch.div(h, u, out=u)
                    torch.sum(u, 1, out=first_rows[i])
                    np.vecdot(u_, u_, out=second_rows[i])
                    continue
                if split < rows:
                    part = u[split:]
                    torch.add(b_below[split:], numerators[i], out=part)
                    torch.div(numerators[i], part, out=part)
                if both:
                    part = u[:split]
                    torch.add(b_above[:split], a_below[i], out=part)
                    torch.div(b_above[:split], part, out=part)
                start = 0 if both else split
                if start < rows:
                    torch.sum(u[start:], 1, out=first[i, start:])
                    np.vecdot(u_[start:], u_[start:], out=second[i, start:])
            out[:, :, j : j + rows] += sums.numpy()
    return out


@torch.inference_mode()
def distances(a: np.ndarray, b: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances [MA, MB], and True [MA, MB] where float32 leaves one in doubt: float64 must decide.

    a: [MA, D], b: [MB, D], finite, no row zero, and no filter zero in all rows of both. Without b: the distances within a, diagonal 0.
    Elsewhere than in doubt the error is below 1e-6, in general about 1e-7.
    """
    peak = a.max(0) if b is None else np.maximum(a.max(0), b.max(0))
    # A power of two rounds nothing; the bound keeps it finite for filters below 1e-270.
    factor = np.exp2(np.minimum(PEAK - np.frexp(peak)[1], 1000).astype(float))
    holed = (a.min(0) if b is None else np.minimum(a.min(0), b.min(0))) == 0
    x = _rows(a, factor, holed)
    y = x if b is None else _rows(b, factor, holed)
    cut = np.arange(1, len(a) + 1) if b is None else np.searchsorted(y.size, x.size)
    s, q = _sums(x, y, cut, both=b is not None)
    n = a.shape[1] - (x.zero @ y.zero.T).numpy().astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        vv, uv = n - 2 * s + q, s - q
        r = np.sqrt(q * vv)
        d = np.clip((n * q - s * s) / (r * (r + uv)), 0.0, 1.0)
    doubt = ~(d >= NEAR) | (vv < SHARE * n) | (q < FAINT * n) | x.wide[:, None] | y.wide
    if b is None:
        d, doubt = np.triu(d, 1), np.triu(doubt, 1)
        d, doubt = d + d.T, doubt | doubt.T
    back = np.ix_(np.argsort(x.order), np.argsort(y.order))
    return d[back], doubt[back]
