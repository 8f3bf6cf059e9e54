"""The Fisher rules of linear layers, on vectors or at every position of a sequence, with the weight stored either way round."""

from __future__ import annotations

from torch import Tensor, nn

from breadth.measure.rules.rows import Squares, row_norms

__all__ = ["linear", "linear_by_columns"]


def _rows(x: Tensor, out: int, passes: int) -> Squares:
    if x.ndim == 2:
        mean = x.square().mean(1, keepdim=True)
        return lambda delta: delta.square() * mean
    return row_norms(x.flatten(1, -2), out, passes)


def linear(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Weight [out, in], input [n, ..., in]: one number for each output unit."""
    assert isinstance(layer, nn.Linear)
    return _rows(x, layer.out_features, passes)


def linear_by_columns(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Weight [in, out], the ``Conv1D`` of the transformers package; one number for each output unit, as for any linear layer.

    The published code for GPT-2 takes the first axis of every weight for the filters and so averages over outputs here.
    """
    assert isinstance(layer.weight, Tensor)
    return _rows(x, layer.weight.shape[1], passes)
