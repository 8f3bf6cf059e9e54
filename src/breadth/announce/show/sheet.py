"""The contact sheet: every figure and table on one picture, with label, page, box, confidence and doubts; what needs a look is marked."""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from breadth.announce.read.crops import place_of
from breadth.announce.show.pictures import reduced
from breadth.announce.show.told import fine_print
from breadth.announce.source import Item

__all__ = ["LOW", "Cell", "contact_sheet", "thumbnail"]

LOW = 0.7  # below this confidence a crop is marked as one to look at
_INK, _MUTED, _LINE, _PAPER, _PAGE, _CAREFUL, _FINE = "#1b1f24", "#5b6470", "#d9dde2", "#ffffff", "#f6f7f8", "#a34700", "#117733"
_THUMB = (420, 300)  # pixels, width and height at most
_GAP, _WORDS = 28, 156


@dataclass(frozen=True)
class Cell:
    """One item on the sheet. picture: its thumbnail; place: what became of it ("post 4", "left out")."""

    item: Item
    picture: Image.Image
    place: str


def thumbnail(image: Image.Image) -> Image.Image:
    """Return a picture small enough for a cell of the sheet."""
    return reduced(image, _THUMB)


def contact_sheet(title: str, cells: Sequence[Cell]) -> Image.Image:
    """Return the sheet as a picture: a head with the title and the counts, then the cells row by row, about as wide as high."""
    columns = max(3, round(math.sqrt(len(cells) * 0.9)))
    width = _GAP + columns * (_THUMB[0] + _GAP)
    height = 118 + max(1, math.ceil(len(cells) / columns)) * (_THUMB[1] + _WORDS + _GAP)
    sheet = Image.new("RGB", (width, height), _PAGE)
    pen = ImageDraw.Draw(sheet)
    pen.text((_GAP, 24), _fitting(title, _font(26, True), width - 2 * _GAP), _INK, font=_font(26, True))
    low = sum(c.item.confidence < LOW for c in cells)
    look = f"look at the {low} in a frame, of a confidence below {LOW:g}" if low else f"each of a confidence of {LOW:g} or more"
    told = f"{len(cells)} figures and tables; {look}" if cells else "No figure or table was found."
    pen.text((_GAP, 66), told, _CAREFUL if low else _MUTED, font=_font(20))
    for i, cell in enumerate(cells):
        _draw(sheet, cell, _GAP + i % columns * (_THUMB[0] + _GAP), 118 + i // columns * (_THUMB[1] + _WORDS + _GAP))
    return sheet


def _draw(sheet: Image.Image, cell: Cell, x: int, y: int) -> None:
    pen, item = ImageDraw.Draw(sheet), cell.item
    low = item.confidence < LOW
    colour = _CAREFUL if low else _FINE
    pen.rounded_rectangle(
        (x - 8, y - 8, x + _THUMB[0] + 8, y + _THUMB[1] + _WORDS), 8, _PAPER, _CAREFUL if low else _LINE, 4 if low else 1
    )
    left, top = x + (_THUMB[0] - cell.picture.width) // 2, y + (_THUMB[1] - cell.picture.height) // 2
    sheet.paste(cell.picture, (left, top))
    pen.line((x, y + _THUMB[1] + 8, x + _THUMB[0], y + _THUMB[1] + 8), _LINE)
    pen.text((x, y + _THUMB[1] + 16), item.label, _INK, font=_font(20, True))
    pen.text((x + _THUMB[0], y + _THUMB[1] + 18), f"p. {item.page} · {cell.place}", _MUTED, font=_font(17), anchor="ra")
    bar = y + _THUMB[1] + 52
    pen.rounded_rectangle((x, bar, x + 300, bar + 9), 4, _LINE)
    pen.rounded_rectangle((x, bar, x + max(9, round(300 * min(1.0, max(0.0, item.confidence)))), bar + 9), 4, colour)
    pen.text((x + _THUMB[0], bar - 7), f"{item.confidence:.2f}{' look' if low else ''}", colour, font=_font(17, low), anchor="ra")
    fine = fine_print(item)
    doubts = [*item.doubts, *([fine] if fine else [])]
    words = "; ".join(doubts) or item.caption
    for n, line in enumerate(_lines(words, _font(15), _THUMB[0], 2)):
        pen.text((x, bar + 19 + 21 * n), line, _CAREFUL if doubts else _MUTED, font=_font(15))
    if item.file is None:  # a study's figure is not cut from a page
        pen.text((x, bar + 65), f"box {place_of(item)}", _MUTED, font=_font(15))


@cache
def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    # matplotlib brings DejaVu Sans, which has the signs and the scripts that captions use; to import it takes longer than the sheet.
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return ImageFont.truetype(
        Path(found.origin).with_name("mpl-data") / "fonts/ttf" / f"DejaVuSans{'-Bold' if bold else ''}.ttf", size
    )


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """Text on one line, cut with an ellipsis where it is too wide."""
    text = " ".join(text[:400].split())
    if font.getlength(text) <= width:
        return text
    kept = bisect.bisect_right(range(1, len(text) + 1), width, key=lambda n: math.ceil(font.getlength(f"{text[:n]}…")))
    return f"{text[:kept].rstrip()}…"


def _lines(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """Text broken at spaces into at most so many lines."""
    lines, words = [""], text[:400].split()
    for n, word in enumerate(words):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) == most:
            lines[-1] = _fitting(" ".join([lines[-1], *words[n:]]), font, width)
            break
        else:
            lines.append(_fitting(word, font, width))
    return lines
