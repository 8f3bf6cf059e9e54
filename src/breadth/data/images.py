"""Labelled sets of images (or vectors) held as arrays, and the one pipeline from stored pixels to network input."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from PIL import Image

from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["LabeledSet", "prepare", "to_float"]


@dataclass(frozen=True, eq=False)
class LabeledSet:
    """Items with class labels, all in memory.

    name: what protocols and figures show; inputs: uint8 images [n, height, width, channels] with 1 or 3 channels, or float32
    vectors [n, features]; labels: int64 [n] in 0 .. n_classes-1, every class with at least one item; class_names: one per class,
    all different; groups: None, or one key per item: items of one group belong together and must not be split
    (frames of one video, crops of one slide).

    ``breadth.data.formats.from_arrays`` checks foreign arrays in full; the constructor checks types and lengths only.
    """

    name: str
    inputs: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    groups: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        kind = (self.inputs.dtype, self.inputs.ndim)
        if kind not in ((np.dtype(np.uint8), 4), (np.dtype(np.float32), 2)):
            raise DataError(
                f"'{self.name}' has {kind[0]} inputs of shape {list(self.inputs.shape)}; "
                "expected uint8 images [n, height, width, channels] or float32 vectors [n, features]"
            )
        if self.labels.dtype != np.int64 or self.labels.shape != self.inputs.shape[:1]:
            raise DataError(
                f"'{self.name}' has {self.labels.dtype} labels of shape {list(self.labels.shape)} for "
                f"{len(self.inputs)} items; expected int64 labels of shape [{len(self.inputs)}]"
            )
        if self.groups is not None and len(self.groups) != len(self.inputs):
            raise DataError(
                f"'{self.name}' has {len(self.groups)} group keys for {len(self.inputs)} items; expected one key per item"
            )

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.inputs)

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def is_images(self) -> bool:
        """True for images, False for vectors."""
        return self.inputs.ndim == 4

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of inputs, labels and class names, with their shapes; the name and the groups do not enter."""
        sha = hashlib.sha256()
        for array in (self.inputs, self.labels):
            sha.update(f"{array.dtype.str}{array.shape}".encode())
            sha.update(np.ascontiguousarray(array).data)
        for class_name in self.class_names:
            sha.update(f"{len(class_name)}:{class_name}".encode("utf-8", "surrogatepass"))
        return sha.hexdigest()

    @cached_property
    def _sorted_rows(self) -> tuple[np.ndarray, ...]:
        order = np.argsort(self.labels, kind="stable")
        ends = np.cumsum(np.bincount(self.labels, minlength=self.n_classes))
        return tuple(np.split(order, ends[:-1]))

    @cached_property
    def counts(self) -> tuple[int, ...]:
        """Number of items of each class."""
        return tuple(len(rows) for rows in self._sorted_rows)

    def rows_of(self, c: int) -> np.ndarray:
        """Return the row numbers of class ``c``, ascending (int64). Raises DataError for a class that does not exist."""
        if not 0 <= c < self.n_classes:
            raise DataError(f"'{self.name}' has no class {c}; its classes are numbered 0 to {self.n_classes - 1}")
        return self._sorted_rows[c]

    def select(self, rows: np.ndarray | Sequence[int], name: str | None = None) -> LabeledSet:
        """Return the items at ``rows`` in that order (a copy); classes without items go, the others are renumbered in order.

        Raises DataError where no row is given or a row does not exist.
        """
        index = np.asarray(rows, dtype=np.int64).reshape(-1)
        if index.size == 0:
            raise DataError(f"a selection from '{self.name}' holds no rows; expected at least one")
        if index.min() < 0 or index.max() >= self.n_items:
            bad = int(index.min() if index.min() < 0 else index.max())
            raise DataError(f"'{self.name}' has no row {bad}; its rows are numbered 0 to {self.n_items - 1}")
        present, labels = np.unique(self.labels[index], return_inverse=True)
        groups = None if self.groups is None else tuple(self.groups[r] for r in index.tolist())
        return LabeledSet(
            name or self.name,
            self.inputs[index],
            labels.reshape(-1).astype(np.int64),
            tuple(self.class_names[c] for c in present.tolist()),
            groups,
        )

    def of_classes(self, classes: Sequence[int], name: str | None = None) -> LabeledSet:
        """Return all items of ``classes`` (any order; they keep their order in this set), class by class."""
        return self.select(np.concatenate([self.rows_of(c) for c in sorted(set(classes))] or [np.empty(0, np.int64)]), name)

    def at_least(self, per_class: int, name: str | None = None) -> LabeledSet:
        """Return the classes that have at least ``per_class`` items, with all their items. Raises DataError where none has."""
        kept = [c for c, count in enumerate(self.counts) if count >= per_class]
        if not kept:
            largest = self.class_names[int(np.argmax(self.counts))]
            raise DataError(f"no class of '{self.name}' has {per_class} items; the largest, '{largest}', has {max(self.counts)}")
        return self if len(kept) == self.n_classes else self.of_classes(kept, name)

    def sample(self, classes: int, per_class: int, seed: int, *names: str | int) -> LabeledSet:
        """Return ``classes`` classes with ``per_class`` items each, a pure function of (seed, names) and this set.

        Classes are drawn uniformly among those with at least ``per_class`` items, items uniformly without replacement.
        Raises DataError where fewer than ``classes`` classes have that many items.
        """
        if classes < 1 or per_class < 1:
            raise DataError(f"a sample of {classes} classes with {per_class} items each was asked for; expected at least 1 of both")
        enough = [c for c, count in enumerate(self.counts) if count >= per_class]
        if len(enough) < classes:
            raise DataError(
                f"'{self.name}' has {len(enough)} of {self.n_classes} classes with at least {per_class} items; "
                f"{classes} are needed: ask for fewer classes or fewer items a class"
            )
        rng = generator(seed, "sample", *names)
        chosen = np.sort(rng.choice(len(enough), classes, replace=False))
        rows = [np.sort(rng.choice(self._sorted_rows[enough[c]], per_class, replace=False)) for c in chosen.tolist()]
        return self.select(np.concatenate(rows))


# Pixels a side beyond which no array of images can be addressed.
LARGEST = 65_535


def prepare(labeled_set: LabeledSet, *, size: int, channels: int) -> LabeledSet:
    """Return the set with uint8 images of ``size`` x ``size`` pixels and ``channels`` (1 or 3) channels.

    Resizing is Pillow's bilinear filter with antialiasing and does not keep the aspect ratio; colour becomes grey by the
    ITU-R 601 luma, grey becomes colour by repetition. A set that is already right is returned as it is, without a copy;
    vectors pass through unchanged. Raises DataError for a size outside 1 .. 65,535 or other channels.
    """
    if not labeled_set.is_images:
        return labeled_set
    if not 1 <= size <= LARGEST or channels not in (1, 3):
        raise DataError(
            f"images of {size} px with {channels} channels were asked for; expected 1 to {LARGEST} px and 1 or 3 channels"
        )
    images = labeled_set.inputs
    if images.shape[1:] == (size, size, channels):
        return labeled_set
    if images.shape[3] == 3 and channels == 1:
        images = _grey(images)
    if images.shape[1:3] != (size, size):
        images = _resized(images, size)
    if images.shape[3] == 1 and channels == 3:
        images = np.repeat(images, 3, axis=3)
    return replace(labeled_set, inputs=images)


def _grey(images: np.ndarray) -> np.ndarray:
    # Pillow's fixed-point luma, L = 0.299 R + 0.587 G + 0.114 B, so that both ways of making grey agree to the last bit.
    wide = images.astype(np.uint32)
    luma = (wide[..., 0] * 19595 + wide[..., 1] * 38470 + wide[..., 2] * 7471 + 0x8000) >> 16
    return luma.astype(np.uint8)[..., None]


def _resized(images: np.ndarray, size: int) -> np.ndarray:
    out = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    grey = images.shape[3] == 1
    for i, image in enumerate(images):
        full = Image.fromarray(np.ascontiguousarray(image[..., 0] if grey else image))
        small = np.asarray(full.resize((size, size), Image.Resampling.BILINEAR))
        out[i] = small[..., None] if grey else small
    return out


def to_float(inputs: np.ndarray) -> np.ndarray:
    """Return network input: images uint8 [n, height, width, channels] -> float32 [n, channels, height, width] = x / 127.5 - 1.

    float32 vectors [n, features] are returned unchanged. Raises DataError for anything else.
    """
    if inputs.dtype == np.float32 and inputs.ndim == 2:
        return inputs
    if inputs.dtype != np.uint8 or inputs.ndim != 4:
        raise DataError(
            f"inputs are {inputs.dtype} of shape {list(inputs.shape)}; "
            "expected uint8 images [n, height, width, channels] or float32 vectors [n, features]"
        )
    out = np.empty((inputs.shape[0], inputs.shape[3], *inputs.shape[1:3]), np.float32)
    np.divide(np.moveaxis(inputs, 3, 1), np.float32(127.5), out=out, dtype=np.float32)
    out -= np.float32(1)
    return out
