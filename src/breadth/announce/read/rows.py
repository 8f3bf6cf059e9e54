"""Which rows of ink next to a caption are its figure's or table's, and where that ends."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from breadth.announce.read.captions import overlap
from breadth.announce.read.field import Field
from breadth.announce.read.ink import Rule
from breadth.announce.read.looks import plain
from breadth.announce.source import Box

__all__ = ["figure_rows", "is_drawn", "table_rows"]

FAR = 48.0  # points: what stands farther from the rest is something else
CLOSE = 16.0  # points: what stands this near belongs together, even with text set as the paper's is between
TITLE = 9.0  # points: text this near to a drawing is its title


def is_drawn(field: Field, box: Box) -> bool:
    """Return whether a row holds more than text: a long rule, or lines and areas at least 6 points high (a fraction's bar is neither)."""
    found = field.parts.drawn.tight(box)
    if found is None or field.clean.tight(box) is None:
        return False
    if found[3] - found[1] >= 6 and found[2] - found[0] >= 6 and field.parts.drawn.amount(found) > 0.012:
        return True
    return any(
        box[1] - 1 <= r.at <= box[3] + 1 and r.length > 60 and overlap(r.start, r.end, box[0], box[2]) > 40
        for r in field.parts.rules
    )


def figure_rows(field: Field, free: Box, rows: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the rows, nearest first, that are a figure's: all up to the last drawn one, and its titles right beyond."""
    drawn = [is_drawn(field, (free[0], a, free[2], b)) for a, b in rows]
    if not any(drawn):
        return near(rows, CLOSE)
    last = drawn.index(True)
    for k in range(last + 1, len(rows)):
        step = max(space(a, b) for a, b in pairwise(rows[last : k + 1]))
        parted = any(bodylike(field, (free[0], a, free[2], b)) for a, b in rows[last + 1 : k])
        if drawn[k] and (step < CLOSE or (step < FAR and not parted)):
            last = k
    kept = list(rows[: last + 1])
    for row in rows[last + 1 :]:
        if space(kept[-1], row) > TITLE or bodylike(field, (free[0], row[0], free[2], row[1])):
            break
        kept.append(row)
    return kept


def bodylike(field: Field, box: Box) -> bool:
    """Return whether a row's text is set as running text or larger."""
    parts = field.parts
    inside = [
        x
        for x in parts.lines
        if box[1] - 1 < (x.bbox[1] + x.bbox[3]) / 2 < box[3] + 1 and overlap(*x.bbox[::2], box[0], box[2]) > 0
    ]
    return any(plain(x, parts.look) or x.size > parts.look.size + 0.5 for x in inside)


def near(rows: Sequence[tuple[float, float]], most: float) -> list[tuple[float, float]]:
    kept = [rows[0]]
    for row in rows[1:]:
        if space(kept[-1], row) > most:
            break
        kept.append(row)
    return kept


def space(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the blank between two stretches."""
    return -overlap(*a, *b)


def table_rows(
    field: Field, free: Box, rows: Sequence[tuple[float, float]], side: Literal["above", "below"]
) -> list[tuple[float, float]]:
    """Return the rows, nearest first, that are a table's: up to the last rule like its first, and rows that go on at once."""
    content = field.clean.tight(free)
    if content is None:
        return list(rows)
    rules = [
        r
        for r in field.parts.rules
        if content[1] - 1 <= r.at <= content[3] + 1 and overlap(r.start, r.end, free[0], free[2]) > 0.9 * r.length
    ]
    rules.sort(key=lambda r: r.at, reverse=side == "above")
    longest = max((r.length for r in rules), default=0.0)
    wide = [r for r in rules if r.length >= max(0.4 * longest, 36)]
    if not wide:
        drawn = any(is_drawn(field, (free[0], a, free[2], b)) for a, b in rows)
        return figure_rows(field, free, rows) if drawn else near(rows, 18.0)
    first = wide[0]
    seeds = [r for r in wide if abs(r.at - first.at) < 6]
    like = [r for r in wide if any(abs(r.start - s.start) < 6 and abs(r.end - s.end) < 6 for s in seeds)]
    far = like[-1] if len(like) > len(seeds) else [r for r in wide if r.start > first.start - 6 and r.end < first.end + 6][-1]
    kept = [row for row in rows if not beyond(row, far, side)]
    if not kept:
        return list(rows)
    for row in rows[len(kept) :]:
        if space(kept[-1], row) > 6.5 or is_drawn(field, (free[0], row[0], free[2], row[1])):
            break
        kept.append(row)
    return kept


def beyond(row: tuple[float, float], rule: Rule, side: Literal["above", "below"]) -> bool:
    """Return whether a row stands on the far side of a rule."""
    return row[1] < rule.at - 1 if side == "above" else row[0] > rule.at + 1
