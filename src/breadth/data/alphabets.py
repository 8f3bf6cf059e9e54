"""Which characters each font that matplotlib ships really draws, by script and style; doubles of one shape are left out."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

__all__ = ["SCRIPTS", "STYLES", "SYMBOLS", "Glyph", "alphabet", "drawing"]

# Script -> code point ranges (both ends included). Inside a range only letters, digits and symbols without a decomposition count:
# no accented letters, no compatibility forms, no combining marks.
SCRIPTS: dict[str, tuple[tuple[int, int], ...]] = {
    "latin": ((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), (0xC6, 0x24F), (0x250, 0x2AF)),
    "greek": ((0x370, 0x3FF),),
    "cyrillic": ((0x400, 0x52F),),
    "armenian": ((0x531, 0x586),),
    "georgian": ((0x10A0, 0x10FF), (0x2D00, 0x2D2F)),
    "hebrew": ((0x5D0, 0x5EA),),
    "arabic": ((0x620, 0x6D3),),
    "lao": ((0xE81, 0xEAE), (0xED0, 0xED9)),
    "nko": ((0x7C0, 0x7EA),),
    "tifinagh": ((0x2D30, 0x2D67),),
    "syllabics": ((0x1401, 0x167F),),
    "lisu": ((0xA4D0, 0xA4F7),),
    "ogham": ((0x1681, 0x169A),),
    "old-italic": ((0x10300, 0x1031F),),
    "arrows": ((0x2190, 0x21FF), (0x27F0, 0x27FF), (0x2900, 0x297F)),
    "operators": ((0x2200, 0x22FF), (0x2A00, 0x2AFF)),
    "technical": ((0x2300, 0x23FF),),
    "box": ((0x2500, 0x259F),),
    "shapes": ((0x25A0, 0x25FF),),
    "pictograms": ((0x2600, 0x26FF), (0x2701, 0x27BF)),
    "hexagrams": ((0x4DC0, 0x4DFF),),
    "tetragrams": ((0x1D300, 0x1D356),),
    "braille": ((0x2801, 0x28FF),),
    "dominoes": ((0x1F030, 0x1F093),),
    "cards": ((0x1F0A0, 0x1F0FF),),
}
STYLES: dict[str, str] = {
    "sans": "DejaVuSans",
    "serif": "DejaVuSerif",
    "mono": "DejaVuSansMono",
    "sans-bold": "DejaVuSans-Bold",
    "serif-bold": "DejaVuSerif-Bold",
    "mono-bold": "DejaVuSansMono-Bold",
    "sans-oblique": "DejaVuSans-Oblique",
    "serif-italic": "DejaVuSerif-Italic",
    "mono-oblique": "DejaVuSansMono-Oblique",
    "stix": "STIXGeneral",
    "stix-bold": "STIXGeneralBol",
    "stix-italic": "STIXGeneralItalic",
    "cm": "cmr10",
    "cm-sans": "cmss10",
    "cm-mono": "cmtt10",
    "cm-italic": "cmti10",
}
# Symbols look the same in every style, so they are taken from one style only; letters come in all.
SYMBOLS = frozenset(list(SCRIPTS)[list(SCRIPTS).index("arrows") :])
_SYMBOL_STYLE = "sans"
# Style -> earlier styles with which it shares some drawings; the earlier one keeps them.
_KIN: dict[str, tuple[str, ...]] = {
    "serif": ("sans",),
    "mono": ("sans", "serif"),
    "sans-bold": ("sans",),
    "serif-bold": ("sans", "mono", "sans-bold"),
    "mono-bold": ("mono", "sans-bold"),
    "sans-oblique": ("sans",),
    "serif-italic": ("sans", "serif", "sans-oblique"),
    "mono-oblique": ("mono", "sans-oblique"),
    "stix": ("sans",),
    "stix-bold": ("stix",),
    "stix-italic": ("stix",),
    "cm-sans": ("sans",),
}
_SHAPE = 16  # shapes are compared as _SHAPE x _SHAPE grey masks of the glyph, cropped to its ink, with its aspect ratio kept
_SAME = 0.03  # two shapes are one where the squared distance of their masks is below this share of the larger squared norm


@dataclass(frozen=True)
class Glyph:
    """One class of drawings: a character in a style."""

    code: int
    script: str
    style: str

    @property
    def name(self) -> str:
        """E.g. "greek/sans/alpha U+03B1": script, style, Unicode name without script and kind of letter, code point."""
        words = unicodedata.name(chr(self.code)).lower().replace(" letter ", " ").split(" ")
        kept = [w for w in words if w not in ("small", self.script)]
        return f"{self.script}/{self.style}/{' '.join(kept)} U+{self.code:04X}"

    @property
    def group(self) -> str:
        """The character whatever its style, e.g. "U+03B1"."""
        return f"U+{self.code:04X}"


@cache
def _font(style: str, size: int) -> ImageFont.FreeTypeFont:
    """Return the font of ``style`` with an em of ``size`` pixels; basic layout, so that no shaping library changes a drawing."""
    return ImageFont.truetype(str(_path(style)), size, layout_engine=ImageFont.Layout.BASIC)


def _path(style: str) -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{STYLES[style]}.ttf"


@cache
def _mapped(style: str) -> frozenset[int]:
    """Code points that the font maps to a glyph other than .notdef (glyph 0), which is the box drawn for what is missing."""
    from matplotlib.ft2font import FT2Font

    return frozenset(code for code, glyph in FT2Font(str(_path(style))).get_charmap().items() if glyph != 0)


def _wanted(code: int, script: str) -> bool:
    character = chr(code)
    kinds = ("Lo", "Nd", "Sm", "So") if script in SYMBOLS else ("Lu", "Ll", "Lo", "Nd")
    return unicodedata.category(character) in kinds and not unicodedata.decomposition(character)


def drawing(style: str, code: int, em: int) -> Image.Image | None:
    """Return the grey drawing of a character (bright on black, an em of ``em`` pixels) cropped to its ink; None without ink."""
    face = _font(style, em)
    left, top, right, bottom = (int(v) for v in face.getbbox(chr(code)))
    if right <= left or bottom <= top:
        return None
    image = Image.new("L", (right - left, bottom - top))
    ImageDraw.Draw(image).text((-left, -top), chr(code), fill=255, font=face)
    ink = image.getbbox()
    return None if ink is None else image.crop(ink)


def _shape(mask: Image.Image) -> np.ndarray:
    side = max(mask.size)
    square = Image.new("L", (side, side))
    square.paste(mask, ((side - mask.width) // 2, (side - mask.height) // 2))
    return np.asarray(square.resize((_SHAPE, _SHAPE), Image.Resampling.BOX), np.float32).reshape(-1) / 255


@cache
def _drawn(style: str) -> tuple[tuple[Glyph, ...], np.ndarray]:
    """Return all glyphs that ``style`` draws with ink, by script and code point, and their shapes [n, _SHAPE ** 2]."""
    found, shapes = [], []
    ascii_only = style.startswith("cm")  # the Computer Modern fonts place other symbols at the remaining code points
    for script, ranges in SCRIPTS.items():
        if script in SYMBOLS and style != _SYMBOL_STYLE:
            continue
        for code in (c for low, high in ranges for c in range(low, high + 1)):
            if code in _mapped(style) and _wanted(code, script) and not (ascii_only and code > 0x7F):
                mask = drawing(style, code, 40)
                if mask is not None:
                    found.append(Glyph(code, script, style))
                    shapes.append(_shape(mask))
    return tuple(found), np.stack(shapes)


def _alike(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return which rows of ``a`` [n, d] and ``b`` [m, d] are one shape: bool [n, m]."""
    norm_a, norm_b = (a**2).sum(axis=1)[:, None], (b**2).sum(axis=1)[None, :]
    squared: np.ndarray = norm_a + norm_b - 2 * (a @ b.T)
    alike: np.ndarray = squared < _SAME * np.maximum(norm_a, norm_b)
    return alike


@cache
def alphabet(style: str) -> tuple[Glyph, ...]:
    """Return the glyphs of ``style`` by script and code point, each shape once.

    Look-alikes (Latin A, Greek Alpha, Cyrillic A; a symbol that a related style draws alike) stay with the first script or style.
    """
    glyphs, shapes = _drawn(style)
    dropped = np.zeros(len(glyphs), bool)
    for kin in _KIN.get(style, ()):
        dropped |= _alike(shapes, _drawn(kin)[1]).any(axis=1)
    alike = np.triu(_alike(shapes, shapes), 1)
    for i in range(len(glyphs)):
        if not dropped[i]:
            dropped |= alike[i]
    return tuple(glyph for glyph, gone in zip(glyphs, dropped.tolist(), strict=True) if not gone)
