"""A body: the part of a network that turns inputs into features, without any head."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["Body", "initialise"]


class Body(nn.Module):
    """A network ``[n, channels, size, size] -> [n, feature_dim]`` (``[n, size] -> [n, feature_dim]`` for vectors)."""

    feature_dim: int


def _uniform(weight: Tensor, bound: float, generator: torch.Generator) -> None:
    with torch.no_grad():
        weight.uniform_(-bound, bound, generator=generator)


def initialise(net: nn.Module, scheme: str, generator: torch.Generator) -> None:
    """Fill every parameter and buffer of ``net`` in place, drawing from ``generator`` in module order.

    scheme: "uniform" draws conv and linear weights and biases from U(+-1/sqrt(fan_in)), PyTorch's own default; "he" draws
    convolutions from N(0, 2 / fan_out) (arXiv 1502.01852, eq. 14; torchvision's ResNet); "he-leaky" the same for LeakyReLU(0.01),
    the value that the RFS code (arXiv 2003.11539) passes although its slope is 0.1. Linear layers are "uniform" in every scheme;
    batch norm starts as the identity with running mean 0 and variance 1.
    """
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fan_in = module.weight[0].numel()
            if isinstance(module, nn.Conv2d) and scheme != "uniform":
                slope = 0.01 if scheme == "he-leaky" else 0.0
                fan_out = module.out_channels * math.prod(module.kernel_size)
                std = math.sqrt(2 / (1 + slope**2) / fan_out)
                with torch.no_grad():
                    module.weight.normal_(0.0, std, generator=generator)
            else:
                _uniform(module.weight, 1 / math.sqrt(fan_in), generator)
            if module.bias is not None:
                _uniform(module.bias, 1 / math.sqrt(fan_in), generator)
        elif isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
