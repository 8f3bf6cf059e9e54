"""Named arrays in one safetensors file that appears complete or not at all."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from breadth.errors import MeasureError

__all__ = ["read_tensors", "write_tensors"]


def _seal(arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> str:
    """SHA-256 of all arrays and all metadata: safetensors itself would not notice a changed byte."""
    sha = hashlib.sha256(repr(sorted(metadata.items())).encode())
    for name, array in sorted(arrays.items()):
        sha.update(f"{name}{array.dtype.str}{array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write ``arrays`` and ``metadata`` to ``path``, replacing an older file; a process killed on the way leaves the older one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    data = save(whole, {**metadata, "seal": _seal(whole, metadata)})
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
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no dict
            metadata = dict(file.metadata() or {})
        if metadata.pop("seal", "") != _seal(arrays, metadata):
            raise ValueError("seal")
        return {name: arrays[name] for name in names}, metadata
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise MeasureError(
            f"'{path}' holds no readable embeddings ({type(error).__name__}); delete it and embed the tasks again"
        ) from None
