"""From tasks to numbers: diversity coefficient, cross-diversity, alignment, complexity, and the floor and the null beside them.

Every interval is over tasks drawn from the given finite data: it says what another draw of tasks would give, not what another data
set of the same kind would. The diversity coefficient is the mean distance of two tasks (arXiv 2208.01545, 2306.13841).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from breadth.data.task import Draw, Task, TaskSource, task
from breadth.errors import DataError, MeasureError
from breadth.measure.distance import cosine, cross, pairwise
from breadth.measure.embeddings import Embeddings
from breadth.measure.task2vec import Task2Vec
from breadth.seeds import generator
from breadth.stats.interval import Estimate, jackknife, mean, mean_cross, mean_pairwise
from breadth.version import __version__

__all__ = ["Progress", "alignment", "complexity", "cross_diversity", "diversity_coefficient", "embed", "noise_floor", "split_half"]

Progress = Callable[[int, int], None]
DRAWN = "tasks drawn from the given finite data"
# What must agree for two sets of embeddings to be compared; seed, source and number of tasks may differ.
COMPARABLE = ("probe_fingerprint", "estimator", "draws", "ridge", "ways", "per_class")


def _protocol(source: TaskSource, t2v: Task2Vec, *, tasks: int, ways: int, per_class: int, seed: int) -> dict[str, Any]:
    return {
        "measure": "Task2Vec",
        "source": source.name,
        "source_digest": str(getattr(source, "digest", "unknown")),
        "convention": source.convention,
        "tasks": tasks,
        "ways": ways,
        "per_class": per_class,
        "seed": seed,
        "probe": t2v.probe.name,
        "probe_fingerprint": t2v.probe.fingerprint,
        "size": t2v.probe.size,
        "channels": t2v.probe.channels,
        "estimator": t2v.estimator,
        "draws": t2v.draws,
        "estimator_seed": t2v.seed,
        "ridge": t2v.ridge,
        "version": __version__,
    }


def embed(
    source: TaskSource,
    t2v: Task2Vec,
    *,
    tasks: int = 100,
    ways: int = 5,
    per_class: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> Embeddings:
    """Draw ``tasks`` tasks of ``ways`` classes with ``per_class`` items each and embed them; task i depends on (seed, i) only.

    progress: called with (tasks done, tasks). Raises DataError where the source is too small, MeasureError as ``Task2Vec`` or for
    fewer than one task.
    """
    if tasks < 1:
        raise MeasureError(f"{tasks} tasks were asked for; expected 1 or more (3 or more for an interval)")
    found, parts = [], []
    for i in range(tasks):
        drawn = task(source, i, ways=ways, per_class=per_class, seed=seed)
        found.append(t2v(drawn))
        parts.append(drawn.part)
        if progress is not None:
            progress(i + 1, tasks)
    return Embeddings(
        np.stack([e.values for e in found]),
        np.stack([e.items for e in found]),
        tuple(parts),
        np.array([e.loss for e in found]),
        np.array([e.doubt for e in found]),
        _protocol(source, t2v, tasks=tasks, ways=ways, per_class=per_class, seed=seed),
    )


def diversity_coefficient(e: Embeddings, level: float = 0.95) -> Estimate:
    """Return the mean distance over all pairs of tasks, E_{i != j} d(h_i, h_j); equal tasks stay in (arXiv 2306.13841, eq. 1).

    Interval: delete-one-task jackknife, t with M - 1 degrees of freedom, nan for two tasks. Raises MeasureError for one task.
    """
    return replace(mean_pairwise(pairwise(e.values), level), method=f"{DRAWN}, delete-one-task jackknife")


def _distances_between(a: Embeddings, b: Embeddings) -> np.ndarray:
    for key in COMPARABLE:
        if a.protocol[key] != b.protocol[key]:
            raise MeasureError(
                f"embeddings of '{a.protocol['source']}' and '{b.protocol['source']}' differ in {key}: "
                f"{a.protocol[key]} and {b.protocol[key]}; expected one protocol: embed both in the same way"
            )
    if a.protocol["source_digest"] == b.protocol["source_digest"] != "unknown":
        seen = {row.tobytes() for row in np.sort(a.items, 1)}
        if common := sum(row.tobytes() in seen for row in np.sort(b.items, 1)):
            raise MeasureError(
                f"the two sets of embeddings of '{a.protocol['source']}' share {common} tasks; expected different "
                "tasks: use another seed, or diversity_coefficient for one set"
            )
    return cross(a.values, b.values)


def cross_diversity(a: Embeddings, b: Embeddings, level: float = 0.95) -> Estimate:
    """Return the mean distance of a task of ``a`` to a task of ``b`` (arXiv 2306.13840, eq. 2).

    Interval: two-sample delete-one-task jackknife. Raises MeasureError where the protocols differ or tasks are shared.
    """
    return replace(
        mean_cross(_distances_between(a, b), level), method=f"{DRAWN} on both sides, two-sample delete-one-task jackknife"
    )


def alignment(a: Embeddings, b: Embeddings, level: float = 0.95) -> Estimate:
    """Return 1 - cross-diversity: how close the tasks of ``a`` (training) are to those of ``b`` (evaluation)."""
    d = cross_diversity(a, b, level)
    return replace(d, value=1 - d.value, low=1 - d.high, high=1 - d.low)


def complexity(e: Embeddings, level: float = 0.95) -> Estimate:
    """Return the mean L1 norm of the embeddings (arXiv 2306.13841: the complexity of a task), with its t interval over tasks."""
    return replace(mean(e.norms, level), method=f"{DRAWN}, t interval")


def _twice(source: TaskSource, i: int, ways: int, per_class: int, seed: int) -> tuple[Task, Task]:
    """Two tasks with the same classes and no item in common."""
    draw: Draw = source.draw(i, ways, 2 * per_class, seed)
    labels, name = np.repeat(np.arange(ways, dtype=np.int64), per_class), source.part_name(draw.part)
    halves = [half.reshape(-1) for half in np.split(draw.items, 2, axis=1)]
    first, second = (Task(source.rows(items), labels, ways, source.name, name, items) for items in halves)
    return first, second


def _largest(source: TaskSource, pairs: int, ways: int, per_class: int, seed: int) -> int:
    """The most items a class, at most ``per_class``, of which every pair can be drawn twice without overlap."""
    for k in range(per_class, 0, -1):
        try:
            for i in range(pairs):
                source.draw(i, ways, 2 * k, seed)
        except DataError:
            if k == 1:
                raise
        else:
            return k
    raise MeasureError(f"a noise floor with {per_class} items a class was asked for; expected 1 or more")


def noise_floor(
    source: TaskSource,
    t2v: Task2Vec,
    *,
    pairs: int = 20,
    ways: int = 5,
    per_class: int = 20,
    seed: int = 0,
    level: float = 0.95,
    progress: Progress | None = None,
) -> Estimate:
    """Return the mean distance of two tasks that differ in nothing but their items: the same classes, newly drawn disjoint items.

    It is what the coefficient shows for a source without any diversity of classes. Where a class has fewer than 2 per_class items,
    what there is is split in two and both tasks have fewer items, which raises the floor; ``method`` names the number used.
    Interval: t over independent pairs. Raises DataError where the source is too small for two items a class.
    """
    k = _largest(source, pairs, ways, per_class, seed)
    distances = []
    for i in range(pairs):
        first, second = _twice(source, i, ways, k, seed)
        distances.append(cosine(t2v(first).values, t2v(second).values))
        if progress is not None:
            progress(i + 1, pairs)
    fewer = "" if k == per_class else f" instead of {per_class}, too few for two disjoint draws"
    return replace(
        mean(np.array(distances), level), method=f"pairs of {DRAWN}, same classes, disjoint items, {k} a class{fewer}, t interval"
    )


def split_half(e: Embeddings, seed: int = 0, level: float = 0.95) -> Estimate:
    """Return cross-diversity of two random halves of the tasks minus the mean of their own diversities: 0 is expected.

    A null for differences between sources: both halves come from one. Interval: delete-one-task jackknife over both halves, wider
    than needed here because the first-order terms of the difference cancel. Raises MeasureError for fewer than 6 tasks.
    """
    m = e.tasks
    if m < 6:
        raise MeasureError(f"{m} tasks cannot be split in two halves with intervals; expected at least 6 tasks")
    order = generator(seed, "split_half").permutation(m)
    halves = order[: m // 2], order[m // 2 :]
    d = pairwise(e.values)

    def within(rows: np.ndarray) -> float:
        return float(d[np.ix_(rows, rows)].sum() / (len(rows) * (len(rows) - 1)))

    def gap(first: np.ndarray, second: np.ndarray) -> float:
        a, b = halves[0][first], halves[1][second]
        return float(d[np.ix_(a, b)].mean()) - (within(a) + within(b)) / 2

    return replace(
        jackknife(gap, [len(half) for half in halves], level), method=f"{DRAWN}, two random halves, delete-one-task jackknife"
    )
