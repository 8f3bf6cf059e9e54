"""Convolutions 3x3 with padding 1 of T tasks at once, each task with weights of its own, and their adjoints.

Layout: images [T, n, h, w, c]; results are rows [T, n h' w', o]; weights [T, o, 9 c], the nine places row by row, channels within.
Two forms of one map. By columns (every place a row of 9 c numbers, then one matrix product): the columns serve the product, the
gradient of the weights and both again for tangents, and those of the first layer every step of the inner loop. Image by image, with
PyTorch's own convolution: where stride 1 would make columns nine times as large as their image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Convolution", "shaped"]


@dataclass(frozen=True)
class Convolution:
    """From square images of ``size`` pixels and ``channels`` to ``out`` pixels a side; by columns, or image by image."""

    size: int
    channels: int
    stride: int
    columns: bool

    @property
    def out(self) -> int:
        """Pixels a side of the result."""
        return (self.size - 1) // self.stride + 1

    def keep(self, x: Tensor) -> Tensor:
        """Return what the other methods need of images x [T, n, h, w, c]: their columns [T, n h' w', 9 c], or x."""
        if not self.columns:
            return x
        tasks, n, s, out = *x.shape[:2], self.stride, self.out
        padded = F.pad(x, (0, 0, 1, 1, 1, 1))
        a, b, c, d, _ = padded.stride()
        windows = padded.as_strided((tasks, n, out, out, 3, 3 * self.channels), (a, b, s * c, s * d, c, 1))
        return windows.reshape(tasks, n * out * out, 9 * self.channels)

    def apply(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the sum over (kept, weights) of the convolutions: rows [T, n h' w', o]."""
        (kept, w), *more = pairs
        if self.columns:
            rows = torch.bmm(kept, w.mT)
            for kept, w in more:
                rows.baddbmm_(kept, w.mT)
            return rows
        each = [F.conv2d(_channels_first(x), self._kernel(k), stride=self.stride, padding=1) for x, k in zip(kept, w, strict=True)]
        rows = torch.stack([y.permute(0, 2, 3, 1).flatten(0, 2) for y in each])
        return rows.add_(self.apply(more)) if more else rows

    def weight_gradient(self, kept: Tensor, d: Tensor) -> Tensor:
        """Return the gradient [T, o, 9 c] of the weights, d [T, n h' w', o] being that of the rows."""
        if self.columns:
            return torch.bmm(d.mT, kept)
        shape = (d.shape[2], self.channels, 3, 3)
        each = [self._backward(g, _channels_first(x), shaped(shape, g), 1) for g, x in zip(d, kept, strict=True)]
        return torch.stack([g.permute(0, 2, 3, 1).reshape(len(g), -1) for g in each])

    def input_gradient(self, pairs: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
        """Return the sum over (d, weights) of the gradients [T, n, h, w, c] of the images."""
        (d, w), *more = pairs
        if self.columns:
            columns = torch.bmm(d, w)
            for d, w in more:
                columns.baddbmm_(d, w)
            return self._gathered(columns)
        n, size = d.shape[1] // self.out**2, self.size
        shape = (n, self.channels, size, size)
        each = [self._backward(g, shaped(shape, g), self._kernel(k), 0) for g, k in zip(d, w, strict=True)]
        images = torch.stack([g.permute(0, 2, 3, 1) for g in each])
        return images.add_(self.input_gradient(more)) if more else images

    def _kernel(self, w: Tensor) -> Tensor:
        return w.view(-1, 3, 3, self.channels).permute(0, 3, 1, 2)

    def _backward(self, d: Tensor, x: Tensor, kernel: Tensor, which: int) -> Tensor:
        rows = d.view(-1, self.out, self.out, d.shape[-1]).permute(0, 3, 1, 2)
        mask = [which == 0, which == 1, False]
        stride = [self.stride] * 2
        found = torch.ops.aten.convolution_backward(rows, x, kernel, None, stride, [1, 1], [1, 1], False, [0, 0], 1, mask)
        out: Tensor = found[which]
        return out

    def _gathered(self, columns: Tensor) -> Tensor:
        """Add columns [T, n h' w', 9 c] of stride 2 up at the pixels they came from: [T, n, h, w, c].

        Pixel 2 o + k - 1 is place k of window o: even pixels are place 1 of one window, odd ones place 2 of one and place 0 of the next.
        """
        assert self.stride == 2
        size, out, odd = self.size, self.out, self.size // 2
        d = columns.view(len(columns), -1, out, out, 3, 3, self.channels)
        x = d.new_empty((*d.shape[:2], size, size, self.channels))
        x[:, :, ::2, ::2] = d[:, :, :, :, 1, 1]
        right, below, corner = x[:, :, ::2, 1::2], x[:, :, 1::2, ::2], x[:, :, 1::2, 1::2]
        right.copy_(d[:, :, :, :odd, 1, 2])
        right[:, :, :, : out - 1] += d[:, :, :, 1:, 1, 0]
        below.copy_(d[:, :, :odd, :, 2, 1])
        below[:, :, : out - 1] += d[:, :, 1:, :, 0, 1]
        corner.copy_(d[:, :, :odd, :odd, 2, 2])
        corner[:, :, : out - 1] += d[:, :, 1:, :odd, 0, 2]
        corner[:, :, :, : out - 1] += d[:, :, :odd, 1:, 2, 0]
        corner[:, :, : out - 1, : out - 1] += d[:, :, 1:, 1:, 0, 0]
        return x


def _channels_first(x: Tensor) -> Tensor:
    return x.permute(0, 3, 1, 2)


def shaped(shape: tuple[int, ...], like: Tensor) -> Tensor:
    """A tensor whose shape alone is read."""
    return torch.empty(shape, dtype=like.dtype, device=like.device, memory_format=torch.channels_last)
