"""Weights from a file that somebody else made: safetensors, or a PyTorch file of plain tensors. Nothing in a file is executed."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from breadth.errors import CheckpointError

__all__ = ["read_weights"]


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a ``.safetensors`` file, or of a PyTorch file that holds a plain state dict, by name.

    Raises CheckpointError where the file is missing, damaged, or holds anything but tensors (such a file could run code).
    """
    path = Path(path)
    if path.is_dir():
        raise CheckpointError(f"{path}: a folder; give a .safetensors file or a PyTorch state dict")
    if not path.is_file():
        raise CheckpointError(f"{path}: no such weights file; give a .safetensors file or a PyTorch state dict")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the readers let through whatever the bytes of a damaged file make them stumble over
        reason = " ".join((str(error).strip() or type(error).__name__).splitlines()[0].split())[:120]
        raise CheckpointError(
            f"{path}: not readable as plain weights ({reason}); save a state dict of tensors, best as .safetensors"
        ) from None
    if not isinstance(weights, dict) or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in weights.items()):
        raise CheckpointError(f"{path}: holds more than named tensors; save model.state_dict() alone, best as .safetensors")
    return weights
