"""What each line of a page is for the search of figures: text that no item holds (running text, headings, heads, footnotes), or free."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from breadth.announce.read.captions import Caption, overlap
from breadth.announce.read.ink import Ink, Rule
from breadth.announce.read.lines import Line
from breadth.announce.read.looks import NEAR, Look, fills, heading, justified, opens, page_columns, plain, text_width, wrapped
from breadth.announce.source import Box

__all__ = ["Parts", "parts_of", "rules_beside_text"]

PART = re.compile(r"^\(?[a-zA-Z]\)")


@dataclass(frozen=True)
class Parts:
    """A page, or a page turned so that its turned captions are upright. angle: by how much its text was turned.

    text: indices of lines that no figure or table holds (running text, headings, heads, footnotes); frames: drawn boxes;
    drawn: the ink that is no text.
    """

    number: int
    angle: int
    width: float
    height: float
    lines: tuple[Line, ...]
    ink: Ink
    drawn: Ink
    rules: tuple[Rule, ...]
    frames: tuple[Box, ...]
    columns: tuple[tuple[float, float], ...]
    running: frozenset[int]
    captions: tuple[Caption, ...]
    look: Look
    text: frozenset[int] = frozenset()

    @property
    def spans(self) -> list[tuple[float, float]]:
        """The columns, and the whole width where there are several."""
        return [*self.columns, (self.columns[0][0], self.columns[-1][1])] if len(self.columns) > 1 else list(self.columns)


def parts_of(
    number: int,
    angle: int,
    size: tuple[float, float],
    lines: Sequence[Line],
    ink: Ink,
    rules: Sequence[Rule],
    look: Look,
    running: set[int],
    captions: Sequence[Caption],
) -> Parts:
    """Return a page with its frames and columns found and its lines told apart."""
    drawn = ink.without([line.bbox for line in lines], 0.8)
    frames = tuple(frames_of(rules, ink.posts(), size))
    columns = page_columns(lines, look, number, size[0]) if angle == 0 else (text_width(lines, size[0]),)
    parts = Parts(
        number, angle, *size, tuple(lines), ink, drawn, tuple(rules), frames, columns, frozenset(running), tuple(captions), look
    )
    return replace(parts, text=running_text(parts))


def rules_beside_text(ink: Ink, lines: Sequence[Line]) -> list[Rule]:
    """Return the horizontal rules of a page, top to bottom: those made one that a file draws cell by cell, and none made of letters."""
    out: list[Rule] = []
    for rule in sorted(ink.rules(), key=lambda r: (round(r.at), r.start)):
        last = out[-1] if out else None
        if last is not None and abs(last.at - rule.at) < 0.9 and -2 < rule.start - last.end < 2.5:
            out[-1] = Rule(last.start, max(last.end, rule.end), last.at)
        else:
            out.append(rule)
    boxes = [line.bbox for line in lines]

    def of_letters(rule: Rule) -> bool:
        return rule.length < 45 and any(
            b[1] < rule.at < b[3] and overlap(rule.start, rule.end, b[0], b[2]) > 0.8 * rule.length for b in boxes
        )

    return sorted((r for r in out if not of_letters(r)), key=lambda r: r.at)


def frames_of(rules: Sequence[Rule], posts: Sequence[Rule], size: tuple[float, float]) -> list[Box]:
    """Return the boxes that two rules and two posts close; round corners count, the page's own frame does not."""
    found: list[Box] = []
    slack = 9.0
    for i, top in enumerate(rules[:300]):
        for bottom in rules[i + 1 : 300]:
            if bottom.at - top.at < 8 or abs(top.start - bottom.start) > 4 or abs(top.end - bottom.end) > 4:
                continue
            if top.length * (bottom.at - top.at) > 0.6 * size[0] * size[1]:
                continue
            sides = [
                any(abs(p.at - x) < slack and p.start < top.at + slack and p.end > bottom.at - slack for p in posts)
                for x in (top.start, top.end)
            ]
            if all(sides):
                found.append((top.start, top.at, top.end, bottom.at))
                break
    return found


def running_text(parts: Parts) -> frozenset[int]:
    """Return the indices of the lines that no figure or table holds."""
    captioned = {i for c in parts.captions for i in c.lines}
    kept = guarded(parts, captioned)
    text = set(parts.running)
    for block in blocks(parts, text | captioned | kept):
        text.update(i for i, is_text in zip(block, told(parts, block), strict=True) if is_text)
    text |= footnotes(parts, kept | captioned)
    return frozenset(text - captioned)


def blocks(parts: Parts, without: set[int]) -> list[list[int]]:
    """Return the lines in stacks: each line with the next one under it at a text's distance and of its size."""
    lines = parts.lines
    order = sorted((i for i in range(len(lines)) if i not in without and not lines[i].angle), key=lambda i: lines[i].base)
    after: dict[int, int] = {}
    taken: set[int] = set()
    for place, i in enumerate(order):
        line = lines[i]
        for j in order[place + 1 : place + 120]:
            other = lines[j]
            step = other.base - line.base
            if step > 1.75 * line.size:
                break
            if step < 0.6 * line.size or j in taken or abs(other.size - line.size) > 0.7:
                continue
            width = min(line.bbox[2] - line.bbox[0], other.bbox[2] - other.bbox[0])
            if overlap(*line.bbox[::2], *other.bbox[::2]) > 0.5 * width:
                after[i] = j
                taken.add(j)
                break
    stacks = []
    for i in order:
        if i not in taken:
            stack = [i]
            while stack[-1] in after:
                stack.append(after[stack[-1]])
            stacks.append(stack)
    return stacks


def told(parts: Parts, block: Sequence[int]) -> list[bool]:
    """Return, for each line of a stack, whether it is running text or a heading."""
    lines = [parts.lines[i] for i in block]
    full = [any(fills(line, span) for span in parts.spans) for line in lines]
    as_text = [plain(line, parts.look) for line in lines]
    if sum(full) >= 2 and sum(full) >= 0.35 * len(lines):
        return [True] * len(lines)
    if wrapped(lines, as_text, parts.spans) or justified(lines, parts.look):
        return [True] * len(lines)
    begun = [p and opens(line, parts.columns) and not in_row(parts, line) for line, p in zip(lines, as_text, strict=True)]
    if len(lines) > 1 and sum(begun) >= 0.6 * len(lines):
        return [True] * len(lines)
    found: list[bool] = []
    for line, f, p, b in zip(lines, full, as_text, begun, strict=True):
        ends = (
            p and bool(found) and found[-1] and any(abs(line.bbox[0] - c[0]) <= NEAR for c in parts.columns)
        )  # a last, short line
        found.append((f and p) or heading(line, parts.columns, parts.look) or b or ends)
    return found


def in_row(parts: Parts, line: Line) -> bool:
    """Return whether another piece of the same look stands on a line's baseline in its column: they are cells of a row."""
    column = next((c for c in parts.columns if overlap(*line.bbox[::2], *c) > 0), None)
    return column is not None and any(
        abs(other.base - line.base) < 0.3 * line.size
        and other is not line
        and other.font == line.font
        and abs(other.size - line.size) < 0.3
        and overlap(*other.bbox[::2], *column) > 0
        and not other.angle
        for other in parts.lines
    )


def guarded(parts: Parts, captioned: set[int]) -> set[int]:
    """Return the indices of lines that stand in a frame, on a tint, between a table's rules, or under a panel as its title "(a) ..."."""
    kept: set[int] = set()
    boxes = [*parts.frames, *ruled_pairs(parts)]
    for i, line in enumerate(parts.lines):
        x0, y0, x1, y1 = line.bbox
        held = any(f[0] - 2 <= x0 and x1 <= f[2] + 2 and f[1] - 2 <= y0 and y1 <= f[3] + 2 for f in boxes)
        if held or parts.ink.amount((x0 - 2, y0 - 1, x1 + 2, y1 + 1)) > 0.97:
            kept.add(i)
    for block in blocks(parts, kept | captioned):
        if PART.match(parts.lines[block[0]].text) and under_drawing(parts, block[0]):
            kept.update(block)
    return kept


def under_drawing(parts: Parts, index: int) -> bool:
    """Return whether something drawn, and no running text, stands right above a line."""
    x0, y0, x1, _ = parts.lines[index].bbox
    if parts.drawn.amount((x0, y0 - 45, x1, y0 - 2)) < 0.01:
        return False
    return not any(
        plain(o, parts.look) and len(o.words) > 4 and 0 < y0 - o.bbox[1] < 22 and overlap(x0, x1, *o.bbox[::2]) > 0
        for o in parts.lines
    )


def ruled_pairs(parts: Parts) -> list[Box]:
    """Return the stretches between two neighbouring rules with the same ends that hold a table's rows.

    Text that fills a column with rules over and under it is running text between two tables, unless those two rules are all there is
    and a caption stands at one of them (a table of one cell).
    """
    first = min((line.bbox[1] for i, line in enumerate(parts.lines) if i not in parts.running), default=0.0)
    groups: list[list[Rule]] = []
    for rule in parts.rules:
        if rule.length < 50 or rule.at < first - 14:
            continue
        for group in groups:
            if abs(group[-1].start - rule.start) < 4 and abs(group[-1].end - rule.end) < 4:
                group.append(rule)
                break
        else:
            groups.append([rule])
    pairs: list[Box] = []
    for group in groups:
        for k in range(len(group) - 1):
            box = (group[k].start, group[k].at, group[k].end, group[k + 1].at)
            if any(
                overlap(c.bbox[1], c.bbox[3], box[1], box[3]) > 2 and overlap(c.bbox[0], c.bbox[2], box[0], box[2]) > 0
                for c in parts.captions
            ):
                continue
            if not filled(parts, box) or (lone(parts, group, k) and captioned_at(parts, box)):
                pairs.append(box)
    return pairs


def filled(parts: Parts, box: Box) -> bool:
    """Return whether a box holds at least two lines of running text that fill a column, or lines that reach out of it."""
    inside = [
        line
        for line in parts.lines
        if box[1] < (line.bbox[1] + line.bbox[3]) / 2 < box[3] and overlap(*line.bbox[::2], box[0], box[2]) > 0
    ]
    out = sum(line.bbox[0] < box[0] - 4 or line.bbox[2] > box[2] + 4 for line in inside)
    return out >= 2 or sum(plain(line, parts.look) and any(fills(line, c) for c in parts.spans) for line in inside) >= 2


def lone(parts: Parts, group: Sequence[Rule], k: int) -> bool:
    """Return whether a pair of rules has no further rule of its group on its own side of the captions."""

    def apart(a: Rule, b: Rule) -> bool:
        return any(a.at < c.bbox[1] < b.at for c in parts.captions)

    return (k == 0 or apart(group[k - 1], group[k])) and (k + 2 == len(group) or apart(group[k + 1], group[k + 2]))


def captioned_at(parts: Parts, box: Box) -> bool:
    return any(
        min(abs(c.bbox[3] - box[1]), abs(c.bbox[1] - box[3])) < 26 and overlap(c.bbox[0], c.bbox[2], box[0], box[2]) > 0
        for c in parts.captions
    )


def footnotes(parts: Parts, without: set[int]) -> set[int]:
    """Return the indices of small lines under a short rule at a column's left edge that reach to the column's foot."""
    found: set[int] = set()
    for rule in parts.rules:
        for column in parts.columns:
            wide = column[1] - column[0]
            if abs(rule.start - column[0]) > NEAR or not 0.15 * wide < rule.length < 0.6 * wide or rule.at < 0.4 * parts.height:
                continue
            under = [
                i
                for i, line in enumerate(parts.lines)
                if line.bbox[1] > rule.at - 2 and overlap(*line.bbox[::2], *column) > 0 and i not in parts.running
            ]
            small = all(i not in without and parts.lines[i].size < parts.look.size - 0.3 for i in under)
            if under and small and min(parts.lines[i].bbox[1] for i in under) - rule.at < 14:
                found.update(under)
    return found
