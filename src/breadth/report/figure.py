"""The one plot: diversity of the training data against accuracy and loss; and the dose-response in the number of domains.

Figures are drawn on Agg canvases through objects, without global plotting state, and hold exactly the stored values.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from breadth.errors import DataError
from breadth.report.layout import below, canvas, legends, panels, place_apart, shade, size_of, strip, title
from breadth.report.style import INK, MUTED, PAPER, VERDICT_COLOURS, colour_of, encode, marker_of, styled, tint
from breadth.report.words import estimate, find_estimate, primary_series, shown_series
from breadth.study.finding import Analysis, Baseline, Dose, Point, Series

__all__ = ["caption", "dose", "draw", "drawn_points", "save", "svg"]

# A reference arm so many spans of the points beyond them is told in words: drawn, it would press all points into one line.
_FAR = 3.0
_STROKE = 0.16  # inches from a panel to the names of its baselines
_DASHES = ((0, (6, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 3)))


def draw(analysis: Analysis) -> Figure:
    """Return the figure of a study: one panel a metric, one series a learner, against the primary probe's diversity coefficient.

    Every finite stored point is drawn with its two intervals; a bar whose interval is nan is left out. The fill of a marker is the
    darker the more domains its training set has; a marker whose x is a published value is hollow and larger. Baselines are horizontal
    lines named in the margin. The strip below says the verdict with n, r and interval of the primary series. Raises DataError where
    there is no series to draw.
    """
    series = shown_series(analysis)
    main = primary_series(analysis)
    if main is None:
        raise DataError(f"analysis '{analysis.study}' holds no series, expected at least one; run the study before its report")
    metrics = [m for m in ("accuracy", "loss") if any(s.metric == m for s in series)]
    learners = list(dict.fromkeys(s.learner for s in series))
    levels = sorted({p.level for s in series for p in s.points})
    labels = {s.learner: f"{s.learner}, {s.condition}, n = {len(drawn_points(s))}" for s in reversed(series)}
    with styled():
        figure = canvas(4.2 + 0.24 * max(0, len(learners) - 2))
        top = legends(figure, [(x, labels[x]) for x in learners], levels)
        foot = strip(figure, analysis.verdict.upper(), VERDICT_COLOURS[analysis.verdict], caption(main))
        names = [size_of(figure, _wrapped(b.name), linespacing=1.0)[0] for b in analysis.baselines]
        axes = panels(figure, len(metrics), top=top, bottom=foot + 0.56, margin=max(names) + _STROKE if names else 0.12)
        for ax, metric in zip(axes, metrics, strict=True):
            ax.set_gid(f"panel-{metric}")
            here = [s for s in series if s.metric == metric]
            lines = _lines(analysis, metric)
            for s in here:
                _draw_fit(ax, s, colour_of(s.learner, learners))
            for s in here:
                _draw_points(ax, s, colour_of(s.learner, learners), marker_of(s.learner, learners), levels)
            _limit(ax, here, _near(here, lines))
            _draw_baselines(figure, ax, lines)
            title(ax, *_title(metric, here[0].unit))
            ax.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
            ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        removed = any(m.plain is not None for m in analysis.measures)
        below(figure, _x_label(main.probe, series, without_noise=removed), foot + 0.1)
    return figure


def _title(metric: str, unit: str) -> tuple[str, str]:
    """What an axis shows, and which direction is better; unit: of the series, where its metric alone does not say it."""
    if metric == "diversity":
        return "diversity coefficient", ""
    if metric == "accuracy":
        return "accuracy", "higher is better"
    return f"cross-entropy loss, {unit or 'nats'}", "lower is better"


def _x_label(probe: str, series: Sequence[Series], *, without_noise: bool) -> str:
    """What the horizontal axis shows, and where some or all of it was taken from publications."""
    points = [p for s in series for p in s.points]
    taken = sum(bool(p.published) for p in points)
    if taken == 0:
        return f"diversity coefficient of the training data{', estimator noise removed' if without_noise else ''} (probe: {probe})"
    if taken == len(points):
        return "diversity coefficient of the training data (hollow: published, not measured here)"
    return f"diversity coefficient of the training data (probe: {probe}; hollow: published, not measured here)"


def caption(main: Series) -> str:
    """Return the line beside the verdict: what was correlated, over how many training sets, and r with its interval."""
    r = find_estimate(main, "pearson")
    level = f" ({r.level * 100:g} %)" if r is not None and not math.isnan(r.low) else ""
    n = len(drawn_points(main))
    sets = f"n = {n} training set{'s' if n != 1 else ''}"
    return f"primary: {main.learner} {main.metric}, {sets}, Pearson r = {estimate(r, why=False)}{level}"


def dose(analysis: Analysis) -> Figure:
    """Return the dose-response figure: number of domains against diversity and against each score, means with their intervals.

    Raises DataError where the analysis holds no doses.
    """
    if not analysis.doses:
        raise DataError(
            f"analysis '{analysis.study}' holds no doses, expected one a number of domains; run the study before its report"
        )
    learners = list(dict.fromkeys(d.learner for d in analysis.doses))
    metrics = [m for m in ("accuracy", "loss") if any(d.metric == m for d in analysis.doses)]
    levels = sorted({d.level for d in analysis.doses})
    with styled():
        figure = canvas(2.9)
        top = legends(figure, [(x, x) for x in learners], [])
        axes = panels(figure, 1 + len(metrics), top=top, bottom=0.58, margin=0.05)
        for ax, metric in zip(axes, ["diversity", *metrics], strict=True):
            ax.set_gid(f"dose-{metric}")
            for k, learner in enumerate(learners):
                stored = [
                    d
                    for d in analysis.doses
                    if d.learner == learner and d.metric == (metrics[0] if metric == "diversity" else metric)
                ]
                _draw_dose(ax, sorted(stored, key=lambda d: d.level), metric, k - (len(learners) - 1) / 2, learners)
            _level_axis(ax, levels)
            ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
            unit = next((s.unit for s in shown_series(analysis) if s.metric == metric), "")
            title(ax, _title(metric, unit)[0], "")
        below(figure, "number of domains in the training set", 0.08)
    return figure


def svg(figure: Figure) -> str:
    """Return a figure as SVG text; its words stay words."""
    return encode(figure, "svg").decode()


def save(analysis: Analysis, folder: str | Path, stem: str = "figure") -> tuple[Path, ...]:
    """Write ``stem.png`` (200 dpi), ``stem.svg`` and ``stem.pdf``; where there are doses, ``stem-dose`` too; return the paths.

    The bytes depend on the analysis only.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    figures = {stem: draw(analysis)} | ({f"{stem}-dose": dose(analysis)} if analysis.doses else {})
    paths = []
    for name, figure in figures.items():
        for kind in ("png", "svg", "pdf"):
            path = target / f"{name}.{kind}"
            path.write_bytes(encode(figure, kind))
            paths.append(path)
    return tuple(paths)


def drawn_points(series: Series) -> tuple[Point, ...]:
    """Return the points that can be drawn: finite x and y."""
    return tuple(p for p in series.points if math.isfinite(p.x) and math.isfinite(p.y))


def _finite(*values: float) -> bool:
    return all(math.isfinite(v) for v in values)


def _slug(name: str) -> str:
    """Return ``name`` as part of an SVG id, which may hold no blanks."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", name)


def _wrapped(name: str) -> str:
    return "\n".join(textwrap.wrap(name, 11, break_long_words=False))


def _draw_points(ax: Axes, series: Series, colour: str, marker: str, levels: Sequence[int]) -> None:
    points = drawn_points(series)
    crowd = len(points) > 20
    flat = [p for p in points if _finite(p.x_low, p.x_high)]
    tall = [p for p in points if _finite(p.y_low, p.y_high)]
    wide, faint = (0.7, 0.35) if crowd else (1.0, 0.6)
    name = f"{_slug(series.learner)}-{series.metric}"
    if flat:
        ax.hlines(
            [p.y for p in flat], [p.x_low for p in flat], [p.x_high for p in flat],
            colors=colour, linewidths=wide, alpha=faint, zorder=2.5, gid=f"{name}-x-bars",
        )  # fmt: skip
    if tall:
        ax.vlines(
            [p.x for p in tall], [p.y_low for p in tall], [p.y_high for p in tall],
            colors=colour, linewidths=wide, alpha=faint, zorder=2.5, gid=f"{name}-y-bars",
        )  # fmt: skip
    if points:
        x, y = [p.x for p in points], [p.y for p in points]
        size = 16 if crowd else 30
        # Paper under the see-through fill, so that bars end at the marker's edge.
        sizes = [1.8 * size if p.published else size for p in points]  # so that the lightest fill cannot be taken for a hollow mark
        ax.scatter(x, y, s=sizes, marker=marker, facecolors=PAPER, edgecolors="none", zorder=2.9, gid=f"{name}-paper")
        fills = [PAPER if p.published else tint(colour, shade(p.level, levels)) for p in points]
        ax.scatter(
            x, y, s=sizes, marker=marker, facecolors=fills, edgecolors=colour, linewidths=0.9, zorder=3, gid=f"{name}-points"
        )


def _draw_fit(ax: Axes, series: Series, colour: str) -> None:
    fit = series.fit
    if len(fit.x) < 2 or not _finite(*fit.x, *fit.y):
        return
    name = f"{_slug(series.learner)}-{series.metric}"
    if _finite(*fit.low, *fit.high):
        ax.fill_between(fit.x, fit.low, fit.high, color=colour, alpha=0.14, linewidth=0, zorder=1, gid=f"{name}-band")
    ax.plot(fit.x, fit.y, color=colour, linewidth=1.6, zorder=2, gid=f"{name}-fit", solid_capstyle="butt")


def _span(core: Iterable[float], reach: Iterable[float]) -> tuple[float, float]:
    """Limits that hold all of ``core``, and of ``reach`` (ends of intervals) at most once the core's own span beyond it.

    Without that bound a single very wide bar would press all points into one corner; it runs out of the frame instead.
    """
    inner = list(core)
    low, high = min(inner), max(inner)
    ends = [v for v in reach if math.isfinite(v)]
    room = (high - low) if high > low else math.inf
    low, high = max(min([low, *ends]), low - room), min(max([high, *ends]), high + room)
    pad = 0.05 * (high - low) or 0.05 * (abs(high) or 1.0)
    return low - pad, high + pad


def _lines(analysis: Analysis, metric: str) -> list[Baseline]:
    return [b for b in analysis.baselines if b.metric == metric and not math.isnan(b.estimate.value)]


def _near(series: Sequence[Series], lines: Sequence[Baseline]) -> list[Baseline]:
    """The reference arms that fit into one panel with the points."""
    ys = [p.y for s in series for p in drawn_points(s)]
    if not ys or max(ys) == min(ys):
        return list(lines)
    room = _FAR * (max(ys) - min(ys))
    return [b for b in lines if min(ys) - room <= b.estimate.value <= max(ys) + room]


def _limit(ax: Axes, series: Sequence[Series], lines: Sequence[Baseline]) -> None:
    points = [p for s in series for p in drawn_points(s)]
    fits = [s.fit for s in series if len(s.fit.x) > 1 and _finite(*s.fit.x, *s.fit.y)]
    if not points:
        ax.annotate(
            "no point could be drawn:\nx or y is not estimable",
            (0.5, 0.5),
            xycoords="axes fraction",
            ha="center",
            va="center",
            color=MUTED,
        )
        return
    ax.set_xlim(_span([p.x for p in points], [v for p in points for v in (p.x_low, p.x_high)]))
    ends = [v for p in points for v in (p.y_low, p.y_high)] + [v for f in fits for v in (*f.low, *f.high)]
    ax.set_ylim(_span([*(p.y for p in points), *(b.estimate.value for b in lines)], ends))


def _draw_baselines(figure: Figure, ax: Axes, lines: Sequence[Baseline]) -> None:
    """Draw reference arms as lines with their names in the margin; of one beyond the panel, name, value and direction only."""
    if not lines:
        return
    low, high = ax.get_ylim()
    inches = ax.get_position().height * figure.get_size_inches()[1]
    gap = _STROKE / (ax.get_position().width * figure.get_size_inches()[0])
    said = [_wrapped(b.name) + _beyond(b.estimate.value, low, high) for b in lines]
    heights = [size_of(figure, words, linespacing=1.0)[1] / inches + 0.035 for words in said]
    ends = [min(max((b.estimate.value - low) / (high - low), 0.0), 1.0) for b in lines]
    for k, (b, at) in enumerate(zip(lines, place_apart(ends, heights, -0.05, 1.0), strict=True)):
        e = b.estimate
        ax.text(1 + gap, at, said[k], transform=ax.transAxes, va="center", ha="left", linespacing=1.0)
        if not low <= e.value <= high:
            continue
        if _finite(e.low, e.high):
            ax.axhspan(e.low, e.high, color=MUTED, alpha=0.12, linewidth=0, zorder=0.5)
        ax.axhline(
            e.value, color=INK, linewidth=0.9, linestyle=_DASHES[k % len(_DASHES)], zorder=1.5, gid=f"baseline-{b.metric}-{k}"
        )
        # Names of near lines are moved apart; a stroke from the line's end to its name says whose is whose.
        bend = [1.005, 1 + 0.5 * gap, 1 + 0.9 * gap]
        ax.plot(
            bend, [ends[k], at, at], color=MUTED, linewidth=0.6, clip_on=False, transform=ax.transAxes, scalex=False, scaley=False
        )


def _beyond(value: float, low: float, high: float) -> str:
    """The value and where it lies, for a reference arm that a panel does not hold."""
    arrow = "" if low <= value <= high else "\u2191" if value > high else "\u2193"
    return f"\n{value:.3g} {arrow}" if arrow else ""


def _draw_dose(ax: Axes, doses: Sequence[Dose], metric: str, offset: float, learners: list[str]) -> None:
    rows = [(d.level, d.x if metric == "diversity" else d.y) for d in doses]
    rows = [(level, e) for level, e in rows if math.isfinite(e.value)]
    if not rows:
        return
    learner = doses[0].learner
    colour = colour_of(learner, learners)
    at = [level * 1.045**offset for level, _ in rows]  # side by side, so that bars of two series do not cover each other
    ax.plot(at, [e.value for _, e in rows], color=colour, linewidth=1.2, marker=marker_of(learner, learners), markersize=4.5,
            markeredgecolor=PAPER, markeredgewidth=0.5, zorder=3, gid=f"{_slug(learner)}-{metric}-dose")  # fmt: skip
    bars = [(x, e.low, e.high) for x, (_, e) in zip(at, rows, strict=True) if _finite(e.low, e.high)]
    if bars:
        x, low, high = zip(*bars, strict=True)
        ax.vlines(x, low, high, colors=colour, linewidths=1.0, alpha=0.6, zorder=2, gid=f"{_slug(learner)}-{metric}-dose-bars")


def _level_axis(ax: Axes, levels: Sequence[int]) -> None:
    ax.set_xscale("log")
    span = math.log(levels[-1] / levels[0]) or 1.0
    kept: list[int] = []
    for level in levels:  # a tick that would touch its left neighbour is left out
        if not kept or math.log(level / kept[-1]) / span > 0.09:
            kept.append(level)
    ax.xaxis.set_major_locator(FixedLocator([float(v) for v in kept]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    pad = float(np.exp(0.08 * span)) if len(levels) > 1 else 1.5
    ax.set_xlim(levels[0] / pad, levels[-1] * pad)
