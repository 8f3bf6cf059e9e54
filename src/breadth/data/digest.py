"""What a data source holds, as one hash: of the bytes of its files, or of its specification where it is generated."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from breadth.data.folders import is_hidden
from breadth.data.hub import parse_hub
from breadth.data.patterns import files_of, is_pattern
from breadth.errors import DataError
from breadth.version import __version__

__all__ = ["source_digest"]


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines_digest(lines: Iterable[str]) -> str:
    # File names need not be text: those that are not come as lone surrogates, which plain UTF-8 refuses.
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def _files(folder: Path) -> list[Path]:
    """Return what a folder holds at any depth, through links too, but for what ``is_hidden`` names; sorted."""
    found: list[Path] = []

    def refuse(error: OSError) -> None:
        raise error  # a folder that cannot be listed must not count as an empty one

    for place, folders, files in os.walk(folder, followlinks=True, onerror=refuse):
        if os.path.realpath(place) in map(os.path.realpath, Path(place).parents):
            folders.clear()  # a link back to where it lies
            continue
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(place, name) for name in files if not is_hidden(name)]
    return sorted(path for path in found if path.is_file())


def source_digest(source: str) -> str:
    """Return a SHA-256 (hex) of a source: of a file's bytes; of names and bytes of a folder's files (hidden ones do not
    count), or of the files that a pattern names; of a generated source's specification and this package's version.

    "hf:FOLDER" is its folder and split; of "hf:USER/NAME" only the text is known here, so name a revision that does not move.
    Raises DataError where a path cannot be read."""
    if source.startswith("hf:"):
        place = parse_hub(source)
        if place.is_local:
            return hashlib.sha256(f"{source_digest(place.name)} {place.split}".encode()).hexdigest()
    path = Path(source)
    try:
        if is_pattern(source):
            return _lines_digest(f"{p.name} {_file_digest(p)}" for p in files_of(source))
        if path.is_file():
            return _file_digest(path)
        if path.is_dir():
            return _lines_digest(f"{p.relative_to(path).as_posix()} {_file_digest(p)}" for p in _files(path))
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror or error}); check the path and its permissions") from None
    return hashlib.sha256(f"{source} {__version__}".encode()).hexdigest()
