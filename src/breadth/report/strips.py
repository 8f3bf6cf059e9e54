"""What near and far mean: the two most similar and the two least similar tasks of each source, as strips of their images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from breadth.errors import DataError
from breadth.report.layout import canvas
from breadth.report.measured import shortened
from breadth.report.style import MUTED, WIDTH, styled

__all__ = ["Extremes", "Pair", "pair_strips"]

Pixels = npt.NDArray[np.uint8]
_PAGE = 5  # sources on one figure, so that it keeps to a page
_SHOWN = 8  # images of a task at most
_TALL, _HEAD, _NAME, _GAP, _FOOT = 0.4, 0.36, 0.23, 0.03, 0.2  # inches: images, heading, name of a task, between, below


@dataclass(frozen=True, eq=False)
class Pair:
    """Two tasks of a source: their distance, a name for each, and images of each, uint8 [k, h, w, 1 or 3]."""

    distance: float
    names: tuple[str, str]
    images: tuple[Pixels, Pixels]


@dataclass(frozen=True, eq=False)
class Extremes:
    """The most and the least similar pair of tasks of one source."""

    most_similar: Pair
    least_similar: Pair


def pair_strips(extremes: Mapping[str, Extremes]) -> list[Figure]:
    """Return figures of up to five sources each: left the most similar pair of tasks, right the least similar one, grey or colour.

    extremes: name of the source -> its pairs. At most eight images of a task are shown. Raises DataError for images of another form.
    """
    names = shortened([*extremes], 60)
    both = [*zip(names, extremes.values(), strict=True)]
    return [_figure(both[start : start + _PAGE]) for start in range(0, len(both), _PAGE)]


def _figure(found: Sequence[tuple[str, Extremes]]) -> Figure:
    block = _HEAD + 2 * (_NAME + _TALL) + _FOOT
    half = WIDTH / 2
    with styled():
        figure = canvas(0.04 + block * len(found))
        height = figure.get_size_inches()[1]
        for k, (name, pairs) in enumerate(found):
            top = height - k * block - 0.06
            figure.text(0.08 / WIDTH, top / height, name, fontweight="bold", va="top")
            sides = (("most similar tasks", pairs.most_similar), ("least similar tasks", pairs.least_similar))
            for side, (words, pair) in enumerate(sides):
                left = 0.08 + side * (half + 0.02)
                figure.text(left / WIDTH, (top - 0.19) / height, f"{words}: distance {pair.distance:.3g}", va="top")
                for line, images in enumerate(pair.images):
                    base = top - _HEAD - (line + 1) * (_NAME + _TALL)
                    label = shortened([pair.names[line]], 42)[0]
                    figure.text(left / WIDTH, (base + _TALL + 0.05) / height, label, color=MUTED, va="baseline")
                    _strip(figure, images, pair.names[line], (left, base), half - 0.15, f"strip-{k}-{side}-{line}")
    return figure


def _strip(figure: Figure, images: Pixels, name: str, at: tuple[float, float], room: float, gid: str) -> None:
    """Draw images of one task side by side from the lower left corner ``at``, in inches, as many as ``room`` inches hold."""
    x = np.asarray(images)
    if x.dtype != np.uint8 or x.ndim != 4 or 0 in x.shape or x.shape[3] not in (1, 3):
        raise DataError(f"images of task '{name}' are {x.dtype} of shape {x.shape}; expected uint8 [k, h, w, 1 or 3]")
    x = np.repeat(x, 3, axis=3) if x.shape[3] == 1 else x
    k, h, w, _ = x.shape
    each = _TALL * w / h
    k = max(1, min(k, _SHOWN, int((room + _GAP) / (each + _GAP))))
    height = figure.get_size_inches()[1]
    wide = k * (each + _GAP) - _GAP
    ax = figure.add_axes((at[0] / WIDTH, at[1] / height, wide / WIDTH, _TALL / height))
    ax.set_axis_off()
    for i in range(k):
        left = i * (each + _GAP)
        # Whole multiples of a pixel, drawn as they are: a viewer's smoothing then leaves edges where they were.
        shown = np.repeat(np.repeat(x[i], 3, 0), 3, 1)
        ax.imshow(shown, interpolation="none", aspect="auto", extent=(left, left + each, 0, _TALL), gid=f"{gid}-{i}")
        ax.add_patch(Rectangle((left, 0), each, _TALL, fill=False, edgecolor=MUTED, linewidth=0.4, clip_on=False))
    ax.set_xlim(0, wide)
    ax.set_ylim(0, _TALL)
