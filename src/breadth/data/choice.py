"""What many numpy generators would choose, made together: number for number that of ``Generator.choice``, at a fraction of its time.

A call of ``choice`` costs microseconds whatever it does. Here each generator is asked once, for raw numbers, and what is made of them
is made for all at once: a number below n by Lemire's multiplication (arXiv 1805.10941), a set of them by Floyd's sampling (CACM 30,
1987), its order by a Fisher-Yates shuffle.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["Choices"]

_WORD = np.uint64(32)
# Larger sets, of which more than a fiftieth is taken, numpy shuffles as a whole.
_FLOYD = 10_000


class Choices:
    """The next numbers of ``generators``, fresh PCG64 ones, up to ``most`` of them each.

    odd: [generators] True where numpy would have done something else than is done here (a number rejected and drawn again, about one
    in a million; a large set shuffled as a whole): what was made for that generator means nothing.
    """

    def __init__(self, generators: Sequence[np.random.Generator], most: int) -> None:
        raw = np.stack([g.bit_generator.random_raw((most + 1) // 2) for g in generators])
        # Of 64 random bits, numpy gives the lower half first.
        self._words = raw.astype("<u8", copy=False).view("<u4").astype(np.uint64).reshape(-1)
        self._next = np.arange(len(raw)) * 2 * raw.shape[1]
        self._lanes = np.arange(len(raw))
        self.odd = np.zeros(len(raw), bool)

    def below(self, n: np.ndarray) -> np.ndarray:
        """Return a number in 0 .. n-1 of each generator, n [generators] from 1 up; for n = 1 none is drawn."""
        limit = n.astype(np.uint64)
        product = self._words[self._next] * limit
        low = product & np.uint64(0xFFFFFFFF)
        near = low < limit
        if near.any():
            self.odd |= near & (low < (np.uint64(1 << 32) - limit) % limit) & (n > 1)
        self._next += n > 1
        out: np.ndarray = (product >> _WORD).astype(np.int64)
        return out

    def choice(self, n: np.ndarray, size: int) -> np.ndarray:
        """Return [generators, size], ``choice(n, size, replace=False)`` of each; n [generators] from ``size`` up."""
        self.odd |= (n > _FLOYD) & (size > n // 50)
        out = np.empty((size, len(n)), np.int64)
        for k in range(size):
            top = n - size + k
            drawn = self.below(top + 1)
            out[k] = np.where((out[:k] == drawn).any(0), top, drawn)
        for k in range(size - 1, 0, -1):
            other = self.below(np.full(len(n), k + 1))
            out[k], out[other, self._lanes] = out[other, self._lanes], out[k].copy()
        return out.T
