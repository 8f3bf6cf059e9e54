"""Squared norms of weight-gradient rows, one sample at a time: direct or by the Gram matrix of the layer's input, whichever is cheaper.

Notation (one sample, one group): U [i, l] the layer's input as columns (patches of a convolution, l positions), delta [o, l] the
gradient at its output. The gradient of filter row o is delta[o] U^T, and the embedding needs only its squared norm:

    direct   ||delta[o] U^T||^2                 cost o*l*i for each gradient
    Gram     delta[o] K delta[o]^T, K = U^T U   cost l*l*i once, then o*l*l for each gradient

K does not depend on the gradient, so it is built once an image and shared by all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

__all__ = ["Columns", "Rule", "Squares", "by_gram", "direct", "row_norms"]

# Gradient at a layer's output [n, out, ...] -> mean of the squared weight gradient inside each filter, per sample [n, out].
Squares = Callable[[Tensor], Tensor]
# (layer, its input [n, ...], how many gradients will be asked about) -> Squares.
Rule = Callable[[nn.Module, Tensor, int], Squares]
# Samples -> transposed columns U^T [samples * groups, l, i], whole or in pieces along i.
Columns = Callable[[slice], Sequence[Tensor]]


class _Product(torch.autograd.Function):
    """delta [b, o, l] times fixed [b, l, i]. Under vmap, several deltas become more rows of one product: nothing is repeated."""

    @staticmethod
    def forward(delta: Tensor, fixed: Tensor) -> Tensor:
        return torch.bmm(delta, fixed)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(info: Any, dims: tuple[int, None], delta: Tensor, fixed: Tensor) -> tuple[Tensor, int]:
        d = delta.movedim(dims[0], 1)
        product = torch.bmm(d.flatten(1, 2), fixed)
        return product.view(len(fixed), *d.shape[1:3], -1), 1


def _product(delta: Tensor, fixed: Tensor) -> Tensor:
    return cast(Tensor, _Product.apply(delta, fixed))  # type: ignore[no-untyped-call]


def by_gram(gram: Tensor, groups: int, width: int) -> Squares:
    """Squares from Gram matrices K [n * groups, l, l] of columns with ``width`` entries."""
    places = gram.shape[-1]

    def squares(delta: Tensor) -> Tensor:
        d = delta.reshape(len(gram), -1, places).to(gram.dtype)
        return (_product(d, gram).mul_(d).sum(2) / width).reshape(len(gram) // groups, -1)

    return squares


class _Onto(torch.autograd.Function):
    """Fixed [b, l, l] times delta [b, l, o]; under vmap as ``_Product``, several deltas become more columns."""

    @staticmethod
    def forward(delta: Tensor, fixed: Tensor) -> Tensor:
        return torch.bmm(fixed, delta)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def vmap(info: Any, dims: tuple[int, None], delta: Tensor, fixed: Tensor) -> tuple[Tensor, int]:
        d = delta.movedim(dims[0], 2)
        return torch.bmm(fixed, d.flatten(2)).view(*d.shape[:3], -1), 2


def _by_gram_of_places(gram: Tensor, width: int) -> Squares:
    """As ``by_gram`` for one group and gradients [n, l, out]: their own order in memory makes it a third faster than [n, out, l]."""

    def squares(delta: Tensor) -> Tensor:
        d = delta.reshape(len(gram), gram.shape[1], -1).to(gram.dtype)
        return cast(Tensor, _Onto.apply(d, gram)).mul_(d).sum(1) / width  # type: ignore[no-untyped-call]

    return squares


def direct(columns: Columns, n: int, groups: int, width: int, block: int) -> Squares:
    """Squares from transposed columns with ``width`` entries, asked for ``block`` of the n samples at a time."""

    def squares(delta: Tensor) -> Tensor:
        d = delta.reshape(n, groups, -1, delta.shape[2:].numel())
        found = []
        for start in range(0, n, block):
            part = slice(start, start + block)
            some = d[part].flatten(0, 1)
            # The norm reads the product once and keeps nothing, unlike squaring and adding up.
            kind = torch.promote_types(some.dtype, torch.float32)
            norms = [torch.linalg.vector_norm(_product(some, piece), dim=2, dtype=kind).square() for piece in columns(part)]
            found.append((sum(norms[1:], norms[0]) / width).unflatten(0, (-1, groups)).flatten(1))
        return torch.cat(found)

    return squares


def row_norms(u: Tensor, out: int, passes: int) -> Squares:
    """Squares from inputs u [n, l, i] and gradients [n, ..., out] with l places; ``passes`` is how many gradients will be asked about."""
    n, places, width = u.shape
    if places * places * (width + passes * out) < passes * out * places * width:
        return _by_gram_of_places(torch.bmm(u, u.transpose(1, 2)), width)
    squares = direct(lambda part: [u], n, 1, width, n)
    return lambda delta: squares(delta.reshape(n, places, out).transpose(1, 2))
