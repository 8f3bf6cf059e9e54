"""Task2Vec: a task becomes the diagonal Fisher information of a probe network whose head has been fitted to the task."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from breadth.data.images import to_float
from breadth.data.task import Task
from breadth.errors import MeasureError, unknown_name
from breadth.measure.awslabs import PUBLISHED, Published, awslabs_fisher
from breadth.measure.embeddings import TaskEmbedding
from breadth.measure.fisher import Estimator, chunk_size, features_of, fisher_of, passes, record
from breadth.measure.head import RIDGE, Head, fit_head, fit_head_adam
from breadth.measure.memory import chunks
from breadth.measure.precision import Precision, computing
from breadth.measure.probe import ProbeNetwork
from breadth.measure.store import EmbeddingStore
from breadth.seeds import integer

__all__ = ["DRAWING", "HeadKind", "Task2Vec", "TaskEmbedding"]

HeadKind = Literal["ridge", "adam"]

# The estimators that ``draws`` means something to.
DRAWING = ("rademacher", "monte_carlo")
# Goes up whenever the same task gets another embedding, so that stored ones of an older kind are not taken for new ones.
STORED_AS = 1


@dataclass(frozen=True)
class Task2Vec:
    """``Task2Vec(probe)(task)`` embeds a task (arXiv 1902.03545): fit a head, then take the Fisher of the body's weights.

    Unlike the published code (batch statistics, sampled labels, squared gradients of batch means) the body is in eval mode, the
    expectation over labels is exact and squares are taken per item: the same task always has the same embedding.
    estimator, draws: see ``fisher_diagonal``; random ones depend on ``seed`` and on the task's items. head, ridge: "ridge", see
    ``fit_head``, or "adam", the published schedule, see ``fit_head_adam``, started from weights that depend on ``seed`` alone.
    estimator "awslabs" with its settings ``published`` is the published code as it is, its own head included, slow and noisy: see
    ``breadth.measure.awslabs``, also for its distance; ``head``, ``ridge`` and ``draws`` play no part in it.
    memory, precision: see ``fisher_diagonal``. store: where finished embeddings are kept and found again.
    """

    probe: ProbeNetwork
    estimator: Estimator | Literal["awslabs"] = "exact"
    head: HeadKind = "ridge"
    ridge: float = RIDGE
    draws: int = 1
    seed: int = 0
    memory: int | None = None
    precision: Precision = "float32"
    published: Published = PUBLISHED
    store: EmbeddingStore | None = None

    @property
    def counted_draws(self) -> int:
        """``draws`` where the estimator draws labels, else 1: two measurements that differ in an unused number are one."""
        return self.draws if self.estimator in DRAWING else 1

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
        """Everything that the embedding depends on, and nothing else."""
        data = hashlib.sha256()
        for array in (task.inputs, task.labels, task.items):
            data.update(f"{array.dtype.str}{array.shape}".encode())
            data.update(np.ascontiguousarray(array).data)
        how = [STORED_AS, self.probe.fingerprint, self.estimator, self.head, self.ridge, self.counted_draws, self.seed]
        if self.precision != "float32":
            how.append(self.precision)
        return json.dumps([*how, asdict(self.published), task.source, data.hexdigest()])

    def _embedded(self, task: Task) -> TaskEmbedding:
        probe, x = self.probe, self._inputs(task)
        found, head = self._fisher(task, x)
        values = np.concatenate([found[name] if name in found else np.zeros(size) for name, size in probe.layers])
        if not np.isfinite(values).all() or not values.any():
            what = "zero everywhere" if np.isfinite(values).all() else "not finite"
            raise MeasureError(
                f"the Fisher information of a task of '{task.source}' is {what}; expected positive numbers: "
                "use a larger ridge or another probe"
            )
        return TaskEmbedding(values, probe.layers, task.items, head.loss, head.doubt)

    def _fisher(self, task: Task, x: Tensor) -> tuple[dict[str, np.ndarray], Head]:
        probe, seed = self.probe, integer(self.seed, "task2vec", task.source, *task.items.tolist())
        if self.estimator == "awslabs":
            return awslabs_fisher(probe.body, x, task.labels, task.ways, self.published, seed=seed, head_seed=self.seed)
        if self.estimator not in get_args(Estimator):
            raise MeasureError(unknown_name("Fisher estimator", self.estimator, [*get_args(Estimator), "awslabs"]))
        count = passes(self.estimator, task.ways, self.draws)
        with computing(self.precision, x.device):
            parts = chunks(len(x), chunk_size(probe.body, x, count, self.memory, probe.vocabulary))
            if len(parts) == 1:
                # One forward pass serves both the head and the Fisher.
                kept = [record(probe.body, x, count, probe.vocabulary)]
                features = kept[0].features.detach()
            else:
                kept = []
                features = torch.cat([features_of(probe.body, x[part]) for part in parts])
            head = self._head(features.double().cpu().numpy(), task)
            found = fisher_of(
                kept or (record(probe.body, x[part], count, probe.vocabulary) for part in parts),
                len(x),
                head,
                estimator=self.estimator,
                labels=task.labels,
                draws=self.draws,
                seed=seed,
            )
        return found, head

    def _head(self, features: np.ndarray, task: Task) -> Head:
        if self.head == "ridge":
            return fit_head(features, task.labels, task.ways, self.ridge)
        if self.head == "adam":
            return fit_head_adam(features, task.labels, task.ways, seed=self.seed)
        raise MeasureError(unknown_name("head", self.head, get_args(HeadKind)))

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
        if not convolutional and any(isinstance(m, torch.nn.Embedding) for m in probe.body.modules()):
            if not np.issubdtype(task.inputs.dtype, np.integer):
                raise MeasureError(
                    f"'{task.source}' holds numbers of type {task.inputs.dtype}; probe '{probe.name}' expects integers, the rows of its "
                    "embedding layer"
                )
            return torch.from_numpy(task.inputs.astype(np.int64)).to(probe.device)
        return torch.from_numpy(to_float(task.inputs)).to(probe.device, next(probe.body.parameters()).dtype)
