"""Floor and ceiling of the scale: one task repeated is at distance 0, noise of many styles lies above natural sources."""

import re
from dataclasses import replace

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.data.images import prepare
from breadth.data.union import single, union
from breadth.errors import MeasureError
from breadth.measure.distance import pairwise
from breadth.measure.diversity import diversity_coefficient, embed, noise_floor
from breadth.measure.probe import probe
from breadth.measure.reference import Scale, ceiling_source, floor_source, position, scale
from breadth.measure.sampling import distinct_draws
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from breadth.stats.interval import Estimate
from measure.toys import Toys

T2V = Task2Vec(probe(Architecture("conv-stride", 8, 1, 16)))
VECTORS = Task2Vec(probe(Architecture("mlp", 32, 1, 6)))
SHAPES = [((16, 16, 1), T2V), ((6,), VECTORS)]


@pytest.mark.parametrize("shape, t2v", SHAPES)
def test_all_tasks_of_the_floor_are_one_task(shape, t2v):
    source = floor_source(shape, ways=3, copies=5)
    assert source.input_shape == shape
    for c in range(3):
        (constant,) = np.unique(source.parts[0].inputs[source.parts[0].rows_of(c)])
        assert constant == ([0, 128, 255] if len(shape) == 3 else [-1, 0, 1])[c]
    d = pairwise(embed(source, t2v, tasks=4, ways=3, per_class=2).values)
    assert 0 <= d.max() < 1e-6


def test_a_random_estimator_shows_its_noise_on_the_floor():
    noisy = replace(T2V, estimator="rademacher")
    floor = embed(floor_source((16, 16, 1), ways=3, copies=5), noisy, tasks=4, ways=3, per_class=2)
    assert diversity_coefficient(floor).value > 1e-3


@pytest.mark.parametrize("shape", [(16, 16, 1), (12, 20, 3), (6,)])
def test_the_ceiling_is_noise_of_many_styles_one_input_a_class(shape):
    source = ceiling_source(shape, ways=3, copies=4, seed=1)
    assert source.input_shape == shape
    assert (len(source.parts), source.parts[0].n_classes, source.name) == (60, 6, "ceiling")
    for part in source.parts[:20]:
        for c in range(6):
            assert len(np.unique(part.inputs[part.rows_of(c)], axis=0)) == 1
    assert len(np.unique(np.concatenate([p.inputs.reshape(24, -1) for p in source.parts]), axis=0)) > 300
    spreads = [p.inputs.std() for p in source.parts]
    assert max(spreads) > 3 * min(spreads)
    assert np.array_equal(ceiling_source(shape, ways=3, copies=4, seed=1).parts[7].inputs, source.parts[7].inputs)
    assert not np.array_equal(ceiling_source(shape, ways=3, copies=4, seed=2).parts[7].inputs, source.parts[7].inputs)


@pytest.mark.parametrize("shape, t2v", SHAPES)
def test_the_scale_spans_a_source_between(shape, t2v):
    found = scale(t2v, shape, tasks=8, ways=3, per_class=2)
    assert found.floor.value < 1e-6
    assert found.ceiling.low > 0.2
    again = embed(ceiling_source(shape, ways=3, copies=2), t2v, tasks=8, ways=3, per_class=2)
    assert found.ceiling == diversity_coefficient(again)
    if len(shape) == 3:
        e = diversity_coefficient(embed(single(Toys.images()), t2v, tasks=8, ways=3, per_class=2))
        assert 0 < position(e, found).value < 1


@pytest.mark.parametrize("per_class, ways", [(1, 2), (20, 5)])
def test_the_references_have_enough_different_tasks(per_class, ways):
    for source in (floor_source((6,), ways=ways, copies=per_class + 100), ceiling_source((6,), ways=ways, copies=per_class)):
        drawn = distinct_draws(source, ways=ways, per_class=per_class, seed=0)
        assert len([next(drawn) for _ in range(100)]) == 100


def test_the_position_is_where_the_value_lies():
    def at(value, half, n=20):
        return Estimate(value, value - half, value + half, 0.95, n, "made")

    found = position(at(0.3, 0.05), Scale(at(0.1, 0.0), at(0.5, 0.0)))
    assert (found.value, found.low, found.high) == (pytest.approx(0.5), pytest.approx(0.375), pytest.approx(0.625))
    assert (found.n, found.method) == (60, "made; position between floor and ceiling sources, delta method")
    wide = position(at(0.3, 0.05), Scale(at(0.1, 0.02), at(0.5, 0.04)))
    assert wide.high - wide.value > found.high - found.value
    rng = np.random.default_rng(0)
    v, f, c = (rng.normal(m, s / 2, 200_000) for m, s in ((0.3, 0.05), (0.1, 0.02), (0.5, 0.04)))
    assert (wide.high - wide.value) / 2 == pytest.approx(np.std((v - f) / (c - f)), rel=0.1)
    message = "a scale from 0.5 to 0.1 was given; expected a ceiling above the floor: use an estimator with less noise"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        position(at(0.3, 0.05), Scale(at(0.5, 0.0), at(0.1, 0.0)))


@pytest.mark.slow
@pytest.mark.parametrize("kind, filters", [("conv", 64), ("resnet18", 64)])
def test_natural_packs_lie_below_the_ceiling(packs, kind, filters):
    names = (
        "omniglot_small",
        "cifar10",
        "mnist",
        "dtd10_textures",
        "fruits360_varieties",
        "quickdraw",
        "gtsrb_signs",
        "icon_concepts",
    )
    t2v = Task2Vec(probe(Architecture(kind, filters, 3, 32)))
    sets = [prepare(load(packs / f"{n}.npz"), size=32, channels=3) for n in names]
    ends = scale(t2v, (32, 32, 3), tasks=30, per_class=10)
    print(
        f"\n{kind}: floor {ends.floor.value:.4f}, ceiling {ends.ceiling.value:.4f} [{ends.ceiling.low:.4f}, {ends.ceiling.high:.4f}]"
    )
    for source in (*(single(s) for s in sets), union(sets)):
        e = diversity_coefficient(embed(source, t2v, tasks=20, per_class=10))
        low = noise_floor(source, t2v, pairs=5, per_class=10)
        at = position(e, ends)
        print(
            f"{source.name}: {e.value:.4f} [{e.low:.4f}, {e.high:.4f}], noise floor {low.value:.4f}, "
            f"position {at.value:.2f} [{at.low:.2f}, {at.high:.2f}]"
        )
        assert e.value < ends.ceiling.value
        if len(source.parts) == 1:
            assert e.high < ends.ceiling.low
