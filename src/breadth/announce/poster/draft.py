"""Facts that only the author's draft holds, read from it word for word and told, so that none is asked for twice."""

from __future__ import annotations

import re

from pydantic import ValidationError

from breadth.announce.poster.facts import PosterFacts
from breadth.announce.poster.slot import said

__all__ = ["read_draft"]

_CODE_HOSTS = ("github.com", "gitlab.com", "codeberg.org", "bitbucket.org")


def read_draft(draft: str, facts: PosterFacts) -> dict[str, str]:
    """Return field -> text for facts that are not given but stand in the draft; a draft that says two of a kind says none."""
    things = said(draft)
    found: dict[str, str] = {}
    for kind in ("date", "weekday", "zone", "room", "board"):
        texts = list(dict.fromkeys(s.core if kind in {"room", "board"} else s.text for s in things if s.kind == kind))
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
    return {f: text for f, text in found.items() if getattr(facts, f) is None and _fits(f, text)}


def _fits(field: str, text: str) -> bool:
    try:
        PosterFacts.model_validate({field: text})
    except ValidationError:
        return False
    return True
