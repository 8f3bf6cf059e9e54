"""P1: facts are kept character for character; whatever a draft or a model makes of them is found and shown as a difference."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.slot import HANDLE, URL, Kind, Said, said
from breadth.announce.thread import Problem

__all__ = ["Change", "changes", "difference", "stands", "unheld"]

FIELDS: dict[Kind, tuple[str, ...]] = {
    "date": ("date",),
    "weekday": ("weekday",),
    "time": ("start", "end"),
    "zone": ("zone",),
    "room": ("room",),
    "board": ("board",),
    "url": ("paper_url", "code_url"),
}
NEAR = 0.75  # of the letters; one changed word of a title is nearer, another title is not


@dataclass(frozen=True)
class Change:
    """A fact that a text says otherwise. given: of the facts, None where they hold none; text: as the text has it; same: whether it means
    the same ("11:45am" for "11:45 AM")."""

    field: str
    given: str | None
    text: str
    same: bool = False


def difference(given: str, text: str) -> str:
    """Return a word-wise difference in one line: ``room [-301-]{+302+}``."""
    old, new = re.findall(r"\s+|[^\s]+", given), re.findall(r"\s+|[^\s]+", text)
    parts = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            parts.append("".join(old[a:b]))
        else:
            parts.append((f"[-{''.join(old[a:b])}-]" if b > a else "") + (f"{{+{''.join(new[c:d])}+}}" if d > c else ""))
    return "".join(parts)


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
    for thing in {(t.kind, t.text): t for t in things}.values():
        found += _held(thing, facts)
    order = [t.core for t in things if t.kind == "time"]
    if facts.start and facts.end and facts.start != facts.end and order[:2] == [facts.end, facts.start]:
        found.append(Change("start", f"{facts.start} – {facts.end}", f"{facts.end} – {facts.start}"))
    return tuple(found)


def _held(thing: Said, facts: PosterFacts) -> list[Change]:
    fields = FIELDS.get(thing.kind)
    if fields is None:
        given = {f"handles.{name}": handle for name, handle in facts.handles.items()}
    else:
        given = {f: value for f in fields if (value := getattr(facts, f))}
    if any(value in {thing.text, thing.core} for value in given.values()):
        return []
    if not given:
        return [Change(fields[0] if fields else "handles", None, thing.text)]
    alike = {f: v for f, v in given.items() if any(s.value == thing.value for s in said(_alone(thing.kind, v)))}
    field = next(iter(alike), "") or max(given, key=lambda f: difflib.SequenceMatcher(None, given[f], thing.core).ratio())
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


def unheld(changed: tuple[Change, ...], whose: str) -> tuple[Problem, ...]:
    """Return P1 problems for the changes of a draft or a model's text: an error with the difference where the meaning changed."""
    found = []
    for c in changed:
        if c.given is None:
            continue
        if c.same:
            text = f"{whose} writes the {c.field} as '{c.text}'; the ad keeps '{c.given}' of the facts, character for character"
            found.append(Problem("P1", "warning", None, text))
        else:
            text = f"{whose} changes the {c.field}: {difference(c.given, c.text)}; correct it there, or the facts if they are wrong"
            found.append(Problem("P1", "error", None, text))
    return tuple(dict.fromkeys(found))
