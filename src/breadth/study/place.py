"""Where what a study file names lies: in its data_root, or where it says."""

from __future__ import annotations

from pathlib import Path

from breadth.data.patterns import files_of, is_pattern
from breadth.errors import DataError

__all__ = ["source_place"]


def source_place(load: str, data_root: str | Path) -> str:
    """Return what to load a source from: the file, the folder ("hf:FOLDER" too) or the files of a pattern in ``data_root``.

    Where there is nothing of this name, ``load`` as it stands: a path from here, a generated source, or an id on the Hub. A pattern that
    matches nothing in either place stays in ``data_root``, so that the error names the folder that was meant.
    """
    mark, rest = ("hf:", load.removeprefix("hf:")) if load.startswith("hf:") else ("", load)
    held = str(Path(data_root) / rest)
    if mark:
        return mark + held if Path(held.partition("#")[0]).is_dir() else load
    if Path(held).exists():
        return held
    return held if is_pattern(load) and (_matches(held) or not _matches(load)) else load


def _matches(pattern: str) -> bool:
    try:
        return bool(files_of(pattern))
    except DataError:
        return False
