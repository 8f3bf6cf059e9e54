"""All sources on one scale: coefficients with their intervals between floor and ceiling, noise floors as ticks, best first."""

from __future__ import annotations

import math
from dataclasses import replace

from matplotlib.figure import Figure

from breadth.report.layout import below
from breadth.report.measured import Measured, Source
from breadth.report.rows import limits, mark, named_lines, rows, scale_marks
from breadth.report.style import MUTED, styled
from breadth.report.words import estimate
from breadth.stats.possible import too_few

__all__ = ["by_diversity", "percent", "scale_chart"]


def by_diversity(m: Measured) -> Measured:
    """Return the measurement with its sources from the highest coefficient to the lowest; nan last, equal ones in their order."""
    order = sorted(range(len(m.sources)), key=lambda k: _rank(m.sources[k]))
    return replace(m, sources=tuple(m.sources[k] for k in order), cross=m.cross[order][:, order])


def percent(s: Source) -> str:
    """Return how far the coefficient is on the way from floor to ceiling of the scale, empty without a scale and with too few tasks."""
    known = s.position is not None and math.isfinite(s.position.value) and not (too_few(s.position) or too_few(s.diversity))
    return f"{100 * s.position.value:.0f} %".replace("-", "−") if known and s.position else ""


def scale_chart(m: Measured) -> Figure:
    """Return the dot-and-interval chart of all sources; value, interval and position on the scale stand at the right of each row."""
    m = by_diversity(m)
    placed = any(percent(s) for s in m.sources)
    with styled():
        figure, ax = rows(m, 0.3, limits(m), right=2.2 if placed else 1.65)
        columns = [[estimate(s.diversity, why=False) for s in m.sources], [percent(s) for s in m.sources]]
        for k, s in enumerate(m.sources):
            ax.axhline(k + 0.5, color=MUTED, linewidth=0.4, alpha=0.35, zorder=0)
            mark(ax, k + 0.5, s, k)
        wide = float(ax.get_position().width * figure.get_size_inches()[0])
        for said, inches in zip(columns, (1.55, 2.08), strict=True):
            for k, words in enumerate(said):
                ax.text(1 + inches / wide, k + 0.5, words, transform=ax.get_yaxis_transform(), ha="right", va="center_baseline")
        if placed:
            tall = float(ax.get_position().height * figure.get_size_inches()[1])
            ax.text(
                1 + 2.08 / wide,
                -0.11 * len(m.sources) / tall,
                "of the way",
                transform=ax.get_yaxis_transform(),
                ha="right",
                va="bottom",
                color=MUTED,
            )
        named_lines(figure, ax, scale_marks(m))
        below(figure, "diversity coefficient: mean distance between two tasks", 0.08)
    return figure


def _rank(s: Source) -> tuple[bool, float]:
    return math.isnan(s.diversity.value), 0.0 if math.isnan(s.diversity.value) else -s.diversity.value
