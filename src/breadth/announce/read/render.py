"""Pictures of figures and tables: cut from the page and padded with white to a shape that every platform shows whole."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
from PIL import Image

from breadth.announce.read.pdf import Page, Pdf
from breadth.announce.source import Box, Item
from breadth.errors import AnnounceError, printable

__all__ = ["MOST_PIXELS", "WIDTH", "crop", "crops", "letter_height"]

WIDTH = 1600
MARGIN = 4.0  # points around an item
SHAPE = 2.0  # the longer side over the shorter one, at most
SHARPEST = 12.0  # pixels a point: more shows nothing new
FAR = 2.0  # items whose common box has more than so much of their own area lie far apart
MOST_PIXELS = 40_000_000  # of a picture file, when it is opened


@dataclass(frozen=True)
class Cut:
    """What is to be drawn of a page. box: with its margin, in points; scale: pixels a point."""

    box: Box
    scale: float


def crop(pdf: Pdf | None, item: Item, *, width: int = WIDTH) -> Image.Image:
    """Return a figure or table as an RGB picture ``width`` pixels wide, padded with white to between 2:1 and 1:2.

    An item with a ``file`` is read from there (a study's figure), any other from its page of ``pdf``. Raises AnnounceError where the page
    does not exist or is too much to draw, the box lies outside it, or the file is no picture of sane size.
    """
    return next(crops(pdf, [item], width=width))


def crops(pdf: Pdf | None, items: Iterable[Item], *, width: int = WIDTH) -> Iterator[Image.Image]:
    """Yield for each item what `crop` returns; those of a page that follow each other and have one width are drawn at once."""
    if width < 16 or width > 8000:
        raise AnnounceError(f"a picture {width} pixels wide was asked for; give a width from 16 to 8000")
    for (file, number), group in groupby(items, key=lambda item: (item.file, item.page)):
        same = list(group)
        if file is not None:
            yield from (padded(opened(Path(file)), width) for _ in same)
            continue
        if pdf is None:
            raise AnnounceError(f"{same[0].label} has no picture file and no PDF was given; give the paper's PDF")
        if not 1 <= number <= len(pdf):
            raise AnnounceError(f"{same[0].label} is placed on page {number}, but the paper has {len(pdf)}; correct its page")
        with pdf.page(number) as page:
            cuts = [cut_of(page, item, width) for item in same]
            parts = [part for _, alike in groupby(cuts, key=lambda c: round(c.scale, 3)) for part in drawn(page, list(alike))]
        yield from (padded(part, width) for part in parts)


def cut_of(page: Page, item: Item, width: int) -> Cut:
    """Return what to draw of a page for an item; raises AnnounceError where its box lies outside."""
    x0, y0, x1, y1 = item.bbox
    left, top = max(0.0, x0 - MARGIN), max(0.0, y0 - MARGIN)
    right, bottom = min(page.width, x1 + MARGIN), min(page.height, y1 + MARGIN)
    if min(x1, page.width) - max(x0, 0.0) < 1 or min(y1, page.height) - max(y0, 0.0) < 1:
        raise AnnounceError(
            f"{item.label}: the box {x0:g},{y0:g},{x1:g},{y1:g} lies outside page {item.page}, which measures "
            f"{page.width:.0f} x {page.height:.0f} points; correct the box"
        )
    wide, high = inner(right - left, bottom - top, width)
    return Cut((left, top, right, bottom), min(wide / (right - left), high / (bottom - top), SHARPEST))


def letter_height(item: Item) -> float | None:
    """Return the size of an item's middle letter in its picture, in pixels; None where it holds no text."""
    if item.letters is None or item.file is not None:
        return None
    x0, y0, x1, y1 = item.bbox
    return item.letters * min(WIDTH / (x1 - x0 + 2 * MARGIN), SHAPE * WIDTH / (y1 - y0 + 2 * MARGIN))


def drawn(page: Page, cuts: Sequence[Cut]) -> list[Image.Image]:
    """Return the parts of a page, all of one scale: from one drawing, for some pages take seconds each time, unless they lie far apart."""
    scale, boxes = cuts[0].scale, [c.box for c in cuts]
    whole = (min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes))
    if area(whole) > FAR * sum(map(area, boxes)):
        return [part for c in cuts for part in drawn(page, [c])]
    pixels = page.drawn(scale, whole)
    # where pypdfium2 cuts: whole pixels of the whole page
    rows, columns = math.ceil(page.height * scale), math.ceil(page.width * scale)
    left, top = math.ceil(whole[0] * scale), math.ceil(whole[1] * scale)
    found = []
    for x0, y0, x1, y1 in boxes:
        bottom, right = rows - math.ceil((page.height - y1) * scale), columns - math.ceil((page.width - x1) * scale)
        part = pixels[math.ceil(y0 * scale) - top : bottom - top, math.ceil(x0 * scale) - left : right - left, :3]
        found.append(Image.fromarray(np.ascontiguousarray(part)))
    return found


def area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def inner(wide: float, high: float, width: int) -> tuple[int, int]:
    """Return the pixels that a box of that shape fills in a picture ``width`` wide and at most twice as high."""
    most = SHAPE * width
    scale = min(width / wide, most / high)
    return max(1, math.ceil(wide * scale)), max(1, math.ceil(high * scale))


def padded(picture: Image.Image, width: int) -> Image.Image:
    """Return a picture in the middle of white, ``width`` wide and from half to twice as high."""
    wide, high = inner(picture.width, picture.height, width)
    # A page is drawn to whole pixels: one of margin more or less is cut or left white, for scaling would blur what is sharp.
    if max(abs(wide - picture.width), abs(high - picture.height)) > 1:
        picture = picture.resize((wide, high), Image.Resampling.LANCZOS)
    tall = min(max(high, math.ceil(width / SHAPE)), round(width * SHAPE))
    page = Image.new("RGB", (width, tall), "white")
    page.paste(picture, ((width - wide) // 2, (tall - high) // 2))
    return page


def opened(path: Path) -> Image.Image:
    """Return a picture file as RGB on white; raises AnnounceError where it is none, or too large to be one."""
    name = f"picture '{printable(str(path))}'"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # refused below, in our words
            with Image.open(path, formats=("PNG", "JPEG", "WEBP", "GIF")) as file:
                if file.width * file.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                whole = file.convert("RGBA")
    except FileNotFoundError as error:
        raise AnnounceError(f"{name} does not exist; run the study's report again") from error
    except Image.DecompressionBombError as error:
        raise AnnounceError(f"{name} has more than {MOST_PIXELS // 1_000_000} million pixels; make it smaller") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise AnnounceError(f"{name} cannot be read as PNG, JPEG, WebP or GIF; save it anew") from error
    white = Image.new("RGBA", whole.size, "white")
    return Image.alpha_composite(white, whole).convert("RGB")
