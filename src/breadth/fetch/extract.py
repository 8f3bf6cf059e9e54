"""Unpack an archive that a stranger made: into one new folder, all of it or nothing, never outside and never without end.

Every name is checked before its bytes are written; links and devices are refused; bytes are counted as they are written, because what an
archive announces may be a lie. Modes and owners are not taken over; archives inside stay as they are.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from breadth.errors import FetchError

__all__ = ["Limits", "Unpacked", "archive_stem", "extract"]

_TARS: dict[str, Any] = {
    ".tar": open, ".tar.gz": gzip.open, ".tgz": gzip.open, ".tar.xz": lzma.open, ".txz": lzma.open, ".tar.bz2": bz2.open,
    ".tbz2": bz2.open,
}  # fmt: skip
_SUFFIXES = (".zip", *_TARS)
_CHUNK = 2**18
_DEEPEST = 100  # folders within each other; what removes a folder calls itself for each
_HEADER = 2**20  # the most that is read at once: a name or a list of attributes of this size is no archive of files
_DAMAGE = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, NotImplementedError, ValueError,
    LookupError, OverflowError, gzip.BadGzipFile,
)  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What an archive may become. total: bytes; ratio: bytes unpacked for one packed, judged from ``grace`` bytes on; entries: of any kind."""

    total: int
    ratio: float = 200.0
    grace: int = 100_000_000
    entries: int = 1_000_000


@dataclass(frozen=True)
class Unpacked:
    """What an archive became."""

    folder: Path
    files: int
    size: int


def archive_stem(name: str) -> str | None:
    """Return the name of an archive without its suffix, or None for what is not unpacked: .npz and .pt files are zip files, too."""
    for suffix in sorted(_SUFFIXES, key=len, reverse=True):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return None


def extract(archive: Path, target: Path, limits: Limits, workplace: Path) -> Unpacked:
    """Unpack ``archive`` into the new folder ``target``, which appears complete or not at all.

    workplace: a folder on the same disk for what is not complete. Raises FetchError where the archive is damaged or encrypted, holds an
    unsafe name, a link or a device, or grows beyond the limits, and where ``target`` exists.
    """
    if os.path.lexists(target):
        raise FetchError(f"{target} exists and did not come from {archive.name} as it is now; move it away to unpack again")
    partial = workplace / f"{archive.name[:100]}.unpacking"
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed
    partial.mkdir(parents=True)
    writer = _Writer(archive, partial, limits)
    try:
        if archive.name.lower().endswith(".zip"):
            _unzip(archive, writer)
        else:
            _untar(archive, writer)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(partial, target)
    except _DAMAGE as error:
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise FetchError(f"{archive} cannot be unpacked ({said}); nothing was written") from error
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise FetchError(f"{archive} cannot be unpacked ({said}); make room or unpack by hand; nothing was left behind") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Unpacked(target, writer.files, writer.size)


class _Writer:
    """Writes members under one folder, within limits."""

    def __init__(self, archive: Path, folder: Path, limits: Limits) -> None:
        self.files = self.size = self._entries = 0
        self._archive, self._folder, self._limits = archive, folder, limits
        self._packed = max(archive.stat().st_size, 1)

    def refuse(self, name: str, why: str) -> FetchError:
        return FetchError(f"{self._archive}: '{name[:100]}' {why}; nothing was unpacked")

    def place(self, name: str) -> Path:
        """Return where a member goes. Raises FetchError for a name that leads elsewhere or could not be told from another."""
        self._entries += 1
        if self._entries > self._limits.entries:
            raise self.refuse(name, f"is one of more than {self._limits.entries:,} entries")
        # Archives made on Windows by careless programs have "\" between folders.
        plain = name.replace("\\", "/")
        if plain.startswith("/"):
            raise self.refuse(name, "is an absolute path")
        if len(plain) > 1 and plain[1] == ":":
            raise self.refuse(name, "begins with a drive letter")
        if ".." in plain.split("/"):
            raise self.refuse(name, "leads out of the folder")
        if not plain.isprintable():
            raise self.refuse(name, "holds control characters")
        path = PurePosixPath(plain)
        if len(path.parts) > _DEEPEST:
            raise self.refuse(name, f"lies more than {_DEEPEST} folders deep")
        return self._folder / path

    def folder(self, name: str) -> None:
        self.place(name).mkdir(parents=True, exist_ok=True)

    def file(self, name: str, stream: IO[bytes]) -> None:
        path = self.place(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            out = path.open("xb")
        except FileExistsError:
            raise self.refuse(name, "occurs twice") from None
        with out:
            while chunk := stream.read(_CHUNK):
                self.count(name, len(chunk))
                out.write(chunk)
        self.files += 1

    def count(self, name: str, n: int) -> None:
        """Count unpacked bytes before they are written."""
        self.size += n
        if self.size > self._limits.total:
            raise self.refuse(name, f"brings it beyond {self._limits.total:,} bytes (--max-bytes)")
        self.check(self.size, name)

    def check(self, size: int, name: str = "its end") -> None:
        """Refuse an archive that is larger by itself, headers included, than anything but a bomb."""
        if size > max(self._limits.grace, self._limits.ratio * self._packed):
            raise self.refuse(name, f"brings it beyond {self._limits.ratio:g} times its packed size, as decompression bombs do")


def _unzip(archive: Path, writer: _Writer) -> None:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if info.flag_bits & 1:
                raise writer.refuse(info.filename, "is encrypted")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise writer.refuse(info.filename, "is a link or a device")
            if info.is_dir():
                writer.folder(info.filename)
            else:
                with packed.open(info) as stream:
                    writer.file(info.filename, stream)


def _untar(archive: Path, writer: _Writer) -> None:
    suffix = max((s for s in _TARS if archive.name.lower().endswith(s)), key=len)
    with (
        _TARS[suffix](archive, "rb") as stream,
        tarfile.open(fileobj=cast(IO[bytes], _Careful(stream, writer)), mode="r:") as packed,
    ):
        for member in _members(packed):
            if member.isdir():
                writer.folder(member.name)
            elif member.isreg():
                content = packed.extractfile(member)
                assert content is not None
                with content:
                    writer.file(member.name, content)
            else:
                raise writer.refuse(member.name, "is a link or a device")
        # tarfile takes a damaged header, or no more bytes, for the end; a true end is a block of zeros.
        stream.seek(packed.offset)
        if stream.read(512) != bytes(512):
            raise tarfile.TarError(f"damaged or cut off after {writer.files} files")


def _members(packed: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    while (member := packed.next()) is not None:
        yield member
        packed.members = []  # type: ignore[attr-defined]  # which would grow with the archive


class _Careful:
    """A stream for tarfile that gives no more than it has use for: of itself it would read whatever a header announces."""

    def __init__(self, stream: IO[bytes], writer: _Writer) -> None:
        self._stream, self._writer = stream, writer
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= _HEADER:
            raise self._writer.refuse("a header", f"announces {size:,} bytes")
        self._writer.check(self._stream.tell() + size - _HEADER)
        return self._stream.read(size)
