"""One self-contained HTML page that a stranger can read: question, verdict, figure, the way to the verdict, every number."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from breadth.report.checklist import checklist
from breadth.report.figure import dose, draw, drawn_points, svg
from breadth.report.style import COLOURS, HEAT, HEAT_AGAINST, INK, MUTED, PAPER, VERDICT_COLOURS
from breadth.report.table import tables
from breadth.report.words import (
    estimate,
    left_out,
    number,
    p_value,
    primary_series,
    published_points,
    shown_series,
    verdict_sentence,
    winner_sentence,
    with_interval,
)  # fmt: skip
from breadth.study.finding import Analysis, Series

__all__ = ["environment", "render", "scope", "themed", "tight", "write", "write_page"]

# Colours of the figures that the page replaces by its own, so that one SVG reads well on light and on dark.
_THEME = {INK: "ink", MUTED: "muted", PAPER: "paper", COLOURS["PT"]: "pt", COLOURS["MAML"]: "maml", HEAT: "heat", HEAT_AGAINST: "heat-against",
          **{c: v for v, c in VERDICT_COLOURS.items() if c != MUTED}}  # fmt: skip


def environment() -> Environment:
    """Return where templates come from: this room, every value escaped, an unknown name an error."""
    return Environment(
        loader=PackageLoader("breadth.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(analysis: Analysis, figure_svg: str, dose_svg: str | None = None) -> str:
    """Return the page as HTML text. Names and words of the study are escaped; nothing is loaded from outside.

    figure_svg, dose_svg: SVG text of ``breadth.report.figure.draw`` and ``dose``.
    """
    main = primary_series(analysis)
    made = {t.name: t for t in tables(analysis)}
    return (
        environment()
        .get_template("page.html.jinja")
        .render(
            a=analysis,
            sentence=verdict_sentence(analysis),
            colours=VERDICT_COLOURS,
            figure=themed(figure_svg, "f", f"Scatter plot. {_alternative(analysis)}"),
            dose=themed(dose_svg, "d", "Number of domains against diversity and against each score.") if dose_svg else None,
            caption=_caption(analysis),
            scope=scope(analysis),
            numbers=_key_numbers(main) if main else [],
            main=main,
            winner="" if "text" in analysis.protocol else winner_sentence(analysis.comparisons),
            tables=made,
            answers=checklist(analysis),
            points=_points(analysis),
            notes=_notes(shown_series(analysis)),
            estimate=estimate,
            tight=tight,
            protocol=json.dumps(analysis.protocol, indent=2, sort_keys=True, ensure_ascii=False, default=str),
            command=analysis.protocol.get("command"),
        )
    )


def write(analysis: Analysis, folder: str | Path) -> Path:
    """Write ``index.html`` into ``folder`` (made where missing) with both figures drawn in; return its path."""
    text = render(analysis, svg(draw(analysis)), svg(dose(analysis)) if analysis.doses else None)
    return write_page(text, folder)


def write_page(text: str, folder: str | Path) -> Path:
    """Write ``text`` as ``index.html`` into ``folder`` (made where missing) and return its path; a reader never sees half a page."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    path = target / "index.html"
    partial = target / f".index.html.{os.getpid()}"
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return path


def themed(figure_svg: str, prefix: str, alternative: str) -> Markup:
    """Return an SVG file as an element for the page: no prolog or metadata, ids of its own, the page's colours, a text alternative.

    prefix: put before every id, because two figures on one page would share ids; alternative: what a screen reader says.
    """
    body = figure_svg[figure_svg.index("<svg") :]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    head, rest = body.split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head)
    if box is None:
        raise ValueError("figure_svg has no viewBox, expected SVG text of breadth.report.figure.svg")
    rest = re.sub(r'\bid="', f'id="{prefix}-', rest)
    rest = rest.replace("url(#", f"url(#{prefix}-").replace('xlink:href="#', f'href="#{prefix}-')
    for colour, name in _THEME.items():
        rest = rest.replace(colour, f"var(--{name}, {colour})")
    label = Markup('<svg viewBox="{}" role="img" aria-label="{}">').format(box[1], alternative)
    return label + Markup(rest)


def scope(analysis: Analysis) -> str:
    """Return which finite data the intervals are valid for, with the evaluation sets by name where the protocol names them."""
    series = shown_series(analysis)
    sets = {p.train for s in series for p in drawn_points(s)}
    given = analysis.protocol.get("evaluation", analysis.protocol.get("fixed before any run", {}).get("evaluation"))
    named: Any = given.get("data") if isinstance(given, dict) else given
    names = (
        f" ({', '.join(map(str, named))})" if isinstance(named, list) and named else f" ({named})" if isinstance(named, str) else ""
    )
    suite = (
        "Each training set is scored on its own held-out classes."
        if named == "own"
        else f"All scores are on the one fixed evaluation suite{names}."
    )
    which = "the training set" if len(sets) == 1 else f"each of the {len(sets)} training sets"
    return (
        f"Horizontal intervals hold for tasks drawn from the given finite data of {which}. {suite} "
        "Correlations and slopes treat training sets as the unit. "
        "None of them speaks of other data, other networks or other ways of training."
    )


def tight(words: str) -> str:
    """Keep an interval on one line: no break after its comma."""
    return re.sub(r"\[([^\[\],]+), ([^\[\],]+)\]", "[\\1,\u00a0\\2]", words)


def _alternative(analysis: Analysis) -> str:
    parts = [f"{s.learner} {s.metric}: {len(drawn_points(s))} training sets" for s in shown_series(analysis)]
    return f"Horizontal: diversity coefficient of the training data. Vertical: {'; '.join(parts)}. Verdict: {analysis.verdict}."


def _bars(analysis: Analysis) -> str:
    """What the vertical bars are over, as each series says; nothing of a series that does not say. Alike series share a sentence."""
    series = [s for s in shown_series(analysis) if s.bars]
    by_phrase = {s.bars: [x for x in series if x.bars == s.bars] for s in series}
    said = []
    for phrase, alike in by_phrase.items():
        learners = list(dict.fromkeys(s.learner for s in alike))
        of = [f"{name} {' and '.join(s.metric for s in alike if s.learner == name)}" for name in learners]
        said.append(f" Vertical bars of {'; '.join(of)}: {phrase}.")
    return "".join(said)


def _caption(analysis: Analysis) -> str:
    dropped = sum(len(s.points) - len(drawn_points(s)) for s in shown_series(analysis))
    missing = (
        f" {dropped} point{'s' if dropped != 1 else ''} could not be drawn because x or y is not estimable." if dropped else ""
    )
    bars = any(
        not math.isfinite(v)
        for s in shown_series(analysis)
        for p in drawn_points(s)
        for v in (p.x_low, p.x_high, p.y_low, p.y_high)
    )
    nan = " A point without a bar has no estimable interval." if bars else ""
    lines = " Dashed and dotted lines: reference arms." if analysis.baselines else ""
    taken = published_points(shown_series(analysis))
    hollow = f" Hollow marks: {taken}" if taken else ""
    return (
        "Each mark is one training set under one learner, averaged over training seeds; the fuller its colour, the more domains it "
        f"holds. Bars: intervals of x and of y.{_bars(analysis)} Lines and bands: fitted straight line with its pointwise interval."
        f"{lines}{hollow}{nan}{missing}"
    )


def _key_numbers(main: Series) -> list[tuple[str, str, str]]:
    """Name, value and origin of every statistic of the primary series, and the span of x that was seen."""
    points = drawn_points(main)
    rows = [("training sets", str(len(points)), f"{main.learner}, {main.metric}, {main.condition}, probe {main.probe}")]
    if points:
        xs = [p.x for p in points]
        rows.append(("diversity seen", f"{number(min(xs))} to {number(max(xs))}", "smallest and largest coefficient"))
    out = left_out(main)  # one number a domain: those stand among the further statistics
    for name, e in main.estimates.items():
        if name in out:
            continue
        bare = math.isnan(e.low) or math.isnan(e.high)
        rows.append(
            (name, number(e.value) if bare else estimate(e), f"{e.method}{'; no interval' if bare else f'; {e.level * 100:g} %'}")
        )
    return [*rows, *((f"p, {name}", p_value(p), "") for name, p in main.p_values.items())]


def _points(analysis: Analysis) -> list[tuple[str, ...]]:
    return [
        (
            p.train, p.learner, s.metric, "mean" if p.seed is None else str(p.seed), str(p.level),
            with_interval(p.x, p.x_low, p.x_high) + (" (published)" if p.published else ""), with_interval(p.y, p.y_low, p.y_high),
        )
        for s in shown_series(analysis)
        for p in s.points
    ]  # fmt: skip


def _notes(series: Sequence[Series]) -> list[str]:
    """Remarks of the series, each once with the series that it holds for."""
    holders: dict[str, list[str]] = {}
    for s in series:
        for note in s.notes:
            holders.setdefault(note, []).append(f"{s.learner} {s.metric}")
    return [note if len(names) == len(series) else f"{', '.join(names)}: {note}" for note, names in holders.items()]
