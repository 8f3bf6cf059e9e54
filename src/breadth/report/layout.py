"""Where things stand on a figure: panels measured in inches, legends above the panels, words below; nothing ever covers data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from breadth.report.style import INK, MUTED, WIDTH, colour_of, marker_of, tint

__all__ = ["below", "canvas", "legends", "panels", "place_apart", "shade", "size_of", "strip", "title"]

_EDGE = 0.08  # inches between the outermost words and the paper's edge
_FIRST_TICKS = 0.5  # room for the numbers of the left-most y-axis
_ROW = 0.24


def canvas(height: float) -> Figure:
    """Return an empty figure of full text width and ``height`` inches on its own Agg canvas."""
    figure = Figure(figsize=(WIDTH, height), dpi=100)
    FigureCanvasAgg(figure)
    return figure


def size_of(figure: Figure, words: str, **style: Any) -> tuple[float, float]:
    """Return width and height of a text in inches; the text is taken away again."""
    text = figure.text(0, 0, words, **style)
    box = text.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    text.remove()
    return box.width / figure.dpi, box.height / figure.dpi


def panels(figure: Figure, count: int, *, top: float, bottom: float, margin: float, gap: float = 0.55) -> list[Axes]:
    """Return ``count`` equal panels in a row; ``margin`` inches stay free right of each, ``top`` above and ``bottom`` below."""
    width, height = figure.get_size_inches()
    free = width - _FIRST_TICKS - _EDGE - count * margin - (count - 1) * gap
    each = free / count
    made = []
    for k in range(count):
        left = _FIRST_TICKS + k * (each + margin + gap)
        ax = figure.add_axes((left / width, bottom / height, each / width, (height - top - bottom) / height))
        ax.spines[["top", "right"]].set_visible(False)
        ax.tick_params(length=3, width=0.8)
        made.append(ax)
    return made


def title(ax: Axes, name: str, hint: str) -> None:
    """Name what the vertical axis shows above its panel, where it reads level."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    said = ax.annotate(name, (0, 1), xycoords="axes fraction", xytext=(-6, 7), textcoords="offset points", fontweight="bold")
    if hint:
        width, _ = size_of(figure, name, fontweight="bold")
        ax.annotate(hint, (0, 1), xycoords="axes fraction", xytext=(width * 72, 7), textcoords="offset points", color=MUTED)
    said.set_gid(f"{ax.get_gid()}-title")


def legends(figure: Figure, entries: Sequence[tuple[str, str]], levels: Sequence[int]) -> float:
    """Draw the key above the panels and return the inches used.

    entries: learner and label, shown with its marker and line; levels: numbers of domains, shown as a ramp of fills.
    The two stand side by side where the width allows, else one below the other.
    """
    width, height = figure.get_size_inches()
    learners = [learner for learner, _ in entries]
    handles = [
        Line2D([], [], color=colour_of(x, learners), marker=marker_of(x, learners), markersize=5.5, linewidth=1.6, label=label)
        for x, label in entries
    ]
    main = _legend(figure, handles, columns=len(handles), at=(_EDGE, height - _EDGE), corner="upper left")
    rows = 1
    if _width(figure, main) > width - 2 * _EDGE:
        main.remove()
        main = _legend(figure, handles, columns=1, at=(_EDGE, height - _EDGE), corner="upper left")
        rows = len(handles)
    if len(levels) > 1:
        shown = levels if len(levels) <= 6 else [levels[round(k * (len(levels) - 1) / 5)] for k in range(6)]
        heading = Line2D([], [], linestyle="", label="domains in the set:")
        dots = [
            Line2D([], [], linestyle="", marker="o", markersize=5.5, markeredgecolor=INK, markeredgewidth=0.8, label=str(v),
                   markerfacecolor=tint(INK, shade(v, levels)))
            for v in shown
        ]  # fmt: skip
        ramp = _legend(figure, [heading, *dots], columns=7, at=(width - _EDGE, height - _EDGE), corner="upper right", length=0.8)
        if _width(figure, main) + _width(figure, ramp) + 0.3 > width:
            ramp.remove()
            at = (_EDGE - 0.12, height - _EDGE - rows * _ROW)  # the heading has an empty handle: move it under the first marker
            _legend(figure, [heading, *dots], columns=7, at=at, corner="upper left", length=0.8)
            rows += 1
    return _EDGE + rows * _ROW + 0.36


def shade(level: int, levels: Sequence[int]) -> float:
    """Return how full a marker is (0.12 .. 1): by the rank of its number of domains, so that neighbours can be told apart."""
    return 1.0 if len(levels) < 2 else 0.12 + 0.88 * levels.index(level) / (len(levels) - 1)


def below(figure: Figure, words: str, inches: float) -> None:
    """Write the name of the shared x-axis under the middle of the panels, ``inches`` above the lower edge."""
    boxes = [ax.get_position() for ax in figure.axes]
    at = inches / figure.get_size_inches()[1]
    figure.text((boxes[0].x0 + boxes[-1].x1) / 2, at, words, ha="center", va="bottom").set_gid("x-label")


def strip(figure: Figure, verdict: str, colour: str, words: str) -> float:
    """Write verdict and caption at the foot of the figure, under a thin rule; return the inches used.

    The caption is one line, and breaks only where the width does not hold it.
    """
    width, height = figure.get_size_inches()
    wide, _ = size_of(figure, verdict, fontweight="bold")
    left = _EDGE + wide + 0.15
    lines = [""]
    for word in words.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and left + size_of(figure, longer)[0] > width - _EDGE:
            lines.append(word)
        else:
            lines[-1] = longer
    rule = 0.14 + 0.17 * len(lines)
    figure.add_artist(Line2D([_EDGE / width, 1 - _EDGE / width], [rule / height] * 2, color=MUTED, linewidth=0.5))
    y = (rule - 0.17) / height
    figure.text(_EDGE / width, y, verdict, fontweight="bold", color=colour, va="baseline").set_gid("verdict")
    for k, line in enumerate(lines):
        figure.text(left / width, y - 0.16 * k / height, line, va="baseline").set_gid(f"caption-{k}")
    return rule


def place_apart(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Return centres near ``wanted`` so that boxes of ``heights`` do not overlap, and stay in [low, high] where they fit."""
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    centres = [0.0] * len(wanted)
    floor = low
    for k in order:
        centres[k] = max(wanted[k], floor + heights[k] / 2)
        floor = centres[k] + heights[k] / 2
    ceiling = max(high, low + sum(heights))
    for k in reversed(order):
        centres[k] = min(centres[k], ceiling - heights[k] / 2)
        ceiling = centres[k] - heights[k] / 2
    return centres


def _legend(
    figure: Figure, handles: Sequence[Line2D], *, columns: int, at: tuple[float, float],
    corner: Literal["upper left", "upper right"], length: float = 1.9,
) -> Legend:  # fmt: skip
    width, height = figure.get_size_inches()
    made = Legend(
        figure, list(handles), [str(h.get_label()) for h in handles], loc=corner, ncols=columns, frameon=False,
        bbox_to_anchor=(at[0] / width, at[1] / height), bbox_transform=figure.transFigure,
        borderpad=0.15, borderaxespad=0, handlelength=length, handletextpad=0.45, columnspacing=1.4, labelspacing=0.35,
    )  # fmt: skip
    figure.add_artist(made)
    return made


def _width(figure: Figure, legend: Legend) -> float:
    box = legend.get_window_extent(figure.canvas.get_renderer())  # type: ignore[attr-defined]
    return float(box.width) / figure.dpi
