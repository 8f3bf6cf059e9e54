"""Tasks and where they come from: a task is a small labelled set; a task source draws task *i* as a pure function of (seed, i)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

__all__ = ["Draw", "Task", "TaskSource", "task"]


@dataclass(frozen=True)
class Draw:
    """Which items make one task: rows of one labelled set.

    part: index into ``TaskSource.parts``, or -1 where the classes come from several parts (pooled convention).
    classes: [ways] global class numbers of the source (0 .. n_classes-1, counted through all parts in order).
    items: [ways, per_class] global row numbers of the source, no row twice.
    """

    part: int
    classes: np.ndarray
    items: np.ndarray


@dataclass(frozen=True)
class Task:
    """A labelled set of ``ways`` classes.

    inputs: uint8 [n, height, width, channels] images or float32 [n, features] vectors; labels: int64 [n] in 0 .. ways-1,
    class by class in blocks of equal size; source: name of the source; part: name of the part drawn from ("" if pooled);
    items: [n] global row numbers of the source, which identify the task.
    """

    inputs: np.ndarray
    labels: np.ndarray
    ways: int
    source: str
    part: str
    items: np.ndarray


@runtime_checkable
class TaskSource(Protocol):
    """Anything tasks can be drawn from. Draw *i* is a pure function of (seed, i)."""

    @property
    def name(self) -> str:
        """Name that protocols and records show."""
        ...

    @property
    def convention(self) -> str:
        """How a union draws classes: "source-then-classes" or "pooled-classes"."""
        ...

    @property
    def digest(self) -> str:
        """SHA-256 (hex) that changes with the data and the way tasks are drawn from them."""
        ...

    def draw(self, i: int, ways: int, per_class: int, seed: int) -> Draw:
        """Return draw *i*: ``ways`` classes and ``per_class`` distinct rows of each. Raises DataError where too few exist."""
        ...

    def rows(self, items: np.ndarray) -> np.ndarray:
        """Return the inputs at global row numbers ``items`` (any shape, flattened): [n, ...]."""
        ...

    def part_name(self, part: int) -> str:
        """Return the name of part ``part``, "" for -1."""
        ...


def task(source: TaskSource, i: int, *, ways: int = 5, per_class: int = 20, seed: int = 0) -> Task:
    """Return task *i* of ``source``: ``ways`` x ``per_class`` items, labels 0 .. ways-1 in draw order."""
    draw = source.draw(i, ways, per_class, seed)
    labels = np.repeat(np.arange(ways, dtype=np.int64), per_class)
    items = draw.items.reshape(-1)
    return Task(source.rows(items), labels, ways, source.name, source.part_name(draw.part), items)
