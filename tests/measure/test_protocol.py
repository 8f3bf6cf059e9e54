"""Protocols: one fingerprint for everything that changes the number, and comparisons that refuse what differs."""

import json
import re
from dataclasses import fields, replace

import numpy as np
import pytest

from breadth.data.task import task
from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.probe import probe
from breadth.measure.protocol import SAMPLING, Protocol, differences, protocol_of, require_comparable
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.embedded import PROTOCOL, made
from measure.toys import Toys

NAMES = [f.name for f in fields(Protocol)]


def changed(name):
    value = getattr(PROTOCOL, name)
    return replace(PROTOCOL, **{name: value + "x" if isinstance(value, str) else value + 1})


def test_the_fingerprint_is_short_and_stable():
    assert re.fullmatch("[0-9a-f]{12}", PROTOCOL.fingerprint)
    assert replace(PROTOCOL).fingerprint == PROTOCOL.fingerprint
    assert Protocol.of(json.loads(json.dumps(PROTOCOL.as_dict()))) == PROTOCOL


@pytest.mark.parametrize("name", NAMES)
def test_every_field_but_the_name_of_the_probe_changes_the_fingerprint(name):
    other = changed(name)
    assert (other.fingerprint == PROTOCOL.fingerprint) == (name == "probe")
    assert differences(PROTOCOL, other) == (() if name == "probe" else (name,))


@pytest.mark.parametrize("name", NAMES)
def test_the_comparable_fingerprint_ignores_what_comparisons_ignore(name):
    assert re.fullmatch("[0-9a-f]{12}", PROTOCOL.comparable)
    assert (changed(name).comparable == PROTOCOL.comparable) == (name == "probe" or name in SAMPLING)


@pytest.mark.parametrize("estimator", ["exact", "empirical", "awslabs", "rademacher", "monte_carlo"])
def test_draws_count_only_where_labels_are_drawn(estimator):
    source, net = single(Toys.images()), probe(Architecture("conv-stride", 6, 1, 16))
    drawn = task(source, 0, ways=3, per_class=2)
    prints, keys = set(), set()
    for draws in (1, 3):
        t2v = Task2Vec(net, estimator, draws=draws)
        prints.add(protocol_of(source, t2v, tasks=7, ways=3, per_class=2, seed=1).fingerprint)
        keys.add(t2v._key(drawn))
    assert len(prints) == len(keys) == (2 if estimator in ("rademacher", "monte_carlo") else 1)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("probe", "probe_fingerprint")])
def test_what_differs_is_named_with_both_values(name):
    other = changed(name)
    message = (
        f"'one' and 'two' were measured under protocols that differ in {name} ({getattr(PROTOCOL, name)} and {getattr(other, name)}); "
        "expected one protocol: embed both in the same way, or compare them all the same with override=True"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        require_comparable(PROTOCOL, other, names=("one", "two"))
    require_comparable(PROTOCOL, other, override=True)
    require_comparable(PROTOCOL, other, ignore=(name,))


def test_all_differences_are_listed_and_probes_are_named():
    other = replace(PROTOCOL, probe="q", probe_fingerprint="q" * 64, ridge=0.5, tasks=7)
    message = (
        "'a' and 'b' were measured under protocols that differ in probe_fingerprint (pppppppppppp (made) and qqqqqqqqqqqq (q)), "
        "ridge (0.1 and 0.5); expected one protocol: embed both in the same way, or compare them all the same with override=True"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        require_comparable(PROTOCOL, other, ignore=SAMPLING)


def test_what_an_older_file_lacks_is_unknown():
    stored = PROTOCOL.as_dict()
    del stored["head"]
    old = Protocol.of(stored)
    assert old.head == "unknown"
    assert differences(old, PROTOCOL) == ("head",)
    assert differences(old, Protocol.of(stored)) == ()


def test_the_protocol_of_a_measurement():
    source, t2v = (
        single(Toys.images()),
        Task2Vec(probe(Architecture("conv-stride", 6, 1, 16)), "rademacher", draws=3, seed=4, ridge=0.2),
    )
    p = protocol_of(source, t2v, tasks=7, ways=3, per_class=2, seed=1)
    assert (p.estimator, p.draws, p.estimator_seed, p.head, p.ridge, p.precision) == ("rademacher", 3, 4, "ridge", 0.2, "float32")
    assert (p.tasks, p.ways, p.per_class, p.seed, p.size, p.channels) == (7, 3, 2, 1, 16, 1)
    assert (p.probe, p.probe_fingerprint, p.convention) == (t2v.probe.name, t2v.probe.fingerprint, source.convention)
    assert p.published == ""
    published = protocol_of(source, replace(t2v, estimator="awslabs"), tasks=7, ways=3, per_class=2, seed=1).published
    assert isinstance(json.loads(published), dict)


def test_every_number_carries_its_protocol():
    from breadth.measure.diversity import complexity, cross_diversity, diversity_coefficient

    a, b = (made(np.random.default_rng(s).gamma(1, 1, (6, 20)), seed=s) for s in (1, 2))
    for e in (diversity_coefficient(a), complexity(a), cross_diversity(a, b)):
        assert a.protocol["fingerprint"] in e.method
    assert b.protocol["fingerprint"] in cross_diversity(a, b).method
