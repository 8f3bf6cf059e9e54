"""Squared norms of weight-gradient rows, one sample at a time: direct or by the Gram matrix of the layer's input, whichever is cheaper.

Notation (one sample, one group): U [i, l] the layer's input as columns (patches of a convolution, l positions), delta [o, l] the
gradient at its output. The gradient of filter row o is delta[o] U^T, and the embedding needs only its squared norm:

    direct   ||delta[o] U^T||^2                 cost o*l*i for each gradient
    Gram     delta[o] K delta[o]^T, K = U^T U   cost l*l*i once, then o*l*l for each gradient

K does not depend on the gradient, so it is built once an image and shared by all of them.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

__all__ = ["Rule", "Squares", "row_norms"]

# Gradient at a layer's output [n, out, ...] -> mean of the squared weight gradient inside each filter, per sample [n, out].
Squares = Callable[[Tensor], Tensor]
# (layer, its input [n, ...], how many gradients will be asked about) -> Squares.
Rule = Callable[[nn.Module, Tensor, int], Squares]


def row_norms(columns: Tensor, out: int, passes: int) -> Squares:
    """Squares of ``delta U^T`` from columns U [n, groups, i, l]; ``passes`` is how many gradients will be asked about."""
    n, groups, width, places = columns.shape
    rows = out // groups
    u = columns.reshape(n * groups, width, places)
    if places * places * (width + passes * rows) < passes * rows * places * width:
        gram = torch.bmm(u.transpose(1, 2), u)

        def by_gram(delta: Tensor) -> Tensor:
            d = delta.reshape(n * groups, rows, places)
            return (torch.bmm(d, gram).mul_(d).sum(2) / width).reshape(n, out)

        return by_gram

    def direct(delta: Tensor) -> Tensor:
        gradient = torch.bmm(delta.reshape(n * groups, rows, places), u.transpose(1, 2))
        return gradient.square_().mean(2).reshape(n, out)

    return direct
