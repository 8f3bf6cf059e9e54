"""R1 and R2: posts do not repeat each other and read as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breadth.announce.check.case import Case
from breadth.announce.check.words import content
from breadth.announce.thread import Problem

__all__ = ["r1_overlap", "r2_plain"]

_OVERLAP = 0.6
_TRACES = (
    (re.compile(r"\$[^$\n]*[\\^_{][^$\n]*\$|\\(?:[a-zA-Z]{2,}|[({\[])"), "LaTeX"),
    (
        re.compile(r"\[\d{1,3}(?:\s?[,–-]\s?\d{1,3})*\]|\((?:[A-Z][^()]{0,60},\s?(?:19|20)\d\d[a-z]?[;)])|\bet al\b"),
        "a citation mark",
    ),
    (re.compile(r"\(\?+(?:[,;]\s?\?+)*\)|\?\?+|\s\?(?=[\s.,;]|$)"), "a citation that the paper leaves open"),
)
_BARE = re.compile(
    r"^(?:as (?:shown|seen) in |see )?(?:figure|fig\.?|table|tab\.?) ?[A-Z]?\d+(?:\s?\([a-z]\))? "
    r"(?:shows?|depicts?|illustrates?|presents?|plots?)\b",
    re.IGNORECASE,
)


def r1_overlap(case: Case) -> Iterator[Problem]:
    """R1: no two posts share more than 0.6 of their words (of the shorter one)."""
    words = [(v.n, content(v.prose)) for v in case.views]
    for k, (n, mine) in enumerate(words):
        for m, theirs in words[k + 1 :]:
            least = min(len(mine), len(theirs))
            if least >= 4 and len(mine & theirs) > _OVERLAP * least:
                yield case.problem("R1", "warning", m, f"says much of what post {n} says: {', '.join(sorted(mine & theirs)[:6])}")


def r2_plain(case: Case) -> Iterator[Problem]:
    """R2: no LaTeX, no citation marks, no bare "Figure 3 shows"."""
    for view in case.views:
        for pattern, what in _TRACES:
            found = pattern.search(view.prose)
            if found:
                yield case.problem("R2", "warning", view.n, f"holds {what}: '{found[0].strip()}'")
        if any(_BARE.match(c.text) for c in view.claims):
            yield case.problem("R2", "warning", view.n, "begins with what a figure shows: say the finding itself")
