"""Splits that do not leak: by class, so that new classes are new; by group, so that near twins stay on one side."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from breadth.data.images import LabeledSet
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["regroup", "split_classes", "split_groups"]


def split_classes(
    labeled_set: LabeledSet,
    sizes: Sequence[float] | Sequence[int],
    seed: int,
    *,
    names: Sequence[str] | None = None,
    keep_groups: bool = False,
) -> tuple[LabeledSet, ...]:
    """Return class-disjoint parts, a pure function of (seed, sizes) and the set; each part holds all items of its classes.

    sizes: numbers of classes (ints), or shares of the classes (floats that sum to at most 1; rounded so that shares that sum to 1
    use every class). names: names of the parts, "NAME (1 of 3)" and so on if absent. keep_groups: classes that share a group key
    (one character in several styles) go to one part; the parts then hold at least about the asked number.

    Raises DataError where the sizes cannot be met or a part would be empty.
    """
    n, whole = labeled_set.n_classes, labeled_set.name
    counts = _counts(sizes, n, whole)
    if names is not None and len(names) != len(counts):
        raise DataError(f"{len(names)} names for {len(counts)} parts of '{whole}' were given; expected one name per part")
    blocks = _linked_classes(labeled_set) if keep_groups else [[c] for c in range(n)]
    order = generator(seed, "split classes").permutation(len(blocks)).tolist()
    parts: list[list[int]] = []
    for count in counts:
        part: list[int] = []
        while len(part) < count and order:
            part += blocks[order.pop(0)]
        parts.append(part)
    for i, part in enumerate(parts):
        if not part:
            raise DataError(
                f"part {i + 1} of '{whole}' is empty: classes that share groups fill the other parts; "
                "ask for fewer parts or set keep_groups=False"
            )
    labels = names or [f"{whole} ({i + 1} of {len(counts)})" for i in range(len(counts))]
    return tuple(labeled_set.of_classes(part, label) for part, label in zip(parts, labels, strict=True))


def _counts(sizes: Sequence[float] | Sequence[int], n: int, name: str) -> list[int]:
    given = ", ".join(f"{size:g}" for size in sizes)
    if not sizes or any(not size > 0 for size in sizes):
        raise DataError(f"a split of '{name}' into parts of [{given}] classes was asked for; expected positive numbers")
    if all(isinstance(size, int | np.integer) for size in sizes):
        counts = [int(size) for size in sizes]
        if sum(counts) > n:
            raise DataError(f"a split into {given} classes was asked for; '{name}' has {n} classes, {sum(counts)} are needed")
        return counts
    if sum(sizes) > 1 + 1e-9:
        raise DataError(
            f"a split of '{name}' into shares {given} was asked for; expected whole numbers of classes, or shares that "
            "sum to at most 1"
        )
    ends = [round(float(end) * n) for end in np.cumsum(sizes)]
    counts = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    if 0 in counts:
        raise DataError(
            f"a split of '{name}' into shares {given} was asked for; part {counts.index(0) + 1} would have none of its "
            f"{n} classes: ask for larger shares"
        )
    return counts


def _linked_classes(labeled_set: LabeledSet) -> list[list[int]]:
    """Return classes in blocks: two classes are in one block where a chain of shared group keys links them."""
    keys = _keys(labeled_set)
    first: dict[str, int] = {}
    parent = list(range(labeled_set.n_classes))

    def root(c: int) -> int:
        while parent[c] != c:
            parent[c] = c = parent[parent[c]]
        return c

    for key, c in zip(keys, labeled_set.labels.tolist(), strict=True):
        parent[root(c)] = root(first.setdefault(key, c))
    blocks: dict[int, list[int]] = {}
    for c in range(labeled_set.n_classes):
        blocks.setdefault(root(c), []).append(c)
    return list(blocks.values())


def split_groups(labeled_set: LabeledSet, fraction: float, seed: int) -> tuple[LabeledSet, LabeledSet]:
    """Return (train, test): about ``fraction`` of each class's items in train, no group on both sides, all classes on both sides.

    Groups are dealt out in a seeded order, larger ones first, each to the side that is further from its share of the group's
    classes. Raises DataError where the set has no groups, or a class cannot be on both sides because it has too few groups.
    """
    if not 0 < fraction < 1:
        raise DataError(f"a group-wise split with fraction={fraction:g} was asked for; expected a number between 0 and 1")
    keys, group_of = np.unique(np.array(_keys(labeled_set)), return_inverse=True)
    table = np.zeros((len(keys), labeled_set.n_classes))
    np.add.at(table, (group_of, labeled_set.labels), 1)
    total = table.sum(axis=0)
    wanted = np.stack([fraction * total, (1 - fraction) * total])
    have = np.zeros_like(wanted)
    side = np.zeros(len(keys), np.int64)
    order = generator(seed, "split groups").permutation(len(keys))
    for g in order[np.argsort(-table[order].sum(axis=1), kind="stable")].tolist():
        missing = ((wanted - have) / wanted * (table[g] / table[g].sum())).sum(axis=1)
        side[g] = int(missing[1] > missing[0])
        have[side[g]] += table[g]
    for c, class_name in enumerate(labeled_set.class_names):
        if not have[:, c].all():
            found = int((table[:, c] > 0).sum())
            raise DataError(
                f"class '{class_name}' of '{labeled_set.name}' has {found} group{'s' if found > 1 else ''}, too few to "
                "be on both sides of a group-wise split: drop the class, or move the fraction towards 0.5"
            )
    train, test = (
        labeled_set.select(np.flatnonzero(side[group_of] == k), f"{labeled_set.name} ({word})")
        for k, word in enumerate(("train", "test"))
    )
    return train, test


def regroup(labeled_set: LabeledSet, pattern: str) -> LabeledSet:
    """Return the set with each group key replaced by what ``pattern`` finds in it: its first bracket, or the whole match.

    E.g. "^([^:]+):" makes "fa-solid:heart" the group "fa-solid". Raises DataError for a bad pattern or a key without a match.
    """
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise DataError(f"group pattern '{pattern}' is not a regular expression ({error})") from error
    keys = []
    for key in _keys(labeled_set):
        match = compiled.search(key)
        if match is None:
            raise DataError(
                f"group pattern '{pattern}' finds nothing in the key '{key}' of '{labeled_set.name}'; expected a match in every key"
            )
        keys.append(match.group(1) if compiled.groups else match.group(0))
    return replace(labeled_set, groups=tuple(keys))


def _keys(labeled_set: LabeledSet) -> tuple[str, ...]:
    if labeled_set.groups is None:
        raise DataError(f"'{labeled_set.name}' has no group keys; give groups=... to from_arrays, or source_paths in the .npz file")
    return labeled_set.groups
