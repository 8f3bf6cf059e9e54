"""P4: what could be better about a draft: its own words, why, and a suggestion; never about facts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from breadth.announce.check.length import LIMITS, weighted_length
from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.named import meetings
from breadth.announce.poster.slot import said

__all__ = ["PRAISE", "Feedback", "feedback", "parts_of"]

_INVITES = re.compile(r"\b(?:visit|come|stop by|drop by|swing by|join|find|meet|talk|chat|see)\b", re.IGNORECASE)
PRAISE = re.compile(
    r"\b(?:groundbreaking|revolutionary|breakthrough|game[- ]chang(?:ing|er)|amazing|incredible|outstanding|state[- ]of[- ]the[- ]art"
    r"|SOTA|cutting[- ]edge|unprecedented|first[- ]ever|paradigm[- ]shift\w*|novel|very interesting|super (?:cool|exciting))\b",
    re.IGNORECASE,
)
_STALE = (
    (
        re.compile(r"\b(?:excited|thrilled|happy|proud|delighted|pleased|honou?red)\s+to\s+\w+", re.IGNORECASE),
        "says how you feel, not what there is to see; the first words decide whether anyone reads on",
        "begin with the invitation: Visit {work} and talk to us about {topic}!",
    ),
    (
        PRAISE,
        "praises the work instead of saying what it is; readers trust what they can check",
        "take it out, or say the one finding that made you write it",
    ),
    (
        re.compile(r"\b(?:I|we)(?:['’]ll| will| am going to| are going to)(?: be)? present\w*[^.!?\n]*", re.IGNORECASE),
        "tells what you do; an ad asks the reader to do something",
        "turn it round: Visit {work} and talk to us about {topic}!",
    ),
    (
        re.compile(r"\b(?:our|my) (?:new |latest |recent )?(?:work|paper|research|project)\b(?! (?:on|about)\b)", re.IGNORECASE),
        "does not say what it is about, so that nobody knows whether to come",
        "name the topic: {topic}",
    ),
    (
        re.compile(
            r"\b(?:click|link in bio|RT|please (?:share|retweet)|feel free to|don['’]t miss)\b[^.!?\n]{0,40}", re.IGNORECASE
        ),
        "asks for something other than a visit",
        "take it out; the slot is what matters",
    ),
)


@dataclass(frozen=True)
class Feedback:
    """One remark. quoted: words of the draft as they stand there; why: what is wrong with them; suggestion: what to do."""

    quoted: str
    why: str
    suggestion: str


def feedback(draft: str, facts: PosterFacts) -> tuple[Feedback, ...]:
    """Return remarks on the wording of a draft; none for an empty one."""
    if not draft.strip():
        return ()
    words = {"work": f"{facts.name}'s poster" if facts.name else "our poster", "topic": facts.topic or "[FILL: topic]"}
    own = draft
    for held in filter(None, (facts.title, facts.event, facts.topic, facts.one_line)):
        own = own.replace(held, "\0" * len(held))  # the words of a fact are no matter of taste
    found = [Feedback(m[0], why, way.format(**words)) for pattern, why, way in _STALE for m in pattern.finditer(own)]
    lines = [line for line in draft.splitlines() if line.strip()]
    if not _INVITES.search(lines[0]):
        found.append(
            Feedback(
                re.split(r"(?<=[.!?])\s", lines[0].strip())[0],
                "the first line asks nobody to come",
                f"begin with what to do and why: Visit {words['work']} and talk to us about {words['topic']}!",
            )
        )
    return (*found, *_shape(draft, own))


def parts_of(draft: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return which parts of an ad a draft has, and which it lacks; () and () for an empty one."""
    if not draft.strip():
        return (), ()
    kinds = {thing.kind for thing in said(draft)}
    parts = {
        "an invitation": bool(_INVITES.search(draft)),
        "what it is about": bool(
            re.search(r"\babout\s+\w|\b(?:learn|see|find out|hear|discuss)\s+(?:how|why|what|when|whether)\b", draft, re.I)
        ),
        "the day": "date" in kinds,
        "the time": "time" in kinds,
        "the room": bool(kinds & {"room", "board"}),
        "the event": bool(meetings(draft)),
        "a link": "url" in kinds,
    }
    return tuple(p for p, there in parts.items() if there), tuple(p for p, there in parts.items() if not there)


def _shape(draft: str, own: str) -> list[Feedback]:
    """Remarks on length, emphasis and tags."""
    found = []
    length = weighted_length(draft.strip(), "x")
    pieces = [s for s in re.split(r"(?<=[.!?])\s+|\n+", own) if s.strip() and "\0" not in s]
    prose = [s for s in pieces if not said(s)] or pieces
    longest = max(prose, key=len, default="")
    if length > LIMITS["x"] and longest:
        why = f"the draft is {length} long by X's counting, {LIMITS['x']} fit; this is its longest part without a fact"
        found.append(Feedback(longest, why, "shorten it, or keep it for LinkedIn"))
    found += [
        Feedback(s, f"{len(s.split())} words in one sentence; a feed is read in passing", "make two sentences of it")
        for s in pieces
        if len(s.split()) > 30
    ]
    tags = re.findall(r"(?<!\w)#\w+", own)
    if len(tags) > 3:
        found.append(
            Feedback(
                " ".join(tags[3:]) if " ".join(tags[3:]) in draft else tags[3],
                f"{len(tags)} hashtags; more than three look like advertising",
                "keep the three by which your readers search",
            )
        )
    bang = re.search(r"\w+\s?!{2,}", own) or (re.search(r"[^!\n\0]*![^!\n\0]*!(?![^!]*!)", own) if own.count("!") > 2 else None)
    if bang:
        found.append(Feedback(bang[0].strip(), "exclamation marks wear off", "keep one, behind the invitation"))
    shouted = re.search(r"\b[A-Z]{4,}(?:\s+[A-Z]{3,})+\b", own)
    if shouted:
        found.append(Feedback(shouted[0], "capitals read as shouting", "write it in small letters"))
    vague = re.search(
        r"\b(?:check (?:it|us|this|out)\b[^.!?\n]{0,30}|stay tuned|exciting results|interesting (?:results|findings))",
        own,
        re.IGNORECASE,
    )
    if vague:
        found.append(
            Feedback(vague[0], "promises something without saying what", "say the one result that a visitor will remember")
        )
    return found
