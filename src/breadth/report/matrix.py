"""Heat maps in one hue that read on light and on dark paper: distances between sources with their tree, agreement of measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy.cluster.hierarchy import dendrogram, linkage, optimal_leaf_ordering
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from breadth.report.layout import canvas, size_of
from breadth.report.measured import Floats, Measured, shortened
from breadth.report.style import HEAT, HEAT_AGAINST, INK, MUTED, PAPER, WIDTH, styled, tint

__all__ = ["agreement_chart", "cross_chart", "rank_agreement", "tree_order"]

_CELL, _TREE, _EDGE = 0.62, 0.7, 0.08  # inches: the largest cell, the tree above the cells, the rim
_INK_UNTIL = 0.71  # fill above which words are written in the colour of the paper: readable on light and on dark


def tree_order(cross: Floats) -> tuple[list[int], Floats | None]:
    """Return the order of sources that puts near ones side by side, and the tree [S - 1, 4] of average linkage (as SciPy gives it).

    cross: mean distances between sources [S, S]. No tree for one source or where a distance is missing: then the order is the given one.
    """
    between = np.asarray(cross, dtype=np.float64).copy()
    np.fill_diagonal(between, 0.0)
    if len(between) < 2 or not np.isfinite(between).all():
        return list(range(len(between))), None
    condensed = squareform(between, checks=False)
    tree = optimal_leaf_ordering(linkage(condensed, "average"), condensed)
    return [int(k) for k in dendrogram(tree, no_plot=True)["leaves"]], tree


def cross_chart(m: Measured) -> Figure:
    """Return the heat map of mean distances between the tasks of every two sources, ordered by the tree above it.

    On the diagonal stand the coefficients, framed. The tree joins sources, and groups of them, at their mean distance. Cells of missing
    pairs stay empty.
    """
    order, tree = tree_order(m.cross)
    names = shortened([m.names[k] for k in order], 24 if len(order) <= 10 else 16)
    values = m.cross[np.ix_(order, order)]
    seen = values[np.isfinite(values)]
    low, high = (float(seen.min()), float(seen.max())) if seen.size else (0.0, 1.0)
    fills = 0.06 + 0.94 * (values - low) / ((high - low) or 1.0)
    with styled():
        figure, ax, cell = _grid(names, names, above=_TREE + 0.15 if tree is not None else 0.1, below=0.45)
        _cells(figure, ax, values, fills, np.full(values.shape, HEAT), cell)
        for k in range(len(names)):
            ax.add_patch(Rectangle((k + 0.03, k + 0.03), 0.94, 0.94, fill=False, edgecolor=INK, linewidth=1.1, zorder=3))
        if tree is not None:
            _tree(figure, ax, tree)
        _ramp(figure, low, high)
    return figure


def rank_agreement(m: Measured) -> tuple[list[str], Floats]:
    """Return names of the measures and Spearman's correlation of the sources under each two [R, R]; nan where one of them is constant.

    Measures: the coefficient, the coefficient corrected for noise, complexity, and each rival that is finite for every source.
    """
    columns = {
        "diversity coefficient": [s.diversity.value for s in m.sources],
        "corrected for noise": [s.corrected.value for s in m.sources],
        "complexity": [s.complexity.value for s in m.sources],
    }
    for name in dict.fromkeys(r.name for s in m.sources for r in s.rivals):
        found = [[r.estimate.value for r in s.rivals if r.name == name] for s in m.sources]
        if all(len(values) == 1 for values in found):
            columns[name] = [values[0] for values in found]
    kept = {name: values for name, values in columns.items() if np.isfinite(values).all()}
    ranks = np.array([rankdata(values) for values in kept.values()]).reshape(len(kept), len(m.sources))
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    norms = np.sqrt((centred**2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return list(kept), centred @ centred.T / np.outer(norms, norms)


def agreement_chart(m: Measured) -> Figure:
    """Return the heat map of ``rank_agreement``: blue where two measures rank the sources alike, orange where the other way round."""
    names, rho = rank_agreement(m)
    with styled():
        shown = shortened(names, 34)
        figure, ax, cell = _grid(shown, [str(k + 1) for k in range(len(names))], above=0.1, below=0.5, widest=0.46, numbered=True)
        _cells(figure, ax, rho, np.abs(rho), np.where(rho < 0, HEAT_AGAINST, HEAT), cell)
        _signed_ramp(figure)
    return figure


def _grid(
    names: Sequence[str], columns: Sequence[str], *, above: float, below: float, widest: float = _CELL, numbered: bool = False
) -> tuple[Figure, Axes, float]:
    """Return a figure with an empty square grid, its axes (cell (i, j) is [j, j + 1] x [i, i + 1]) and the size of a cell in inches."""
    probe = canvas(1.0)
    rows = [f"{name}  {k + 1}" for k, name in enumerate(names)] if numbered else list(names)
    left = _EDGE + max(size_of(probe, name)[0] for name in rows) + 0.08
    cell = min(widest, (WIDTH - left - _EDGE) / len(names))
    left += (WIDTH - left - _EDGE - cell * len(names)) / 2
    upright = max(size_of(probe, name)[0] for name in columns) > cell - 0.06
    deep = max(size_of(probe, name)[0] for name in columns) if upright else 0.16
    figure = canvas(above + cell * len(names) + 0.06 + deep + below)
    height = figure.get_size_inches()[1]
    side = cell * len(names)
    ax = figure.add_axes((left / WIDTH, 1 - (above + side) / height, side / WIDTH, side / height))
    ax.set_axis_off()
    ax.set_xlim(0, len(names))
    ax.set_ylim(len(names), 0)
    for k, (row, column) in enumerate(zip(rows, columns, strict=True)):
        ax.text(-0.06 / cell, k + 0.5, row, ha="right", va="center_baseline")
        ax.text(k + 0.5, len(names) + 0.06 / cell, column, ha="center", va="top", rotation=90 if upright else 0)
    return figure, ax, cell


def _cells(figure: Figure, ax: Axes, values: Floats, fills: Floats, colours: Any, cell: float) -> None:
    """Draw the finite cells, with their values where two decimals fit (without the leading zero where only those do)."""
    gap = min(0.03, 0.003 / cell + 0.01)
    finite = values[np.isfinite(values)]
    sign = "−" if (finite < 0).any() else ""
    zero, bare = (size_of(figure, f"{sign}{words}")[0] <= cell - 0.03 for words in ("0.00", ".00"))
    for i, j in np.argwhere(np.isfinite(values)):
        fill = float(min(fills[i, j], 1.0))
        ax.add_patch(
            Rectangle(
                (j + gap, i + gap),
                1 - 2 * gap,
                1 - 2 * gap,
                facecolor=tint(str(colours[i, j]), fill),
                linewidth=0,
                gid=f"cell-{i}-{j}",
            )
        )
        if bare and (zero or finite.max() < 9.995):
            words = f"{values[i, j]:.2f}".replace("-", "−")
            if not zero:  # 0.25 -> .25, and 1.00 -> 1.0 of the same width
                words = words.replace("0.", ".", 1) if abs(values[i, j]) < 0.995 else words[:-1]
            colour = INK if fill <= _INK_UNTIL else PAPER
            ax.text(j + 0.5, i + 0.5, words, ha="center", va="center_baseline", color=colour, gid=f"value-{i}-{j}")


def _tree(figure: Figure, ax: Axes, tree: Floats) -> None:
    box, height = ax.get_position(), figure.get_size_inches()[1]
    top = figure.add_axes((box.x0, box.y1 + 0.06 / height, box.width, _TREE / height))
    top.set_axis_off()
    drawn = dendrogram(tree, no_plot=True)
    highest = max(max(ys) for ys in drawn["dcoord"]) or 1.0
    for xs, ys in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        top.plot([x / 10 for x in xs], [y / highest for y in ys], color=MUTED, linewidth=1.0)
    top.set_xlim(0, len(tree) + 1)
    top.set_ylim(0, 1.04)


def _ramp(figure: Figure, low: float, high: float) -> None:
    """Say at the foot what the fill means: a ramp between the smallest and the largest value."""
    height = figure.get_size_inches()[1]
    said = f"mean distance between tasks: {low:.3g}", f"{high:.3g}", "framed: diversity coefficient"
    before, middle, after = (size_of(figure, words)[0] for words in said)
    x = (WIDTH - before - middle - after - 1.7) / 2
    figure.text(x / WIDTH, 0.16 / height, said[0], va="center_baseline")
    x += before + 0.1
    for k in range(12):
        figure.add_artist(Rectangle(((x + k * 0.1) / WIDTH, 0.09 / height), 0.095 / WIDTH, 0.14 / height, transform=figure.transFigure,
                                    facecolor=tint(HEAT, 0.06 + 0.94 * k / 11), linewidth=0))  # fmt: skip
    figure.text((x + 1.3) / WIDTH, 0.16 / height, said[1], va="center_baseline")
    figure.text((x + 1.6 + middle) / WIDTH, 0.16 / height, said[2], va="center_baseline")


def _signed_ramp(figure: Figure) -> None:
    """Say at the foot what the fills of a correlation mean."""
    height = figure.get_size_inches()[1]
    said = "Spearman's rank correlation: −1", "1"
    before, after = (size_of(figure, words)[0] for words in said)
    x = (WIDTH - before - after - 1.7) / 2
    figure.text(x / WIDTH, 0.16 / height, said[0], va="center_baseline")
    x += before + 0.1
    for k, value in enumerate(np.linspace(-1, 1, 13)):
        colour = tint(HEAT_AGAINST if value < 0 else HEAT, abs(float(value)))
        figure.add_artist(Rectangle(((x + k * 0.1) / WIDTH, 0.09 / height), 0.095 / WIDTH, 0.14 / height, transform=figure.transFigure,
                                    facecolor=colour, linewidth=0))  # fmt: skip
    figure.text((x + 1.4) / WIDTH, 0.16 / height, said[1], va="center_baseline")
