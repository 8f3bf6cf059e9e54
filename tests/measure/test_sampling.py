"""Tasks of one measurement: all different, each a pure function of the source, the seed and its number."""

import re
from itertools import islice

import numpy as np
import pytest

from breadth.data.stream import StreamTasks
from breadth.data.task import task
from breadth.data.union import single
from breadth.errors import DataError, MeasureError
from breadth.measure.probe import probe
from breadth.measure.sampling import distinct_draws, embed, embed_range, joined, same_classes_twice
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.toys import Toys

T2V = Task2Vec(probe(Architecture("conv-stride", 4, 1, 16)))


def small():
    """2 classes of 4 items: 3 items of each make 16 different tasks."""
    return single(Toys.images(classes=2, per_class=4, name="small"))


def sets(draws):
    return [frozenset(d.items.ravel().tolist()) for d in draws]


def test_all_tasks_differ_even_where_all_of_them_are_drawn():
    drawn = list(islice(distinct_draws(small(), ways=2, per_class=3, seed=0), 16))
    assert len(set(sets(drawn))) == 16
    plain = [small().draw(i, 2, 3, 0) for i in range(16)]
    assert len(set(sets(plain))) < 16
    again = list(islice(distinct_draws(small(), ways=2, per_class=3, seed=0), 16))
    assert sets(drawn) == sets(again)


def test_draws_stay_what_they_were_where_none_is_a_repetition():
    seen = set()
    for i, draw in enumerate(islice(distinct_draws(small(), ways=2, per_class=3, seed=0), 16)):
        plain = small().draw(i, 2, 3, 0)
        if frozenset(plain.items.ravel().tolist()) not in seen:
            assert np.array_equal(draw.items, plain.items)
        seen.add(frozenset(draw.items.ravel().tolist()))
    big = single(Toys.images())
    for i, draw in enumerate(islice(distinct_draws(big, ways=5, per_class=5, seed=3), 30)):
        assert np.array_equal(draw.items.ravel(), task(big, i, per_class=5, seed=3).items)


def test_a_source_without_another_task_is_refused():
    message = (
        "only 16 different tasks of 2 ways with 3 items each were found in 'small', 1000 more draws gave no other; expected as many "
        "different tasks as are measured: ask for fewer tasks or fewer items a class"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        list(islice(distinct_draws(small(), ways=2, per_class=3, seed=0), 17))
    with pytest.raises(DataError, match=r"^class '0' of 'small' has 4 items; 5 are needed"):
        embed(small(), T2V, tasks=2, ways=2, per_class=5)


def test_pairs_have_the_same_classes_other_items_and_no_task_twice():
    source = single(Toys.images(classes=2, per_class=4, name="small"))
    pairs = list(islice(same_classes_twice(source, ways=2, per_class=2, seed=0), 12))
    found = [frozenset(t.items.tolist()) for pair in pairs for t in pair]
    assert len(set(found)) == len(found) == 24
    for a, b in pairs:
        assert not set(a.items) & set(b.items)
        assert a.labels.tolist() == b.labels.tolist() == [0, 0, 1, 1]
        labels = source.parts[0].labels
        assert np.array_equal(labels[a.items], labels[b.items])


def test_ranges_are_parts_of_the_whole():
    source = small()
    whole = embed(source, T2V, tasks=7, ways=2, per_class=3, seed=5)
    first, rest = (embed_range(source, T2V, a, b, ways=2, per_class=3, seed=5) for a, b in ((0, 3), (3, 7)))
    both = joined(first, rest)
    for name in ("values", "items", "loss", "doubt"):
        assert np.array_equal(getattr(both, name), getattr(whole, name))
    assert (both.parts, both.protocol) == (whole.parts, whole.protocol)
    assert rest.protocol["tasks"] == 4
    with pytest.raises(
        MeasureError, match=r"^tasks 3 to 3 were asked for; expected a range of 1 or more tasks that starts at 0 or later$"
    ):
        embed_range(source, T2V, 3, 3)


def test_what_is_no_range_of_one_measurement_is_not_joined():
    source = small()
    first = embed_range(source, T2V, 0, 2, ways=2, per_class=3)
    message = "1 tasks of 'small' are in both sets of embeddings; expected different tasks: join ranges that do not overlap"
    with pytest.raises(MeasureError, match=f"^{message}$"):
        joined(first, embed_range(source, T2V, 1, 3, ways=2, per_class=3))
    with pytest.raises(MeasureError, match=r"^'small' and 'small' were measured under protocols that differ in seed \(0 and 1\);"):
        joined(first, embed_range(source, T2V, 2, 3, ways=2, per_class=3, seed=1))
    other = embed_range(single(Toys.images(classes=2, per_class=4, name="other")), T2V, 2, 3, ways=2, per_class=3)
    with pytest.raises(MeasureError, match=r"^embeddings with source small and other cannot be joined; expected one source$"):
        joined(first, other)


def test_progress_counts_the_tasks_of_a_range():
    seen = []
    embed_range(small(), T2V, 2, 4, ways=2, per_class=3, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)]


def test_a_stream_is_measured_in_one_pass():
    images, opened = Toys.images(classes=3), []

    def stream():
        opened.append(True)
        order = np.random.default_rng(0).permutation(images.n_items)
        yield from ((images.inputs[r], int(images.labels[r])) for r in order.tolist())

    e = embed(StreamTasks("stream", stream, window=9), T2V, tasks=4, ways=2, per_class=2)
    assert e.tasks == 4
    assert len(opened) == 1
    assert len(set(e.items.ravel().tolist())) == e.items.size
    assert e.protocol["convention"] == "windows of 9"
