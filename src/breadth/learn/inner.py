"""The inner loop of MAML (arXiv 1703.03400): gradient steps on a support set, and the gradient of the query loss through them.

Notation: theta (parameters before), phi (after), a (inner learning rate), L_s and L_q (support and query loss).
    adaptation      phi_0 = theta,  phi_{k+1} = phi_k - a grad L_s(phi_k)                 (eq. 1, several steps)
    second order    d L_q(phi_K) / d theta, through all steps                             (eq. 4)
    first order     grad L_q(phi_K), the identity in place of d phi_K / d theta           (section 5.2)
One set of code serves one task (parameters as they are) and T tasks at once (parameters [T, ...], the loss summed over tasks, so
that each task's gradient is its own).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

__all__ = [
    "Forward",
    "Loss",
    "Order",
    "ReadOut",
    "accuracy",
    "adapt",
    "cross_entropy",
    "meta_gradient",
    "one_task",
    "stack",
    "tasks_of_mlp",
]

Params = dict[str, Tensor]
Forward = Callable[[Params, Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]
ReadOut = Callable[[Params, Tensor, Tensor], Tensor]
"""(phi, support inputs, query inputs) -> query logits."""
Order = Literal[1, 2]


def one_task(net: nn.Module, buffers: Mapping[str, Tensor] | None = None) -> Forward:
    """Return forward(params, x [n, ...]) -> logits [n, k] of ``net``; ``buffers`` stand in for its own, which else change."""
    own = dict(buffers or {})

    def forward(params: Params, x: Tensor) -> Tensor:
        out: Tensor = functional_call(net, {**own, **params}, (x,))
        return out

    return forward


def tasks_of_mlp(params: Params, x: Tensor) -> Tensor:
    """Forward of T perceptrons at once: parameters [T, ...] of an ``MlpBody`` and head, x [T, n, d] -> logits [T, n, k]."""
    for layer in ("body.features.linear1", "body.features.linear2"):
        x = F.relu(torch.baddbmm(params[f"{layer}.bias"][:, None], x, params[f"{layer}.weight"].transpose(1, 2)))
    return torch.baddbmm(params["head.bias"][:, None], x, params["head.weight"].transpose(1, 2))


def stack(params: Mapping[str, Tensor], tasks: int) -> Params:
    """Return the same parameters for ``tasks`` tasks: [tasks, ...], views through which gradients flow back and add up."""
    return {k: v.expand(tasks, *v.shape) for k, v in params.items()}


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy in nats, mean over the n items and summed over tasks: logits [..., n, k], labels [..., n]."""
    return F.cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="sum") / labels.shape[-1]


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Fraction of items whose largest logit is their label's: logits [..., k], labels [...] -> scalar."""
    return (logits.argmax(-1) == labels).float().mean()


def adapt(
    forward: Forward,
    params: Params,
    x: Tensor,
    y: Tensor,
    *,
    steps: int,
    lr: float,
    graph: bool = False,
    loss: Loss = cross_entropy,
) -> Params:
    """Return phi after ``steps`` gradient steps on (x, y); ``params`` are not changed.

    graph: keep the graph, so that phi can be differentiated with respect to params; otherwise phi are new leaves.
    """
    names, phi = list(params), list(params.values())
    if not graph:
        phi = [p.detach().requires_grad_() for p in phi]
    for _ in range(steps):
        gradient = torch.autograd.grad(loss(forward(dict(zip(names, phi, strict=True)), x), y), phi, create_graph=graph)
        phi = (
            [p - lr * g for p, g in zip(phi, gradient, strict=True)]
            if graph
            else [torch.add(p.detach(), g, alpha=-lr).requires_grad_() for p, g in zip(phi, gradient, strict=True)]
        )
    return dict(zip(names, phi, strict=True))


def meta_gradient(
    forward: Forward,
    params: Params,
    support: tuple[Tensor, Tensor],
    query: tuple[Tensor, Tensor],
    *,
    steps: int,
    lr: float,
    order: Order,
    loss: Loss = cross_entropy,
    read: ReadOut | None = None,
) -> tuple[Params, Tensor, Tensor]:
    """Return (gradient of the query loss by name, query loss, query logits) of one task, or of the tasks that ``params`` stack.

    ``params`` must require a gradient. For T stacked tasks the gradient keeps its first axis [T, ...] and the loss is their sum.
    read: what gives the query logits, where they depend on the support inputs as well; None: ``forward`` of the query by itself.
    """
    phi = adapt(forward, params, *support, steps=steps, lr=lr, graph=order == 2, loss=loss)
    logits = forward(phi, query[0]) if read is None else read(phi, support[0], query[0])
    value = loss(logits, query[1])
    gradient = torch.autograd.grad(value, list((params if order == 2 else phi).values()))
    return dict(zip(params, gradient, strict=True)), value.detach(), logits.detach()
