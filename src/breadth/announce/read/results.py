"""What a paper found: sentences that state a result of this work, the main ones first."""

from __future__ import annotations

import re

from breadth.announce.read.cues import (
    about_future,
    about_own,
    about_prior,
    citation_led,
    is_claim,
    is_readable,
    own_names,
    section_is,
    set_up,
)
from breadth.announce.source import Item, Quote, Sentence

__all__ = ["results"]

MOST = 24
_VALUE = re.compile(
    r"\d\s?%|(?<![A-Za-z\d.-])\d+\.\d|\d\s?[×x]\b|\b\d+(?:st|nd|rd|th) place|\btimes (?:higher|lower|faster|greater|more)|"
    r"\bat most \d|\bO\(|"
    r"\b\d+ out of \d+|\b\d+/\d+\b"
)
_COMPARES = re.compile(
    r"\b(?:outperform\w*|better than|worse than|higher than|lower than|faster than|compar(?:able|ed)|surpass\w*|beat(?:s|ing)?|"
    r"exceed\w*|improves?|"
    r"greater|best|close(?:ly)? (?:behind|match\w*)|consistently|competitive|superior|gains?|significantly|increases?|"
    r"decreases?|falls?|disappear\w*)\b",
    re.IGNORECASE,
)
_FOUND = re.compile(
    r"\b[Ww]e (?:also |then |further |first |consistently )?(?:find|found|show|showed|observe|observed|demonstrate|discover|"
    r"discovered|conclude|"
    r"confirm|confirmed|obtained|achieve|achieved|see|prove)\b|\b[Oo]ur (?:\w+ ){0,2}(?:results?|analys[ie]s|experiments?|"
    r"findings?|systems?|"
    r"submission|method|approach|models?|algorithm)\b|\b[Rr]esults? (?:show|indicate|demonstrate|suggest|confirm)|\b(?:key|"
    r"main) (?:results?|findings?)\b",
)
_NO_RESULT = re.compile(
    r"\b(?:should|would|expect|predicts?|hypothes\w+|conjecture|[Ww]e (?:do|did) not (?!find|observe|see)|can be found|"
    r"for details|is detailed|more information)\b|"
    r"^(?:To|If|Suppose|Given)\b"
)
_SECTIONS = (
    "result",
    "experiment",
    "evaluation",
    "finding",
    "analys",
    "performance",
    "conclusion",
    "discussion",
    "generali",
    "ablation",
    "accuracy",
)


def results(sentences: tuple[Sentence, ...], items: tuple[Item, ...]) -> tuple[Quote, ...]:
    """Return the main results, best first: of the abstract, then of result sections, captions and the conclusion.

    Numbers, comparisons and "we find" count for a sentence, words of set-up against it; what is prior work's, future, a table's cells or
    under "related work" never comes. items: sentences that name a figure or table of the main body count a little more.
    """
    names = own_names(sentences)
    behind = {item.page for item in items if item.appendix}
    shown = {n for item in items if not item.appendix for n in item.cited_by}
    ranked: list[tuple[float, int, Sentence]] = []
    for s in sentences:
        score = _score(s, names, shown) if s.role != "caption" or s.page not in behind else 0.0
        if score > 0:
            ranked.append((-score, s.number, s))
    ranked.sort(key=lambda r: r[:2])
    return tuple(Quote(s.page, s.text, (s.number,)) for _, _, s in ranked[:MOST])


def _score(s: Sentence, names: frozenset[str], shown: set[int]) -> float:
    """How much a sentence states a main result of this work; 0 where it does not."""
    text = s.text
    own, found = about_own(text, names), bool(_FOUND.search(text))
    if not _may_be_one(s) or (about_prior(text) and not found):
        return 0
    told = found or own or bool(re.search(r"\bexperiments?\b", text))
    if (s.role == "abstract" or section_is(s, "introduction")) and not told:
        return 0
    score = (
        2.0 * found + 1.0 * own + 1.5 * bool(_VALUE.search(text)) + 1.0 * bool(_COMPARES.search(text)) + 0.7 * (s.number in shown)
    )
    score += {"abstract": 3.0, "caption": 0.5}.get(s.role, 0.0)
    score += 1.0 if section_is(s, *_SECTIONS) else 0.0
    score -= 2.0 * set_up(text) + 1.0 * bool(re.match(r"(?:This|These|It|They|Such)\b(?! (?:paper|work|study))", text))
    return score if score >= 2.5 else 0


def _may_be_one(s: Sentence) -> bool:
    """Whether its place and its form allow a result: no reference, appendix, prediction, pointer or announcement."""
    text = s.text
    if s.role in ("title", "reference", "acknowledgement", "footnote", "appendix") or not is_readable(text, longest=450):
        return False
    if section_is(s, "related work", "background", "preliminar", "limitation", "acknowledg") or text.rstrip().endswith(("?", ":")):
        return False
    return is_claim(text) and not (about_future(text) or citation_led(text) or _NO_RESULT.search(text))
