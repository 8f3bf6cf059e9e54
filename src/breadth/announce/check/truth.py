"""F0-F2: the quotes stand in the source, and every number of a post stands in the words that the post rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from breadth.announce.check.case import Case, Claim, View, clipped
from breadth.announce.check.library import Passage
from breadth.announce.check.numbers import Number, amount_in, amounts_of, derived, number_in, numbers_of, recomputed
from breadth.announce.check.words import GREETING, plain, word_set
from breadth.announce.source import Quote
from breadth.announce.thread import Level, Problem

__all__ = ["f0_quotes", "f1_numbers"]

LONG = 3  # digits of a number that hardly stands beside a sentence by chance: 0.952, so that two sentences may be said in one
_LABELS = frozenset(("figur", "tabl"))
_OF_SPEECH = word_set(
    "contribute contributes release releases released build builds code study takeaway summary limitation go goes going"
)
_NEEDS_EVIDENCE = ("contribution", "item", "result", "implication", "limitation")


def f0_quotes(case: Case) -> Iterator[Problem]:
    """F0: evidence is verbatim and on its page; what a program writes about the paper has evidence; a claim is near some sentence."""
    for view in case.views:
        for quote in view.post.evidence:
            why = _not_there(case, quote)
            if why:
                yield case.problem(
                    "F0", "error", view.n, f"its evidence '{clipped(quote.text)}' {why}: quote the source's own words"
                )
        if view.post.role in _NEEDS_EVIDENCE and not view.post.evidence and "[FILL:" not in view.post.text:
            yield case.problem(
                "F0", "error", view.n, f"says something of the source ({view.post.role}) without evidence: quote it or leave it out"
            )
        for claim in view.claims:
            own = claim.text in plain(case.given) or view.post.role in ("title", "code", "credits")
            own = own or (view.n == 1 and bool(GREETING.search(claim.text))) or (view.n == 2 and len(claim.stems) < 4)
            if not own:
                yield from _unheard(case, view, claim)
            if len(claim.stems) < 2 or own or claim.coverage >= (0.4 if claim.quotes is not None else 0.3):
                continue
            about = "its evidence" if claim.quotes is not None else "the source"
            level: Level = "error" if claim.quotes is not None and claim.coverage < 0.25 else "warning"
            yield case.problem("F0", level, view.n, f"'{clipped(claim.text)}' says much that {about} does not; {claim.says}")


def _unheard(case: Case, view: View, claim: Claim) -> Iterator[Problem]:
    """In a claim that is nearly a sentence of the source, words of which the source has none, or another where the claim has this one."""
    if claim.best is None or not (claim.best.verbatim or claim.quotes is not None):
        return
    for mine, theirs in claim.best.swapped if claim.best.verbatim else ():
        a, b = [t for t in mine if t.matters], [t for t in theirs if t.matters]
        if len(a) == len(b) == 1 and a[0].kind == "word" and b[0].kind in ("word", "name") and a[0].key in case.library.stems:
            why = f"says '{a[0].text}' where the source says '{b[0].text}', which may not be the same; {claim.says}"
            yield case.problem("F0", "warning", view.n, why)
    words = (t for t in claim.best.claim if t.kind == "word" and t.matters and t.text.lower() not in _OF_SPEECH)
    new = [t.text for t in words if t.key not in case.library.stems]
    if new:
        why = f"says '{', '.join(dict.fromkeys(new))}', which the source nowhere says; {claim.says}"
        yield case.problem("F0", "warning", view.n, why)


def f1_numbers(case: Case) -> Iterator[Problem]:
    """F1 and F2: every number stands in the evidence; a derived one names its two sources and follows from them."""
    for view in case.views:
        for claim in view.claims:
            for number in numbers_of(claim.text):
                if not (view.n == 1 and number_in(number, case.given)):
                    yield from _judge(case, view, claim, number)
            ground = " \n ".join([case.given, claim.quotes or "", *(p.text for p in claim.passages)])
            for amount in amounts_of(claim.text):
                if not amount_in(amount, ground):
                    why = f"'{amount}' stands in no sentence that says this; {claim.says}"
                    yield case.problem("F1", "error", view.n, why)


def _judge(case: Case, view: View, claim: Claim, number: Number) -> Iterator[Problem]:
    if view.n == 1 and re.match(r"\s(?:others?\b(?!\s+\w)|co-?authors?\b|more authors?\b)", claim.text[number.end :]):
        yield from _count_of_authors(case, view, number)
        return
    sources = derived(number, claim.text)
    other = _in_its_place(claim, number)
    if sources and all(_stands(case, claim, s) for s in sources) and not _stands(case, claim, number):
        if not recomputed(number, sources):
            why = f"'{number.text}' does not follow from {sources[0].text} and {sources[1].text}: compute it again"
            yield case.problem("F2", "error", view.n, why)
    elif other:
        yield case.problem("F1", "error", view.n, f"says '{number.text}' where the source says '{other}'; {claim.says}")
    elif _stands(case, claim, number) or number_in(number, case.given):
        return
    elif claim.quotes is not None:
        yield case.problem("F1", "error", view.n, f"'{_whole(claim, number)}' does not stand in this post's evidence; {claim.says}")
    else:
        level: Level = "warning" if number.word and abs(number.value) <= 3 else "error"
        why = f"'{_whole(claim, number)}' stands in no sentence that says this; {_said(case, claim, number)}"
        yield case.problem("F1", level, view.n, why)


def _whole(claim: Claim, number: Number) -> str:
    """A number as the claim writes it, with the other end of its range."""
    numbers = numbers_of(claim.text)
    for low, high in pairwise(numbers):
        if number in (low, high) and claim.text[low.end : high.start] in ("-", "–"):
            return claim.text[low.start : high.end]
    return number.text


def _count_of_authors(case: Case, view: View, number: Number) -> Iterator[Problem]:
    """ "By Ada Quill and 2 others" counts those whom the post does not name."""
    authors = case.facts.authors or case.source.authors
    named = [a for a in authors if a in view.post.text or case.facts.handles.get(a, a) in view.post.text]
    if number.value != len(authors) - len(named):
        yield case.problem("F1", "error", view.n, f"says '{number.text} others'; of {len(authors)} authors it names {len(named)}")


def _stands(case: Case, claim: Claim, number: Number) -> bool:
    """Whether the number stands in the evidence, or in a passage that says this no worse than any other passage with such a number."""
    if claim.quotes is not None:
        return number_in(number, claim.quotes)
    scored = case.library.nearest(claim.stems, most=60)
    beside = case.library.around(claim.nearest) if claim.nearest and len(number.value.as_tuple().digits) >= LONG else ()
    if any(number_in(number, p.text) for p in beside):
        return True
    holders = [(score, p) for score, p in scored if number_in(number, p.text)]
    if not holders:
        return False
    score = holders[0][0]
    rivals = [(x, p) for x, p in scored if any(n.kind == number.kind for n in numbers_of(p.text))]
    return score >= 0.7 * rivals[0][0] and _of_something_else(claim, number, holders[0], rivals) is None


def _of_something_else(
    claim: Claim, number: Number, held: tuple[float, Passage], rivals: list[tuple[float, Passage]]
) -> Passage | None:
    """The passage that says another number of just what the claim is about, where the one that holds the claim's number says it of
    something narrower: "cross diversity is 3-5 times", "diversity is 2.7-4.76 times"."""
    score, holder = held
    for its_score, rival in rivals:
        if its_score < 0.8 * score or number_in(number, rival.text):
            continue
        mine, theirs = holder.stems - _LABELS, rival.stems - _LABELS
        twins = len(mine & theirs) >= 0.6 * len(mine | theirs)
        if twins and theirs < mine and not (mine - theirs) & claim.stems:
            return rival
    return None


def _said(case: Case, claim: Claim, number: Number) -> str:
    """What the source says instead: of just this, else in the nearest passage with a number of that kind, else in the nearest one."""
    scored = case.library.nearest(claim.stems, most=60)
    rivals = [(x, p) for x, p in scored if any(n.kind == number.kind for n in numbers_of(p.text))]
    holders = [(x, p) for x, p in scored if number_in(number, p.text)]
    twin = _of_something_else(claim, number, holders[0], rivals) if holders else None
    for passage in ([twin] if twin else []) + [p for _, p in scored[:12]]:
        if any(n.kind == number.kind for n in numbers_of(passage.text)):
            return f"the source says ({passage.where}): '{clipped(passage.text)}'"
    return claim.says


def _in_its_place(claim: Claim, number: Number) -> str | None:
    """The number that the source has where the claim has this one, if another."""
    if claim.best is None or not claim.best.verbatim:
        return None
    for mine, theirs in claim.best.swapped:
        a = [t.number for t in mine if t.number]
        b = [t.number for t in theirs if t.number]
        for x, y in zip(a, b, strict=False):
            if (
                x == number
                and (x.kind == "ordinal") == (y.kind == "ordinal")
                and not number_in(x, y.text, [y])
                and x.bound != "about"
            ):
                return y.text
    return None


def _not_there(case: Case, quote: Quote) -> str | None:
    """Why a quote is none, in words; None where it stands in the source, on its page, or is the author's own."""
    own = {plain(t) for t in (case.facts.finding, case.facts.limitation, case.facts.credits) if t}
    if plain(quote.text) in own:
        return None
    passages = case.library.of_quote(quote)
    if not passages:
        return "does not stand in the source"
    pages = {case.source.sentence(p.number).page for p in passages if p.number is not None}
    pages |= {i.page for i in case.source.items if re.sub(r"\W", "", quote.text) in re.sub(r"\W", "", i.caption)}
    if quote.page not in pages:
        return f"stands on {', '.join(dict.fromkeys(p.where for p in passages))}, not on p. {quote.page}"
    return None
