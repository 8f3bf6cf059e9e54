"""P1: facts are kept character for character; whatever a draft or a model makes of them is found and shown as a difference."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.named import meetings, numbers, places, tags, unknown_words
from breadth.announce.poster.slot import HANDLE, URL, Kind, Said, said, same
from breadth.announce.poster.when import Day
from breadth.announce.thread import Problem

__all__ = ["Change", "changes", "instead", "stands", "unheld"]

FIELDS: dict[Kind, tuple[str, ...]] = {
    "date": ("date",),
    "weekday": ("weekday",),
    "time": ("start", "end"),
    "zone": ("zone",),
    "room": ("room",),
    "board": ("board",),
    "url": ("paper_url", "code_url"),
}
_OPEN = (  # what says a day, a time, a place or an honour and cannot be compared
    ("date", re.compile(r"\b(?:tomorrow|tonight)\b", re.IGNORECASE)),
    ("start", re.compile(r"\b(?:half|(?:a )?quarter|five|ten|twenty) (?:past|to|after|before) [a-z]{3,6}\b", re.IGNORECASE)),
    (
        "room",
        re.compile(r"\b(?:virtually|(?:on|via|over) zoom|(?:held|presented|join us|meet us) (?:online|remotely))\b", re.IGNORECASE),
    ),
    (  # an honour is a fact, and a great one
        "one_line",
        re.compile(
            r"\b(?:(?:best|outstanding)[ -](?:\w+[ -])?paper(?: award)?|award(?:[ -]winning)?|(?:oral|spotlight|keynote|invited)"
            r" (?:presentation|talk|paper)|honou?rable mention)\b",
            re.IGNORECASE,
        ),
    ),
)
NEAR = 0.75  # of the letters; one changed word of a title is nearer, another title is not


@dataclass(frozen=True)
class Change:
    """A fact that a text says otherwise. given: of the facts, None where they hold none; text: as the text has it; same: whether it means
    the same ("11:45am" for "11:45 AM")."""

    field: str
    given: str | None
    text: str
    same: bool = False


def instead(given: str, text: str) -> str:
    """Return what to write in the place of what: ``instead of “302” say “301”``."""
    return f"instead of “{' '.join(text.split())}” say “{given}”"


def changes(text: str, facts: PosterFacts) -> tuple[Change, ...]:
    """Return each fact that a text says otherwise, or that it says and the facts do not hold (given None)."""
    found: list[Change] = []
    words = [facts.title, facts.event, facts.topic, facts.one_line, *(facts.authors or ())]
    rest = _without(text, [w for w in words if w])
    prose = re.sub(rf"{URL.pattern}|{HANDLE.pattern}", lambda m: "_" * len(m[0]), rest)
    for field, value in (("title", facts.title), ("event", facts.event), *(("authors", a) for a in facts.authors or ())):
        near = _nearest(value, prose) if value and not stands(value, text) else None
        if value and near:
            found.append(Change(field, value, near, _plain(near) == _plain(value)))
            rest, prose = _without(rest, [near]), _without(prose, [near])
    things = said(rest)
    unsaid = {  # a time that no word of the text has is what a wrong time stands for
        f for f in FIELDS["time"] if (v := getattr(facts, f)) and not any(same(s, t) for s in said(v) for t in things)
    }
    for thing in {(t.kind, t.text): t for t in things}.values():
        found += _held(thing, facts, unsaid)
    order = [t.core for t in things if t.kind == "time"]
    if facts.start and facts.end and facts.start != facts.end and order[:2] == [facts.end, facts.start]:
        found.append(Change("start", f"{facts.start} – {facts.end}", f"{facts.end} – {facts.start}"))
    prose, rest = (_without(p, [t.text for t in things]) for p in (prose, rest))
    return (*found, *_named(prose, rest, facts))


def _named(prose: str, rest: str, facts: PosterFacts) -> list[Change]:
    """Names, places, numbers and tags that the facts say otherwise or not. prose: without addresses, handles and what `said` reads."""
    found = [Change(field, None, m[0]) for field, pattern in _OPEN for m in pattern.finditer(prose)]
    for mention in dict.fromkeys(meetings(prose)):
        unknown = unknown_words(mention, facts)
        letters, years = [w for w in unknown if not w.isdigit()], re.findall(r"\d{4}", facts.event or "")
        if unknown:
            found.append(Change("event", facts.event or None if letters or years else None, mention))
        prose = prose.replace(mention, "_" * len(mention))
    for work in re.findall(r"\b[Vv]isit ([A-Z][\w-]*)['’]s poster\b", prose) if facts.name else ():
        if work.casefold() not in " ".join([facts.name or "", facts.title or "", *(facts.authors or ())]).casefold():
            found.append(Change("name", facts.name, work))
    for bold in re.findall(r"\*\*([^*\n]{5,300})\*\*", prose) if facts.title else ():
        if len(re.findall(r"[^\W_]+", bold)) > 3:
            found.append(Change("title", facts.title, bold))
    room = facts.room if facts.room and not re.search(r"\d", facts.room) else None
    for place in dict.fromkeys(places(prose, facts)):
        found.append(Change("room", room, place))
    own = {t.lstrip("#").casefold(): f"#{t.lstrip('#')}" for t in facts.hashtags}
    for tag in (t for t in dict.fromkeys(tags(rest)) if t[1:].casefold() not in own):
        numbered = re.search(r"\d", tag)  # a year
        dated = [o for t, o in own.items() if numbered and re.sub(r"\d", "", t) == re.sub(r"\d", "", tag[1:].casefold())]
        found.append(Change("hashtags", dated[0] if dated else None, tag))
    return found + [Change("number", None, n) for n in dict.fromkeys(numbers(prose, facts))]


def _held(thing: Said, facts: PosterFacts, unsaid: set[str]) -> list[Change]:
    fields = FIELDS.get(thing.kind)
    if fields is None:
        given = {f"handles.{name}": handle for name, handle in facts.handles.items()}
    else:
        given = {f: value for f in fields if (value := getattr(facts, f))}
    if any(value in {thing.text, thing.core} for value in given.values()):
        return []
    if not given:
        return [Change(fields[0] if fields else "handles", None, thing.text)]
    alike = {f: v for f, v in given.items() if any(same(s, thing) for s in said(_alone(thing.kind, v)))}
    years = set(re.findall(r"(?<!\d)20\d\d(?!\d)", " ".join([facts.event or "", *facts.hashtags])))
    if isinstance(thing.value, Day) and thing.value.year and years and str(thing.value.year) not in years:
        alike = {}  # the day is that of the facts, and the year is not that of the meeting
    meant = unsaid if thing.kind == "time" and len(unsaid) == 1 else given
    field = next(iter(alike), "") or max(meant, key=lambda f: difflib.SequenceMatcher(None, given[f], thing.core).ratio())
    return [
        Change(field, given[field], thing.text if given[field].split()[0] == thing.text.split()[0] else thing.core, field in alike)
    ]


def _alone(kind: Kind, value: str) -> str:
    """Return a fact as a text would say it, so that it is read as the text is."""
    if kind in {"room", "board"}:
        return value if said(value) else f"{kind} {value}"
    return f"12:00 {value}" if kind == "zone" else value


def stands(words: str, text: str) -> bool:
    """Return whether a text has these words for themselves, not within longer ones."""
    return bool(re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text))


def _without(text: str, held: list[str]) -> str:
    """Return a text with each of some words blotted out, where they stand for themselves."""
    parts = re.split(rf"({URL.pattern})", text)  # words within an address stay
    for words in sorted(held, key=len, reverse=True):
        alone = re.compile(rf"(?<!\w){re.escape(words)}(?!\w)")
        parts = [p if n % 2 else alone.sub("_" * len(words), p) for n, p in enumerate(parts)]
    return "".join(parts)


def _nearest(value: str, text: str) -> str | None:
    """Return the words of a text that are nearly a fact, or None."""
    pieces = [(m.start(), m.end()) for m in re.finditer(r"\S+", text)]
    size = len(value.split())
    best, found = NEAR, None
    matcher = difflib.SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(value.casefold())
    for length in range(max(size - 2, 2 if size > 1 else 1), size + 3):
        for first in range(len(pieces) - length + 1):
            window = text[pieces[first][0] : pieces[first + length - 1][1]].strip('*"“”.,;:!?()_')
            window = re.sub(r"['’]s$", "", window)
            matcher.set_seq1(window.casefold())
            if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best and (ratio := matcher.ratio()) > best:
                best, found = ratio, window
    return found


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).casefold().strip()


def unheld(changed: tuple[Change, ...]) -> tuple[Problem, ...]:
    """Return P1 problems for the changes of a draft: an error where the meaning changed, a warning where the ad differs from it."""
    found = []
    for c in changed:
        if c.given is None and c.field != "handles":
            where = f"{c.field} of the facts" if c.field in PosterFacts.model_fields else "one_line of the facts"
            text = (
                f"the draft says “{c.text}”, which stands in no fact, so the ad leaves it out; if it is right, put it into {where}"
            )
            found.append(Problem("P1", "warning", None, text))
        elif c.given is not None and c.same:
            text = f"the {c.field}: instead of “{c.text}” the ad says “{c.given}”: the same, as the facts write it"
            found.append(Problem("P1", "warning", None, text))
        elif c.given is not None:
            text = (
                f"the draft changes the {c.field}: {instead(c.given, c.text)}: so say the facts; correct them if the draft is right"
            )
            found.append(Problem("P1", "error", None, text))
    return tuple(dict.fromkeys(found))
