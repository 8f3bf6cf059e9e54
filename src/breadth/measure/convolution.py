"""The Fisher rule of a two-dimensional convolution: its input as columns, then row norms."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from breadth.errors import MeasureError
from breadth.measure.rows import Squares, row_norms

__all__ = ["conv2d"]


def conv2d(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    assert isinstance(layer, nn.Conv2d)
    if layer.padding_mode != "zeros":
        raise MeasureError(f"a convolution with padding_mode '{layer.padding_mode}' has no Fisher rule; expected 'zeros'")
    kernel, stride, dilation = layer.kernel_size, layer.stride, layer.dilation
    if layer.padding == "same":
        (top, left), (high, wide) = [
            [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)],
            [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)],
        ]
        x, padding = functional.pad(x, (left, wide - left, top, high - top)), (0, 0)
    else:
        padding = (0, 0) if isinstance(layer.padding, str) else (layer.padding[0], layer.padding[1])
    if kernel == (1, 1) and padding == (0, 0):
        columns = x[:, :, :: stride[0], :: stride[1]].flatten(2)
    else:
        columns = functional.unfold(x, kernel, dilation, padding, stride)
    # unfold lists all kernel places of channel 0, then of channel 1, ...: the channels of one group stay together.
    return row_norms(columns.reshape(len(x), layer.groups, -1, columns.shape[2]), layer.out_channels, passes)
