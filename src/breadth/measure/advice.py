"""What the numbers of a measurement do not say, and one sentence a source on what to do next. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from breadth.errors import printable
from breadth.measure.compare import Stored, classes_note, told_difference
from breadth.measure.correction import corrected, corrected_difference

__all__ = ["Advised", "advice", "notes", "tasks_for", "unresolved"]

# Half-width of the corrected value, as a share of it, with which an order of sources can be read.
ENOUGH = 0.2
# More tasks than these are no advice.
MOST_TASKS = 500
# Mean 1 - max p of the heads below which the Fisher information has almost vanished.
SATURATED = 1e-3


@dataclass(frozen=True)
class Advised:
    """A source as advice needs it. doubt: mean 1 - max p of its heads; items: of the whole source."""

    source: Stored
    doubt: float
    items: int


def one_set(s: Stored) -> bool:
    """Return whether all tasks of a source have the same classes."""
    return s.classes <= int(s.protocol["ways"])


def notes(sources: Sequence[Stored]) -> tuple[str, ...]:
    """Return what a reader must know before ranking ``sources``: one sentence each, none where nothing stands in the way.

    Only one set of classes, different numbers of classes, and neighbours in the corrected order that cannot be told apart.
    """
    said = [
        f"{printable(s.name)}: only one set of classes: there is no diversity of classes to measure" for s in sources if one_set(s)
    ]
    if note := classes_note([s.classes for s in sources]):
        said.append(f"sources {note}")
    return (*said, *unresolved(sources))


def unresolved(sources: Sequence[Stored]) -> tuple[str, ...]:
    """Return one sentence for each two neighbours in the order of corrected values that cannot be told apart."""
    said = []
    ordered = sorted(sources, key=lambda s: -corrected(s.diversity, s.floor).value)
    for a, b in pairwise(ordered):
        told = told_difference(
            printable(a.name), printable(b.name), corrected_difference((a.diversity, a.floor), (b.diversity, b.floor))
        )
        if told.startswith("cannot"):
            said.append(f"corrected for noise, {printable(a.name)} and {printable(b.name)} {told}")
    return tuple(said)


def advice(sources: Sequence[Advised]) -> tuple[str, ...]:
    """Return one sentence a source on what to do next: more classes, tasks or items, equal classes, a trained probe, or nothing."""
    fewest = min((a.source.classes for a in sources if not one_set(a.source)), default=0)
    return tuple(f"{printable(a.source.name)}: {_next(a, fewest)}" for a in sources)


def _next(a: Advised, fewest: int) -> str:
    s = a.source
    tasks, per_class = int(s.protocol["tasks"]), int(s.protocol["per_class"])
    if one_set(s):
        return f"measure with fewer --ways than its {s.classes} classes, or add classes: its tasks differ in their items only"
    if a.doubt < SATURATED:
        return "a larger --ridge: its heads are nearly certain of every label"
    steps = []
    if s.classes > fewest:
        steps.append(f"equalise classes before ranking: {fewest} of its {s.classes}, as many as the source with the fewest")
    noisy = s.floor.value > s.diversity.value / 2
    wanted = tasks_for(s, tasks)
    if wanted > tasks and wanted <= MOST_TASKS:
        steps.append(
            f"more tasks: about {wanted} (--tasks {wanted}) bring the half-width of the corrected value to {ENOUGH:.0%} of it"
        )
    elif wanted > MOST_TASKS:
        if a.items >= 4 * per_class * s.classes:
            steps.append(f"more items a class (--per-class {2 * per_class}): most of its coefficient is noise of the items drawn")
        elif _random(s):
            steps.append("a trained probe (--weights): through this random one, little but noise is seen of it")
        else:
            steps.append("more items a class from elsewhere: most of its coefficient is noise of the items drawn")
    elif noisy and _random(s):
        steps.append("a trained probe (--weights): through this random one, more than half of its coefficient is noise")
    return "; ".join(steps) or "nothing: its corrected value is known well enough to be compared"


def _random(s: Stored) -> bool:
    return "(random" in str(s.protocol["probe"])


def tasks_for(s: Stored, tasks: int) -> int:
    """Return about how many tasks bring the half-width of the corrected value to ``ENOUGH`` of it, at least ``tasks``.

    The half-width falls with the square root of the tasks (the noise floor has one pair of tasks for four); more than ``MOST_TASKS``
    for a value that is not above 0, of which no number of tasks is known to be enough.
    """
    clean = corrected(s.diversity, s.floor)
    half = (clean.high - clean.low) / 2
    if not math.isfinite(half):
        return max(tasks, 20)
    if clean.value <= 0:
        return MOST_TASKS + 1
    wanted = tasks * (half / (ENOUGH * clean.value)) ** 2
    return tasks if wanted <= tasks else math.ceil(min(wanted, 1e6) / 10) * 10
