"""What is printed on a page, as a map of dark pixels: rules, frames and tight boxes come from it, whatever drew them.

A page is rendered once, small. Vector paths, pictures, nested forms, clips and turned pages then all look the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from breadth.announce.read.pdf import Page
from breadth.announce.source import Box

__all__ = ["Ink", "Rule", "ink_of"]

SCALE = 1.25  # pixels a point
MOST = 4_000_000  # pixels of a map
PALE = 8  # grey levels from the paper's own grey at which a pixel counts as ink
STRONG = 20  # grey levels at which it may belong to a rule: a hairline of 0.2 pt keeps some 50
SHORTEST = 14.0  # points: the shortest rule
THICKEST = 4.0  # points: what is thicker is an area, no rule


@dataclass(frozen=True)
class Rule:
    """A straight line. along: its two ends; at: where it stands across (its middle); both in points."""

    start: float
    end: float
    at: float

    @property
    def length(self) -> float:
        return self.end - self.start


@dataclass(frozen=True)
class Ink:
    """The ink of a page. dark: rows x columns, True where something is printed; strong: where it is dark enough for a rule.

    scale: pixels a point. Boxes are in points from the top left, as everywhere.
    """

    dark: NDArray[np.bool_]
    strong: NDArray[np.bool_]
    scale: float

    def cut(self, box: Box) -> tuple[slice, slice]:
        """Return the rows and columns of a box, within the page."""
        rows, columns = self.dark.shape
        x0, y0, x1, y1 = (v * self.scale for v in box)
        top, bottom = min(max(math.floor(y0), 0), rows), min(max(math.ceil(y1), 0), rows)
        left, right = min(max(math.floor(x0), 0), columns), min(max(math.ceil(x1), 0), columns)
        return slice(top, max(top, bottom)), slice(left, max(left, right))

    def inside(self, box: Box) -> NDArray[np.bool_]:
        """Return the part of the map that lies in a box."""
        return self.dark[self.cut(box)]

    def amount(self, box: Box) -> float:
        """Return the share of a box that is printed, 0..1; 0 for an empty box."""
        part = self.inside(box)
        return float(part.mean()) if part.size else 0.0

    def tight(self, box: Box) -> Box | None:
        """Return the smallest box around the ink in a box, or None where there is none."""
        rows, columns = self.cut(box)
        part = self.dark[rows, columns]
        down, across = np.flatnonzero(part.any(axis=1)), np.flatnonzero(part.any(axis=0))
        if not down.size:
            return None
        s = self.scale
        return (
            (columns.start + int(across[0])) / s,
            (rows.start + int(down[0])) / s,
            (columns.start + int(across[-1]) + 1) / s,
            (rows.start + int(down[-1]) + 1) / s,
        )

    def bands(self, box: Box, least: float, axis: int = 1) -> list[tuple[float, float]]:
        """Return the stretches of ink in a box, top to bottom (axis 1) or left to right (axis 0), that blanks >= least points part."""
        rows, columns = self.cut(box)
        hit = np.flatnonzero(self.dark[rows, columns].any(axis=axis))
        if not hit.size:
            return []
        first = (rows if axis == 1 else columns).start
        breaks = np.flatnonzero(np.diff(hit) > max(least * self.scale, 1))
        starts, ends = np.r_[hit[0], hit[breaks + 1]], np.r_[hit[breaks], hit[-1]]
        return [((first + int(a)) / self.scale, (first + int(b) + 1) / self.scale) for a, b in zip(starts, ends, strict=True)]

    def without(self, boxes: list[Box], margin: float = 1.0) -> Ink:
        """Return the map with the boxes, and a margin around each, wiped."""
        dark = self.dark.copy()
        for x0, y0, x1, y1 in boxes:
            dark[self.cut((x0 - margin, y0 - margin, x1 + margin, y1 + margin))] = False
        return Ink(dark, self.strong, self.scale)

    def rules(self) -> list[Rule]:
        """Return the horizontal rules, top to bottom."""
        return rules_of(self.strong, self.scale)

    def posts(self) -> list[Rule]:
        """Return the vertical rules, left to right."""
        return rules_of(np.ascontiguousarray(self.strong.T), self.scale)


def ink_of(page: Page) -> Ink:
    """Have a page drawn in grey, small enough for MOST pixels, and return where it is printed."""
    scale = min(SCALE, math.sqrt(MOST / (page.width * page.height)))
    grey = page.drawn(scale, grey=True)[:, :, 0]
    edge = np.concatenate([grey[:3].ravel(), grey[-3:].ravel(), grey[:, :3].ravel(), grey[:, -3:].ravel()])
    paper = int(np.bincount(edge, minlength=256).argmax())
    away = np.abs(grey.astype(np.int16) - paper)
    return Ink(away >= PALE, away >= STRONG, scale)


def rules_of(strong: NDArray[np.bool_], scale: float) -> list[Rule]:
    """Return the long thin runs along the rows of a map; runs of neighbouring rows with the same ends are one rule."""
    rows, columns = strong.shape
    padded = np.zeros((rows, columns + 2), dtype=np.int8)
    padded[:, 1:-1] = strong
    step = np.diff(padded.ravel())
    starts, ends = np.flatnonzero(step == 1) + 1, np.flatnonzero(step == -1) + 1
    long = ends - starts >= SHORTEST * scale
    starts, ends = starts[long], ends[long]
    y, x0 = np.divmod(starts, columns + 2)
    x1 = x0 + (ends - starts)
    x0, x1 = x0 - 1, x1 - 1
    # thick: how much of the run has ink both a rule's thickness above and below it is an area's business, not a rule's
    reach = math.ceil(THICKEST * scale)
    sums = np.zeros((rows + 2 * reach, columns + 1), dtype=np.int32)
    np.cumsum(strong, axis=1, out=sums[reach : reach + rows, 1:])
    width = x1 - x0
    above = (sums[y, x1] - sums[y, x0]) / width
    below = (sums[y + 2 * reach, x1] - sums[y + 2 * reach, x0]) / width
    thin = (above < 0.6) & (below < 0.6)
    groups: list[list[int]] = []  # x0, x1, first row, last row
    for top, a, b in zip(y[thin].tolist(), x0[thin].tolist(), x1[thin].tolist(), strict=True):
        for group in reversed(groups[-40:]):
            if top - group[3] <= 1 and min(b, group[1]) - max(a, group[0]) > 0.7 * min(b - a, group[1] - group[0]):
                group[0], group[1], group[3] = min(a, group[0]), max(b, group[1]), top
                break
        else:
            groups.append([a, b, top, top])
    return [Rule(a / scale, b / scale, (t + u + 1) / 2 / scale) for a, b, t, u in groups if u - t + 1 <= max(reach, 2)]
