"""One rule a layer type: the mean squared weight gradient inside each filter, from a layer's input and the gradient at its output."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn

from breadth.errors import MeasureError
from breadth.measure.convolution import conv2d
from breadth.measure.rows import Rule, Squares, row_norms

__all__ = ["RULES", "rule_for", "units"]


def _linear(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    assert isinstance(layer, nn.Linear)
    if x.ndim == 2:
        mean = x.square().mean(1, keepdim=True)
        return lambda delta: delta.square() * mean
    columns = x.flatten(1, -2).transpose(1, 2).unsqueeze(1)
    squares = row_norms(columns, layer.out_features, passes)
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
    nn.Conv2d: conv2d,
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
