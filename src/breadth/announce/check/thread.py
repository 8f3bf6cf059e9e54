"""All checks of a thread, in one order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from breadth.announce.check.bounds import f3_kinds, f4_bounds
from breadth.announce.check.case import Case
from breadth.announce.check.figures import f6_pictures, r3_alt, t6_items
from breadth.announce.check.hedges import f4_hedges
from breadth.announce.check.library import Library
from breadth.announce.check.limits import f7_limitation
from breadth.announce.check.links import k1_links, k2_tags
from breadth.announce.check.names import f5_names
from breadth.announce.check.parts import as_parts, of_whole, whole_text
from breadth.announce.check.reading import r1_overlap, r2_plain
from breadth.announce.check.sides import f3_comparisons
from breadth.announce.check.structure import l1_length, t1_numbering, t2_title, t3_code, t4_limitation, t5_parts, t7_files
from breadth.announce.check.truth import f0_quotes, f1_numbers
from breadth.announce.facts import Facts
from breadth.announce.source import Source
from breadth.announce.thread import Problem, Thread

__all__ = ["CHECKS", "check_thread"]

CHECKS: Final[tuple[Callable[[Case], Iterator[Problem]], ...]] = (
    t1_numbering,
    t2_title,
    t3_code,
    t4_limitation,
    t5_parts,
    t6_items,
    t7_files,
    l1_length,
    f0_quotes,
    f1_numbers,
    f3_comparisons,
    f3_kinds,
    f4_hedges,
    f4_bounds,
    f5_names,
    f6_pictures,
    f7_limitation,
    k1_links,
    k2_tags,
    r1_overlap,
    r2_plain,
    r3_alt,
)


def check_thread(thread: Thread, source: Source, facts: Facts, *, least: int = 8, most: int = 13) -> tuple[Problem, ...]:
    """Return what is wrong with a thread about a source: errors first, each in the order of the posts.

    A post that carries evidence is held against that; for one that carries none (Markdown that a person edited) the passages of the
    source that are nearest to each of its sentences are looked for. least, most: how many posts are wanted. LinkedIn's one text is held
    against the source part by part; it has no number and no least number of parts.
    """
    if thread.platform == "linkedin":
        parts = as_parts(thread, source, facts) if len(thread.posts) == 1 else thread
        case = Case(parts, source, facts, 1, len(parts.posts), _library(source))
        inner = [p for check in CHECKS if check not in (t1_numbering, l1_length) for p in check(case)]
        found = dict.fromkeys([*whole_text(thread), *(of_whole(p, parts) if parts is not thread else p for p in inner)])
    else:
        case = Case(thread, source, facts, least, most, _library(source))
        found = dict.fromkeys(problem for check in CHECKS for problem in check(case))
    return tuple(sorted(found, key=lambda p: (p.level != "error", p.post or 0)))


@lru_cache(maxsize=4)  # a thread that is repaired is checked again against the same source
def _library(source: Source) -> Library:
    return Library(source)
