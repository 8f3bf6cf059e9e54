"""The default writer: a thread whose every sentence is the paper's own, picked whole or cut at the ends of clauses. Offline."""

from __future__ import annotations

from breadth.announce.facts import Facts
from breadth.announce.source import Source
from breadth.announce.thread import Platform, Post, Thread
from breadth.announce.write.plan import plan
from breadth.announce.write.planned import Plan
from breadth.announce.write.shown import picture

__all__ = ["thread_of", "write_thread"]


def write_thread(source: Source, facts: Facts, platform: Platform, *, least: int = 8, most: int = 13) -> Thread:
    """Return the thread of a source: ``least`` to ``most`` posts, each with its evidence and numbered n/N as its last line.

    What nobody knows is a mark for the author: ``[FILL: code url]``, ``[FILL: limitation]``, ``[FILL: paper url]``.
    """
    return thread_of(plan(source, facts, platform, least=least, most=most), source, facts, platform)


def thread_of(planned: Plan, source: Source, facts: Facts, platform: Platform) -> Thread:
    """Return the planned posts, numbered, with their pictures."""
    count = len(planned.posts)
    posts = tuple(
        Post(f"{p.text}\n\n{n}/{count}", tuple(picture(i) for i in p.items), p.evidence, p.role, tuple(i.label for i in p.items))
        for n, p in enumerate(planned.posts, 1)
    )
    return Thread(
        title=facts.title or source.title,
        authors=facts.authors or source.authors,
        platform=platform,
        posts=posts,
        code_url=None if facts.no_code else facts.code_url or source.code_url,
        limitation=planned.limitation,
        items=source.items,
        left_out=planned.left_out,
    )
