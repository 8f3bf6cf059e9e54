"""What would be sent: the posts of a thread's folder with their pictures, links and tags, refused where anything is wrong with them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ValidationError

from breadth.announce.check.length import BLUESKY_BYTES, LIMITS, weighted_length
from breadth.announce.thread import Picture
from breadth.errors import AnnounceError, printable, unknown_name

__all__ = ["Facet", "Outgoing", "Sending", "Target", "described", "plan_sending"]

Target = Literal["bluesky", "mastodon"]

LARGEST_FILE = 10_000_000
MOST_PICTURES = 4  # of both services
URL = re.compile(r"https?://[^\s<>\"]+")
# A handle of Bluesky is a domain name, so that "@name" alone is plain text there.
HANDLE = re.compile(r"(?<![\w@.])@((?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9])")
LOCAL = re.compile(r"(?<![\w@./])@(\w+)(?![\w@.-]*@|\w)")
TAG = re.compile(r"(?<![\w#&/])#(\w*[^\W\d_]\w*)")


@dataclass(frozen=True)
class Facet:
    """A link, tag or mention in a post of Bluesky. start, end: in bytes of the text as UTF-8; value: address, tag or handle."""

    start: int
    end: int
    kind: Literal["link", "mention", "tag"]
    value: str


@dataclass(frozen=True)
class Outgoing:
    """One post as it is sent. n: from 1; length: as the service counts; facets: for Bluesky only (Mastodon finds its own)."""

    n: int
    text: str
    length: int
    pictures: tuple[Picture, ...]
    facets: tuple[Facet, ...]


@dataclass(frozen=True)
class Sending:
    """A thread on its way: each post answers the one before it. written_for: another platform that it was written for, else None."""

    folder: Path
    to: Target
    posts: tuple[Outgoing, ...]
    written_for: str | None = None


class _Image(BaseModel):
    file: str
    alt: str


class _Post(BaseModel):
    n: int
    text: str
    images: list[_Image]


class _Check(BaseModel):
    id: str
    level: str
    post: int | None
    message: str


class _Thread(BaseModel):
    posts: list[_Post]
    checks: list[_Check]
    platform: str | None = None


def plan_sending(folder: Path, to: Target) -> Sending:
    """Return what would be sent of a folder with thread.json, without a network.

    Raises AnnounceError where the thread has an error of its checks, a [FILL: ...] mark, a text over the limit, words in ``**`` (neither
    service has bold), or pictures that are missing or without words for those who cannot see them.
    """
    if to not in get_args(Target):
        raise AnnounceError(unknown_name("service to post to", to, get_args(Target)))
    thread = _read(folder / "thread.json")
    failed = [c for c in thread.checks if c.level == "error"]
    if failed:
        place = "the thread" if failed[0].post is None else f"post {failed[0].post}"
        raise AnnounceError(
            f"{folder / 'thread.json'}: {len(failed)} error{'s' if len(failed) > 1 else ''} of the checks, first {failed[0].id} of "
            f"{place}: {failed[0].message}; correct the thread and check it again, then post"
        )
    if not thread.posts:
        raise AnnounceError(f"{folder / 'thread.json'} holds no post; write the thread again with breadth thread")
    other = thread.platform if thread.platform != to else None
    return Sending(folder, to, tuple(_outgoing(folder, to, other, n, post) for n, post in enumerate(thread.posts, 1)), other)


def _read(path: Path) -> _Thread:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise AnnounceError(f"{path} is larger than {LARGEST_FILE // 10**6} MB, which no thread is; give a thread's folder")
        return _Thread.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise AnnounceError(f"{path}: {error.strerror}; give the folder that breadth thread --out has written") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise AnnounceError(
            f"{path}: {'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}; write the thread again with breadth thread"
        ) from error
    except ValueError as error:
        raise AnnounceError(f"{path} is not JSON ({error}); write the thread again with breadth thread") from error


def _outgoing(folder: Path, to: Target, other: str | None, n: int, post: _Post) -> Outgoing:
    """A post as it is sent. other: the platform that the thread was written for, where that is another."""
    whose = f"the thread was written for {printable(other)}: " if other else ""
    again = f"{whose}write the thread again with --platform {to}"

    def refused(what: str, do: str) -> AnnounceError:
        return AnnounceError(f"{folder / 'thread.json'}: post {n} {what}; {do}")

    if post.n != n:
        raise refused(f"calls itself number {post.n}", "posts are numbered 1, 2, 3 and so on: write the thread again")
    if not post.text.strip():
        raise refused("is empty", "write it, or take it out")
    mark = re.search(r"\[FILL\b[^\]\n]*\]?", post.text)
    if mark:
        raise refused(f"still holds {mark[0]}", "fill it in, or take it out, and check the thread again")
    length = weighted_length(post.text, to)
    if length > LIMITS[to]:
        raise refused(f"is {length} long, {to} takes {LIMITS[to]}", again)
    bold = re.search(r"\*\*[^*\n]*[^*\s]\*\*", post.text)
    if bold:
        raise refused(
            f"holds '{printable(bold[0])}', and {to} shows the stars", f"{again}, or take them out" if other else "take them out"
        )
    if to == "bluesky" and len(post.text.encode()) > BLUESKY_BYTES:
        raise refused(f"is {len(post.text.encode())} bytes long, bluesky takes {BLUESKY_BYTES}", "shorten it")
    if len(post.images) > MOST_PICTURES:
        raise refused(f"has {len(post.images)} pictures, {to} takes {MOST_PICTURES}", "take some out")
    for image in post.images:
        file = (folder / image.file).resolve()
        if not file.is_relative_to(folder.resolve()):
            raise refused(f"shows '{image.file}' from outside the thread's folder", "copy the picture into figures/")
        if not file.is_file():
            raise refused(f"shows '{image.file}', which is not there", "write the thread again, or take the picture out")
        if not image.alt.strip():
            raise refused(f"shows '{image.file}' without alt text", "write what it shows for those who cannot see it")
    pictures = tuple(Picture(i.file, i.alt) for i in post.images)
    return Outgoing(n, post.text, length, pictures, _facets(post.text) if to == "bluesky" else ())


def _facets(text: str) -> tuple[Facet, ...]:
    """Return links, tags and mentions with their place in bytes, as app.bsky.richtext.facet counts them."""
    found: list[tuple[int, int, Literal["link", "mention", "tag"], str]] = []
    for m in URL.finditer(text):
        url = m[0].rstrip(".,;:!?'")
        while url.endswith(")") and url.count("(") < url.count(")"):
            url = url[:-1].rstrip(".,;:!?'")
        found.append((m.start(), m.start() + len(url), "link", url))
    taken = [(start, end) for start, end, _, _ in found]

    def free(m: re.Match[str]) -> bool:
        return not any(start < m.end() and m.start() < end for start, end in taken)

    found += [(m.start(), m.end(), "mention", m[1]) for m in HANDLE.finditer(text) if free(m)]
    found += [(m.start(), m.end(), "tag", m[1]) for m in TAG.finditer(text) if free(m) and len(m[1]) <= 64]
    return tuple(Facet(len(text[:a].encode()), len(text[:b].encode()), kind, value) for a, b, kind, value in sorted(found))


def described(sending: Sending) -> str:
    """Return what would be sent as a person reads it: text, what it answers, pictures with their words, facets with their bytes."""
    lines = [f"written for {sending.written_for}; every post fits {sending.to}"] if sending.written_for else []
    for post in sending.posts:
        answers = f"answers post {post.n - 1}" if post.n > 1 else "begins the thread"
        lines.append(f"--- post {post.n} to {sending.to} ({answers}; {post.length} of {LIMITS[sending.to]})")
        lines += post.text.split("\n")
        lines += [f"  picture {p.file}\n    alt: {p.alt}" for p in post.pictures]
        lines += [f"  {f.kind} at bytes {f.start}-{f.end}: {f.value}" for f in post.facets]
        if sending.to == "mastodon":
            local = dict.fromkeys(m[1] for m in LOCAL.finditer(post.text))
            lines += [f"  @{name} is whoever has that name on your own server; write @{name}@server for another" for name in local]
    return "\n".join(lines) + "\n"
