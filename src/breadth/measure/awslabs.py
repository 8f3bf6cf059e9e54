"""The Monte-Carlo Task2Vec procedure of the published code, as it is: only to compare with numbers that were made with it.

It is the procedure of github.com/awslabs/aws-cv-task2vec and of its copy in the PyPI package ultimate-utils, both at their default
settings; the coefficients of arXiv 2208.01545 were made with it. It is slow on purpose: 100 images are passed through the network
about 10,000 times. Given one generator and one initial head it gives what that code gives. What it does differently from
``fisher_diagonal``:

- labels are sampled from the softmax instead of averaged over; the embedding of a task changes with the seed;
- gradients are averaged over the batch *before* they are squared, so that values are about 1/batch of the Fisher information;
- batch normalisation uses the statistics of the batch, so that items of a batch interact (and it is then no Fisher information);
- items are drawn with replacement, each class equally often, a fixed number however many items there are;
- the head is fitted by mini-batches of Adam and not to convergence; p is often nearly one-hot, and then what matters is which rare
  labels were drawn;
- the distance adds an absolute 1e-8, which replaces entries that are smaller.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, WeightedRandomSampler

from breadth.errors import MeasureError
from breadth.measure.head import Head, cross_entropy, initial_head, softmax, warn_if_saturated
from breadth.measure.rules.layers import layer_sizes

__all__ = ["PUBLISHED", "Published", "awslabs_fisher"]

# Items a batch of the pass that gives the head its features; the published code ignores its own batch size there.
CACHED = 64


@dataclass(frozen=True)
class Published:
    """Settings of the published procedure; the defaults are the published ones.

    draws: items drawn for each pass over the task, of which floor(draws / batch) whole batches are used; batch: items a batch;
    epochs: passes of the head's fit (the Fisher takes one); batch_statistics: batch normalisation in training mode, as published, or
    False for evaluation mode.
    """

    draws: int = 10_000
    batch: int = 64
    epochs: int = 10
    batch_statistics: bool = True

    def __post_init__(self) -> None:
        if self.batch < 1 or self.draws < self.batch or self.epochs < 0:
            raise MeasureError(
                f"the published procedure was asked for {self.draws} draws in batches of {self.batch} and {self.epochs} epochs; "
                "expected at least one whole batch and no fewer than 0 epochs"
            )


PUBLISHED = Published()


def _batches(labels: Tensor, settings: Published, rng: torch.Generator) -> DataLoader[int]:
    """Batches of item numbers, drawn with replacement, each class equally often."""
    weights = 1 / torch.bincount(labels)[labels].double()
    sampler = WeightedRandomSampler((weights / weights.sum()).tolist(), settings.draws, generator=rng)
    items: list[int] = list(range(len(labels)))
    return DataLoader(items, settings.batch, sampler=sampler, drop_last=True, generator=rng)  # type: ignore[arg-type]


def _fit(features: Tensor, labels: Tensor, start: Tensor, settings: Published, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Fit weight [ways, d] and bias [ways] to features [n, d] by mini-batches of Adam."""
    head = start[:, :-1].clone().requires_grad_(), start[:, -1].clone().requires_grad_()
    optimizer = torch.optim.Adam(head, lr=4e-4, weight_decay=1e-4)
    batches = _batches(labels, settings, rng)
    for _ in range(settings.epochs):
        for rows in batches:
            optimizer.zero_grad()
            F.cross_entropy(F.linear(features[rows], *head), labels[rows]).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
    return head[0].detach(), head[1].detach()


@torch.enable_grad()
def awslabs_fisher(
    body: nn.Module, x: Tensor, labels: np.ndarray, ways: int, settings: Published = PUBLISHED, *, seed: int, head_seed: int = 0
) -> tuple[dict[str, np.ndarray], Head]:
    """Return (layer name -> float64 [filters], fitted head) by the published procedure; the body is left as it was.

    body: from x [n, ...] to features [n, d]; labels: int [n] in 0..ways-1, each present; seed: draws of items and labels;
    head_seed: starting weights of the head, see ``initial_head``. Values are averages over batches of the squared gradient of the mean
    cross-entropy of a batch, averaged inside each filter: about 1/batch of the Fisher information.
    Raises MeasureError for missing classes and for batch statistics of a batch that holds one value a channel.
    """
    if sorted(set(labels.tolist())) != list(range(ways)):
        raise MeasureError(f"the task's labels are {sorted(set(labels.tolist()))}; expected each of 0..{ways - 1} at least once")
    layers = layer_sizes(body)
    # A copy: batch statistics move the running ones, and the weights need gradients.
    body = deepcopy(body).requires_grad_(False).train(settings.batch_statistics)
    weights = [body.get_parameter(f"{name}.weight" if name else "weight").requires_grad_() for name, _ in layers]
    for (name, size), part in zip(layers, weights, strict=True):
        if len(part) != size:
            raise MeasureError(
                f"layer '{name}' holds its {size} filters as columns of its weight and the published procedure averages rows; "
                "expected filters as rows: use another estimator"
            )
    rng = torch.Generator().manual_seed(seed)
    y = torch.from_numpy(np.asarray(labels, dtype=np.int64))
    try:
        with torch.no_grad():
            parts = DataLoader(list(range(len(x))), CACHED, generator=rng)  # type: ignore[arg-type, var-annotated]
            features = torch.cat([body(x[rows.to(x.device)]) for rows in parts])
    except ValueError as error:
        raise MeasureError(
            f"batch statistics are undefined for a batch of {len(x) % CACHED} ({error}); "
            "expected two values a channel or more: use another number of items"
        ) from None
    # On the CPU, as the generator.
    features = features.cpu()
    start = torch.from_numpy(initial_head(ways, features.shape[1], head_seed)).to(features)
    head = _fit(features, y, start, settings, rng)
    at_device = [part.to(x.device) for part in head]
    totals = [torch.zeros(size, dtype=torch.float64) for _, size in layers]
    batches = _batches(y, settings, rng)
    for rows in batches:
        logits = F.linear(body(x[rows.to(x.device)]), *at_device)
        sampled = torch.multinomial(logits.detach().cpu().softmax(-1), 1, generator=rng)[:, 0]
        gradients = torch.autograd.grad(F.cross_entropy(logits, sampled.to(x.device)), weights)
        for i, gradient in enumerate(gradients):
            totals[i] += gradient.square().reshape(len(gradient), -1).mean(1).double().cpu()
    found = {name: (total / len(batches)).numpy() for (name, _), total in zip(layers, totals, strict=True)}
    weight, bias = (part.double().numpy() for part in head)
    z = features.double().numpy() @ weight.T + bias
    doubt = float((1 - softmax(z).max(1)).mean())
    warn_if_saturated(doubt, "use another estimator with head='ridge'")
    return found, Head(weight, bias, cross_entropy(z, np.eye(ways)[labels]), doubt)
