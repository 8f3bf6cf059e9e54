"""Characters to words to lines: by the order in which the file draws them, then by where they stand; columns are never joined."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from breadth.announce.read.glyphs import HYPHEN, Font, Glyph, glyphs_of
from breadth.announce.read.pdf import Page
from breadth.announce.source import Box

__all__ = ["HYPHEN", "Line", "Word", "lines_of"]

SAME_BASE = 0.14  # of the font size: two characters stand on one baseline
SCRIPT = 0.87  # a character below this part of a line's size may be raised or lowered
WIDEST_GAP = 1.05  # of the size: a wider gap is a gutter, or a table's
STRAY_GAP = 0.6  # the same for pieces that the file does not draw one after the other
WORD_GAP = 0.1  # of the size: a wider gap parts two words
TYPEWRITER_GAP = 0.3  # the same where every letter, and so every space, has one width


@dataclass(frozen=True, slots=True)
class Word:
    """text: as printed; bbox: its ink; raised: a footnote's mark, or a power; glued: no space before it; size: points."""

    text: str
    bbox: Box
    raised: bool = False
    glued: bool = False
    size: float = 0.0
    font: str = ""
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of one column. bbox: its ink, in points from the top left; base: y of its baseline; angle: degrees, 0 for upright text.

    Where text stands at an angle, box and base are those of the frame in which it reads upright, turned about the page's corner.
    text: its words, a broken word's hyphen at the end written as HYPHEN; size, font, bold, italic: of most of its letters.
    """

    text: str
    bbox: Box
    size: float
    bold: bool
    italic: bool
    font: str
    words: tuple[Word, ...]
    base: float
    angle: int = 0


def lines_of(page: Page) -> list[Line]:
    """Return the lines of a page in the order in which the file draws them; text that stands at an angle comes last."""
    by_angle: dict[int, list[Glyph]] = {}
    for glyph in glyphs_of(page):
        by_angle.setdefault(glyph.font.angle, []).append(glyph)
    found: list[Line] = []
    for angle in sorted(by_angle):
        runs = merged(runs_of(by_angle[angle]))
        found += [line for run in runs if (line := line_of(run, angle)) is not None]
    return found


@dataclass(slots=True)
class Run:
    """Characters of one line while it is put together; base, size: of its largest letters."""

    glyphs: list[Glyph]
    base: float
    size: float
    left: float
    right: float


def runs_of(glyphs: list[Glyph]) -> list[Run]:
    """Return the runs of characters that follow one another in the file and on the page."""
    runs: list[Run] = []
    run: Run | None = None
    for glyph in glyphs:
        if run is not None and follows(run, glyph):
            run.glyphs.append(glyph)
            if glyph.font.size > run.size:
                run.base, run.size = glyph.base, glyph.font.size
            run.right = max(run.right, glyph.right)
        else:
            run = Run([glyph], glyph.base, glyph.font.size, glyph.left, glyph.right)
            runs.append(run)
    return runs


def follows(run: Run, glyph: Glyph) -> bool:
    size = max(run.size, glyph.font.size)
    last = run.glyphs[-1]
    gap = glyph.left - last.right
    if gap > WIDEST_GAP * size or glyph.left < run.left - 0.3 * size:
        return False
    if glyph.left < last.left - 3 * size:
        return False
    return same_line(run.base, run.size, glyph.base, glyph.font.size)


def same_line(base: float, size: float, other: float, other_size: float) -> bool:
    """Return whether characters of two sizes on two baselines stand on one line, as text beside text or as a script of it."""
    large, small = max(size, other_size), min(size, other_size)
    shift = abs(base - other)
    if shift <= SAME_BASE * large:
        return True
    above = (other < base) == (other_size < size)  # the smaller one is raised
    return small < SCRIPT * large and shift <= (0.62 if above else 0.35) * large


def merged(runs: list[Run]) -> list[Run]:
    """Return the runs with those joined that stand side by side on one line though the file draws other things between them."""
    order = sorted(range(len(runs)), key=lambda i: runs[i].base)
    gone: set[int] = set()
    for place, i in enumerate(order):
        if i in gone:
            continue
        again = True
        while again:
            again = False
            for j in order[max(0, place - 40) : place + 40]:
                if j == i or j in gone:
                    continue
                a, b = runs[i], runs[j]
                size = max(a.size, b.size)
                if not same_line(a.base, a.size, b.base, b.size):
                    continue
                gap = b.left - a.right if b.left >= a.left else a.left - b.right
                if -0.5 * min(size, a.right - a.left, b.right - b.left) <= gap <= STRAY_GAP * min(a.size, b.size):
                    first, second = (a, b) if a.left <= b.left else (b, a)
                    larger = a if a.size >= b.size else b
                    runs[i] = Run(
                        first.glyphs + second.glyphs, larger.base, larger.size, min(a.left, b.left), max(a.right, b.right)
                    )
                    gone.add(j)
                    again = True
    return [run for i, run in enumerate(runs) if i not in gone]


def line_of(run: Run, angle: int) -> Line | None:
    """Return a run as a line of words; None where it holds nothing that is drawn."""
    glyphs = [g for g in run.glyphs if g.text.strip()]
    if not glyphs:
        return None
    groups: list[list[Glyph]] = [[glyphs[0]]]
    for before, glyph in pairwise(glyphs):
        if raised(glyph, run) != raised(before, run) or parted(before, glyph, run):
            groups.append([glyph])
        else:
            groups[-1].append(glyph)
    capitals = glyphs if any(small_capitals(group, group) for group in groups) else []
    words = []
    for i, group in enumerate(groups):
        glued = i > 0 and not parted(groups[i - 1][-1], group[0], run)
        words.append(word_of(group, raised(group[0], run), glued, capitals))
    fonts = Counter[Font]()
    for g in glyphs:
        fonts[g.font] += 1 + 9 * g.text.isalnum()
    font = max(fonts, key=lambda f: (fonts[f], f.size))
    size = font.size
    weight = sum(fonts.values())
    box = (min(g.x0 for g in glyphs), min(g.y0 for g in glyphs), max(g.x1 for g in glyphs), max(g.y1 for g in glyphs))
    return Line(
        "".join(w.text if w.glued else f" {w.text}" for w in words).strip(),
        box,
        size,
        sum(n for f, n in fonts.items() if f.bold) > weight / 2,
        sum(n for f, n in fonts.items() if f.italic) > weight / 2,
        font.name,
        tuple(words),
        run.base,
        angle,
    )


def raised(glyph: Glyph, run: Run) -> bool:
    return glyph.font.size < SCRIPT * run.size and run.base - glyph.base > 0.15 * run.size


def parted(a: Glyph, b: Glyph, run: Run) -> bool:
    """Return whether a word ends between two characters."""
    least = TYPEWRITER_GAP if a.font.fixed and b.font.fixed else WORD_GAP
    return b.left - a.right > least * min(run.size, max(a.font.size, b.font.size)) or b.left < a.left - run.size


def word_of(group: list[Glyph], is_raised: bool, glued: bool, line: list[Glyph]) -> Word:
    """Return a word; line: the characters of its line where that has small capitals, else none."""
    small = small_capitals(group, line) if line else []
    ids = {id(g) for g in small}
    text = "".join(g.text.lower() if id(g) in ids else g.text for g in group)
    text = text.replace(HYPHEN, "-") if not text.endswith(HYPHEN) else text[:-1].replace(HYPHEN, "-") + HYPHEN
    box = (min(g.x0 for g in group), min(g.y0 for g in group), max(g.x1 for g in group), max(g.y1 for g in group))
    return Word(text, box, is_raised, glued, max(g.font.size for g in group), group[0].font.name, group[0].font.bold)


def small_capitals(group: list[Glyph], beside: list[Glyph]) -> list[Glyph]:
    """Return the letters of a word that are small capitals: capitals on its baseline, clearly smaller than the largest one beside."""
    largest = max(g.font.size for g in beside if g.text.isalpha()) if any(g.text.isalpha() for g in beside) else 0.0
    small = [
        g for g in group if g.text.isalpha() and g.font.size < SCRIPT * largest and abs(g.base - beside[0].base) < 0.05 * largest
    ]
    return small if all(g.text.isupper() for g in small) and (len(small) >= 2 or group is not beside) else []
