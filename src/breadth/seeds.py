"""Randomness as a pure function of names: the same root and names always give the same stream.

Nothing seeds a global generator. Batch *t* of a run is drawn from ``generator(seed, "train", t)`` and episode *i* of a suite
from ``generator(seed, "episode", i)``, so no generator state has to be saved and a resumed run is bitwise the uninterrupted one.
"""

from __future__ import annotations

import hashlib
import json

import numpy as np

__all__ = ["generator", "integer"]


def _digest(root: int, names: tuple[str | int, ...]) -> bytes:
    # JSON keeps "1" and 1 apart and cannot be confused by separators inside a name.
    return hashlib.blake2b(json.dumps([int(root), *names]).encode(), digest_size=32).digest()


def generator(root: int, *names: str | int) -> np.random.Generator:
    """Return a numpy generator (PCG64) that depends on ``root`` and ``names`` only."""
    return np.random.default_rng(np.frombuffer(_digest(root, names), dtype=np.uint32))


def integer(root: int, *names: str | int) -> int:
    """Return an integer in [0, 2**63) that depends on ``root`` and ``names`` only (for ``torch.Generator().manual_seed``)."""
    return int.from_bytes(_digest(root, names)[:8], "little") >> 1
