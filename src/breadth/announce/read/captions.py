"""Captions: which lines begin one, told from sentences that merely begin with "Figure 2", and how far each goes.

A paper sets all its captions alike, so clear ones ("Figure 3:") decide about unclear ones ("Figure 3 Results").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

from breadth.announce.read.ink import Rule
from breadth.announce.read.lines import HYPHEN, Line
from breadth.announce.source import Box

__all__ = ["Caption", "Kind", "captions_of", "heads_of", "hull", "overlap"]

Kind = Literal["Figure", "Table", "other"]

# Number: 3, A.1, S2, B12, 4.2, II. A lone capital letter is left out: "Table A" is a table, "Figure A typical" is not.
NUMBER = r"(?P<number>(?:[A-Z]{1,2}[.\-]?)?\d{1,3}(?:[.\-–]\d{1,3})?|[IVXL]{1,6})"
LEAD = re.compile(
    r"^(?P<of>(?:Supplementary|Supplemental|Supporting|Extended Data|Appendix|SUPPLEMENTARY|EXTENDED DATA)\s+)?"
    r"(?P<kind>Figure|FIGURE|Fig|FIG|Table|TABLE|Tab|Tbl|Algorithm|ALGORITHM|Listing|Box|Scheme)s?\b\.?\s*"
    + NUMBER
    + r"(?P<more>\s*[\(\[]?\s*(?i:cont(?:inued|inuation|['’]d|d)?\.?(?:\s+from[^)]{0,30})?)\s*[\)\]]?(?=\W|$))?"
    r"(?P<mark>\s*[:|.—–]|\s+-(?=\s)|)(?P<rest>.*)$"
)
MOST = 60  # captions of a page
KINDS: dict[str, Kind] = {"figure": "Figure", "fig": "Figure", "table": "Table", "tab": "Table", "tbl": "Table"}
# what a line ends with when the next one goes on with "Figure 2 ..."
OPEN = re.compile(
    r"(?:\b(?:in|see|of|and|the|from|to|by|with|on|or|also|per|both|our|as|at|than|cf\.|e\.g\.|i\.e\.|eg|refer to|compare)|[,(;–—])$",
    re.I,
)
ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
# a number's tail that makes it a reference: "Figure 2a shows", "Figure 2, we", "Figure 2(b) and", "Figures 2 and 3"
REFERS = re.compile(
    r"^(?:\s*,|\s*\(?[a-h]\)?[\s,]|\s+(?:and|or|to|in|of|is|are|was|we|also|for|from|with|on|as|that|which|has|have|can)\b|['’]s\b|\))"
)

TELLS = re.compile(
    r"\s+(?:shows?|presents?|illustrates?|depicts?|summari[sz]es?|reports?|compares?|gives?|lists?|plots?|displays?)\b"
)
LISTED = re.compile(r"(?:\.\s?){5,}\s*\d*\s*$")  # dots up to a page's number


@dataclass(frozen=True)
class Caption:
    """A caption. label: "Figure 2", "Table II", "Figure A.1"; text: whole, healed, without the label; bbox: of all its lines.

    sure: whether its look alone tells that it is one; continued: a part of an earlier item ("Table 3 (continued)");
    lines: the indices of its lines on the page; style: what the paper's captions have in common.
    """

    kind: Kind
    label: str
    text: str
    bbox: Box
    lines: tuple[int, ...]
    sure: bool
    continued: bool
    style: tuple[str, bool, float]


def overlap(a0: float, a1: float, b0: float, b1: float) -> float:
    """Return how far two stretches cover one another; negative for the gap between them."""
    return min(a1, b1) - max(a0, b0)


def hull(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around boxes (at least one)."""
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def heads_of(lines: Sequence[Line], body_font: str) -> list[Caption]:
    """Return what may be captions on a page, each with its first line only."""
    found: list[Caption] = []
    for index, line in enumerate(lines):
        text, used = line.text, [index]
        if len(text) < 14:  # a label alone: its title may stand behind a wide blank
            beside = right_of(lines, index)
            if beside is not None and not LEAD.match(lines[beside].text):
                text, used = f"{text} {lines[beside].text}", [index, beside]
        match = LEAD.match(text)
        if match is None:
            continue
        head = judged(match, lines, index, body_font)
        if head is not None:
            if len(found) == MOST:
                break
            found.append(replace(head, bbox=hull([lines[i].bbox for i in used]), lines=tuple(used)))
    return found


def right_of(lines: Sequence[Line], index: int) -> int | None:
    """Return the piece of text on the same baseline that follows after a blank of less than three letters' height."""
    line = lines[index]
    best: tuple[float, int] | None = None
    for j, other in enumerate(lines):
        gap = other.bbox[0] - line.bbox[2]
        if (
            j != index
            and abs(other.base - line.base) < 0.3 * line.size
            and 0 <= gap < 3 * line.size
            and abs(other.size - line.size) < 1.5
        ):
            best = min(best, (gap, j)) if best else (gap, j)
    return best[1] if best else None


def judged(match: re.Match[str], lines: Sequence[Line], index: int, body_font: str) -> Caption | None:
    """Return a candidate with its label and how sure it is; None where it reads as a sentence or reference."""
    line = lines[index]
    kind = KINDS.get(match["kind"].lower(), "other")
    mark, rest = match["mark"].strip(), match["rest"]
    word = "" if kind == "other" else f"{(match['of'] or '').strip().title()} {kind} "
    label = (word or f"{match['kind'].title()} ").lstrip() + match["number"]
    own_look = bool(line.words) and line.words[0].font != body_font
    alone = not rest.strip() and mark in ("", ".", ":")
    if goes_on(match, lines, index, own_look) or (not alone and reads_on(match, own_look)):
        return None
    sure = mark in (":", "|", "—", "–", "-") or (mark == "." and (own_look or not rest or rest[:1] == " ")) or (own_look and alone)
    style = ("alone" if alone else mark, own_look, round(line.size, 1))
    return Caption(kind, label, rest.strip(), line.bbox, (index,), sure, match["more"] is not None, style)


def goes_on(match: re.Match[str], lines: Sequence[Line], index: int, own_look: bool) -> bool:
    """Return whether a line continues the sentence of the line above it, at a text's distance and in its font."""
    line, before = lines[index], above(lines, index)
    if (
        before is None
        or line.base - before.base > 1.45 * line.size
        or abs(before.size - line.size) > 0.6
        or before.font != line.font
    ):
        return False
    return OPEN.search(before.text) is not None or (match["mark"].strip() != ":" and not own_look and not ENDED.search(before.text))


def reads_on(match: re.Match[str], own_look: bool) -> bool:
    """Return whether what follows the label makes it a reference in a sentence, or an entry of a list of figures."""
    mark, rest = match["mark"].strip(), match["rest"]
    if LISTED.search(rest) or (mark == "." and (rest[:1].isdigit() or rest[:1].islower()) and not own_look):
        return True
    if mark or match["more"] is not None:
        return False
    return REFERS.match(rest) is not None or TELLS.match(rest) is not None or not (own_look or rest.strip()[:1].isupper())


def above(lines: Sequence[Line], index: int) -> Line | None:
    """Return the line right above one, within two lines' height and mostly over it."""
    line = lines[index]
    best: Line | None = None
    for other in lines:
        step = line.base - other.base
        if 0.5 * line.size < step < 2 * line.size and other.angle == line.angle:
            shared = overlap(*line.bbox[::2], *other.bbox[::2])
            near = shared > 0.3 * min(line.bbox[2] - line.bbox[0], other.bbox[2] - other.bbox[0])
            if near and (best is None or other.base > best.base):
                best = other
    return best


def captions_of(heads: Sequence[Sequence[Caption]]) -> list[list[Caption]]:
    """Return, page by page, the candidates that are captions: the sure ones, and others that look as most of them do.

    Where a label comes twice, the one that looks as most do is kept, or both where both do (a supplement counts from 1 again).
    """
    styles: dict[Kind, Counter[tuple[str, bool, float]]] = {"Figure": Counter(), "Table": Counter(), "other": Counter()}
    for page in heads:
        for head in page:
            styles[head.kind][head.style] += 2 if head.sure else 1
    both = styles["Figure"] + styles["Table"]
    usual = {kind: max(count, key=lambda s: (count[s], both[s])) for kind, count in styles.items() if count}
    certain = {head.label for page in heads for head in page if head.sure}
    seen: dict[str, Caption] = {}
    for page in heads:
        for head in page:
            like = alike(head.style, usual[head.kind])
            if head.sure or (like and head.label not in certain):
                old = seen.get(head.label)
                if old is None or (like and not alike(old.style, usual[head.kind])):
                    seen[head.label] = head
    kept: list[list[Caption]] = []
    for page in heads:
        kept.append([])
        for head in page:
            like = alike(head.style, usual[head.kind])
            first = seen.get(head.label) is head
            if head.label not in seen and head.style[0] == "alone":
                first, seen[head.label] = True, head  # "Figure 6" by itself, and no other caption of that label
            if first or (head.sure and like):
                kept[-1].append(replace(head, sure=head.sure and like))
    return kept


def alike(a: tuple[str, bool, float], b: tuple[str, bool, float]) -> bool:
    return a[0] == b[0] and a[1] == b[1] and abs(a[2] - b[2]) < 1.1


def grown(caption: Caption, lines: Sequence[Line], rules: Sequence[Rule], taken: set[int]) -> Caption:
    """Return a caption with the lines that go on under its first: same size, same step, no rule or blank between.

    taken: lines that begin other captions.
    """
    order = sorted(range(len(lines)), key=lambda i: (lines[i].base, lines[i].bbox[0]))
    head = lines[caption.lines[0]]
    used = list(caption.lines)
    used += stretched(lines, used, taken)
    box, base, step, last = hull([lines[i].bbox for i in used]), head.base, 0.0, lines[used[-1]]
    for i in order:
        line = lines[i]
        if i in used or line.base <= base + 0.3 * line.size or line.angle != head.angle:
            continue
        if line.base - base > 2.2 * head.size:
            break
        shared = overlap(*line.bbox[::2], box[0], box[2])
        if shared < 0.5 * min(line.bbox[2] - line.bbox[0], box[2] - box[0]):
            continue
        pitch = line.base - base
        if (
            i in taken
            or abs(line.size - head.size) > 0.12 * head.size + 0.25
            or pitch > (1.12 * step + 0.5 if step else 1.62 * head.size)
        ):
            break
        if any(
            base - 0.2 * head.size < r.at < line.base - 0.5 * line.size and overlap(r.start, r.end, box[0], box[2]) > 20
            for r in rules
        ):
            break
        pieces = [j for j in beside(lines, i, box) if j not in taken]
        if pieces and not fills_line(lines, [i, *pieces], box):
            break  # two pieces on one baseline: a table's row
        if step and last.bbox[2] < box[2] - 0.35 * (box[2] - box[0]) and last.font != line.font and ENDED.search(last.text):
            break  # the caption's last line was short, and another font goes on
        used += sorted([i, *pieces], key=lambda j: lines[j].bbox[0])
        step = pitch if not step else max(step, pitch)
        base, last = line.base, lines[used[-1]]
        box = hull([box, *(lines[j].bbox for j in used)])
    texts = [caption.text] + [lines[i].text for i in used if i not in caption.lines]
    return replace(caption, text=joined(texts), bbox=box, lines=tuple(used))


def stretched(lines: Sequence[Line], used: Sequence[int], taken: set[int]) -> list[int]:
    """Return the pieces to the right that a caption's first line is torn into by wide blanks: the line under it goes on unbroken there."""
    found: list[int] = []
    last = lines[used[-1]]
    while True:
        near = [
            j
            for j, other in enumerate(lines)
            if abs(other.base - last.base) < 0.2 * last.size
            and 0 < other.bbox[0] - last.bbox[2] < 2.6 * last.size
            and abs(other.size - last.size) < 0.3
            and other.angle == last.angle
            and j not in taken
        ]
        if not near or not any(spans(line, last, lines[near[0]]) for line in lines):
            return found
        found.append(near[0])
        last = lines[near[0]]


def spans(line: Line, left: Line, right: Line) -> bool:
    """Return whether a line stands right under the blank between two pieces and covers it."""
    under = (
        0.8 * left.size < line.base - left.base < 1.6 * left.size and abs(line.size - left.size) < 0.3 and line.angle == left.angle
    )
    return under and line.bbox[0] < left.bbox[2] - left.size and line.bbox[2] > right.bbox[0] + right.size


def beside(lines: Sequence[Line], index: int, box: Box) -> list[int]:
    """Return the other pieces on a line's baseline that stand under or over a box."""
    line = lines[index]
    return [
        j
        for j, other in enumerate(lines)
        if j != index
        and abs(other.base - line.base) < 0.3 * line.size
        and overlap(*other.bbox[::2], box[0] - 5, box[2] + 5) > 0.5 * (other.bbox[2] - other.bbox[0])
        and other.angle == line.angle
    ]


def fills_line(lines: Sequence[Line], indices: Sequence[int], box: Box) -> bool:
    """Return whether pieces make one line of text that is stretched to a box's width rather than a table's row."""
    order = sorted((lines[i] for i in indices), key=lambda x: x.bbox[0])
    gaps = [b.bbox[0] - a.bbox[2] for a, b in pairwise(order)]
    return (
        len(order) <= 4
        and max(gaps) < 2.6 * order[0].size
        and abs(order[0].bbox[0] - box[0]) < 0.2 * (box[2] - box[0])
        and abs(order[-1].bbox[2] - box[2]) < 4
        and sum(len(x.text) for x in order) > 20
    )


def joined(texts: Sequence[str]) -> str:
    """Return lines as one text, words broken at a line's end joined."""
    whole = ""
    for text in texts:
        broken = whole.endswith(HYPHEN)
        glue = ("" if text[:1].islower() else "-") if broken else " "
        whole = f"{whole.removesuffix(HYPHEN)}{glue}{text}".strip()
    return whole.replace(HYPHEN, "")
