"""Figures with one row a source: names at the left, marks on a shared axis, named lines through all rows."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from breadth.report.layout import canvas, place_apart, size_of
from breadth.report.measured import Measured, Source, shortened
from breadth.report.style import COLOURS, INK, PAPER
from breadth.report.words import distance

__all__ = ["BLUE", "BOTTOM", "ORANGE", "TALLEST", "limits", "mark", "named_lines", "rows", "scale_marks"]

BLUE, ORANGE = COLOURS["PT"], COLOURS["MAML"]
TALLEST = 8.4  # inches for all rows together, so that a figure keeps to one page of a paper
BOTTOM, TOP, _EDGE = 0.55, 0.68, 0.08
_LEAST = 0.2  # inches a row needs for its name


def rows(m: Measured, wish: float, span: tuple[float, float], *, right: float = 0.15) -> tuple[Figure, Axes]:
    """Return a figure with its one panel: row k is y in [k, k + 1], counted downwards; ``span``: limits of the shared axis.

    wish: inches a row where there is room; right: inches kept free right of the panel.
    """
    names = shortened(m.names, 24)
    each = max(min(wish, TALLEST / len(names)), _LEAST)
    figure = canvas(TOP + each * len(names) + BOTTOM)
    width, height = figure.get_size_inches()
    left = 0.25 + max(size_of(figure, name)[0] for name in names)
    ax = figure.add_axes((left / width, BOTTOM / height, (width - left - right) / width, (height - TOP - BOTTOM) / height))
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(length=3, width=0.8)
    ax.set_xlim(*span)
    ax.set_ylim(len(names), 0)
    ax.set_yticks([])
    ax.xaxis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10]))
    for k, name in enumerate(names):
        ax.text(-0.12 / _width(ax), k + 0.5, name, transform=ax.get_yaxis_transform(), ha="right", va="center_baseline")
    _key(figure, of_text=m.of_text)
    return figure, ax


def limits(m: Measured, more: Sequence[float] = ()) -> tuple[float, float]:
    """Return the limits of the distance axis: every coefficient with its interval, noise floor, end of the scale, and ``more``."""
    ends = [v for s in m.sources for v in (s.diversity.low, s.diversity.high, s.diversity.value, s.floor.value)]
    ends += [e.value for e in (m.floor, m.ceiling) if e is not None]
    seen = [v for v in [*ends, *more] if math.isfinite(v)] or [0.0, 1.0]
    low, high = min(seen), max(seen)
    pad = 0.03 * (high - low) or 0.01
    return (0.0 if 0 <= low < 0.3 * high else low - pad), high + pad


def mark(ax: Axes, y: float, s: Source, k: int) -> None:
    """Draw the coefficient of a source as a dot on its interval, and its noise floor as an orange tick; what is nan is left out."""
    d, floor = s.diversity, s.floor.value
    if math.isfinite(floor):
        ax.plot([floor], [y], marker="|", markersize=9, markeredgewidth=1.8, color=ORANGE, zorder=4, gid=f"noise-floor-{k}")
    if math.isfinite(d.low) and math.isfinite(d.high):
        ax.hlines(y, d.low, d.high, colors=BLUE, linewidths=2, zorder=4.5, gid=f"interval-{k}")
    if math.isfinite(d.value):
        ax.plot([d.value], [y], marker="o", markersize=5.5, color=BLUE, markeredgecolor=PAPER, markeredgewidth=0.7, zorder=5,
                gid=f"coefficient-{k}")  # fmt: skip


def named_lines(figure: Figure, ax: Axes, marks: Sequence[tuple[str, float, str]]) -> None:
    """Draw vertical lines (name, value, colour) through a panel, name and value above it, moved apart where they would touch."""
    low, high = ax.get_xlim()
    said = [f"{words} {value:.3g}" for words, value, _ in marks]
    inches = _width(ax)
    widths = [size_of(figure, words)[0] / inches + 0.02 for words in said]
    places = [(value - low) / (high - low) for _, value, _ in marks]
    box = ax.get_position()
    free = min(0.45, (1 - box.x1) * inches / box.width - 0.05), min(0.45, box.x0 * inches / box.width - 0.05)
    centres = place_apart(places, widths, -free[1] / inches, 1.0 + free[0] / inches)
    tall = float(ax.get_position().height) * float(figure.get_size_inches()[1])
    for k, (words, at, centre) in enumerate(zip(said, places, centres, strict=True)):
        colour = marks[k][2]
        ax.plot([at, at, centre], [0, 1, 1 + 0.09 / tall], transform=ax.transAxes, clip_on=False, scalex=False, scaley=False, zorder=1,
                color=colour, linewidth=0.9, linestyle=(0, (4, 2)) if colour == INK else "solid", gid=f"line-{k}")  # fmt: skip
        ax.text(centre, 1 + 0.11 / tall, words, transform=ax.transAxes, ha="center", va="bottom", gid=f"line-name-{k}")


def scale_marks(m: Measured) -> list[tuple[str, float, str]]:
    """Return the ends of the scale, where it has any, as ``named_lines`` takes them."""
    ends = (("scale floor", m.floor), ("scale ceiling", m.ceiling))
    return [(words, distance(e.value), INK) for words, e in ends if e is not None and math.isfinite(e.value)]


def _width(ax: Axes) -> float:
    figure = ax.get_figure(root=True)
    assert figure is not None
    return float(ax.get_position().width * figure.get_size_inches()[0])


def _key(figure: Figure, *, of_text: bool) -> None:
    """Say above the rows what the marks are, each word beside its mark."""
    width, height = figure.get_size_inches()
    x, y = _EDGE, (height - 0.15) / height
    for shape, size, colour, words in (
        ("o", 5.5, BLUE, "diversity coefficient, interval"),
        ("|", 9, ORANGE, "noise of the estimator" if of_text else "noise floor: same classes, new items"),
    ):
        ends = [x, x + 0.12, x + 0.24] if shape == "o" else [x, x + 0.04, x + 0.08]
        line = Line2D([v / width for v in ends], [y] * 3, color=colour, markevery=[1], marker=shape, markersize=size)
        line.set(linewidth=2 if shape == "o" else 0, markeredgewidth=1.8 if shape == "|" else 0)
        figure.add_artist(line)
        figure.text((ends[-1] + 0.08) / width, y, words, va="center_baseline")
        x = ends[-1] + 0.08 + size_of(figure, words)[0] + 0.3
