"""What a text says about a slot: its dates, times, rooms, addresses and handles, word for word, with their places."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from breadth.announce.poster.when import DATE, DAY_ALONE, TIME, WEEKDAY, Day, clock, day, day_alone, weekday

__all__ = ["HANDLE", "URL", "Kind", "Said", "said", "same"]

Kind = Literal["date", "weekday", "time", "zone", "room", "board", "url", "handle"]

ZONES = (
    r"(?:UTC|GMT)(?:\s?[+-]\d{1,2}(?::\d{2})?)?|A[EK][SD]T|A[CW]ST|[ECMP][SD]?T|HST|CES?T|EES?T|WES?T|BST|IST|JST|KST|SGT|HKT|"
    r"NZ[SD]T|AoE"
)
# As people say them behind a time: the letters of winter (or all year), of summer, and of both.
ZONE_NAMES = {
    "Pacific": ("PST", "PDT", "PT"),
    "Mountain": ("MST", "MDT", "MT"),
    "Central": ("CST", "CDT", "CT"),
    "Eastern": ("EST", "EDT", "ET"),
    "Atlantic": ("AST", "ADT", "AT"),
    "Hawaii": ("HST",),
    "British": ("GMT", "BST"),
    "Greenwich": ("GMT",),
    "Western European": ("WET", "WEST"),
    "Central European": ("CET", "CEST"),
    "Eastern European": ("EET", "EEST"),
    "India": ("IST",),
    "Japan": ("JST",),
    "Korea": ("KST",),
    "Singapore": ("SGT",),
    "Hong Kong": ("HKT",),
}
URL = re.compile(
    r"(?:\b\w+://|(?<![\w@/.-])(?:[\w-]+\.)+[a-z]{2,6}/)[^\s<>\"]+"
)  # also where the scheme is forgotten or misspelled
HANDLE = re.compile(r"(?<![\w@./])@\w[\w.]*(?:@[\w.-]+)?")
ROOM = re.compile(
    r"\b(?:(?i:rooms?|rm\.?|(?:exhibit(?:ion)?\s)?hall|ballroom)\s+)((?:[A-Z]\b|\w?\d)[\w.-]*|(?<=[Rr]oom )[A-Z][a-z]+(?:\s[A-Z0-9]\w*)?)"
)
BOARD = re.compile(r"\b(?i:board|poster|stand|booth)\s*(?i:#|no\.?\s*|number\s+)?\s*([A-Z]?\d[\w-]*)")

_NAMED = "|".join(sorted(ZONE_NAMES, key=len, reverse=True))
_ZONE = re.compile(
    rf"(?<!\w)(?:({_NAMED})(?:n|an|ese)?(?:\s(Standard|Summer|Daylight|Mean))?(?:\s[Tt]ime\b|(?=\s*(?:$|[,;.)\n])))|{ZONES})(?![\w+])"
)


@dataclass(frozen=True)
class Said:
    """One thing that a text says. text: as written; core: without the word for it ("301" of "room 301"); value: what it means, to compare."""

    kind: Kind
    text: str
    core: str
    value: object
    start: int


_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("handle", HANDLE),
    ("room", ROOM),
    ("board", BOARD),
    ("date", DATE),
    ("date", DAY_ALONE),
    ("time", TIME),
    ("weekday", WEEKDAY),
)


def said(text: str) -> tuple[Said, ...]:
    """Return what a text says about a slot, in its order."""
    found: list[Said] = []
    taken = bytearray(len(text))

    def add(kind: Kind, at: int, word: str, core: str, value: object) -> None:
        found.append(Said(kind, word, core, value, at))
        taken[at : at + len(word)] = b"\1" * len(word)

    for m in URL.finditer(text):
        url = m[0].rstrip(".,;:!?)'*")
        opened = re.sub(r"^\w+://|\\|/$", "", url)
        add("url", m.start(), url, url, re.sub(r"^(arxiv\.org)/(?:pdf|html)/(.+?)(?:\.pdf)?$", r"\1/abs/\2", opened))
    for kind, pattern in _PATTERNS:
        for m in pattern.finditer(text):
            word = m[0].rstrip(".,") if kind in {"handle", "room", "board", "weekday"} else m[0]
            core = m[1].rstrip(".,") if m.re.groups else word
            if not any(taken[m.start() : m.end()]):
                add(kind, m.start(), word, core, _value(kind, word, core))
    ends = {s.start + len(s.text) for s in found if s.kind == "time"}
    for m in _ZONE.finditer(text):
        behind_time = m.start() - len(re.findall(r"[ (,]*$", text[max(0, m.start() - 9) : m.start()])[0]) in ends
        if not any(taken[m.start() : m.end()]) and (behind_time or m[0].startswith(("UTC", "GMT"))):
            add("zone", m.start(), m[0], m[0], _zones(m))
    return tuple(sorted(found, key=lambda s: s.start))


def _zones(m: re.Match[str]) -> frozenset[str]:
    """The letters that a written zone can mean: "Pacific Time" is PST, PDT or PT."""
    if m[1] is None:
        return frozenset((m[0].replace(" ", ""),))
    letters = ZONE_NAMES[m[1]]
    season = letters[1:2] or letters if m[2] in ("Daylight", "Summer") else letters[:1] if m[2] else letters
    return frozenset((*season, *letters[2:]))


def _value(kind: Kind, text: str, core: str) -> object:
    if kind == "date":
        return day(text) or (day_alone(text) if DAY_ALONE.fullmatch(f"the {text}", 4) else None)
    if kind == "time":
        return clock(text)
    if kind == "weekday":
        return weekday(text)
    return core.casefold()


def same(one: Said, other: Said) -> bool:
    """Return whether two things of a kind can mean the same."""
    a, b = one.value, other.value
    if one.kind != other.kind or a is None or b is None:
        return False
    if isinstance(a, Day) and isinstance(b, Day):
        return a.may_be(b)
    return bool(a & b) if isinstance(a, frozenset) and isinstance(b, frozenset) else a == b
