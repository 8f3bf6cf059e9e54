"""Before hours of work: can every training set, task and episode of a plan be drawn from the data as they are?"""

from __future__ import annotations

from pathlib import Path

from breadth.data.task import TaskSource
from breadth.errors import DataError, SpecError
from breadth.study.material import evaluation_episodes, task_source
from breadth.study.plan import Plan

__all__ = ["check_feasible"]


def _drawable(what: str, key: str, source: TaskSource, ways: int, per_class: int) -> None:
    try:
        source.draw(0, ways, per_class, 0)
    except DataError as error:
        raise SpecError(f"{key}: {what} cannot be drawn: {error}") from None


def check_feasible(plan: Plan) -> None:
    """Load all data of a plan once and draw one of each kind of task; nothing is trained.

    Raises SpecError naming the part of the study that cannot be, and why: too few classes, too few images of a class.
    """
    study, root = plan.study, Path(plan.study.data_root)
    m = study.measure
    for s in plan.sets:
        body = plan.overlaps[s.name].body
        try:
            source = task_source(body["data"], root)
        except DataError as error:
            raise SpecError(f"training set '{s.name}': {error}") from None
        where = f"of training set '{s.name}'"
        _drawable(f"tasks of {m.ways} ways and {m.per_class} items a class {where}", "measure", source, m.ways, m.per_class)
        for x in study.learner:
            if x.kind == "maml" and (x.replicates is None or s.replicate < x.replicates):
                _drawable(f"episodes {where}", f"learner {x.name}", source, x.ways, x.shots + x.queries)
    for name, run in plan.suites.items():
        source = task_source(run.body["data"], root)
        _drawable(f"tasks of the suite (probe {name})", "measure", source, m.ways, m.per_class)
    bodies = {run.body["evaluation"]["suite"]["parts"][0]["load"]: run.body for run in plan.scores.values()}
    for body in bodies.values():
        try:
            evaluation_episodes(body["evaluation"], root)
        except DataError as error:
            raise SpecError(f"evaluation: episodes cannot be drawn: {error}") from None
