"""One file, transferred so that any interruption can be resumed and nothing unverified ever bears the final name.

The bytes go to a ``.part`` file beside a note of what they are part of. A broken transfer goes on with a Range request, under If-Range
where the server marks versions; a server that ignores ranges, or has another version, starts again. Only when size and checksum are
right does the file move, in one step, to where it belongs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breadth.errors import FetchError
from breadth.fetch.client import BROKEN, Answer, Client, StatusError, host_of, unreachable
from breadth.fetch.listing import WORKPLACE, Checksum, Remote

__all__ = ["Arrived", "Open", "digests", "download", "part_of", "short_url", "sync", "usable_part"]

_CHUNK = 2**18
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
Open = Callable[[Remote, Mapping[str, str]], Answer]  # asks for a remote file with these headers


@dataclass(frozen=True)
class Arrived:
    """A verified file that still waits under its temporary name. url: where its bytes came from, without the query."""

    part: Path
    size: int
    sha256: str
    url: str
    note: Path

    def settle(self, target: Path) -> None:
        """Move the file to its final name, in one step, and wait until the disk knows."""
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(self.part, target)
        sync(target.parent)
        self.note.unlink(missing_ok=True)
        self.part.with_suffix(".bad").unlink(missing_ok=True)  # of an earlier attempt, which this one replaces


def sync(path: Path) -> None:
    """Wait until a file, or the list of files of a folder, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def short_url(url: str) -> str:
    """Return an address without its query, which may hold a signature."""
    return url.partition("?")[0]


def part_of(folder: Path, remote: Remote) -> tuple[Path, Path]:
    """Return where the unfinished bytes of a file lie under ``folder``, and where the note of what they are."""
    key = hashlib.sha256(str(remote.path).encode()).hexdigest()[:16]
    place = folder / WORKPLACE
    return place / f"{key}.part", place / f"{key}.json"


def digests(path: Path, checksum: Checksum | None, size: int) -> tuple[str, Checksum | None]:
    """Return the SHA-256 of a file of ``size`` bytes, and its checksum of the asked kind."""
    hashes = _Hashes(checksum, size)
    hashes.feed(path)
    return hashes.sha256(), hashes.checksum()


def usable_part(folder: Path, remote: Remote) -> tuple[int, Mapping[str, Any]]:
    """Return the bytes of ``remote`` that lie under ``folder`` and can be built on, and the note about them; (0, {}) where none can."""
    part, place = part_of(folder, remote)
    try:
        note = json.loads(place.read_text())
        have = part.stat().st_size
    except (OSError, ValueError):
        return 0, {}
    if not isinstance(note, dict) or (remote.size is not None and have > remote.size):
        return 0, {}
    same = (
        note.get("checksum") == str(remote.checksum) if remote.checksum else note.get("url") == remote.url and note.get("version")
    )
    return (have, note) if same else (0, {})


def download(
    remote: Remote,
    folder: Path,
    *,
    client: Client,
    open_: Open,
    most: int,
    report: Callable[[int], None] = lambda n: None,
) -> Arrived:
    """Transfer ``remote`` into the workplace under ``folder``, going on from what is there, and verify it.

    most: bytes that may be stored for this file, for where the size was not stated; report: called with the bytes that lie there.
    Raises FetchError where the transfer keeps breaking, or where what arrived is not what was published: then it is kept as ``.bad``.
    """
    part, note = part_of(folder, remote)
    part.parent.mkdir(parents=True, exist_ok=True)
    have, known = usable_part(folder, remote)
    resumed = have > 0
    while True:
        arrived, found = _transfer(remote, part, note, have, known, client, open_, most, report)
        if found == remote.checksum:
            return arrived
        if not resumed:
            break
        # The first part may have been of another version, or damaged on the disk: once more, from nothing.
        resumed, have, known = False, 0, {}
        client.wait(0.0, f"{remote.path}: its {found.kind if found else ''} is wrong after resuming")
    bad = part.with_suffix(".bad")
    os.replace(part, bad)
    note.unlink(missing_ok=True)
    assert found is not None
    assert remote.checksum is not None
    raise FetchError(
        f"{remote.path}: its {found.kind} is {found.digest}, {host_of(remote.url)} states {remote.checksum.digest}; "
        f"the bytes are kept as {bad}, and the same command downloads them anew"
    )


class _Hashes:
    """SHA-256, and the hash that the service uses, of bytes as they pass."""

    def __init__(self, wanted: Checksum | None, size: int | None) -> None:
        self._sha256 = hashlib.sha256()
        self._kind = None if wanted is None else wanted.kind
        self._other = None
        if self._kind == "md5":
            self._other = hashlib.md5(usedforsecurity=False)
        elif self._kind == "git-sha1":
            self._other = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)

    def update(self, chunk: bytes) -> None:
        self._sha256.update(chunk)
        if self._other is not None:
            self._other.update(chunk)

    def feed(self, path: Path) -> None:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                self.update(chunk)

    def sha256(self) -> str:
        return self._sha256.hexdigest()

    def checksum(self) -> Checksum | None:
        return None if self._kind is None else Checksum(self._kind, (self._other or self._sha256).hexdigest())


def _transfer(
    remote: Remote,
    part: Path,
    note: Path,
    have: int,
    known: Mapping[str, Any],
    client: Client,
    open_: Open,
    most: int,
    report: Callable[[int], None],
) -> tuple[Arrived, Checksum | None]:
    """Bring the part to its full size; return it, not yet verified, and the checksum that it has."""
    hashes = _Hashes(remote.checksum, remote.size)
    if have:
        hashes.feed(part)
    size, version, url = remote.size, known.get("version"), str(known.get("final_url", remote.url))
    barren = 0
    with _writing(remote), part.open("r+b" if have else "wb") as stream:
        stream.seek(have)
        while size is None or have < size:
            before = have
            try:
                answer = open_(remote, _range(have, version, remote))
            except StatusError as error:
                if error.status != 416 or not have:
                    raise
                answer = open_(remote, {})  # the server has no such range: it has another version
            with answer:
                start = _start(answer, have, remote, size)
                if start != have:
                    stream.seek(0)
                    stream.truncate()
                    have, hashes = 0, _Hashes(remote.checksum, remote.size)
                size = _full_size(answer, have, remote, size)
                url, version = short_url(answer.url), _version(answer)
                _write_note(note, remote, version, url)
                broken = None
                while size is None or have < size:
                    try:
                        chunk = answer.read(_CHUNK if size is None else min(_CHUNK, size - have))
                    except BROKEN as error:
                        broken = unreachable(remote.url, error)
                        break
                    if not chunk:
                        break
                    if have + len(chunk) > most:
                        raise FetchError(
                            f"{remote.path}: more than the {most:,} bytes that are left of the limit; "
                            "raise the limit (--max-bytes) if the source is trusted"
                        )
                    stream.write(chunk)
                    hashes.update(chunk)
                    have += len(chunk)
                    report(have)
            if broken is None and (size is None or have == size):
                break  # where no size was ever stated, the end is where the server ends
            stream.flush()
            barren = 0 if have > before else barren + 1
            told = broken or f"{host_of(remote.url)} broke off {remote.path} after {have:,} bytes"
            if barren >= client.attempts:
                raise FetchError(f"{told.split(';')[0]}; give the same command again, {_next(have, version, remote)}")
            client.wait(2.0**barren, told.split(";")[0])
        stream.flush()
        os.fsync(stream.fileno())
    return Arrived(part, have, hashes.sha256(), url, note), hashes.checksum()


@contextlib.contextmanager
def _writing(remote: Remote) -> Iterator[None]:
    """Say which file the disk refused; errors of connections do not come this far."""
    try:
        yield
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise FetchError(f"cannot store {remote.path} ({said}); make room, and the same command goes on from there") from error


def _range(have: int, version: Any, remote: Remote) -> dict[str, str]:
    if not have or (version is None and remote.checksum is None):  # then nothing would tell that two parts belong together
        return {}
    return {"Range": f"bytes={have}-", **({"If-Range": str(version)} if version else {})}


def _next(have: int, version: Any, remote: Remote) -> str:
    return "it goes on from there" if _range(have, version, remote) else "it starts anew: nothing there marks versions"


def _start(answer: Answer, have: int, remote: Remote, size: int | None) -> int:
    """Return the byte at which an answer starts: 0 for a whole file. Raises FetchError for a range that was not asked for."""
    if answer.status != 206:
        return 0
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != have or (size is not None and found[3] not in ("*", str(size))):
        raise FetchError(
            f"{remote.path}: {host_of(answer.url)} answers the range '{answer.headers.get('Content-Range', '')}' to a request for "
            f"'{have}-'{'' if size is None else f' of {size}'}; delete the folder {WORKPLACE} and give the same command again"
        )
    return have


def _full_size(answer: Answer, have: int, remote: Remote, size: int | None) -> int | None:
    """Return the size of the whole file as far as known now. Raises FetchError where the answer announces another than was stated."""
    announced = answer.headers.get("Content-Length", "")
    part = _RANGE.fullmatch(answer.headers.get("Content-Range", "")) if answer.status == 206 else None
    if part and part[3] != "*":  # an answer may be shorter than the range that was asked for (RFC 9110, section 14.2)
        full = int(part[3])
    elif announced.isdecimal():
        full = have + int(announced)
    else:
        return size
    if remote.size is not None and full != remote.size:
        raise FetchError(
            f"{remote.path}: {host_of(answer.url)} announces {full:,} bytes, the listing says {remote.size:,}; "
            "give the same command again later, or report it to whoever published the file"
        )
    return full


def _version(answer: Answer) -> str | None:
    """Return what If-Range may hold for this answer: a strong ETag, else the date of change."""
    etag: str | None = answer.headers.get("ETag")
    if etag and not etag.startswith("W/"):
        return etag
    return answer.headers.get("Last-Modified")


def _write_note(note: Path, remote: Remote, version: str | None, url: str) -> None:
    content = {"url": remote.url, "final_url": url, "version": version, "checksum": str(remote.checksum)}
    partial = note.with_suffix(".json.new")
    partial.write_text(json.dumps(content, indent=1))
    os.replace(partial, note)
