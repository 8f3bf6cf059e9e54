"""From a source to embeddings: tasks that are all different, drawn as a pure function of the seed, embedded one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from breadth.data.task import Draw, Task, TaskSource
from breadth.errors import MeasureError
from breadth.measure.embeddings import Embeddings
from breadth.measure.protocol import Protocol, protocol_of, require_comparable
from breadth.measure.task2vec import Task2Vec
from breadth.seeds import integer

__all__ = ["Progress", "distinct_draws", "embed", "embed_range", "joined", "same_classes_twice"]

Progress = Callable[[int, int], None]
# Draws tried for one task before a source counts as exhausted: with one unused task in a hundred left, all fail once in 20,000 times.
ATTEMPTS = 1000


def _keys(blocks: list[np.ndarray]) -> list[bytes]:
    """One key a task: its rows as a set."""
    return [np.sort(items, axis=None).tobytes() for items in blocks]


def distinct_draws(source: TaskSource, *, ways: int, per_class: int, seed: int, parts: int = 1) -> Iterator[Draw]:
    """Yield draw 0, 1, 2, ... of ``source``, no two of which are the same set of rows.

    Draw i is ``source.draw(i, ways, per_class, seed)`` unless an earlier one has the same rows; it is then drawn again from a seed
    that depends on (seed, i, attempt) only. parts: tasks that each draw is cut into along its items; all of them must differ.
    Raises MeasureError where no new task is found, DataError as ``source.draw``.
    """
    seen: set[bytes] = set()
    i = 0
    while True:
        for attempt in range(ATTEMPTS):
            again = seed if attempt == 0 else integer(seed, "draw again", i, attempt)
            draw = source.draw(i, ways, per_class, again)
            keys = _keys(np.split(draw.items, parts, axis=1))
            if not seen.intersection(keys):
                break
        else:
            raise MeasureError(
                f"only {i} different tasks of {ways} ways with {per_class} items each were found in '{source.name}', {ATTEMPTS} more "
                "draws gave no other; expected as many different tasks as are measured: ask for fewer tasks or fewer items a class"
            )
        seen.update(keys)
        yield draw
        i += 1


def _tasks(source: TaskSource, draw: Draw, parts: int = 1) -> tuple[Task, ...]:
    """The tasks of a draw, cut into ``parts`` along its items."""
    ways, per_class = draw.items.shape
    labels, name = np.repeat(np.arange(ways, dtype=np.int64), per_class // parts), source.part_name(draw.part)
    blocks = [block.reshape(-1) for block in np.split(draw.items, parts, axis=1)]
    return tuple(Task(source.rows(items), labels, ways, source.name, name, items) for items in blocks)


def same_classes_twice(source: TaskSource, *, ways: int, per_class: int, seed: int) -> Iterator[tuple[Task, Task]]:
    """Yield pairs of tasks with the same classes and no item in common; all tasks of all pairs differ."""
    for draw in distinct_draws(source, ways=ways, per_class=2 * per_class, seed=seed, parts=2):
        first, second = _tasks(source, draw, 2)
        yield first, second


def _stored(source: TaskSource, protocol: Protocol) -> dict[str, Any]:
    return {
        "measure": "Task2Vec",
        "source": source.name,
        "source_digest": str(getattr(source, "digest", "unknown")),
        **protocol.as_dict(),
        "fingerprint": protocol.fingerprint,
    }


def embed_range(
    source: TaskSource,
    t2v: Task2Vec,
    start: int,
    stop: int,
    *,
    ways: int = 5,
    per_class: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> Embeddings:
    """Embed tasks ``start`` to ``stop - 1``: the same as these tasks of ``embed``, whoever embeds the others and when.

    progress: called with (tasks done, tasks) of this range. Raises as ``embed``; the protocol says ``stop - start`` tasks.
    """
    if not 0 <= start < stop:
        raise MeasureError(f"tasks {start} to {stop} were asked for; expected a range of 1 or more tasks that starts at 0 or later")
    found, parts = [], []
    for i, draw in enumerate(distinct_draws(source, ways=ways, per_class=per_class, seed=seed)):
        if i >= start:
            (drawn,) = _tasks(source, draw)
            found.append(t2v(drawn))
            parts.append(drawn.part)
            if progress is not None:
                progress(len(found), stop - start)
        if i == stop - 1:
            break
    protocol = protocol_of(source, t2v, tasks=stop - start, ways=ways, per_class=per_class, seed=seed)
    return Embeddings(
        np.stack([e.values for e in found]),
        np.stack([e.items for e in found]),
        tuple(parts),
        np.array([e.loss for e in found]),
        np.array([e.doubt for e in found]),
        _stored(source, protocol),
    )


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
    """Draw ``tasks`` different tasks of ``ways`` classes with ``per_class`` items each and embed them.

    Task i depends on the source, the seed and i only. progress: called with (tasks done, tasks). Raises DataError where the source is
    too small, MeasureError where it has too few different tasks, for fewer than one task, or as ``Task2Vec``.
    """
    if tasks < 1:
        raise MeasureError(f"{tasks} tasks were asked for; expected 1 or more (3 or more for an interval)")
    return embed_range(source, t2v, 0, tasks, ways=ways, per_class=per_class, seed=seed, progress=progress)


def joined(a: Embeddings, b: Embeddings) -> Embeddings:
    """Return the tasks of ``a`` followed by those of ``b``, two ranges of one measurement.

    Raises MeasureError where source, protocol or seed differ or a task is in both.
    """
    first, second = Protocol.of(a.protocol), Protocol.of(b.protocol)
    require_comparable(first, second, ignore=("tasks",), names=(a.protocol["source"], b.protocol["source"]))
    for key in ("source", "source_digest"):
        if a.protocol[key] != b.protocol[key]:
            raise MeasureError(
                f"embeddings with {key} {a.protocol[key]} and {b.protocol[key]} cannot be joined; expected one source"
            )
    common = set(_keys(list(a.items))) & set(_keys(list(b.items)))
    if common:
        raise MeasureError(
            f"{len(common)} tasks of '{a.protocol['source']}' are in both sets of embeddings; expected different tasks: join ranges "
            "that do not overlap"
        )
    protocol = replace(first, tasks=a.tasks + b.tasks)
    return Embeddings(
        np.concatenate([a.values, b.values]),
        np.concatenate([a.items, b.items]),
        a.parts + b.parts,
        np.concatenate([a.loss, b.loss]),
        np.concatenate([a.doubt, b.doubt]),
        {**a.protocol, **protocol.as_dict(), "fingerprint": protocol.fingerprint},
    )
