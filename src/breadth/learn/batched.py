"""MAML on convolutional classifiers without autograd: T tasks at once, parameters [T, ...], gradients and Hessians by ``blocks``.

Second order (notation of ``inner``): with H_k the Hessian of the support loss at phi_k,
    v_K = grad L_q(phi_K),    v_k = v_{k+1} - a H_k v_{k+1},    d L_q(phi_K) / d theta = v_0.
Each step keeps what its Hessian needs, or, where all steps together would exceed ``MEMORY``, its phi_k alone, and makes the rest anew:
memory then does not grow with the number of steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from breadth.learn.blocks import Block, Kept, Weights
from breadth.learn.columns import Convolution
from breadth.learn.first_block import FirstBlock, FirstKept, Inputs
from breadth.learn.inner import Order
from breadth.nets.build import Architecture
from breadth.nets.head import Classifier
from breadth.nets.vision import ConvBody

__all__ = ["CHUNK", "MEMORY", "ConvTasks", "MetaGradient", "Pass", "Point", "adapted", "chunk_of", "conv_tasks", "meta_gradient"]

MEMORY = 64 * 2**20
"""Bytes that the steps of one chunk of tasks may keep."""

CHUNK = 4
"""Tasks at once on a CPU; more are no faster there, as their numbers leave the cache."""


class Pass(NamedTuple):
    """One forward pass: theta [T, P]; inputs; what the blocks keep; features [T, n, d]; logits and their softmax [T, n, k]."""

    theta: Tensor
    inputs: Inputs
    first: FirstKept
    rest: list[Kept]
    features: Tensor
    logits: Tensor


class MetaGradient(NamedTuple):
    """Gradient [T, P] and query loss [T] in nats of each task, query logits [T, n, k], and the ``statistics`` of
    the support set before adaptation."""

    gradient: Tensor
    loss: Tensor
    logits: Tensor
    start: list[tuple[Tensor, Tensor]]


class Point(NamedTuple):
    """A forward pass and the gradient dl [T, n, k] of the loss with respect to its logits: where a Hessian can be taken."""

    at: Pass
    p: Tensor
    dl: Tensor


@dataclass(frozen=True)
class ConvTasks:
    """A classifier of convolution blocks and a linear head, for T tasks at once.

    Parameters are one matrix [T, P]: for each block weights, gamma, beta; then the head's weights and bias. images: [T, n, c, h, w].
    """

    blocks: tuple[Block, ...]
    ways: int

    @property
    def features(self) -> int:
        """Features of an image."""
        return self.blocks[-1].filters * self.blocks[-1].out ** 2

    @property
    def _sizes(self) -> list[int]:
        sizes = [n for b in self.blocks for n in (b.filters * 9 * b.conv.channels, b.filters, b.filters)]
        return [*sizes, self.ways * self.features, self.ways]

    def bytes(self, images: Tensor) -> int:
        """Bytes that a step on images [T, n, c, h, w] keeps: y and places of each block; inputs, xhat and r of all but the first."""
        n, item, total = images.shape[0] * images.shape[1], images.element_size(), 0
        for i, b in enumerate(self.blocks):
            columns = 9 * b.conv.channels if b.conv.columns else 0  # an image kept as it is, is the y before it
            total += n * b.conv.out**2 * (columns + 2 * b.filters) * item if i else 0
            total += n * b.out**2 * b.filters * (item + (8 if b.pool else 0))
        return total

    def split(self, flat: Tensor) -> tuple[list[Weights], Tensor, Tensor]:
        """Return views of flat [T, P]: weights of the blocks, head weight [T, k, d] and bias [T, 1, k]."""
        parts = torch.split(flat, self._sizes, 1)
        tasks, blocks = len(flat), []
        for i, b in enumerate(self.blocks):
            w, gamma, beta = parts[3 * i : 3 * i + 3]
            blocks.append(Weights(w.view(tasks, b.filters, -1), gamma.unsqueeze(1), beta.unsqueeze(1)))
        return blocks, parts[-2].view(tasks, self.ways, -1), parts[-1].unsqueeze(1)

    def flat(self, params: Mapping[str, Tensor]) -> Tensor:
        """Return named parameters of the classifier as one row [1, P], not part of any graph."""
        parts = []
        for i in range(1, len(self.blocks) + 1):
            parts.append(params[f"body.features.conv{i}.weight"].detach().permute(0, 2, 3, 1).reshape(-1))
            parts += [params[f"body.features.norm{i}.{name}"].detach() for name in ("weight", "bias")]
        last = self.blocks[-1]
        head = params["head.weight"].detach().view(self.ways, last.filters, last.out, last.out)
        return torch.cat([*parts, head.permute(0, 2, 3, 1).reshape(-1), params["head.bias"].detach()])[None]

    def named(self, flat: Tensor) -> dict[str, Tensor]:
        """Return rows [T, P] as named tensors [T, ...]; biases of convolutions, which have no effect and are not held, as 0."""
        blocks, head, bias = self.split(flat)
        out: dict[str, Tensor] = {}
        for i, (b, w) in enumerate(zip(self.blocks, blocks, strict=True), 1):
            out[f"body.features.conv{i}.weight"] = w.w.view(len(flat), -1, 3, 3, b.conv.channels).permute(0, 1, 4, 2, 3)
            out[f"body.features.conv{i}.bias"] = torch.zeros_like(w.beta[:, 0])
            out[f"body.features.norm{i}.weight"], out[f"body.features.norm{i}.bias"] = w.gamma[:, 0], w.beta[:, 0]
        last = self.blocks[-1]
        rows = head.view(len(flat), -1, last.out, last.out, last.filters).permute(0, 1, 4, 2, 3)
        out["head.weight"], out["head.bias"] = rows.flatten(2), bias[:, 0]
        return out

    @property
    def _first(self) -> FirstBlock:
        return FirstBlock(self.blocks[0])

    def inputs(self, images: Tensor) -> Inputs:
        """Return images [T, n, c, h, w] as the first block takes them: made once, used by every step."""
        return self._first.inputs(images.permute(0, 1, 3, 4, 2).contiguous())

    def targets(self, labels: Tensor, like: Tensor) -> Tensor:
        """Return labels [T, n] as [T, n, k], each row with one 1."""
        return F.one_hot(labels, self.ways).to(like)

    def forward(self, theta: Tensor, inputs: Inputs) -> Pass:
        weights, head, bias = self.split(theta)
        first = self._first.forward(inputs, weights[0])
        rest, x = list[Kept](), first.y
        for b, w in zip(self.blocks[1:], weights[1:], strict=True):
            rest.append(b.forward(b.conv.keep(x), w))
            x = rest[-1].y
        features = x.flatten(2)
        return Pass(theta, inputs, first, rest, features, torch.baddbmm(bias, features, head.mT))

    def logits_as(self, at: Pass, inputs: Inputs) -> Tensor:
        """Return logits [T, q, k] of other inputs under the weights of a pass and the batch norm statistics of what it passed."""
        weights, head, bias = self.split(at.theta)
        x = self._first.forward_as(at.first, at.inputs, weights[0], inputs)
        for b, w, kept in zip(self.blocks[1:], weights[1:], at.rest, strict=True):
            x = b.forward_as(kept, w, b.conv.keep(x))
        return torch.baddbmm(bias, x.flatten(2), head.mT)

    def statistics(self, at: Pass) -> list[tuple[Tensor, Tensor]]:
        """Return mean (without the convolution's bias) and unbiased variance, [T, o], of what each batch norm was given."""
        rows = at.inputs.columns.shape[1]
        mean = self._first.mean(at.inputs, self.split(at.theta)[0][0])
        out = [(mean[:, 0], at.first.var[..., 0] * (rows / (rows - 1)))]
        for kept in at.rest:
            rows = kept.xhat.shape[1]
            out.append((kept.mean[:, 0], kept.var[:, 0] * (rows / (rows - 1))))
        return out

    def body_gradient(self, at: Pass, df: Tensor, out: Tensor) -> None:
        """Write the gradient of the body's parameters into out [T, P], df [T, n, d] being that of the features."""
        weights, into = self.split(at.theta)[0], self.split(out)[0]
        dy = df.view(at.rest[-1].y.shape)
        for i in reversed(range(1, len(self.blocks))):
            found, dy = self.blocks[i].backward(at.rest[i - 1], weights[i], dy)
            _fill(into[i], found)
        _fill(into[0], self._first.backward(at.first, at.inputs, weights[0], dy))

    def gradient(self, at: Pass, targets: Tensor) -> tuple[Tensor, Point]:
        """Return the gradient [T, P] of each task's mean cross-entropy; targets: of ``targets``."""
        p = at.logits.softmax(2)
        dl = (p - targets).div_(p.shape[1])
        out = at.theta.new_empty(len(p), at.theta.shape[1])
        _, w, b = self.split(out)
        w.copy_(torch.bmm(dl.mT, at.features))
        b.copy_(dl.sum(1, keepdim=True))
        self.body_gradient(at, torch.bmm(dl, self.split(at.theta)[1]), out)
        return out, Point(at, p, dl)

    def hessian(self, point: Point, v: Tensor) -> Tensor:
        """Return the Hessian of each task's loss at ``point`` times v [T, P]."""
        (at, p, dl), n = point, point.dl.shape[1]
        (weights, head, _), (along, head_v, bias_v) = self.split(at.theta), self.split(v)
        out = torch.empty_like(v)
        into, w_out, b_out = self.split(out)
        q, x = self._first.forward_along(at.first, at.inputs, weights[0], along[0])
        moved = []
        for i, kept in enumerate(at.rest, 1):
            b = self.blocks[i]
            tangent, x = b.forward_along(kept, weights[i], along[i], b.conv.keep(x))
            moved.append(tangent)
        f = x.flatten(2)
        logits = torch.baddbmm(bias_v, at.features, head_v.mT).baddbmm_(f, head.mT)
        dl_v = p * (logits - (p * logits).sum(2, keepdim=True)) / n
        w_out.copy_(torch.bmm(dl_v.mT, at.features).baddbmm_(dl.mT, f))
        b_out.copy_(dl_v.sum(1, keepdim=True))
        dy = torch.bmm(dl_v, head).baddbmm_(dl, head_v).view(at.rest[-1].y.shape)
        for i in reversed(range(1, len(self.blocks))):
            found, dy = self.blocks[i].backward_along(at.rest[i - 1], weights[i], along[i], moved[i - 1], dy)
            _fill(into[i], found)
        _fill(into[0], self._first.backward_along(at.first, at.inputs, weights[0], along[0], q, dy))
        return out


def _fill(into: Weights, found: Weights) -> None:
    for place, value in zip(into, found, strict=True):
        place.copy_(value)


def conv_tasks(arch: Architecture, net: Classifier) -> ConvTasks | None:
    """Return the batched form of ``net``, a classifier on a body of ``arch``; None where the body is not of convolution blocks."""
    if not isinstance(net.body, ConvBody):
        return None
    blocks, channels, size, pool = list[Block](), arch.channels, arch.size, arch.kind == "conv"
    for i in range(1, 5):
        stride = 1 if pool else 2
        # Columns, measured: for the images, whose columns are made once, and where so few pixels are left that calls cost most.
        conv = Convolution(size, channels, stride, columns=i == 1 or (stride == 2 and (size + 1) // 2 <= 4))
        norm = net.body.features.get_submodule(f"norm{i}")
        assert isinstance(norm, nn.BatchNorm2d)
        blocks.append(Block(conv, arch.filters, norm.eps, pool))
        channels, size = arch.filters, blocks[-1].out
    return ConvTasks(tuple(blocks), net.head.out_features)


def chunk_of(model: ConvTasks, image: Tensor, *, steps: int, memory: int = MEMORY) -> int:
    """Return how many tasks with images of the shape of ``image`` [n, c, h, w] to take at once: on a GPU as many as fit."""
    fit = memory // max(1, steps * model.bytes(image[None]))
    return max(1, fit if image.is_cuda else min(fit, CHUNK))


def adapted(model: ConvTasks, theta: Tensor, inputs: Inputs, targets: Tensor, *, steps: int, lr: float) -> Tensor:
    """Return phi [T, P] after ``steps`` gradient steps from theta [T, P]; inputs, targets: of the model's functions."""
    for _ in range(steps):
        theta = theta - lr * model.gradient(model.forward(theta, inputs), targets)[0]
    return theta


def meta_gradient(
    model: ConvTasks,
    theta: Tensor,
    support: tuple[Tensor, Tensor],
    query: tuple[Tensor, Tensor],
    *,
    steps: int,
    lr: float,
    order: Order,
    memory: int = MEMORY,
) -> MetaGradient:
    """Return the meta-gradient of T tasks from theta [T, P]; support and query: images [T, n, c, h, w] and labels [T, n]."""
    inputs, targets = model.inputs(support[0]), model.targets(support[1], theta)
    keep = steps * model.bytes(support[0]) <= memory
    phi, points, start = theta, list[Point | Tensor](), list[tuple[Tensor, Tensor]]()
    for _ in range(steps):
        at = model.forward(phi, inputs)
        start = start or model.statistics(at)
        g, point = model.gradient(at, targets)
        if order == 2:
            points.append(point if keep else phi)
        phi = phi - lr * g
    del at, point
    end = model.forward(phi, model.inputs(query[0]))
    loss = F.cross_entropy(end.logits.flatten(0, 1), query[1].flatten(), reduction="none").view(query[1].shape).mean(1)
    v, _ = model.gradient(end, model.targets(query[1], theta))
    logits = end.logits
    del end, _
    while points:
        saved = points.pop()
        where = model.gradient(model.forward(saved, inputs), targets)[1] if isinstance(saved, Tensor) else saved
        v = v - lr * model.hessian(where, v)
    return MetaGradient(v, loss, logits, start)
