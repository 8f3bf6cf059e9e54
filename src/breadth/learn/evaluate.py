"""Test-time scores on a fixed suite of episodes: pre-trained bodies with a head per episode, MAML classifiers, and pixels.

A learner turns (support inputs, support labels, query inputs) into logits; query labels are read afterwards, in ``_scores`` alone.
Every model sees the same episodes in the same order, so that scores of two models are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.data.episode import Episodes
from breadth.data.images import to_float
from breadth.errors import DataError, SpecError, unknown_name
from breadth.learn.anil import adapted_head
from breadth.learn.heads import centroid, logistic
from breadth.learn.inner import Params, adapt, one_task, stack, tasks_of_mlp
from breadth.learn.steps import Adapts
from breadth.nets.body import Body
from breadth.nets.head import Classifier
from breadth.nets.norm import BatchNorm, batch_norms, bn_train, evaluating, forward_with, state_of
from breadth.nets.vision import MlpBody

__all__ = ["Head", "Scores", "evaluate_maml", "evaluate_pixels", "evaluate_pretrained"]

Head = Literal["logistic", "logistic-raw", "centroid"]
_CHUNK = 64
_IMAGES = 256


@dataclass(frozen=True, eq=False)
class Scores:
    """Scores of one method on a suite.

    accuracy: float64 [episodes] in 0..1, loss: float64 [episodes] in nats, means over the queries of an episode; both nan in an
    episode where the learner diverged (logits not finite).
    """

    accuracy: np.ndarray
    loss: np.ndarray
    method: str


def _scores(logits: Sequence[Tensor], episodes: Episodes, method: str) -> Scores:
    """Compare logits [e, queries, ways] of consecutive episodes with the query labels; the only reader of those labels."""
    all_logits = torch.cat([part.double().cpu() for part in logits])
    labels = torch.from_numpy(np.stack([episodes[i].query_labels for i in range(len(episodes))]))
    right = (all_logits.argmax(2) == labels).double().mean(1)
    loss = F.cross_entropy(all_logits.flatten(0, 1), labels.flatten(), reduction="none").reshape(labels.shape).mean(1)
    finite = all_logits.isfinite().all(2).all(1)
    return Scores(right.where(finite, torch.nan).numpy(), loss.where(finite, torch.nan).numpy(), method)


def _checked(modes: Sequence[BatchNorm]) -> None:
    for mode in modes:
        if mode not in get_args(BatchNorm):
            raise SpecError(unknown_name("batch norm mode", mode, get_args(BatchNorm)))


def _support_labels(episodes: Episodes) -> Tensor:
    return torch.arange(episodes.ways).repeat_interleave(episodes.shots)


def _chunks(episodes: Episodes, size: int) -> Iterator[range]:
    for start in range(0, len(episodes), size):
        yield range(start, min(start + size, len(episodes)))


def _head_logits(head: Head, support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
    if head == "logistic-raw":
        return logistic(support, labels, query)
    support, query = F.normalize(support, dim=-1), F.normalize(query, dim=-1)
    return logistic(support, labels, query) if head == "logistic" else centroid(support, labels, query)


def _inputs(array: np.ndarray, device: str) -> Tensor:
    x = torch.from_numpy(to_float(array))
    return x.to(device, memory_format=torch.channels_last) if x.ndim == 4 else x.to(device)


def _stored_features(body: Body, episodes: Episodes, device: str) -> Callable[[range], tuple[Tensor, Tensor]]:
    """Features in eval mode, of every item of the suite once; returns episode numbers -> support [e, n, d], query [e, q, d]."""
    items = np.stack([episodes[i].items for i in range(len(episodes))])
    rows, places = np.unique(items, return_inverse=True)
    with evaluating(body):
        parts = [body(_inputs(episodes.source.rows(rows[at : at + _IMAGES]), device)) for at in range(0, len(rows), _IMAGES)]
    table, where = torch.cat(parts), torch.from_numpy(places.reshape(items.shape)).to(device)

    def features(which: range) -> tuple[Tensor, Tensor]:
        at = where[which.start : which.stop]
        return table[at[:, :, : episodes.shots].flatten(1)], table[at[:, :, episodes.shots :].flatten(1)]

    return features


def _episode_features(body: Body, episodes: Episodes, mode: BatchNorm, device: str) -> Callable[[range], tuple[Tensor, Tensor]]:
    """Features with the statistics of each episode's own batches; same shapes as ``_stored_features``."""
    state = state_of(body)

    def features(which: range) -> tuple[Tensor, Tensor]:
        pairs = []
        for i in which:
            episode = episodes[i]
            support, query = _inputs(episode.support_inputs, device), _inputs(episode.query_inputs, device)
            pairs.append(forward_with(body, state, support, query, mode))
        return torch.stack([s for s, _ in pairs]), torch.stack([q for _, q in pairs])

    return features


@torch.no_grad()
def evaluate_pretrained(
    body: Body,
    episodes: Episodes,
    *,
    heads: Sequence[Head] = ("logistic", "centroid", "logistic-raw"),
    batch_norm: Sequence[BatchNorm] = ("running", "support", "transductive"),
    device: str = "cpu",
) -> dict[str, Scores]:
    """Return scores by ``"head/batch norm mode"`` of a frozen body with a head fitted on each episode's support features.

    "logistic": multinomial logistic regression on L2-normalised features, L2 penalty with C = 1, as RFS (arXiv 2003.11539);
    "logistic-raw": on the features as they are (the default of the code of arXiv 2306.13841); "centroid": nearest class mean of
    L2-normalised features, whose loss is the cross-entropy of the softmax of minus the squared distances (not calibrated).
    A body without batch norm gives equal scores in all modes. The body is moved to ``device`` and otherwise left as it was.
    Raises SpecError for an unknown head or mode.
    """
    _checked(batch_norm)
    for head in heads:
        if head not in get_args(Head):
            raise SpecError(unknown_name("head", head, get_args(Head)))
    body.to(device)
    labels, out = _support_labels(episodes).to(device), dict[str, Scores]()
    has_norm = bool(batch_norms(body))
    for mode in batch_norm:
        own = has_norm and mode != "running"
        features = _episode_features(body, episodes, mode, device) if own else _stored_features(body, episodes, device)
        logits: dict[Head, list[Tensor]] = {head: [] for head in heads}
        for which in _chunks(episodes, _CHUNK):
            support, query = features(which)
            for head in heads:
                logits[head].append(_head_logits(head, support, labels, query))
        out |= {f"{head}/{mode}": _scores(parts, episodes, f"{head}/{mode}") for head, parts in logits.items()}
    return out


def evaluate_maml(
    net: Classifier,
    episodes: Episodes,
    *,
    inner_lr: float = 0.1,
    steps: Sequence[int] = (5, 10),
    batch_norm: Sequence[BatchNorm] = ("support", "transductive"),
    adapts: Adapts = "all",
    device: str = "cpu",
) -> dict[str, Scores]:
    """Return scores by ``"maml<steps>/batch norm mode"``: the classifier adapted to each support set, read out at ``steps``.

    adapts: all its parameters, or the "head" alone, on features of the trained body (then ``"anil<steps>/batch norm mode"``).

    "support" and "transductive" adapt alike, on the statistics of the support batch, and differ in the statistics that the queries
    are normalised with; "running" uses the stored ones throughout, under which an inner learning rate fit for batch
    statistics may diverge (nan). No second-order graph is made; neither weights nor statistics of
    ``net`` change (it is moved to ``device``). Raises DataError where the head is not as wide as the episodes, SpecError for an
    unknown mode or a number of steps below 1.
    """
    _checked(batch_norm)
    if not steps or min(steps) < 1:
        raise SpecError(f"MAML is to be read out after {list(steps)} steps; expected numbers of at least 1")
    if net.head.out_features != episodes.ways:
        raise DataError(
            f"the classifier's head has {net.head.out_features} outputs, the episodes have {episodes.ways} ways; "
            "evaluate on episodes of as many ways as it was trained on"
        )
    net.to(device)
    readouts = sorted(set(steps))
    name = "maml" if adapts == "all" else "anil"
    if isinstance(net.body, MlpBody) and adapts == "all":
        logits = _mlp_logits(net, episodes, readouts, inner_lr, device)
        by_method = {f"maml{k}/{mode}": logits[k] for mode in batch_norm for k in readouts}
    else:
        by_method = {f"{name}{k}/{mode}": [] for mode in batch_norm for k in readouts}
        for i in range(len(episodes)):
            episode = episodes[i]
            given = (
                _plain(episode.support_inputs, device),
                torch.from_numpy(episode.support_labels).to(device),
                _plain(episode.query_inputs, device),
            )
            logits_of = _adapted_logits if adapts == "all" else _head_adapted_logits
            for key, value in logits_of(net, given, readouts, inner_lr, batch_norm).items():
                by_method[key].append(value[None])
    return {method: _scores(parts, episodes, method) for method, parts in by_method.items()}


def _plain(array: np.ndarray, device: str) -> Tensor:
    return torch.from_numpy(to_float(array)).to(device)


def _adapted_logits(
    net: Classifier, given: tuple[Tensor, Tensor, Tensor], readouts: Sequence[int], lr: float, batch_norm: Sequence[BatchNorm]
) -> dict[str, Tensor]:
    """Logits [queries, ways] by method, from support inputs, support labels and query inputs only."""
    support, labels, query = given
    out: dict[str, Tensor] = {}
    on_batch: list[BatchNorm] = [m for m in batch_norm if m != "running"]
    stored: list[BatchNorm] = [m for m in batch_norm if m == "running"]
    for modes, training in ((on_batch, True), (stored, False)):
        if not modes:
            continue
        buffers = {k: v.clone() for k, v in net.named_buffers()}
        phi: Params = dict(net.named_parameters())
        done = 0
        for k in readouts:
            with bn_train(net) if training else evaluating(net):
                phi = adapt(one_task(net, buffers), phi, support, labels, steps=k - done, lr=lr)
            done = k
            with torch.no_grad():
                for mode in modes:
                    out[f"maml{k}/{mode}"] = forward_with(net, {**dict(net.named_buffers()), **phi}, support, query, mode)[1]
    return out


@torch.no_grad()
def _head_adapted_logits(
    net: Classifier, given: tuple[Tensor, Tensor, Tensor], readouts: Sequence[int], lr: float, batch_norm: Sequence[BatchNorm]
) -> dict[str, Tensor]:
    """As ``_adapted_logits``, where the head alone adapts: the body is passed once a mode."""
    support, labels, query = given
    out: dict[str, Tensor] = {}
    for mode in batch_norm:
        f, q = forward_with(net.body, state_of(net.body), support, query, mode)
        weight, bias, done = net.head.weight[None], net.head.bias[None], 0
        for k in readouts:
            weight, bias = adapted_head(f[None], labels[None], weight, bias, steps=k - done, lr=lr)
            done = k
            out[f"anil{k}/{mode}"] = q @ weight[0].T + bias[0]
    return out


def _mlp_logits(net: Classifier, episodes: Episodes, readouts: Sequence[int], lr: float, device: str) -> dict[int, list[Tensor]]:
    """Logits [e, queries, ways] by number of steps, chunk by chunk: a perceptron has no batch norm, so all modes are one."""
    out: dict[int, list[Tensor]] = {k: [] for k in readouts}
    for which in _chunks(episodes, _CHUNK):
        support = torch.stack([_plain(episodes[i].support_inputs, device) for i in which])
        query = torch.stack([_plain(episodes[i].query_inputs, device) for i in which])
        labels = _support_labels(episodes).to(device).expand(len(which), -1)
        phi, done = stack(dict(net.named_parameters()), len(which)), 0
        for k in readouts:
            phi, done = adapt(tasks_of_mlp, phi, support, labels, steps=k - done, lr=lr), k
            with torch.no_grad():
                out[k].append(tasks_of_mlp(phi, query))
    return out


@torch.no_grad()
def evaluate_pixels(episodes: Episodes) -> Scores:
    """Return the scores of the nearest class mean on raw inputs (pixels in -1..1, or vectors): the floor that learning must beat.

    The loss is the cross-entropy of the softmax of minus the mean squared difference a pixel, a fixed temperature: compare
    accuracies, not losses.
    """
    logits = []
    for which in _chunks(episodes, _CHUNK):
        support, query = (
            torch.stack([_plain(getattr(episodes[i], part), "cpu").flatten(1) for i in which])
            for part in ("support_inputs", "query_inputs")
        )
        logits.append(centroid(support, _support_labels(episodes), query) / support.shape[2])
    return _scores(logits, episodes, "pixels/centroid")
