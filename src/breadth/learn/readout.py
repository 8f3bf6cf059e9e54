"""Query logits of a classifier adapted to episodes, after some numbers of inner steps: many episodes at once, or one by one.

Statistics of batch norm as in ``nets.norm``; modes "support" and "transductive" adapt alike, on those of the support batch. A body of
convolution blocks under these two is adapted without autograd (``batched``); a perceptron, and heads alone, with one product for all
episodes. Everything else goes one by one through autograd, which is also what the others are tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn

from breadth.learn import batched
from breadth.learn.anil import adapted_head
from breadth.learn.inner import Params, adapt, one_task, stack, tasks_of_mlp
from breadth.learn.meta_step import Adapts
from breadth.nets.build import Architecture
from breadth.nets.head import Classifier
from breadth.nets.norm import BatchNorm, bn_train, evaluating, forward_with, state_of
from breadth.nets.vision import ConvBody, MlpBody

__all__ = ["Given", "Logits", "one_by_one", "reader"]

_TOGETHER = 64

Logits = dict[tuple[int, BatchNorm], Tensor]
"""Query logits [e, queries, ways] by number of steps and mode of batch norm."""


class Given(NamedTuple):
    """What a learner sees of e episodes: support inputs [e, n, ...] and labels [e, n], query inputs [e, q, ...]."""

    support: Tensor
    labels: Tensor
    query: Tensor


class _Readouts(NamedTuple):
    """Numbers of steps, ascending; the inner learning rate; modes of batch norm."""

    steps: Sequence[int]
    lr: float
    modes: Sequence[BatchNorm]


def reader(
    net: Classifier, like: Given, *, steps: Sequence[int], lr: float, modes: Sequence[BatchNorm], adapts: Adapts
) -> tuple[Callable[[Given], Logits], int]:
    """Return a function from episodes of the shapes of ``like`` to logits, and how many episodes it is best given at once."""
    wanted = _Readouts(sorted(set(steps)), lr, modes)
    if adapts == "head":
        return partial(_heads, net, wanted), _TOGETHER
    if isinstance(net.body, MlpBody):
        return partial(_perceptrons, net, wanted), _TOGETHER
    model = _conv_tasks(net, like.query)
    if model is None:
        return partial(one_by_one, net, wanted), 1
    return partial(_convolutional, model, net, wanted), batched.chunk_of(model, like.query[0], steps=1)


def _conv_tasks(net: Classifier, images: Tensor) -> batched.ConvTasks | None:
    """The batched form of ``net`` for images [e, n, c, h, w]; None where it has none, or the images are not its own."""
    if not isinstance(net.body, ConvBody) or images.shape[3] != images.shape[4]:
        return None
    first = net.body.features.get_submodule("conv1")
    assert isinstance(first, nn.Conv2d)
    stride = first.stride == (2, 2)
    arch = Architecture("conv-stride" if stride else "conv", first.out_channels, first.in_channels, images.shape[3])
    model = batched.conv_tasks(arch, net)
    fits = model is not None and model.features == net.body.feature_dim and images.shape[2] == arch.channels
    return model if fits else None


@torch.no_grad()
def _convolutional(model: batched.ConvTasks, net: Classifier, wanted: _Readouts, given: Given) -> Logits:
    support, query = (model.inputs(images) for images in (given.support, given.query))
    phi = model.flat(dict(net.named_parameters())).expand(len(given.labels), -1)
    targets, done, out = model.targets(given.labels, phi), 0, Logits()
    for k in wanted.steps:
        phi, done = batched.adapted(model, phi, support, targets, steps=k - done, lr=wanted.lr), k
        for mode in wanted.modes:
            if mode == "transductive":
                out[k, mode] = model.forward(phi, query).logits
            elif mode == "support":
                out[k, mode] = model.logits_as(model.forward(phi, support), query)
    # Under stored statistics, adaptation itself is another: its gradient passes them as constants.
    stored = [mode for mode in wanted.modes if mode == "running"]
    return {**out, **one_by_one(net, wanted._replace(modes=stored), given)}


def one_by_one(net: Classifier, wanted: _Readouts, given: Given) -> Logits:
    """The logits of any classifier all of whose parameters adapt."""
    each = [_of_one(net, wanted, *one) for one in zip(*given, strict=True)]
    return {key: torch.stack([logits[key] for logits in each]) for key in each[0]}


def _of_one(net: Classifier, wanted: _Readouts, support: Tensor, labels: Tensor, query: Tensor) -> Logits:
    out = Logits()
    own: list[BatchNorm] = [mode for mode in wanted.modes if mode != "running"]
    stored: list[BatchNorm] = [mode for mode in wanted.modes if mode == "running"]
    for modes, training in ((own, True), (stored, False)):
        if not modes:
            continue
        buffers = {k: v.clone() for k, v in net.named_buffers()}
        phi: Params = dict(net.named_parameters())
        done = 0
        for k in wanted.steps:
            with bn_train(net) if training else evaluating(net), torch.enable_grad():
                phi, done = adapt(one_task(net, buffers), phi, support, labels, steps=k - done, lr=wanted.lr), k
            with torch.no_grad():
                for mode in modes:
                    out[k, mode] = forward_with(net, {**dict(net.named_buffers()), **phi}, support, query, mode)[1]
    return out


@torch.no_grad()
def _heads(net: Classifier, wanted: _Readouts, given: Given) -> Logits:
    """Where the head alone adapts: the body is passed once a mode."""
    out, state = Logits(), state_of(net.body)
    for mode in wanted.modes:
        pairs = [forward_with(net.body, state, x, q, mode) for x, q in zip(given.support, given.query, strict=True)]
        support, query = (torch.stack(features) for features in zip(*pairs, strict=True))
        weight, bias, done = *(part.expand(len(pairs), *part.shape) for part in (net.head.weight, net.head.bias)), 0
        for k in wanted.steps:
            weight, bias = adapted_head(support, given.labels, weight, bias, steps=k - done, lr=wanted.lr)
            done, out[k, mode] = k, torch.baddbmm(bias[:, None], query, weight.mT)
    return out


def _perceptrons(net: Classifier, wanted: _Readouts, given: Given) -> Logits:
    """A perceptron has no batch norm, so all modes are one."""
    phi, done, out = stack(dict(net.named_parameters()), len(given.labels)), 0, Logits()
    for k in wanted.steps:
        with torch.enable_grad():
            phi, done = adapt(tasks_of_mlp, phi, given.support, given.labels, steps=k - done, lr=wanted.lr), k
        with torch.no_grad():
            logits = tasks_of_mlp(phi, given.query)
        out |= dict.fromkeys(((k, mode) for mode in wanted.modes), logits)
    return out
