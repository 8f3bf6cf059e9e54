"""A page turned so that text standing at a right angle reads upright: a table printed sideways is then one like any other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from breadth.announce.read.glyphs import uprighted
from breadth.announce.read.ink import Ink
from breadth.announce.read.lines import Line
from breadth.announce.source import Box

__all__ = ["turned_back", "turned_ink", "turned_lines", "turned_size"]


def turned_size(size: tuple[float, float], angle: int) -> tuple[float, float]:
    """Return the width and height of a page turned by a multiple of 90 degrees."""
    return size if angle % 180 == 0 else (size[1], size[0])


def offset(size: tuple[float, float], angle: int) -> tuple[float, float]:
    """Return what brings a page turned about its top left corner back to positive coordinates."""
    return {90: (size[1], 0.0), 180: size, 270: (0.0, size[0])}.get(angle, (0.0, 0.0))


def turned_lines(lines: Sequence[Line], angle: int, size: tuple[float, float]) -> list[Line]:
    """Return lines as they stand on the page turned by ``angle``; their own angle is then counted from there.

    A line's box is given in the frame in which it reads upright, turned about the page's corner.
    """
    dx, dy = offset(size, angle)
    out = []
    for line in lines:
        box = line.bbox if line.angle == angle else uprighted(line.bbox, angle - line.angle)
        moved = (box[0] + dx, box[1] + dy, box[2] + dx, box[3] + dy)
        base = line.base + dy if line.angle == angle else moved[3]
        out.append(replace(line, bbox=moved, base=base, angle=(line.angle - angle) % 360))
    return out


def turned_ink(ink: Ink, angle: int) -> Ink:
    """Return the map of a page turned by a multiple of 90 degrees."""
    quarter = {90: -1, 180: 2, 270: 1}.get(angle)
    if quarter is None:
        return ink
    return Ink(np.ascontiguousarray(np.rot90(ink.dark, quarter)), np.ascontiguousarray(np.rot90(ink.strong, quarter)), ink.scale)


def turned_back(box: Box, angle: int, size: tuple[float, float]) -> Box:
    """Return a box of the turned page on the page as it is shown. size: of the page as it is shown."""
    dx, dy = offset(size, angle)
    return uprighted((box[0] - dx, box[1] - dy, box[2] - dx, box[3] - dy), -angle)
