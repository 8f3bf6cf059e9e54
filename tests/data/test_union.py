"""Unions and episodes: both conventions, purity, no leakage, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from breadth.data.episode import episodes
from breadth.data.images import LabeledSet
from breadth.data.task import TaskSource, task
from breadth.data.union import Convention, Union, pooled, single, union
from breadth.errors import DataError


def numbered(name, counts, start=0, groups=None):
    """Vectors whose only value is a number unique to the item, so that every item can be recognised."""
    n = sum(counts)
    labels = np.random.default_rng(start).permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    values = (start + np.arange(n, dtype=np.float32))[:, None]
    return LabeledSet(name, values, labels, tuple(f"{name}{c}" for c in range(len(counts))), groups)


A = numbered("a", (8, 9, 10, 11, 12, 13))
B = numbered("b", (8, 8, 8), start=1000)
C = numbered("c", (9,) * 7, start=2000)


def test_a_union_is_a_task_source():
    assert isinstance(union([A, B]), TaskSource)
    u = union([A, B, C])
    assert (u.name, u.n_classes, u.n_items, u.convention) == ("a+b+c", 16, 63 + 24 + 63, "source-then-classes")
    assert union([A], name="x").name == "x"
    assert single(A).name == "a"


def test_rows_come_from_the_right_part_in_the_asked_order():
    u = union([A, B, C])
    everything = np.concatenate([A.inputs, B.inputs, C.inputs])
    items = np.random.default_rng(0).permutation(u.n_items)[:40].reshape(5, 8)
    np.testing.assert_array_equal(u.rows(items), everything[items.reshape(-1)])
    np.testing.assert_array_equal(single(A).rows(items[:, :1] % 60), A.inputs[items[:, 0] % 60])


def labels_of(u):
    return pooled(u).labels


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**40),
    i=st.integers(0, 10**6),
    ways=st.integers(2, 6),
    per_class=st.integers(1, 8),
    convention=st.sampled_from(["source-then-classes", "pooled-classes"]),
)
def test_a_draw_is_pure_and_holds_distinct_rows_of_its_classes(seed, i, ways, per_class, convention):
    u = union([A, B, C], convention)
    draw = u.draw(i, ways, per_class, seed)
    again = union([A, B, C], convention).draw(i, ways, per_class, seed)
    np.testing.assert_array_equal(draw.items, again.items)
    np.testing.assert_array_equal(draw.classes, again.classes)
    assert draw.part == again.part
    assert draw.items.shape == (ways, per_class)
    assert len(np.unique(draw.items)) == ways * per_class
    assert len(np.unique(draw.classes)) == ways
    np.testing.assert_array_equal(labels_of(u)[draw.items], np.repeat(draw.classes[:, None], per_class, axis=1))


def test_source_then_classes_stays_inside_one_part_and_is_uniform_over_parts_with_enough_classes():
    u = union([A, B, C])
    parts = []
    for i in range(600):
        draw = u.draw(i, 5, 4, 0)
        inside = {(c >= 6) + (c >= 9) for c in draw.classes.tolist()}
        assert inside == {draw.part}
        parts.append(draw.part)
    assert parts.count(1) == 0  # b has 3 classes only
    assert abs(parts.count(0) - 300) < 4 * np.sqrt(150)
    assert {u.part_name(p) for p in parts} == {"a", "c"}


def test_pooled_classes_are_uniform_over_classes_and_mix_parts():
    u = union([A, B, C], "pooled-classes")
    counts = np.zeros(16)
    for i in range(800):
        draw = u.draw(i, 4, 2, 0)
        assert draw.part == -1
        counts[draw.classes] += 1
    assert np.abs(counts - 200).max() < 5 * np.sqrt(150)
    assert u.part_name(-1) == ""


def test_every_item_of_a_class_is_equally_likely():
    counts = np.zeros(8)
    small = single(numbered("s", (4, 4)))
    for i in range(1000):
        counts[small.draw(i, 2, 2, 0).items.reshape(-1)] += 1
    assert np.abs(counts - 500).max() < 5 * np.sqrt(250)


def test_pooled_keeps_the_numbers_of_the_union():
    groups = tuple(str(i) for i in range(24))
    u = union([A, numbered("b", (8, 8, 8), 1000, groups)])
    p = pooled(u)
    assert p.class_names == (*(f"a/a{i}" for i in range(6)), *(f"b/b{i}" for i in range(3)))
    np.testing.assert_array_equal(p.inputs, u.rows(np.arange(u.n_items)))
    assert (p.groups[0], p.groups[63], len(set(p.groups))) == ("a/item 0", "b/0", 87)
    assert pooled(single(A)).inputs is A.inputs
    assert pooled(single(A)).groups is None


def test_task_blocks_are_class_by_class():
    one = task(union([A, C]), 3, ways=5, per_class=6, seed=1)
    assert one.labels.tolist() == np.repeat(np.arange(5), 6).tolist()
    assert one.inputs.shape == (30, 1)
    assert one.part in ("a", "c")


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**40), i=st.integers(0, 49), shots=st.integers(1, 4), queries=st.integers(1, 4))
def test_support_and_query_never_share_an_item(seed, i, shots, queries):
    suite = episodes(union([A, C]), ways=5, shots=shots, queries=queries, seed=seed, count=50)
    episode = suite[i]
    support, query = episode.support_inputs.reshape(-1), episode.query_inputs.reshape(-1)
    assert (len(support), len(query)) == (5 * shots, 5 * queries)
    assert not set(support.tolist()) & set(query.tolist())
    assert episode.support_labels.tolist() == np.repeat(np.arange(5), shots).tolist()
    assert episode.query_labels.tolist() == np.repeat(np.arange(5), queries).tolist()
    np.testing.assert_array_equal(episode.items, suite[i - 50].items)
    np.testing.assert_array_equal(suite.source.rows(episode.items[:, :shots]).reshape(-1), support)


def test_a_longer_suite_begins_with_the_shorter_one():
    short, long = (episodes(single(A), shots=2, queries=3, seed=4, count=n) for n in (3, 9))
    assert len(short) == 3
    assert [e.items.tolist() for e in short] == [e.items.tolist() for e in long[:3]]
    assert len({e.items.tobytes() for e in long}) == 9
    with pytest.raises(IndexError, match="episode 9 of a suite of 9"):
        long[9]


def test_fingerprint_changes_with_data_seed_shape_and_length():
    other = numbered("a", (8, 9, 10, 11, 12, 13), start=5)
    base = {"shots": 2, "queries": 3, "seed": 4, "count": 9}
    prints = [episodes(single(A), **base).fingerprint()]
    assert prints[0] == episodes(single(A), **base).fingerprint()
    prints += [
        episodes(single(A), **{**base, **change}).fingerprint()
        for change in ({"seed": 5}, {"count": 8}, {"shots": 3, "queries": 2}, {"ways": 4})
    ]
    prints += [episodes(single(other), **base).fingerprint(), episodes(union([A, C]), **base).fingerprint()]
    assert len(set(prints)) == 7


def test_evaluation_episodes_are_not_the_tasks_of_a_measurement_with_the_same_seed():
    suite = episodes(single(A), shots=2, queries=3, seed=4, count=9)
    assert not np.array_equal(suite[0].items, single(A).draw(0, 5, 5, 4).items)


def images(name, size, channels):
    return LabeledSet(name, np.zeros((2, size, size, channels), np.uint8), np.arange(2, dtype=np.int64), ("x", "y"))


@pytest.mark.parametrize(
    "act, message",
    [
        (
            lambda: union([A, B]).draw(0, 7, 2, 0),
            "no part of 'a+b' has 7 classes; the largest, 'a', has 6: ask for fewer ways or use the convention 'pooled-classes'",
        ),
        (lambda: single(A).draw(0, 7, 2, 0), "'a' has 6 classes; 7-way tasks need at least 7"),
        (lambda: union([A, B], "pooled-classes").draw(0, 10, 2, 0), "'a+b' has 9 classes; 10-way tasks need at least 10"),
        (
            lambda: single(A).draw(0, 5, 9, 0),
            "class 'a0' of 'a' has 8 items; 9 are needed: ask for fewer items a class or keep the larger classes with at_least(9)",
        ),
        (
            lambda: single(A).draw(0, 5, 10, 0),
            "class 'a0' of 'a' has 8 items; 10 are needed (and 1 more classes have too few): "
            "ask for fewer items a class or keep the larger classes with at_least(10)",
        ),
        (lambda: single(A).draw(0, 0, 10, 0), "a task of 0 ways with 10 items each was asked for; expected at least 1 of both"),
        (lambda: single(A).rows(np.array([63])), "'a' has no row 63; its rows are numbered 0 to 62"),
        (lambda: union([]), "a union of no labelled sets was asked for; expected at least one part"),
        (lambda: union([A, A]), "two parts of a union are named 'a'; expected different names: rename one"),
        (
            lambda: union([A, B], "pooled"),
            "unknown convention 'pooled'; expected one of: pooled-classes, source-then-classes; did you mean 'pooled-classes'?",
        ),
        (
            lambda: union([images("p", 28, 1), images("q", 32, 3)]),
            "parts of a union differ: 'p' holds images of 28x28 px with 1 channel, 'q' holds images of 32x32 px with 3 channels; "
            "bring them to one form with prepare(size=..., channels=...)",
        ),
        (
            lambda: union([A, images("q", 32, 3)]),
            "parts of a union differ: 'a' holds vectors of 1 features, 'q' holds images of 32x32 px with 3 channels; "
            "bring them to one form with prepare(size=..., channels=...)",
        ),
        (lambda: episodes(single(A), ways=1, count=3), "episodes with ways=1 were asked for; expected at least 2"),
        (lambda: episodes(single(A), shots=0, count=3), "episodes with shots=0 were asked for; expected at least 1"),
        (lambda: episodes(single(A), queries=0, count=3), "episodes with queries=0 were asked for; expected at least 1"),
        (lambda: episodes(single(A), count=0), "episodes with count=0 were asked for; expected at least 1"),
    ],
)
def test_errors(act, message):
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == message


def test_the_conventions_are_these():
    assert Convention.__args__ == ("source-then-classes", "pooled-classes")
    assert union([A]).digest != union([A], "pooled-classes").digest
    assert isinstance(single(A), Union)


def test_a_part_with_too_few_classes_may_have_small_classes():
    tiny = numbered("tiny", (2, 2), start=9000)
    assert union([A, tiny]).draw(0, 5, 8, 0).part == 0
