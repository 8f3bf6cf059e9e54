"""The Fisher rules of normalisations: the gradient of a gain is the sum of gradient times normalised input over positions.

The sum comes before the square: all positions of one sample share the gain. Statistics of the sample itself (layer, group, instance
and root-mean-square normalisation) need no special care, since the gain acts after them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from breadth.measure.rules.rows import Squares

__all__ = ["batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm"]


def _by_channel(normal: Tensor) -> Squares:
    """Gain [c] on normal [n, c, ...]."""
    if normal.ndim == 2:
        return lambda delta: (delta * normal).square()
    return lambda delta: torch.linalg.vecdot(delta.flatten(2), normal.flatten(2)).square()


def _by_place(normal: Tensor, ndim: int) -> Squares:
    """Gain of ``ndim`` axes on normal [n, ..., *gain]: mean over all but its first axis."""
    n, shape = len(normal), normal.shape[-ndim:]
    normal = normal.reshape(n, -1, shape[0], shape[1:].numel())

    def squares(delta: Tensor) -> Tensor:
        gradient: Tensor = torch.linalg.vecdot(delta.reshape(normal.shape), normal, dim=1)
        return gradient.square().mean(2)

    return squares


def batch_norm(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, c, ...]; with running statistics, which layers.py makes sure of, so that samples do not interact."""
    assert isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d)
    assert layer.running_mean is not None
    assert layer.running_var is not None
    shape = (1, -1, *[1] * (x.ndim - 2))
    inverse = (layer.running_var + layer.eps).rsqrt()
    return _by_channel((x - layer.running_mean.view(shape)) * inverse.view(shape))


def group_norm(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, c, ...]."""
    assert isinstance(layer, nn.GroupNorm)
    return _by_channel(functional.group_norm(x, layer.num_groups, eps=layer.eps))


def instance_norm(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, c, ...]; running statistics where the layer keeps them, as it does itself in eval mode."""
    assert isinstance(layer, nn.InstanceNorm1d | nn.InstanceNorm2d)
    own = layer.running_mean is None
    return _by_channel(functional.instance_norm(x, layer.running_mean, layer.running_var, use_input_stats=own, eps=layer.eps))


def layer_norm(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, ..., *normalized_shape]; one number for each entry of the first normalised axis."""
    assert isinstance(layer, nn.LayerNorm)
    shape = list(layer.normalized_shape)
    return _by_place(functional.layer_norm(x, shape, eps=layer.eps), len(shape))


def rms_norm(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input [n, ..., *normalized_shape]; one number for each entry of the first normalised axis."""
    assert isinstance(layer, nn.RMSNorm)
    shape = list(layer.normalized_shape)
    return _by_place(functional.rms_norm(x, shape, eps=layer.eps), len(shape))
