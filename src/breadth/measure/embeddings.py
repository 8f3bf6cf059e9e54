"""Embeddings of many tasks of one source, with the protocol that made them; saved and loaded without pickle."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from breadth.errors import MeasureError

__all__ = ["Embeddings", "load_embeddings", "save_embeddings"]

ARRAYS = ("values", "items", "loss", "doubt")


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

    @property
    def tasks(self) -> int:
        """Number of tasks M."""
        return len(self.values)


def save_embeddings(path: Path, e: Embeddings) -> None:
    """Write an ``.npz`` of plain arrays; the file appears complete or not at all, and replaces an older one."""
    text = json.dumps({"protocol": e.protocol, "parts": e.parts}, sort_keys=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez(file, meta=np.frombuffer(text.encode(), dtype=np.uint8), **{name: getattr(e, name) for name in ARRAYS})
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def load_embeddings(path: Path) -> Embeddings:
    """Read what ``save_embeddings`` wrote. Raises MeasureError for a file that is missing, damaged or something else."""
    if not path.is_file():
        raise MeasureError(f"no embeddings at '{path}'; expected a file that save_embeddings wrote")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            meta = json.loads(archive["meta"].tobytes().decode())
            values, items, loss, doubt = (archive[name] for name in ARRAYS)
            found = Embeddings(values, items, tuple(meta["parts"]), loss, doubt, dict(meta["protocol"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise MeasureError(
            f"'{path}' holds no readable embeddings ({type(error).__name__}); delete it and embed the tasks again"
        ) from None
    if not len(found.values) == len(found.items) == len(found.parts) == len(found.loss) == len(found.doubt):
        raise MeasureError(f"'{path}' holds embeddings, items and parts of different number; delete it and embed the tasks again")
    return found
