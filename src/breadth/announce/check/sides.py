"""F3: a comparison keeps its direction, its two sides, its negation and what it counts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from breadth.announce.check.align import Alignment, Token, direction
from breadth.announce.check.case import Case, Claim
from breadth.announce.check.numbers import numbers_of
from breadth.announce.check.turned import (
    another_count,
    dropped_share,
    opposite,
    other_complement,
    other_side,
    part_for_whole,
    reordered,
    turned_pair,
)
from breadth.announce.check.words import stem
from breadth.announce.thread import Problem

__all__ = ["f3_comparisons"]

_WINS = re.compile(r"outperform\w*|beat(?:s|ing|en)?|surpass\w*|exceed\w*|defeat\w*|dominat\w*", re.IGNORECASE)
_LOSES = re.compile(r"underperform\w*|trails?|trailed|lags?|lagged", re.IGNORECASE)
_AMBIGUOUS = frozenset(
    (
        "best",
        "most",
        "least",
        "help",
        "helps",
        "gain",
        "gains",
        "positive",
        "negative",
        "below",
        "above",
        "before",
        "after",
        "higher-order",
    )
)


def f3_comparisons(case: Case) -> Iterator[Problem]:
    """F3: no direction word is turned into its opposite, no negation dropped or added, no side exchanged, no bound turned round."""
    for view in case.views:
        for claim in view.claims:
            if claim.best is None or not claim.says:
                continue
            why = (
                _turned(claim.best)
                or opposite(claim.best)
                or dropped_share(claim.best)
                or reordered(claim.best)
                or other_side(claim.best)
                or _negated(claim.best)
                or _negated_in_other_words(claim)
                or _exchanged(case, claim)
                or other_complement(claim)
                or turned_pair(claim)
                or part_for_whole(claim)
                or another_count(claim)
                or _bound(claim)
                or _polarity(claim)
                or _compared(claim)
            )
            if why:
                yield case.problem("F3", "error", view.n, f"{why}; {claim.says}")
            elif (word := _own_comparison(claim)) is not None:
                why = f"'{word}' compares what the source does not compare in words: look whether its numbers do; {claim.says}"
                yield case.problem("F3", "warning", view.n, why)


def _turned(laid: Alignment) -> str | None:
    if not laid.verbatim:
        return None
    for mine, theirs in laid.swapped:
        for a, b in zip(_directions(mine), _directions(theirs), strict=False):
            if direction(a.text) != direction(b.text):
                return f"says '{a.text}' where the source says '{b.text}'"
    return None


def _directions(tokens: tuple[Token, ...]) -> list[Token]:
    return [t for t in tokens if t.kind == "direction"]


def _negated(laid: Alignment) -> str | None:
    """A negation that only one of the two has, before words that both have."""
    if not laid.verbatim:
        return None
    back = {i: j for j, i in laid.kept.items()}
    for j, token in enumerate(laid.sentence):
        if (
            token.negates
            and j not in laid.kept
            and _next(laid.sentence, j) in laid.kept
            and not _near_negation(laid, laid.kept[_next(laid.sentence, j)])
        ):
            return f"drops '{token.text}'"
    for i, token in enumerate(laid.claim):
        if token.negates and i not in back and _next(laid.claim, i) in back:
            k = _next(laid.claim, i)
            j = back[k]
            if _negations(laid.claim, k) > _negations(laid.sentence, j):
                return f"adds '{token.text}'"
    return None


def _negated_in_other_words(claim: Claim) -> str | None:
    """For a claim in other words and without negation: whether it says all of a clause that the source negates."""
    laid = claim.best
    if laid is None or laid.verbatim or claim.coverage < 0.8 or any(t.negates for t in laid.claim):
        return None
    mine = {t.key for t in laid.claim}
    for j, token in enumerate(laid.sentence):
        if not token.negates or token.text.lower().startswith("fail"):
            continue
        clause = [k for k in _clause(laid.sentence, j) if k != j and laid.sentence[k].matters]
        keys = [t.key for t in laid.sentence if t.matters]
        if len(clause) >= 2 and all(laid.sentence[k].key in mine and keys.count(laid.sentence[k].key) == 1 for k in clause):
            return f"drops '{token.text}'"
    return None


def _clause(tokens: tuple[Token, ...], k: int) -> range:
    """The places between the marks (comma, bracket, stop) around a word."""
    start = next((i + 1 for i in range(k - 1, -1, -1) if tokens[i].breaks), 0)
    end = next((i + 1 for i in range(k, len(tokens)) if tokens[i].breaks), len(tokens))
    return range(start, end)


def _negations(tokens: tuple[Token, ...], k: int) -> int:
    """How many words just before a place turn it into its opposite."""
    return sum(t.negates for t in tokens[max(0, k - 4) : k])


def _near_negation(laid: Alignment, i: int) -> bool:
    return any(t.negates for t in laid.claim[max(0, i - 4) : i])


def _next(tokens: tuple[Token, ...], k: int) -> int:
    """The place of the next word that says something; past the end where there is none."""
    return next((n for n in range(k + 1, len(tokens)) if tokens[n].matters), len(tokens))


def _exchanged(case: Case, claim: Claim) -> str | None:
    """Whether what stood left of a comparison's word stands right of it, and the other way round."""
    laid = claim.best
    if laid is None or claim.nearest is None:
        return None
    for i, here in enumerate(laid.claim):
        pivot = _pivot(here.text)
        if not pivot or case.library.coverage(claim.stems - {stem(here.text)}, claim.nearest.stems) < 0.6:
            continue
        for j, there in enumerate(laid.sentence):
            if _pivot(there.text) != pivot:
                continue
            left, right = _stems(laid.claim[:i]), _stems(laid.claim[i + 1 :])
            only_left = _stems(laid.sentence[:j]) - _stems(laid.sentence[j + 1 :])
            only_right = _stems(laid.sentence[j + 1 :]) - _stems(laid.sentence[:j])
            if len((left - right) & only_right) > len((left - right) & only_left) and (right - left) & only_left:
                return f"exchanges the sides of '{here.text}'"
    return None


def _own_comparison(claim: Claim) -> str | None:
    """A comparison's word of a claim that rests on a sentence without any."""
    if claim.best is None or claim.coverage < 0.4 or any(_pivot(t.text) or direction(t.text) for t in claim.best.sentence):
        return None
    compares = (t.text for t in claim.best.claim if _pivot(t.text) in ("wins", "loses") or t.text.lower() in ("worse", "better"))
    return next(compares, None)


def _pivot(word: str) -> str | None:
    """The kind of a comparison's word; words of one kind say the same of their two sides."""
    return "wins" if _WINS.fullmatch(word) else "loses" if _LOSES.fullmatch(word) else "than" if word.lower() == "than" else None


def _stems(tokens: tuple[Token, ...]) -> set[str]:
    return {t.key for t in tokens if t.matters and t.kind in ("word", "name")}


def _bound(claim: Claim) -> str | None:
    """Whether "at least 70 %" became "at most 70 %"."""
    opposite = {"least": "most", "most": "least"}
    text = claim.quotes if claim.quotes is not None else " \n ".join(p.text for p in claim.passages[:3])
    theirs = numbers_of(text)
    for n in numbers_of(claim.text):
        same = [t for t in theirs if t.value == n.value and t.kind == n.kind]
        if n.bound in opposite and same and all(t.bound == opposite[n.bound] for t in same):
            return f"turns the bound of '{n.text}' round"
    return None


def _polarity(claim: Claim) -> str | None:
    """Whether a claim only says more where the source only says less, or the other way round."""
    laid = claim.best
    if laid is None or claim.coverage < 0.6 or claim.nearest is None:
        return None
    mine, theirs = _signs(laid.claim), _signs(laid.sentence)
    if len(mine) == 1 and len(theirs) == 1 and mine != theirs:
        return f"says {'more' if 1 in mine else 'less'} where the source says {'more' if 1 in theirs else 'less'}"
    return None


def _compared(claim: Claim) -> str | None:
    """Whether "a worse accuracy" stands where the source says "a better accuracy" and nothing worse of it."""
    if claim.best is None or claim.coverage < 0.6:
        return None
    mine, theirs = _degrees(claim.best.claim), _degrees(claim.best.sentence)
    for (key, sign), word in mine.items():
        if (key, -sign) in theirs and (key, sign) not in theirs and (key, -sign) not in mine:
            return f"says '{word}' where the source says '{theirs[key, -sign]}'"
    return None


def _degrees(tokens: tuple[Token, ...]) -> dict[tuple[str, int], str]:
    """What is more (1) or less (-1) of what by the word right before it, as {(key, sign): words}."""
    found = {}
    for k, (here, then) in enumerate(pairwise(tokens)):
        sign = direction(here.text)
        if sign and here.text.lower() not in _AMBIGUOUS and not here.breaks and then.kind == "word" and then.matters:
            turned = any(b.negates for b in tokens[max(0, k - 3) : k])
            found[then.key, -sign if turned else sign] = f"{here.text} {then.text}"
    return found


def _signs(tokens: tuple[Token, ...]) -> set[int]:
    return {
        direction(t.text) * (-1 if any(b.negates for b in tokens[max(0, k - 3) : k]) else 1)
        for k, t in enumerate(tokens)
        if t.kind == "direction" and t.text.lower() not in _AMBIGUOUS
    }
