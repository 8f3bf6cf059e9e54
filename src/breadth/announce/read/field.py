"""A page ready for the search of figures: what no figure may hold is walled off, the rest of its ink is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from breadth.announce.read.captions import Caption, overlap
from breadth.announce.read.ink import Ink, Rule
from breadth.announce.read.parts import Parts
from breadth.announce.source import Box

__all__ = ["Field", "area", "field_of", "shared"]


@dataclass(frozen=True)
class Field:
    """A page for the search. clean: its ink without text, captions and blocks.

    walls: text, rules and algorithms, which no item may hold or go past; captions, blocks (places of other items) part items also sideways.
    """

    parts: Parts
    clean: Ink
    walls: tuple[Box, ...]
    captions: tuple[Box, ...]
    blocks: tuple[Box, ...]


def area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def shared(a: Box, b: Box) -> float:
    """Return the area that two boxes share."""
    return max(0.0, overlap(a[0], a[2], b[0], b[2])) * max(0.0, overlap(a[1], a[3], b[1], b[3]))


def field_of(parts: Parts, more: Sequence[Box] = ()) -> Field:
    """Return a page with its text, captions, algorithms and ``more`` boxes walled off."""
    walls = [parts.lines[i].bbox for i in sorted(parts.text)]
    walls += [listing(parts, c) for c in parts.captions if c.kind == "other"]
    walls += [(r.start - 1, r.at - 2, r.end + 1, r.at + 2) for r in parts.rules if edging(parts, r) or noting(parts, r)]
    heads = [r.at for r in parts.rules if under_head(parts, r)]
    walls += [line.bbox for line in parts.lines if any(line.bbox[3] < at + 1 for at in heads)]
    lines = [parts.lines[i].bbox for c in parts.captions for i in c.lines]
    captions = tuple(c.bbox for c in parts.captions if c.kind != "other")
    return Field(parts, parts.ink.without([*walls, *lines, *more]), tuple(walls), captions, tuple(more))


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
    return under_head(parts, rule)


def under_head(parts: Parts, rule: Rule) -> bool:
    """Return whether a rule as wide as the text stands under the first line of a page and nothing else over it: a head of one page."""
    if (
        rule.at > 0.12 * parts.height
        or rule.length < 0.9 * (parts.columns[-1][1] - parts.columns[0][0])
        or rule.at > parts.rules[0].at + 3
    ):
        return False
    over = [line for line in parts.lines if line.bbox[3] < rule.at + 1]
    return (
        0 < len(over) <= 3
        and max(line.base for line in over) - min(line.base for line in over) < 2
        and rule.at - max(line.bbox[3] for line in over) < 13
        and not any(c.bbox[3] < rule.at for c in parts.captions)
    )


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
