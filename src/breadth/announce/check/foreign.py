"""Whether a thread is about another paper than the one it is held against."""

from __future__ import annotations

from breadth.announce.check.case import Case
from breadth.announce.check.library import Library
from breadth.announce.facts import Facts
from breadth.announce.source import Source
from breadth.announce.thread import Thread

__all__ = ["is_foreign"]

_SAID = 0.5  # of the words of a sentence that the nearest passages must hold, so that it counts as the paper's
_FEWEST = 3  # sentences; fewer tell nothing


def is_foreign(thread: Thread, source: Source, facts: Facts) -> bool:
    """Return whether most sentences of a thread are nowhere in the source: then it may be another paper's."""
    case = Case(thread, source, facts, 1, len(thread.posts), Library(source))
    claims = [claim for view in case.views for claim in view.claims if claim.stems]
    return len(claims) >= _FEWEST and 2 * sum(claim.coverage < _SAID for claim in claims) > len(claims)
