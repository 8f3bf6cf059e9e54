"""WebDataset shards: tar files whose members share a key, "0001.jpg" and "0001.cls"; read in memory, never unpacked to disk."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from breadth.data.columns import LABEL_NAMES, Columns
from breadth.data.images import LabeledSet
from breadth.data.items import Item, assemble, gather, one_line
from breadth.errors import DataError

__all__ = ["read_shards"]

_IMAGES = ("jpg", "jpeg", "png", "webp", "bmp")
_TEXTS = ("cls", "json")
_LONGEST_TEXT = 2**20
_PER_MEMBER = 1000  # bytes that the reader keeps of every member it passes
_DAMAGE = (tarfile.TarError, zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, OverflowError, MemoryError, RecursionError)


class _Bounded(io.RawIOBase):
    """What the tar reader sees of a file: no read may be long, for the header of a member can announce a name of any length."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, n: int = -1) -> bytes:
        if not 0 <= n <= _LONGEST_TEXT:
            raise tarfile.ReadError(f"a header of {n:,} bytes")
        return cast(bytes, self._stream.read(n))

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())


def read_shards(
    files: Sequence[Path], *, name: str, shown: str, said: Columns, size: int | None, max_bytes: int, limit: int | None
) -> LabeledSet:
    """Return the labelled set in tar files, in the order of files and members.

    A sample is a run of members of one key (the path up to the first dot of its last part): one image (.jpg, .png, .webp or .bmp;
    said.image chooses among several by ending) and a label: a .cls with a whole number, or a .json object with the entry
    ``said.label`` (label, labels, class, cls, target or y where none is said). said.group: an entry of the .json. Other members are
    passed over. limit: the first samples.

    Raises DataError for a damaged or compressed-beyond-measure archive, a sample without image or label, and beyond ``max_bytes``.
    """
    samples = (item for path in files for item in _samples(path, said, max_bytes))
    items = gather(samples, shown=shown, max_bytes=max_bytes, limit=limit)
    return assemble(items, name=name, shown=shown, size=size, max_bytes=max_bytes)


def _samples(path: Path, said: Columns, max_bytes: int) -> Iterator[Item]:
    key: str | None = None
    parts: dict[str, bytes] = {}
    for member_key, ending, content in _members(path, said, max_bytes):
        if key is not None and member_key != key:
            yield _item(f"{path}, sample {key}", parts, said)
            parts = {}
        key = member_key
        if ending in parts:
            raise DataError(f"{path}, sample {key} has two members .{ending}; expected one of each ending")
        parts[ending] = content
    if key is not None:
        yield _item(f"{path}, sample {key}", parts, said)


def _members(path: Path, said: Columns, max_bytes: int) -> Iterator[tuple[str, str, bytes]]:
    """Yield (key, ending, content) of the members that matter; no size is believed before it is compared with the limit."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream = gzip.GzipFile(fileobj=raw) if packed else raw
            bounded = cast(Any, _Bounded(stream))
            with tarfile.open(fileobj=bounded, mode="r:") as archive:
                for passed, member in enumerate(archive, 1):
                    if passed * _PER_MEMBER > max_bytes:
                        raise DataError(
                            f"{path} has more than {passed - 1:,} members, too many for {max_bytes:,} bytes; raise max_bytes"
                        )
                    folder, slash, last = member.name.rpartition("/")
                    stem, _, ending = last.partition(".")
                    ending = ending.lower()
                    if last.startswith(".") or ending not in (*_IMAGES, *_TEXTS, said.image):
                        continue
                    shown = f"{path}, member {member.name}"
                    if not member.isreg() or member.issparse():
                        raise DataError(f"{shown} is no plain file; expected images and labels as plain files")
                    most = _LONGEST_TEXT if ending in _TEXTS else max_bytes
                    if member.size > most:
                        raise DataError(f"{shown} announces {member.size:,} bytes, more than the limit of {most:,}")
                    stream.seek(member.offset_data)
                    content = stream.read(member.size)
                    if len(content) < member.size:
                        raise tarfile.ReadError("unexpected end of data")
                    yield folder + slash + stem, ending, content
    except DataError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{path} is not a readable tar file ({one_line(error)}); write it again") from error


def _item(shown: str, parts: dict[str, bytes], said: Columns) -> Item:
    images = [ending for ending in parts if ending not in _TEXTS]
    if said.image is not None:
        images = [ending for ending in images if ending == said.image]
    if len(images) > 1:
        raise DataError(f"{shown} has the images {', '.join('.' + e for e in sorted(images))}; choose one ending with image_col")
    if not images:
        expected = f".{said.image}" if said.image else ".jpg, .png, .webp or .bmp"
        raise DataError(f"{shown} has no image; expected one {expected} for each key")
    entries = _entries(shown, parts["json"]) if "json" in parts else {}
    group = None
    if said.group is not None:
        if said.group not in entries:
            raise DataError(f"{shown} has no entry '{said.group}' in its .json for the group; check group_col")
        group = str(entries[said.group])
    return Item(shown, parts[images[0]], _label(shown, parts, entries, said), group)


def _label(shown: str, parts: dict[str, bytes], entries: dict[str, Any], said: Columns) -> int | str:
    if said.label in (None, "cls") and "cls" in parts:
        try:
            return int(parts["cls"].decode())
        except ValueError:
            raise DataError(f"{shown} has a .cls that is no whole number; write class names into a .json") from None
    names = [n for n in LABEL_NAMES if n in entries] if said.label is None else [said.label] if said.label in entries else []
    if len(names) == 1:
        value = entries[names[0]]
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return value
        raise DataError(f"{shown} has an entry '{names[0]}' that is no whole number or text; choose the label with label_col")
    if names:
        raise DataError(f"{shown} has the entries {', '.join(names)} in its .json; choose the label with label_col")
    wanted = "a .cls, or a .json with the entry 'label'" if said.label is None else f"a .json with the entry '{said.label}'"
    raise DataError(f"{shown} has no label; expected {wanted}")


def _entries(shown: str, content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise DataError(f'{shown} has a .json that is no object; expected entries such as {{"label": 3}}')
    return found
