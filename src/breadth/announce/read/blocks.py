"""Where a paper's running text stands: body size, columns, running heads, and blocks of lines in reading order."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Literal

from breadth.announce.read.headings import names_section
from breadth.announce.read.lines import HYPHEN, Line
from breadth.announce.source import Box

__all__ = ["Block", "Body", "Frame", "Kind", "Row", "Sheet", "blocks_of", "body_of", "frames_of", "margins_of"]

Kind = Literal["text", "small", "bold", "caption", "other"]
MARGIN = 0.11  # of the page's height, above and below, in which running heads stand
LETTER = re.compile(r"[^\W\d_]")
WORDLIKE = re.compile(r"[^\W\d_]{2,}")
BULLET = re.compile(r"^(?:[•◦▪■‣∙·*∗–—-]|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)]|\d{1,2}\.)(?:\s|$)|^[•◦▪■‣]")


@dataclass(frozen=True)
class Sheet:
    """What is printed on a page. number: from 1; width, height: points."""

    number: int
    width: float
    height: float
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Body:
    """The running text's font size and the distance of its baselines, in points, and its font."""

    size: float
    leading: float
    font: str

    def near(self, size: float) -> bool:
        return 0.94 * self.size <= size <= 1.07 * self.size

    def step(self, size: float) -> float:
        """Return the distance of baselines that text of a size has."""
        return self.leading * size / self.size


@dataclass(frozen=True)
class Frame:
    """A column: its left and right edge in points."""

    x0: float
    x1: float

    @property
    def width(self) -> float:
        return self.x1 - self.x0


@dataclass(frozen=True)
class Row:
    """What stands on one baseline of one column, from left to right; at least one line."""

    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        return " ".join(line.text for line in self.lines)

    @property
    def bbox(self) -> Box:
        boxes = [line.bbox for line in self.lines]
        return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)

    @property
    def longest(self) -> Line:
        return max(self.lines, key=lambda line: len(line.text))

    @property
    def size(self) -> float:
        return self.longest.size

    @property
    def base(self) -> float:
        return self.longest.base

    @property
    def bold(self) -> bool:
        return all(line.bold for line in self.lines)


@dataclass(frozen=True)
class Block:
    """Rows of one look that follow one another in one column. column: 0 for the left or only one, -1 where it spans several.

    kind: "text" reads as sentences; "small" does too, in a smaller size; "bold" may be a heading; "other": formulas, tables, labels.
    """

    kind: Kind
    page: int
    column: int
    frame: Frame
    rows: tuple[Row, ...]

    @property
    def bbox(self) -> Box:
        boxes = [row.bbox for row in self.rows]
        return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def upright(sheet: Sheet) -> list[Line]:
    return [line for line in sheet.lines if line.angle == 0]


def body_of(sheets: Sequence[Sheet]) -> Body:
    """Return the size, leading and font of most of the text."""
    sizes, fonts, steps = Counter[float](), Counter[str](), Counter[float]()
    for sheet in sheets:
        for line in upright(sheet):
            letters = len(LETTER.findall(line.text))
            if letters >= 15:
                sizes[round(line.size * 2) / 2] += letters
                if not line.bold:
                    fonts[line.font] += letters
    size = max(sizes, key=lambda s: sizes[s]) if sizes else 10.0
    for sheet in sheets:
        long = [line for line in upright(sheet) if abs(line.size - size) <= 0.5 and len(line.text) > 25]
        for a, b in pairwise(long):
            if abs(a.bbox[0] - b.bbox[0]) < 3 * size and 0.9 * size < b.base - a.base < 2.6 * size:
                steps[round((b.base - a.base) * 2) / 2] += 1
    exact = [line.size for sheet in sheets for line in upright(sheet) if abs(line.size - size) <= 0.5 and len(line.text) > 25]
    leading = max(steps, key=lambda s: steps[s]) if steps else 1.2 * size
    return Body(median(exact) if exact else size, leading, max(fonts, key=lambda f: fonts[f]) if fonts else "")


def margins_of(sheets: Sequence[Sheet]) -> list[set[int]]:
    """Return, page by page, the indices of lines that are running heads, page numbers or numbers of lines: no part of the text."""
    seen: dict[tuple[str, int], set[int]] = defaultdict(set)
    marks: list[list[tuple[int, str, int]]] = []
    for sheet in sheets:
        found = []
        for i, line in enumerate(sheet.lines):
            high = line.bbox[3] < MARGIN * sheet.height or line.bbox[1] > (1 - MARGIN) * sheet.height
            if line.angle == 0 and high:
                key = re.sub(r"\d+|\b[ivxl]+\b", "0", line.text.lower())
                found.append((i, key, round(line.base / 4)))
                for level in (-1, 0, 1):
                    seen[key, round(line.base / 4) + level].add(sheet.number)
        marks.append(found)
    out = []
    for sheet, found in zip(sheets, marks, strict=True):
        gone = {i for i, line in enumerate(sheet.lines) if line.angle != 0}
        texts = [line for line in upright(sheet) if len(line.text) > 3]
        top = min((line.bbox[1] for line in texts), default=0.0)
        low = max((line.bbox[3] for line in texts), default=sheet.height)
        for i, key, level in found:
            line = sheet.lines[i]
            number = re.fullmatch(r"[\W_]*(?:page )?0[\W_]*(?:of 0)?", key) is not None
            outside = line.bbox[3] <= top + line.size or line.bbox[1] >= low - line.size
            if (number and outside) or len(seen[key, level]) >= max(2, min(3, len(sheets) // 3)):
                gone.add(i)
        out.append(gone | counted(sheet))
    return out


def counted(sheet: Sheet) -> set[int]:
    """Return the indices of the line numbers of a manuscript under review: a column of rising numbers at the page's edge."""
    plain = [(i, line) for i, line in enumerate(sheet.lines) if line.angle == 0 and re.fullmatch(r"\d{1,4}", line.text)]
    gone: set[int] = set()
    for side in (0, 1):
        edge = [(i, line) for i, line in plain if (line.bbox[2] < 0.13 * sheet.width, line.bbox[0] > 0.87 * sheet.width)[side]]
        if len(edge) >= 20:
            gone |= {i for i, _ in edge}
    return gone


def frames_of(sheets: Sequence[Sheet], body: Body, gone: Sequence[set[int]]) -> list[tuple[Frame, ...]]:
    """Return the columns of every page: one to three; a page with little text has those of most pages."""
    found = []
    for sheet, out in zip(sheets, gone, strict=True):
        lines = [
            line for i, line in enumerate(sheet.lines) if i not in out and body.near(line.size) and len(line.text.split()) >= 4
        ]
        found.append(page_frames(lines, sheet.width))
    counts = Counter(len(f) for f in found if f)
    usual = max(counts, key=lambda n: counts[n]) if counts else 1
    model = [f for f in found if f is not None and len(f) == usual]
    if not model:
        return [(Frame(0.1 * s.width, 0.9 * s.width),) for s in sheets]
    common = tuple(Frame(median(f[k].x0 for f in model), median(f[k].x1 for f in model)) for k in range(usual))
    return [common if f is None or (len(f) == usual and narrower(f, common)) else f for f in found]


def narrower(frames: Sequence[Frame], common: Sequence[Frame]) -> bool:
    return any(f.width < 0.94 * c.width for f, c in zip(frames, common, strict=True))


def page_frames(lines: Sequence[Line], width: float) -> tuple[Frame, ...] | None:
    """Return the columns that long lines of body text show; None where they are too few to tell."""
    wide = [line for line in lines if line.bbox[2] - line.bbox[0] > 0.5 * width]
    letters = sum(len(line.text) for line in lines)
    if sum(len(line.text) for line in wide) >= 0.5 * letters and len(wide) >= 6:
        return (frame_of(wide),)
    thirds = [[x for x in lines if a * width < x.bbox[0] and x.bbox[2] < b * width] for a, b in ((0, 0.38), (0.3, 0.7), (0.62, 1))]
    if min(map(len, thirds)) >= 6 and sum(len(x.text) for third in thirds for x in third) >= 0.8 * letters:
        return tuple(map(frame_of, thirds))
    left = [line for line in lines if line.bbox[2] < 0.54 * width and line.bbox[2] - line.bbox[0] > 0.22 * width]
    right = [line for line in lines if line.bbox[0] > 0.46 * width and line.bbox[2] - line.bbox[0] > 0.22 * width]
    if len(left) >= 6 and len(right) >= 6:
        return frame_of(left), frame_of(right)
    return None


def frame_of(lines: Sequence[Line]) -> Frame:
    """Return the edges at which most lines begin, and nearly all end."""
    starts = Counter(round(line.bbox[0] / 2) for line in lines)
    common = [k for k, n in starts.items() if n >= max(2, 0.15 * len(lines))] or list(starts)
    x0 = median(line.bbox[0] for line in lines if abs(round(line.bbox[0] / 2) - min(common)) <= 1)
    ends = sorted(line.bbox[2] for line in lines)
    return Frame(x0, ends[int(0.9 * (len(ends) - 1))])


def blocks_of(
    sheet: Sheet,
    body: Body,
    frames: Sequence[Frame],
    gone: set[int],
    captions: Sequence[Sequence[int]],
    floats: Sequence[Box],
) -> list[Block]:
    """Return the blocks of a page in reading order.

    gone: indices of lines that are no part of the text; captions: those of each caption; floats: the boxes of figures and tables.
    """
    captions = [whole_caption(sheet.lines, lines, floats, body) for lines in captions]
    captioned = {i for lines in captions for i in lines}
    columns: dict[int, list[Line]] = defaultdict(list)
    for i, line in enumerate(sheet.lines):
        if i in captioned or i in gone or any(inside(line.bbox, box) for box in floats):
            continue
        columns[column_of(line, frames)].append(line)
    blocks: list[Block] = []
    for column, lines in columns.items():
        frame = frames[column] if column >= 0 else Frame(frames[0].x0, frames[-1].x1)
        rows = rows_of(lines)
        blocks += [Block(kind_of(c, body, frame), sheet.number, column, frame, tuple(c)) for c in chains_of(rows, body)]
    for indices in captions:
        lines = [sheet.lines[i] for i in indices]
        column = column_of(lines[0], frames)
        frame = frames[column] if column >= 0 else Frame(frames[0].x0, frames[-1].x1)
        blocks.append(Block("caption", sheet.number, column, frame, tuple(rows_of(lines))))
    return ordered(blocks)


def whole_caption(lines: Sequence[Line], known: Sequence[int], floats: Sequence[Box], body: Body) -> list[int]:
    """Return a caption's lines with those that go on right under it: while its sentence is open, or it is set smaller than the text."""
    found = list(known)
    first = lines[found[0]]
    free = [i for i, x in enumerate(lines) if x.angle == first.angle and not any(inside(x.bbox, box) for box in floats)]
    while True:
        last = lines[found[-1]]
        ended = re.search(r"[.!?:][\"'”’)\]]*$", last.text) is not None
        if ended and last.size > body.size - 0.5:
            return found
        under = [
            i
            for i in free
            if i not in found
            and abs(lines[i].size - last.size) < 0.2
            and abs(lines[i].bbox[0] - first.bbox[0]) < (4 if ended else 40)
            and 0.6 * last.size < lines[i].base - last.base < 1.2 * body.step(last.size)
        ]
        if not under:
            return found
        found.append(min(under, key=lambda i: lines[i].base))


def inside(box: Box, around: Box) -> bool:
    """Return whether the middle of a box and most of it lie in another."""
    wide = min(box[2], around[2]) - max(box[0], around[0])
    high = min(box[3], around[3]) - max(box[1], around[1])
    return wide >= 0.7 * (box[2] - box[0]) and high >= 0.6 * (box[3] - box[1])


def column_of(line: Line, frames: Sequence[Frame]) -> int:
    """Return the number of the column that holds a line, -1 where it reaches into several."""
    if len(frames) == 1:
        return 0
    shares = [min(line.bbox[2], f.x1) - max(line.bbox[0], f.x0) for f in frames]
    if min(shares) > 0.06 * frames[0].width:
        return -1
    return max(range(len(frames)), key=lambda k: shares[k])


def rows_of(lines: Sequence[Line]) -> list[Row]:
    """Return lines as rows, from the top; lines on one baseline make one row."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda n: (n.base, n.bbox[0])):
        for row in rows[-3:]:
            first = row[0]
            if abs(first.base - line.base) < 0.3 * min(first.size, line.size) and all(
                line.bbox[0] >= other.bbox[2] - 0.5 * line.size or line.bbox[2] <= other.bbox[0] + 0.5 * line.size for other in row
            ):
                row.append(line)
                break
        else:
            rows.append([line])
    return [Row(tuple(sorted(row, key=lambda n: n.bbox[0]))) for row in rows]


def chains_of(rows: Sequence[Row], body: Body) -> list[list[Row]]:
    """Return runs of rows of one size and weight at the usual distance; scraps of formulas between two rows are set apart."""
    chains: list[list[Row]] = []
    for row in rows:
        for chain in reversed(chains[-4:]):
            if joins(row, chain, body):
                chain.append(row)
                break
        else:
            chains.append([row])
    return chains


def joins(row: Row, chain: Sequence[Row], body: Body) -> bool:
    """Return whether a row goes on where a run of rows ends."""
    last = chain[-1]
    step, usual = row.base - last.base, body.step(row.size)
    if abs(row.size - last.size) > 0.05 * body.size + 0.1 or not 0.6 * row.size < step <= 1.3 * usual:
        return False
    if min(row.bbox[2], last.bbox[2]) <= max(row.bbox[0], last.bbox[0]):
        return False
    if row.bold != last.bold and (step > 1.1 * usual or names_section(row.text) or names_section(last.text)):
        return False  # a heading; bold words within a text stand at its own distance
    hangs = len(chain) == 1 and BULLET.match(chain[0].text) is not None and 0 < row.bbox[0] - last.bbox[0] < 3.5 * row.size
    aligned = hangs or any(abs(row.bbox[0] - r.bbox[0]) < 3 for r in chain)
    return letters_of(row) == letters_of(last) or (aligned and not wide_gap(row))


def letters_of(row: Row) -> bool:
    """Return whether a row reads as words rather than as a formula or as cells."""
    text = row.text.replace(" ", "")
    words = WORDLIKE.findall(row.text)
    return sum(map(len, words)) >= 0.5 * len(text) and bool(words)


def kind_of(chain: Sequence[Row], body: Body, frame: Frame) -> Kind:
    """Return what a run of rows is, by its size, its words and how it fills its column."""
    size = median(row.size for row in chain)
    if size < 0.6 * body.size or sum(letters_of(row) for row in chain) < 0.5 * len(chain):
        return "other"
    if size > 1.07 * body.size or (all(row.bold for row in chain) and not (len(chain) > 3 and reads(chain, frame))):
        return "bold"
    if not reads(chain, frame):
        return "other"
    return "text" if body.near(size) else "small"


def reads(chain: Sequence[Row], frame: Frame) -> bool:
    """Return whether rows read as sentences that fill a column, or as the short last line of such a text."""
    x0, x1 = min(row.bbox[0] for row in chain), max(row.bbox[2] for row in chain)
    words = [len(WORDLIKE.findall(row.text)) for row in chain]
    scattered = sum(len(row.lines) > 2 or wide_gap(row) for row in chain)
    if scattered > 0.25 * len(chain):
        return False
    if len(chain) == 1:
        text, row = chain[0].text, chain[0]
        near = x0 - frame.x0 < 0.12 * frame.width or x0 - frame.x0 < 40
        closed = text.rstrip(HYPHEN)[-1:] in '.,;:!?)”"' or x1 > frame.x1 - 0.1 * frame.width or BULLET.match(text) is not None
        if row.lines[0].words[0].raised:
            return near and (closed or "/" in text) and words[0] >= 1  # a footnote
        return near and words[0] >= (2 if x0 - frame.x0 < 4 else 3) and closed and not row.bold
    if x0 - frame.x0 > 0.2 * frame.width and frame.x1 - x1 > 6:
        return False  # a formula's cases, a list of labels
    filled = median(row.bbox[2] - row.bbox[0] for row in chain[:-1])
    return x1 - x0 >= 0.42 * frame.width and filled >= 0.6 * (x1 - x0) and sum(words[:-1]) >= 3.5 * (len(chain) - 1)


def wide_gap(row: Row) -> bool:
    """Return whether a row's pieces stand further apart than the words of a stretched line."""
    return any(b.bbox[0] - a.bbox[2] > 2.2 * row.size for a, b in pairwise(row.lines))


def ordered(blocks: Sequence[Block]) -> list[Block]:
    """Return a page's blocks in reading order: what spans the columns parts the page into bands, which are read column by column."""
    bars = sorted(b.bbox[1] for b in blocks if b.column == -1 and b.kind in ("text", "small", "bold"))

    def key(block: Block) -> tuple[int, int, float]:
        top = block.bbox[1]
        band = sum(bar < top - 1 for bar in bars)
        return (2 * band + (block.column != -1), block.column, top)

    return sorted(blocks, key=key)
