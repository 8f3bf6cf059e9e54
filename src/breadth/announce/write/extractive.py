"""The default writer: a thread whose every sentence is the paper's own, picked whole or cut at the ends of clauses. Offline."""

from __future__ import annotations

from dataclasses import replace

from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.source import Quote, Source
from breadth.announce.thread import Platform, Post, Thread
from breadth.announce.write.one_text import joined, platform_of_parts
from breadth.announce.write.plan import plan
from breadth.announce.write.planned import Plan
from breadth.announce.write.shown import picture

__all__ = ["ROUNDS", "thread_of", "without", "write_thread"]

ROUNDS = 4


def write_thread(source: Source, facts: Facts, platform: Platform, *, least: int = 8, most: int = 13) -> Thread:
    """Return the thread of a source: ``least`` to ``most`` posts, each with its evidence and numbered n/N as its last line.

    What nobody knows is a mark for the author: ``[FILL: code url]``, ``[FILL: limitation]``, ``[FILL: paper url]``. Where the checks
    find an error in a post, the sentences that it was made of are set aside and the thread is planned again, at most ``ROUNDS`` times.
    For LinkedIn the posts are then joined into one text.
    """
    by_post = platform_of_parts(platform)
    left: Source = source
    for _ in range(ROUNDS):
        thread = thread_of(plan(left, facts, platform, least=least, most=most), source, facts, by_post)
        wrong = {p.post for p in check_thread(thread, source, facts, least=least, most=most) if p.level == "error" and p.post}
        aside = frozenset(n for post in wrong for quote in thread.posts[post - 1].evidence for n in quote.sentences)
        if not aside:
            break
        left = without(left, aside)
    return joined(thread, facts, platform)


def without(source: Source, aside: frozenset[int]) -> Source:
    """Return the source with nothing to say in these sentences; all numbers stay as they are."""

    def kept(quotes: tuple[Quote, ...]) -> tuple[Quote, ...]:
        return tuple(q for q in quotes if not aside & set(q.sentences))

    return replace(
        source,
        sentences=tuple(replace(s, text="") if s.number in aside else s for s in source.sentences),
        contributions=kept(source.contributions),
        results=kept(source.results),
        limitations=kept(source.limitations),
    )


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
