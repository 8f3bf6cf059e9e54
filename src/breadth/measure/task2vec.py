"""Task2Vec: a task becomes the diagonal Fisher information of a probe network whose head has been fitted to the task."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from breadth.data.images import to_float
from breadth.data.task import Task
from breadth.errors import MeasureError
from breadth.measure.embeddings import TaskEmbedding
from breadth.measure.fisher import Estimator, chunks, fisher_of, passes, record
from breadth.measure.head import RIDGE, fit_head
from breadth.measure.probe import ProbeNetwork
from breadth.measure.store import EmbeddingStore
from breadth.seeds import integer

__all__ = ["Task2Vec", "TaskEmbedding"]

# Goes up whenever the same task gets another embedding, so that stored ones of an older kind are not taken for new ones.
STORED_AS = 1


@dataclass(frozen=True)
class Task2Vec:
    """``Task2Vec(probe)(task)`` embeds a task (arXiv 1902.03545): fit a head, then take the Fisher of the body's weights.

    Unlike the published code (batch statistics, sampled labels, squared gradients of batch means) the body is in eval mode, the
    expectation over labels is exact and squares are taken per item: the same task always has the same embedding.
    estimator, draws: see ``fisher_diagonal``; random ones depend on ``seed`` and on the task's items. ridge: see ``fit_head``.
    chunk: items a forward pass; None by memory. store: where finished embeddings are kept and found again.
    """

    probe: ProbeNetwork
    estimator: Estimator = "exact"
    ridge: float = RIDGE
    draws: int = 1
    seed: int = 0
    chunk: int | None = None
    store: EmbeddingStore | None = None

    def __call__(self, task: Task) -> TaskEmbedding:
        """Embed one task. Raises MeasureError where the task's inputs do not fit the probe, or its Fisher is zero or not finite."""
        if self.store is None:
            return self._embedded(task)
        key = self._key(task)
        found = self.store.get(key, self.probe.layers)
        if found is None:
            found = self._embedded(task)
            self.store.put(key, found)
        return found

    def _key(self, task: Task) -> str:
        """Everything that the embedding depends on."""
        data = hashlib.sha256()
        for array in (task.inputs, task.labels, task.items):
            data.update(f"{array.dtype.str}{array.shape}".encode())
            data.update(np.ascontiguousarray(array).data)
        how = [STORED_AS, self.probe.fingerprint, self.estimator, self.ridge, self.draws, self.seed]
        return json.dumps([*how, task.source, data.hexdigest()])

    def _embedded(self, task: Task) -> TaskEmbedding:
        probe, count = self.probe, passes(self.estimator, task.ways, self.draws)
        x = self._inputs(task)
        parts = chunks(x, self.chunk)
        if len(parts) == 1:
            # One forward pass serves both the head and the Fisher.
            kept = [record(probe.body, x, count)]
            features = kept[0].features.detach()
        else:
            kept = []
            with torch.no_grad():
                features = torch.cat([probe.body(x[part]) for part in parts])
        head = fit_head(features.double().cpu().numpy(), task.labels, task.ways, self.ridge)
        seed = integer(self.seed, "task2vec", task.source, *task.items.tolist())
        found = fisher_of(
            kept or (record(probe.body, x[part], count) for part in parts),
            len(x),
            head,
            estimator=self.estimator,
            labels=task.labels,
            draws=self.draws,
            seed=seed,
        )
        values = np.concatenate([found[name] if name in found else np.zeros(size) for name, size in probe.layers])
        if not np.isfinite(values).all() or not values.any():
            what = "zero everywhere" if np.isfinite(values).all() else "not finite"
            raise MeasureError(
                f"the Fisher information of a task of '{task.source}' is {what}; expected positive numbers: "
                "use a larger ridge or another probe"
            )
        return TaskEmbedding(values, probe.layers, task.items, head.loss, head.doubt)

    def _inputs(self, task: Task) -> Tensor:
        probe, given = self.probe, task.inputs.shape[1:]
        convolutional = any(isinstance(m, torch.nn.Conv2d) for m in probe.body.modules())
        if convolutional and given != (probe.size, probe.size, probe.channels):
            what = (
                f"vectors of {given[0]} features"
                if len(given) == 1
                else f"images of {given[0]}x{given[1]} px with {given[2]} channel(s)"
            )
            fix = (
                "use a probe of kind 'mlp'"
                if len(given) == 1
                else f"use prepare(labeled_set, size={probe.size}, channels={probe.channels})"
            )
            raise MeasureError(
                f"'{task.source}' holds {what}; probe '{probe.name}' expects {probe.size}x{probe.size} px with "
                f"{probe.channels} channel(s): {fix}"
            )
        if not convolutional and given != (probe.size,):
            raise MeasureError(
                f"'{task.source}' holds inputs of shape {list(given)}; probe '{probe.name}' expects vectors of "
                f"{probe.size} features: build the probe for these inputs"
            )
        return torch.from_numpy(to_float(task.inputs)).to(probe.device, next(probe.body.parameters()).dtype)
