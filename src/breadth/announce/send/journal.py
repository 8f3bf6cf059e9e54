"""``sent-SERVICE.json`` in a thread's folder: what was sent, and what was begun, so that nothing is posted twice."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from breadth.announce.send.plan import Outgoing, Sending
from breadth.errors import AnnounceError
from breadth.study.store import write_text

__all__ = ["Entry", "Journal", "Ref", "locked", "opened"]


@dataclass(frozen=True)
class Ref:
    """A post on its server. id: at:// address or number of the status; cid: hash of the record (Bluesky), ""; url: for a browser."""

    id: str
    cid: str
    url: str


@dataclass(frozen=True)
class Entry:
    """One post of the journal, written before it is sent. digest: of text and pictures; key: chosen here, by which the server knows a
    second attempt; begun: ISO time, UTC; ref: None until the server has said that it has the post."""

    n: int
    digest: str
    key: str
    begun: str
    ref: Ref | None = None


@dataclass(frozen=True)
class Journal:
    """What one account has sent of a thread; account: who at which server."""

    path: Path
    account: str
    entries: tuple[Entry, ...]

    def entry(self, n: int) -> Entry | None:
        """Return the entry of a post, or None where it was never begun."""
        return next((e for e in self.entries if e.n == n), None)

    def having(self, entry: Entry) -> Journal:
        """Return the journal with an entry added or replaced, which is on the disk then."""
        journal = replace(self, entries=(*(e for e in self.entries if e.n != entry.n), entry))
        content = {"account": journal.account, "posts": [asdict(e) for e in journal.entries]}
        write_text(self.path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
        return journal


class _Ref(BaseModel):
    model_config = ConfigDict(extra="forbid")
    id: str
    cid: str
    url: str


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    n: int
    digest: str
    key: str
    begun: str
    ref: _Ref | None


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    account: str
    posts: list[_Entry]


def opened(sending: Sending, account: str) -> Journal:
    """Return the journal of a folder. Raises AnnounceError where it is damaged, another account's, or of posts that have changed since."""
    path = sending.folder / f"sent-{sending.to}.json"
    try:
        file = _File.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Journal(path, account, ())
    except (ValueError, ValidationError) as error:
        raise AnnounceError(
            f"{path} is damaged, so that what was sent is unknown; see on {sending.to} what is there, and move the file away to begin anew"
        ) from error
    if file.account != account:
        raise AnnounceError(
            f"{path} is of {file.account}, not of {account}; log in as that one, or copy the thread to another folder"
        )
    entries = tuple(Entry(e.n, e.digest, e.key, e.begun, None if e.ref is None else Ref(**e.ref.model_dump())) for e in file.posts)
    now = {p.n: digest(sending.folder, p) for p in sending.posts}
    for e in entries:
        if now.get(e.n) != e.digest:
            raise AnnounceError(
                f"{path}: post {e.n} was {'sent' if e.ref else 'begun'} with other words or pictures than thread.json has now; "
                f"put them back, or delete what is on {sending.to} and move the file away to begin anew"
            )
    return Journal(path, account, entries)


def digest(folder: Path, post: Outgoing) -> str:
    """Return a hash of what a post shows: text, pictures, their words."""
    total = hashlib.sha256(post.text.encode())
    for picture in post.pictures:
        total.update(hashlib.sha256((folder / picture.file).read_bytes()).digest() + picture.alt.encode() + b"\0")
    return total.hexdigest()


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process. Raises AnnounceError where another one is posting from it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AnnounceError(f"another process is posting from {folder}; wait for it") from None
        yield
    finally:
        os.close(handle)
