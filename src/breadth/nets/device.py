"""Where networks run: checked once, before any work."""

from __future__ import annotations

import torch

from breadth.errors import SpecError

__all__ = ["check_device"]


def check_device(device: str) -> None:
    """Raise SpecError unless ``device`` is "cpu", or "cuda" where PyTorch sees such a device."""
    if device not in ("cpu", "cuda"):
        raise SpecError(f"device '{device}' given; expected cpu or cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise SpecError(
            f"device 'cuda' given, but this PyTorch ({torch.__version__}) sees no CUDA device; use cpu, or install a CUDA build"
        )
