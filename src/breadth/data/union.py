"""Unions of labelled sets as task sources, in both conventions: pick a set and then classes inside it, or pool all classes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from breadth.data.choice import Choices
from breadth.data.images import LabeledSet
from breadth.data.task import Draw
from breadth.errors import DataError, unknown_name
from breadth.seeds import generator

__all__ = ["Convention", "Union", "pooled", "single", "union"]

Convention = Literal["source-then-classes", "pooled-classes"]


@dataclass(frozen=True, eq=False)
class Union:
    """One or more labelled sets from which tasks are drawn (a ``TaskSource``); make one with ``union`` or ``single``.

    Convention "source-then-classes" (arXiv 2306.13841): a part is drawn uniformly among those with enough classes, then the
    classes inside it, never across parts. Convention "pooled-classes": classes are drawn uniformly over all parts.
    Classes and rows of the union are numbered through its parts in order.
    """

    name: str
    parts: tuple[LabeledSet, ...]
    convention: Convention = "source-then-classes"

    @property
    def n_classes(self) -> int:
        """Number of classes of all parts together."""
        return self._class_starts[-1]

    @property
    def n_items(self) -> int:
        """Number of items of all parts together."""
        return int(self._row_starts[-1])

    @property
    def is_images(self) -> bool:
        """True where the parts hold images, False for vectors."""
        return self.parts[0].is_images

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one stored input: (height, width, channels) or (features,)."""
        return self.parts[0].inputs.shape[1:]

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the convention, the part names and the parts' digests."""
        text = "\n".join([self.convention, *(f"{part.name} {part.digest}" for part in self.parts)])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def _class_starts(self) -> tuple[int, ...]:
        return tuple(int(s) for s in np.cumsum([0, *(part.n_classes for part in self.parts)]))

    @cached_property
    def _row_starts(self) -> np.ndarray:
        return np.cumsum([0, *(part.n_items for part in self.parts)])

    @cached_property
    def _smallest(self) -> tuple[int, ...]:
        return tuple(min(part.counts) for part in self.parts)

    def part_name(self, part: int) -> str:
        """Return the name of part ``part``, "" for -1 (classes pooled over all parts)."""
        return "" if part == -1 else self.parts[part].name

    def draw(self, i: int, ways: int, per_class: int, seed: int) -> Draw:
        """Return draw ``i``: ``ways`` classes and ``per_class`` distinct rows of each, a pure function of (seed, i).

        Raises DataError where no part (source-then-classes) or the whole union (pooled-classes) has ``ways`` classes, or where
        any class that could be drawn has fewer than ``per_class`` items.
        """
        if ways < 1 or per_class < 1:
            raise DataError(f"a task of {ways} ways with {per_class} items each was asked for; expected at least 1 of both")
        open_parts = self._open_parts(ways)
        for p in open_parts:
            if self._smallest[p] < per_class:
                raise DataError(_too_small(self.parts[p], per_class))
        rng = generator(seed, "draw", i)
        if self.convention == "source-then-classes":
            part = open_parts[int(rng.integers(len(open_parts)))]
            start = self._class_starts[part]
            classes = rng.choice(self.parts[part].n_classes, ways, replace=False) + start
        else:
            part = -1
            classes = rng.choice(self.n_classes, ways, replace=False)
        items = np.empty((ways, per_class), np.int64)
        for k, c in enumerate(classes.tolist()):
            rows = self._class_rows[c]
            items[k] = rows[rng.choice(len(rows), per_class, replace=False)]
        return Draw(part, classes, items)

    def draws(self, which: range, ways: int, per_class: int, seed: int) -> np.ndarray:
        """Return the items [draws, ways, per_class] of draws ``which``, those of ``draw`` at a third of the time. Raises as ``draw``."""
        first = self.draw(which[0], ways, per_class, seed)
        made = Choices([generator(seed, "draw", i) for i in which], 1 + 2 * ways * (1 + per_class))
        parts = np.array(self._open_parts(ways))
        if self.convention == "source-then-classes":
            part = parts[made.below(np.full(len(which), len(parts)))]
            starts = np.array(self._class_starts)
            classes = made.choice(starts[part + 1] - starts[part], ways) + starts[part, None]
        else:
            classes = made.choice(np.full(len(which), self.n_classes), ways)
        counts = np.array([len(rows) for rows in self._class_rows])
        rows, starts = np.concatenate(self._class_rows), np.cumsum(counts) - counts
        items: np.ndarray = rows[np.stack([starts[c, None] + made.choice(counts[c], per_class) for c in classes.T], 1)]
        # numpy promises no stream between its versions (NEP 19): one that chooses otherwise is asked draw by draw.
        alone = made.odd if np.array_equal(items[0], first.items) else np.ones(len(which), bool)
        for k in np.flatnonzero(alone).tolist():
            items[k] = self.draw(which[k], ways, per_class, seed).items
        return items

    def _open_parts(self, ways: int) -> list[int]:
        if self.convention == "pooled-classes":
            if self.n_classes < ways:
                raise DataError(f"'{self.name}' has {self.n_classes} classes; {ways}-way tasks need at least {ways}")
            return list(range(len(self.parts)))
        found = [p for p, part in enumerate(self.parts) if part.n_classes >= ways]
        if not found:
            largest = max(self.parts, key=lambda part: part.n_classes)
            raise DataError(
                f"no part of '{self.name}' has {ways} classes; the largest, '{largest.name}', has {largest.n_classes}: "
                "ask for fewer ways or use the convention 'pooled-classes'"
                if len(self.parts) > 1
                else f"'{largest.name}' has {largest.n_classes} classes; {ways}-way tasks need at least {ways}"
            )
        return found

    @cached_property
    def _class_rows(self) -> list[np.ndarray]:
        starts = self._row_starts.tolist()
        return [part.rows_of(c) + starts[p] for p, part in enumerate(self.parts) for c in range(part.n_classes)]

    def rows(self, items: np.ndarray) -> np.ndarray:
        """Return the inputs at global row numbers ``items`` (any shape, flattened): [n, ...]; only these rows are copied."""
        index = np.asarray(items, dtype=np.int64).reshape(-1)
        if index.size and (index.min() < 0 or index.max() >= self.n_items):
            bad = int(index.min() if index.min() < 0 else index.max())
            raise DataError(f"'{self.name}' has no row {bad}; its rows are numbered 0 to {self.n_items - 1}")
        if len(self.parts) == 1:
            return self.parts[0].inputs[index]
        part_of = np.searchsorted(self._row_starts, index, side="right") - 1
        out = np.empty((len(index), *self.input_shape), self.parts[0].inputs.dtype)
        for p in np.unique(part_of).tolist():
            mine = part_of == p
            out[mine] = self.parts[p].inputs[index[mine] - self._row_starts[p]]
        return out


def _items(count: int) -> str:
    return f"{count} item{'' if count == 1 else 's'}"


def _too_small(part: LabeledSet, per_class: int) -> str:
    short = [c for c, count in enumerate(part.counts) if count < per_class]
    worst = min(short, key=lambda c: part.counts[c])
    more = f" (and {len(short) - 1} more classes have too few)" if len(short) > 1 else ""
    return (
        f"class '{part.class_names[worst]}' of '{part.name}' has {_items(part.counts[worst])}; {per_class} are needed{more}: "
        f"ask for fewer items a class or keep the larger classes with at_least({per_class})"
    )


def single(labeled_set: LabeledSet) -> Union:
    """Return the task source of one labelled set, under its own name."""
    return Union(labeled_set.name, (labeled_set,))


def union(parts: Sequence[LabeledSet], convention: Convention = "source-then-classes", name: str | None = None) -> Union:
    """Return the union of ``parts`` as a task source; its name is theirs joined by "+" unless given.

    Raises DataError where there is no part, two parts share a name, the convention is unknown, or the parts differ in kind
    (images, vectors), size or channels: bring images to one form with ``prepare`` first.
    """
    if convention not in get_args(Convention):
        raise DataError(unknown_name("convention", convention, get_args(Convention)))
    if not parts:
        raise DataError("a union of no labelled sets was asked for; expected at least one part")
    names = [part.name for part in parts]
    for i, part_name in enumerate(names):
        if part_name in names[:i]:
            raise DataError(f"two parts of a union are named '{part_name}'; expected different names: rename one")
    first = parts[0]
    for part in parts[1:]:
        if part.inputs.shape[1:] != first.inputs.shape[1:] or part.is_images != first.is_images:
            raise DataError(
                f"parts of a union differ: '{first.name}' holds {_form(first)}, '{part.name}' holds {_form(part)}; "
                "bring them to one form with prepare(size=..., channels=...)"
            )
    return Union(name or "+".join(names), tuple(parts), convention)


def _form(part: LabeledSet) -> str:
    if not part.is_images:
        return f"vectors of {part.inputs.shape[1]} features"
    height, width, channels = part.inputs.shape[1:]
    return f"images of {height}x{width} px with {channels} channel{'s' if channels > 1 else ''}"


def pooled(u: Union) -> LabeledSet:
    """Return all parts as one labelled set with disjoint labels and class names "part/class" (what supervised training sees).

    Rows and classes keep the union's numbers. The data of several parts are copied, of one part shared. Group keys become
    "part/key"; an item of a part without groups is a group of its own where another part has groups.
    """
    inputs = u.parts[0].inputs if len(u.parts) == 1 else np.concatenate([part.inputs for part in u.parts])
    labels = np.concatenate([part.labels + u._class_starts[p] for p, part in enumerate(u.parts)])
    class_names = tuple(f"{part.name}/{class_name}" for part in u.parts for class_name in part.class_names)
    groups: tuple[str, ...] | None = None
    if any(part.groups is not None for part in u.parts):
        keys = [part.groups if part.groups is not None else tuple(f"item {r}" for r in range(part.n_items)) for part in u.parts]
        groups = tuple(f"{part.name}/{key}" for part, of_part in zip(u.parts, keys, strict=True) for key in of_part)
    return LabeledSet(u.name, inputs, labels, class_names, groups)
