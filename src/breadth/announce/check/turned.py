"""Other ways to turn a statement round: a word for its opposite, a pair of numbers the other way, what is counted, a part for the whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from breadth.announce.check.align import Alignment, Token, direction, tokens_of
from breadth.announce.check.case import Claim
from breadth.announce.check.numbers import Number, number_in, numbers_of
from breadth.announce.check.words import content, stem, word_set

__all__ = [
    "another_count",
    "dropped_share",
    "opposite",
    "other_complement",
    "other_side",
    "part_for_whole",
    "reordered",
    "turned_pair",
]

_OPPOSITES: Final = frozenset(
    frozenset(map(stem, pair.split("/")))
    for pair in word_set(
        """high/low highly/barely strong/weak strongly/weakly large/small big/small cheap/expensive cheap/costly fast/slow
        easy/hard easy/difficult simple/complex good/bad good/poor start/end beginning/end begin/end early/late first/last
        with/without all/none always/never many/few can/cannot succeed/fail success/failure accept/reject include/exclude
        increase/decrease internal/external before/after maximum/minimum maximal/minimal maximize/minimize upper/lower
        better/worse best/worst easier/harder true/false same/different similar/different similar/dissimilar shallow/deep
        dense/sparse local/global common/rare frequent/rare robust/fragile stable/unstable sensitive/robust
        supervised/unsupervised linear/nonlinear precision/recall train/test training/test left/right top/bottom input/output
        encoder/decoder positive/negative advantage/disadvantage support/refute confirm/refute confirm/contradict
        agree/disagree safe/dangerous male/female beat/trail beat/lag outperform/trail exceed/trail surpass/trail lead/trail
        decent/poor well/poorly consistently/rarely often/rarely usually/rarely frequently/rarely always/rarely generally/rarely
        typically/rarely often/seldom majority/minority helpful/harmful useful/useless wide/narrow short/long smooth/sharp
        gradual/sudden light/heavy fine/coarse few/zero quickly/slowly close/far both/one both/either both/neither mask/reveal
        hide/reveal"""
    )
)
_PREFIXES: Final = ("anti", "non", "un", "in", "im", "ir", "dis")
_GROUPS: Final = """millisecond ms/second sec s/minute min/hour hr h/day/week/month/year/character char/token/word/sentence/paragraph/page/
    document article/step iteration update/epoch/parameter weight/layer/head/language/benchmark task dataset/class category/image picture/
    participant annotator user person people/gpu/tpu/example sample instance/question/dollar/euro/joule/watt/domain/expert"""
_COUNTED: Final = {stem(word): group.split()[0] for group in _GROUPS.split("/") for word in group.split()}
_SHARES: Final = word_set("half twice thrice double triple")
_TURNS: Final = word_set("but whereas while although though unlike yet")
_TO: Final = re.compile(r"\s?(?:to|→|->)\s?")
_OF: Final = re.compile(r"\s(?:out\s)?of\s(?:(?:the|our|all)\s)?")
_BEHIND: Final = re.compile(
    r"\b(?:unlike|contrary to|in contrast (?:to|with)|compared (?:to|with)|rather than|instead of)\s([^,.;:()]+)", re.IGNORECASE
)


def opposite(laid: Alignment) -> str | None:
    """Whether a word stands in the place of its opposite: low for high, end for start, unsupervised for supervised."""
    if not laid.verbatim:
        return None
    for mine, theirs in laid.swapped:
        for a in mine:
            for b in theirs:
                if _opposed(stem(a.text), stem(b.text)) or _opposed_in_part(a.text.lower(), b.text.lower()):
                    return f"says '{a.text}' where the source says '{b.text}'"
    return None


def _opposed(a: str, b: str) -> bool:
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return frozenset((a, b)) in _OPPOSITES or (len(shorter) > 3 and any(longer == p + shorter for p in _PREFIXES))


def _opposed_in_part(a: str, b: str) -> bool:
    """Whether one part of two compounds is the other's opposite: high-quality, low-quality."""
    mine, theirs = a.split("-"), b.split("-")
    others = [(stem(x), stem(y)) for x, y in zip(mine, theirs, strict=False) if x != y]
    return len(mine) == len(theirs) > 1 and len(others) == 1 and _opposed(*others[0])


def turned_pair(claim: Claim) -> str | None:
    """Whether "from 12 to 5" became "from 5 to 12"."""
    mine, theirs = set(_from_to(claim.text)), set(_from_to(_ground(claim)))
    for low, high in mine - theirs:
        if (high, low) in theirs:
            return f"turns 'from {high} to {low}' round"
    return None


def reordered(laid: Alignment) -> str | None:
    """Whether numbers changed places among words that did not: 0.2 and then 0.3 for 0.3 and then 0.2. A number may move with the word
    before it ("to 5 from 12")."""
    if not laid.verbatim:
        return None
    mine, theirs = _in_order(laid.claim, laid.sentence)
    if mine == theirs or _moved_with(laid.claim, mine) == _moved_with(laid.sentence, mine):
        return None
    here, there = ([t.key for t in tokens if t.matters and not t.number] for tokens in (laid.claim, laid.sentence))
    both = [k for k in here if here.count(k) == there.count(k) == 1]
    if both != [k for k in there if k in both]:
        return None
    text = {t.key: t.text for t in laid.claim}
    moved = [(text[a], text[b]) for a, b in zip(mine, theirs, strict=True) if a != b]
    return f"has {', '.join(a for a, _ in moved)} where the source has {', '.join(b for _, b in moved)}"


def _in_order(claim: tuple[Token, ...], sentence: tuple[Token, ...]) -> tuple[list[str], list[str]]:
    """The numbers that both have once, in the order of each."""
    mine, theirs = ([t.key for t in tokens if t.number] for tokens in (claim, sentence))
    both = [k for k in mine if mine.count(k) == theirs.count(k) == 1]
    return both, [k for k in theirs if k in both]


def _moved_with(tokens: tuple[Token, ...], numbers: list[str]) -> dict[str, str]:
    """The word before each number -> the number; fewer entries than numbers where a word stands before two of them."""
    return {before.key: t.key for before, t in pairwise(tokens) if t.key in numbers}


def dropped_share(laid: Alignment) -> str | None:
    """Whether "half" or "twice" fell away from what it is of: "more than the bound" for "more than half of the bound"."""
    if not laid.verbatim or any(t.number and i not in laid.kept.values() for i, t in enumerate(laid.claim)):
        return None
    for j, token in enumerate(laid.sentence):
        behind = next((k for k in range(j + 1, len(laid.sentence)) if laid.sentence[k].matters), None)
        if token.text.lower() in _SHARES and j not in laid.kept and behind in laid.kept:
            return f"drops '{token.text}'"
    return None


def _from_to(text: str) -> Iterator[tuple[str, str]]:
    for a, b in pairwise(numbers_of(text)):
        if re.search(r"\bfrom\s$", text[: a.start], re.IGNORECASE) and _TO.fullmatch(text[a.end : b.start]):
            yield f"{a.value:f}", f"{b.value:f}"


def another_count(claim: Claim) -> str | None:
    """Whether the source counts something else by the number: hours where it says steps."""
    ground = _ground(claim)
    theirs = numbers_of(ground)
    for number in numbers_of(claim.text):
        mine = _counted(claim.text, number)
        told = [c for t in theirs if t.kind == number.kind and t.value == number.value and (c := _counted(ground, t))]
        if mine and told and mine[0] not in {group for group, _ in told}:
            return f"says '{number.text} {mine[1]}' where the source says '{number.text} {told[0][1]}'"
    return None


def _counted(text: str, number: Number) -> tuple[str, str] | None:
    """What a number counts, as (group, word): one of the words that exclude each other, at most two words behind it."""
    behind = re.sub(r"^(?:\s?(?:-|–|to)\s?[\d.,]+[kKMBT]?)", "", text[number.end : number.end + 60])
    for word in re.findall(r"^[\s-]?([^\W\d_]+)(?:[\s-]([^\W\d_]+))?(?:[\s-]([^\W\d_]+))?", behind):
        for w in word:
            if stem(w) in _COUNTED:
                return _COUNTED[stem(w)], w
            if w.lower() in ("of", "in", "on", "and", "or", "for", "to", "with", "than", "the", "a", "per"):
                return None
    return None


def other_side(laid: Alignment) -> str | None:
    """Whether what stands on either side of "but" or "whereas" changed places while other words of both sides stayed: "worse in A, but
    better in B" for "worse in B, but better in A"."""
    if not laid.verbatim:
        return None
    for j, i in laid.kept.items():
        if laid.sentence[j].text.lower() not in _TURNS:
            continue
        left, right = _keys(laid.claim[:i]), _keys(laid.claim[i + 1 :])
        theirs_left, theirs_right = _keys(laid.sentence[:j]), _keys(laid.sentence[j + 1 :])
        only_left, only_right = theirs_left - theirs_right, theirs_right - theirs_left
        moved = (left - right) & only_right and (right - left) & only_left
        if moved and left & only_left and right & only_right:
            return f"exchanges what stands before and behind '{laid.sentence[j].text}'"
    return None


def _keys(tokens: tuple[Token, ...]) -> set[str]:
    return {t.key for t in tokens if t.matters}


def part_for_whole(claim: Claim) -> str | None:
    """Whether a comparison that holds for 17 of 21 is said of 21."""
    if not any(direction(t.text) for t in tokens_of(claim.text, ())) and not re.search(r"\b(?:win|succeed|solve)", claim.text):
        return None
    ground = _ground(claim)
    theirs = numbers_of(ground)
    mine = numbers_of(claim.text)
    for part, whole in pairwise(theirs):
        if not _OF.fullmatch(ground[part.end : whole.start]):
            continue
        rest = [t for t in theirs if t not in (part, whole)]
        if any(n.value == whole.value and not number_in(n, ground, rest) for n in mine) and all(
            n.value != part.value for n in mine
        ):
            return f"says '{whole.text}' where the source says '{part.text} of {whole.text}'"
    return None


def other_complement(claim: Claim) -> str | None:
    """Whether "unlike A, B ..." became "unlike B, A ..."."""
    if claim.nearest is None:
        return None
    here, there = _BEHIND.search(claim.text), _BEHIND.search(claim.nearest.text)
    if here is None or there is None:
        return None
    mine, theirs = content(here[1]), content(there[1])
    my_rest, their_rest = content(claim.text.replace(here[1], " ")), content(claim.nearest.text.replace(there[1], " "))
    if mine and theirs and mine - theirs <= their_rest and theirs - mine <= my_rest and mine - theirs and theirs - mine:
        return f"exchanges what stands behind '{here[0].split()[0].lower()}'"
    return None


def _ground(claim: Claim) -> str:
    """The words that a claim rests on."""
    return claim.quotes if claim.quotes is not None else " \n ".join(p.text for p in claim.passages[:3])
