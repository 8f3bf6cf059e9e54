"""F7: the limitation that a post states is one of this work, and the source's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breadth.announce.check.case import Case, View
from breadth.announce.check.library import Passage
from breadth.announce.check.structure import is_limitation
from breadth.announce.check.words import content, plain
from breadth.announce.thread import Problem

__all__ = ["f7_limitation"]

_PRIOR = re.compile(
    r"\b(?:prior|previous|existing|earlier|related|past|other|their|these) "
    r"(?:work|works|methods?|approach(?:es)?|stud(?:y|ies)|metrics?|papers?|models?|literature)\b"
    r"|\bet al\b",
    re.IGNORECASE,
)
_OURS = re.compile(r"\b(?:we|our|ours|us|this (?:work|paper|study)|the (?:current|present) (?:work|study))\b", re.IGNORECASE)


def f7_limitation(case: Case) -> Iterator[Problem]:
    """F7: what a limitation post says stands in the source, and is not about the work of others."""
    stated = [v for v in case.views if is_limitation(v) and "[FILL:" not in v.post.text]
    written = [v for v in stated if v.post.role == "limitation"]
    for view in written or stated[-1:]:
        yield from _judge(case, view)


def _judge(case: Case, view: View) -> Iterator[Problem]:
    own = case.facts.limitation
    if own and plain(own) in plain(view.prose):
        return
    known = [(q, content(q.text)) for q in case.source.limitations]
    claims = [c for c in view.claims if len(c.stems - {"limit"}) >= 2]
    for claim in claims:
        if any(case.library.coverage(claim.stems - {"limit"}, stems) >= 0.6 for _, stems in known):
            return
    for claim in claims:
        passages = claim.passages[:3] if claim.quotes is None else claim.passages
        covered = claim.coverage >= (0.5 if claim.quotes is None else 0.4)
        if covered and passages and not any(_of_others(case, p) for p in passages[:1]):
            return
    said = claims[0].says if claims else "no sentence of the source is near it"
    if known:
        said = f"the source's own limitation is ({known[0][0].page and f'p. {known[0][0].page}'}): '{known[0][0].text}'; {said}"
    yield case.problem(
        "F7", "error", view.n, f"the limitation that it states is not one that the source states of this work; {said}"
    )


def _of_others(case: Case, passage: Passage) -> bool:
    """Whether a passage speaks of other people's work: it names it, or stands in a section on it, and says nothing of its own."""
    if _PRIOR.search(passage.text):
        return True
    if passage.number is None:
        return False
    section = case.source.sentence(passage.number).section
    return bool(re.search(r"related|background|prior work", section, re.IGNORECASE)) and not _OURS.search(passage.text)
