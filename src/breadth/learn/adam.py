"""Adam (arXiv 1412.6980) and AdamW (arXiv 1711.05101) as one function of parameters, gradients, moments and step.

``torch.optim`` would do the same after a second of imports in every process (its compiler), and hides the moments in an object;
here they are a dict of tensors that a checkpoint stores as it is.
"""

from __future__ import annotations

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
        given = [(name, p, p.grad) for name, p in params.items() if p.grad is not None]
        if not given:
            return
        # One call of PyTorch's fused kernel, which takes tensors as rows of numbers: a gradient must lie in memory as its weights do.
        fused = torch._fused_adamw_ if self.decoupled else torch._fused_adam_
        done = torch.tensor(float(t + 1), device=given[0][1].device)
        fused(
            [p for _, p, _ in given],
            [g if g.stride() == p.stride() else torch.empty_like(p).copy_(g) for _, p, g in given],
            [moments[f"mean.{name}"] for name, _, _ in given],
            [moments[f"square.{name}"] for name, _, _ in given],
            [],
            [done] * len(given),
            lr=rate,
            beta1=_BETA1,
            beta2=_BETA2,
            weight_decay=self.weight_decay,
            eps=_EPS,
            amsgrad=False,
            maximize=False,
        )
