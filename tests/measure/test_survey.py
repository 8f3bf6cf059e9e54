"""The whole measurement: equal to its parts, kept through kills, nothing computed twice, and called as a person calls it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

import breadth
from breadth.data.union import single
from breadth.errors import DataError, MeasureError
from breadth.measure.auto import auto_tasks
from breadth.measure.correction import corrected
from breadth.measure.diversity import (
    complexity,
    cross_diversity,
    diversity_coefficient,
    embed,
    floor_pairs,
    noise_floor,
    split_half,
)
from breadth.measure.items import chosen_rows, rival_panels
from breadth.measure.probe import probe
from breadth.measure.reference import position, scale
from breadth.measure.settings import Settings, with_options
from breadth.measure.stability import flip_by_tasks
from breadth.measure.survey import REDRAWS, SCALE_TASKS, estimated_seconds, survey
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from measure.small import BARE, SMALL, source, vectors

SHAPE = {"ways": 3, "per_class": 4, "seed": 0}
FIRST, SECOND, THIRD = source("first"), source("second", seed=1), source("third", seed=2, classes=5)


@pytest.fixture(scope="module")
def result():
    return survey([FIRST, SECOND], SMALL)


@pytest.fixture(scope="module")
def t2v():
    return Task2Vec(probe(Architecture("conv-stride", 4, 1, 8), 0))


def counted(monkeypatch):
    """A list that grows by one for every task that is really embedded."""
    calls, real = [], Task2Vec._embedded

    def embedded(self, task):
        calls.append(task.source)
        return real(self, task)

    monkeypatch.setattr(Task2Vec, "_embedded", embedded)
    return calls


def without_seconds(m):
    return {k: v for k, v in m.as_dict().items() if k != "seconds"}


def test_every_value_is_that_of_the_single_function(result, t2v):
    sources = [single(FIRST), single(SECOND)]
    ends = scale(t2v, (8, 8, 1), tasks=SCALE_TASKS, **SHAPE)
    assert result.scale == ends
    embedded = [embed(s, t2v, tasks=6, **SHAPE) for s in sources]
    panels = rival_panels([FIRST, SECOND], chosen_rows(embedded, 30, 0), t2v.probe, seed=0, memory=None)
    for s, e, panel, found in zip(sources, embedded, panels, result.sources, strict=True):
        value = diversity_coefficient(e)
        floor = noise_floor(s, t2v, pairs=floor_pairs(6), **SHAPE)
        assert (found.name, found.diversity, found.floor) == (s.name, value, floor)
        assert found.corrected == corrected(value, floor)
        assert found.position == position(value, ends)
        assert found.split_half == split_half(e, 0)
        assert found.complexity == complexity(e)
        assert found.doubt == e.doubt.mean()
        assert (found.reached, found.protocol) == (True, e.protocol)
        np.testing.assert_array_equal(found.embeddings.values, e.values)
        np.testing.assert_equal([r.as_dict() for r in found.rivals], [r.as_dict() for r in panel])
    (cross,) = result.cross
    assert (cross.a, cross.b, cross.distance) == ("first", "second", cross_diversity(*embedded))
    (order,) = result.stability
    turned = flip_by_tasks(*embedded, 6, repeats=REDRAWS, seed=0)
    assert (order.a, order.b, order.flip_rate, order.tasks, order.n) == ("first", "second", turned.value, 6, REDRAWS)


def test_the_sources_of_a_measurement_do_not_change_each_other(result):
    alone = survey([SECOND], SMALL)
    assert alone["second"].diversity == result["second"].diversity
    assert alone["second"].floor == result["second"].floor
    assert alone.scale == result.scale
    assert (alone.cross, alone.stability) == ((), ())
    turned = survey([SECOND, FIRST], replace(SMALL, **BARE))
    assert [s.name for s in turned.sources] == ["second", "first"]
    assert turned["first"].diversity == result["first"].diversity
    assert turned.cross[0].distance.value == pytest.approx(result.cross[0].distance.value, rel=1e-12)


def test_parts_that_were_not_asked_for_are_absent():
    bare = survey([FIRST], replace(SMALL, tasks=3, **BARE))
    assert (bare.scale, bare["first"].position, bare["first"].rivals) == (None, None, ())
    assert bare["first"].split_half is None  # needs six tasks


def test_all_pairs_of_three_sources():
    m = survey([FIRST, SECOND, THIRD], replace(SMALL, **BARE))
    pairs = list(combinations(["first", "second", "third"], 2))
    assert [(c.a, c.b) for c in m.cross] == pairs
    assert [(s.a, s.b) for s in m.stability] == pairs


def test_vectors_are_seen_through_an_mlp():
    m = survey([vectors("v", width=5)], replace(SMALL, probe="resnet18", filters=6))
    assert m.probe["name"].startswith("mlp")
    assert m["v"].extremes() is None
    assert 0 < m["v"].diversity.value < 1


@pytest.mark.parametrize(
    ("options", "same"),
    [
        ({"seed": 1}, False),
        ({"filters": 5}, False),
        ({"estimator": "rademacher"}, False),
        ({"head": "adam"}, False),
        ({"ridge": 1.0}, False),
        ({"ways": 4}, False),
        ({"per_class": 3}, False),
        ({"memory": 4 * 10**9}, True),
        ({"items": 25}, True),
    ],
    ids=str,
)
def test_every_setting_reaches_the_number(result, options, same):
    found = survey([FIRST], replace(SMALL, **BARE, **options))["first"].diversity
    assert (found.value == pytest.approx(result["first"].diversity.value, rel=1e-5)) == same


def test_draws_and_the_number_of_pairs_are_passed_on():
    noisy = replace(SMALL, **BARE, estimator="rademacher")
    one, two = (survey([FIRST], replace(noisy, draws=d, pairs=3)) for d in (1, 2))
    assert one["first"].diversity.value != two["first"].diversity.value
    assert one["first"].floor.n == 3
    assert two["first"].protocol["draws"] == 2


def test_as_many_tasks_as_the_precision_takes(t2v):
    auto = replace(SMALL, tasks="auto", **BARE)
    enough = survey([FIRST], replace(auto, precision=0.05))["first"]
    half = (enough.diversity.high - enough.diversity.low) / 2
    assert enough.reached
    assert half <= 0.05
    assert enough.embeddings.tasks >= 10
    assert enough.diversity == auto_tasks(single(FIRST), t2v, precision=0.05, most=500, **SHAPE).diversity
    capped = survey([FIRST], replace(auto, precision=1e-6, most=20))["first"]
    assert (capped.reached, capped.embeddings.tasks) == (False, 20)


def test_numbers_of_tasks_may_differ_between_sources():
    few = source("few", seed=3, classes=4)
    m = survey([FIRST, few], replace(SMALL, tasks="auto", precision=0.035, most=40, **BARE))
    counts = [s.embeddings.tasks for s in m.sources]
    assert counts[0] != counts[1]
    assert m.stability[0].tasks == min(counts)
    assert m.protocol["fingerprint"] == " ".join(str(s.protocol["fingerprint"]) for s in m.sources)
    assert "tasks" not in m.protocol
    assert m.protocol["ways"] == 3


def test_equal_coefficients_are_a_coin():
    a, b = source("a"), source("b")
    m = survey([a, b], replace(SMALL, **BARE))
    assert (m.stability[0].flip_rate, m.stability[0].n) == (0.5, 0)


def test_the_progress_ends_near_one_and_names_what_it_does():
    said = []
    survey([FIRST], replace(SMALL, rivals=False), report=lambda *now: said.append(now))
    fractions = [f for f, _, _ in said]
    assert fractions == sorted(fractions)
    assert 0.99 < fractions[-1] < 1
    assert {now for _, _, now in said} == {"the scale", "first", "first, noise floor"}
    assert all(left >= 0 for _, left, _ in said)


def test_other_metrics_see_equally_many_items_of_the_tasks(result):
    uneven = source("uneven", seed=5, classes=3, per_class=6)
    m = survey([FIRST, uneven], replace(SMALL, tasks=4, per_class=3, items=200, scale=False))
    rows = chosen_rows([s.embeddings for s in m.sources], 200, 0)
    assert len(rows[0]) == len(rows[1]) == len(np.unique(m["uneven"].embeddings.items)) < 30
    for s, chosen in zip(m.sources, rows, strict=True):
        assert len(set(chosen.tolist())) == len(chosen)
        assert set(chosen.tolist()) <= set(s.embeddings.items.ravel().tolist())
    for given, n in ((m, len(rows[0])), (result, 30)):
        for s in given.sources:
            assert {r.estimate.n for r in s.rivals} == {n}
            assert [r.name for r in s.rivals] == [r.name for r in given.sources[0].rivals]


def test_the_readme_counts_the_other_metrics(result):
    readme = (Path(__file__).parents[2] / "README.md").read_text()
    assert f"{len(result.sources[0].rivals)} other measures" in readme


def test_a_second_measurement_computes_nothing(tmp_path, monkeypatch, result):
    kept = replace(SMALL, store=tmp_path)
    calls = counted(monkeypatch)
    first = survey([FIRST, SECOND], kept)
    assert len(calls) == 2 * (6 + 2 * floor_pairs(6)) + 2 * SCALE_TASKS
    calls.clear()
    assert without_seconds(survey([FIRST, SECOND], kept)) == without_seconds(first) == without_seconds(result)
    assert calls == []


def test_more_tasks_or_sources_compute_only_what_is_new(tmp_path, monkeypatch):
    kept = replace(SMALL, store=tmp_path, pairs=5, **BARE)
    survey([FIRST], kept)
    calls = counted(monkeypatch)
    more = survey([FIRST], replace(kept, tasks=9))
    assert calls == ["first"] * 3
    calls.clear()
    both = survey([SECOND, FIRST], replace(kept, tasks=9))
    assert set(calls) == {"second"}
    assert both["first"].diversity == more["first"].diversity
    assert without_seconds(both) == without_seconds(survey([SECOND, FIRST], replace(kept, tasks=9, store=None)))
    calls.clear()
    survey([FIRST], replace(kept, tasks="auto", precision=1e-6, most=12))
    assert calls == ["first"] * 3  # 9 of the 12 were there


SLOW_RUN = """
import sys, time
from pathlib import Path
from breadth.measure.survey import survey
from breadth.measure.task2vec import Task2Vec
from dataclasses import replace
from measure.small import BARE, SMALL, source

real = Task2Vec._embedded
def embedded(self, task):
    print("embedding", flush=True)
    time.sleep(float(sys.argv[2]))
    return real(self, task)
Task2Vec._embedded = embedded
print(survey([source("first"), source("second", seed=1)], replace(SMALL, store=Path(sys.argv[1]), **BARE)).to_json())
"""


def test_a_killed_measurement_loses_no_finished_task(tmp_path):
    store = tmp_path / "store"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "OMP_NUM_THREADS": "1"}
    running = subprocess.Popen(
        [sys.executable, "-c", SLOW_RUN, str(store), "0.02"], stdout=subprocess.PIPE, text=True, env=environment
    )
    started = [running.stdout.readline() for _ in range(6)]
    running.send_signal(signal.SIGKILL)
    rest = running.communicate()[0].count("embedding")
    assert running.returncode == -signal.SIGKILL
    assert started == ["embedding\n"] * 6
    begun = 6 + rest
    finished = len(list(store.rglob("*.safetensors")))
    assert begun - 1 <= finished <= begun  # all but the one in work
    with pytest.MonkeyPatch.context() as patch:
        calls = counted(patch)
        kept = replace(SMALL, **BARE)
        again = survey([FIRST, SECOND], replace(kept, store=store))
        assert len(calls) == 2 * (6 + 2 * floor_pairs(6)) - finished
    assert without_seconds(again) == without_seconds(survey([FIRST, SECOND], kept))


def test_the_estimate_of_time_counts_every_embedding_and_keeps_nothing(tmp_path, monkeypatch):
    def slow(self, task):
        time.sleep(0.02)
        return real(self, task)

    real = Task2Vec._embedded
    monkeypatch.setattr(Task2Vec, "_embedded", slow)
    kept = replace(SMALL, store=tmp_path, rivals=False)
    needed = 2 * (6 + 2 * floor_pairs(6)) + 2 * SCALE_TASKS
    for _ in range(2):
        assert estimated_seconds([FIRST, SECOND], kept) > 0.02 * needed
    assert list(tmp_path.iterdir()) == []
    assert estimated_seconds([FIRST], replace(kept, tasks="auto", scale=False)) > 0.02 * (40 + 20)


def test_breadth_can_be_called_and_its_import_loads_no_torch():
    code = (
        "import sys, breadth\n"
        "assert 'measure' in dir(breadth) or callable(breadth.measure)\n"
        "assert callable(breadth.measure)\n"
        "sys.exit(int('torch' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    options = {"probe": "conv-stride", "filters": 4, "tasks": 6, "ways": 3, "per_class": 4, "size": 8, "channels": 1}
    m = breadth.measure(FIRST, settings=replace(SMALL, tasks=3), **options, **BARE)
    assert without_seconds(m) == without_seconds(survey([FIRST], replace(SMALL, **BARE)))
    assert json.loads(m.to_json())["sources"][0]["tasks"] == 6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: breadth.measure("digits", taks=3),
         "unknown setting 'taks'; expected one of: arithmetic, channels, device, draws, estimator, filters, head, items, memory, most, "
         "pairs, per_class, precision, probe, probe_seed, reading, ridge, rivals, scale, seed, size, store, tasks, ways, weights; "
         "did you mean 'tasks'?"),
        (breadth.measure, "no source was given; expected one or more, e.g. 'digits'"),
        (lambda: Settings(tasks=2), "2 tasks were asked for; expected 3 or more, or 'auto'"),
        (lambda: Settings(tasks="many"), "many tasks were asked for; expected 3 or more, or 'auto'"),
        (lambda: Settings(ways=1), "ways is 1; expected a whole number of 2 or more"),
        (lambda: Settings(per_class="5"), "per_class is '5'; expected a whole number of 1 or more"),
        (lambda: Settings(draws=0), "draws is 0; expected a whole number of 1 or more"),
        (lambda: Settings(estimator="foo"),
         "unknown Fisher estimator 'foo'; expected one of: awslabs, empirical, exact, monte_carlo, rademacher"),
        (lambda: Settings(head="foo"), "unknown head 'foo'; expected one of: adam, ridge"),
        (lambda: Settings(arithmetic="foo"), "unknown precision 'foo'; expected one of: bf16, float32, tf32"),
        (lambda: survey([FIRST], replace(SMALL, scale=False, ways=2, per_class=1, tasks=3)),
         "the other metrics cannot be measured: hubness was asked for 10 neighbours among 5 items; expected 1 to 4; or leave the other "
         "metrics out (--no-rivals, rivals=False)"),
        (lambda: Settings(estimator="awslabs", arithmetic="bf16"),
         "arithmetic 'bf16' was asked for with the awslabs estimator; expected float32, as published"),
        (lambda: Settings(items=19), "19 items were asked for the other metrics; expected 20 or more"),
        (lambda: Settings(precision=0.0), "a precision of 0 was asked for; expected a positive half-width, e.g. 0.01"),
        (lambda: Settings(precision=float("nan")), "a precision of nan was asked for; expected a positive half-width, e.g. 0.01"),
        (lambda: Settings(pairs=0), "pairs is 0; expected 1 or more, or None"),
        (lambda: Settings(memory=-5), "memory is -5; expected 1 or more, or None"),
        (lambda: survey([FIRST, vectors("v")], SMALL),
         "'first' holds inputs of shape [8, 8, 1], 'v' of shape [5]; expected inputs of one kind: measure images and vectors apart"),
        (lambda: survey([FIRST, FIRST], SMALL),
         "two sources are named 'first'; expected different names: give each source once, or rename a folder"),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(call, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        call()


def test_options_replace_fields_of_the_settings():
    assert with_options(None, {}) == Settings()
    assert with_options(SMALL, {"tasks": 9}) == replace(SMALL, tasks=9)


def test_a_network_of_ones_own_is_the_probe():
    import torch

    net = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 36, 5)).eval()
    own = breadth.probe_of(net, "3", size=8, channels=1)
    # Size and channels are those of the probe, whatever the settings say.
    m = survey([FIRST], replace(SMALL, probe=own, size=32, channels=3, **BARE))
    assert m.probe["fingerprint"] == own.fingerprint
    assert m["first"].diversity == diversity_coefficient(embed(single(FIRST), Task2Vec(own), tasks=6, **SHAPE))
    message = f"weights were given beside the probe '{own.name}', which has its own; expected one of them"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        Settings(probe=own, weights=Path("w.safetensors"))


def test_arrays_are_a_source():
    numbers = (FIRST.inputs, FIRST.labels * 10 + 3)
    texts = (SECOND.inputs[..., 0], np.array([f"class {c}" for c in SECOND.labels]))
    m = survey([numbers, texts], replace(SMALL, **BARE))
    assert [s.name for s in m.sources] == ["arrays", "arrays 2"]
    assert m["arrays 2"].source.parts[0].class_names[0] == "class 0"
    np.testing.assert_array_equal(m["arrays"].source.parts[0].labels, FIRST.labels)
    bare = survey([(vectors("v").inputs.astype(float), vectors("v").labels)], replace(SMALL, filters=6, **BARE))
    assert 0 < bare["arrays"].diversity.value < 1


def test_a_source_that_is_too_small_is_known_before_anything_is_embedded(monkeypatch):
    calls = counted(monkeypatch)
    with pytest.raises(DataError, match="classes"):
        survey([FIRST, source("few", classes=2)], SMALL)
    assert calls == []


def test_an_order_that_nobody_knows_is_called_a_coin_toss(capsys):
    from breadth.cli.measured import tell

    m = survey([FIRST, source("twin")], replace(SMALL, **BARE))
    (known,) = m.stability
    for rate, words in ((0.52, "is a coin toss: it turns in 52% of"), (0.2, "may turn: it turns in 20% of")):
        tell(replace(m, stability=(replace(known, flip_rate=rate),)))
        assert f"the order of first and twin {words} " in capsys.readouterr().out


def test_the_first_task_only_warms_up(monkeypatch):
    real, waits = Task2Vec._embedded, iter([0.5, 0.0])

    def slow(self, task):
        time.sleep(next(waits))
        return real(self, task)

    monkeypatch.setattr(Task2Vec, "_embedded", slow)
    assert estimated_seconds([FIRST], replace(SMALL, **BARE)) < 0.5 * (6 + 10)
