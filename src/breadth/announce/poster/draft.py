"""Facts that only the author's draft holds, read from it word for word and told, so that none is asked for twice."""

from __future__ import annotations

import calendar
import re

from pydantic import ValidationError

from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.slot import said
from breadth.announce.poster.when import day, weekday

__all__ = ["misfit", "read_draft"]

_CODE_HOSTS = ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org")


def read_draft(draft: str, facts: PosterFacts) -> dict[str, str]:
    """Return field -> text for facts that are not given but stand in the draft; a draft that says two of a kind says none."""
    things = said(draft)
    found: dict[str, str] = {}
    for kind in ("date", "weekday", "zone", "room", "board"):
        named = [s for s in things if s.kind == kind and (kind != "date" or day(s.text))]  # "the 29th" is no date to print
        texts = list(dict.fromkeys(s.core if kind in {"room", "board"} else s.text for s in named))
        if len(texts) == 1:
            found[kind] = texts[0]
    times = [s.text for s in things if s.kind == "time"]
    if 1 <= len(times) <= 2 and facts.start is None and facts.end is None:
        found.update(zip(("start", "end"), times, strict=False))
    urls = list(dict.fromkeys(s.text for s in things if s.kind == "url" and _fits("paper_url", s.text)))
    for field, wanted in (("code_url", True), ("paper_url", False)):
        of_kind = [u for u in urls if (u.split("/")[2].removeprefix("www.") in _CODE_HOSTS) == wanted]
        if len(of_kind) == 1:
            found[field] = of_kind[0]
    for field, pattern in (
        ("event", r"(?m)(?:^|\s)@\s+([^@\n]{3,200}?)[.!]?\s*$"),
        ("topic", r"(?i)\btalk (?:to|with) us about ([^!?\n]{2,120}?)[!?.]?\s*(?:$|\n|!)"),
        ("name", r"(?i)\bvisit (?-i:([A-Z]\w*))['’]s poster\b"),
        ("title", r"\*\*([^*\n]{5,300})\*\*"),
    ):
        matches = re.findall(pattern, draft)
        if len(matches) == 1:
            found[field] = matches[0].strip()
    if misfit(found.get("weekday"), facts):
        del found["weekday"]
    return {f: text for f, text in found.items() if getattr(facts, f) is None and _fits(f, text)}


def misfit(written: str | None, facts: PosterFacts) -> str | None:
    """Return the weekday that the date of the facts is, where a written one is another; None where that cannot be told."""
    wanted, read = weekday(written or ""), day(facts.date or "")
    if facts.weekday is not None or wanted is None or read is None or read.year is None:
        return None
    dates = read.dates(read.year)
    if not dates or wanted in {d.weekday() for d in dates}:
        return None
    return " or ".join(calendar.day_name[d.weekday()] for d in dates)


def _fits(field: str, text: str) -> bool:
    try:
        PosterFacts.model_validate({field: text})
    except ValidationError:
        return False
    return True
