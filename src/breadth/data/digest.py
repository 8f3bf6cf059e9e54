"""What a data source holds, as one hash: of the bytes of its files, or of its specification where it is generated."""

from __future__ import annotations

import hashlib
from pathlib import Path

from breadth.errors import DataError
from breadth.version import __version__

__all__ = ["source_digest"]


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def source_digest(source: str) -> str:
    """Return a SHA-256 (hex) of a source: of a file's bytes; of names and bytes of a folder's files; of a generated source's
    specification and this package's version. Raises DataError where a path cannot be read."""
    path = Path(source)
    try:
        if path.is_file():
            return _file_digest(path)
        if path.is_dir():
            lines = [f"{p.relative_to(path).as_posix()} {_file_digest(p)}" for p in sorted(path.rglob("*")) if p.is_file()]
            return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror}); check the path and its permissions") from None
    return hashlib.sha256(f"{source} {__version__}".encode()).hexdigest()
