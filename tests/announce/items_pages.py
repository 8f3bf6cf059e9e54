"""Pages with figures and tables at known places, for the tests of what is found on them. Body text is set in Courier, which justifies."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

from announce.pdf_maker import Picture, Rule, Sheet, Text, pdf_bytes
from breadth.announce.read.items import Found, found_in
from breadth.announce.read.lines import lines_of
from breadth.announce.read.pdf import open_pdf
from breadth.announce.source import Box

PROSE = (
    "the model learns from data and then we measure how well it does on tasks that were never seen before while other methods often "
    "need many more examples to reach a similar accuracy which makes them slow in practice"
)
WORDS = tuple(PROSE.split())
SIZE, STEP = 8.0, 10.0  # of body text, in points
LEFT, RIGHT = (60.0, 288.0), (324.0, 552.0)  # the columns of a page in two
WHOLE = (60.0, 552.0)


def filled(letters: int, rng: random.Random) -> str:
    """Return words that fill exactly so many letters."""
    line = ""
    while len(line) < letters:
        line = f"{line} {rng.choice(WORDS)}".strip()
    return line[: letters - 1].rstrip().ljust(letters - 1, "s") + "s"


def text(sheet: Sheet, span: tuple[float, float], top: float, bottom: float, *, ragged: bool = False, size: float = SIZE) -> float:
    """Fill a column with justified text between two heights; returns where the last line's baseline is."""
    rng = random.Random(f"{span}{top}{bottom}")
    letters = round((span[1] - span[0]) / (0.6 * size))
    y = top + size
    while y < bottom - 2:
        line = filled(letters - (rng.randrange(9) if ragged else 0), rng)
        sheet.add(Text(span[0], y, line, size, "Courier"))
        y += STEP * size / SIZE
    return y - STEP * size / SIZE


def plot(sheet: Sheet, box: Box) -> Box:
    """Draw axes, a curve and labels; returns the box of all of it."""
    x0, y0, x1, y1 = box
    sheet.add(Rule(x0 + 20, y0, x0 + 20, y1 - 14), Rule(x0 + 20, y1 - 14, x1, y1 - 14))
    wide, high = (x1 - x0 - 20) / 12, (y1 - y0 - 14) / 12
    for k in range(12):
        up = (k * k) / 12
        sheet.add(Rule(x0 + 20 + k * wide, y1 - 14 - up * high, x0 + 20 + (k + 1) * wide, y1 - 14 - ((k + 1) ** 2) / 12 * high, 1))
    for k in range(4):
        sheet.add(
            Text(x0 + 24 + 3 * k * wide, y1 - 5, f"{k * 10}", 6, "Helvetica"),
            Text(x0 + 2, y1 - 14 - 3 * k * high, f"0.{k}", 6, "Helvetica"),
        )
    sheet.add(Text((x0 + x1) / 2 - 10, y1 + 1, "epochs", 6, "Helvetica"))
    return (x0 + 2, y0, x1, y1 + 2)


def table(
    sheet: Sheet, box: tuple[float, float, float], rows: int, *, ruled: bool = True, font: str = "Courier", size: float = SIZE
) -> Box:
    """Set a table of four columns with its first rule (or row) at the top; box: x0, top, x1. Returns the box of all of it."""
    x0, top, x1 = box
    step = (x1 - x0) / 4
    y = top
    if ruled:
        sheet.add(Rule(x0, y, x1, y, 0.9))
    for row in range(rows):
        y += 11
        for k in range(4):
            words = ["Method", "Tasks", "Score", "Loss"] if row == 0 else [f"net {row}", f"{row * 7}", f"0.{row}{k}", f"{row}.{k}1"]
            sheet.add(Text(x0 + 4 + k * step, y, words[k], size, font))
        if ruled and row in (0, rows - 1):
            y += 4
            sheet.add(Rule(x0, y, x1, y, 0.4 if row == 0 else 0.9))
    if ruled:
        return (x0, top, x1, y)
    return (x0 + 4, top + 11 - 0.65 * size, x0 + 4 + 3 * step + 4 * 0.6 * size, y)


def caption(sheet: Sheet, x: float, y: float, *lines: str, size: float = SIZE, font: str = "Courier") -> float:
    """Set a caption; returns its last baseline."""
    for k, line in enumerate(lines):
        sheet.add(Text(x, y + k * STEP, line, size, font))
    return y + (len(lines) - 1) * STEP


def picture(sheet: Sheet, box: Box) -> Box:
    sheet.add(Picture(*box))
    return box


def two_columns(sheet: Sheet) -> Sheet:
    text(sheet, LEFT, 72, 720)
    text(sheet, RIGHT, 72, 720)
    return sheet


def one_column(sheet: Sheet) -> Sheet:
    text(sheet, WHOLE, 72, 720)
    return sheet


def found(folder: Path, sheets: Sequence[Sheet]) -> Found:
    """Write a paper of these pages and return what is found in it."""
    path = folder / "paper.pdf"
    path.write_bytes(pdf_bytes(sheets))
    with open_pdf(path) as pdf:
        pages = []
        for number in range(1, len(pdf) + 1):
            with pdf.page(number) as page:
                pages.append(lines_of(page))
        return found_in(pdf, pages)


def match(a: Box, b: Box) -> float:
    """Return the intersection of two boxes over their union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    both = max(wide, 0) * max(high, 0)
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)
