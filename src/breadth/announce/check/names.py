"""F5: every name, model, data set and date is in the source or the author's facts, and where the post rests on evidence, in that."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise

from breadth.announce.check.align import DATES, Token, names_in
from breadth.announce.check.case import Case, Claim, View
from breadth.announce.check.library import spelled
from breadth.announce.check.words import GREETING, STOP, stem, word_set
from breadth.announce.thread import Problem

__all__ = ["f5_names"]

_OPENINGS = word_set(
    """excited thrilled happy proud glad introducing presenting announcing announce thanks thank congrats check come visit read
    paper code preprint abstract blog slides poster talk conclusion takeaway results result findings limitation caveat
    future question answer left right top bottom tl;dr tldr surprisingly interestingly importantly finally notably moreover
    overall together today joint co-lead co-led led supervised appendix website project github arxiv openreview"""
)


def f5_names(case: Case) -> Iterator[Problem]:
    """F5: no name that the source does not have, none in the place of another, and no first name with another's last name."""
    for view in case.views:
        yield from _mixed(case, view)
        for claim in view.claims:
            told: set[str] = set()
            for why, name in _wrong(case, view, claim):
                if name not in told:
                    told.add(name)
                    yield case.problem("F5", "error", view.n, f"{why}; {claim.says}" if claim.nearest else why)


def _wrong(case: Case, view: View, claim: Claim) -> Iterator[tuple[str, str]]:
    here = _spelled_here(case, view, claim)
    for token in names_in(claim.text, case.library.small):
        forms = _forms(token.text)
        if token.text.lower() in _OPENINGS or forms & case.given_names or (here is not None and forms & here):
            continue
        kind = "date" if token.text in DATES else "name"
        if not forms & case.library.spellings:
            yield f"the {kind} '{token.text}' stands neither in the source nor in the facts", token.text
        elif here is not None and not _initials(token.text, claim):
            yield f"the {kind} '{token.text}' stands in the source, but not in what this post rests on", token.text
    for mine, theirs in claim.best.swapped if claim.best and claim.best.verbatim else ():
        a, b = [t for t in mine if t.matters], [t for t in theirs if t.matters]
        if len(a) == len(b) == 1 and _stands_for(case, a[0], b[0]) and not _forms(a[0].text) & _forms(b[0].text):
            yield f"says '{a[0].text}' where the source says '{b[0].text}'", a[0].text


def _spelled_here(case: Case, view: View, claim: Claim) -> frozenset[str] | set[str] | None:
    """The names that the post may use: of its evidence and pictures; None where it gives no evidence and is not near any passage."""
    if view.n == 1 and claim.quotes is None and GREETING.search(claim.text) and claim.coverage < 0.7:
        return frozenset()  # who wrote it and where it appears: names that the title, the authors, the venue or the facts hold
    pictured = " \n ".join(i.caption for i in case.source.items if i.label in view.shows)
    if claim.quotes is not None:
        return spelled(" \n ".join([claim.quotes, pictured, *(p.text for p in claim.passages)]))
    if not claim.passages:
        return None
    nearest = claim.passages[0]
    there = spelled(nearest.text)
    foreign = {stem(t.text) for t in names_in(claim.text, case.library.small) if not _forms(t.text) & there}
    others = claim.stems - foreign
    if len(others) < 2 or case.library.coverage(others, nearest.stems) < 0.7:
        return None
    near = (
        [q for p in claim.passages for q in case.library.around(p)]
        if not (claim.best and claim.best.verbatim)
        else list(claim.passages)
    )
    return spelled(" \n ".join([pictured, *(p.text for p in near)]))


def _forms(name: str) -> set[str]:
    """The spellings under which a name may stand: whole, and without endings in small letters ("GPT-2-based")."""
    bare = re.sub(r"'s?$", "", unicodedata.normalize("NFKC", name))  # R² is R2
    bare = re.sub(r"(?:-[a-z]{2,})+$", "", bare) or bare
    whole = re.sub(r"[-./+&'_]", "", bare.casefold())
    forms = {whole, whole.removesuffix("s")}
    parts = bare.split("-")
    if len(parts) > 1 and all(p.isalpha() and p[:1].isupper() and len(p) > 3 for p in parts):
        forms |= {p.casefold() for p in parts}
    return forms


def _called(case: Case, token: Token) -> bool:
    """Whether a word, also at the start of a sentence, is a name: a capital, and the source never writes it small."""
    low = token.text.lower()
    return token.text[:1].isupper() and low not in STOP and low not in case.library.small and low not in _OPENINGS


def _stands_for(case: Case, mine: Token, theirs: Token) -> bool:
    """Whether a name is in another's place; a small word that the source does not have is taken for one, too, and in the place of what
    is sure to be a name (GPT-2, RL) also one with a capital within its sentence."""
    if mine.kind == "name" and theirs.kind == "name":
        return True
    if theirs.kind == "name" and mine.kind == "word" and mine.text[:1].isupper() and not mine.begins:
        return True
    return _called(case, theirs) and (_called(case, mine) or (mine.kind == "word" and mine.key not in case.library.stems))


def _mixed(case: Case, view: View) -> Iterator[Problem]:
    """A first name beside another author's last name."""
    authors = [a.casefold().split() for a in (*case.source.authors, *(case.facts.authors or ()))]
    words = {w for a in authors for w in a}
    pairs = {pair for a in authors for pair in pairwise(a)} | {(a[0], a[-1]) for a in authors}
    if view.n != 1:
        return
    for first, last in pairwise(re.finditer(r"[^\s,;:&]+", view.prose)):
        a, b = first[0].casefold(), last[0].rstrip(".").casefold()
        beside = view.prose[first.end() : last.start()] == " " and first[0][:1].isupper() and last[0][:1].isupper()
        if beside and a in words and b in words and (a, b) not in pairs:
            yield case.problem("F5", "error", 1, f"names '{first[0]} {last[0].rstrip('.')}', who is none of the authors")


def _initials(name: str, claim: Claim) -> bool:
    """Whether an acronym is made of the first letters of neighbouring words that the post rests on: LLMs, large language models."""
    letters = re.sub(r"s$", "", name).lower()
    if not letters.isalpha() or len(letters) < 3:
        return False
    text = " ".join([claim.quotes or "", *(p.text for p in claim.passages)])
    return letters in "".join(w[0].lower() for w in re.findall(r"[^\W\d_]+", text))
