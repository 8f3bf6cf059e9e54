"""Test-time scores on a fixed suite of episodes: pre-trained bodies with a head per episode, MAML classifiers, and pixels.

A learner turns (support inputs, support labels, query inputs) into logits; query labels are read afterwards, in ``_scores`` alone.
Every model sees the same episodes in the same order, so that scores of two models are paired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.data.episode import Episodes
from breadth.data.images import to_float
from breadth.errors import DataError, SpecError, unknown_name
from breadth.learn.heads import centroid, logistic
from breadth.learn.meta_step import Adapts
from breadth.learn.readout import Given, reader
from breadth.nets.body import Body
from breadth.nets.head import Classifier
from breadth.nets.norm import BatchNorm, batch_norms, evaluating, forward_with, state_of

__all__ = ["Head", "Scores", "evaluate_maml", "evaluate_pixels", "evaluate_pretrained"]

Head = Literal["logistic", "logistic-raw", "centroid"]
_CHUNK = 256
_IMAGES = 256

Features = Callable[[range, bool], tuple[Tensor, Tensor]]
"""From episode numbers, and whether to L2-normalise, to features of support [e, n, d] and query items [e, q, d]."""


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
    labels = torch.from_numpy(episodes.query_labels)
    right, loss = [], []
    for part in logits:
        classes = part.mT.double().cpu()  # [e, ways, queries]: sums over classes then run at full vector width
        own = classes.gather(1, labels.expand(len(part), 1, -1))[:, 0]
        diverged = ~classes.isfinite().flatten(1).all(1)
        right.append((classes.max(1).indices == labels).double().mean(1).masked_fill(diverged, torch.nan))
        loss.append((classes.logsumexp(1) - own).mean(1).masked_fill(diverged, torch.nan))
    return Scores(torch.cat(right).numpy(), torch.cat(loss).numpy(), method)


def _checked(modes: Sequence[BatchNorm]) -> None:
    for mode in modes:
        if mode not in get_args(BatchNorm):
            raise SpecError(unknown_name("batch norm mode", mode, get_args(BatchNorm)))


def _chunks(episodes: Episodes, size: int) -> Iterator[range]:
    for start in range(0, len(episodes), size):
        yield range(start, min(start + size, len(episodes)))


def _inputs(array: np.ndarray, device: str) -> Tensor:
    x = torch.from_numpy(to_float(array))
    return x.to(device, memory_format=torch.channels_last) if x.ndim == 4 else x.to(device)


def _stored_features(body: Body, episodes: Episodes, device: str) -> Features:
    """Features in eval mode, of every item of the suite once."""
    used = np.zeros(episodes.items.max() + 1, bool)
    used[episodes.items] = True
    rows = np.flatnonzero(used)
    place = torch.from_numpy(np.cumsum(used) - 1)
    with evaluating(body):
        parts = [body(_inputs(episodes.source.rows(rows[at : at + _IMAGES]), device)) for at in range(0, len(rows), _IMAGES)]
    table = torch.cat(parts)
    where, unit = place[torch.from_numpy(episodes.items)].to(device), F.normalize(table, dim=1)

    def features(which: range, normalised: bool) -> tuple[Tensor, Tensor]:
        at = where[which.start : which.stop]
        support, query = at[:, :, : episodes.shots].flatten(1), at[:, :, episodes.shots :].flatten(1)
        return F.embedding(support, unit if normalised else table), F.embedding(query, unit if normalised else table)

    return features


def _episode_features(body: Body, episodes: Episodes, mode: BatchNorm, device: str) -> Features:
    """Features with the statistics of each episode's own batches."""
    state = state_of(body)

    @lru_cache(maxsize=1)
    def passed(which: range) -> tuple[Tensor, Tensor]:
        pairs = []
        for i in which:
            episode = episodes[i]
            support, query = _inputs(episode.support_inputs, device), _inputs(episode.query_inputs, device)
            pairs.append(forward_with(body, state, support, query, mode))
        return torch.stack([s for s, _ in pairs]), torch.stack([q for _, q in pairs])

    def features(which: range, normalised: bool) -> tuple[Tensor, Tensor]:
        support, query = passed(which)
        return (F.normalize(support, dim=-1), F.normalize(query, dim=-1)) if normalised else (support, query)

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
    labels, out = torch.from_numpy(episodes.support_labels).to(device), dict[str, Scores]()
    has_norm = bool(batch_norms(body))
    for mode in batch_norm:
        own = has_norm and mode != "running"
        features = _episode_features(body, episodes, mode, device) if own else _stored_features(body, episodes, device)
        logits: dict[Head, list[Tensor]] = {head: [] for head in heads}
        for which in _chunks(episodes, _CHUNK):
            for head in heads:
                support, query = features(which, head != "logistic-raw")
                logits[head].append((centroid if head == "centroid" else logistic)(support, labels, query))
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
    read, several = reader(net, _given(episodes, range(1), device), steps=steps, lr=inner_lr, modes=batch_norm, adapts=adapts)
    name = "maml" if adapts == "all" else "anil"
    by_method: dict[str, list[Tensor]] = {f"{name}{k}/{mode}": [] for mode in batch_norm for k in sorted(set(steps))}
    for which in _chunks(episodes, several):
        for (k, mode), logits in read(_given(episodes, which, device)).items():
            by_method[f"{name}{k}/{mode}"].append(logits)
    return {method: _scores(parts, episodes, method) for method, parts in by_method.items()}


def _given(episodes: Episodes, which: range, device: str) -> Given:
    drawn = [episodes[i] for i in which]
    support, query = (
        torch.from_numpy(to_float(np.concatenate(part))).to(device)
        for part in ([e.support_inputs for e in drawn], [e.query_inputs for e in drawn])
    )
    labels = torch.from_numpy(episodes.support_labels).to(device).expand(len(drawn), -1)
    return Given(support.view(*labels.shape, *support.shape[1:]), labels, query.view(len(drawn), -1, *query.shape[1:]))


@torch.no_grad()
def evaluate_pixels(episodes: Episodes) -> Scores:
    """Return the scores of the nearest class mean on raw inputs (pixels in -1..1, or vectors): the floor that learning must beat.

    The loss is the cross-entropy of the softmax of minus the mean squared difference a pixel, a fixed temperature: compare
    accuracies, not losses.
    """
    logits = []
    for which in _chunks(episodes, _CHUNK):
        support, labels, query = _given(episodes, which, "cpu")
        support, query = support.flatten(2), query.flatten(2)
        logits.append(centroid(support, labels[0], query) / support.shape[2])
    return _scores(logits, episodes, "pixels/centroid")
