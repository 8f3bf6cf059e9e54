"""P3: the ad in three lengths, put together from the facts alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from breadth.announce.check.length import LIMITS, weighted_length
from breadth.announce.poster.facts import PosterFacts
from breadth.announce.thread import Problem

__all__ = ["Ads", "too_long", "write_ads"]


@dataclass(frozen=True)
class Ads:
    """The ad for X (280 by its counting), for LinkedIn (3000 characters), and in one line."""

    x: str
    linkedin: str
    one_line: str


def write_ads(facts: PosterFacts) -> Ads:
    """Return the ad in three lengths; what is needed and not known is a FILL mark, and what does not fit into X's 280 is left out."""
    link = facts.said("paper_url") or facts.said("code_url")
    when, where = _when(facts), _where(facts)
    event = f"@ {facts.said('event')}" if facts.said("event") else ""
    slot = "\n".join(filter(None, [", ".join(filter(None, [when, where])) + ("," if event else ""), event, link]))
    x = f"{_call(facts)}\n{slot}"
    if weighted_length(x, "x") > LIMITS["x"]:
        x = f"{_call(facts, topic=False)}\n{slot}"
    tags = " ".join(f"#{t.lstrip('#')}" for t in facts.hashtags)
    handles = f"with {' '.join(facts.handles.values())}" if facts.handles else ""
    code = facts.said("code_url") if link != facts.said("code_url") else ""
    for extra in (tags, code and f"Code: {code}", handles):
        if extra and weighted_length(f"{x}\n{extra}", "x") <= LIMITS["x"]:
            x = f"{x}\n{extra}"
    paragraphs = [
        _call(facts),
        facts.said("one_line"),
        "\n".join(filter(None, [facts.said("title") if facts.name else "", facts.said("authors")])),
        "\n".join(
            filter(None, [when and f"When: {when}", f"Where: {' '.join(filter(None, [where, event]))}" if where or event else ""])
        ),
        "\n".join(
            filter(
                None,
                [facts.said("paper_url") and f"Paper: {facts.said('paper_url')}", facts.code_url and f"Code: {facts.code_url}"],
            )
        ),
        tags,
    ]
    about = ": ".join(filter(None, [facts.name or facts.said("title"), facts.said("topic")]))
    one_line = " ".join(filter(None, [f"{about} –" if about else "", ", ".join(filter(None, [when, where])), event, link]))
    return Ads(x, "\n\n".join(filter(None, paragraphs)), one_line)


def too_long(ads: Ads) -> tuple[Problem, ...]:
    """Return an error for each length that its place does not take."""
    found = []
    for text, place, way in (
        (ads.x, "x", "name = ..., a short name of the work, instead of the title"),
        (ads.linkedin, "linkedin", "less"),
    ):
        length = weighted_length(text, "x" if place == "x" else "linkedin")
        limit = LIMITS["x" if place == "x" else "linkedin"]
        if length > limit:
            found.append(
                Problem("P3", "error", None, f"the ad for {place} is {length} long with the facts alone, {limit} fit; give {way}")
            )
    return tuple(found)


def _call(facts: PosterFacts, *, topic: bool = True) -> str:
    title = facts.said("title")
    if facts.name:
        work = f"{facts.name}'s poster"
    else:
        work = f"our poster {title if title.startswith('[FILL') else f'“{title}”'}" if title else "our poster"
    about = facts.said("topic") if topic else ""
    return f"Visit {work} and talk to us{f' about {about}' if about else ''}!"


def _when(facts: PosterFacts) -> str:
    hours = " – ".join(filter(None, [facts.said("start"), facts.said("end")]))
    time = " ".join(filter(None, [hours, facts.said("zone")]))
    return ", ".join(filter(None, [" ".join(filter(None, [facts.said("date"), facts.said("weekday")])), time]))


def _where(facts: PosterFacts) -> str:
    def named(field: str) -> str:
        value = facts.said(field)
        # "301" and "B2" need the word, "Hall A" and "Exhibit Hall C" have one.
        return f"{field} {value}" if value and re.fullmatch(r"\w?\d[\w.-]*|[A-Z]|\[FILL.*", value) else value

    return ", ".join(filter(None, [named("room"), named("board")]))
