"""Floating-point operations of training, by formula: those of a forward pass, times how many passes a step is worth.

A gradient is worth 3 forward passes (itself, and two products of the same size for inputs and weights), a Hessian times a vector 6 more
(the same along a direction, two products for each). Only convolutions and linear layers count, multiplication and addition apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from breadth.nets.build import Architecture
from breadth.nets.norm import evaluating

__all__ = ["GRADIENT", "HESSIAN", "forward_flops"]

GRADIENT, HESSIAN = 3, 6


def forward_flops(arch: Architecture, net: nn.Module) -> int:
    """Return the operations of convolutions and linear layers when one input passes through ``net``, which is left as it was."""
    p, counts = next(net.parameters()), list[int]()

    def count(module: nn.Module, _: object, out: Tensor) -> None:
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            counts.append(2 * out.numel() * module.weight[0].numel())

    hooks = [module.register_forward_hook(count) for module in net.modules()]
    shape = (1, arch.size) if arch.kind == "mlp" else (1, arch.channels, arch.size, arch.size)
    try:
        with evaluating(net), torch.no_grad():
            net(torch.zeros(shape, dtype=p.dtype, device=p.device))
    finally:
        for hook in hooks:
            hook.remove()
    return sum(counts)
