"""Single items (image or vector, label, group), gathered under a memory limit and put together as a labelled set."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from breadth.data.arrays import from_arrays
from breadth.data.images import LabeledSet
from breadth.data.pictures import Picture, stack
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["UNLABELLED", "Item", "assemble", "gather", "need", "one_line", "some_rows"]

UNLABELLED = "unlabelled"
_PER_ITEM = 200  # bytes of bookkeeping that an item takes beside its content


@dataclass(frozen=True, eq=False)
class Item:
    """One item before it is decoded. shown: how messages name it; content: an image, or a float32 vector [features];
    label: a class number or name, None in a set without labels; group: None, or the key of the group it belongs to."""

    shown: str
    content: Path | bytes | Image.Image | np.ndarray
    label: int | str | None = None
    group: str | None = None

    @property
    def held(self) -> int:
        """Bytes of memory this item takes."""
        if isinstance(self.content, Image.Image):
            return _PER_ITEM + self.content.width * self.content.height * 4
        return _PER_ITEM + (len(self.content) if isinstance(self.content, bytes) else getattr(self.content, "nbytes", 0))


def some_rows(n: int, limit: int | None) -> list[int]:
    """Return all of 0 .. n-1, or ``limit`` of them: one fixed draw, ascending, so that sorted classes all keep their share."""
    if limit is None or limit >= n:
        return list(range(n))
    rows: list[int] = np.sort(generator(0, "limit", n, limit).choice(n, limit, replace=False)).tolist()
    return rows


def gather(items: Iterable[Item], *, shown: str, max_bytes: int, limit: int | None = None) -> list[Item]:
    """Return the items, at most ``limit`` from the start. Raises DataError as soon as they hold more than ``max_bytes``."""
    kept: list[Item] = []
    held = 0
    for item in items:
        held += item.held
        if held > max_bytes:
            raise DataError(
                f"{shown} needs more than the limit of {max_bytes:,} bytes in memory, reached at {item.shown}; "
                "ask for fewer items with limit, or raise max_bytes"
            )
        kept.append(item)
        if len(kept) == limit:
            break
    return kept


def assemble(
    items: Sequence[Item],
    *,
    name: str,
    shown: str,
    size: int | None,
    max_bytes: int,
    class_names: Sequence[str] | None = None,
) -> LabeledSet:
    """Return the labelled set of ``items``, in their order.

    class_names: what label numbers stand for; without them numbers name themselves, and texts become classes in sorted order. Classes
    without items go. Items without labels form the one class "unlabelled". Raises DataError for no items, images mixed with vectors,
    vectors of several lengths, labels of mixed kinds or out of range, and for whatever ``stack`` and ``from_arrays`` refuse.
    """
    if not items:
        raise DataError(f"{shown} holds no items; expected at least one")
    labels, names = _numbered(items, class_names, shown)
    vectors = [item.content for item in items if isinstance(item.content, np.ndarray)]
    if vectors and len(vectors) < len(items):
        raise DataError(f"{shown} holds images and vectors; expected one kind")
    inputs: np.ndarray
    if vectors:
        length = vectors[0].size
        odd = next((item for item, v in zip(items, vectors, strict=True) if v.size != length), None)
        if odd is not None:
            assert isinstance(odd.content, np.ndarray)
            raise DataError(
                f"{odd.shown} has {odd.content.size} numbers, {items[0].shown} {length}; expected vectors of one length"
            )
        if 2 * sum(v.nbytes for v in vectors) > max_bytes:
            raise DataError(f"{shown} needs more than the limit of {max_bytes:,} bytes in memory; raise max_bytes or use limit")
        inputs = np.stack(vectors)
    else:
        pictures = [Picture(item.shown, item.content) for item in items if not isinstance(item.content, np.ndarray)]
        held = sum(item.held for item in items if not isinstance(item.content, Path))
        inputs = stack(pictures, shown=shown, size=size, max_bytes=max_bytes, held=held)
    groups = None if items[0].group is None else [str(item.group) for item in items]
    return from_arrays(inputs, labels, names, name=name, groups=groups)


def _numbered(items: Sequence[Item], given: Sequence[str] | None, shown: str) -> tuple[np.ndarray, list[str]]:
    """Return labels int64 [n] in 0 .. classes-1, every class with an item, and the class names."""
    values = [item.label for item in items]
    kinds = {type(value) for value in values}
    if kinds == {type(None)}:
        return np.zeros(len(items), np.int64), [UNLABELLED]
    if len(kinds) > 1:
        first = type(values[0])
        odd = next(i for i, value in enumerate(values) if type(value) is not first)
        raise DataError(
            f"{items[odd].shown} has the label {values[odd]!r}, {items[0].shown} {values[0]!r}; "
            "expected a number for every item, or a name for every item"
        )
    present = sorted(set(values), key=lambda value: (value is not None, value))
    place = {value: i for i, value in enumerate(present)}
    if given is not None and kinds == {int}:
        for item in items:
            if not 0 <= int(item.label or 0) < len(given):
                raise DataError(
                    f"{item.shown} has the label {item.label}, but {shown} names the classes 0 to {len(given) - 1}; "
                    "remove it, or take a split that has labels"
                )
        names = [given[int(value or 0)] for value in present]
    else:
        names = [str(value) for value in present]
    return np.array([place[value] for value in values], np.int64), names


def one_line(error: BaseException) -> str:
    """Return the first line of an error's text, or its type where it says nothing."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__).rstrip(".")


def need(package: str, shown: str, extra: str = "hub") -> Any:
    """Return the imported ``package``. Raises DataError with the pip command, by the ``extra`` it is in, where it is missing."""
    try:
        return importlib.import_module(package)
    except ImportError:
        root = package.split(".", maxsplit=1)[0]
        raise DataError(f'{shown} needs the package {root}, which is not installed; run: pip install "breadth[{extra}]"') from None
