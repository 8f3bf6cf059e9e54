"""Task embeddings that outlive the process: one file each, named by what went into it, so that nothing is computed twice.

A measurement that is killed finds its finished tasks again, and more tasks or more sources cost only what is new. The name of a file is
a hash of the probe, the estimator and the very inputs and labels of the task: it can never answer for something else.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from breadth.errors import MeasureError
from breadth.measure.embeddings import TaskEmbedding
from breadth.measure.tensors import read_tensors, write_tensors

__all__ = ["EmbeddingStore", "default_store"]

ARRAYS = ("values", "items")


def default_store() -> Path:
    """Where embeddings lie unless a folder is named: ``$XDG_CACHE_HOME/breadth/embeddings``, else under ``~/.cache``."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "breadth" / "embeddings"


@dataclass(frozen=True)
class EmbeddingStore:
    """A folder of task embeddings. Several processes may share it: a file appears complete or not at all."""

    folder: Path

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / f"{name[2:]}.safetensors"

    def get(self, key: str, layers: tuple[tuple[str, int], ...]) -> TaskEmbedding | None:
        """Return the embedding kept under ``key``, None where there is none or its file is damaged (it is then made again)."""
        path = self._path(key)
        if not path.exists():
            return None
        try:
            arrays, meta = read_tensors(path, ARRAYS)
            loss, doubt = json.loads(meta["heads"])
        except (MeasureError, KeyError, ValueError):
            return None
        values = arrays["values"]
        if values.shape != (sum(filters for _, filters in layers),):
            return None
        return TaskEmbedding(values, layers, arrays["items"], float(loss), float(doubt))

    def put(self, key: str, e: TaskEmbedding) -> None:
        """Keep ``e`` under ``key``; what is there already is replaced."""
        write_tensors(self._path(key), {"values": e.values, "items": e.items}, {"heads": json.dumps([e.loss, e.doubt])})
