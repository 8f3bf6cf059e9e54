"""Flip rates and rank agreement: known orders give known rates, and the figures of real packs are printed."""

import re

import numpy as np
import pytest

from breadth.data.formats import load
from breadth.data.images import prepare
from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.diversity import diversity_coefficient, embed
from breadth.measure.probe import probe
from breadth.measure.stability import FlipRate, RankAgreement, coefficients, flip_by_tasks, flip_rate, rank_agreement
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.embedded import gamma

TABLE = {
    "p": {"a": 0.3, "b": 0.2, "c": 0.1},
    "q": {"a": 0.3, "b": 0.4, "c": 0.1},
    "r": {"c": 0.1, "a": 0.3, "b": 0.2},
    "s": {"a": 0.3, "b": 0.2, "c": 0.2},
}


def test_flip_rates_of_a_known_table():
    ab, ac, bc = flip_rate(TABLE)
    assert ab == FlipRate("a", "b", 3 / 6, 3 / 4, 6, 4)
    assert ac == FlipRate("a", "c", 0.0, 1.0, 6, 4)
    assert bc == FlipRate("b", "c", 1.5 / 6, 3.5 / 4, 6, 4)


def test_coefficients_of_embeddings():
    embedded = {"p": {"a": gamma(5), "b": gamma(6, seed=1)}, "q": {"a": gamma(4), "b": gamma(3, seed=2)}}
    found = coefficients(embedded)
    assert found["q"]["b"] == pytest.approx(diversity_coefficient(embedded["q"]["b"]).value)
    assert flip_rate(found)[0].n == 1


@pytest.mark.parametrize(
    "table, message",
    [
        (
            {"p": TABLE["p"]},
            "coefficients under 1 protocols were given; expected two or more: measure under another probe",
        ),
        (
            {"p": TABLE["p"], "q": {"a": 1, "b": 2}},
            "source 'c' has a coefficient under only one of the protocols 'p' and 'q'; expected the same sources under every protocol",
        ),
        ({"p": {"a": 1}, "q": {"a": 1}}, "coefficients of 1 sources were given; expected two or more"),
    ],
)
def test_tables_that_say_nothing_are_refused(table, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        flip_rate(table)


def test_few_tasks_turn_close_sources_and_not_distant_ones():
    low, near, far = gamma(60, shape=1.2), gamma(60, seed=1, shape=1.0), gamma(60, seed=2, shape=0.2)
    few, more = (flip_by_tasks(low, near, m, repeats=400) for m in (2, 30))
    assert few.value > more.value
    assert flip_by_tasks(low, far, 10, repeats=400).value == 0
    assert flip_by_tasks(low, near, 2, repeats=400) == few
    assert flip_by_tasks(near, low, 2, repeats=4000).value == pytest.approx(few.value, abs=0.1)
    assert few.low < few.value < few.high
    assert (few.n, few.method) == (400, "subsamples of 2 of 60 and 60 tasks, drawn with replacement, Wilson interval")


def test_equal_sources_turn_half_of_the_time():
    rates = [flip_by_tasks(gamma(40, seed=s), gamma(40, seed=s + 100), 5, repeats=200, seed=s).value for s in range(8)]
    assert 0.3 < np.mean(rates) < 0.55
    same = gamma(20)
    with pytest.raises(MeasureError, match=r"^the two sources have the same coefficient; expected an order that can turn$"):
        flip_by_tasks(same, same, 5)
    with pytest.raises(MeasureError, match=r"^9 subsamples of 1 tasks were asked for; expected 2 or more of both$"):
        flip_by_tasks(same, gamma(20, seed=1), 1, repeats=9)


def test_rank_agreement():
    first = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 4.0}
    assert rank_agreement(first, first) == RankAgreement(1.0, 1.0, 4)
    assert rank_agreement(first, {k: -v for k, v in first.items()}) == RankAgreement(-1.0, -1.0, 4)
    swapped = rank_agreement(first, {"b": 1.0, "a": 2.0, "c": 3.0, "d": 4.0})
    assert (swapped.kendall, swapped.spearman) == (pytest.approx(4 / 6), pytest.approx(0.8))
    with pytest.raises(MeasureError, match=r"^orders of 2 sources were compared; expected 3 or more$"):
        rank_agreement({"a": 1, "b": 2}, {"a": 1, "b": 2})
    message = "all sources have one coefficient under one of the protocols; expected an order of the sources"
    with pytest.raises(MeasureError, match=f"^{message}$"):
        rank_agreement(first, dict.fromkeys(first, 1.0))


@pytest.mark.slow
def test_flip_rates_of_real_packs(packs):
    names = ("omniglot_small", "cifar10", "mnist", "fruits360_varieties", "quickdraw", "gtsrb_signs")
    sources = {n: single(prepare(load(packs / f"{n}.npz"), size=32, channels=3)) for n in names}
    embedded = {
        f"{kind} {filters} seed {seed}, {k} a class": {
            n: embed(s, Task2Vec(probe(Architecture(kind, filters, 3, 32), seed)), tasks=20, per_class=k, seed=seed)
            for n, s in sources.items()
        }
        for kind, filters, seed, k in (("conv", 16, 0, 10), ("conv", 16, 1, 10), ("conv", 16, 0, 5), ("conv-stride", 16, 0, 10))
    }
    table = coefficients(embedded)
    rates = flip_rate(table)
    for f in rates:
        print(f"{f.a} > {f.b}: under {f.higher:.2f} of {f.protocols} protocols, flip rate {f.rate:.2f} of {f.n} pairs of protocols")
    print(f"mean flip rate {np.mean([f.rate for f in rates]):.3f}")
    for label, row in list(table.items())[1:]:
        print(f"{label}: {rank_agreement(next(iter(table.values())), row)}")
    first = next(iter(embedded.values()))
    for m in (5, 10, 20):
        print(f"{m} tasks: omniglot_small, mnist {flip_by_tasks(first['omniglot_small'], first['mnist'], m)}")
    assert 0 < np.mean([f.rate for f in rates]) < 0.5
