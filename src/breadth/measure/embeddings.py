"""Embeddings of tasks, one or many of one source with the protocol that made them; saved and loaded without pickle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from breadth.errors import MeasureError
from breadth.measure.distance import cross, pairwise
from breadth.measure.published_distance import published_cross, published_pairwise
from breadth.measure.tensors import read_tensors, write_tensors

__all__ = ["Embeddings", "TaskEmbedding", "distances_between", "load_embeddings", "save_embeddings"]

ARRAYS = ("values", "items", "loss", "doubt")


@dataclass(frozen=True, eq=False)
class TaskEmbedding:
    """One task seen through one probe.

    values: float64 [D], mean Fisher information inside each filter (squared nats per squared weight); layers: (name, filters) that
    cut ``values`` in order; items: int64 [n], the task's rows in its source; loss: mean cross-entropy of the fitted head on the
    task in nats; doubt: mean(1 - max p) of it: near 0 the head is saturated and the embedding is close to zero.
    """

    values: np.ndarray
    layers: tuple[tuple[str, int], ...]
    items: np.ndarray
    loss: float
    doubt: float


@dataclass(frozen=True, eq=False)
class Embeddings:
    """Tasks of one source seen through one probe.

    values: float64 [M, D]; items: int64 [M, n] rows of the source, one line a task; parts: [M] part each task came from;
    loss, doubt: [M], see ``TaskEmbedding``; protocol: how they were made, JSON-able.
    """

    values: np.ndarray
    items: np.ndarray
    parts: tuple[str, ...]
    loss: np.ndarray
    doubt: np.ndarray
    protocol: dict[str, Any]

    @property
    def norms(self) -> np.ndarray:
        """L1 norm of each embedding [M]."""
        return np.asarray(self.values.sum(1))

    @cached_property
    def distances(self) -> np.ndarray:
        """Distances of all pairs of tasks [M, M], by the rule of the estimator that made them."""
        return published_pairwise(self.values) if self.protocol.get("estimator") == "awslabs" else pairwise(self.values)

    def distances_to(self, others: Embeddings) -> np.ndarray:
        """Return the distances [M, K] of these tasks to ``others``, by the same rule."""
        return distances_between(self.values, others.values, str(self.protocol.get("estimator")))

    @property
    def tasks(self) -> int:
        """Number of tasks M."""
        return len(self.values)


def distances_between(A: np.ndarray, B: np.ndarray, estimator: str) -> np.ndarray:
    """Return the distances [MA, MB] between embeddings A [MA, D] and B [MB, D] that ``estimator`` made."""
    return published_cross(A, B) if estimator == "awslabs" else cross(A, B)


def save_embeddings(path: Path, e: Embeddings) -> None:
    """Write a ``.safetensors`` file; it appears complete or not at all, and replaces an older one."""
    text = json.dumps({"protocol": e.protocol, "parts": e.parts}, sort_keys=True)
    write_tensors(path, {name: getattr(e, name) for name in ARRAYS}, {"embeddings": text})


def load_embeddings(path: Path) -> Embeddings:
    """Read what ``save_embeddings`` wrote. Raises MeasureError for a file that is missing, damaged or something else."""
    arrays, metadata = read_tensors(path, ARRAYS)
    try:
        meta = json.loads(metadata["embeddings"])
        found = Embeddings(**arrays, parts=tuple(meta["parts"]), protocol=dict(meta["protocol"]))
    except (ValueError, KeyError, TypeError) as error:
        raise MeasureError(
            f"'{path}' holds no readable embeddings ({type(error).__name__}); delete it and embed the tasks again"
        ) from None
    if not len(found.values) == len(found.items) == len(found.parts) == len(found.loss) == len(found.doubt):
        raise MeasureError(f"'{path}' holds embeddings, items and parts of different number; delete it and embed the tasks again")
    return found
