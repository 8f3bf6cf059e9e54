"""Coverage of the coefficient's interval on real task embeddings."""

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.data.union import single
from breadth.measure.distance import pairwise
from breadth.measure.diversity import embed
from breadth.measure.probe import probe
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from breadth.stats.interval import mean_pairwise


def coverage(d, tasks, repeats=2000, replace=True):
    """Share of intervals that hold the mean distance of two tasks, each drawn from the pool with distances d [N, N].

    Drawing with replacement makes the pool an infinite population in which a task may meet itself at distance zero, as the target
    says. Without replacement the interval would be too wide as soon as a good part of the pool is drawn, since it knows no pool.
    """
    target, rng, hits = d.mean(), np.random.default_rng(0), 0
    for _ in range(repeats):
        rows = rng.choice(len(d), tasks, replace=replace)
        estimate = mean_pairwise(d[np.ix_(rows, rows)])
        hits += estimate.low <= target <= estimate.high
    return hits / repeats


@pytest.mark.slow
def test_intervals_cover_on_subsamples_of_a_real_pack(packs):
    t2v = Task2Vec(probe(Architecture("conv-stride", 8, 1, 28)))
    d = pairwise(embed(single(load(packs / "omniglot_small.npz")), t2v, tasks=400, per_class=10).values)
    for tasks in (10, 50, 200):
        assert 0.92 <= coverage(d, tasks) <= 0.98
    # The check can fail: an interval of infinite-population width around half of the pool covers nearly always.
    assert coverage(d, 200, replace=False) > 0.98
