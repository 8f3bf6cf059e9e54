"""``fetched.json``: where each file of a folder came from, when, under which licence, and what it hashes to."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from breadth.errors import FetchError
from breadth.fetch.download import sync
from breadth.fetch.listing import RECORD, WORKPLACE, Listing
from breadth.version import __version__

__all__ = ["entry_of", "locked", "read_record", "write_entry"]

_FORM = "breadth fetched 1"


def read_record(folder: Path) -> dict[str, Any]:
    """Return the record of a folder: {"form", "sources": {text: {..., "files": {path: {...}}}}}. Raises FetchError where it is damaged."""
    path = folder / RECORD
    if not path.exists():
        return {"form": _FORM, "sources": {}}
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record["form"] != _FORM or not all(isinstance(s["files"], dict) for s in record["sources"].values()):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise FetchError(f"{path} is no record of fetched files; move it away, and the same command writes it anew") from None
    assert isinstance(record, dict)
    return record


def entry_of(record: dict[str, Any], path: str) -> dict[str, Any]:
    """Return what a record says about a file, whatever source it came from, or an empty dict."""
    for source in record["sources"].values():
        entry = source["files"].get(path)
        if isinstance(entry, dict):
            return entry
    return {}


def write_entry(folder: Path, listing: Listing, path: str, entry: dict[str, Any]) -> None:
    """Add what is known about one file to the record of its folder, in one step."""
    record = read_record(folder)
    about = {
        "service": listing.service,
        "page": listing.page,
        "title": listing.title,
        "licence": listing.licence,
        "revision": listing.revision,
        "breadth": __version__,
    }
    files = record["sources"].get(listing.source, {}).get("files", {})
    record["sources"][listing.source] = {**about, "files": {**files, path: entry}}
    partial = folder / WORKPLACE / RECORD
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(record, indent=1) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, folder / RECORD)
    sync(folder)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Make the folder and its workplace and hold them for this process; yield the workplace, which goes when nothing is left in it."""
    workplace = folder / WORKPLACE
    with _lock(folder, workplace / "lock"):
        try:
            yield workplace
        finally:
            if [p.name for p in workplace.iterdir()] == ["lock"]:
                (workplace / "lock").unlink()
                workplace.rmdir()


def _lock(folder: Path, lock: Path) -> TextIO:
    """Open and lock the file ``lock``, made with its folder if missing. Raises FetchError where another process holds it."""
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # whoever held it has just removed the folder
            stream = lock.open("w")
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                stream.close()
                raise FetchError(f"another process fetches into {folder}; wait for it, or give another folder") from None
            # Removed after it was opened, it locks nothing that the next process would look at.
            if lock.exists() and lock.stat().st_ino == os.fstat(stream.fileno()).st_ino:
                return stream
            stream.close()
