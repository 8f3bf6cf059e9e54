"""Arrays in memory as a labelled set: every assumption of the package is checked here, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from breadth.data.images import LabeledSet
from breadth.errors import DataError

__all__ = ["from_arrays", "from_pair", "is_pair"]


def is_pair(given: object) -> bool:
    """Say whether an object is (inputs, labels), two arrays or tensors."""
    return isinstance(given, tuple) and len(given) == 2 and all(hasattr(a, "__array__") and hasattr(a, "shape") for a in given)


def from_pair(pair: tuple[Any, Any]) -> LabeledSet:
    """Return (inputs, labels) as the labelled set "arrays": inputs as ``from_arrays`` takes them, labels of any whole numbers or texts."""
    inputs, given = np.asarray(pair[0]), np.asarray(pair[1])
    if given.ndim != 1 or given.dtype.kind not in "uiU":
        return from_arrays(inputs, given)  # which says what is wrong
    names, labels = np.unique(given, return_inverse=True)
    return from_arrays(inputs, labels, [str(n) for n in names])


def from_arrays(
    images_or_vectors: Any,
    labels: Any,
    class_names: Sequence[str] | np.ndarray | None = None,
    *,
    name: str = "arrays",
    groups: Sequence[str] | np.ndarray | None = None,
) -> LabeledSet:
    """Return a labelled set of arrays in memory, checked in full; the inputs are shared where no conversion is needed.

    images_or_vectors: uint8 images [n, height, width, channels] (1 or 3 channels) or [n, height, width] (grey), values 0..255;
    or numeric vectors [n, features], stored as float32. labels: whole numbers [n], 0 .. n_classes-1. class_names: one different
    name per class ("0", "1", ... if absent). groups: one key per item.

    Raises DataError for other types or shapes, float images (they are not guessed to be 0..1 or 0..255), NaN or infinity, labels
    out of range, a class without items, repeated names.
    """
    inputs = _inputs(np.asarray(images_or_vectors), name)
    numbers = _labels(np.asarray(labels), len(inputs), name)
    names = _class_names(class_names, numbers, name)
    keys = None if groups is None else tuple(str(g) for g in np.asarray(groups).reshape(-1).tolist())
    _check_classes(numbers, names, name)
    return LabeledSet(name, inputs, numbers, names, keys)


def _inputs(given: np.ndarray, name: str) -> np.ndarray:
    shape = list(given.shape)
    if given.dtype.kind not in "uifb":
        raise DataError(f"'{name}' has inputs of type {given.dtype}; expected uint8 images or numeric vectors")
    if given.ndim not in (2, 3, 4) or 0 in given.shape:
        raise DataError(
            f"'{name}' has inputs of shape {shape}; expected images [n, height, width, channels] or "
            "[n, height, width], or vectors [n, features], with nothing empty"
        )
    if given.ndim == 2:
        return _vectors(given, name)
    if given.dtype != np.uint8:
        raise DataError(
            f"'{name}' has images of type {given.dtype}; expected uint8 with values 0 to 255: convert them first, {_fix(given)}"
        )
    if given.ndim == 3:
        return given[..., None]
    if given.shape[3] not in (1, 3):
        advice = ""
        if given.shape[1] in (1, 3):
            advice = ": move the channels to the end, images.transpose(0, 2, 3, 1)"
        elif given.shape[3] == 4:
            advice = ": drop the alpha channel, images[..., :3]"
        raise DataError(f"'{name}' has images of shape {shape}; expected 1 or 3 channels on the last axis{advice}")
    return given


def _fix(images: np.ndarray) -> str:
    if images.dtype.kind == "b":
        return "images.astype(numpy.uint8) * 255"
    if not np.isfinite(images).all():
        return "and remove the NaN or infinite values in them"
    low, high = images.min(), images.max()
    if images.dtype.kind == "f" and low >= 0 and high <= 1:
        return "(images * 255).round().astype(numpy.uint8) as their values lie in 0..1"
    if low >= 0 and high <= 255:
        return "images.round().astype(numpy.uint8) as their values lie in 0..255"
    return f"scaling their values, {low:g} to {high:g}, to 0..255"


def _vectors(given: np.ndarray, name: str) -> np.ndarray:
    with np.errstate(over="ignore"):  # what overflows float32 is found by the next line
        vectors = given.astype(np.float32, copy=False)
    finite = np.logical_and.reduce(np.isfinite(vectors), axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise DataError(
            f"'{name}' has NaN or infinite values in {int((~finite).sum())} of {len(finite)} vectors, the first in "
            f"row {row}; expected finite float32 values: remove or repair these rows"
        )
    return vectors


def _labels(given: np.ndarray, n: int, name: str) -> np.ndarray:
    if given.shape != (n,):
        raise DataError(f"'{name}' has labels of shape {list(given.shape)} for {n} items; expected shape [{n}]")
    if given.dtype.kind not in "ui":
        raise DataError(
            f"'{name}' has labels of type {given.dtype}; expected whole numbers 0 .. classes-1: number the classes "
            "with numpy.unique(labels, return_inverse=True)"
        )
    if given.min() < 0:
        raise DataError(f"'{name}' has the label {given.min()} in row {int(np.argmin(given))}; expected labels from 0")
    return given.astype(np.int64, copy=False)


def _class_names(given: Sequence[str] | np.ndarray | None, labels: np.ndarray, name: str) -> tuple[str, ...]:
    highest = int(labels.max())
    if given is None:
        # A wild label must not allocate a wild number of names; with a gap some class is empty, which is refused anyway.
        _check_no_gap(labels, highest, name)
        return tuple(str(c) for c in range(highest + 1))
    array = np.asarray(given)
    if array.ndim != 1 or array.dtype.kind != "U":
        raise DataError(
            f"'{name}' has class names of type {array.dtype} and shape {list(array.shape)}; expected a list of "
            "strings, one per class"
        )
    names = tuple(str(n) for n in array.tolist())
    if highest >= len(names):
        raise DataError(
            f"'{name}' has the label {highest} in row {int(np.argmax(labels))} but {len(names)} class names; "
            f"expected labels 0 to {len(names) - 1}"
        )
    for i, class_name in enumerate(names):
        if not class_name.strip():
            raise DataError(f"'{name}' has an empty name for class {i}; expected one different name per class")
    if len(set(names)) < len(names):
        twice = next(n for i, n in enumerate(names) if n in names[:i])
        raise DataError(f"'{name}' has two classes named '{twice}'; expected one different name per class")
    return names


def _check_no_gap(labels: np.ndarray, highest: int, name: str) -> None:
    present = np.unique(labels)
    if len(present) != highest + 1:
        gap = int(np.argmax(present != np.arange(len(present))))
        raise DataError(
            f"'{name}' has labels 0 to {highest} but no item of class {gap}; expected every class to have items: "
            "renumber with numpy.unique(labels, return_inverse=True)"
        )


def _check_classes(labels: np.ndarray, names: tuple[str, ...], name: str) -> None:
    counts = np.bincount(labels, minlength=len(names))
    if not counts.all():
        empty = int(np.argmin(counts))
        raise DataError(
            f"class {empty} ('{names[empty]}') of '{name}' has no items; expected every class to have items: "
            "drop its name and renumber the labels"
        )
