"""Glyphs: hundreds of classes of drawn characters whose breadth is a dial (scripts x styles), from installed fonts.

An Omniglot-like set: a class is a character in a style; its items are drawings of it under random rotation, shear, scale, shift,
stroke width and elastic jitter. Item k of a class is a pure function of (seed, class, k).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from breadth.data.alphabets import SCRIPTS, STYLES, SYMBOLS, Glyph, alphabet, drawing
from breadth.data.images import LabeledSet
from breadth.errors import DataError, unknown_name
from breadth.seeds import generator

__all__ = ["glyphs"]

_OVER = 2  # drawn at twice the size, then averaged: smooth edges
_MESH = 3  # the plane is bent on a grid of _MESH x _MESH cells
_SMALLEST, _LARGEST = 0.46, 0.66  # longer side of an undistorted glyph, as a share of the image


def glyphs(
    *,
    scripts: Sequence[str] = tuple(SCRIPTS),
    styles: Sequence[str] = ("sans",),
    classes: int | None = 200,
    per_class: int = 20,
    size: int = 28,
    seed: int = 0,
) -> LabeledSet:
    """Return drawings of characters: uint8 [n, size, size, 1], bright ink on black, ``per_class`` items of each class in a block.

    scripts: any of ``SCRIPTS`` (writing systems and families of symbols); styles: any of ``STYLES`` (fonts; symbols come in "sans"
    only); classes: a seeded random subset of that many classes, all for None. Only characters that the font really holds are
    drawn, and each shape once. Class names are like "greek/sans/alpha U+03B1"; the group key of an item is its character, so that
    a group-wise split keeps all styles of a character together. Raises DataError for unknown or repeated scripts or styles, more
    classes than there are, or numbers that are too small.
    """
    for what, given, allowed in (("script", scripts, SCRIPTS), ("style", styles, STYLES)):
        _check_names(what, given, allowed)
    for what, number, least in (("classes", classes, 1), ("per_class", per_class, 1), ("size", size, 8)):
        if number is not None and number < least:
            raise DataError(f"glyphs with {what}={number} were asked for; expected at least {least}")
    chosen = [glyph for style in STYLES if style in styles for glyph in alphabet(style) if glyph.script in scripts]
    if not chosen:
        hint = "; symbols come in style sans only" if set(scripts) & SYMBOLS else ""
        raise DataError(f"no glyph of scripts {', '.join(scripts)} exists in styles {', '.join(styles)}{hint}")
    if classes is not None:
        if classes > len(chosen):
            raise DataError(
                f"{classes} classes of glyphs were asked for; these scripts and styles have {len(chosen)}: "
                "add some or ask for fewer"
            )
        picked = generator(seed, "glyph classes").choice(len(chosen), classes, replace=False)
        chosen = [chosen[i] for i in np.sort(picked).tolist()]
    images = np.empty((len(chosen) * per_class, size, size, 1), np.uint8)
    for c, glyph in enumerate(chosen):
        for k in range(per_class):
            images[c * per_class + k, :, :, 0] = np.asarray(_item(glyph, k, size, seed))
    labels = np.repeat(np.arange(len(chosen), dtype=np.int64), per_class)
    groups = tuple(glyph.group for glyph in chosen for _ in range(per_class))
    return LabeledSet("glyphs", images, labels, tuple(glyph.name for glyph in chosen), groups)


def _check_names(what: str, given: Sequence[str], allowed: Collection[str]) -> None:
    if not given:
        raise DataError(f"glyphs without a {what} were asked for; expected at least one of: {', '.join(sorted(allowed))}")
    for i, name in enumerate(given):
        if name not in allowed:
            raise DataError(unknown_name(f"glyph {what}", name, allowed))
        if name in given[:i]:
            raise DataError(f"glyph {what} '{name}' is given twice; expected each {what} once")


@lru_cache(maxsize=64)  # the items of a class are made one after another
def _strokes(glyph: Glyph, size: int) -> tuple[Image.Image, Image.Image, Image.Image]:
    """Return the glyph with thin, plain and thick strokes, centred on a canvas of ``_OVER * size`` pixels."""
    canvas = _OVER * size
    em = round(0.82 * canvas)
    mask = drawing(glyph.style, glyph.code, em)
    assert mask is not None, "alphabets hold only glyphs with ink"
    longer = max(mask.size)
    wanted = min(max(longer, _SMALLEST * canvas), _LARGEST * canvas)
    if wanted != longer:
        scale = wanted / longer
        mask = mask.resize((max(1, round(mask.width * scale)), max(1, round(mask.height * scale))), Image.Resampling.BICUBIC)
    plain = Image.new("L", (canvas, canvas))
    plain.paste(mask, ((canvas - mask.width) // 2, (canvas - mask.height) // 2))
    return plain.filter(ImageFilter.MinFilter(3)), plain, plain.filter(ImageFilter.MaxFilter(3))


def _item(glyph: Glyph, k: int, size: int, seed: int) -> Image.Image:
    rng = generator(seed, "glyph", glyph.style, glyph.code, k)
    width, turn, shear, *rest = rng.uniform(-1, 1, 7).tolist()
    thin, plain, thick = _strokes(glyph, size)
    # Erosion is held back: hairlines must not vanish.
    stroke = Image.blend(plain, thick, width) if width > 0 else Image.blend(plain, thin, -0.5 * width)
    mesh = _mesh(stroke.width, turn, shear, rest, rng)
    return stroke.transform(stroke.size, Image.Transform.MESH, mesh, Image.Resampling.BILINEAR).reduce(_OVER)


@lru_cache(maxsize=8)
def _grid(canvas: int) -> tuple[list[int], np.ndarray]:
    """Return where the grid cuts a side, and its corners relative to the centre: [row, column, (x, y)]."""
    edges = np.rint(np.linspace(0, canvas, _MESH + 1)).astype(int)
    return edges.tolist(), np.stack(np.meshgrid(edges, edges), axis=-1) - canvas / 2


def _mesh(
    canvas: int,
    turn: float,
    shear: float,
    rest: list[float],
    rng: np.random.Generator,
) -> list[tuple[tuple[int, int, int, int], tuple[float, ...]]]:
    """Return the bent grid: each cell of the new image with the four corners in the old image that it shows.

    turn, shear and rest (scale across, scale down, shift across, shift down) in -1..1 stand for 15 degrees, 0.2, 15 % and 7 %.
    """
    angle = math.radians(15 * turn)
    cos, sin = math.cos(angle), math.sin(angle)
    scale_x, scale_y = 1 + 0.15 * rest[0], 1 + 0.15 * rest[1]
    matrix = np.array([[cos, sin], [-sin, cos]]) @ np.array([[1, 0.2 * shear], [0, 1]]) / np.array([[scale_x], [scale_y]])
    cuts, corners = _grid(canvas)
    shift = 0.07 * canvas * np.array(rest[2:])
    points = ((corners - shift) @ matrix.T + canvas / 2 + rng.normal(0, 0.018 * canvas, corners.shape)).tolist()
    return [
        ((cuts[x], cuts[y], cuts[x + 1], cuts[y + 1]), (*points[y][x], *points[y + 1][x], *points[y + 1][x + 1], *points[y][x + 1]))
        for y in range(_MESH)
        for x in range(_MESH)
    ]
