"""The words for a picture are held against its caption and the sentences about it as a post is against its evidence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from breadth.announce.check.case import Case
from breadth.announce.check.hedges import f4_hedges
from breadth.announce.check.names import f5_names
from breadth.announce.check.sides import f3_comparisons
from breadth.announce.check.words import claims_of
from breadth.announce.source import Item, Quote
from breadth.announce.thread import Picture, Post, Problem

__all__ = ["spoken"]

_BEFORE = (Post("."), Post("."))  # the first two posts are held to other rules


def spoken(case: Case, n: int, picture: Picture, item: Item) -> Iterator[Problem]:
    """Return what is wrong with the words for a picture of post n: comparisons, hedges, praise and names.

    An error where a sentence of them is nearly one about the picture; else a warning, for words may tell what only the picture shows.
    """
    about = sorted(case.library.material(item, near=True))
    sentences = [case.source.sentence(k) for k in about if 1 <= k <= len(case.source.sentences)]
    evidence = (Quote(item.page, item.caption), *(Quote(s.page, s.text, (s.number,)) for s in sentences))
    posts = tuple(Post(f"{claim}\n\n1/1", (), evidence) for claim in claims_of(picture.alt))
    words = replace(case, thread=replace(case.thread, posts=(*_BEFORE, *posts)))
    for check in (f3_comparisons, f4_hedges, f5_names):
        for problem in check(words):
            view = words.views[(problem.post or 1) - 1]
            near = all(c.best is not None and c.best.verbatim for c in view.claims)
            sure = problem.level == "error" and near and problem.id != "F5"
            message = f"in the words for {picture.file}: {problem.message}"
            yield case.problem(problem.id, "error" if sure else "warning", n, message)
