"""From a caption to the free place beside it: up, down or sideways to the next text, then tight around what is printed there."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from breadth.announce.read.captions import Caption, overlap
from breadth.announce.read.field import Field
from breadth.announce.read.looks import plain
from breadth.announce.read.parts import Parts
from breadth.announce.read.rows import figure_rows, is_drawn, table_rows
from breadth.announce.source import Box

__all__ = ["Region", "Side", "regions_of"]

Side = Literal["above", "below", "left", "right"]
BLANK = 2.5  # points: a thinner blank does not part two rows
LEAST = 12.0  # points: neither side of an item is shorter


@dataclass(frozen=True)
class Region:
    """Where an item may be. gap: points from the caption; drawn: whether lines or pictures are in it, not text alone.

    ruled: how many wide rules it holds; rows: how many text rows; cells: whether its text stands in several columns;
    cut: whether ink goes on past its left or right edge; crowded: whether it holds lines of running text.
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


def regions_of(field: Field, caption: Caption) -> list[Region]:
    """Return the places that a caption may belong to; those beside it only where there is none above or below."""
    left, right = reach(field, caption)
    found = []
    upright: tuple[Literal["above", "below"], ...] = ("above", "below")
    for side in upright:
        region = searched(field, caption, side, (left, right))
        if region is not None:
            found.append(widened(field, caption, side, region) if region.cut else region)
    if not any(good(r, caption) for r in found):
        level: tuple[Literal["left", "right"], ...] = ("left", "right")
        for hand in level:
            region = beside(field, caption, hand)
            if region is not None:
                found.append(region)
    return found


def widened(field: Field, caption: Caption, side: Literal["above", "below"], region: Region) -> Region:
    """Return the place over all columns where one column cuts what a short caption at its left stands by; else the place as it was."""
    wide = searched(field, caption, side, (0.0, field.parts.width))
    if wide is None or wide.cut or wide.gap > region.gap + 5:
        return region
    return wide if wide.box[3] - wide.box[1] > 0.8 * (region.box[3] - region.box[1]) else region


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
    left = max([left, *(end + 1 for _, end in abreast(field, caption, left, x0 - 2))])
    right = min([right, *(start - 1 for start, _ in abreast(field, caption, x1 + 2, right))])
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


def abreast(field: Field, caption: Caption, left: float, right: float) -> list[tuple[float, float]]:
    """Return from where to where things stand between left and right that are printed at the caption's own height, too: they are no part
    of what stands above or below it."""
    _, y0, _, y1 = caption.bbox
    level = field.clean.bands((left, y0, right, y1), 2, axis=0)
    if not level:
        return []
    top, bottom = walls_around(field, caption, left, right)
    return [s for s in field.clean.bands((left, top, right, bottom), 2, axis=0) if any(overlap(*s, *x) > 0 for x in level)]


def walls_around(field: Field, caption: Caption, left: float, right: float) -> tuple[float, float]:
    """Return the nearest walls above and below a caption between left and right."""
    top, bottom = 0.0, field.parts.height
    for a, b, c, d in (*field.walls, *field.captions, *field.blocks):
        if overlap(a, c, left, right) > 8:
            if d <= caption.bbox[1] + 3:
                top = max(top, d)
            elif b >= caption.bbox[3] - 3:
                bottom = min(bottom, b)
    return top, bottom


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
    for y0, y1 in ((top - 70, top - 3), (top, bottom), (bottom + 3, bottom + 70)):
        stretches = field.clean.bands((a - slack, y0, b + slack, y1), 2, axis=0)
        for (_, e), (s, _) in pairwise(stretches):
            width = (s - e) - 0.35 * abs((s + e) / 2 - centre)
            if width > best:
                best, found = width, (s + e) / 2
    return found


def place(field: Field, caption: Caption, side: Literal["above", "below"], span: tuple[float, float]) -> Box:
    """Return the free place above or below a caption: up to the next wall, and to the captions and items that stand beside it there."""
    x0, y0, x1, y1 = caption.bbox
    left, right = span
    limit = 0.0 if side == "above" else field.parts.height
    apart: list[Box] = []
    for box in (*field.walls, *field.captions, *field.blocks):
        a, b, c, d = box
        if overlap(a, c, left, right) < min(8.0, c - a) or box == caption.bbox:
            continue
        over = overlap(a, c, x0, x1) > 0
        if not over and (box in field.captions or box in field.blocks):
            apart.append(box)
        elif over or overlap(a, c, left, right) >= 0.25 * (c - a):
            if side == "above" and d <= y0 + 3:
                limit = max(limit, d)
            elif side == "below" and b >= y1 - 3:
                limit = min(limit, b)
    low, high = (limit, y0) if side == "above" else (y1, limit)
    for box in apart:
        if overlap(box[1], box[3], low, high) <= 0:
            continue
        exact = box in field.blocks
        if box[0] >= x1:
            right = min(right, box[0] - 1 if exact else middle(field, x1, box[0], low, high))
        else:
            left = max(left, box[2] + 1 if exact else middle(field, box[2], x0, low, high))
    return (left, limit, right, y0 - 0.5) if side == "above" else (left, y1 + 0.5, right, limit)


def searched(field: Field, caption: Caption, side: Literal["above", "below"], span: tuple[float, float]) -> Region | None:
    """Return what stands above or below a caption, up to the next wall; None where nothing does."""
    _, y0, _, y1 = caption.bbox
    free = within_margins(field, place(field, caption, side, span))
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


def beside(field: Field, caption: Caption, side: Literal["left", "right"]) -> Region | None:
    """Return what is drawn to the left or right of a caption, within its column."""
    left, right, _, _ = column_of(field.parts, caption)
    if len(field.parts.columns) > 1:
        left, right = 0.0, field.parts.width
    x0, y0, x1, y1 = caption.bbox
    a, b = (left, x0 - 2) if side == "left" else (x1 + 2, right)
    if any(overlap(w[0], w[2], a, b) > 8 and overlap(w[1], w[3], y0 + 3, y1 - 3) > 0 for w in (*field.walls, *field.captions)):
        return None
    top, bottom = walls_around(field, caption, a, b)
    free = within_margins(field, (a, top, b, bottom))
    rows = field.clean.bands(free, 24)
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
