"""Any torch Dataset, map-style or iterable, as a labelled set; torch itself is not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from PIL import Image

from breadth.data.images import LabeledSet
from breadth.data.items import Item, assemble, gather, one_line, some_rows
from breadth.errors import DataError

__all__ = ["from_torch", "is_dataset"]


def is_dataset(given: object) -> bool:
    """Say whether an object can be read as a torch Dataset: items by number with a length, or by iteration."""
    return (hasattr(given, "__getitem__") and hasattr(given, "__len__")) or hasattr(given, "__iter__")


def from_torch(
    dataset: Any, name: str, *, limit: int | None = None, size: int | None = None, max_bytes: int = 2 * 1024**3
) -> LabeledSet:
    """Return the labelled set that a torch Dataset yields as (image or vector, label, ...).

    Image: a Pillow image, an array [height, width(, channels)], or a tensor [(channels,) height, width], with 1 or 3 channels; uint8, or
    floats that all lie in 0..1, which become round(255 x). One-dimensional arrays and tensors are vectors. Label: a whole number or a
    text. Names of classes are the dataset's ``classes`` (or those of the dataset it is a subset of) where these are texts.

    limit: a fixed draw of at most this many items from a map-style dataset, the first ones of an iterable. size: images become
    size x size pixels. Raises DataError for other items, floats outside 0..1, an item that cannot be read, and beyond ``max_bytes``.
    """
    if limit is not None and limit < 1:
        raise DataError(f"limit={limit} was asked for; expected at least 1 item")
    if type(dataset).__name__ == "DataLoader" and hasattr(dataset, "dataset"):
        raise DataError(f"'{name}' is a DataLoader, which yields batches; give its dataset, loader.dataset")
    if not is_dataset(dataset):
        raise DataError(f"'{name}' is a {type(dataset).__name__}; expected a dataset with items by number or by iteration")
    shown = f"'{name}'"
    items = gather(
        (_item(value, f"{shown}, item {i}") for i, value in _values(dataset, limit, shown)),
        shown=shown,
        max_bytes=max_bytes,
        limit=limit,
    )
    return assemble(items, name=name, shown=shown, class_names=_class_names(dataset), size=size, max_bytes=max_bytes)


def _values(dataset: Any, limit: int | None, shown: str) -> Iterator[tuple[int, Any]]:
    mapped = hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__")
    numbers: Iterable[int] = some_rows(len(dataset), limit) if mapped else ()
    read = ((i, dataset[i]) for i in numbers) if mapped else enumerate(dataset)
    at = -1
    while True:
        try:
            at, value = next(read)
        except StopIteration:
            return
        except Exception as error:  # whatever a foreign dataset raises
            kind = type(error).__name__
            raise DataError(f"{shown} could not be read after item {at} ({kind}: {one_line(error)}); repair the dataset") from error
        yield at, value


def _item(value: Any, shown: str) -> Item:
    if not isinstance(value, (tuple, list)) or len(value) < 2:
        raise DataError(f"{shown} is a {type(value).__name__}; expected (image or vector, label)")
    return Item(shown, _content(value[0], shown), _label(value[1], shown))


def _content(value: Any, shown: str) -> Image.Image | np.ndarray:
    if isinstance(value, Image.Image):
        return value
    tensor = hasattr(value, "detach") and hasattr(value, "numpy")
    try:
        pixels = np.asarray(value.detach().cpu().numpy() if tensor else value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(
            f"{shown} is no image or array ({one_line(error)}); expected a Pillow image, an array or a tensor"
        ) from error
    if pixels.dtype.kind not in "uif" or pixels.ndim not in (1, 2, 3) or not pixels.size:
        raise DataError(
            f"{shown} is {pixels.dtype} of shape {list(pixels.shape)}; expected a Pillow image, pixels of two or three dimensions, or a vector"
        )
    if pixels.ndim == 1:
        return pixels.astype(np.float32)
    if pixels.ndim == 3:
        pixels = _channels_last(pixels, tensor, shown)
    pixels = _bytes(pixels, shown)
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels))


def _channels_last(pixels: np.ndarray, tensor: bool, shown: str) -> np.ndarray:
    """Return [height, width, channels]: where both ends could be channels, those of a tensor come first and those of an array last."""
    first, last = pixels.shape[0] in (1, 3), pixels.shape[2] in (1, 3)
    if first and (tensor or not last):
        return np.moveaxis(pixels, 0, 2)
    if last:
        return pixels
    raise DataError(f"{shown} has the shape {list(pixels.shape)}; expected 1 or 3 channels, first or last")


def _bytes(pixels: np.ndarray, shown: str) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    low, high = pixels.min(), pixels.max()
    if pixels.dtype.kind == "f" and low >= 0 and high <= 1:
        scaled: np.ndarray = np.rint(pixels * pixels.dtype.type(255)).astype(np.uint8)
        return scaled
    raise DataError(
        f"{shown} has {pixels.dtype} pixels from {low:g} to {high:g}; expected uint8, or floats in 0..1: "
        "leave normalisation out of the dataset's transform"
    )


def _label(value: Any, shown: str) -> int | str:
    if isinstance(value, str):
        return value
    try:
        number = value.item() if hasattr(value, "item") else value
    except (TypeError, ValueError, RuntimeError):
        number = None
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    raise DataError(f"{shown} has a label of type {type(value).__name__}; expected one whole number or a text")


def _class_names(dataset: Any) -> list[str] | None:
    for _ in range(8):  # a subset of a subset ...
        names = getattr(dataset, "classes", None)
        if isinstance(names, (list, tuple)) and names and all(isinstance(n, str) for n in names):
            return list(names)
        dataset = getattr(dataset, "dataset", None)
    return None
