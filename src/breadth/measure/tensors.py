"""Named arrays in one safetensors file that appears complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from breadth.errors import MeasureError

__all__ = ["read_tensors", "write_tensors"]


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write ``arrays`` and ``metadata`` to ``path``, replacing an older file; a process killed on the way leaves the older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, dict(metadata))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_tensors(path: Path, names: Iterable[str]) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return the arrays called ``names`` and the metadata. Raises MeasureError where the file is missing, damaged or lacks one."""
    if not path.is_file():
        raise MeasureError(f"no embeddings at '{path}'; expected a file that breadth wrote")
    try:
        with safe_open(path, "np") as file:
            return {name: file.get_tensor(name) for name in names}, dict(file.metadata() or {})
    except (OSError, SafetensorError) as error:
        raise MeasureError(
            f"'{path}' holds no readable embeddings ({type(error).__name__}); delete it and embed the tasks again"
        ) from None
