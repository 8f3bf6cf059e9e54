"""How a paper is set: font and columns of its running text, what stands alike on many pages, and what looks like text, a heading, a list."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from breadth.announce.read.captions import overlap
from breadth.announce.read.lines import Line

__all__ = [
    "Look",
    "fills",
    "heading",
    "justified",
    "look_of",
    "opens",
    "page_columns",
    "plain",
    "running_lines",
    "text_width",
    "wrapped",
]

Span = tuple[float, float]
NEAR = 3.5  # points: two edges are the same
SMALLEST = 5.0  # points: the size of a running head; what is smaller labels an axis
OUTERMOST = 16.0  # points from a page's first or last baseline: two lines of a running head
INDENT = 46.0  # points: the deepest indent of a list
HEADING = re.compile(
    r"^(?:(?:\d{1,2}|[A-Z]|[IVX]{1,5})(?:\.\d{1,2}){0,3}\.?\s+\S|(?:Appendix|APPENDIX|References|REFERENCES|Abstract|ABSTRACT)\b)"
)
BULLET = re.compile(r"^(?:[•◦▪–∙*·‣●■-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])\s")
LETTERS = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class Look:
    """How a paper is set. font, size: of most of its text; fonts: all that running text uses.

    columns: for odd and for even pages, each (left, right) that running text fills, most used first; the page's width and its halves may
    both be there.
    """

    font: str
    size: float
    fonts: frozenset[str]
    columns: tuple[tuple[Span, ...], tuple[Span, ...]] = ((), ())


def plain(line: Line, look: Look) -> bool:
    """Return whether a line is set as running text is."""
    return abs(line.size - look.size) < 0.45 and line.font in look.fonts


def wordy(line: Line) -> bool:
    """Return whether a line is made of words rather than numbers and signs."""
    words = line.text.split()
    return len(words) >= 3 and sum(bool(LETTERS.search(w)) for w in words) >= 0.55 * len(words)


def look_of(pages: Sequence[Sequence[Line]]) -> Look:
    """Return how a paper is set, by the letters of all its upright lines."""
    count: Counter[tuple[str, float]] = Counter()
    for page in pages:
        for line in page:
            if not line.angle and wordy(line):
                count[line.font, round(line.size * 2) / 2] += len(line.text)
    if not count:
        return Look("", 10.0, frozenset())
    (font, size), _ = count.most_common(1)[0]
    same = Counter[str]()
    for (name, points), letters in count.items():
        if abs(points - size) < 0.75:
            same[name] += letters
    look = Look(font, size, frozenset(name for name, letters in same.items() if letters >= 0.01 * same.total()))
    odd = columns_of([line for page in pages[0::2] for line in page], look)
    even = columns_of([line for page in pages[1::2] for line in page], look)
    return replace(look, columns=(odd or even, even or odd))


def columns_of(lines: Sequence[Line], look: Look) -> tuple[Span, ...]:
    """Return the (left, right) between which running text stands, most used first."""
    spans: Counter[tuple[int, int]] = Counter()
    for line in lines:
        if not line.angle and plain(line, look) and len(line.words) >= 4:
            spans[round(line.bbox[0] / 2), round(line.bbox[2] / 2)] += 1
    total, counts = sum(spans.values()), dict[Span, int]()
    for (a, b), _ in spans.most_common(12):
        if any(abs(a * 2 - x0) < 6 and abs(b * 2 - x1) < 6 for x0, x1 in counts):
            continue
        n = sum(c for (p, q), c in spans.items() if abs(p - a) <= 1 and abs(q - b) <= 1)
        indented = any(abs(b * 2 - x1) < 6 and x0 < a * 2 <= x0 + INDENT for x0, x1 in counts)
        if n >= max(0.06 * total, 3) and not indented:
            counts[a * 2.0, b * 2.0] = n

    def part_of(inner: Span, outer: Span) -> bool:
        """Whether a span is an abstract or a table's column in another; half its width is a column of pages that are set in two."""
        half = 0.4 < (inner[1] - inner[0]) / (outer[1] - outer[0]) < 0.52
        return outer[0] + 6 < inner[0] and inner[1] < outer[1] + 4 and not half and counts[outer] >= 0.3 * counts[inner]

    found = [c for c in counts if not any(part_of(c, o) for o in counts if o != c)]
    return tuple(found) or ragged_columns(lines, look)


def ragged_columns(lines: Sequence[Line], look: Look) -> tuple[Span, ...]:
    """Return the columns of text whose lines end where they like: the edge where many begin, to where nearly all have ended."""
    some = [line.bbox for line in lines if not line.angle and plain(line, look) and len(line.words) >= 4]
    starts = Counter(round(b[0] / 2) for b in some)
    found = list[Span]()
    for a, n in starts.most_common(4):
        own = sorted(b[2] for b in some if abs(b[0] / 2 - a) <= 1)
        if n < max(0.15 * len(some), 3) or any(overlap(a * 2, own[-1], *span) > 10 for span in found):
            continue
        found.append((a * 2.0, own[int(0.95 * (len(own) - 1))]))
    return tuple(found)


def page_columns(lines: Sequence[Line], look: Look, number: int, width: float) -> tuple[Span, ...]:
    """Return the columns of one page, left to right: of those that the paper uses, the ones that this page's text fills."""
    known = look.columns[(number - 1) % 2]
    if not known:
        return ((0.1 * width, 0.9 * width),)
    fits = Counter[Span]()
    for line in lines:
        if not line.angle and len(line.words) >= 4:
            for column in known:
                if abs(line.bbox[0] - column[0]) < NEAR + INDENT / 2 and abs(line.bbox[2] - column[1]) < NEAR:
                    fits[column] += 1
    chosen: list[Span] = []
    for column in sorted(known, key=lambda c: (-fits[c] * (c[1] - c[0]), known.index(c))):
        if all(overlap(*column, *other) < 10 for other in chosen):
            chosen.append(column)
    return tuple(sorted(chosen))


def text_width(lines: Sequence[Line], width: float) -> Span:
    """Return from where to where the upright text of a turned page goes."""
    upright = [line.bbox for line in lines if not line.angle]
    return (min(b[0] for b in upright), max(b[2] for b in upright)) if upright else (0.1 * width, 0.9 * width)


def running_lines(pages: Sequence[Sequence[Line]], heights: Sequence[float]) -> list[set[int]]:
    """Return the indices of running heads, feet and page numbers, page by page: what stands alike at the edge of several pages."""
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    keys: list[dict[int, tuple[str, int]]] = []
    for number, (page, height) in enumerate(zip(pages, heights, strict=True)):
        keys.append({})
        bases = [line.base for line in page if not line.angle and line.size >= SMALLEST]
        first, last = min(bases, default=0.0), max(bases, default=0.0)
        for i, line in enumerate(page):
            if first + OUTERMOST < line.base < last - OUTERMOST:
                continue
            if not line.angle and line.size >= SMALLEST and (line.bbox[3] < 0.12 * height or line.bbox[1] > 0.88 * height):
                text, at = keys[-1][i] = (re.sub(r"[\dxvi]+", "#", line.text.lower()), round(line.base / 3))
                for level in (at - 1, at, at + 1):
                    seen[text, level].add(number)
    found: list[set[int]] = []
    for page, height, own in zip(pages, heights, keys, strict=True):
        found.append(set())
        for i, (text, at) in own.items():
            repeated = len(text) > 2 and len(seen[text, at]) >= 3
            edge = page[i].bbox[3] < 0.055 * height or page[i].bbox[1] > 0.945 * height
            number = re.fullmatch(r"[-–—\s]*#[-–—\s]*", text) is not None and page[i].bbox[1] > 0.9 * height
            if repeated or edge or number:
                found[-1].add(i)
    return found


def fills(line: Line, column: Span) -> bool:
    """Return whether a line of words reaches from a column's left edge (or a list's indent) to its right edge."""
    x0, _, x1, _ = line.bbox
    wide = x1 - x0 > 0.6 * (column[1] - column[0])
    return column[0] - NEAR <= x0 <= column[0] + INDENT and abs(x1 - column[1]) <= NEAR and wide and wordy(line)


def opens(line: Line, columns: Sequence[Span]) -> bool:
    """Return whether a line begins where a column does and reads as words: a short paragraph or a list's point."""
    at_left = any(abs(line.bbox[0] - c[0]) <= NEAR and line.bbox[2] <= c[1] + NEAR for c in columns)
    point = BULLET.match(line.text) is not None and any(c[0] - NEAR <= line.bbox[0] <= c[0] + INDENT for c in columns)
    return wordy(line) and ((at_left and len(line.words) >= 4) or point)


def heading(line: Line, columns: Sequence[Span], look: Look) -> bool:
    """Return whether a line is a section's title: numbered or bold, at a column's left edge or in its middle, and not small."""
    if line.size < look.size - 0.3 or not LETTERS.search(line.text):
        return False
    left = any(abs(line.bbox[0] - c[0]) <= NEAR for c in columns)
    middle = any(abs((line.bbox[0] + line.bbox[2]) / 2 - (c[0] + c[1]) / 2) < 4 for c in columns)
    other = line.font != look.font or line.size > look.size + 0.8
    numbered = HEADING.match(line.text) is not None
    titled = numbered or (line.bold and line.size > look.size + 0.8)
    return other and ((left and titled) or (middle and numbered and len(line.words) > 1))


def wrapped(lines: Sequence[Line], as_text: Sequence[bool], columns: Sequence[Span]) -> bool:
    """Return whether lines are text that flows past a figure: one edge at the column's, the other straight as well."""
    if len(lines) < 3 or sum(as_text) < 0.7 * len(lines) or sum(map(wordy, lines)) < 0.7 * len(lines):
        return False
    for column in columns:
        if max(x.bbox[2] - x.bbox[0] for x in lines) < 0.22 * (column[1] - column[0]):
            continue
        at_left = sum(column[0] - NEAR <= x.bbox[0] <= column[0] + 22 for x in lines) >= 0.8 * len(lines)
        at_right = sum(abs(x.bbox[2] - column[1]) <= NEAR for x in lines[:-1]) >= 0.7 * (len(lines) - 1)
        if (at_left and straight([x.bbox[2] for x in lines[:-1]])) or (at_right and straight([x.bbox[0] for x in lines[1:]])):
            return True
    return False


def straight(edges: Sequence[float]) -> bool:
    """Return whether most edges stand in one line."""
    middle = sorted(edges)[len(edges) // 2]
    return sum(abs(e - middle) < 2.5 for e in edges) >= 0.7 * len(edges)


def justified(lines: Sequence[Line], look: Look) -> bool:
    """Return whether lines are a paragraph with two straight edges, such as an abstract."""
    if len(lines) < 4 or min(x.size for x in lines) < look.size - 1.6:
        return False
    many = sum(len(x.words) for x in lines) >= 6 * len(lines) and sum(map(wordy, lines)) >= 0.8 * len(lines)
    return many and straight([x.bbox[2] for x in lines[:-1]]) and straight([x.bbox[0] for x in lines[1:]])
