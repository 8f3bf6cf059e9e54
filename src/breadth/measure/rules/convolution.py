"""The Fisher rule of a two-dimensional convolution, for which columns (patches of the input) need not be written out.

Direct: in an image stored with its channels last, one row of a patch is contiguous. Rows are copied once for each place along the
width; the kernel's rows are then shifted views of that copy: kw instead of kh * kw copies of the input.

Gram: the products of two patches are sums of products of pixels, K[l, m] = sum_k X[l + k, m + k] with X the Gram matrix of the
pixels, which costs kh * kw times fewer multiplications than that of patches. The sum is taken along one axis after the other. With
a stride, only pixels of the same phase meet.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from breadth.measure.rules.padding import padded
from breadth.measure.rules.rows import Squares, by_gram, direct

__all__ = ["conv1d", "conv2d"]

# A number copied or added costs as much time as this many multiplications in a product of matrices; measured on a CPU with AVX-512.
MOVE = 40
# Numbers in the columns made at one time on a CPU: they stay in its cache and need not be kept from pass to pass.
BLOCK = 2_000_000
# Products with fewer columns than this are slow.
NARROW = 64


@dataclass(frozen=True)
class _Axis:
    """One axis of a convolution without padding: input length, kernel, stride, dilation."""

    length: int
    kernel: int
    stride: int
    dilation: int

    @property
    def places(self) -> int:
        return (self.length - self.dilation * (self.kernel - 1) - 1) // self.stride + 1

    def phases(self) -> dict[int, list[int]]:
        """Return phase -> where, counted in strides, the kernel's taps of that phase begin."""
        found: dict[int, list[int]] = {}
        for k in range(self.kernel):
            found.setdefault(k * self.dilation % self.stride, []).append(k * self.dilation // self.stride)
        return found

    def pixels(self, phase: int) -> int:
        return len(range(phase, self.length, self.stride))


def _gram(x: Tensor, high: _Axis, wide: _Axis) -> Tensor:
    """Return the Gram matrices [b, l, l] of the patches of x [b, c, h, w]."""
    b, ho, wo = len(x), high.places, wide.places
    total: Tensor | None = None
    for top, rows in high.phases().items():
        for left, columns in wide.phases().items():
            pixels = x[:, :, top :: high.stride, left :: wide.stride]
            hp, wp = pixels.shape[2:]
            flat = pixels.flatten(2)
            products = torch.bmm(flat.transpose(1, 2), flat).view(b, hp, wp, hp, wp)
            along_width = _added([products[:, :, k : k + wo, :, k : k + wo] for k in columns])
            found = _added([along_width[:, k : k + ho, :, k : k + ho] for k in rows])
            total = found if total is None else total.add_(found)
    assert total is not None
    return total.reshape(b, ho * wo, ho * wo)


def _added(parts: list[Tensor]) -> Tensor:
    if len(parts) == 1:
        return parts[0]
    total = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    return total


def _columns(last: Tensor, groups: int, high: _Axis, wide: _Axis, by_row: bool) -> list[Tensor]:
    """Return the transposed patches [n * groups, l, i] of an image [n, h, w, c], or their pieces for each row of the kernel."""
    n, h, w, c = last.shape
    share, line = c // groups, w * c
    shape, strides = (wide.places, wide.kernel, share), (wide.stride * c, wide.dilation * c, 1)
    if by_row:
        rows = last.as_strided((n, groups, h, *shape), (h * line, share, line, *strides), last.storage_offset())
        flat = rows.reshape(n * groups, h * wide.places, wide.kernel * share)
        starts = [k * high.dilation * wide.places for k in range(high.kernel)]
        return [flat[:, start : start + high.places * wide.places] for start in starts]
    patches = last.as_strided(
        (n, groups, high.places, shape[0], high.kernel, *shape[1:]),
        (h * line, share, high.stride * line, strides[0], high.dilation * line, *strides[1:]),
        last.storage_offset(),
    )
    return [patches.reshape(n * groups, high.places * wide.places, -1)]


def conv2d(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    assert isinstance(layer, nn.Conv2d)
    x, groups = padded(layer, x), layer.groups
    high, wide = (_Axis(*given) for given in zip(x.shape[2:], layer.kernel_size, layer.stride, layer.dilation, strict=True))
    share, rows, places = x.shape[1] // groups, layer.out_channels // groups, high.places * wide.places
    width = share * high.kernel * wide.kernel
    by_row = high.stride == 1 and wide.kernel * share >= NARROW
    copied = share * wide.kernel * wide.places * (high.length if by_row else high.kernel * high.places)
    squared = [
        ((high.pixels(p) * wide.pixels(q)) ** 2, len(a) + len(b))
        for p, a in high.phases().items()
        for q, b in wide.phases().items()
    ]
    by_direct = passes * (MOVE * copied + rows * width * places)
    once = sum(size * (share + MOVE * terms) for size, terms in squared)
    if once + passes * rows * places * places < by_direct:
        exact = x.to(torch.promote_types(x.dtype, torch.float32))
        return by_gram(_gram(exact.reshape(-1, share, *x.shape[2:]), high, wide), groups, width)
    last = x.permute(0, 2, 3, 1).contiguous()
    block = max(1, BLOCK // (copied * groups)) if x.device.type == "cpu" else len(x)
    return direct(lambda part: _columns(last[part], groups, high, wide, by_row), len(x), groups, width, block)


def conv1d(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, c, l]: a convolution of images of one row."""
    assert isinstance(layer, nn.Conv1d)
    kernel, stride, dilation = ((1, *given) for given in (layer.kernel_size, layer.stride, layer.dilation))
    # Only its shape is read, so it needs no weights.
    flat = nn.Conv2d(layer.in_channels, layer.out_channels, kernel, stride, 0, dilation, layer.groups, bias=False, device="meta")  # type: ignore[arg-type]
    squares = conv2d(flat, padded(layer, x).unsqueeze(2), passes)
    return lambda delta: squares(delta.unsqueeze(2))
