"""A measurement in plain words: a headline a source, what to be careful about, how to cite it and what it may be compared with."""

from __future__ import annotations

import math

from breadth.report.measured import Measured, Source
from breadth.report.scale import percent
from breadth.report.words import NOT_ESTIMABLE, distance, estimate, number
from breadth.stats.interval import Estimate
from breadth.stats.possible import possible

__all__ = ["citation", "headline", "mixture_words", "scale_ends", "warnings_of"]

WIDE = 0.2  # half-width of an interval, as a share of its value, above which the page says that it is wide
SATURATED = 1e-3  # mean 1 - max p of the heads below which the Fisher information has almost vanished


def headline(s: Source, m: Measured, *, ends: bool = True) -> str:
    """Return the sentence of a source: coefficient, place on the scale, corrected value; ``ends``: say where the scale ends, too."""
    said, clean = f"{s.name}: {estimate(possible(s.diversity))}", f"; corrected for noise {estimate(s.corrected)}."
    if m.floor is None or m.ceiling is None or s.position is None:
        return f"{said}{clean}"
    if not percent(s):
        return f"{said}, too few tasks to say where on the scale: try --tasks auto{clean}"
    if not ends:
        return f"{said}, {percent(s)} of the way{clean}"
    return f"{said}, {percent(s)} of the way from {scale_ends(m.floor, m.ceiling)}{clean}"


def scale_ends(floor: Estimate, ceiling: Estimate) -> str:
    """Return both ends of the scale in words."""
    low = number(floor.value) if distance(floor.value) else "0"
    return f"the floor of the scale ({low}) to its ceiling ({number(ceiling.value)})"


def warnings_of(s: Source) -> tuple[str, ...]:
    """Return what a reader of this source's number must know: one sentence each, none where all is well."""
    d, clean = s.diversity, s.corrected
    said = []
    if clean.value <= 0:
        said.append(
            f"Not above its noise floor ({number(s.floor.value)}): redrawing the items of the same classes moves tasks as far apart "
            "as drawing other classes does. No diversity of classes is shown."
        )
    elif clean.low <= 0:
        said.append(
            f"Cannot be told from its noise floor ({number(s.floor.value)}): corrected for that noise it is "
            f"{estimate(clean)}, an interval that holds 0. More tasks, or more items a class, may tell."
        )
    if math.isnan(d.low) or math.isnan(d.high):
        said.append(f"Its interval is {NOT_ESTIMABLE} from {s.tasks} tasks: three or more are needed.")
    elif d.high - d.low > 2 * WIDE * abs(d.value):
        share = f"{50 * (d.high - d.low) / abs(d.value):.0f} % of the value" if d.value else "more than the value itself"
        said.append(f"Its interval is wide: the half-width is {share}. Four times as many tasks would about halve it.")
    if not s.reached:
        said.append(f"The asked precision was not reached: it ended at its cap of {s.tasks} tasks.")
    if s.split_half is not None and (s.split_half.low > 0 or s.split_half.high < 0):
        said.append(
            f"Two random halves of its own tasks differ by {estimate(s.split_half)}, where 0 is expected: differences of that size "
            "between sources mean nothing."
        )
    if s.doubt < SATURATED:
        said.append(
            f"The heads are nearly certain of every label (mean 1 − max p = {number(s.doubt)}): the embeddings rest on almost no "
            "information, and a larger ridge is needed."
        )
    return tuple(said)


def citation(s: Source, m: Measured) -> str:
    """Return the line to quote for one source: number, interval, level, tasks, software and protocol."""
    d = s.diversity
    return (
        f"{s.name}: diversity coefficient {estimate(d)} ({d.level * 100:g} % interval, {s.tasks} tasks; breadth {m.version}, "
        f"protocol {m.comparable[:12]})"
    )


def mixture_words(m: Measured) -> str:
    """Return the sentence of the mixture that was asked for, of text without the estimator's noise; "" without one."""
    if m.mixture is None:
        return ""
    d = m.mixture.get("corrected", m.mixture["diversity"])
    parts = ", ".join(f"{100 * float(w):.3g} % {name}" for name, w in m.mixture["weights"].items() if w)
    return f"Mixture of {parts}: diversity {number(d['value'])} [{number(d['low'])}, {number(d['high'])}]."
