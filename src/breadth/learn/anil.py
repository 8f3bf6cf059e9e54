"""ANIL (arXiv 1909.09157): the inner loop adapts the head alone, on features that the body makes once for each task.

The gradient of a linear head is closed: with features f [n, d], labels Y and softmax p = softmax(f W^T + b),
    dL/dW = (p - Y)^T f / n,    dL/db = 1^T (p - Y) / n.
The steps are written with it for T tasks at once, and differentiated (second order, through all of them) by autograd, which sees a few
small products; what it returns for the features goes on into the body.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.learn.batched import ConvTasks, MetaGradient
from breadth.learn.inner import cross_entropy

__all__ = ["HeadGradient", "adapted_head", "head_gradient", "meta_gradient_of_tasks"]


class HeadGradient(NamedTuple):
    """Gradients [T, ...] of each task's query loss: of support and query features, head weight and bias; loss (sum), logits."""

    support: Tensor
    query: Tensor
    weight: Tensor
    bias: Tensor
    loss: Tensor
    logits: Tensor


def adapted_head(features: Tensor, labels: Tensor, weight: Tensor, bias: Tensor, *, steps: int, lr: float) -> tuple[Tensor, Tensor]:
    """Return head weight [T, k, d] and bias [T, k] after ``steps`` gradient steps on features [T, n, d] with labels [T, n]."""
    y, n = F.one_hot(labels, weight.shape[1]).to(features), features.shape[1]
    for _ in range(steps):
        error = ((features @ weight.mT + bias[:, None]).softmax(2) - y) / n
        weight, bias = weight - lr * error.mT @ features, bias - lr * error.sum(1)
    return weight, bias


def head_gradient(
    support: tuple[Tensor, Tensor], query: tuple[Tensor, Tensor], weight: Tensor, bias: Tensor, *, steps: int, lr: float
) -> HeadGradient:
    """Return the gradients of the query loss after adaptation; support, query: features [T, n, d] and labels [T, n].

    weight [k, d] and bias [k] are those that every task starts from.
    """
    with torch.enable_grad():
        tasks = len(support[0])
        f, q = (part.detach().requires_grad_() for part in (support[0], query[0]))
        w, b = (part.detach().expand(tasks, *part.shape).clone().requires_grad_() for part in (weight, bias))
        phi, c = adapted_head(f, support[1], w, b, steps=steps, lr=lr)
        logits = q @ phi.mT + c[:, None]
        loss = cross_entropy(logits, query[1])
        of_f, of_q, of_w, of_b = torch.autograd.grad(loss, (f, q, w, b))
    return HeadGradient(of_f, of_q, of_w, of_b, loss.detach(), logits.detach())


def meta_gradient_of_tasks(
    model: ConvTasks,
    theta: Tensor,
    support: tuple[Tensor, Tensor],
    query: tuple[Tensor, Tensor],
    *,
    steps: int,
    lr: float,
) -> MetaGradient:
    """``batched.meta_gradient`` with the head alone adapted, by all of its second-order terms; theta: rows that are all equal."""
    at, end = (model.forward(theta, model.inputs(part[0])) for part in (support, query))
    _, weight, bias = model.split(theta)
    head = head_gradient((at.features, support[1]), (end.features, query[1]), weight[0], bias[0, 0], steps=steps, lr=lr)
    out, more = (theta.new_zeros(theta.shape) for _ in range(2))
    model.body_gradient(at, head.support, out)
    model.body_gradient(end, head.query, more)
    out += more
    _, w, b = model.split(out)
    w.copy_(head.weight)
    b.copy_(head.bias[:, None])
    each = F.cross_entropy(head.logits.flatten(0, 1), query[1].flatten(), reduction="none").view(query[1].shape).mean(1)
    return MetaGradient(out, each, head.logits, model.statistics(at))
