"""From the data part of a run's specification to the task source itself: load, draw classes and images, bring to one pixel form."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from breadth.data.digest import source_digest
from breadth.data.episode import Episodes, episodes
from breadth.data.formats import load
from breadth.data.images import LabeledSet, prepare
from breadth.data.union import Union, union
from breadth.errors import StoreError
from breadth.study.place import source_place

__all__ = ["evaluation_episodes", "task_source"]


@lru_cache(maxsize=32)
def _loaded(place: str, digest: str, size: int, channels: int) -> LabeledSet:
    if source_digest(place) != digest:
        raise StoreError(f"{place}: changed since the study was planned; run the study again")
    return prepare(load(place), size=size, channels=channels)


def task_source(data: dict[str, Any], data_root: Path) -> Union:
    """Return the union that ``data`` (a run's ``data`` or ``suite``) describes, every image in the study's pixel form.

    A part with ``classes`` and ``images`` is a seeded draw of that many classes and images of each; any other part is the whole set.
    """
    pixels = data["pixels"]
    parts = []
    for part in data["parts"]:
        whole = _loaded(source_place(part["load"], data_root), part["digest"], pixels["size"], pixels["channels"])
        if "classes" in part:
            whole = whole.sample(part["classes"], part["images"], data["seed"], data["set"], part["name"])
        parts.append(LabeledSet(part["name"], whole.inputs, whole.labels, whole.class_names, whole.groups))
    return union(parts, data["convention"], name=data.get("set"))


def evaluation_episodes(evaluation: dict[str, Any], data_root: Path) -> Episodes:
    """Return the episodes of an evaluation suite: the same, in the same order, for every run with the same specification."""
    suite = task_source(evaluation["suite"], data_root)
    return episodes(
        suite,
        ways=evaluation["ways"],
        shots=evaluation["shots"],
        queries=evaluation["queries"],
        seed=evaluation["seed"],
        count=evaluation["episodes"],
    )
