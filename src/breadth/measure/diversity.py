"""From tasks to numbers: diversity coefficient, cross-diversity, alignment, complexity, and the floor and the null beside them.

Every interval is over tasks drawn from the given finite data: it says what another draw of tasks would give, not what another data
set of the same kind would. The diversity coefficient is the mean distance of two tasks (arXiv 2208.01545, 2306.13841).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from breadth.data.task import TaskSource
from breadth.errors import DataError, MeasureError
from breadth.measure.embeddings import Embeddings, distances_between
from breadth.measure.protocol import SAMPLING, Protocol, protocol_of, require_comparable
from breadth.measure.sampling import Progress, embed, same_classes_twice
from breadth.measure.task2vec import Task2Vec
from breadth.seeds import generator
from breadth.stats.interval import Estimate, combined, jackknife, mean, mean_cross, mean_pairwise

__all__ = [
    "Progress",
    "alignment",
    "complexity",
    "cross_diversity",
    "difference",
    "diversity_coefficient",
    "embed",
    "floor_pairs",
    "noise_floor",
    "split_half",
]

DRAWN = "tasks drawn from the given finite data"
# Pairs of tasks for the floor cost two embeddings each: one for four tasks of the coefficient makes it half as costly again.
TASKS_PER_PAIR = 4
FEWEST_PAIRS = 5


def _under(*protocols: Protocol) -> str:
    """Which protocol a number was measured under, for its method."""
    prints = dict.fromkeys(p.fingerprint for p in protocols)
    return f"protocol {' and '.join(prints)}"


def diversity_coefficient(e: Embeddings, level: float = 0.95) -> Estimate:
    """Return the mean distance over all pairs of tasks, E_{i != j} d(h_i, h_j); equal tasks stay in (arXiv 2306.13841, eq. 1).

    Interval: delete-one-task jackknife, t with M - 1 degrees of freedom, nan for two tasks. Raises MeasureError for one task.
    """
    method = f"{DRAWN}, delete-one-task jackknife, {_under(Protocol.of(e.protocol))}"
    return replace(mean_pairwise(e.distances, level), method=method)


def _require_other_tasks(a: Embeddings, b: Embeddings) -> None:
    if a.protocol["source_digest"] == b.protocol["source_digest"] != "unknown":
        seen = {row.tobytes() for row in np.sort(a.items, 1)}
        if common := sum(row.tobytes() in seen for row in np.sort(b.items, 1)):
            raise MeasureError(
                f"the two sets of embeddings of '{a.protocol['source']}' share {common} tasks; expected different "
                "tasks: use another seed, or diversity_coefficient for one set"
            )


def _both(a: Embeddings, b: Embeddings, *, override: bool) -> str:
    """Check that two sets of embeddings may be compared; return the protocols of the comparison in words."""
    first, second = Protocol.of(a.protocol), Protocol.of(b.protocol)
    require_comparable(first, second, override=override, ignore=SAMPLING, names=(a.protocol["source"], b.protocol["source"]))
    _require_other_tasks(a, b)
    return _under(first, second)


def cross_diversity(a: Embeddings, b: Embeddings, level: float = 0.95, *, override: bool = False) -> Estimate:
    """Return the mean distance of a task of ``a`` to a task of ``b`` (arXiv 2306.13840, eq. 2).

    Interval: two-sample delete-one-task jackknife. Raises MeasureError where tasks are shared or, without ``override``, where the
    protocols differ in more than the sampling.
    """
    under = _both(a, b, override=override)
    method = f"{DRAWN} on both sides, two-sample delete-one-task jackknife, {under}"
    return replace(mean_cross(a.distances_to(b), level), method=method)


def alignment(a: Embeddings, b: Embeddings, level: float = 0.95) -> Estimate:
    """Return 1 - cross-diversity: how close the tasks of ``a`` (training) are to those of ``b`` (evaluation)."""
    d = cross_diversity(a, b, level)
    return replace(d, value=1 - d.value, low=1 - d.high, high=1 - d.low)


def difference(a: Embeddings, b: Embeddings, level: float = 0.95, *, override: bool = False) -> Estimate:
    """Return the diversity coefficient of ``a`` minus that of ``b``, of tasks drawn independently.

    Interval: the two jackknife variances added, degrees of freedom by Welch-Satterthwaite. Raises as ``cross_diversity``.
    """
    under = _both(a, b, override=override)
    first, second = diversity_coefficient(a, level), diversity_coefficient(b, level)
    method = f"{DRAWN} on both sides, difference of two coefficients, two-sample delete-one-task jackknife, {under}"
    return combined(first.value - second.value, [(1.0, first), (-1.0, second)], method)


def complexity(e: Embeddings, level: float = 0.95) -> Estimate:
    """Return the mean L1 norm of the embeddings (arXiv 2306.13841: the complexity of a task), with its t interval over tasks."""
    return replace(mean(e.norms, level), method=f"{DRAWN}, t interval, {_under(Protocol.of(e.protocol))}")


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


def floor_pairs(tasks: int) -> int:
    """Return how many pairs of tasks suit a coefficient of ``tasks`` tasks: a quarter as many, at least 5."""
    return max(FEWEST_PAIRS, tasks // TASKS_PER_PAIR)


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

    It is what the coefficient shows for a source without any diversity of classes; ``floor_pairs`` says how many pairs suit it. Where
    a class has fewer than 2 per_class items, what there is is split in two and both tasks have fewer items, which raises the floor;
    ``method`` names the number used. Interval: t over independent pairs. Raises DataError where the source is too small for two
    items a class, MeasureError where it has too few different tasks.
    """
    k = _largest(source, pairs, ways, per_class, seed)
    distances = []
    for i, (first, second) in zip(range(pairs), same_classes_twice(source, ways=ways, per_class=k, seed=seed), strict=False):
        one, two = t2v(first).values[None], t2v(second).values[None]
        distances.append(float(distances_between(one, two, t2v.estimator)[0, 0]))
        if progress is not None:
            progress(i + 1, pairs)
    fewer = "" if k == per_class else f" instead of {per_class}, too few for two disjoint draws"
    under = _under(protocol_of(source, t2v, tasks=pairs, ways=ways, per_class=k, seed=seed))
    return replace(
        mean(np.array(distances), level),
        method=f"pairs of {DRAWN}, same classes, disjoint items, {k} a class{fewer}, t interval, {under}",
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
    d = e.distances

    def within(rows: np.ndarray) -> float:
        return float(d[np.ix_(rows, rows)].sum() / (len(rows) * (len(rows) - 1)))

    def gap(first: np.ndarray, second: np.ndarray) -> float:
        a, b = halves[0][first], halves[1][second]
        return float(d[np.ix_(a, b)].mean()) - (within(a) + within(b)) / 2

    method = f"{DRAWN}, two random halves, delete-one-task jackknife, {_under(Protocol.of(e.protocol))}"
    return replace(jackknife(gap, [len(half) for half in halves], level), method=method)
