"""From a caption to the free place beside it: up, down or sideways to the next text, then tight around what is printed there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from breadth.announce.read.captions import Caption, overlap
from breadth.announce.read.ink import Ink, Rule
from breadth.announce.read.looks import plain
from breadth.announce.read.parts import Parts
from breadth.announce.source import Box

__all__ = ["Field", "Region", "Side", "area", "field_of", "regions_of", "shared"]

Side = Literal["above", "below", "left", "right"]
BLANK = 2.5  # points: a thinner blank does not part two rows
FAR = 48.0  # points: what stands farther from the rest is something else
TITLE = 9.0  # points: text this near to a drawing is its title
LEAST = 12.0  # points: neither side of an item is shorter


@dataclass(frozen=True)
class Region:
    """Where an item may be. gap: points from the caption; drawn: whether lines or pictures are in it, not text alone.

    ruled: how many wide rules it holds; rows: how many text rows; cells: whether its text stands in several columns;
    closed: whether the caption's other items and text leave this place to it on all sides; cut: whether ink goes on past the edge.
    """

    box: Box
    side: Side
    gap: float
    drawn: bool
    ruled: int
    rows: int
    cells: bool
    cut: bool
    crowded: bool


@dataclass(frozen=True)
class Field:
    """A page for the search. clean: its ink without text and captions; walls: the boxes that no item may hold."""

    parts: Parts
    clean: Ink
    walls: tuple[Box, ...]


def area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def shared(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    return max(0.0, overlap(a[0], a[2], b[0], b[2])) * max(0.0, overlap(a[1], a[3], b[1], b[3]))


def field_of(parts: Parts, more: Sequence[Box] = ()) -> Field:
    """Return a page with its text, captions, algorithms and ``more`` boxes walled off."""
    walls = [parts.lines[i].bbox for i in sorted(parts.text)]
    walls += [parts.lines[i].bbox for c in parts.captions for i in c.lines]
    walls += [listing(parts, c) for c in parts.captions if c.kind == "other"]
    walls += [(r.start - 1, r.at - 2, r.end + 1, r.at + 2) for r in parts.rules if edging(parts, r) or noting(parts, r)]
    walls += list(more)
    return Field(parts, parts.ink.without(walls), tuple(walls))


def edging(parts: Parts, rule: Rule) -> bool:
    """Return whether a rule belongs to the running head or foot: at the page's very edge, or right under the head or over the foot."""
    if rule.length < 0.3 * parts.width:
        return False
    if not 0.06 * parts.height < rule.at < 0.94 * parts.height:
        return True
    for i in parts.running:
        _, top, _, bottom = parts.lines[i].bbox
        if (bottom < 0.12 * parts.height and -1 < rule.at - bottom < 13) or (top > 0.88 * parts.height and -1 < top - rule.at < 13):
            return True
    return False


def noting(parts: Parts, rule: Rule) -> bool:
    """Return whether a rule parts footnotes from the text: short, at a column's left edge, and text that no item holds right under it."""
    at_left = any(abs(rule.start - a) < 4 and 0.15 * (b - a) < rule.length < 0.6 * (b - a) for a, b in parts.columns)
    if not at_left or rule.at < 0.4 * parts.height:
        return False
    under = [parts.lines[i].bbox for i in parts.text if -2 < parts.lines[i].bbox[1] - rule.at < 14]
    return any(overlap(b[0], b[2], rule.start, rule.end) > 0 for b in under)


def listing(parts: Parts, caption: Caption) -> Box:
    """Return the box of an algorithm: from the rule over its caption to the next but one under it; else the caption's."""
    x0, y0, x1, y1 = caption.bbox
    over = [r for r in parts.rules if -2 < y0 - r.at < 9 and overlap(r.start, r.end, x0, x1) > 0.6 * (x1 - x0)]
    if not over:
        return caption.bbox
    like = [r for r in parts.rules if r.at > y1 - 2 and abs(r.start - over[-1].start) < 4 and abs(r.end - over[-1].end) < 4]
    end = like[min(1, len(like) - 1)].at if like else y1
    return over[-1].start, over[-1].at - 1, over[-1].end, end + 1


def regions_of(field: Field, caption: Caption) -> list[Region]:
    """Return the places that a caption may belong to; those beside it only where there is none above or below."""
    left, right = reach(field, caption)
    found = []
    upright: tuple[Literal["above", "below"], ...] = ("above", "below")
    for side in upright:
        region = searched(field, caption, side, (left, right))
        if region is not None:
            found.append(region)
    if not any(good(r, caption) for r in found):
        level: tuple[Literal["left", "right"], ...] = ("left", "right")
        for hand in level:
            region = beside(field, caption, hand)
            if region is not None:
                found.append(region)
    return found


def good(region: Region, caption: Caption) -> bool:
    return region.gap < 40 and (region.drawn or (caption.kind == "Table" and region.rows > 1))


def column_of(parts: Parts, caption: Caption) -> tuple[float, float, float, float]:
    """Return the column that a caption stands in: how far its items may reach to the left and right, and its own edges."""
    x0, _, x1, _ = caption.bbox
    columns = parts.columns
    for k, (a, b) in enumerate(columns):
        if a - 14 <= x0 and x1 <= b + 14:
            left = 0.0 if k == 0 else (columns[k - 1][1] + a) / 2
            right = parts.width if k == len(columns) - 1 else (b + columns[k + 1][0]) / 2
            return left, right, a, b
    return 0.0, parts.width, columns[0][0], columns[-1][1]


def reach(field: Field, caption: Caption) -> tuple[float, float]:
    """Return how far to the left and right the item may go: the column, less the text and captions beside the caption."""
    parts = field.parts
    left, right, _, _ = column_of(parts, caption)
    x0, y0, x1, y1 = caption.bbox
    for i in parts.text - parts.running:
        a, b, c, d = parts.lines[i].bbox
        if overlap(b, d, y0, y1) > 1.5:
            if c <= x0 + 2:
                left = max(left, c + 1)
            elif a >= x1 - 2:
                right = min(right, a - 1)
    # what is printed at the caption's own height belongs to something beside it
    before, behind = field.clean.bands((left, y0, x0 - 2, y1), 2, axis=0), field.clean.bands((x1 + 2, y0, right, y1), 2, axis=0)
    left = max(left, before[-1][1] + 1) if before else left
    right = min(right, behind[0][0] - 1) if behind else right
    for other in parts.captions:
        a, b, c, d = other.bbox
        if other is caption or other.kind == "other" or overlap(b, d, y0, y1) < -60:
            continue
        if overlap(b, d, y0, y1) <= 0 and walled_between(field, caption, other):
            continue
        if c < x0:
            left = max(left, middle(field, c, x0, min(b, y0), max(d, y1)))
        elif a > x1:
            right = min(right, middle(field, x1, a, min(b, y0), max(d, y1)))
    return left, right


def walled_between(field: Field, a: Caption, b: Caption) -> bool:
    """Return whether running text parts two captions of which one stands lower."""
    top, bottom = (a, b) if a.bbox[1] < b.bbox[1] else (b, a)
    x0, x1 = min(a.bbox[0], b.bbox[0]), max(a.bbox[2], b.bbox[2])
    own = {a.bbox, b.bbox}
    return any(
        w not in own and top.bbox[3] <= (w[1] + w[3]) / 2 <= bottom.bbox[1] and overlap(w[0], w[2], x0, x1) > 0.5 * (x1 - x0)
        for w in field.walls
    )


def middle(field: Field, a: float, b: float, top: float, bottom: float) -> float:
    """Return where to part two items whose captions end at a and begin at b: in the widest blank near the middle."""
    slack = 60.0
    centre = (a + b) / 2
    best, found = 0.0, centre
    for y0, y1 in ((top - 70, top - 3), (bottom + 3, bottom + 70)):
        stretches = field.clean.bands((a - slack, y0, b + slack, y1), 2, axis=0)
        for (_, e), (s, _) in pairwise(stretches):
            width = (s - e) - 0.35 * abs((s + e) / 2 - centre)
            if width > best:
                best, found = width, (s + e) / 2
    return found


def searched(field: Field, caption: Caption, side: Literal["above", "below"], span: tuple[float, float]) -> Region | None:
    """Return what stands above or below a caption, up to the next wall; None where nothing does."""
    parts = field.parts
    x0, y0, x1, y1 = caption.bbox
    left, right = span
    limit = 0.0 if side == "above" else parts.height
    for a, b, c, d in field.walls:
        if overlap(a, c, left, right) < min(8.0, c - a) or (a, b, c, d) == caption.bbox:
            continue
        if overlap(a, c, left, right) < 0.25 * (c - a) and overlap(a, c, x0, x1) <= 0:
            continue
        if side == "above" and d <= y0 + 3:
            limit = max(limit, d)
        elif side == "below" and b >= y1 - 3:
            limit = min(limit, b)
    free = (left, limit, right, y0 - 0.5) if side == "above" else (left, y1 + 0.5, right, limit)
    free = within_margins(field, free)
    rows = field.clean.bands(free, BLANK)
    if not rows:
        return None
    if side == "above":
        rows.reverse()
    kept = table_rows(field, free, rows, side) if caption.kind == "Table" else figure_rows(field, free, rows)
    box = (free[0], min(r[0] for r in kept), free[2], max(r[1] for r in kept))
    tight = field.clean.tight(box)
    if tight is None or tight[2] - tight[0] < LEAST or tight[3] - tight[1] < LEAST:
        return None
    gap = y0 - tight[3] if side == "above" else tight[1] - y1
    return described(field, tight, side, gap, free)


def within_margins(field: Field, free: Box) -> Box:
    """Return a place without what stands alone in the page's margins: a stamp, line numbers."""
    parts = field.parts
    a, b = parts.columns[0][0] - 4, parts.columns[-1][1] + 4
    stretches = field.clean.bands(free, 5, axis=0)
    inside = [s for s in stretches if overlap(*s, a, b) > 0]
    if not inside:
        return free
    return max(free[0], inside[0][0] - 1), free[1], min(free[2], inside[-1][1] + 1), free[3]


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
        return near(rows, 16.0)
    last = drawn.index(True)
    for k in range(last + 1, len(rows)):
        distance = space(rows[last], rows[k])
        step = max(space(a, b) for a, b in pairwise(rows[last : k + 1]))
        if drawn[k] and (distance < FAR or step < 16):
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


def table_rows(field: Field, free: Box, rows: Sequence[tuple[float, float]], side: Side) -> list[tuple[float, float]]:
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


def beyond(row: tuple[float, float], rule: Rule, side: Side) -> bool:
    """Return whether a row stands on the far side of a rule."""
    return row[1] < rule.at - 1 if side == "above" else row[0] > rule.at + 1


def beside(field: Field, caption: Caption, side: Literal["left", "right"]) -> Region | None:
    """Return what is drawn to the left or right of a caption, within its column."""
    left, right, _, _ = column_of(field.parts, caption)
    if len(field.parts.columns) > 1:
        left, right = 0.0, field.parts.width
    x0, y0, x1, y1 = caption.bbox
    a, b = (left, x0 - 2) if side == "left" else (x1 + 2, right)
    top, bottom = 0.0, field.parts.height
    for w in field.walls:
        if overlap(w[0], w[2], a, b) > 8:
            if w[3] <= y0 + 3:
                top = max(top, w[3])
            elif w[1] >= y1 - 3:
                bottom = min(bottom, w[1])
            else:
                return None
    free = within_margins(field, (a, top, b, bottom))
    rows = field.clean.bands(free, FAR / 2)
    touching = [r for r in rows if overlap(*r, y0, y1) > 0]
    if not touching:
        return None
    tight = field.clean.tight((free[0], touching[0][0], free[2], touching[-1][1]))
    if tight is None or tight[2] - tight[0] < 2 * LEAST or tight[3] - tight[1] < 2 * LEAST:
        return None
    gap = x0 - tight[2] if side == "left" else tight[0] - x1
    return described(field, tight, side, gap, free)


def described(field: Field, box: Box, side: Side, gap: float, free: Box) -> Region:
    parts = field.parts
    inside = [
        x
        for x in parts.lines
        if box[1] - 1 < (x.bbox[1] + x.bbox[3]) / 2 < box[3] + 1 and overlap(*x.bbox[::2], box[0], box[2]) > 0
    ]
    bases = sorted({round(x.base / 3) for x in inside})
    ruled = sum(
        1
        for r in parts.rules
        if box[1] - 2 <= r.at <= box[3] + 2 and overlap(r.start, r.end, box[0], box[2]) > 0.5 * (box[2] - box[0])
    )
    crowded = sum(plain(x, parts.look) and len(x.words) > 7 and x.bbox[2] - x.bbox[0] > 0.8 * (box[2] - box[0]) for x in inside) > 2
    edge = (
        parts.ink.inside((box[0] - 3, box[1], box[0] - 1, box[3])).any()
        or parts.ink.inside((box[2] + 1, box[1], box[2] + 3, box[3])).any()
    )
    return Region(
        box,
        side,
        gap,
        is_drawn(field, box),
        ruled,
        len(bases),
        len(inside) > 1.5 * len(bases),
        bool(edge) and (box[0] - free[0] < 3 or free[2] - box[2] < 3),
        crowded and not any(f[0] - 3 <= box[0] and box[2] <= f[2] + 3 for f in parts.frames),
    )
