"""The facts of a poster slot, from a TOML file: kept character for character, never completed or corrected."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints

from breadth.announce.facts import facts_in

__all__ = ["NEEDED", "PosterFacts", "mark", "read_poster_facts"]

NEEDED = ("title", "authors", "topic", "date", "start", "end", "zone", "room", "event", "paper_url")
"""What an ad needs; a code_url does for the paper_url, and where there is a room, its own time is meant, so that only an ad without one
(room = "") needs the zone. One that is given as "" is left out on purpose."""


def _written(value: Any) -> Any:
    """Return a bare TOML date or time as it is written in the file, so that it is a text like any other."""
    if isinstance(value, datetime.time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime) else value


def _one_line(value: str) -> str:
    if value != value.strip() or not value.isprintable():
        raise ValueError("one line is expected, without spaces around it")
    return value


def _address(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s<>\"\\]+[^\s<>\"\\.,;:!?]", value):
        raise ValueError("an address is expected, https://... without spaces, backslashes or a full stop at its end")
    return value


def _handle(value: str) -> str:
    if not re.fullmatch(r"@[\w.-]+(@[\w.-]+)?", value):
        raise ValueError("a handle is expected, such as @name")
    return value


def _tag(value: str) -> str:
    if not re.fullmatch(r"#?\w+", value):
        raise ValueError("a hashtag is expected, such as #ICML2023")
    return value


Text = Annotated[str, StringConstraints(max_length=500), BeforeValidator(_written), AfterValidator(_one_line)]
Address = Annotated[Text, AfterValidator(_address)]


class PosterFacts(BaseModel):
    """Facts of a poster slot. None: not known (it becomes a FILL mark); "": left out on purpose.

    name: a short name of the work ("LeanDojo"); topic: what to talk about ("LLMs for theorem proving"); one_line: a sentence on the
    work; board: number of the poster board; event: with its article, as it stands behind "@"; handles: name -> "@handle".
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Text | None = None
    title: Text | None = None
    authors: tuple[Text, ...] | None = None
    topic: Text | None = None
    one_line: Text | None = None
    date: Text | None = None
    weekday: Text | None = None
    start: Text | None = None
    end: Text | None = None
    zone: Text | None = None
    room: Text | None = None
    board: Text | None = None
    event: Text | None = None
    paper_url: Address | None = None
    code_url: Address | None = None
    handles: dict[Text, Annotated[Text, AfterValidator(_handle)]] = {}
    hashtags: tuple[Annotated[Text, AfterValidator(_tag)], ...] = ()

    def missing(self) -> tuple[str, ...]:
        """Return the needed facts that are not known."""
        absent = tuple(f for f in NEEDED if getattr(self, f) is None)
        spared = {"paper_url": self.code_url is not None, "zone": self.room != ""}
        return tuple(f for f in absent if not spared.get(f))

    def said(self, field: str) -> str:
        """Return a fact as text, its FILL mark where it is needed and not known, or ""."""
        value = getattr(self, field)
        if value is None:
            return mark(field) if field in self.missing() else ""
        return value if isinstance(value, str) else ", ".join(value)


def mark(field: str) -> str:
    """Return the mark for a fact that only the author knows: ``"[FILL: paper url]"``."""
    return f"[FILL: {field.replace('_', ' ')}]"


def read_poster_facts(path: Path) -> PosterFacts:
    """Return the facts of a TOML file; raises AnnounceError where it is no such file."""
    return facts_in(path, PosterFacts, "title, date, room", 'room = "301"')
