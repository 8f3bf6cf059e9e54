"""Meetings, places, numbers and hashtags that a text names beside what the facts hold."""

from __future__ import annotations

import re

from breadth.announce.check.words import word_set
from breadth.announce.poster.facts import PosterFacts

__all__ = ["meetings", "numbers", "places", "tags", "unknown_words"]

# Meetings that a field knows by their letters; any of them in a draft is a claim about where the poster hangs.
_KNOWN = (
    "AAAI|AAMAS|ACL|AISTATS|BMVC|CIKM|COLING|COLM|COLT|CoLLAs|CoNLL|CoRL|COSYNE|CVPR|DMLR|EACL|ECAI|ECCV|ECIR|ECML|EMNLP|FAccT|ICAPS"
    "|ICASSP|ICCV|ICDE|ICDM|ICIP|ICLR|ICML|ICPR|ICRA|ICSE|IJCAI|IJCNN|INTERSPEECH|Interspeech|IROS|ISMIR|KDD|LREC|MICCAI|MIDL|MLSys|NAACL"
    "|NeurIPS|NIPS|OSDI|PLDI|POPL|RecSys|SIGCOMM|SIGGRAPH|SIGIR|SIGMOD|SOSP|STOC|TheWebConf|UAI|UIST|VLDB|WACV|WSDM"
)
_AT = re.compile(r"(?:^|(?<=\s))@[ \t]+([^@\n.,;:!?(_]{3,200})", re.MULTILINE)
_CALLED = re.compile(
    r"\b(?:at|during|of|for|in)\s+(?:the\s+)?((?:[A-Z0-9][\w'’&:/-]{0,40}\s+(?:(?:of|on|in|for|and|the)\s+){0,2}){1,15}"
    r"(?i:workshop|conference|symposium|summit|congress|meeting))\b"
)
_LETTERS = re.compile(rf"(?<![\w#@/.])(?:{_KNOWN})(?:\s?['’]?\s?(?:20)?\d\d)?(?!\w)")
_PLACE = re.compile(
    r"\b((?:[A-Z][\w'’-]{1,30}\s+){1,3}(?:Hall|Ballroom|Room|Auditorium|Foyer|Lobby|Theat(?:er|re)|Cent(?:er|re)|Building|Pavilion))\b"
)
_ANY_PLACE = re.compile(r"(?:(?:The|Our|Exhibit|Exhibition|Poster|Main|Meeting|Conference|Convention|Lecture)\s+)*\w+")
_NUMBER = re.compile(r"(?<![\w#@.,:/+-])[+-]?\d+(?:[.,:]\d+)*(?:st|nd|rd|th|[KMBk]\b|x\b|%|×)?(?![\w:/])")
_TAG = re.compile(r"(?<![\w&/])#\w+")
# Words that name no meeting.
_PLAIN = word_set(
    """a an and annual at booth by come conference congress during event for from in international main meeting my of on our poster
    posters session sessions summit symposium talk the this to today track us workshop workshops with"""
)


def unknown_words(mention: str, facts: PosterFacts) -> list[str]:
    """Return the words of a mention that no fact holds, in small letters; initials of the event are held: ICML."""
    values = [facts.event, facts.title, facts.name, facts.topic, facts.one_line, facts.room, *facts.hashtags]
    known = {w for v in values if v for w in _words(v)}
    known |= {w[2:] for w in known if re.fullmatch(r"20\d\d", w)}  # ICML'23
    capitals = "".join(w[0] for w in re.findall(r"\b[A-Z][\w-]*", facts.event or "")).casefold()
    return [w for w in _words(mention) if w not in known | _PLAIN and not (len(w) > 2 and w in capitals)]


def _words(text: str) -> list[str]:
    return [w.casefold() for w in re.findall(r"[^\W\d_]+|\d+", text)]


def meetings(prose: str) -> list[str]:
    """Return what a text names as the meeting: behind "@", "at the ... workshop", and letters that a field knows."""
    found = [m[1].strip() for m in _AT.finditer(prose)] + [m[1] for m in _CALLED.finditer(prose)]
    return found + [m[0] for m in _LETTERS.finditer(prose) if not any(m[0] in f for f in found)]


def places(prose: str, facts: PosterFacts) -> list[str]:
    """Return named halls and buildings that no fact names."""
    held = " ".join(v for v in (facts.room, facts.event, facts.board, facts.title) if v).casefold()
    found = [m[1] for m in _PLACE.finditer(prose)]
    return [f for f in found if not _ANY_PLACE.fullmatch(f) and f.casefold() not in held]


def numbers(prose: str, facts: PosterFacts) -> list[str]:
    """Return the numbers of a text that stand in no fact."""
    values = [v for v in facts.model_dump().values() if isinstance(v, str)]
    held = {m[0] for v in (*values, *facts.hashtags) for m in _NUMBER.finditer(v)}
    listed = re.sub(r"(?m)^[ \t]*\d{1,2}[.)](?=\s)", " ", prose)
    return [m[0] for m in _NUMBER.finditer(listed) if m[0] not in held]


def tags(prose: str) -> list[str]:
    """Return the hashtags of a text."""
    return _TAG.findall(prose)
