"""The characters of a page as pdfium gives them: where they stand, how large, in which font; ligatures and accents healed."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from dataclasses import dataclass
from typing import Any

from breadth.announce.read.pdf import Page
from breadth.announce.source import Box

__all__ = ["HYPHEN", "Glyph", "glyphs_of"]

MOST = 60_000  # characters of a page that are read: ten times a dense page's
HYPHEN = "\x02"  # pdfium's mark for a hyphen at the end of a line
LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
# TeX's old text encoding, where the font says nothing of Unicode
TEX = {0x0B: "ff", 0x0C: "fi", 0x0D: "fl", 0x0E: "ffi", 0x0F: "ffl", 0x19: "ß", 0x1A: "æ", 0x1B: "œ", 0x1C: "ø"}
ACCENTS = {
    "`": "\u0300",
    "´": "\u0301",
    "ˆ": "\u0302",
    "^": "\u0302",
    "˜": "\u0303",
    "~": "\u0303",
    "¯": "\u0304",
    "˘": "\u0306",
    "˙": "\u0307",
    "¨": "\u0308",
    "˚": "\u030a",
    "˝": "\u030b",
    "ˇ": "\u030c",
    "¸": "\u0327",
    "˛": "\u0328",
}
BOLD = ("bold", "black", "heavy", "cmbx", "sfbx", "medi", "-bd", "demi", "tinetb", "linumtb", "tinetz", "-bol", "lbx")
ITALIC = ("ital", "obli", "cmti", "cmsl", "sfti", "cmmi", "slant", "tineti", "linumti", "lmri", "cmbxti", "-it")
TYPEWRITER = ("cmtt", "cmitt", "sftt", "mono", "courier", "inconsolata", "consolas", "menlo", "lmtt")
FIXED, ITALIC_FLAG, FORCE_BOLD = 1, 64, 1 << 18


@dataclass(frozen=True, slots=True)
class Font:
    """A font at a size. size: points as shown; angle: degrees counter-clockwise as shown, 0 for upright text."""

    name: str
    size: float
    bold: bool
    italic: bool
    angle: int
    fixed: bool  # typewriter


@dataclass(slots=True)
class Glyph:
    """One character. x0, y0, x1, y1: its ink; left, right: from its origin to the next one's; base: y of its baseline."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    left: float
    right: float
    base: float
    font: Font


def glyphs_of(page: Page) -> list[Glyph]:
    """Return the visible characters of a page in the order in which the file draws them, in points from the top left."""
    from pypdfium2 import raw as api

    text = page.raw.get_textpage()
    try:
        return healed(list(read(page, text, api)))
    finally:
        text.close()


def read(page: Page, text: Any, api: Any) -> list[Glyph]:
    handle, loose = text.raw, api.FS_RECTF()
    numbers = [ctypes.c_double() for _ in range(4)]
    slots, at = [ctypes.byref(n) for n in numbers], ctypes.byref(loose)
    across, down = page.left, page.bottom + page.height

    def upright(left: float, bottom: float, right: float, top: float) -> Box:
        return left - across, down - top, right - across, down - bottom

    boxed = page.box if page.turned else upright  # the same, and twice as fast: it is called for every character
    fonts: dict[int, Font] = {}
    widths: dict[tuple[int, int], float] = {}
    found: list[Glyph] = []
    for i in range(min(api.FPDFText_CountChars(handle), MOST)):
        code = api.FPDFText_GetUnicode(handle, i)
        if code in (0x20, 0xA0, 0x0A) or (code == 0x0D and api.FPDFText_IsGenerated(handle, i)):
            continue
        drawn = api.FPDFText_GetTextObject(handle, i)
        if not drawn:
            continue
        key = ctypes.addressof(drawn.contents)
        font = fonts.get(key)
        if font is None:
            font = fonts[key] = font_of(page, handle, i, drawn, api)
        api.FPDFText_GetCharBox(handle, i, *slots)
        x0, x1, y0, y1 = (n.value for n in numbers)
        api.FPDFText_GetCharOrigin(handle, i, slots[0], slots[1])
        base_x, base_y = page.point(numbers[0].value, numbers[1].value)
        api.FPDFText_GetLooseCharBox(handle, i, at)
        ink = boxed(x0, y0, x1, y1)
        wide = boxed(loose.left, loose.bottom, loose.right, loose.top)
        if ink[2] < 0 or ink[3] < 0 or ink[0] > page.width or ink[1] > page.height:
            continue  # outside what is shown
        if font.angle:
            ink, wide, (base_x, base_y) = uprighted(ink, font.angle), uprighted(wide, font.angle), turn(base_x, base_y, font.angle)
        right = wide[2] if wide[2] - wide[0] > 0.05 * font.size else ink[2]
        # The letters of one ligature stand in one place, and its width is none of theirs.
        whole = bool(found) and (found[-1].left, found[-1].base, found[-1].font) == (base_x, base_y, font)
        if whole:
            found[-1].right = max(base_x, right)
        elif font.italic:  # the loose box of a slanted letter takes in what hangs over the next one
            right = min(right, base_x + advance(drawn, code, widths, api) * font.size)
        found.append(Glyph(letter(code), *ink, base_x, max(base_x, right), base_y, font))
    return found


def advance(drawn: Any, code: int, known: dict[tuple[int, int], float], api: Any) -> float:
    """Return how far a letter moves the pen, in its font's sizes; a large number where the font does not say."""
    font = api.FPDFTextObj_GetFont(drawn)
    key = (ctypes.addressof(font.contents), code) if font else (0, code)
    if key not in known:
        width = ctypes.c_float()
        told = bool(font) and api.FPDFFont_GetGlyphWidth(font, code, 1000.0, ctypes.byref(width)) and width.value > 0
        known[key] = width.value / 1000 if told else math.inf
    return known[key]


def letter(code: int) -> str:
    """Return what a code stands for, ligatures spelled out; the replacement character where the font does not say."""
    if code in (0x02, 0xFFFE, 0xAD):
        return HYPHEN
    if code in LIGATURES:
        return LIGATURES[code]
    if code < 0x20:
        return TEX.get(code, "\ufffd")
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        return "\ufffd"
    return chr(code)


def font_of(page: Page, handle: Any, i: int, drawn: Any, api: Any) -> Font:
    matrix, flags = api.FS_MATRIX(), ctypes.c_int()
    buffer = ctypes.create_string_buffer(128)
    size = api.FPDFText_GetFontSize(handle, i)
    angle = 0
    if api.FPDFText_GetMatrix(handle, i, ctypes.byref(matrix)):
        scale = math.hypot(matrix.c, matrix.d)
        size *= scale if scale > 0 else 1.0
        angle = round(math.degrees(math.atan2(matrix.b, matrix.a)) - page.turned) % 360
    api.FPDFText_GetFontInfo(handle, i, buffer, 128, ctypes.byref(flags))
    name = buffer.value.decode("utf-8", "replace").rpartition("+")[2]
    low = name.lower()
    bold = any(part in low for part in BOLD) or bool(flags.value & FORCE_BOLD)
    italic = any(part in low for part in ITALIC) or bool(flags.value & ITALIC_FLAG)
    near = 0 if angle <= 3 or angle >= 357 else angle
    fixed = bool(flags.value & FIXED) or any(part in low for part in TYPEWRITER)
    return Font(name, round(abs(size), 2), bold, italic, near, fixed)


def turn(x: float, y: float, angle: int) -> tuple[float, float]:
    """Return a point in the frame in which text of that angle is upright (y downwards)."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return x * c - y * s, x * s + y * c


def uprighted(box: tuple[float, float, float, float], angle: int) -> tuple[float, float, float, float]:
    corners = [turn(x, y, angle) for x in (box[0], box[2]) for y in (box[1], box[3])]
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    return min(xs), min(ys), max(xs), max(ys)


def healed(glyphs: list[Glyph]) -> list[Glyph]:
    """Return the characters with accents set on their letters."""
    out: list[Glyph] = []
    for glyph in glyphs:
        last = out[-1] if out else None
        if last is None:
            out.append(glyph)
        elif accent_on(last, glyph):
            out[-1] = joined(glyph, last)
        elif accent_on(glyph, last):
            out[-1] = joined(last, glyph)
        else:
            out.append(glyph)
    return out


def accent_on(mark: Glyph, base: Glyph) -> bool:
    """Return whether a mark stands over or under a letter, by most of its width."""
    known = mark.text in ACCENTS or (len(mark.text) == 1 and unicodedata.combining(mark.text) != 0)
    if not known or not (base.text.isalpha() and len(base.text) == 1) or mark.font.angle != base.font.angle:
        return False
    shared = min(mark.x1, base.x1) - max(mark.x0, base.x0)
    return shared > 0.6 * min(mark.x1 - mark.x0, base.x1 - base.x0) and abs(mark.base - base.base) < 0.5 * base.font.size


def joined(base: Glyph, mark: Glyph) -> Glyph:
    plain = {"ı": "i", "ȷ": "j"}.get(base.text, base.text)
    whole = unicodedata.normalize("NFC", plain + ACCENTS.get(mark.text, mark.text))
    if len(whole) > 1:  # no such letter: a mathematician's hat
        whole = base.text
    return Glyph(
        whole,
        min(base.x0, mark.x0),
        min(base.y0, mark.y0),
        max(base.x1, mark.x1),
        max(base.y1, mark.y1),
        base.left,
        base.right,
        base.base,
        base.font,
    )
