"""Before hours of work: can every training set, task and episode of a plan be drawn from the data as they are?"""

from __future__ import annotations

import json
from pathlib import Path

from breadth.data.union import Union
from breadth.errors import DataError, SpecError
from breadth.study.arms import is_imported
from breadth.study.plan import Plan, RunSpec
from breadth.study.sources import evaluation_episodes, task_source
from breadth.study.tables import PretrainSpec
from breadth.study.text_feasible import check_text_feasible

__all__ = ["check_feasible"]


def _drawable(what: str, key: str, source: Union, ways: int, per_class: int) -> None:
    """Draw one task; a part that could never give one would silently be missing from the measure, so it is refused as well."""
    try:
        source.draw(0, ways, per_class, 0)
    except DataError as error:
        raise SpecError(f"{key}: {what} cannot be drawn: {error}") from None
    if source.convention == "source-then-classes":
        for part in source.parts:
            if part.n_classes < ways:
                raise SpecError(
                    f"{key}: {what} would never come from '{part.name}', which gives {part.n_classes} classes; give every domain at least "
                    f'{ways} classes, or use convention = "pooled-classes"'
                )


def _episodes(key: str, run: RunSpec, root: Path) -> None:
    e = run.body["evaluation"]
    try:
        suite = task_source(e["suite"], root)
        evaluation_episodes(e, root)
    except DataError as error:
        raise SpecError(f"{key}: episodes cannot be drawn: {error}") from None
    _drawable("episodes", key, suite, e["ways"], e["shots"] + e["queries"])


def _precise(learner: PretrainSpec, plan: Plan, source: Union, device: str) -> None:
    """The learner's own check of its precision, where one was chosen; torch is not needed otherwise."""
    from breadth.learn.pretrain import check_precision
    from breadth.nets.build import Architecture

    a, shape = plan.study.architecture, source.input_shape
    arch = Architecture(a.kind, a.filters, shape[2] if source.is_images else 1, shape[0])
    try:
        check_precision(arch, learner.precision or "float32", device)
    except SpecError as error:
        raise SpecError(f"learner {learner.name}: {error}") from None


def check_feasible(plan: Plan, device: str = "cpu") -> None:
    """Load all data of a plan once and draw one of each kind of task; nothing is trained.

    Raises SpecError naming the part of the study that cannot be, and why: too few classes, too few images of a class, a precision that
    the network cannot be trained in on ``device``.
    """
    study, root = plan.study, Path(plan.study.data_root)
    if study.text is not None:
        check_text_feasible(plan)
        return
    m = study.measure
    for s in plan.sets:
        if not s.known:
            continue
        body = plan.overlaps[s.name].body
        try:
            source = task_source(body["data"], root)
        except DataError as error:
            raise SpecError(f"training set '{s.name}': {error}") from None
        where = f"of training set '{s.name}'"
        _drawable(f"tasks of {m.ways} ways and {m.per_class} items a class {where}", "measure", source, m.ways, m.per_class)
        for x in study.learner:
            trains = s.trained and not is_imported(study, x.name) and (x.replicates is None or s.replicate < x.replicates)
            if x.kind == "language":
                continue
            if trains and x.kind != "pretrain":
                _drawable(f"episodes {where}", f"learner {x.name}", source, x.ways, x.shots + x.queries)
            elif trains and x.kind == "pretrain" and x.precision is not None:
                _precise(x, plan, source, device)
    for run in plan.suites.values():
        _drawable("tasks of the suite", "measure", task_source(run.body["data"], root), m.ways, m.per_class)
    suites = {json.dumps(run.body["evaluation"], sort_keys=True): run for run in plan.scores.values()}
    for run in suites.values():
        _episodes("evaluation", run, root)
    for run in plan.runs:
        if run.kind == "probe" and run.body["data"]["parts"]:
            task_source(run.body["data"], root)
