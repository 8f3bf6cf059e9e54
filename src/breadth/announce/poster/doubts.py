"""P2: facts that contradict each other, lie in the past or are missing: told, never put right."""

from __future__ import annotations

import calendar
import datetime
import re

from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.when import day, minutes, weekday
from breadth.announce.thread import Problem

__all__ = ["doubts"]


def doubts(facts: PosterFacts, today: datetime.date) -> tuple[Problem, ...]:
    """Return a warning for each doubt about the facts."""
    found = [*_date(facts, today), *_times(facts)]
    for field in ("room", "zone", "event", "paper_url"):
        if getattr(facts, field) is None and (field != "paper_url" or facts.code_url is None):
            what = "a link (paper_url or code_url)" if field == "paper_url" else field
            found.append(f'{what} is missing; give it, or {field} = "" where there is none')
    if len(facts.hashtags) > 3:
        found.append(f"{len(facts.hashtags)} hashtags are given; up to three are read, more look like advertising")
    for field in ("paper_url", "code_url"):
        if re.search(r"X{3,}|TBD|example\.(?:com|org)", facts.said(field)):
            found.append(f"{field} {facts.said(field)} looks like a placeholder; check that it opens")
    return tuple(Problem("P2", "warning", None, text) for text in found)


def _date(facts: PosterFacts, today: datetime.date) -> list[str]:
    if not facts.date:
        return []
    read = day(facts.date)
    if read is None:
        return [f"date '{facts.date}' cannot be read, so that it is not checked; write it such as 7/28/2023 or July 28, 2023"]
    in_event = re.findall(r"\b20\d\d\b", facts.event or "")
    year = read.year or (int(in_event[0]) if len(set(in_event)) == 1 else None)
    whence = "" if read.year else f" in {year}, the year of the event"
    if year is None:
        return [f"date '{facts.date}' has no year, so that the weekday cannot be checked"] if facts.weekday else []
    dates = read.dates(year)
    if not dates:
        return [f"date '{facts.date}' is no day of {year}"]
    found = []
    if facts.weekday:
        wanted = weekday(facts.weekday)
        if wanted is None:
            found.append(f"weekday '{facts.weekday}' cannot be read, so that it is not checked")
        elif wanted not in {d.weekday() for d in dates}:
            true = " or ".join(calendar.day_name[d.weekday()] for d in dates)
            found.append(f"date '{facts.date}' is a {true}{whence}, not a {facts.weekday}; check both")
    if max(dates) < today:
        found.append(f"date '{facts.date}'{whence} is past; today is {today.isoformat()}")
    return found


def _times(facts: PosterFacts) -> list[str]:
    found = []
    read = {}
    for field in ("start", "end"):
        text = getattr(facts, field)
        if text:
            read[field] = minutes(text)
            if read[field] is None:
                found.append(f"{field} '{text}' cannot be read, so that it is not checked; write it such as 11:45 AM")
    start, end = read.get("start"), read.get("end")
    if start is not None and end is not None and end <= start:
        found.append(f"end '{facts.end}' is not after start '{facts.start}'; check both")
    return found
