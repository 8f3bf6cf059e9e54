"""Checkpoints: tensors (safetensors) and facts (JSON) in one folder, complete or absent at every instant.

The tensors are written first, to a file named by their hash; ``meta.json`` is then replaced in one step and names that file. A
process killed at any moment therefore leaves the old checkpoint or the new one, never a mixture. Nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load as _decode
from safetensors.torch import save as _encode
from torch import Tensor

from breadth.errors import CheckpointError

__all__ = ["exists", "load", "save"]

_META = "meta.json"
_SUFFIX = ".safetensors"


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def save(folder: Path, weights: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Write a checkpoint to ``folder`` (made if missing), replacing the one that is there.

    weights: tensors by name, any device and memory format; meta: anything JSON can hold exactly (finite numbers, strings, lists).
    Raises ValueError for a meta that holds nan or infinity, OSError where the disk refuses.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = _encode({k: v.detach().cpu().contiguous() for k, v in weights.items()})
    digest = hashlib.sha256(content).hexdigest()
    name = f"weights-{digest[:16]}{_SUFFIX}"
    text = json.dumps({"tensors": name, "sha256": digest, "meta": dict(meta)}, indent=1, allow_nan=False)
    _write(folder / name, content)
    _write(folder / _META, text.encode())
    for old in [*folder.glob(f"weights-*{_SUFFIX}"), *folder.glob(".*.tmp")]:
        if old.name != name:
            old.unlink(missing_ok=True)


def exists(folder: Path) -> bool:
    """Return whether ``folder`` holds a checkpoint (complete by construction; ``load`` says if it was damaged later)."""
    return (folder / _META).is_file()


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return ``(weights, meta)`` of the checkpoint in ``folder``, tensors on the CPU.

    Raises CheckpointError where there is none, or where a file is missing, unreadable or not the one that was written.
    """
    if not exists(folder):
        raise CheckpointError(f"no checkpoint in '{folder}': it has no {_META}; give the folder that a training run wrote")
    try:
        facts = json.loads((folder / _META).read_text())
        name, digest, meta = facts["tensors"], facts["sha256"], facts["meta"]
        path = folder / Path(name).name
        if not isinstance(meta, dict):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise CheckpointError(
            f"checkpoint '{folder / _META}' is damaged (not the JSON of a checkpoint); delete the folder to start anew"
        ) from e
    if not path.is_file():
        raise CheckpointError(f"checkpoint '{folder}' is damaged: '{path.name}' is missing; delete the folder to start anew")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise CheckpointError(
            f"checkpoint '{folder}' is damaged: '{path.name}' is not what was written (sha256 differs); "
            "delete the folder to start anew"
        )
    try:
        return _decode(content), meta
    except SafetensorError as e:
        raise CheckpointError(
            f"checkpoint '{folder}' is damaged: '{path.name}' is no safetensors file; delete the folder to start anew"
        ) from e
