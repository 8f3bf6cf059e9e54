"""Labelled sets from .npz files, read without trusting them: no pickles, no announced size beyond the limit."""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from breadth.data.arrays import from_arrays
from breadth.data.columns import LABEL_NAMES, Columns
from breadth.data.images import LabeledSet
from breadth.data.items import UNLABELLED, one_line, some_rows
from breadth.errors import DataError, did_you_mean

__all__ = ["DAMAGE", "header_bytes", "read_npz"]

# Whatever a damaged header or stream makes the zip and npy readers raise; a header is Python text, so a broken one is bad syntax.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    SyntaxError,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    LookupError,
    OverflowError,
    MemoryError,
)


def read_npz(path: Path, *, max_bytes: int, said: Columns | None = None, limit: int | None = None) -> LabeledSet:
    """Return the labelled set in an .npz file, named after the file.

    Arrays: ``images`` (uint8 images or vectors) and ``labels``, or ``features`` (vectors) with or without ``labels``; optional
    ``class_names`` and ``source_paths`` (one text per item; becomes the group keys, without what follows a "#", so that crops of one file
    form one group). said: other names for the arrays of inputs, labels and groups. Other arrays are not read. Features without labels
    form the one class "unlabelled". limit: a fixed draw of at most this many items.
    Raises DataError where the file is damaged, misses an array, holds pickled objects, or announces more than ``max_bytes`` bytes.
    """
    said = said or Columns()
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _read(archive, path, max_bytes, said)
    except DAMAGE as error:
        raise DataError(f"{path} is not a readable .npz file ({one_line(error)}); write it with numpy.savez") from error
    groups, names, inputs = arrays.get("groups"), arrays.get("class_names"), arrays["inputs"]
    keys = None if groups is None else [str(p).split("#", 1)[0] for p in groups.reshape(-1).tolist()]
    labels = arrays.get("labels")
    if labels is None:
        labels, names = np.zeros(inputs.shape[:1], np.int64), np.array([UNLABELLED])
    found = from_arrays(inputs, labels, names, name=path.stem, groups=keys)
    return found if limit is None else found.select(some_rows(found.n_items, limit))


def _wanted(members: Mapping[str, object], path: Path, said: Columns) -> dict[str, str]:
    """Return role -> array: inputs, and where the file has them labels, class_names and groups."""
    features = "features" in members and "images" not in members
    inputs = said.image or ("features" if features else "images")
    required = {"inputs": inputs}
    if said.label or inputs == "images" or any(name in members for name in LABEL_NAMES):
        required["labels"] = said.label or "labels"
    if said.group:
        required["groups"] = said.group
    for key in required.values():
        if key not in members:
            held = ", ".join(sorted(members)) or "nothing"
            expected = " and ".join(f"'{k}'" for k in (inputs, said.label or "labels"))
            near = did_you_mean(key, members)
            other = "" if near or said.image or len(members) < 2 else _other_names(members)
            raise DataError(f"{path} has no array '{key}'; it holds {held}; expected {expected}{near}{other}")
    optional = {"class_names": "class_names", "groups": "source_paths"}
    return {**{role: key for role, key in optional.items() if key in members}, **required}


def _other_names(members: Mapping[str, object]) -> str:
    """Return how to say which arrays are meant, where customary names or two arrays alone suggest them."""
    label = next((name for name in members if name.lower() in LABEL_NAMES), None)
    inputs = [name for name in members if name != label]
    return f": say --image-col {inputs[0]} --label-col {label}" if label is not None and len(inputs) == 1 else ""


def _read(archive: zipfile.ZipFile, path: Path, max_bytes: int, said: Columns) -> dict[str, np.ndarray]:
    members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
    wanted = _wanted(members, path, said)
    # The sizes are checked before any array is allocated: a file of some kilobytes can announce terabytes.
    announced = 0
    for key in set(wanted.values()):
        with archive.open(members[key]) as stream:
            announced += max(header_bytes(stream, f"array '{key}' in {path}"), members[key].file_size)
    if announced > max_bytes:
        raise DataError(
            f"{path} announces {announced:,} bytes of arrays, more than the limit of {max_bytes:,}; "
            "raise max_bytes if the file is trusted"
        )
    arrays = {}
    for role, key in wanted.items():
        with archive.open(members[key]) as stream:
            try:
                arrays[role] = np.lib.format.read_array(stream, allow_pickle=False)
            except DAMAGE as error:
                raise _damaged(f"array '{key}' in {path}", error) from error
    return arrays


def header_bytes(stream: IO[bytes], shown: str) -> int:
    """Return the bytes of memory that an .npy stream announces in its header. Raises DataError for damage and for pickled objects."""
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
    except DAMAGE as error:
        raise _damaged(shown, error) from error
    if dtype.hasobject:
        raise DataError(f"{shown} holds pickled objects, which could run code; save plain arrays")
    items = 1
    for length in shape:  # Python integers, which cannot overflow
        items *= int(length)
    return items * dtype.itemsize


def _damaged(shown: str, error: Exception) -> DataError:
    return DataError(f"{shown} is damaged ({one_line(error)}); write the file again with numpy.savez")
