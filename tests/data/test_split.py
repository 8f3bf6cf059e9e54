"""Splits: class-disjoint, group-wise, seeded, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breadth.data.glyphs import glyphs
from breadth.data.images import LabeledSet
from breadth.data.split import regroup, split_classes, split_groups
from breadth.errors import DataError


def grouped(classes=6, groups_per_class=5, per_group=3, shared=False):
    """Values are unique; group keys are "CLASS:GROUP", or "GROUP" alone where groups span classes."""
    n = classes * groups_per_class * per_group
    labels = np.repeat(np.arange(classes), groups_per_class * per_group).astype(np.int64)
    group = np.tile(np.repeat(np.arange(groups_per_class), per_group), classes)
    keys = tuple(str(g) if shared else f"{c}:{g}" for c, g in zip(labels.tolist(), group.tolist(), strict=True))
    return LabeledSet("toy", np.arange(n, dtype=np.float32)[:, None], labels, tuple("abcdefghij"[:classes]), keys)


TOY = grouped()


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**9), sizes=st.lists(st.integers(1, 3), min_size=1, max_size=2))
def test_classes_are_disjoint_and_complete(seed, sizes):
    parts = split_classes(TOY, sizes, seed)
    names = [set(part.class_names) for part in parts]
    assert [len(n) for n in names] == sizes
    assert len(set.union(*names)) == sum(sizes)
    for part in parts:
        assert part.counts == (15,) * part.n_classes
        for value, label in zip(part.inputs[:, 0].astype(int).tolist(), part.labels.tolist(), strict=True):
            assert part.class_names[label] == TOY.class_names[TOY.labels[value]]
    again = split_classes(TOY, sizes, seed)
    assert [p.digest for p in parts] == [p.digest for p in again]


def test_shares_names_and_seeds():
    parts = split_classes(TOY, [0.5, 0.3, 0.2], 0)
    assert [p.n_classes for p in parts] == [3, 2, 1]
    assert [p.name for p in parts] == ["toy (1 of 3)", "toy (2 of 3)", "toy (3 of 3)"]
    assert [p.name for p in split_classes(TOY, [3, 2], 0, names=["train", "test"])] == ["train", "test"]
    assert len({split_classes(TOY, [3], s)[0].class_names for s in range(30)}) > 8


def test_classes_that_share_groups_stay_together_on_request():
    made = glyphs(scripts=["greek"], styles=["sans", "serif"], classes=None, per_class=1)
    train, test = split_classes(made, [0.5, 0.5], 0, keep_groups=True)
    assert not set(train.groups) & set(test.groups)
    assert abs(train.n_classes - test.n_classes) <= 4
    train, test = split_classes(made, [0.5, 0.5], 0)
    assert set(train.groups) & set(test.groups)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**9), fraction=st.floats(0.25, 0.75), shared=st.booleans())
def test_no_group_is_on_both_sides_and_every_class_is(seed, fraction, shared):
    toy = grouped(shared=shared)
    train, test = split_groups(toy, fraction, seed)
    assert not set(train.groups) & set(test.groups)
    assert train.class_names == test.class_names == toy.class_names
    assert sorted([*train.inputs[:, 0].tolist(), *test.inputs[:, 0].tolist()]) == toy.inputs[:, 0].tolist()
    assert all(abs(count / 15 - fraction) <= 0.25 for count in train.counts)
    assert split_groups(toy, fraction, seed)[0].digest == train.digest


def test_group_splits_depend_on_the_seed():
    assert len({split_groups(TOY, 0.5, s)[0].digest for s in range(5)}) == 5


def test_regroup():
    assert set(regroup(TOY, "^([^:]+):").groups) == {str(c) for c in range(6)}
    assert regroup(TOY, ":.").groups[0] == ":0"


NO_KEYS = LabeledSet("bare", TOY.inputs, TOY.labels, TOY.class_names)


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda: split_classes(TOY, [4, 3], 0), "a split into 4, 3 classes was asked for; 'toy' has 6 classes, 7 are needed"),
        (
            lambda: split_classes(TOY, [0, 3], 0),
            "a split of 'toy' into parts of [0, 3] classes was asked for; expected positive numbers",
        ),
        (lambda: split_classes(TOY, [], 0), "a split of 'toy' into parts of [] classes was asked for; expected positive numbers"),
        (
            lambda: split_classes(TOY, [float("nan")], 0),
            "a split of 'toy' into parts of [nan] classes was asked for; expected positive numbers",
        ),
        (
            lambda: split_classes(TOY, [0.8, 0.3], 0),
            "a split of 'toy' into shares 0.8, 0.3 was asked for; expected whole numbers of classes, "
            "or shares that sum to at most 1",
        ),
        (
            lambda: split_classes(TOY, [0.95, 0.05], 0),
            "a split of 'toy' into shares 0.95, 0.05 was asked for; part 2 would have none of its 6 classes: ask for larger shares",
        ),
        (lambda: split_classes(TOY, [3, 3], 0, names=["x"]), "1 names for 2 parts of 'toy' were given; expected one name per part"),
        (
            lambda: split_classes(grouped(shared=True), [3, 3], 0, keep_groups=True),
            "part 2 of 'toy' is empty: classes that share groups fill the other parts; "
            "ask for fewer parts or set keep_groups=False",
        ),
        (
            lambda: split_classes(NO_KEYS, [3], 0, keep_groups=True),
            "'bare' has no group keys; give groups=... to from_arrays, or source_paths in the .npz file",
        ),
        (
            lambda: split_groups(NO_KEYS, 0.5, 0),
            "'bare' has no group keys; give groups=... to from_arrays, or source_paths in the .npz file",
        ),
        (lambda: split_groups(TOY, 1.0, 0), "a group-wise split with fraction=1 was asked for; expected a number between 0 and 1"),
        (
            lambda: split_groups(grouped(groups_per_class=1), 0.5, 0),
            "class 'a' of 'toy' has 1 group, too few to be on both sides of a group-wise split: "
            "drop the class, or move the fraction towards 0.5",
        ),
        (
            lambda: regroup(TOY, "("),
            "group pattern '(' is not a regular expression (missing ), unterminated subpattern at position 0)",
        ),
        (lambda: regroup(TOY, "x"), "group pattern 'x' finds nothing in the key '0:0' of 'toy'; expected a match in every key"),
    ],
)
def test_errors(act, message):
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == message
