"""A thread: posts with their pictures and evidence, what was left out, and what the checks say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from breadth.announce.source import Item, Quote

__all__ = ["FURTHER", "Level", "Picture", "Platform", "Post", "PostRole", "Problem", "Thread"]

Platform = Literal["x", "bluesky", "mastodon", "linkedin"]
Level = Literal["error", "warning"]
FURTHER: Final = "further posts"  # stands among what was left out where a source is too short for as many posts as were asked for
PostRole = Literal["title", "code", "context", "contribution", "item", "result", "implication", "limitation", "credits"]


@dataclass(frozen=True)
class Picture:
    """A picture of a post. file: relative to the thread's folder, "figures/figure-2.png"; alt: text for who cannot see it, <= 1000."""

    file: str
    alt: str


@dataclass(frozen=True)
class Post:
    """One post. text: whole, as it is sent, with the n/N at its end; role: None where a person wrote it; items: labels that it shows;
    parts: what LinkedIn's one text was joined from, each with its own evidence and without a number."""

    text: str
    pictures: tuple[Picture, ...] = ()
    evidence: tuple[Quote, ...] = ()
    role: PostRole | None = None
    items: tuple[str, ...] = ()
    parts: tuple[Post, ...] = ()


@dataclass(frozen=True)
class Problem:
    """What a check found. id: of the check ("F1"); post: 1-based, None for the whole thread; message: one line, what and what to do."""

    id: str
    level: Level
    post: int | None
    message: str


@dataclass(frozen=True)
class Thread:
    """A thread for one platform. left_out: (label, contribution or FURTHER, why); pictures' items by file; problems: of the checks."""

    title: str
    authors: tuple[str, ...]
    platform: Platform
    posts: tuple[Post, ...]
    code_url: str | None
    limitation: Quote | None
    items: tuple[Item, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = field(default=())
