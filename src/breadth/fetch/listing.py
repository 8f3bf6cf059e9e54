"""What a place holds: its files, each with the address, size and checksum that the service states."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

__all__ = ["RECORD", "WORKPLACE", "Checksum", "Listing", "Remote", "bytes_of", "safe_paths"]

RECORD = "fetched.json"  # where files came from
WORKPLACE = ".fetching"  # folder of what is not finished

_FORBIDDEN = re.compile(r'[<>:"|?*\\/]')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
_LONGEST = 200  # bytes of a name, less than any file system's limit


@dataclass(frozen=True)
class Checksum:
    """What the service says a file hashes to. kind: "md5", "sha256", or "git-sha1" (of "blob SIZE", a zero byte, and the content)."""

    kind: str
    digest: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.digest}"


@dataclass(frozen=True)
class Remote:
    """A file at its source. name: as the server says it; path: where it goes, safe; size in bytes and checksum where stated."""

    name: str
    path: PurePosixPath
    url: str
    size: int | None = None
    checksum: Checksum | None = None


@dataclass(frozen=True)
class Listing:
    """All files of a place. source: the text that named it; revision: what pins the version; page: for people; notes: what is left out."""

    source: str
    service: str
    page: str
    files: tuple[Remote, ...]
    title: str | None = None
    licence: str | None = None
    revision: str | None = None
    notes: tuple[str, ...] = ()


def bytes_of(value: object) -> int:
    """Return a size that a server states. Raises ValueError where it is no whole number of bytes."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError
    return value


def safe_paths(names: Sequence[str]) -> list[PurePosixPath]:
    """Return one relative path for each name that a server gave, in order: inside the folder, spellable everywhere, no two alike.

    "/" separates folders; whatever else could lead elsewhere, or steer a terminal, becomes "_". Names that differ by case or by how
    accents are written count as alike. What comes second gets "~2".
    """
    files, folders = {RECORD, WORKPLACE}, set[str]()
    found = []
    for name in names:
        parts = [_component(c) for c in name.split("/") if c] or ["_"]
        path = PurePosixPath()
        for folder in parts[:-1]:
            path = _free(path, folder, files)
            folders.add(_key(path))
        path = _free(path, parts[-1], files | folders)
        files.add(_key(path))
        found.append(path)
    return found


def _free(parent: PurePosixPath, name: str, taken: set[str]) -> PurePosixPath:
    path, n = parent / name, 1
    while _key(path) in taken:
        n += 1
        path = parent / f"{PurePosixPath(name).stem}~{n}{PurePosixPath(name).suffix}"
    return path


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _component(text: str) -> str:
    text = "".join(c if c.isprintable() else "_" for c in unicodedata.normalize("NFC", text))
    text = _FORBIDDEN.sub("_", text).rstrip(" .") or "_"
    if _DEVICES.fullmatch(text):
        text = f"_{text}"
    if len(text.encode()) > _LONGEST:
        suffix = PurePosixPath(text).suffix[-20:]
        room = _LONGEST - len(suffix.encode())
        text = text.encode()[:room].decode(errors="ignore") + suffix
    return text
