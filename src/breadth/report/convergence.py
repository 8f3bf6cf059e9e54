"""Were there enough tasks? The coefficient and its interval against the number of tasks, from the first tasks to all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from breadth.report.layout import below, canvas
from breadth.report.measured import Floats, Measured, shortened
from breadth.report.rows import BLUE, TALLEST
from breadth.report.style import MUTED, styled
from breadth.report.words import number
from breadth.stats.interval import Estimate, mean_pairwise

__all__ = ["convergence_chart", "enough", "prefixes"]

NARROW = 0.2  # half-width as a share of the value, up to which there were enough tasks

_POINTS = 40


def prefixes(d: Floats, level: float = 0.95) -> list[Estimate]:
    """Return the coefficient of the first m tasks for up to 40 values of m from 3 to M (for M = 2, of those two); d: [M, M]."""
    sizes = np.unique(np.linspace(min(3, len(d)), len(d), _POINTS).round().astype(int))
    return [mean_pairwise(d[:m, :m], level) for m in sizes]


def convergence_chart(m: Measured, distances: Mapping[str, Floats]) -> Figure:
    """Return one panel a source, all with the same axes: line and band against the number of tasks, a thin line at the final value.

    The vertical axis holds every value and every interval of the second half of the tasks; the wide bands of the first few tasks may
    run out of it. distances: name -> [M, M], as ``checked_distances`` returns.
    """
    runs = {s.name: prefixes(distances[s.name], s.diversity.level) for s in m.sources}
    count = len(runs)
    across = min(count, 3 if count <= 9 else 4 if count <= 24 else 5)
    down = math.ceil(count / across)
    each = min(2.2 if count == 1 else 1.45, TALLEST / down)
    most = max(run[-1].n for run in runs.values())
    names = shortened(m.names, {1: 60, 2: 30, 3: 22, 4: 17, 5: 13}[across])
    with styled():
        figure = canvas(each * down + 0.54)
        width, height = figure.get_size_inches()
        wide = (width - 0.62) / across
        for k, (name, run) in enumerate(zip(names, runs.values(), strict=True)):
            row, column = divmod(k, across)
            floor = 0.52 + (down - 1 - row) * each
            ax = figure.add_axes(((0.5 + column * wide) / width, floor / height, (wide - 0.12) / width, (each - 0.32) / height))
            ax.spines[["top", "right"]].set_visible(False)
            ax.set_xlim(0, most * 1.03)
            ax.set_ylim(*_span([*runs.values()]))
            _draw(ax, run, k)
            ax.annotate(name, (0, 1), xycoords="axes fraction", xytext=(0, 3), textcoords="offset points", fontweight="bold")
            ax.tick_params(length=3, width=0.8, labelleft=column == 0, labelbottom=k + across >= count)
            ax.xaxis.set_major_locator(MaxNLocator(4 if across < 4 else 3, integer=True, steps=[1, 2, 5, 10]))
            ax.yaxis.set_major_locator(MaxNLocator(4 if each > 1.2 else 2, steps=[1, 2, 5, 10]))
        below(figure, "number of tasks", 0.08)
    return figure


def enough(m: Measured, distances: Mapping[str, Floats]) -> tuple[str, ...]:
    """Return one sentence a source: whether its coefficient still moved when the second half of the tasks came, and its interval."""
    said = []
    for s in m.sources:
        d = distances[s.name]
        early = mean_pairwise(d[: len(d) // 2, : len(d) // 2], s.diversity.level).value if len(d) >= 4 else math.nan
        half, moved = (s.diversity.high - s.diversity.low) / 2, abs(s.diversity.value - early)
        if not (math.isfinite(half) and math.isfinite(moved)):
            said.append(f"{s.name}: cannot be said from {len(d)} tasks.")
            continue
        settled, narrow = moved <= half, half <= NARROW * abs(s.diversity.value)
        answer = "yes" if settled and narrow else "not yet"
        said.append(
            f"{s.name}: {answer}; from {len(d) // 2} to {len(d)} tasks it moved by {number(moved)}, and is known to ±{number(half)}."
        )
    return tuple(said)


def _draw(ax: Axes, run: list[Estimate], k: int) -> None:
    sizes = [e.n for e in run]
    ax.axhline(run[-1].value, color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)), zorder=1)
    ax.fill_between(
        sizes, [e.low for e in run], [e.high for e in run], color=BLUE, alpha=0.2, linewidth=0, zorder=2, gid=f"band-{k}"
    )
    ax.plot(sizes, [e.value for e in run], color=BLUE, linewidth=1.5, zorder=3, marker="o", markevery=[-1], markersize=4, clip_on=False,
            gid=f"run-{k}")  # fmt: skip


def _span(runs: list[list[Estimate]]) -> tuple[float, float]:
    values = [e.value for run in runs for e in run]
    ends = [v for run in runs for e in run if 2 * e.n >= run[-1].n for v in (e.low, e.high) if math.isfinite(v)]
    low, high = min([*values, *ends]), max([*values, *ends])
    pad = 0.06 * (high - low) or 0.01
    return low - pad, high + pad
