"""Convolutions that pad with other than zeros, and those on one axis: as a plain two-dimensional one on a padded input."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from breadth.measure.convolution import conv2d
from breadth.measure.rows import Squares

__all__ = ["conv1d", "padded_conv2d"]


def _padded(layer: nn.Conv1d | nn.Conv2d, x: Tensor) -> Tensor:
    """Return the input of ``layer`` padded as the layer does it; "same" pads less before than after where it cannot be even."""
    sides: list[int] = []
    for axis, (kernel, dilation) in enumerate(zip(layer.kernel_size, layer.dilation, strict=True)):
        if layer.padding == "same":
            total = dilation * (kernel - 1)
            pair = [total // 2, total - total // 2]
        else:
            pair = [0, 0] if isinstance(layer.padding, str) else [layer.padding[axis]] * 2
        sides = pair + sides  # functional.pad wants the last axis first
    return functional.pad(x, sides, mode="constant" if layer.padding_mode == "zeros" else layer.padding_mode)


def _plain(layer: nn.Conv1d | nn.Conv2d) -> nn.Conv2d:
    """Return a convolution without padding and without weights whose rule is that of ``layer``."""
    kernel, stride, dilation = [
        (1, *given) if len(given) == 1 else given for given in (layer.kernel_size, layer.stride, layer.dilation)
    ]
    return nn.Conv2d(layer.in_channels, layer.out_channels, kernel, stride, 0, dilation, layer.groups, bias=False, device="meta")  # type: ignore[arg-type]


def padded_conv2d(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, c, h, w]; padding by zeros, "reflect", "replicate" or "circular"."""
    assert isinstance(layer, nn.Conv2d)
    if layer.padding_mode == "zeros":
        return conv2d(layer, x, passes)
    return conv2d(_plain(layer), _padded(layer, x), passes)


def conv1d(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, c, l]; any padding."""
    assert isinstance(layer, nn.Conv1d)
    squares = conv2d(_plain(layer), _padded(layer, x).unsqueeze(2), passes)
    return lambda delta: squares(delta.unsqueeze(2))
