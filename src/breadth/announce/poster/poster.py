"""From facts and a draft to the ad in three lengths, what is missing or doubtful, and feedback."""

from __future__ import annotations

import datetime
from dataclasses import dataclass

from breadth.announce.poster.doubts import doubts
from breadth.announce.poster.draft import misfit, read_draft
from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.feedback import Feedback, feedback, parts_of
from breadth.announce.poster.guard import Change, changes, instead, unheld
from breadth.announce.poster.write import Ads, too_long, write_ads
from breadth.announce.thread import Problem

__all__ = ["Poster", "poster"]


@dataclass(frozen=True)
class Poster:
    """An ad and what is to be said about it.

    ads: None where the draft changes a fact, since only the author knows which is right; facts: with those that only the draft held,
    which stand in ``from_draft``; missing: needed facts that are not known; has, lacks: which parts of an ad the draft has; problems: P1
    errors and warnings, P2 and K2 warnings, P3 errors.
    """

    ads: Ads | None
    facts: PosterFacts
    from_draft: dict[str, str]
    missing: tuple[str, ...]
    feedback: tuple[Feedback, ...]
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    problems: tuple[Problem, ...]


def poster(facts: PosterFacts, draft: str, *, today: datetime.date) -> Poster:
    """Return the ad for a slot; an empty draft is allowed. today: for the warning about a date that is past."""
    read = read_draft(draft, facts)
    known = PosterFacts.model_validate({**facts.model_dump(exclude_none=True), **read})
    changed = changes(draft, known)
    problems = [*_weekdays(changed, known), *unheld(changed), *doubts(known, today)]
    problems += [
        Problem("K2", "warning", None, f"the draft names {c.text}, whom handles do not hold; only given handles are posted")
        for c in changed
        if c.field == "handles" and c.given is None
    ]
    refused = any(p.level == "error" for p in problems)
    ads = None if refused else write_ads(known)
    if ads:
        problems += too_long(ads)
    return Poster(ads, known, read, known.missing(), feedback(draft, known), *parts_of(draft), tuple(problems))


def _weekdays(changed: tuple[Change, ...], facts: PosterFacts) -> list[Problem]:
    """P1 for a weekday that only the draft says and the date of the facts is not."""
    wrong = [(c.text, true) for c in changed if c.field == "weekday" and (true := misfit(c.text, facts))]
    return [
        Problem("P1", "error", None, f"the weekday: {instead(true, text)}: '{facts.date}' is that; correct the date if it is wrong")
        for text, true in wrong
    ]
