"""What the page of a measurement says where the tasks are batches of text: no classes, and a noise floor that is the estimator's alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from breadth.report.measured import Measured, Source
from breadth.report.scale import percent
from breadth.report.table import Table
from breadth.report.told import scale_ends
from breadth.report.words import NOT_ESTIMABLE, estimate, number
from breadth.stats.interval import Estimate

__all__ = ["CAPTIONS", "LEAD", "text_headline", "text_numbers", "text_warnings", "without_noise"]

LEAD = (
    "Diversity coefficient of text: the mean distance between the Task2Vec embeddings of two batches of sequences of a source, without the "
    "noise of the estimator. Higher is more diverse. Rows of words and positions are left out; the table shows the value with them."
)
CAPTIONS = {
    "scale": (
        "On one scale",
        "Dots and bars: diversity coefficient without the estimator's noise, with its interval. Orange ticks: that noise, the distance of a "
        "batch to itself under other random signs, which has been taken out. Scale floor: one constant token, the published lower bound. "
        "Scale ceiling: batches that each come from another random language. Intervals hold for batches drawn from the given data.",
    ),
    "distances": (
        "Distances between batches",
        "Each row: all distances between two batches of one source, noise included; heights are comparable within a row only.",
    ),
    "cross": (
        "Distances between sources",
        "Each cell: mean distance between a batch of one source and a batch of the other, noise included. Sources are ordered by the tree "
        "above (average linkage): it joins groups at the mean distance between their sources.",
    ),
    "convergence": (
        "Were there enough batches?",
        "The coefficient, noise included, and its interval from the first batches alone. Where the line still climbs or falls at its right "
        "end, more batches are needed. Dashed: the value from all batches.",
    ),
}  # fmt: skip
_EXPLAINED = (
    "Without noise: D(D⁻¹(plain) − D⁻¹(noise)), where D(v) is the distance of two embeddings whose log ratio has the variance v "
    "(docs/notation.md). With rows: the same with the rows of words and positions, which count shared words. Split halves: mean distance "
    "between two random halves of a source's own batches minus that inside the halves; 0 is expected. Batches drawn from one pool come "
    "closer the larger they are: values of batches of another size are no comparison."
)


def without_noise(m: Measured) -> Measured:
    """Return the measurement with the corrected value of each source in the place of the coefficient."""
    return replace(m, sources=tuple(replace(s, diversity=s.corrected) for s in m.sources))


def text_headline(s: Source, m: Measured, *, ends: bool = True) -> str:
    """Return the sentence of a source of ``without_noise``; ``ends``: say where the scale ends, too."""
    if m.floor is None or m.ceiling is None or not percent(s):
        return f"{s.name}: {estimate(s.diversity)}."
    return f"{s.name}: {estimate(s.diversity)}, {percent(s)} of the way{f' from {scale_ends(m.floor, m.ceiling)}' if ends else ''}."


def text_warnings(s: Source) -> tuple[str, ...]:
    """Return what a reader of this source's number must know: one sentence each, none where all is well."""
    c = s.diversity
    if math.isnan(c.low):
        return (f"Its interval is {NOT_ESTIMABLE} from {s.tasks} batches.",)
    if c.low <= 0:
        return (
            f"Cannot be told from the estimator's noise ({number(s.floor.value)}): its interval holds 0. More batches (--tasks) or draws "
            "(--draws) may tell.",
        )
    return ()


def text_numbers(m: Measured, result: Mapping[str, Any]) -> Table:
    """Return the table of every number, with the published upper bound as a row of its own; ``result``: the JSON object behind ``m``."""

    def said(given: Mapping[str, Any] | None) -> str:
        if given is None:
            return ""
        keys = ("value", "low", "high", "level")
        value, low, high, level = (math.nan if given[key] is None else float(given[key]) for key in keys)
        return estimate(Estimate(value, low, high, level, int(given["n"]), ""))

    raw = {str(s["name"]): s for s in result["sources"]}
    rows = [
        (
            s.name, said(raw[s.name]["corrected"]), said(raw[s.name]["diversity"]), said(raw[s.name]["floor"]),
            said(raw[s.name]["with_rows"]["corrected"]), said(raw[s.name]["split_half"]), number(float(raw[s.name]["loss"])), str(s.tasks),
        )
        for s in m.sources
    ]  # fmt: skip
    names = {
        "floor": "one constant token",
        "uniform": "uniform random tokens (published upper bound)",
        "ceiling": "random languages",
    }
    for key, words in names.items():
        if result["scale"].get(key) is not None:
            rows.append((words, said(result["scale"][key]), said(result["scale"]["plain"][key]), "", "", "", "", ""))
    head = ("source", "without noise", "plain", "noise", "with rows", "split halves", "loss, nats a token", "batches")
    return Table("numbers", "Every number", head, tuple(rows), _EXPLAINED)
