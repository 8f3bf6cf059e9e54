"""What a measurement found: frozen values that print themselves, become JSON, and answer for any mixture of their sources."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from breadth.data.union import Union
from breadth.errors import printable
from breadth.measure.advice import Advised, advice, notes
from breadth.measure.compare import Stored
from breadth.measure.embeddings import Embeddings
from breadth.measure.reference import Scale
from breadth.measure.result import Result
from breadth.measure.rivals.panel import Rival
from breadth.stats.interval import Estimate
from breadth.stats.possible import possible, too_few

__all__ = ["CrossMeasure", "Measurement", "SourceMeasure", "Stability", "TaskPair"]

TOO_FEW = "too few tasks to say: try --tasks auto"


def _maybe(e: Estimate | None) -> dict[str, Any] | None:
    return None if e is None else e.as_dict()


@dataclass(frozen=True, eq=False)
class TaskPair:
    """Two tasks of one source: their distance, their numbers, and inputs of each, uint8 [k, height, width, channels]."""

    distance: float
    tasks: tuple[int, int]
    images: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class SourceMeasure:
    """One source.

    diversity: coefficient; floor: noise floor, tasks of the same classes and other items; corrected: the coefficient without that noise;
    position: of the coefficient between floor (0) and ceiling (1) of the scale; split_half: a null, 0 is expected; complexity: mean L1
    norm; doubt: mean 1 - max p of the fitted heads; reached: False where "auto" ended at its cap; source: where the tasks came from.
    """

    name: str
    diversity: Estimate
    floor: Estimate
    corrected: Estimate
    position: Estimate | None
    split_half: Estimate | None
    complexity: Estimate
    doubt: float
    reached: bool
    rivals: tuple[Rival, ...]
    embeddings: Embeddings
    source: Union

    @property
    def distances(self) -> np.ndarray:
        """Distances of all pairs of tasks [M, M]."""
        return self.embeddings.distances

    def extremes(self, images: int = 8) -> tuple[TaskPair, TaskPair] | None:
        """Return the most and the least similar pair of tasks, with at most ``images`` inputs of each; None for vectors."""
        if not self.source.is_images:
            return None
        first, second = np.triu_indices(len(self.distances), 1)
        d = self.distances[first, second]
        near, far = (self._pair(int(first[k]), int(second[k]), images) for k in (d.argmin(), d.argmax()))
        return near, far

    def _pair(self, i: int, j: int, images: int) -> TaskPair:
        items = self.embeddings.items
        # A task lists class after class: evenly spaced items show as many classes as there is room for.
        shown = [row[np.linspace(0, len(row) - 1, min(images, len(row))).astype(int)] for row in (items[i], items[j])]
        return TaskPair(float(self.distances[i, j]), (i, j), (self.source.rows(shown[0]), self.source.rows(shown[1])))

    @property
    def protocol(self) -> dict[str, Any]:
        """How the embeddings were made, with its fingerprint."""
        return self.embeddings.protocol

    def as_dict(self) -> dict[str, Any]:
        """Return all fields but the embeddings, JSON-able."""
        return {
            "name": self.name,
            "diversity": self.diversity.as_dict(),
            "floor": self.floor.as_dict(),
            "corrected": self.corrected.as_dict(),
            "position": _maybe(self.position),
            "split_half": _maybe(self.split_half),
            "complexity": self.complexity.as_dict(),
            "doubt": self.doubt,
            "reached": self.reached,
            "tasks": self.embeddings.tasks,
            "classes": self.source.n_classes,
            "items": self.source.n_items,
            "rivals": [r.as_dict() for r in self.rivals],
            "protocol": self.protocol,
        }

    @property
    def stored(self) -> Stored:
        """What comparisons need of it."""
        return Stored(self.name, self.diversity, self.floor, self.source.n_classes, self.protocol)

    @property
    def place(self) -> str:
        """Where the coefficient lies on the scale, in words; "" without a scale."""
        if self.position is None:
            return ""
        if too_few(self.diversity) or too_few(self.position):
            return TOO_FEW
        return f"{self.position.value:.0%} of the way from floor to ceiling"

    def __str__(self) -> str:
        d, floor, c = possible(self.diversity), possible(self.floor), self.corrected
        where = f", {self.place}" if self.place else ""
        return (
            f"{printable(self.name)}\n"
            f"  diversity    {d.value:.4f} [{d.low:.4f}, {d.high:.4f}]{where}\n"
            f"  noise floor  {floor.value:.4f} [{floor.low:.4f}, {floor.high:.4f}]\n"
            f"  corrected    {c.value:.4f} [{c.low:.4f}, {c.high:.4f}]"
        )


@dataclass(frozen=True)
class CrossMeasure:
    """Mean distance of a task of source ``a`` to a task of source ``b``."""

    a: str
    b: str
    distance: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, JSON-able."""
        return {"a": self.a, "b": self.b, "distance": self.distance.as_dict()}

    def __str__(self) -> str:
        d = self.distance
        return f"{printable(self.a)} to {printable(self.b)}\n  distance     {d.value:.4f} [{d.low:.4f}, {d.high:.4f}]"


@dataclass(frozen=True)
class Stability:
    """How often the order of ``a`` and ``b`` turns when ``tasks`` tasks of each are drawn anew, of ``n`` times."""

    a: str
    b: str
    flip_rate: float
    tasks: int
    n: int

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names."""
        return asdict(self)


@dataclass(frozen=True, eq=False, repr=False)
class Measurement(Result[SourceMeasure]):
    """All sources, all pairs of them and the scale, through one probe under one protocol."""

    probe: dict[str, Any]
    scale: Scale | None
    sources: tuple[SourceMeasure, ...]
    cross: tuple[CrossMeasure, ...]
    stability: tuple[Stability, ...]
    seconds: float

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before ranking the sources, see ``breadth.measure.advice.notes``."""
        return notes([s.stored for s in self.sources])

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do next, one sentence a source."""
        return advice([Advised(s.stored, s.doubt, s.source.n_items) for s in self.sources])

    @property
    def ends(self) -> dict[str, Any]:
        """Floor and ceiling of the scale, JSON-able; None without a scale."""
        return {name: None if self.scale is None else getattr(self.scale, name).as_dict() for name in ("floor", "ceiling")}

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = []
        for s in self.sources:
            estimates = (possible(s.diversity), possible(s.floor), s.corrected)
            said = [f"{e.value:.4f} [{e.low:.4f}, {e.high:.4f}]" for e in estimates]
            rows.append([s.name, *said, s.place.removesuffix(" of the way from floor to ceiling")])
        return self.html_table(("source", "diversity", "noise floor", "corrected", "floor to ceiling"), rows)
