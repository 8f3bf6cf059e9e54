"""How many bytes a computation needs at its peak, seen from the tensors it makes; and the chunks that follow from it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from breadth.errors import MeasureError

__all__ = ["MEMORY", "chunks", "peak_bytes", "working_set"]

# Default bytes for the working set of one chunk.
MEMORY = 1_000_000_000
# Resident bytes of a process that has done a first small pass: interpreter, torch, scipy, thread pools, kernels' scratch.
PROCESS = 560_000_000
# The share of what a pass takes that its tensors account for; the rest is scratch inside operations and gaps of the allocator.
SEEN = 0.8
LEAST = 40_000_000


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of all storages made inside that are still alive."""

    def __init__(self, known: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.alive = self.peak = 0
        self.seen = {t.untyped_storage()._cdata for t in known}

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.seen:
            return
        self.seen.add(key)
        self.alive += size
        self.peak = max(self.peak, self.alive)

        def gone() -> None:
            self.seen.discard(key)
            self.alive -= size

        weakref.finalize(storage, gone)

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._add(value.untyped_storage())
        return out


def peak_bytes(run: Callable[[], object], known: Sequence[Tensor] = ()) -> int:
    """Run ``run`` and return the most bytes that tensors made by it held at one time; ``known`` existed before and do not count.

    Scratch space inside an operation is not seen.
    """
    watch = _Watch(known)
    with watch:
        run()
    return watch.peak


def working_set(limit: int, data: int) -> int:
    """Return the bytes that a chunk may hold where the whole process is to stay within ``limit`` bytes, ``data`` of them inputs.

    What is known of the process beforehand is taken off, not what it holds now: the same call always gives the same chunks, and so the
    same bytes. Raises MeasureError where too little is left.
    """
    least = PROCESS + data + LEAST
    if limit < least:
        raise MeasureError(
            f"memory for the whole process was limited to {limit / 1e6:.0f} MB; expected at least {least / 1e6:.0f} MB "
            f"({PROCESS / 1e6:.0f} MB for the program, {data / 1e6:.0f} MB for the data): raise the limit or use fewer items"
        )
    return int(SEEN * (limit - PROCESS - data))


def chunks(n: int, size: int) -> list[slice]:
    """Return slices of n items with at most ``size`` in each, as equal as can be."""
    parts = -(-n // max(1, size))
    return [slice(n * i // parts, n * (i + 1) // parts) for i in range(parts)]
