"""What only the author can say: the ``[FILL: ...]`` marks of a thread, and how each is filled."""

from __future__ import annotations

import re

from breadth.announce.facts import Facts
from breadth.announce.thread import Thread

__all__ = ["MARK", "fills"]

MARK = re.compile(r"\[FILL: ([^\]\n]*)\]")


def fills(thread: Thread) -> dict[str, str]:
    """Return mark -> what to do about it, in the order of the posts, each once: ``{"[FILL: code url]": "--code-url URL ..."}``."""
    found = {m[0]: m[1] for post in thread.posts for m in MARK.finditer(post.text)}
    return {mark: _advice(what) for mark, what in found.items()}


def _advice(what: str) -> str:
    key = re.sub(r"\W+", "_", what.strip().lower())
    if key == "code_url":
        return "give --code-url URL, or --no-code where there is none"
    if key == "paper_url":
        return "give --paper-url URL"
    if key in Facts.model_fields:
        return f'write {key} = "..." into a facts file and give --facts facts.toml'
    return "write it into thread.md by hand, then run breadth thread check"
