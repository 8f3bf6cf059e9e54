"""Mixtures from stored embeddings: the definition, the direct measurement of a union, and weights that nothing improves."""

import re

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.data.images import prepare
from breadth.data.union import single, union
from breadth.errors import MeasureError
from breadth.measure.diversity import cross_diversity, diversity_coefficient, embed
from breadth.measure.mixture import mixture
from breadth.measure.probe import probe
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.embedded import gamma, made
from oracle.mixture import best, diversity


def three():
    return [gamma(7, 30, 0, 0.5, source="a"), gamma(5, 30, 1, 1.0, source="b"), gamma(6, 30, 2, 3.0, source="c")]


def apart():
    """Three sources around centres of their own: mixtures have more diversity than each."""
    centres = np.random.default_rng(0).gamma(0.7, 1, (3, 30))
    draws = np.random.default_rng(1).gamma(3, 1, (3, 6, 30))
    return [made(centres[a] * draws[a], source="abc"[a]) for a in range(3)]


@pytest.mark.parametrize("weights", [(0.2, 0.5, 0.3), (1 / 3, 1 / 3, 1 / 3)])
def test_a_mixture_is_its_definition(weights):
    sources = three()
    found, slow = mixture(sources).diversity(weights), diversity([e.values for e in sources], weights)
    assert (found.value, found.low, found.high) == (pytest.approx(slow.value), pytest.approx(slow.low), pytest.approx(slow.high))
    assert (found.n, found.method) == (18, "tasks of each source, mixture of stored distances, delete-one-task jackknife")


def test_one_source_alone_is_its_coefficient():
    sources = three()
    found, direct = mixture(sources).diversity((0, 1, 0)), diversity_coefficient(sources[1])
    assert (found.value, found.low, found.high) == (
        pytest.approx(direct.value),
        pytest.approx(direct.low),
        pytest.approx(direct.high),
    )
    assert found.n == 5
    assert mixture(sources).distances[0, 2] == pytest.approx(cross_diversity(sources[0], sources[2]).value)
    assert mixture(sources).diversity() == mixture(sources).diversity((1 / 3, 1 / 3, 1 / 3))


def test_gains_are_the_derivatives():
    m, w, step = mixture(three()), np.array([0.2, 0.5, 0.3]), 1e-6
    for a, (name, gain) in enumerate(m.gains(w).items()):
        assert name == m.names[a]
        moved = (1 - step) * w + step * np.eye(3)[a]
        assert gain == pytest.approx((m.diversity(moved).value - m.diversity(w).value) / step, abs=1e-5)


@pytest.mark.parametrize("sources", [apart(), three()])
def test_the_best_weights_are_those_of_a_grid_and_nothing_improves_them(sources):
    m = mixture(sources)
    found = m.best()
    assert sum(found.weights) == pytest.approx(1)
    assert found.weights == pytest.approx(best(m.distances), abs=1 / 60)
    assert found.gap < 1e-6
    assert max(m.gains(found.weights).values()) < 1e-6


def test_a_mixture_may_have_more_diversity_than_each_source():
    m = mixture(apart())
    found = m.best()
    assert found.certain
    assert min(found.weights) > 0.2
    assert m.diversity(found.weights).value > m.distances.diagonal().max()


def test_where_other_maxima_may_exist_it_says_so():
    # One source is so diverse that mixing in the others only takes away; each vertex is far from the others' tasks.
    assert not mixture(three()).best().certain
    assert mixture(three()).best().weights == (1, 0, 0)


def test_mixtures_that_make_no_sense_are_refused():
    a, b, c = three()
    for weights in ((0.5, 0.5), (0.5, 0.6, 0.1), (-0.5, 1, 0.5)):
        message = f"weights {list(map(float, weights))} were given for 3 sources; expected 3 numbers of at least 0 that sum to 1"
        with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
            mixture([a, b, c]).diversity(weights)
    with pytest.raises(MeasureError, match=r"^a mixture of no sources was asked for; expected embeddings of at least one$"):
        mixture([])
    with pytest.raises(MeasureError, match=r"^'a' is in the mixture twice; expected different sources$"):
        mixture([a, b, a])
    with pytest.raises(MeasureError, match=r"^'d' has 2 tasks; expected 3 or more of every source of a mixture$"):
        mixture([a, gamma(2, 30, source="d")])
    odd = gamma(4, 30, source="d", ridge=0.5)
    with pytest.raises(MeasureError, match=r"^'a' and 'd' were measured under protocols that differ in ridge \(0\.1 and 0\.5\)"):
        mixture([a, odd])
    assert mixture([a, odd], override=True).names == ("a", "d")


@pytest.mark.slow
def test_intervals_of_mixtures_cover():
    weights, shapes, means = (0.2, 0.5, 0.3), (0.5, 1.0, 3.0), np.random.default_rng(1).gamma(1, 1, (3, 30))

    def drawn(rng, m):
        return [made(means[a] * rng.gamma(shapes[a], 1, (k, 30)), source=str(a)) for a, k in enumerate(m)]

    truth = mixture(drawn(np.random.default_rng(2), (1500,) * 3)).diversity(weights).value
    rng, hits = np.random.default_rng(3), 0
    for _ in range(2000):
        e = mixture(drawn(rng, (10, 20, 15))).diversity(weights)
        hits += e.low <= truth <= e.high
    print(f"mixtures of 10, 20 and 15 tasks: {hits / 2000:.3f} of 2,000 intervals of 95 % cover")
    assert 0.92 <= hits / 2000 <= 0.98


@pytest.mark.slow
def test_a_mixture_is_the_union_that_is_measured_directly(packs):
    t2v = Task2Vec(probe(Architecture("conv-stride", 16, 1, 28)))
    sets = [prepare(load(packs / f"{n}.npz"), size=28, channels=1) for n in ("omniglot_small", "mnist", "fashion_mnist")]
    found = mixture([embed(single(s), t2v, tasks=60, per_class=10) for s in sets]).diversity(level=0.99)
    direct = diversity_coefficient(embed(union(sets), t2v, tasks=150, per_class=10, seed=1), level=0.99)
    print(f"mixture {found}\nunion {direct}")
    assert found.low <= direct.high
    assert direct.low <= found.high
    assert abs(found.value - direct.value) < (direct.high - direct.low) / 2
