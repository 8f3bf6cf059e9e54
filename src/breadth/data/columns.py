"""Which column of a table is the image (or vector), which the label: by type, by customary name, by what the user says; never a guess."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from breadth.data.items import Item
from breadth.errors import DataError, unknown_name

__all__ = ["LABEL_NAMES", "Choice", "Column", "Columns", "item_of", "pick"]

Kind = Literal["image", "vector", "class", "integer", "text", "number", "other"]

LABEL_NAMES = ("label", "labels", "class", "cls", "target", "y")


@dataclass(frozen=True)
class Column:
    """A column of a table. kind: image is encoded bytes; class is a number with names; names: the class names."""

    name: str
    kind: Kind
    names: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Columns:
    """What the user said: the names of the columns of images (or vectors), labels and groups; None where it is to be found."""

    image: str | None = None
    label: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Choice:
    """The columns to read; label and group may be absent."""

    image: Column
    label: Column | None
    group: Column | None

    @property
    def names(self) -> list[str]:
        """Names of the columns to read, each once."""
        return list(dict.fromkeys(c.name for c in (self.image, self.label, self.group) if c is not None))


def pick(columns: Sequence[Column], said: Columns, shown: str) -> Choice:
    """Return the columns to read.

    Image: the one said, else the only image column, else the only column of vectors. Label: the one said, else the only column of
    named classes, else the only one with a customary name (label, labels, class, cls, target, y), else the only one of whole numbers or
    text, else none. Group: the one said. Raises DataError, listing the columns, where two would do or none does.
    """
    known = {c.name: c for c in columns}
    for given in (said.image, said.label, said.group):
        if given is not None and given not in known:
            raise DataError(f"{shown}: {unknown_name('column', given, known)}")
    group = None if said.group is None else known[said.group]
    image = known[said.image] if said.image is not None else _image(columns, shown)
    if image.kind not in ("image", "vector"):
        raise DataError(f"{shown}: column '{image.name}' holds neither images nor vectors of numbers; {_listed(columns)}")
    if said.label is not None:
        label: Column | None = known[said.label]
    else:
        label = _label([c for c in columns if c not in (image, group)], columns, shown)
    if label is not None and label.kind not in ("class", "integer", "text"):
        raise DataError(f"{shown}: column '{label.name}' holds no labels (whole numbers or text); {_listed(columns)}")
    return Choice(image, label, group)


def _image(columns: Sequence[Column], shown: str) -> Column:
    for kind in ("image", "vector"):
        found = [c for c in columns if c.kind == kind]
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(f"{shown} has {len(found)} columns of {kind}s; choose one with image_col: {_listed(columns)}")
    raise DataError(f"{shown} has no column of images or vectors; {_listed(columns)}")


def _label(rest: Sequence[Column], columns: Sequence[Column], shown: str) -> Column | None:
    classes = [c for c in rest if c.kind == "class"]
    plain = [c for c in rest if c.kind in ("integer", "text")]
    for found in (classes, [c for c in plain if c.name.lower() in LABEL_NAMES], plain):
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(
                f"{shown} has {len(found)} columns that may be the label; choose one with label_col: {_listed(columns)}"
            )
    return None


def _listed(columns: Sequence[Column]) -> str:
    return "it holds " + (", ".join(f"{c.name} ({c.kind})" for c in columns) or "no column")


def item_of(row: dict[str, Any], choice: Choice, shown: str) -> Item:
    """Return one row of a table as an item. Images are bytes, or {"bytes": ..., "path": ...} with the bytes inside.

    Raises DataError where the row lacks its image, vector, label or group.
    """
    value = row.get(choice.image.name)
    content: Any = value
    if choice.image.kind == "image":
        if isinstance(value, dict):
            content = value.get("bytes")
            if content is None and value.get("path") is not None:
                raise DataError(f"{shown} holds the path of an image, not the image; save the data set with its images inside")
        if not isinstance(content, (bytes, Path)):
            raise DataError(f"{shown} has no image in column '{choice.image.name}'; remove the row")
    else:
        try:
            content = np.asarray(value, np.float32)
        except (TypeError, ValueError, OverflowError):
            content = np.empty(0)
        if content.ndim != 1 or not content.size:
            raise DataError(f"{shown} has no vector of numbers in column '{choice.image.name}'; remove the row")
    label = None
    if choice.label is not None:
        label = row.get(choice.label.name)
        if label is None:
            raise DataError(f"{shown} has no label in column '{choice.label.name}'; remove the row")
        label = int(label) if isinstance(label, (int, np.integer)) and not isinstance(label, bool) else str(label)
    group = None
    if choice.group is not None:
        group = row.get(choice.group.name)
        if group is None:
            raise DataError(f"{shown} has no group in column '{choice.group.name}'; remove the row")
        group = str(group)
    return Item(shown, content, label, group)
