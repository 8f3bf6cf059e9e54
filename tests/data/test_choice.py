"""Draws made together against numpy's own, one by one."""

from types import SimpleNamespace

import numpy as np
import pytest

from breadth.data.choice import Choices
from breadth.data.episode import episodes
from breadth.data.images import LabeledSet
from breadth.data.stream import StreamTasks
from breadth.data.union import single, union
from breadth.errors import DataError
from breadth.seeds import generator


def numbered(name, counts):
    n = sum(counts)
    names = tuple(f"{name}{c}" for c in range(len(counts)))
    return LabeledSet(name, np.zeros((n, 1), np.float32), np.repeat(np.arange(len(counts), dtype=np.int64), counts), names)


UNEQUAL = union([numbered("a", [20] * 6), numbered("b", [20 + 37 * i for i in range(15)]), numbered("c", [30] * 3)])
POOLED = union(UNEQUAL.parts, "pooled-classes")


def fresh(n):
    return [generator(3, "choice", i) for i in range(n)]


@pytest.mark.parametrize("sizes", [((7, 7), (7, 1)), ((10_000, 300), (2, 2), (50, 49)), ((9999, 5), (1, 1), (12_000, 30))])
def test_numbers_are_those_of_the_generators(sizes):
    together, alone = Choices(fresh(300), 2 * sum(k for _, k in sizes)), fresh(300)
    for n, k in sizes:
        expected = np.stack([g.choice(n, k, replace=False) for g in alone])
        np.testing.assert_array_equal(together.choice(np.full(300, n), k), expected)
    assert not together.odd.any()


def test_each_generator_may_choose_from_a_set_of_its_own():
    n = np.arange(5, 305)
    expected = np.stack([g.choice(m, 5, replace=False) for g, m in zip(fresh(300), n.tolist(), strict=True)])
    np.testing.assert_array_equal(Choices(fresh(300), 10).choice(n, 5), expected)


def test_what_numpy_does_otherwise_is_told():
    """A large set of which much is taken, and a number that Lemire's method rejects: 0, where 2^32 is no multiple of n."""
    made = Choices(fresh(3), 1000)
    made.choice(np.array([10_000, 10_001, 12_500]), 250)
    assert made.odd.tolist() == [False, True, False]
    zeros = [SimpleNamespace(bit_generator=SimpleNamespace(random_raw=lambda n: np.zeros(n, np.uint64))) for _ in range(3)]
    made = Choices(zeros, 2)
    assert made.below(np.array([1, 8, 5])).tolist() == [0, 0, 0]
    assert made.odd.tolist() == [False, False, True]


@pytest.mark.parametrize("source", [UNEQUAL, POOLED, single(UNEQUAL.parts[1])], ids=["by part", "pooled", "one part"])
@pytest.mark.parametrize("shape", [(5, 20), (2, 1), (6, 3)])
def test_draws_are_those_made_one_by_one(source, shape):
    expected = np.stack([source.draw(i, *shape, 11).items for i in range(40, 200)])
    np.testing.assert_array_equal(source.draws(range(40, 200), *shape, 11), expected)


@pytest.mark.parametrize("fault", ["odd", "another numpy"])
def test_draws_made_wrongly_are_made_again(monkeypatch, fault):
    expected = np.stack([UNEQUAL.draw(i, 5, 4, 0).items for i in range(50)])
    choice = Choices.choice

    def wrong(self, n, size):
        out = choice(self, n, size)
        where = self._lanes % 7 == 3 if fault == "odd" else np.ones(50, bool)
        self.odd |= where & (fault == "odd")
        out[where] = out[where][:, ::-1]
        return out

    monkeypatch.setattr(Choices, "choice", wrong)
    np.testing.assert_array_equal(UNEQUAL.draws(range(50), 5, 4, 0), expected)


def test_draws_refuse_what_a_draw_refuses():
    with pytest.raises(DataError) as e:
        UNEQUAL.draws(range(3), 16, 1, 0)
    assert str(e.value) == (
        "no part of 'a+b+c' has 16 classes; the largest, 'b', has 15: ask for fewer ways or use the convention 'pooled-classes'"
    )


def test_a_suite_knows_the_items_of_all_its_episodes():
    for source in (UNEQUAL, StreamTasks("s", lambda: ((np.zeros(2, np.float32), i % 6) for i in range(900)), window=90)):
        suite = episodes(source, ways=5, shots=2, queries=3, seed=4, count=10)
        np.testing.assert_array_equal(suite.items, [episode.items for episode in suite])


def test_suites_are_those_of_earlier_versions():
    assert episodes(UNEQUAL, seed=2, count=5000).fingerprint() == "870c40dbf7f1ec32342c242435dafff6df7437805490916f5b1adf6fce5d0e90"
    assert (
        episodes(POOLED, ways=3, shots=1, count=20).fingerprint()
        == "b8825247642e9a2c36aaa8b630007849df9a76421430c2f8c29a3eb8226a0beb"
    )
