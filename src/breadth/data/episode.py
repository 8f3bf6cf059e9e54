"""Few-shot episodes with support and query items; episode *i* is a pure function of (seed, i), so models compare in pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np

from breadth.data.task import TaskSource
from breadth.data.union import Union
from breadth.errors import DataError
from breadth.seeds import integer

__all__ = ["Episode", "Episodes", "episodes"]

_PIECE = 4096  # episodes drawn together


@dataclass(frozen=True, eq=False)
class Episode:
    """One few-shot problem.

    support_inputs: [ways * shots, ...] and query_inputs: [ways * queries, ...], as stored (uint8 images or float32 vectors);
    support_labels, query_labels: int64, 0 .. ways-1 in blocks, class by class; source: name of the part the classes come from
    ("" where they are pooled over several parts); items: [ways, shots + queries] global row numbers of the task source,
    of each class first the support, then the query rows, none twice.
    """

    support_inputs: np.ndarray
    support_labels: np.ndarray
    query_inputs: np.ndarray
    query_labels: np.ndarray
    ways: int
    shots: int
    queries: int
    source: str
    items: np.ndarray


@dataclass(frozen=True, eq=False)
class Episodes(Sequence[Episode]):
    """A suite of ``length`` episodes of ``source``, made when asked for; make one with ``episodes``."""

    source: TaskSource
    ways: int
    shots: int
    queries: int
    seed: int
    length: int

    def __len__(self) -> int:
        return self.length

    @overload
    def __getitem__(self, i: int) -> Episode: ...

    @overload
    def __getitem__(self, i: slice) -> list[Episode]: ...

    def __getitem__(self, i: int | slice) -> Episode | list[Episode]:
        """Return episode ``i`` (or the list for a slice); raises IndexError beyond the end."""
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(self.length))]
        at = i + self.length if i < 0 else i
        if not 0 <= at < self.length:
            raise IndexError(f"episode {i} of a suite of {self.length}")
        return self._make(at)

    @cached_property
    def _stream(self) -> int:
        # The stream is named, so that an evaluation episode is not the very task that a measurement with the same seed draws.
        return integer(self.seed, "episode")

    @cached_property
    def items(self) -> np.ndarray:
        """The ``items`` of all episodes, int64 [episodes, ways, shots + queries]; drawn at the first use and kept."""
        shape = self.ways, self.shots + self.queries
        if isinstance(self.source, Union):
            pieces = [range(at, min(at + _PIECE, self.length)) for at in range(0, self.length, _PIECE)]
            return np.concatenate([self.source.draws(piece, *shape, self._stream) for piece in pieces])
        return np.stack([self.source.draw(i, *shape, self._stream).items for i in range(self.length)])

    @property
    def support_labels(self) -> np.ndarray:
        """Labels of every episode's support items: int64 [ways * shots]."""
        return np.repeat(np.arange(self.ways, dtype=np.int64), self.shots)

    @property
    def query_labels(self) -> np.ndarray:
        """Labels of every episode's query items: int64 [ways * queries]."""
        return np.repeat(np.arange(self.ways, dtype=np.int64), self.queries)

    def _make(self, i: int) -> Episode:
        draw = self.source.draw(i, self.ways, self.shots + self.queries, self._stream)
        return Episode(
            self.source.rows(draw.items[:, : self.shots]),
            self.support_labels,
            self.source.rows(draw.items[:, self.shots :]),
            self.query_labels,
            self.ways,
            self.shots,
            self.queries,
            self.source.part_name(draw.part),
            draw.items,
        )

    def fingerprint(self) -> str:
        """Return the SHA-256 (hex) of the data digest, the shape of the suite and the rows of all its episodes.

        Equal fingerprints mean that two models saw the same support and query items in the same order.
        """
        sha = hashlib.sha256(f"{self.source.digest} {self.ways} {self.shots} {self.queries} {self.length}".encode())
        sha.update(self.items.astype("<i8").tobytes())
        return sha.hexdigest()


def episodes(source: TaskSource, *, ways: int = 5, shots: int = 5, queries: int = 15, seed: int = 0, count: int) -> Episodes:
    """Return a suite of ``count`` episodes: ``ways`` classes, ``shots`` support and ``queries`` query items a class.

    The defaults are the published protocol (arXiv 2306.13841). Episode *i* depends on (seed, i) and the source only, so a longer
    suite begins with the shorter one. Raises DataError where a number is too small or the source cannot give such a task.
    """
    for what, given, least in (("ways", ways, 2), ("shots", shots, 1), ("queries", queries, 1), ("count", count, 1)):
        if given < least:
            raise DataError(f"episodes with {what}={given} were asked for; expected at least {least}")
    suite = Episodes(source, ways, shots, queries, seed, count)
    source.draw(0, ways, shots + queries, seed)  # refuses impossible tasks now instead of in the middle of an evaluation
    return suite
