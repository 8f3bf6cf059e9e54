"""The faults of the public code that measures diversity, each with the test that it would fail and this package passes.

Public: the code released with arXiv 1902.03545, its copy in the PyPI package ultimate-utils (arXiv 2208.01545), and that of arXiv
2306.13840. Tests without a file are in this one. Text marks faults of language models alone, tested here where their mechanism exists.

| n | fault | tests |
|---|---|---|
| 1 | network in training mode: an item's embedding depends on its batch | test_the_fisher_of_a_task_is_the_mean_over_its_items, test_probe.py::test_a_probe_is_frozen_and_in_eval_mode, test_awslabs.py::test_the_original_cannot_embed_twice_and_moves_the_running_statistics |
| 2 | squared gradient of a batch's mean: 1 / batch size | test_the_batch_size_does_not_scale_the_fisher, test_awslabs.py::test_the_original_depends_on_the_batch_size_and_on_the_run |
| 3 | absolute epsilon rules small embeddings | test_distance.py::test_eps_is_not_absolute, test_awslabs.py::test_the_absolute_eps_rules_small_entries_and_the_relative_distance_does_not_have_it |
| 4 | 10,000 draws with replacement whatever the task | test_every_item_of_a_task_counts_once |
| 5 | a head that is neither converged nor free of its start | test_head.py::test_the_head_is_the_minimum, test_head.py::test_the_gradient_vanishes, test_awslabs.py::test_ours_leaves_the_body_as_it_was_and_can_be_repeated |
| 6 | a second embed fails; attributes hung on parameters | test_a_second_task_is_embedded_by_the_same_object, test_fisher.py::test_nothing_is_left_on_the_modules |
| 7 | no seed: the same data twice, two embeddings | test_the_same_data_twice_is_one_embedding, test_task2vec.py::test_random_estimators_differ_from_task_to_task_and_by_seed |
| 8 | the head must be called fc, labels must be 0..C-1 | test_probe.py::test_a_head_may_have_a_dotted_name_and_any_type, test_any_classes_make_a_task_and_an_absent_one_is_named |
| 9 | the trivial embedding cannot be used | test_distance.py::test_trivial_embedding_distance_works |
| 10 | unpinned, no package, needs a GPU to run | test_the_package_needs_neither_heavy_packages_nor_a_gpu |
| 11 | pairs in a Python loop; arrays pickled | test_distance.py::test_pairwise_is_the_definition, test_distance.py::test_large_problems_take_the_float32_way_and_repeat_exactly, test_embeddings_are_no_pickles |
| 12 | one batch of the loader embedded M times (few-shot loaders) | test_no_batch_is_measured_twice |
| 13 | one batch of the loader embedded M times (plain loaders) | test_no_batch_is_measured_twice, test_sampling.py::test_all_tasks_differ_even_where_all_of_them_are_drawn |
| 14 | intervals that take pairs for independent, or the deviation itself | test_intervals_cover_where_those_of_pairs_do_not, test_an_interval_is_not_the_deviation_of_distances, test_interval.py::test_pairs_taken_as_independent_would_not_cover |
| 15 | distances of 0 dropped from the mean | test_distance.py::test_duplicates_are_kept_in_the_mean_and_lower_the_coefficient, test_distance.py::test_all_duplicates_give_zero_not_nan |
| 16 | thirty heavy packages | test_the_package_needs_neither_heavy_packages_nor_a_gpu |
| 17 | labels drawn for the wrong position (text) | test_drawn_labels_are_those_of_the_item_itself, test_fisher.py::test_random_estimators_are_unbiased |
| 18 | one shuffled head of the data M times (text) | test_no_batch_is_measured_twice, test_sampling.py::test_a_stream_is_measured_in_one_pass |
| 19 | the target's preparation for the source; a value under another's key | test_each_key_holds_the_value_that_it_names, test_both_sources_are_prepared_alike |
| 20 | options that do the opposite; defaults that can be changed | test_switches_do_what_they_say, test_defaults_cannot_be_changed |
| 21 | dropout on; Conv1D by the wrong axis; tied head; vocabulary rows (text) | test_dropout_is_off, test_the_axis_of_an_entry_is_the_output, test_layers.py::test_gpt2_has_one_number_for_each_output_of_a_layer, test_layers.py::test_tied_weights_are_refused_unless_one_is_left_out, test_layers.py::test_without_the_vocabulary_the_other_layers_stay_as_they_are |
| 22 | stream read into memory; model copied for each batch (text) | test_the_model_is_not_copied, test_sampling.py::test_a_stream_is_measured_in_one_pass |
| 23 | a baseline that looks useless: cosine without centring | test_a_common_offset_does_not_hide_diversity_from_every_baseline, test_rivals.py::test_a_shift_far_from_the_origin_costs_no_digits |
"""  # noqa: E501

import ast
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from breadth.data.formats import from_arrays
from breadth.data.task import Task, task
from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.awslabs import PUBLISHED
from breadth.measure.distance import cross, pairwise
from breadth.measure.diversity import diversity_coefficient, embed
from breadth.measure.embeddings import save_embeddings
from breadth.measure.fisher import fisher_diagonal
from breadth.measure.head import Head, softmax
from breadth.measure.probe import probe
from breadth.measure.rivals.vendi import vendi
from breadth.measure.settings import Reading, Settings, with_options
from breadth.measure.survey import survey
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from breadth.stats.interval import mean_pairwise
from measure.embedded import made
from measure.small import BARE, SMALL, source
from measure.toys import numbers, settled, some_head

TESTS = Path(__file__).parents[1]
ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", __doc__, re.MULTILINE)
PROBE = probe(Architecture("conv-stride", 4, 1, 8), 0)
SOURCE = single(source("first"))


def functions_in(path):
    return {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}


def test_every_fault_has_tests_that_exist():
    assert [int(n) for n, _, _ in ROWS] == list(range(1, 24))
    for n, _, listed in ROWS:
        for name in listed.split(", "):
            file, _, test = name.rpartition("::")
            path = next(TESTS.rglob(file)) if file else Path(__file__)
            assert test in functions_in(path), f"{n}: {name}"


def test_every_test_of_this_file_is_in_the_table():
    named = {name for _, _, listed in ROWS for name in listed.split(", ")}
    here = {name for name in functions_in(Path(__file__)) if name.startswith("test_")}
    assert here - named == {"test_every_fault_has_tests_that_exist", "test_every_test_of_this_file_is_in_the_table"}


def flat(found):
    return np.concatenate(list(found.values()))


def norm_body():
    return settled(
        nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.Tanh(), nn.Flatten(), nn.Linear(6 * 36, 5), nn.Tanh())
    ).eval()


def test_the_fisher_of_a_task_is_the_mean_over_its_items():
    body, x = norm_body(), numbers(12, 1, 8, 8)
    head = some_head(3, 5)
    whole = flat(fisher_diagonal(body, head, x))
    single_items = [flat(fisher_diagonal(body, head, x[i : i + 1])) for i in range(12)]
    np.testing.assert_allclose(whole, np.mean(single_items, axis=0), rtol=1e-4)
    # In training mode the very features of an item depend on the rest of its batch.
    body.train()
    with torch.no_grad():
        assert not torch.allclose(body(x)[:4], body(x[:4]), atol=1e-2)


def squared_batch_means(body, head, x, batch, rng, rounds):
    """The public estimate of the last layer's Fisher: drawn labels, the gradient of a batch's mean loss, squared; mean over batches."""
    with torch.no_grad():
        inputs = body[:-1](x).double().numpy()
        outputs = body(x).double().numpy()
    p = softmax(outputs @ head.weight.T + head.bias)
    total = 0.0
    for _ in range(rounds):
        rows = rng.integers(len(x), size=batch)
        labels = np.array([rng.choice(p.shape[1], p=p[i]) for i in rows])
        delta = (p[rows] - np.eye(p.shape[1])[labels]) @ head.weight
        total += ((delta.T @ inputs[rows] / batch) ** 2).mean()
    return total / rounds


def test_the_batch_size_does_not_scale_the_fisher():
    body, x, head = settled(nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))).eval(), numbers(64, 4), some_head(3, 3)
    rng = np.random.default_rng(0)
    exact = fisher_diagonal(body, head, x)["2"].mean()
    one, many = (squared_batch_means(body, head, x, batch, rng, 400) for batch in (1, 16))
    assert one == pytest.approx(exact, rel=0.2)
    assert exact / many == pytest.approx(16, rel=0.3)
    for size in (16, 64):
        assert fisher_diagonal(body, head, x[:16].repeat(size // 16, 1))["2"].mean() == pytest.approx(
            fisher_diagonal(body, head, x[:16])["2"].mean(), rel=1e-4
        )


def test_every_item_of_a_task_counts_once():
    """Of 10,000 draws with replacement from 12 items, each is seen some 800 times, unequally; here each row counts once."""
    seen = np.bincount(np.random.default_rng(0).integers(12, size=PUBLISHED.draws), minlength=12)
    assert seen.min() > 700
    assert len(set(seen.tolist())) > 1
    counts = []
    handle = PROBE.body.register_forward_hook(lambda module, args, output: counts.append(len(args[0])))
    t = task(SOURCE, 0, ways=3, per_class=4)
    try:
        once = Task2Vec(PROBE)(t).values
    finally:
        handle.remove()
    # One pass over the items, and what it takes to learn the shapes and the memory of a pass.
    assert sum(counts) <= 3 * len(t.labels)
    twice = Task(np.repeat(t.inputs, 2, 0), np.repeat(t.labels, 2), t.ways, t.source, t.part, np.repeat(t.items, 2))
    np.testing.assert_allclose(Task2Vec(PROBE)(twice).values, once, rtol=1e-3)


def test_a_second_task_is_embedded_by_the_same_object():
    t2v = Task2Vec(PROBE)
    before = [set(vars(m)) for m in PROBE.body.modules()], [set(vars(p)) for p in PROBE.body.parameters()]
    first, second, again = (t2v(task(SOURCE, i, ways=3, per_class=4)) for i in (0, 1, 0))
    np.testing.assert_array_equal(first.values, again.values)
    assert not np.array_equal(first.values, second.values)
    assert before == ([set(vars(m)) for m in PROBE.body.modules()], [set(vars(p)) for p in PROBE.body.parameters()])


@pytest.mark.parametrize("estimator", ["exact", "rademacher", "monte_carlo", "awslabs"])
def test_the_same_data_twice_is_one_embedding(estimator):
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        state = torch.random.get_rng_state()
        t2v = Task2Vec(PROBE, estimator, published=replace(PUBLISHED, draws=64, epochs=1))
        found.append(t2v(task(SOURCE, 0, ways=3, per_class=4)).values)
        assert torch.equal(state, torch.random.get_rng_state())
    np.testing.assert_array_equal(*found)


def test_any_classes_make_a_task_and_an_absent_one_is_named():
    """The public code needs labels 0..C-1 of the whole set and divides by zero where a class has no sample."""
    s = source("first")
    t = task(single(s), 0, ways=3, per_class=4)
    assert set(s.labels[t.items].tolist()) != {0, 1, 2}
    assert t.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    gap = replace(t, labels=np.where(t.labels == 1, 2, t.labels))
    message = "the task's labels are [0, 2]; expected each of 0..2 at least once"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        Task2Vec(PROBE)(gap)


def test_the_package_needs_neither_heavy_packages_nor_a_gpu():
    code = """
import sys
import breadth
from measure.small import BARE, SMALL, source
breadth.measure(source("first"), settings=SMALL, tasks=3, **BARE)
heavy = {"torchvision", "torchmeta", "hydra", "transformers", "datasets", "wandb", "sklearn", "pandas", "matplotlib", "learn2learn"}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True,
        env={"PYTHONPATH": str(TESTS), "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_embeddings_are_no_pickles(tmp_path):
    save_embeddings(tmp_path / "e.safetensors", made(np.ones((3, 4))))
    content = (tmp_path / "e.safetensors").read_bytes()
    assert content[8:9] == b"{"  # a length, then JSON
    assert b"numpy" not in content
    assert not content.startswith((b"\x80", b"PK"))


def test_no_batch_is_measured_twice():
    s = source("first")
    loader = torch.utils.data.DataLoader(torch.arange(s.n_items), batch_size=12)
    public = [tuple(next(iter(loader)).tolist()) for _ in range(6)]
    assert len(set(public)) == 1
    # The coefficient of a batch embedded six times is no diversity at all.
    t = Task(s.inputs[:36:3], s.labels[:36:3], 3, "first", "first", np.arange(0, 36, 3))
    same = np.stack([Task2Vec(PROBE)(t).values for _ in range(6)])
    assert mean_pairwise(pairwise(same)).value == pytest.approx(0, abs=1e-12)
    e = embed(single(s), Task2Vec(PROBE), tasks=6, ways=3, per_class=4, seed=0)
    assert len({tuple(sorted(row)) for row in e.items.tolist()}) == 6
    assert diversity_coefficient(e).value > 0.05


def coverage(m, repeats=300):
    """How often the jackknife over tasks and the public interval over pairs hold the expected distance of two gamma embeddings."""
    rng = np.random.default_rng(m)
    a, b = (rng.gamma(0.5, size=(1500, 60)) * rng.lognormal(0, 1, (1500, 1)) for _ in range(2))
    truth, held = cross(a, b).mean(), np.zeros(2)
    for _ in range(repeats):
        d = pairwise(rng.gamma(0.5, size=(m, 60)) * rng.lognormal(0, 1, (m, 1)))
        ours, pairs = mean_pairwise(d), d[np.triu_indices(m, 1)]
        half = 1.96 * pairs.std(ddof=1) / np.sqrt(len(pairs))
        held += ours.low <= truth <= ours.high, abs(pairs.mean() - truth) <= half
    return held / repeats


@pytest.mark.parametrize(("m", "at_most"), [(20, 0.6), (50, 0.45), (100, 0.35)])
def test_intervals_cover_where_those_of_pairs_do_not(m, at_most):
    ours, public = coverage(m)
    assert 0.91 <= ours <= 0.99
    assert public <= at_most


def test_an_interval_is_not_the_deviation_of_distances():
    """The deviation of the distances, which one public program returns as the interval, does not shrink with more tasks."""
    rng = np.random.default_rng(0)
    few, many = (pairwise(rng.gamma(1.0, size=(m, 60))) for m in (25, 400))
    deviation = [d[np.triu_indices(len(d), 1)].std() for d in (few, many)]
    half = [(e.high - e.low) / 2 for e in map(mean_pairwise, (few, many))]
    assert deviation[1] == pytest.approx(deviation[0], rel=0.25)
    assert half[0] / half[1] == pytest.approx(4, rel=0.35)
    e = mean_pairwise(many)
    assert (e.level, e.n, e.method) == (0.95, 400, "tasks, delete-one jackknife")


def test_drawn_labels_are_those_of_the_item_itself():
    """Labels drawn from another item's prediction, as for the next position of a text, have gradients whose mean is not 0."""
    rng = np.random.default_rng(0)
    head, features = some_head(4, 3), np.repeat([[2.0, -2, 2], [-2, 2, -2]], 4000, axis=0)
    p = softmax(features @ head.weight.T + head.bias)
    right, wrong = (
        np.mean(p - np.eye(4)[(q.cumsum(1) > rng.random((len(p), 1))).argmax(1)], axis=0)
        for q in (p, np.broadcast_to(p[0], p.shape))
    )
    assert np.abs(right).max() < 0.02
    assert np.abs(wrong).max() > 0.1
    body = settled(nn.Sequential(nn.Linear(2, 3), nn.Tanh())).eval()
    x = numbers(6, 2)
    exact, drawn = (
        flat(fisher_diagonal(body, Head(head.weight, head.bias), x, estimator=how, draws=draws, seed=0))
        for how, draws in (("exact", 1), ("monte_carlo", 3000))
    )
    np.testing.assert_allclose(drawn, exact, rtol=0.15)


def test_each_key_holds_the_value_that_it_names():
    m = survey([source("first"), source("second", seed=1, spread=90)], SMALL)
    stored = m.as_dict()
    a, b = (s.embeddings.values for s in m.sources)
    expected = [mean_pairwise(pairwise(a)).value, mean_pairwise(pairwise(b)).value, cross(a, b).mean()]
    found = [s["diversity"]["value"] for s in stored["sources"]] + [stored["cross"][0]["distance"]["value"]]
    assert found == pytest.approx(expected)
    assert len({round(v, 6) for v in [*found, stored["scale"]["floor"]["value"], stored["scale"]["ceiling"]["value"]]}) == 5
    assert stored["scale"]["floor"]["value"] < min(found) < stored["scale"]["ceiling"]["value"]
    for s in stored["sources"]:
        for name in ("diversity", "floor", "corrected", "position", "complexity"):
            e = s[name]
            assert e["low"] < e["value"] < e["high"]
            assert "jackknife" in e["method"] or "t interval" in e["method"]


def test_both_sources_are_prepared_alike():
    """A source of another size and colour, brought to the probe's form, gets the embeddings of the same pixels."""
    s = source("first")
    colour = from_arrays(np.repeat(s.inputs, 3, axis=3), s.labels, name="colour")
    m = survey([s, colour], replace(SMALL, channels=3, **BARE))
    np.testing.assert_allclose(m.sources[0].embeddings.values, m.sources[1].embeddings.values, rtol=1e-6)


def test_switches_do_what_they_say():
    on, off = (survey([source("first")], replace(SMALL, scale=flag, rivals=flag)) for flag in (True, False))
    assert (on.scale is not None, bool(on.sources[0].rivals)) == (True, True)
    assert (off.scale is not None, bool(off.sources[0].rivals)) == (False, False)
    t = task(SOURCE, 0, ways=3, per_class=4)
    losses = [Task2Vec(PROBE, "awslabs", published=replace(PUBLISHED, draws=640, epochs=epochs))(t).loss for epochs in (0, 1, 20)]
    assert losses[0] > losses[1] > losses[2]


def test_defaults_cannot_be_changed():
    default = Settings()
    with pytest.raises(FrozenInstanceError):
        default.tasks = 5
    with pytest.raises(FrozenInstanceError):
        default.reading.limit = 5
    changed = with_options(None, {"tasks": 5, "reading": Reading(limit=5)})
    assert (changed.tasks, changed.reading.limit) == (5, 5)
    assert Settings() == default
    assert (Settings().tasks, Settings().reading.limit) == (20, None)


def test_dropout_is_off():
    body = settled(nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Tanh(), nn.Linear(6, 3), nn.Tanh()))
    plain = nn.Sequential(body[0], body[2], body[3], body[4]).eval()
    x, head = numbers(8, 4), some_head(3, 3)
    body.train()
    with torch.no_grad():
        assert not torch.equal(body(x), body(x))
    found = flat(fisher_diagonal(body.eval(), head, x))
    np.testing.assert_allclose(found, flat(fisher_diagonal(plain, head, x)), rtol=1e-6)


def test_the_axis_of_an_entry_is_the_output():
    """An output that nothing uses has no information; by the other axis every input would have some."""
    body = settled(nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3), nn.Tanh())).eval()
    with torch.no_grad():
        body[2].weight[:, 2] = 0
    found = fisher_diagonal(body, some_head(3, 3), numbers(8, 4))["0"]
    assert found.shape == (6,)
    assert np.flatnonzero(found == 0).tolist() == [2]


def test_the_model_is_not_copied():
    held = [p.data_ptr() for p in PROBE.body.parameters()]
    t2v = Task2Vec(PROBE)
    t2v(task(SOURCE, 0, ways=3, per_class=4))
    assert t2v.probe.body is PROBE.body
    assert held == [p.data_ptr() for p in PROBE.body.parameters()]
    assert all(p.grad is None for p in PROBE.body.parameters())


def test_a_common_offset_does_not_hide_diversity_from_every_baseline():
    """Vectors that share a long mean look alike to a cosine that is not centred: 200 items count for fewer than two."""
    x = np.random.default_rng(0).normal(size=(200, 20))
    shifted = x + 30
    assert vendi(x) > 15
    assert vendi(shifted) < 2
    assert vendi(shifted, kernel="rbf") == pytest.approx(vendi(x, kernel="rbf"), rel=1e-6)
    assert vendi(x, kernel="rbf") > 5
