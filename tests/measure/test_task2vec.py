"""Task2Vec on toy images and vectors: deterministic, as its parts would do by hand, and clear about inputs that do not fit."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from breadth.data.formats import from_arrays
from breadth.data.images import prepare, to_float
from breadth.data.task import task
from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.fisher import ESTIMATORS
from breadth.measure.head import fit_head
from breadth.measure.probe import probe
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.toys import Toys
from oracle.fisher import fisher_diagonal as oracle

PROBE = probe(Architecture("conv-stride", 6, 1, 16))
SOURCE = single(Toys.images())


def test_it_is_the_fisher_of_the_fitted_head():
    t = task(SOURCE, 0, ways=3, per_class=4)
    e = Task2Vec(PROBE, ridge=0.05)(t)
    x = torch.from_numpy(to_float(t.inputs))
    head = fit_head(PROBE.body(x).double().numpy(), t.labels, 3, 0.05)
    expected = oracle(probe(Architecture("conv-stride", 6, 1, 16)).body.double(), head, x.double())
    np.testing.assert_allclose(e.values, np.concatenate(list(expected.values())), rtol=1e-3, atol=1e-6 * e.values.mean())
    assert e.values.shape == (PROBE.embedding_dim,)
    assert e.values.dtype == np.float64
    assert e.layers == tuple((name, len(v)) for name, v in expected.items())
    assert (e.loss, e.doubt) == (pytest.approx(head.loss), pytest.approx(head.doubt))
    assert np.array_equal(e.items, t.items)


@pytest.mark.parametrize("estimator", sorted(set(ESTIMATORS)))
def test_the_same_task_has_the_same_embedding_whatever_the_chunk(estimator):
    t = task(SOURCE, 1, per_class=6)
    t2v = Task2Vec(PROBE, estimator, draws=2)
    e = t2v(t)
    assert np.array_equal(e.values, t2v(t).values)
    np.testing.assert_allclose(replace(t2v, memory=2_000_000)(t).values, e.values, rtol=1e-3, atol=1e-6 * e.values.mean())
    assert not np.array_equal(e.values, t2v(task(SOURCE, 2, per_class=6)).values)


def test_random_estimators_differ_from_task_to_task_and_by_seed():
    a = task(SOURCE, 1, per_class=6)
    b = replace(a, items=a.items + 1)
    t2v = Task2Vec(PROBE, "rademacher")
    assert not np.array_equal(t2v(a).values, t2v(b).values)
    assert not np.array_equal(t2v(a).values, replace(t2v, seed=1)(a).values)
    assert np.array_equal(Task2Vec(PROBE)(a).values, Task2Vec(PROBE, seed=1)(b).values)


def test_vectors():
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    source = single(from_arrays(x, np.arange(40) % 8, name="vectors"))
    e = Task2Vec(probe(Architecture("mlp", 10, size=3)))(task(source, 0, per_class=5))
    assert e.values.shape == (20,)


def refuses(arch, source, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        Task2Vec(probe(arch))(task(source, 0, ways=2, per_class=2))


def test_inputs_that_do_not_fit_the_probe():
    refuses(
        Architecture("conv-stride", 4, 3, 32),
        SOURCE,
        "'toys' holds images of 16x16 px with 1 channel(s); probe 'conv-stride (random, seed 0)' expects 32x32 px with 3 "
        "channel(s): use prepare(labeled_set, size=32, channels=3)",
    )
    vectors = single(from_arrays(np.eye(8, dtype=np.float32), np.arange(8) % 4, name="v"))
    refuses(
        Architecture("conv-stride", 4, 3, 32),
        vectors,
        "'v' holds vectors of 8 features; probe 'conv-stride (random, seed 0)' expects 32x32 px with 3 channel(s): "
        "use a probe of kind 'mlp'",
    )
    refuses(
        Architecture("mlp", 4, size=5),
        vectors,
        "'v' holds inputs of shape [8]; probe 'mlp (random, seed 0)' expects vectors of 5 features: "
        "build the probe for these inputs",
    )
    fixed = single(prepare(Toys.images(), size=32, channels=3))
    assert Task2Vec(probe(Architecture("conv-stride", 4, 3, 32)))(task(fixed, 0, per_class=4)).values.any()


def test_a_probe_that_cannot_tell_items_apart():
    black = single(from_arrays(np.zeros((8, 16, 16, 1), np.uint8), np.arange(8) % 2, name="black"))
    with pytest.raises(MeasureError, match=r"^the probe gives the same feature for every item; expected some difference: "):
        Task2Vec(PROBE)(task(black, 0, ways=2, per_class=2))
