"""Pictures of figures and tables: cut from the page and padded with white to a shape that every platform shows whole."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from breadth.announce.read.pdf import Pdf
from breadth.announce.source import Item
from breadth.errors import AnnounceError, printable

__all__ = ["MOST_PIXELS", "WIDTH", "crop"]

WIDTH = 1600
MARGIN = 4.0  # points around an item
SHAPE = 2.0  # the longer side over the shorter one, at most
SHARPEST = 12.0  # pixels a point: more shows nothing new
MOST_PIXELS = 40_000_000  # of a picture file, when it is opened


def crop(pdf: Pdf | None, item: Item, *, width: int = WIDTH) -> Image.Image:
    """Return a figure or table as an RGB picture ``width`` pixels wide, padded with white to between 2:1 and 1:2.

    An item with a ``file`` is read from there (a study's figure), any other from its page of ``pdf``. Raises AnnounceError where the page
    does not exist or is too much to draw, the box lies outside it, or the file is no picture of sane size.
    """
    if width < 16 or width > 8000:
        raise AnnounceError(f"a picture {width} pixels wide was asked for; give a width from 16 to 8000")
    if item.file is not None:
        return padded(opened(Path(item.file)), width)
    if pdf is None:
        raise AnnounceError(f"{item.label} has no picture file and no PDF was given; give the paper's PDF")
    if not 1 <= item.page <= len(pdf):
        raise AnnounceError(f"{item.label} is placed on page {item.page}, but the paper has {len(pdf)}; correct its page")
    with pdf.page(item.page) as page:
        x0, y0, x1, y1 = item.bbox
        left, top = max(0.0, x0 - MARGIN), max(0.0, y0 - MARGIN)
        right, bottom = min(page.width, x1 + MARGIN), min(page.height, y1 + MARGIN)
        if min(x1, page.width) - max(x0, 0.0) < 1 or min(y1, page.height) - max(y0, 0.0) < 1:
            raise AnnounceError(
                f"{item.label}: the box {x0:g},{y0:g},{x1:g},{y1:g} lies outside page {item.page}, which measures "
                f"{page.width:.0f} x {page.height:.0f} points; correct the box"
            )
        wide, high = inner(right - left, bottom - top, width)
        scale = min(wide / (right - left), high / (bottom - top), SHARPEST)
        pixels = page.drawn(scale, (left, top, right, bottom))
    return padded(Image.fromarray(np.ascontiguousarray(pixels[:, :, :3])), width)


def inner(wide: float, high: float, width: int) -> tuple[int, int]:
    """Return the pixels that a box of that shape fills in a picture ``width`` wide and at most twice as high."""
    most = SHAPE * width
    scale = min(width / wide, most / high)
    return max(1, math.ceil(wide * scale)), max(1, math.ceil(high * scale))


def padded(picture: Image.Image, width: int) -> Image.Image:
    """Return a picture in the middle of white, ``width`` wide and from half to twice as high."""
    wide, high = inner(picture.width, picture.height, width)
    if (wide, high) != picture.size:
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
