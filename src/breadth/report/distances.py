"""How far apart the tasks of each source are: one histogram of pairwise distances a source, on a shared axis."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from breadth.report.layout import below
from breadth.report.measured import Floats, Measured
from breadth.report.rows import BLUE, ORANGE, limits, mark, named_lines, rows, scale_marks
from breadth.report.style import MUTED, styled, tint

__all__ = ["distance_histograms"]

_BASE, _FULL = 0.8, 0.72  # of a row: where its histogram stands, and how high its tallest bar is


def distance_histograms(m: Measured, distances: Mapping[str, Floats]) -> Figure:
    """Return one histogram a source of its M (M - 1) / 2 pairwise distances; axis and bins are shared, each row has its own height.

    Marks: the coefficient with its interval, the noise floor, and lines at floor and ceiling of the scale.
    distances: name -> [M, M], as ``checked_distances`` returns.
    """
    pairs = {name: d[np.triu_indices(len(d), 1)] for name, d in distances.items()}
    span = limits(m, [v for p in pairs.values() for v in (float(p.min()), float(p.max()))])
    bins = np.linspace(*span, 61)
    alone = len(m.sources) == 1
    marks = scale_marks(m)
    if alone:  # one row has room to name its own marks too
        s = m.sources[0]
        marks += [("noise floor", s.floor.value, ORANGE), ("coefficient", s.diversity.value, BLUE)]
    with styled():
        figure, ax = rows(m, 1.6 if alone else 0.5, span)
        for k, s in enumerate(m.sources):
            counts, _ = np.histogram(pairs[s.name], bins)
            base = k + _BASE
            tops = base - _FULL * counts / max(1, int(counts.max()))
            ax.stairs(tops, bins, baseline=base, fill=True, color=tint(BLUE, 0.32), linewidth=0, gid=f"histogram-{k}")
            ax.hlines(base, *span, colors=MUTED, linewidths=0.5, alpha=0.5)
            mark(ax, base, s, k)
        named_lines(figure, ax, [line for line in marks if math.isfinite(line[1])])
        below(figure, "distance between two tasks of a source", 0.08)
    return figure
