"""One rule a layer type: the mean squared weight gradient inside each filter, from a layer's input and the gradient at its output.

Notation (one sample, one group): U [i, l] the layer's input as columns (patches of a convolution, l positions), delta [o, l] the
gradient at its output. The gradient of filter row o is delta[o] U^T, and the embedding needs only its squared norm:

    direct   ||delta[o] U^T||^2                 cost o*l*i for each gradient
    Gram     delta[o] K delta[o]^T, K = U^T U   cost l*l*i once, then o*l*l for each gradient

K does not depend on the gradient, so it is built once an image and shared by all of them; the cheaper form is taken layer by layer.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from breadth.errors import MeasureError

__all__ = ["RULES", "Squares", "rule_for", "units"]

# Gradient at a layer's output [n, out, ...] -> mean of the squared weight gradient inside each filter, per sample [n, out].
Squares = Callable[[Tensor], Tensor]
Rule = Callable[[nn.Module, Tensor, int], Squares]


def _row_norms(columns: Tensor, out: int, passes: int) -> Squares:
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


def _conv2d(layer: nn.Module, x: Tensor, passes: int) -> Squares:
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
    return _row_norms(columns.reshape(len(x), layer.groups, -1, columns.shape[2]), layer.out_channels, passes)


def _linear(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    assert isinstance(layer, nn.Linear)
    if x.ndim == 2:
        mean = x.square().mean(1, keepdim=True)
        return lambda delta: delta.square() * mean
    columns = x.flatten(1, -2).transpose(1, 2).unsqueeze(1)
    squares = _row_norms(columns, layer.out_features, passes)
    return lambda delta: squares(delta.flatten(1, -2).transpose(1, 2))


def _batch_norm(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    assert isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    if layer.running_mean is None or layer.running_var is None:
        raise MeasureError("batch normalisation without running statistics has no per-sample Fisher; expected running ones")
    shape = (1, -1, *[1] * (x.ndim - 2))
    inverse = (layer.running_var + layer.eps).rsqrt()
    normal = (x - layer.running_mean.view(shape)) * inverse.view(shape)
    if x.ndim == 2:
        return lambda delta: (delta * normal).square()
    return lambda delta: torch.linalg.vecdot(delta.flatten(2), normal.flatten(2)).square_()


RULES: dict[type[nn.Module], Rule] = {
    nn.Conv2d: _conv2d,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
}


def rule_for(name: str, layer: nn.Module) -> Rule | None:
    """Return the rule of a layer, None where it holds no weight; raises MeasureError where it holds one and no rule exists."""
    weight = getattr(layer, "weight", None)
    if not isinstance(weight, Tensor):
        return None
    for kind in type(layer).__mro__:
        if kind in RULES:
            return RULES[kind]
    known = ", ".join(kind.__name__ for kind in RULES)
    raise MeasureError(f"layer '{name}' ({type(layer).__name__}) has a weight but no Fisher rule; expected one of: {known}")


def units(layer: nn.Module) -> tuple[int, int]:
    """Return (filters, weights in each filter) of a layer that has a rule."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return weight.shape[0], prod(weight.shape[1:])
