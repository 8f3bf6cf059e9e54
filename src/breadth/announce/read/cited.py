"""Which sentences name a figure or table: "Figure 2", "Fig. 2a", "Figures 2 and 3", "Figs. 2-4", "TABLE II"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from breadth.announce.read.captions import LEAD
from breadth.announce.source import Item, Sentence

__all__ = ["cited", "named_in"]

BARE = r"(?:(?:[A-Z]{1,2}[.\-]?)?\d{1,3}(?:\.\d{1,3})?|[IVXL]{1,6})"  # a dash between two numbers is a range here
PANEL = r"(?:\s?\([a-zA-Z](?:\s?[-–,&]\s?[a-zA-Z])*\)|\s?[A-Z]{1,3}(?![\w.])|[a-z]{1,2}(?:[-–][a-z])?(?!\w))?"
JOIN = r"\s*(?:,\s*and|,\s*or|,|and|&|–|—|-|to|or|through)\s*"
KIND = r"(?P<kind>Fig(?:ure)?s?\.?|FIG(?:URE)?S?\.?|[Ff]igures?|Tab(?:le)?s?\.?|TAB(?:LE)?S?\.?|tables?)"
OF = r"(?P<of>(?:Supplementary|Supplemental|Supporting|Extended Data|Appendix)\s+)?"
NAMED = re.compile(rf"(?<!\w){OF}{KIND}\s*(?P<list>{BARE}{PANEL}(?:{JOIN}{BARE}{PANEL})*)")
PIECE = re.compile(rf"(?P<join>–|—|-|to|through)?\s*(?P<number>{BARE}){PANEL}")
MOST = 40  # of one range: "Figures 2-400" is a slip


def named_in(text: str) -> frozenset[str]:
    """Return the labels that a sentence names, ranges written out."""
    found: set[str] = set()
    for match in NAMED.finditer(text):
        kind = "Figure" if match["kind"][0] in "Ff" else "Table"
        word = f"{(match['of'] or '').strip().title()} {kind}".strip()
        last: str | None = None
        for piece in PIECE.finditer(match["list"]):
            number = piece["number"]
            if piece["join"] and last is not None:
                found.update(f"{word} {n}" for n in between(last, number))
                if piece["join"] in "-–—":  # a label such as "Figure 2-1" looks like a range
                    found.add(f"{word} {last}{piece['join']}{number}")
            found.add(f"{word} {number}")
            last = number
    return frozenset(found)


def between(first: str, last: str) -> list[str]:
    """Return the numbers of a range such as 2-4 or A.1-A.3; none where it is no range."""
    a, b = re.fullmatch(r"(.*?)(\d+)", first), re.fullmatch(r"(.*?)(\d+)", last)
    if a is None or b is None or (b[1] not in ("", a[1])) or not 0 < int(b[2]) - int(a[2]) <= MOST:
        return []
    return [f"{a[1]}{n}" for n in range(int(a[2]), int(b[2]) + 1)]


def cited(items: Sequence[Item], sentences: Sequence[Sentence]) -> tuple[Item, ...]:
    """Return the items with the numbers of the sentences that name them; a caption's own label at its start does not count.

    An item on a page behind the first words of an appendix is of the appendix, whatever its page looked like.
    """
    by_label: dict[str, list[int]] = {}
    for sentence in sentences:
        text = sentence.text
        if sentence.role == "reference":
            continue
        if sentence.role == "caption" and (lead := LEAD.match(text)):
            text = text[lead.start("rest") :]
        for label in named_in(text):
            by_label.setdefault(label, []).append(sentence.number)
    starts = min((s.page for s in sentences if s.role == "appendix" and s.page is not None), default=None)
    return tuple(
        replace(
            item,
            cited_by=tuple(by_label.get(item.label, ())),
            appendix=item.appendix or (starts is not None and item.page > starts),
        )
        for item in items
    )
