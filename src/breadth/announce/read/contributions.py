"""What a paper says it contributes: a printed list (numbered, bulleted, "1) 2) 3)" in a line), else the prose of its introduction."""

from __future__ import annotations

import re
from dataclasses import dataclass

from breadth.announce.read.cues import OWN, about_future, about_prior, citation_led, introduces, is_readable, section_is
from breadth.announce.source import Quote, Sentence

__all__ = ["contributions"]

MOST = 8
_ANCHOR = re.compile(
    r"\bcontributions?\b|\bwe make the following\b|\bwe (?:summari[sz]e|highlight) (?:our|the)\b|"
    r"\bin (?:two|three|four|five|six|several|the following) (?:\w+ )?ways\b|\bour (?:main|key|major) (?:findings|results)\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"^\s*(?:[•▪◦‣●∙*–-]|\(?(?:\d{1,2}|[a-h]|i{1,3}|iv|v)[.)]|C\d[.:]?)(?:\s+|$)")
_INLINE = re.compile(r"(?<![\w.])\(?(?P<n>[1-9]|i{1,3}|iv|v|[a-f])\)\s+")
_ORDER = (("1", "2", "3", "4", "5", "6", "7", "8", "9"), ("i", "ii", "iii", "iv", "v"), ("a", "b", "c", "d", "e", "f"))
_BODY = ("body", "list", "abstract")


def contributions(sentences: tuple[Sentence, ...]) -> tuple[Quote, ...]:
    """Return the contributions in the order of print, none where the paper tells none.

    A list under an anchor ("our contributions are", "we then test it in three ways:") goes before prose; a list in the body goes before
    one inside the abstract. A quote's text is the item without its mark; its numbers are of every sentence that the item touches.
    """
    told = [s for s in sentences if s.role in _BODY]
    anchors = [i for i, s in enumerate(told) if _is_anchor(s)]
    anchors.sort(key=lambda i: (told[i].role == "abstract", "ontribution" not in told[i].text, i))
    for i in anchors:
        found = _inline(told, i, within=True) or _listed(told, i) or _inline(told, i, within=False)
        if len(found) >= 2:
            return tuple(found[:MOST])
    return tuple(_prose(told)[:5])


def _is_anchor(s: Sentence) -> bool:
    """Whether a list of this work's contributions may follow."""
    if section_is(s, "related work", "limitation", "acknowledg", "author contribution", "ethic", "reference"):
        return False
    says = bool(_ANCHOR.search(s.text)) and (bool(OWN.search(s.text)) or "ontribution" in s.text)
    opens = s.text.rstrip().endswith(":") and bool(re.search(r"\b(?:[Ww]e|[Oo]ur)\b", s.text)) and section_is(s, "introduction")
    return (says or opens) and not citation_led(s.text)


def _inline(told: list[Sentence], at: int, *, within: bool) -> list[Quote]:
    """Items marked 1) 2) 3) in running sentences (it may be split after any of them), the first ``within`` the anchor or right after."""
    window = told[at : at + 12]
    text, starts = "", []
    for s in window:
        starts.append(len(text))
        text += s.text + " "
    marks = _run_of_marks(text)
    reach = len(window[0].text) - 1 if within else len(window[0].text) + 1
    if len(marks) < 2 or marks[0].start() > reach:
        return []
    ends = [m.start() for m in marks[1:]] + [_end_of_last(text, marks, starts)]
    quotes = []
    for mark, end in zip(marks, ends, strict=True):
        item = re.sub(r"(?:[;,]?\s*(?:and|or)?|[;,.])\s*$", "", text[mark.end() : end]).strip()
        inside = [s for s, a in zip(window, starts, strict=True) if a < end and a + len(s.text) > mark.end()]
        if item and inside:
            quotes.append(Quote(inside[0].page, item, tuple(s.number for s in inside)))
    return quotes


def _run_of_marks(text: str) -> list[re.Match[str]]:
    """The longest run 1, 2, 3 (or i, ii or a, b) of marks, each the next one after the one before."""
    best: list[re.Match[str]] = []
    for order in _ORDER:
        run: list[re.Match[str]] = []
        for m in _INLINE.finditer(text):
            if len(run) < len(order) and m["n"] == order[len(run)]:
                run.append(m)
        best = max(best, run, key=len)
    return best


def _end_of_last(text: str, marks: list[re.Match[str]], starts: list[int]) -> int:
    """The last item ends with its sentence; with as many sentences after that one as the item before it held."""
    gap = text[marks[-2].end() : marks[-1].start()]
    more = len([a for a in starts if marks[-2].end() < a < marks[-2].end() + len(gap)])
    later = [a for a in starts if a > marks[-1].end()]
    return later[more] - 1 if len(later) > more else len(text)


@dataclass
class _Item:
    page: int | None
    text: str
    numbers: list[int]


def _listed(told: list[Sentence], at: int) -> list[Quote]:
    """Items of a list that starts within a few sentences of the anchor, over page ends and captions (which are not told)."""
    i = next((j for j in range(at + 1, min(at + 4, len(told))) if told[j].role == "list"), None)
    if i is None or not told[at].text.rstrip().endswith((":", ".", "following", "are")):
        return []
    items: list[_Item] = []
    while i < len(told) and (told[i].role == "list" or _goes_on(told, i, items)):
        s, text = told[i], told[i].text
        mark = _MARK.match(text)
        if mark is not None:
            items.append(_Item(s.page, text[mark.end() :].strip(), [s.number]))
        elif items and items[-1].text:
            items[-1].text, items[-1].numbers = f"{items[-1].text} {text}", [*items[-1].numbers, s.number]
        elif items:
            items[-1] = _Item(s.page, text, [s.number])
        else:
            items.append(_Item(s.page, text, [s.number]))
        i += 1
    if items and not any(
        _MARK.match(s.text) for s in told[at + 1 : i]
    ):  # a reader of lines may drop the marks: then one a sentence
        items = [_Item(s.page, s.text, [s.number]) for s in told[at + 1 : i] if s.role == "list"]
    return [Quote(x.page, x.text, tuple(x.numbers)) for x in items if is_readable(x.text, longest=1200)]


def _goes_on(told: list[Sentence], i: int, items: list[_Item]) -> bool:
    """Whether a line that was not read as part of the list ends the item before it, and the list goes on after it."""
    unfinished = bool(items) and not re.search(r"[.!?:;]\W*$", items[-1].text)
    return unfinished and i + 1 < len(told) and told[i + 1].role == "list" and bool(_MARK.match(told[i + 1].text))


def _prose(told: list[Sentence]) -> list[Quote]:
    """What the introduction says in the first person that the authors did; the abstract's where it says nothing."""
    introduction = [
        s
        for s in told
        if s.role != "abstract" and section_is(s, "introduction") and not section_is(s, "related work", "background", "prior work")
    ]
    for part in (introduction, [s for s in told if s.role == "abstract"], [s for s in told if s.role != "abstract"][:60]):
        found = [Quote(s.page, s.text, (s.number,)) for s in part if _contributes(s.text)]
        if found:
            return found
    return []


def _contributes(text: str) -> bool:
    if not introduces(text) or about_future(text) or not is_readable(text) or text.rstrip().endswith(":"):
        return False
    if re.search(
        r"\b(?:as follows|organi[sz]ed|github|https?:|appendix|we will refer|detail our|in the following)\b", text, re.IGNORECASE
    ):
        return False
    return not (about_prior(text) and not re.search(r"\b[Ww]e\b|\b[Tt]his (?:paper|work)\b", text))
