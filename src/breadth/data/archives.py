"""Labelled sets from .npz files, read without trusting them: no pickles, no announced size beyond the limit."""

from __future__ import annotations

import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from breadth.data.arrays import from_arrays
from breadth.data.images import LabeledSet
from breadth.errors import DataError, did_you_mean

__all__ = ["read_npz"]

# Whatever a damaged header or stream makes the zip and npy readers raise; a header is Python text, so a broken one is bad syntax.
_DAMAGE = (
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
_REQUIRED = ("images", "labels")
_OPTIONAL = ("class_names", "source_paths")


def read_npz(path: Path, *, max_bytes: int) -> LabeledSet:
    """Return the labelled set in an .npz file, named after the file.

    Arrays: ``images`` (uint8 images or vectors) and ``labels``; optional ``class_names`` and ``source_paths`` (one text per item;
    becomes the group keys, without what follows a "#", so that crops of one file form one group). Other arrays are not read.
    Raises DataError where the file is damaged, misses an array, holds pickled objects, or announces more than ``max_bytes`` bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = _read(archive, path, max_bytes)
    except _DAMAGE as error:
        raise DataError(f"{path} is not a readable .npz file ({_one_line(error)}); write it with numpy.savez") from error
    groups = None
    if "source_paths" in arrays:
        groups = [str(p).split("#", 1)[0] for p in arrays["source_paths"].reshape(-1).tolist()]
    return from_arrays(arrays["images"], arrays["labels"], arrays.get("class_names"), name=path.stem, groups=groups)


def _read(archive: zipfile.ZipFile, path: Path, max_bytes: int) -> dict[str, np.ndarray]:
    members = {name.removesuffix(".npy"): archive.getinfo(name) for name in archive.namelist()}
    for key in _REQUIRED:
        if key not in members:
            held = ", ".join(sorted(members)) or "nothing"
            raise DataError(
                f"{path} has no array '{key}'; it holds {held}; expected 'images' and 'labels'{did_you_mean(key, members)}"
            )
    wanted = {key: members[key] for key in (*_REQUIRED, *_OPTIONAL) if key in members}
    # The sizes are checked before any array is allocated: a file of some kilobytes can announce terabytes.
    announced = sum(_announced(archive, info, key, path) for key, info in wanted.items())
    if announced > max_bytes:
        raise DataError(
            f"{path} announces {announced:,} bytes of arrays, more than the limit of {max_bytes:,}; "
            "raise max_bytes if the file is trusted"
        )
    arrays = {}
    for key, info in wanted.items():
        with archive.open(info) as stream:
            try:
                arrays[key] = np.lib.format.read_array(stream, allow_pickle=False)
            except _DAMAGE as error:
                raise _damaged(key, path, error) from error
    return arrays


def _announced(archive: zipfile.ZipFile, info: zipfile.ZipInfo, key: str, path: Path) -> int:
    """Return the bytes that an array claims in its own header and in the zip directory, whichever is more."""
    with archive.open(info) as stream:
        try:
            version = np.lib.format.read_magic(stream)
            read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, _, dtype = read_header(stream)
        except _DAMAGE as error:
            raise _damaged(key, path, error) from error
    if dtype.hasobject:
        raise DataError(f"array '{key}' in {path} holds pickled objects, which could run code; save plain arrays")
    items = 1
    for length in shape:  # Python integers, which cannot overflow
        items *= int(length)
    return max(items * dtype.itemsize, info.file_size)


def _damaged(key: str, path: Path, error: Exception) -> DataError:
    return DataError(f"array '{key}' in {path} is damaged ({_one_line(error)}); write the file again with numpy.savez")


def _one_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
