"""What a plan holds: each post's role, words, evidence and pictures, and what was left out."""

from __future__ import annotations

from dataclasses import dataclass

from breadth.announce.source import Item, Quote
from breadth.announce.thread import PostRole

__all__ = ["Plan", "Planned"]


@dataclass(frozen=True)
class Planned:
    """One post before it is numbered. finding: of the first post, the sentence that says what was found."""

    role: PostRole
    text: str
    evidence: tuple[Quote, ...]
    items: tuple[Item, ...] = ()
    finding: str = ""


@dataclass(frozen=True)
class Plan:
    """Posts in their order; left_out: (label, contribution or FURTHER, why)."""

    posts: tuple[Planned, ...]
    left_out: tuple[tuple[str, str], ...]
    limitation: Quote | None
