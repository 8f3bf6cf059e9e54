"""What a person looks at after ``breadth measure``: pictures, and one self-contained page with every number behind them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from matplotlib.figure import Figure

from breadth.errors import DataError
from breadth.report.convergence import convergence_chart, enough
from breadth.report.distances import distance_histograms
from breadth.report.figure import svg
from breadth.report.matrix import agreement_chart, cross_chart, rank_agreement
from breadth.report.measured import Measured, Rival, Source, checked_distances, read_measurement
from breadth.report.page import environment, themed, tight, write_page
from breadth.report.scale import by_diversity, percent, scale_chart
from breadth.report.strips import Extremes, pair_strips
from breadth.report.style import VERDICT_COLOURS, encode
from breadth.report.table import Table
from breadth.report.text_words import CAPTIONS, LEAD, text_headline, text_numbers, text_warnings, without_noise
from breadth.report.told import citation, headline, mixture_words, scale_ends, warnings_of
from breadth.report.words import estimate, number
from breadth.stats.possible import possible
from breadth.study.store import write_json

__all__ = ["fragment", "pictures", "write_measurement"]

RANKED_FROM = 4  # sources below which a rank correlation says nothing
MANY = 6  # sources above which headlines are shorter

_CAPTIONS = {
    "scale": (
        "On one scale",
        "Dots and bars: diversity coefficient, the mean distance between two tasks of a source, with its interval. Orange ticks: noise "
        "floor, the mean distance between two tasks of the same classes with newly drawn items. A dot that is not right of its tick "
        "shows no diversity of classes. Intervals hold for tasks drawn from the given finite data.",
    ),
    "distances": (
        "Distances between tasks",
        "Each row: all distances between two tasks of one source; heights are comparable within a row only. The coefficient is the mean "
        "of the row's histogram.",
    ),
    "cross": (
        "Distances between sources",
        "Each cell: mean distance between a task of one source and a task of the other; framed, the coefficient. Sources are ordered by "
        "the tree above (average linkage): it joins groups at the mean distance between their sources.",
    ),
    "convergence": (
        "Were there enough tasks?",
        "The coefficient and its interval from the first tasks alone, in the order they were drawn. Where the line still climbs or "
        "falls at its right end, more tasks are needed. Dashed: the value from all tasks.",
    ),
    "pairs": (
        "What near and far look like",
        "Images of the two most similar and of the two least similar tasks of each source, by the distance that is measured.",
    ),
    "agreement": (
        "Do other measures agree?",
        "Spearman's rank correlation of the sources under each two measures: 1 means that both rank the sources alike, −1 the other way "
        "round. Columns are numbered as the rows are.",
    ),
}  # fmt: skip


_LEAD = (
    "Diversity coefficient: the mean distance between the Task2Vec embeddings of two tasks of a source. Higher is more diverse. Sources "
    "stand in the order of this value, which noise and numbers of classes can turn: corrected, it is without what newly drawn items of the "
    "same classes add to it."
)
_EXPLAINED = (
    "Corrected for noise: D(D⁻¹(coefficient) − D⁻¹(noise floor)), where D(v) is the distance of two embeddings whose log ratio has the "
    "variance v over the filters, since variances of noise add up and distances do not (docs/notation.md). Split halves: mean distance "
    "between two random halves of a source's own tasks minus that inside the halves; 0 is expected, and what it shows is chance. "
    "Complexity: mean L1 norm of the embeddings, how much information a single task carries; no measure of diversity."
)


def pictures(m: Measured, distances: Mapping[str, npt.ArrayLike], extremes: Mapping[str, Extremes]) -> dict[str, Figure]:
    """Return the figures by name: scale, distances, convergence; cross from two sources, agreement from four, pairs where images are."""
    matrices = checked_distances(m, distances)
    if unknown := sorted(set(extremes) - set(m.names)):
        raise DataError(f"pairs of tasks of {unknown} were given; expected names of measured sources: {m.names}")
    made = {"scale": scale_chart(without_noise(m) if m.of_text else m), "distances": distance_histograms(m, matrices)}
    if len(m.sources) > 1:
        made["cross"] = cross_chart(m)
    made["convergence"] = convergence_chart(m, matrices)
    strips = pair_strips({name: extremes[name] for name in m.names if name in extremes})
    made |= {f"pairs-{k + 1}" if len(strips) > 1 else "pairs": figure for k, figure in enumerate(strips)}
    if len(m.sources) >= RANKED_FROM and len(rank_agreement(m)[0]) > 1:
        made["agreement"] = agreement_chart(m)
    return made


def write_measurement(
    result: Mapping[str, Any],
    distances: Mapping[str, npt.ArrayLike],
    out: Path,
    *,
    extremes: Mapping[str, Extremes] | None = None,
    command: str | None = None,
) -> list[Path]:
    """Write index.html, measurement.json and each picture as PNG and SVG into ``out`` (made where missing); return the paths.

    result: the JSON object of a measurement; distances: source -> pairwise distances [M, M]; extremes: source -> its most and least
    similar pair of tasks, for sources that have images; command: what made the measurement, shown for copying.
    Raises DataError where these do not fit together.
    """
    m = read_measurement(result)
    m = by_diversity(m) if not m.of_text else _in_order_without_noise(m)
    figures = pictures(m, distances, extremes or {})
    drawn = {name: svg(figure) for name, figure in figures.items()}
    out = Path(out)
    paths = [
        write_page(_page(m, result, drawn, enough(m, checked_distances(m, distances)), command), out),
        out / "measurement.json",
    ]
    write_json(paths[1], dict(result))
    for name, figure in figures.items():
        (out / f"{name}.svg").write_text(drawn[name], encoding="utf-8")
        (out / f"{name}.png").write_bytes(encode(figure, "png"))
        paths += [out / f"{name}.svg", out / f"{name}.png"]
    return paths


def fragment(result: Mapping[str, Any]) -> str:
    """Return a small piece of HTML for notebooks: headlines with their warnings over the dot-and-interval chart; light paper always."""
    m = read_measurement(result)
    name = hashlib.sha256(json.dumps(result, sort_keys=True, default=str).encode()).hexdigest()[:8]
    return environment().get_template("fragment.html.jinja").render(
        rows=[(s.name, tight(estimate(s.diversity)), tight(estimate(s.floor)), percent(s), warnings_of(s)) for s in by_diversity(m).sources],
        figure=themed(svg(scale_chart(m)), f"b{name}", _alternative(m)),
        fingerprint=m.comparable,
    )  # fmt: skip


def _in_order_without_noise(m: Measured) -> Measured:
    """Sources of text in the order of the value that the page is about; their coefficients stay as they are."""
    order = by_diversity(without_noise(m)).names
    at = [m.names.index(name) for name in order]
    return replace(m, sources=tuple(m.sources[k] for k in at), cross=m.cross[at][:, at])


def _page(m: Measured, result: Mapping[str, Any], drawn: Mapping[str, str], answers: Sequence[str], command: str | None) -> str:
    shown = without_noise(m) if m.of_text else m
    ranked = shown.sources
    say, warn = (text_headline, text_warnings) if m.of_text else (headline, warnings_of)
    sections = []
    for kind, (title, caption) in (_CAPTIONS | CAPTIONS if m.of_text else _CAPTIONS).items():
        of_kind = [name for name in drawn if name.split("-")[0] == kind]
        alternative = _alternative(m) if kind == "scale" else caption
        figures = [themed(drawn[name], name, alternative) for name in of_kind]
        if figures:
            sections.append((title, caption, figures, answers if kind == "convergence" else ()))
    return environment().get_template("measurement.html.jinja").render(
        m=m,
        many=len(ranked) > MANY,
        ends=scale_ends(m.floor, m.ceiling) if m.floor is not None and m.ceiling is not None else None,
        title=f"How diverse? {', '.join(m.names[:3])}{f' and {len(m.names) - 3} more' if len(m.names) > 3 else ''}",
        heads=[(tight(say(s, m, ends=len(ranked) <= MANY)), [tight(w) for w in warn(s)]) for s in ranked],
        lead=LEAD if m.of_text else _LEAD,
        sections=sections,
        mixture=tight(mixture_words(m)),
        numbers=text_numbers(m, result) if m.of_text else _numbers(m),
        rivals=_rivals(m),
        stability=_stability(m),
        citations=[citation(s, m) for s in ranked],
        changes="batch size or length" if m.of_text else "number of ways or items",
        command=command,
        colours=VERDICT_COLOURS,
        tight=tight,
        protocol=json.dumps({"probe": m.probe, "protocol": m.protocol}, indent=2, sort_keys=True, ensure_ascii=False, default=str),
    )  # fmt: skip


def _alternative(m: Measured) -> str:
    said = (text_headline(s, m) for s in without_noise(m).sources) if m.of_text else (headline(s, m) for s in m.sources)
    return "Dot-and-interval chart of diversity coefficients. " + " ".join(said)


def _numbers(m: Measured) -> Table:
    head = (
        "source",
        "coefficient",
        "noise floor",
        "corrected for noise",
        "of the way",
        "split halves",
        "complexity",
        "tasks",
        "classes",
        "items",
    )
    rows = tuple(
        (
            s.name, estimate(possible(s.diversity)), estimate(possible(s.floor)), estimate(s.corrected), _place(s), estimate(s.split_half),
            estimate(s.complexity), str(s.tasks), str(s.classes), str(s.items),
        )
        for s in by_diversity(m).sources
    )  # fmt: skip
    # Which tasks were drawn is under Protocol; here it would look like another protocol for every source.
    said = ((e.level, e.method.split(", protocol ")[0]) for s in m.sources for e in (s.diversity, s.floor))
    how = "; ".join(dict.fromkeys(f"{level * 100:g} % intervals: {method}" for level, method in said))
    return Table("numbers", "Every number", head, rows, f"{_EXPLAINED} {how}.")


def _place(s: Source) -> str:
    return percent(s) or ("no scale" if s.position is None else "too few tasks to say")


def _rivals(m: Measured) -> Table | None:
    rows: list[tuple[str, ...]] = []
    for name in dict.fromkeys(r.name for s in m.sources for r in s.rivals):
        found = {s.name: r for s in m.sources for r in s.rivals if r.name == name}
        biases, remarks = (
            "; ".join(dict.fromkeys(filter(None, words)))
            for words in ((r.size_bias for r in found.values()), (r.note for r in found.values()))
        )
        rows.append((name, *(_value(found.get(s.name)) for s in m.sources), biases, remarks))
    note = "A measure that moves with the number of items alone may be compared between sources of equal size only."
    return Table("rivals", "Other measures", ("measure", *m.names, "moves with size", "note"), tuple(rows), note) if rows else None


def _value(r: Rival | None) -> str:
    if r is None:
        return "not measured"
    return estimate(r.estimate) if r.estimate.low == r.estimate.low else number(r.estimate.value)


def _stability(m: Measured) -> Table | None:
    rows = tuple(
        (str(r["a"]), str(r["b"]), f"{100 * float(r['flip_rate']):.0f} %", str(r["tasks"]), str(r["n"])) for r in m.stability
    )
    head = ("source", "against", "order flips", "tasks", "redraws")
    note = "How often the order of two coefficients comes out the other way when tasks are drawn again; 50 % is a coin."
    return Table("stability", "Would the order hold?", head, rows, note) if rows else None
