"""Coefficients on toy sources: the right numbers, honest method texts, floors and nulls that are floors and nulls."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from breadth.data.task import task
from breadth.data.union import single, union
from breadth.errors import DataError, MeasureError
from breadth.measure.distance import cosine, pairwise
from breadth.measure.diversity import (
    alignment,
    complexity,
    cross_diversity,
    difference,
    diversity_coefficient,
    embed,
    floor_pairs,
    noise_floor,
    split_half,
)
from breadth.measure.embeddings import load_embeddings, save_embeddings
from breadth.measure.probe import probe
from breadth.measure.protocol import Protocol, protocol_of
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from breadth.stats.interval import jackknife
from measure.embedded import gamma, made
from measure.toys import Toys

T2V = Task2Vec(probe(Architecture("conv-stride", 6, 1, 16)))
SOURCE = single(Toys.images())
DRAWN = "tasks drawn from the given finite data"


def under(e):
    return f"protocol {e.protocol['fingerprint']}"


@pytest.fixture(scope="module")
def toys():
    return embed(SOURCE, T2V, tasks=8, per_class=5, seed=1)


def test_embed_is_the_embedding_of_each_task(toys):
    assert toys.values.shape == (8, T2V.probe.embedding_dim)
    for i in (0, 7):
        assert np.array_equal(toys.values[i], T2V(task(SOURCE, i, per_class=5, seed=1)).values)
        assert np.array_equal(toys.items[i], task(SOURCE, i, per_class=5, seed=1).items)
    assert toys.tasks == 8
    assert toys.parts == ("toys",) * 8
    assert np.array_equal(toys.norms, toys.values.sum(1))
    assert ((toys.doubt > 0) & (toys.loss > 0)).all()


def test_the_protocol_names_what_matters(toys):
    assert json.loads(json.dumps(toys.protocol)) == toys.protocol
    assert toys.protocol == {
        "measure": "Task2Vec",
        "source": "toys",
        "source_digest": SOURCE.digest,
        "convention": "source-then-classes",
        "tasks": 8,
        "ways": 5,
        "per_class": 5,
        "seed": 1,
        "probe": "conv-stride (random, seed 0)",
        "probe_fingerprint": T2V.probe.fingerprint,
        "size": 16,
        "channels": 1,
        "estimator": "exact",
        "draws": 1,
        "estimator_seed": 0,
        "precision": "float32",
        "head": "ridge",
        "ridge": T2V.ridge,
        "published": "",
        "fingerprint": Protocol.of(toys.protocol).fingerprint,
        "version": toys.protocol["version"],
    }


def test_progress_counts_tasks():
    seen = []
    embed(SOURCE, T2V, tasks=2, per_class=3, progress=lambda done, of: seen.append((done, of)))
    noise_floor(SOURCE, T2V, pairs=2, per_class=3, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(1, 2), (2, 2)] * 2


def test_the_coefficient_is_the_mean_over_pairs(toys):
    d = pairwise(toys.values)
    e = diversity_coefficient(toys)
    assert e.value == pytest.approx(np.mean([d[i, j] for i in range(8) for j in range(i)]))
    assert e.low < e.value < e.high
    assert (e.n, e.level, e.method) == (8, 0.95, f"{DRAWN}, delete-one-task jackknife, {under(toys)}")
    assert diversity_coefficient(toys, 0.5).high < e.high


def test_equal_tasks_stay_in_the_mean():
    h = gamma(3).values
    assert diversity_coefficient(made(np.vstack([h, h]))).value == pytest.approx(pairwise(h).sum() / 6 * 24 / 30)


def test_duplicates_lower_the_coefficient():
    h = gamma(20).values
    clean = diversity_coefficient(made(h)).value
    found = [diversity_coefficient(made(np.vstack([h, h[:k]]))).value for k in (1, 5, 20)]
    assert clean > found[0] > found[1] > found[2]


def test_pairs_for_the_floor():
    assert [floor_pairs(m) for m in (3, 20, 24, 100)] == [5, 5, 6, 25]


def test_cross_diversity_and_alignment():
    a, b = gamma(5), gamma(4, seed=1)
    c, al = cross_diversity(a, b), alignment(a, b)
    assert c.value == pytest.approx(np.mean([cosine(x, y) for x in a.values for y in b.values]))
    assert (al.value, al.low, al.high) == (pytest.approx(1 - c.value), pytest.approx(1 - c.high), pytest.approx(1 - c.low))
    assert (c.n, c.method) == (
        9,
        f"{DRAWN} on both sides, two-sample delete-one-task jackknife, {under(a)} and {b.protocol['fingerprint']}",
    )
    assert al.method == c.method


def test_complexity_is_the_mean_norm():
    e = gamma(5)
    c = complexity(e)
    assert c.value == pytest.approx(np.abs(e.values).sum(1).mean())
    assert c.low < c.value < c.high
    assert c.method == f"{DRAWN}, t interval, {under(e)}"


def test_protocols_that_differ_are_refused():
    a, b = gamma(3), gamma(3, per_class=9, source="two", seed=4)
    message = (
        "'made' and 'two' were measured under protocols that differ in per_class (5 and 9); expected one protocol: "
        "embed both in the same way, or compare them all the same with override=True"
    )
    for compared in (cross_diversity, difference, alignment):
        with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
            compared(a, b)
    assert cross_diversity(a, b, override=True).value == cross_diversity(a, gamma(3, seed=4)).value


def test_the_difference_of_two_coefficients():
    a, b = gamma(12, shape=0.5), gamma(9, seed=1, shape=3.0)
    found, first, second = difference(a, b), diversity_coefficient(a), diversity_coefficient(b)
    assert found.value == pytest.approx(first.value - second.value)
    slow = jackknife(
        lambda x, y: diversity_coefficient(made(a.values[x])).value - diversity_coefficient(made(b.values[y])).value, (12, 9)
    )
    assert (found.low, found.high) == (pytest.approx(slow.low), pytest.approx(slow.high))
    assert found.low > 0
    assert (found.n, found.method) == (
        21,
        f"{DRAWN} on both sides, difference of two coefficients, two-sample delete-one-task jackknife, {under(a)} and "
        f"{b.protocol['fingerprint']}",
    )


def test_shared_tasks_are_refused(toys):
    message = (
        "the two sets of embeddings of 'toys' share 8 tasks; expected different tasks: use another seed, or "
        "diversity_coefficient for one set"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        cross_diversity(toys, toys)
    assert cross_diversity(toys, embed(SOURCE, T2V, tasks=3, per_class=5, seed=2)).value > 0


def test_the_floor_has_the_same_classes_and_no_common_items():
    seen = []

    class Watch:
        probe, head, ridge, estimator, counted_draws, seed = T2V.probe, T2V.head, T2V.ridge, T2V.estimator, 1, 0
        precision = T2V.precision

        def __call__(self, t):
            seen.append(t)
            return T2V(t)

    floor = noise_floor(SOURCE, Watch(), pairs=4, per_class=6)
    fingerprint = protocol_of(SOURCE, T2V, tasks=4, ways=5, per_class=6, seed=0).fingerprint
    assert (floor.n, floor.method) == (
        4,
        f"pairs of {DRAWN}, same classes, disjoint items, 6 a class, t interval, protocol {fingerprint}",
    )
    labels = Toys.images().labels
    for a, b in zip(seen[::2], seen[1::2], strict=True):
        assert not set(a.items) & set(b.items)
        assert len(set(a.items)) == len(set(b.items)) == 30
        assert np.array_equal(labels[a.items], labels[b.items])
        assert np.array_equal(a.inputs, SOURCE.rows(a.items))
    assert floor.value == pytest.approx(
        np.mean([cosine(T2V(a).values, T2V(b).values) for a, b in zip(seen[::2], seen[1::2], strict=True)])
    )


def dark():
    other = Toys.images(name="b", seed=1)
    return replace(other, inputs=(other.inputs // 8).astype(np.uint8))


def test_the_floor_of_two_domains_is_below_their_coefficient():
    both = union([Toys.images(), dark()])
    assert noise_floor(both, T2V, pairs=10, per_class=5).high < diversity_coefficient(embed(both, T2V, tasks=12, per_class=5)).low


def test_classes_too_small_for_two_draws_are_split():
    floor = noise_floor(SOURCE, T2V, pairs=3, per_class=10)
    fingerprint = protocol_of(SOURCE, T2V, tasks=3, ways=5, per_class=6, seed=0).fingerprint
    assert floor.method == (
        f"pairs of {DRAWN}, same classes, disjoint items, 6 a class instead of 10, too few for two disjoint draws, t interval, "
        f"protocol {fingerprint}"
    )
    with pytest.raises(DataError, match=r"^class '0' of 'lonely' has 1 item; 2 are needed"):
        noise_floor(single(Toys.images(per_class=1, name="lonely")), T2V, pairs=3)


def test_split_half_is_the_difference_of_means():
    e = gamma(9)
    s = split_half(e, seed=3)
    assert s.low < 0 < s.high
    assert (s.n, s.method) == (9, f"{DRAWN}, two random halves, delete-one-task jackknife, {under(e)}")
    assert split_half(e, seed=3) == s
    assert split_half(e, seed=4).value != s.value
    with pytest.raises(MeasureError, match=r"^5 tasks cannot be split in two halves with intervals; expected at least 6 tasks$"):
        split_half(gamma(5))


def test_split_half_is_zero_on_average_and_its_interval_holds_zero():
    found = [split_half(gamma(12, seed=s), seed=s) for s in range(300)]
    values = np.array([f.value for f in found])
    assert abs(values.mean()) < 4 * values.std() / np.sqrt(300)
    assert np.mean([f.low <= 0 <= f.high for f in found]) > 0.9


def test_one_task_has_no_coefficient_and_no_task_no_embedding():
    with pytest.raises(MeasureError, match=r"^1 task gives no pair; expected at least 2 tasks \(3 for an interval\)$"):
        diversity_coefficient(gamma(1))
    with pytest.raises(MeasureError, match=r"^0 tasks were asked for; expected 1 or more \(3 or more for an interval\)$"):
        embed(SOURCE, T2V, tasks=0)


def test_a_union_names_the_part_of_each_task():
    both = union([Toys.images(name="a"), Toys.images(name="b", seed=1)])
    e = embed(both, T2V, tasks=6, per_class=3)
    assert set(e.parts) == {"a", "b"}
    assert e.protocol["source"] == "a+b"


def test_more_domains_are_more_diverse():
    narrow = diversity_coefficient(embed(SOURCE, T2V, tasks=12, per_class=5))
    broad = diversity_coefficient(embed(union([Toys.images(), dark()]), T2V, tasks=12, per_class=5))
    assert broad.low > narrow.high


def test_embeddings_survive_a_file(toys, tmp_path):
    path = tmp_path / "cache" / "toys.safetensors"
    save_embeddings(path, toys)
    save_embeddings(path, toys)
    again = load_embeddings(path)
    for name in ("values", "items", "loss", "doubt"):
        assert np.array_equal(getattr(again, name), getattr(toys, name))
        assert getattr(again, name).dtype == getattr(toys, name).dtype
    assert (again.parts, again.protocol) == (toys.parts, toys.protocol)
    assert [p.name for p in path.parent.iterdir()] == ["toys.safetensors"]
    assert diversity_coefficient(again) == diversity_coefficient(toys)


def test_damaged_files_are_refused(toys, tmp_path):
    path = tmp_path / "e.safetensors"
    message = f"no embeddings at '{path}'; expected a file that breadth wrote"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        load_embeddings(path)
    save_embeddings(path, toys)
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"text", whole[:200] + b"xx" + whole[202:]):
        path.write_bytes(damaged)
        with pytest.raises(MeasureError, match=r"^'.*' holds no readable embeddings \(\w+\); delete it and embed the tasks again$"):
            load_embeddings(path)
    np.savez(path, values=np.array([{}], dtype=object))
    with pytest.raises(MeasureError, match=r"holds no readable embeddings"):
        load_embeddings(path)


def test_a_failed_write_leaves_the_old_file(toys, tmp_path):
    path = tmp_path / "e.safetensors"
    save_embeddings(path, toys)
    before = path.read_bytes()
    with pytest.raises(TypeError):
        save_embeddings(path, replace(toys, protocol={"bad": object()}))
    (tmp_path / "folder.safetensors").mkdir()
    with pytest.raises(OSError, match=r"folder\.safetensors"):
        save_embeddings(tmp_path / "folder.safetensors", toys)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["e.safetensors", "folder.safetensors"]
