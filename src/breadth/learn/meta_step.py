"""Ways to take one meta-step, and to score an adapted classifier: tasks at once where the network's form is known, else one by one.

Each leaves the mean meta-gradient of its tasks in ``.grad`` and, where there is batch norm, the statistics of the support sets under
the weights that adaptation starts from in the running ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.func import functional_call

from breadth.learn import batched
from breadth.learn.anil import adapted_head, head_gradient, meta_gradient_of_tasks
from breadth.learn.inner import (
    Order,
    Params,
    ReadOut,
    accuracy,
    adapt,
    cross_entropy,
    meta_gradient,
    one_task,
    stack,
    tasks_of_mlp,
)
from breadth.nets.build import Architecture
from breadth.nets.head import Classifier
from breadth.nets.norm import batch_norms, bn_train, query_by_support

__all__ = ["Adapts", "Inner", "QueryNorm", "TaskTensors", "meta_step", "query_loss"]

Adapts = Literal["all", "head"]
QueryNorm = Literal["transductive", "support"]
TaskTensors = Sequence[Tensor]
"""Support inputs and labels, query inputs and labels of one task."""


@dataclass(frozen=True)
class Inner:
    """The inner loop: steps and their rate; order 1 or 2; whether all parameters or the head alone adapts (always order 2).

    batch_norm: the query batch is normalised by its own statistics ("transductive"), or by those of the support set under the adapted
    weights ("support"), through which the gradient then goes as well.
    """

    steps: int
    lr: float
    order: Order
    adapts: Adapts
    batch_norm: QueryNorm = "transductive"


def meta_step(arch: Architecture, net: Classifier, inner: Inner) -> Callable[[Sequence[TaskTensors]], tuple[Tensor, Tensor]]:
    """Return tasks -> (mean query loss in nats, accuracy): one meta-gradient of ``net``, a classifier on a body of ``arch``."""
    model = _batched(arch, net, inner)
    if model is not None:
        return lambda tasks: _convolutional(model, net, inner, tasks)
    if arch.kind == "mlp" and inner.adapts == "all":
        return lambda tasks: _perceptrons(net, inner, tasks)
    return lambda tasks: _one_by_one(net, inner, tasks)


def _batched(arch: Architecture, net: Classifier, inner: Inner) -> batched.ConvTasks | None:
    """The network for many tasks at once, whose queries have statistics of their own; None where there is no such form."""
    return batched.conv_tasks(arch, net) if inner.batch_norm == "transductive" else None


def _read_out(net: Classifier, inner: Inner) -> ReadOut | None:
    if inner.batch_norm == "transductive":
        return None
    buffers = {k: v.clone() for k, v in net.named_buffers()}
    return lambda phi, support, query: query_by_support(net, {**buffers, **phi}, support, query)[1]


def _stacked(tasks: Sequence[TaskTensors]) -> tuple[Tensor, ...]:
    return tuple(torch.stack(parts) for parts in zip(*tasks, strict=True))


@torch.no_grad()
def _convolutional(model: batched.ConvTasks, net: Classifier, inner: Inner, tasks: Sequence[TaskTensors]) -> tuple[Tensor, Tensor]:
    params = dict(net.named_parameters())
    theta, size = model.flat(params), batched.chunk_of(model, tasks[0][0], steps=inner.steps if inner.adapts == "all" else 2)
    total, losses, right = torch.zeros_like(theta), [], []
    for at in range(0, len(tasks), size):
        sx, sy, qx, qy = _stacked(tasks[at : at + size])
        rows = theta.expand(len(sx), -1)
        found = (
            batched.meta_gradient(model, rows, (sx, sy), (qx, qy), steps=inner.steps, lr=inner.lr, order=inner.order)
            if inner.adapts == "all"
            else meta_gradient_of_tasks(model, rows, (sx, sy), (qx, qy), steps=inner.steps, lr=inner.lr)
        )
        total += found.gradient.sum(0)
        losses.append(found.loss)
        right.append((found.logits.argmax(2) == qy).float().mean(1))
        _gather(net, found.start)
    for name, gradient in model.named(total.div_(len(tasks))).items():
        params[name].grad = gradient[0].contiguous()
    return torch.cat(losses).mean(), torch.cat(right).mean()


def _gather(net: Classifier, start: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Move the running statistics as batch norm itself would, task after task."""
    for i, (norm, (means, variances)) in enumerate(zip(batch_norms(net).values(), start, strict=True), 1):
        bias = net.get_parameter(f"body.features.conv{i}.bias")
        assert norm.momentum is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        for mean, var in zip(means, variances, strict=True):
            norm.running_mean.lerp_(mean + bias, norm.momentum)
            norm.running_var.lerp_(var, norm.momentum)
        norm.num_batches_tracked += len(means)


def _perceptrons(net: Classifier, inner: Inner, tasks: Sequence[TaskTensors]) -> tuple[Tensor, Tensor]:
    sx, sy, qx, qy = _stacked(tasks)
    params: Params = dict(net.named_parameters())
    stacked = stack(params, len(tasks))
    gradient, loss, logits = meta_gradient(
        tasks_of_mlp, stacked, (sx, sy), (qx, qy), steps=inner.steps, lr=inner.lr, order=inner.order
    )
    for name, p in params.items():
        p.grad = gradient[name].mean(0)
    return loss / len(tasks), accuracy(logits, qy)


def _one_by_one(net: Classifier, inner: Inner, tasks: Sequence[TaskTensors]) -> tuple[Tensor, Tensor]:
    params: Params = dict(net.named_parameters())
    # The stored statistics are those of the weights that adaptation starts from; the inner loop's own go to these copies, unread.
    forward = one_task(net, {k: v.clone() for k, v in net.named_buffers()})
    read, losses, right = _read_out(net, inner), [], []
    with bn_train(net):
        for sx, sy, qx, qy in tasks:
            if inner.adapts == "head":
                gradient, loss, logits = _head_of_one(net, inner, (sx, sy), (qx, qy))
            else:
                with torch.no_grad():
                    net(sx)
                gradient, loss, logits = meta_gradient(
                    forward, params, (sx, sy), (qx, qy), steps=inner.steps, lr=inner.lr, order=inner.order, read=read
                )
            losses.append(loss)
            right.append(accuracy(logits, qy))
            for name, p in params.items():
                share = gradient[name] / len(tasks)
                p.grad = share if p.grad is None else p.grad.add_(share)
    return torch.stack(losses).mean(), torch.stack(right).mean()


def _head_of_one(
    net: Classifier, inner: Inner, support: tuple[Tensor, Tensor], query: tuple[Tensor, Tensor]
) -> tuple[Params, Tensor, Tensor]:
    features = net.body(support[0])
    ends = _query_features(net, inner, support[0], query[0])
    found = head_gradient(
        (features[None], support[1][None]),
        (ends[None], query[1][None]),
        net.head.weight,
        net.head.bias,
        steps=inner.steps,
        lr=inner.lr,
    )
    body = dict(net.body.named_parameters())
    into = torch.autograd.grad((features, ends), list(body.values()), (found.support[0], found.query[0]))
    gradient = {f"body.{name}": g for name, g in zip(body, into, strict=True)}
    return {**gradient, "head.weight": found.weight[0], "head.bias": found.bias[0]}, found.loss, found.logits[0]


def _query_features(net: Classifier, inner: Inner, support: Tensor, query: Tensor) -> Tensor:
    """Features of the query batch, batch norm as in training; the stored statistics stay as they are."""
    unread = {k: v.clone() for k, v in net.body.named_buffers()}
    if inner.batch_norm == "support":
        return query_by_support(net.body, {**unread, **dict(net.body.named_parameters())}, support, query)[1]
    out: Tensor = functional_call(net.body, unread, (query,))
    return out


def query_loss(arch: Architecture, net: Classifier, inner: Inner, tasks: Sequence[TaskTensors]) -> float:
    """Return the mean query loss in nats after adaptation; batch norm as in training. Neither weights nor statistics change."""
    unread = {k: v.clone() for k, v in net.named_buffers()}
    params: Params = dict(net.named_parameters())
    forward, read, losses = one_task(net, unread), _read_out(net, inner), []
    model = _batched(arch, net, inner) if inner.adapts == "all" else None
    for sx, sy, qx, qy in tasks:
        with bn_train(net), torch.no_grad():
            if inner.adapts == "head":
                f = functional_call(net.body, {k.removeprefix("body."): v for k, v in unread.items()}, (sx,))
                q = _query_features(net, inner, sx, qx)
                w, b = adapted_head(f[None], sy[None], net.head.weight[None], net.head.bias[None], steps=inner.steps, lr=inner.lr)
                logits = q @ w[0].T + b[0]
            elif model is not None:
                inputs, targets = model.inputs(sx[None]), model.targets(sy[None], sx)
                phi = batched.adapted(model, model.flat(params), inputs, targets, steps=inner.steps, lr=inner.lr)
                logits = model.forward(phi, model.inputs(qx[None])).logits[0]
            else:
                with torch.enable_grad():
                    phi_named = adapt(forward, params, sx, sy, steps=inner.steps, lr=inner.lr)
                logits = forward(phi_named, qx) if read is None else read(phi_named, sx, qx)
            losses.append(cross_entropy(logits, qy))
    return float(torch.stack(losses).double().mean())
