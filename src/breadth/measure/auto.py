"""As many tasks as a wanted precision takes: tasks are added until the interval of the coefficient is narrow enough."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from breadth.data.task import TaskSource
from breadth.errors import MeasureError
from breadth.measure.diversity import diversity_coefficient
from breadth.measure.embeddings import Embeddings
from breadth.measure.sampling import Progress, embed_range, joined
from breadth.measure.task2vec import Task2Vec
from breadth.stats.interval import Estimate, mean_pairwise

__all__ = ["LEAST_TASKS", "AutoTasks", "auto_tasks", "narrow_enough", "until_narrow"]

LEAST_TASKS = 10
EmbedRange = Callable[[int, int], Embeddings]


@dataclass(frozen=True, eq=False)
class AutoTasks:
    """Embeddings of as many tasks as were needed; diversity: their coefficient; reached: False where the cap came first."""

    embeddings: Embeddings
    diversity: Estimate
    reached: bool


def narrow_enough(e: Estimate, precision: float) -> bool:
    """Return whether the half-width of an interval is at most ``precision`` (False for nan)."""
    return (e.high - e.low) / 2 <= precision


def auto_tasks(
    source: TaskSource,
    t2v: Task2Vec,
    *,
    precision: float,
    least: int = LEAST_TASKS,
    most: int = 500,
    step: int = 10,
    ways: int = 5,
    per_class: int = 20,
    seed: int = 0,
    level: float = 0.95,
    embed_tasks: EmbedRange | None = None,
    progress: Progress | None = None,
) -> AutoTasks:
    """Embed ``least`` tasks, then ``step`` more at a time, until the half-width of the coefficient's interval is ``precision``.

    precision: absolute, in units of the distance (0..1); most: tasks at which to stop anyway. The result is that of ``embed`` with the
    number of tasks found, a pure function of source, seed and settings. embed_tasks: (start, stop) -> Embeddings of this range,
    ``embed_range`` unless given, e.g. one that reads stored tasks first. progress: called with (tasks done, most).

    Stopping where the interval happens to be narrow makes it cover a little less often than it says: 94.5 and 93.4 % of 2,000 simulated
    measurements, instead of 95, at precisions that took 37 and 120 tasks on average.

    Raises MeasureError for a precision that is not positive, fewer than 10 tasks at first, or a cap below them.
    """

    def embedded(start: int, stop: int) -> Embeddings:
        if embed_tasks is not None:
            return embed_tasks(start, stop)
        report = None if progress is None else lambda done, _: progress(start + done, most)
        return embed_range(source, t2v, start, stop, ways=ways, per_class=per_class, seed=seed, progress=report)

    return until_narrow(embedded, precision=precision, least=least, most=most, step=step, level=level)


def until_narrow(
    embedded: EmbedRange, *, precision: float, least: int = LEAST_TASKS, most: int = 500, step: int = 10, level: float = 0.95
) -> AutoTasks:
    """As ``auto_tasks``, of whatever ``embedded`` (start, stop) gives for a range of tasks; ranges are asked for in order, each once."""
    if not precision > 0:
        raise MeasureError(f"a precision of {precision:g} was asked for; expected a positive half-width, e.g. 0.01")
    if least < LEAST_TASKS or most < least or step < 1:
        raise MeasureError(
            f"automatic numbers of tasks from {least} to {most} by {step} were asked for; expected at least {LEAST_TASKS} at first, no "
            "lower cap and steps of 1 or more"
        )
    e = embedded(0, least)
    d = e.distances
    while not narrow_enough(mean_pairwise(d, level), precision) and e.tasks < most:
        new = embedded(e.tasks, min(e.tasks + step, most))
        sides = e.distances_to(new)
        d = np.block([[d, sides], [sides.T, new.distances]])
        e = joined(e, new)
    found = diversity_coefficient(e, level)
    return AutoTasks(e, found, narrow_enough(found, precision))
