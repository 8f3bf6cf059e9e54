"""Adam (arXiv 1412.6980) and AdamW (arXiv 1711.05101) as one function of parameters, gradients, moments and step.

``torch.optim`` would do the same after a second of imports in every process (its compiler), and hides the moments in an object;
here they are a dict of tensors that a checkpoint stores as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["Adam", "Moments"]

Moments = dict[str, Tensor]
_BETA1, _BETA2, _EPS = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Adam:
    """weight_decay: added to the gradient (Adam), or taken off the weights in proportion to the rate if ``decoupled`` (AdamW)."""

    weight_decay: float = 0.0
    decoupled: bool = False

    def start(self, params: Mapping[str, nn.Parameter]) -> Moments:
        """Return the moments before the first step: zeros, laid out in memory as the parameters are."""
        return {
            f"{kind}.{name}": torch.zeros_like(p, requires_grad=False) for kind in ("mean", "square") for name, p in params.items()
        }

    @torch.no_grad()
    def step(self, params: Mapping[str, nn.Parameter], moments: Moments, t: int, rate: float) -> None:
        """Take step ``t`` (from 0) with learning rate ``rate`` along ``.grad``; parameters and moments change in place.

        A parameter without a gradient stays as it is. m and v, the means of gradient and squared gradient, are divided by
        1 - beta^(t+1) before theta <- theta - rate m / (sqrt(v) + eps)  (algorithm 1).
        """
        first, second = 1 - _BETA1 ** (t + 1), math.sqrt(1 - _BETA2 ** (t + 1))
        for name, p in params.items():
            if p.grad is None:
                continue
            g, mean, square = p.grad, moments[f"mean.{name}"], moments[f"square.{name}"]
            if self.weight_decay and self.decoupled:
                p.mul_(1 - rate * self.weight_decay)
            elif self.weight_decay:
                g = g.add(p, alpha=self.weight_decay)
            mean.lerp_(g, 1 - _BETA1)
            square.mul_(_BETA2).addcmul_(g, g, value=1 - _BETA2)
            p.addcdiv_(mean, square.sqrt().div_(second).add_(_EPS), value=-rate / first)
