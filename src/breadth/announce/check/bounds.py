"""F4 too: an exception, a condition or the other side of a "but" in the source does not fall away; F3 of orders of growth and kinds of data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from breadth.announce.check.align import direction
from breadth.announce.check.case import Case, Claim, View
from breadth.announce.check.structure import is_limitation
from breadth.announce.check.words import content
from breadth.announce.thread import Problem

__all__ = ["f3_kinds", "f4_bounds"]

Kind = Literal["exception", "condition", "contrast"]

TAKEN: Final = 0.6  # share of what a bound bounds, by weight, from which a claim takes it over
_CUES: Final[tuple[tuple[Kind, str], ...]] = (
    ("exception", r"except(?:ing)?\b(?! that\b)|with the exception of\b|excluding\b|unless\b"),
    ("condition", r"only (?:if|when|where|under)\b|if\b(?! not all)|(?<!by )assuming\b|provided that\b|(?<=, )provided\b(?! by)"),
    ("contrast", r"but\b(?! (?:also|rather|instead)\b)|yet\b|although\b|though\b|albeit\b|whereas\b|however\b"),
)
_CUE: Final = {kind: re.compile(rf"(?<![\w-])(?:{cues})", re.IGNORECASE) for kind, cues in _CUES}
_NO_CUE: Final = re.compile(  # "test if", "all but one", "as yet", "not only A but B": none of them bounds anything
    r"\b(?:ask|tests?|check|see|sees|determine|know|investigate|decide|tell|as|even|not|all|nothing|anything|and)\s+$|\bnot only\b.*$",
    re.IGNORECASE,
)
_SAME: Final[dict[Kind, re.Pattern[str]]] = {
    "exception": re.compile(
        r"\b(?:except\w*|exclud\w+|apart from|aside from|other than|save for|unless|all but|not|n't|only)\b", re.IGNORECASE
    ),
    "condition": re.compile(
        r"\b(?:if|when\w*|where|assum\w+|unless|provided|given|under|as long as|conditional\w*|suppos\w+|only|in case)\b",
        re.IGNORECASE,
    ),
    "contrast": re.compile(
        r"\b(?:but|yet|although|though|albeit|whereas|while|however|despite|nevertheless|still|except\w*)\b", re.IGNORECASE
    ),
}
_PARTS: Final = re.compile(r";\s+|(?<=[^\W\d]):\s+")
_MARKS: Final = re.compile(r",\s+|\s-\s|\s?\((?![^()\s]+\))|(?<=\s)\)|\)(?=[,.;\s]|$)")
_NOT: Final = re.compile(r"\b(?:not|no|never|cannot|fail(?:s|ed)?|without)\b|n't\b", re.IGNORECASE)
_ORDER: Final = re.compile(r"(?<!\w)[OΘΩ]\s?(\((?:[^()]|\([^()]*\))*\))")
_SETS: Final = re.compile(
    r"\b(validation|dev(?:elopment)?|test|train(?:ing)?)[ -](?:sets?|splits?|data|accuracy|loss|perplexity|scores?)\b",
    re.IGNORECASE,
)
_EXCLUSIVE: Final = (("online", "offline"), ("in-domain", "out-of-domain"), ("supervised", "unsupervised"))


@dataclass(frozen=True)
class _Bound:
    """cue: as printed; phrase: the cue and what it introduces; over: the words that it bounds."""

    kind: Kind
    cue: str
    phrase: str
    over: str


def f4_bounds(case: Case) -> Iterator[Problem]:
    """F4: "except", "unless", "if", "assuming" stay with what they bound (an error where the post has evidence, else a warning); the
    clause of a "but" or "although" that falls away is a warning, and half of it without its turn is an error."""
    for view in case.views:
        for claim in view.claims:
            if claim.nearest is None or claim.best is None or not (claim.best.verbatim or claim.coverage >= 0.8):
                continue
            for bound in _bounds(claim.nearest.text):
                if bound.kind == "contrast":
                    yield from _contrast(case, view, claim, bound)
                elif _taken(case, claim, bound) and not _kept(case, view, claim.nearest.text, bound):
                    level: Literal["error", "warning"] = "error" if claim.quotes is not None else "warning"
                    why = f"drops the {bound.kind} '{bound.phrase}'; {claim.says}"
                    yield case.problem("F4", level, view.n, why)


def _contrast(case: Case, view: View, claim: Claim, bound: _Bound) -> Iterator[Problem]:
    if claim.nearest is None or not _taken(case, claim, bound) or _says_so(view.prose, claim.nearest.text, bound):
        return
    words, mine = content(bound.phrase.removeprefix(bound.cue)), content(view.prose)
    if case.library.coverage(words, mine) < 0.3 and not words <= mine:
        if is_limitation(view) and any(direction(w) > 0 for w in re.findall(r"[\w'-]+", bound.phrase)):
            return  # a limitation without the praise that it ends on says no less against the work
        yield case.problem("F4", "warning", view.n, f"drops '{bound.phrase}'; {claim.says}")
        return
    turns = [w for w in re.findall(r"[\w'-]+", bound.phrase) if (direction(w) or _NOT.fullmatch(w)) and not content(w) <= mine]
    if turns:
        why = f"drops '{bound.cue}' and '{turns[0]}' but keeps what it is about; {claim.says}"
        yield case.problem("F4", "error", view.n, why)


def _taken(case: Case, claim: Claim, bound: _Bound) -> bool:
    """Whether a claim says what a bound bounds, or is for the most part made of it."""
    over = content(bound.over)
    if len(over) < 2 or len(claim.stems) < 2:
        return False
    if case.library.coverage(over, claim.stems) >= TAKEN:
        return True
    return bound.kind != "contrast" and case.library.coverage(claim.stems, over) >= TAKEN


def _kept(case: Case, view: View, sentence: str, bound: _Bound) -> bool:
    """Whether a post says a bound: by a word of its kind, or by what it introduces."""
    words = content(bound.phrase.removeprefix(bound.cue))
    said = bool(words) and case.library.coverage(words, content(view.prose)) >= TAKEN
    return said or _says_so(view.prose, sentence, bound)


def _says_so(prose: str, sentence: str, bound: _Bound) -> bool:
    """Whether a post has a word of a bound's kind beside those that the rest of the sentence has ("where t is the number of ...")."""
    mine, rest = (Counter(w.lower() for w in _SAME[bound.kind].findall(t)) for t in (prose, sentence.replace(bound.phrase, " ")))
    return bool(mine - rest)


def _bounds(sentence: str) -> Iterator[_Bound]:
    """Every exception, condition and contrast of a sentence: one that opens a part bounds what follows it, any other what is before."""
    for part in _PARTS.split(re.sub(r"\b([Hh]owever),\s", r"\1 ", sentence)):
        stretches = [s for s in _MARKS.split(part) if s.strip()]
        for k, stretch in enumerate(stretches):
            for kind, pattern in _CUE.items():
                cue = pattern.search(stretch)
                if cue is None or _NO_CUE.search(stretch[: cue.start()]):
                    continue
                before = stretch[: cue.start()] if content(stretch[: cue.start()]) else stretches[k - 1] if k else ""
                leads = len(content(before)) < 2
                over = " ".join(stretches[k + 1 :]) if leads else before
                yield _Bound(kind, cue[0], stretch[cue.start() :].strip(" .)"), over)


def f3_kinds(case: Case) -> Iterator[Problem]:
    """F3: an order of growth is the source's own; what is said of the validation set is not said of the test set, nor offline of online."""
    for view in case.views:
        for claim in view.claims:
            if claim.nearest is None or claim.best is None:
                continue
            ground = " \n ".join([case.given, claim.quotes or "", *(p.text for p in claim.passages[: None if claim.quotes else 3])])
            known = {_folded(m) for m in _ORDER.findall(ground)}
            for order in _ORDER.finditer(claim.text):
                if known and _folded(order[1]) not in known:
                    yield case.problem(
                        "F3", "error", view.n, f"says '{order[0]}', which no sentence that says this has; {claim.says}"
                    )
            if claim.quotes is None and not claim.best.verbatim:
                continue
            here, there = _kinds(claim.text), _kinds(claim.quotes or claim.nearest.text)
            for word, rivals in here.items():
                told = [r for r in rivals if r in there]
                if word not in there and told:
                    why = f"says '{word}' where the source says '{told[0]}'; {claim.says}"
                    yield case.problem("F3", "error", view.n, why)


def _folded(order: str) -> str:
    return re.sub(r"[\s()\\^*·{}$]|\b\.", "", order.translate(str.maketrans("²³", "23"))).casefold()


def _kinds(text: str) -> dict[str, tuple[str, ...]]:
    """The kinds of data and of running that a text names, each with those that exclude it."""
    names = {"dev": "validation", "tra": "training", "val": "validation", "tes": "test"}
    found = {names[m[1].lower()[:3]] for m in _SETS.finditer(text)}
    kinds = {f"{name} set": tuple(f"{r} set" for r in ("validation", "test", "training") if r != name) for name in found}
    low = text.lower()
    for pair in _EXCLUSIVE:
        for one, other in (pair, pair[::-1]):
            if re.search(rf"(?<![\w-]){one}(?!\w)", low):
                kinds[one] = (other,)
    return kinds
