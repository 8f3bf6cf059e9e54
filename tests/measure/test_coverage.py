"""Coverage of the intervals: of the plain and the corrected coefficient, of simulated and of real task embeddings."""

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.data.task import task
from breadth.data.union import single
from breadth.measure.auto import auto_tasks
from breadth.measure.correction import corrected, distance_of_variance, variance_of_distance
from breadth.measure.distance import cosine, pairwise
from breadth.measure.diversity import embed, floor_pairs
from breadth.measure.probe import probe
from breadth.measure.sampling import same_classes_twice
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from breadth.stats.interval import mean, mean_pairwise
from measure.embedded import made


def coverage(d, tasks, repeats=2000, replace=True, floors=None):
    """Share of intervals that hold the mean distance of two tasks, each drawn from the pool with distances d [N, N].

    Drawing with replacement makes the pool an infinite population in which a task may meet itself at distance zero, as the target
    says. Without replacement the interval would be too wide as soon as a good part of the pool is drawn, since it knows no pool.
    floors [P]: a pool of distances of pairs for the floor; then of the corrected coefficient, with as many pairs as suit the tasks.
    """
    target, rng, hits = d.mean(), np.random.default_rng(0), 0
    if floors is not None:
        target = distance_of_variance(variance_of_distance(target) - variance_of_distance(floors.mean()))
    for _ in range(repeats):
        rows = rng.choice(len(d), tasks, replace=replace)
        estimate = mean_pairwise(d[np.ix_(rows, rows)])
        if floors is not None:
            estimate = corrected(estimate, mean(rng.choice(floors, floor_pairs(tasks))))
        hits += estimate.low <= target <= estimate.high
    return hits / repeats


def noisy(n, noise, d=60, seed=0):
    """Distances of n tasks with gamma signals and multiplicative gamma noise, and of pairs with one signal and two noises."""
    rng = np.random.default_rng(seed)
    signal = rng.gamma(2, 1, (n, d)) * rng.gamma(4, 1, (n, 1))
    first, second = (signal * rng.gamma(noise, 1 / noise, (n, d)) for _ in range(2))
    return pairwise(first), np.array([cosine(a, b) for a, b in zip(first, second, strict=True)]), pairwise(signal)


def test_the_check_fails_on_intervals_that_are_too_narrow():
    d, floors, _ = noisy(200, 5)

    def narrow(tasks):
        rng, target, hits = np.random.default_rng(0), d.mean(), 0
        for _ in range(300):
            rows = rng.choice(200, tasks)
            e = mean_pairwise(d[np.ix_(rows, rows)], level=0.6)
            hits += e.low <= target <= e.high
        return hits / 300

    assert narrow(20) < 0.9
    assert coverage(d, 20, repeats=300) > 0.9
    assert coverage(d, 20, repeats=300, floors=floors) > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("noise", [2, 20])
def test_intervals_cover_in_simulation(noise):
    d, floors, _ = noisy(2000, noise)
    for tasks in (10, 20, 50, 200):
        plain, without = coverage(d, tasks), coverage(d, tasks, floors=floors)
        print(f"simulated, noise {noise}, M = {tasks}: plain {plain:.3f}, corrected {without:.3f} of 2,000 intervals of 95 % cover")
        assert 0.92 <= plain <= 0.98
        assert 0.92 <= without <= 0.98


@pytest.mark.slow
def test_intervals_cover_on_subsamples_of_a_real_pack(packs):
    t2v, source = Task2Vec(probe(Architecture("conv-stride", 8, 1, 28))), single(load(packs / "omniglot_small.npz"))
    d = pairwise(embed(source, t2v, tasks=400, per_class=10).values)
    twice = same_classes_twice(source, ways=5, per_class=10, seed=1)
    floors = np.array([cosine(t2v(a).values, t2v(b).values) for _, (a, b) in zip(range(400), twice, strict=False)])
    for tasks in (10, 20, 50, 200):
        plain, without = coverage(d, tasks), coverage(d, tasks, floors=floors)
        print(f"omniglot_small, M = {tasks}: plain {plain:.3f}, corrected {without:.3f} of 2,000 intervals of 95 % cover")
        assert 0.92 <= plain <= 0.98
        assert 0.92 <= without <= 0.98
    # The check can fail: an interval of infinite-population width around half of the pool covers nearly always.
    assert coverage(d, 200, replace=False) > 0.98


def remaining(truth, plain, floor):
    """Bias of the plain coefficient, of the difference, of the ratio of cosines and of the corrected coefficient."""
    without = distance_of_variance(variance_of_distance(plain) - variance_of_distance(floor))
    return np.array([plain, plain - floor, 1 - (1 - plain) / (1 - floor), without]) - truth


def above(d):
    """Mean over pairs of different tasks."""
    return mean_pairwise(d).value


@pytest.mark.parametrize("noise, limit", [(1, 0.03), (2, 0.01), (5, 0.005), (20, 0.003)])
def test_the_correction_leaves_the_least_bias(noise, limit):
    d, floors, clean = noisy(250, noise)
    left = np.abs(remaining(above(clean), above(d), floors.mean()))
    assert left[3] < limit
    assert left[3] < left[:3].min()


@pytest.mark.slow
def test_the_correction_leaves_little_bias_on_real_tasks(packs):
    body = probe(Architecture("conv-stride", 32, 1, 28))
    source = single(load(packs / "omniglot_small.npz"))
    tasks = [task(source, i, per_class=10) for i in range(60)]
    truth = above(pairwise(np.stack([Task2Vec(body)(t).values for t in tasks])))
    for estimator in ("rademacher", "monte_carlo"):
        first, second = (np.stack([Task2Vec(body, estimator, seed=s)(t).values for t in tasks]) for s in (1, 2))
        floor = np.mean([cosine(a, b) for a, b in zip(first, second, strict=True)])
        left = remaining(truth, above(pairwise(first)), floor)
        print(f"{estimator}: truth {truth:.4f}, floor {floor:.4f}, bias: plain {left[0]:+.4f}, difference {left[1]:+.4f}, "
              f"ratio {left[2]:+.4f}, corrected {left[3]:+.4f}")  # fmt: skip
        assert abs(left[3]) < 0.01 < np.abs(left[:2]).min()


def stopped(rng, precision, shape=2.0, d=40):
    """Coefficient of a simulated source with as many tasks as the precision takes."""

    def drawn(start, stop):
        return made(rng.gamma(shape, 1, (stop - start, d)) * np.exp(rng.normal(size=(stop - start, 4)) @ WAYS), first=2 * start)

    return auto_tasks(None, None, precision=precision, embed_tasks=drawn)


WAYS = 0.5 * np.random.default_rng(7).normal(size=(4, 40))


@pytest.mark.slow
@pytest.mark.parametrize("precision", [0.03, 0.015])
def test_stopping_when_narrow_costs_little_coverage(precision):
    rng = np.random.default_rng(0)
    target = above(pairwise(rng.gamma(2, 1, (3000, 40)) * np.exp(rng.normal(size=(3000, 4)) @ WAYS)))
    found = [stopped(rng, precision) for _ in range(2000)]
    hits = np.mean([f.diversity.low <= target <= f.diversity.high for f in found])
    sizes = [f.diversity.n for f in found]
    print(f"precision {precision}: {np.mean(sizes):.0f} tasks on average ({min(sizes)} to {max(sizes)}), coverage {hits:.3f}")
    assert all(f.reached for f in found)
    assert 0.9 <= hits <= 0.98
