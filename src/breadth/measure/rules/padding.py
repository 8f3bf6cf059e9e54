"""The input of a convolution with the padding that the layer itself would add."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

__all__ = ["padded"]


def padded(layer: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
    """Return the input of ``layer`` padded as the layer does it; "same" pads less before than after where it cannot be even."""
    sides: list[int] = []
    for axis, (kernel, dilation) in enumerate(zip(layer.kernel_size, layer.dilation, strict=True)):
        if layer.padding == "same":
            total = dilation * (kernel - 1)
            pair = [total // 2, total - total // 2]
        else:
            pair = [0, 0] if isinstance(layer.padding, str) else [layer.padding[axis]] * 2
        sides = pair + sides  # functional.pad wants the last axis first
    if not any(sides):
        return x
    return functional.pad(x, sides, mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode)
