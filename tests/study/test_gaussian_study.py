"""The Gaussian benchmark as a study: what is known in closed form against what the product measures and trains.

The slow tests run studies/gaussian.toml as ``breadth run`` does (about 20 minutes on one core). With BREADTH_GAUSSIAN_RUNS set to the
folder of an earlier ``breadth run studies/gaussian.toml --runs FOLDER`` they read that one; runs of other settings are not mistaken for it.
"""

import os
import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from breadth.study.analysis import analyse
from breadth.study.control import audit_study
from breadth.study.engine import run_all
from breadth.study.plan import plan_study
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.toml import read_study
from oracle import gaussian as oracle

ROOT = Path(__file__).parents[2]
SIGMAS = (0.1, 1, 3, 10)
SMALL = {
    "name": "line",
    "title": "A study whose training sets are evaluated each on its own held-out classes",
    "hypothesis": {"learner": "PT", "condition": "centroid/running", "probe": "line"},
    "data": {
        f"s{k}": {
            "load": f"gaussian:sigma={s},classes=20,per_class=40",
            "held_out": f"gaussian:sigma={s},classes=20,per_class=40,split=test",
        }
        for k, s in enumerate(SIGMAS)
    },
    "training": {"classes": 20, "images": 40},
    "train": [{"name": f"sigma={s}", "domains": [f"s{k}"]} for k, s in enumerate(SIGMAS)],
    "architecture": {"kind": "mlp", "filters": 16},
    "learner": [
        {"kind": "pretrain", "name": "PT", "images": 4000, "augmentation": "none"},
        {"kind": "maml", "name": "MAML", "order": 2, "tasks": 20, "schedule": "cosine", "clip": 1.0},
    ],
    "probe": [{"name": "line", "kind": "line"}],
    "measure": {"tasks": 6, "per_class": 20, "ridge": 1e-4},
    "evaluation": {"data": "own", "episodes": 10, "batch_norm": ["running"], "heads": ["centroid"]},
    "controls": {
        "equal": ["architecture", "optimiser", "stopping", "images seen", "classes", "images per class", "pixels", "overlap"]
    },
}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    plan, store = plan_study(Study.model_validate(SMALL)), Store(tmp_path_factory.mktemp("line"))
    run_all(plan.runs, store, Path())
    return plan, store


def test_every_set_is_evaluated_on_its_own_held_out_classes(small):
    plan, store = small
    assert (plan.suites, plan.baselines) == ({}, {})
    for (name, _, _), run in plan.scores.items():
        (part,) = run.body["evaluation"]["suite"]["parts"]
        assert part["load"] == f"gaussian:sigma={name.removeprefix('sigma=')},classes=20,per_class=40,split=test"
    suites = {
        name: {store.result(r)["suite"] for (s, _, _), r in plan.scores.items() if s == name}
        for name in (s.name for s in plan.sets)
    }
    assert [len(found) for found in suites.values()] == [1, 1, 1, 1]  # PT and MAML meet the same episodes
    assert len(set.union(*suites.values())) == 4


def test_a_network_without_batch_norm_is_compared_under_its_one_mode(small):
    analysis = analyse(*small)
    assert [c.condition for c in analysis.comparisons] == [
        f"PT centroid against MAML {k} steps, running batch norm" for k in (5, 10)
    ]
    assert "Models were evaluated on different episodes: scores of different training sets are not paired." in analysis.caveats
    named = {f.name: f for f in analysis.findings}
    assert "one batch norm mode only" not in named["PT against MAML, 5 steps"].statement


def test_suites_that_differ_are_a_violation_only_where_the_study_asks_for_one(small):
    plan, store = small
    rows = {r.control: r for r in audit_study(plan, store)}
    assert (rows["evaluation"].status, rows["evaluation"].violation) == ("differs", False)
    assert [r.control for r in rows.values() if r.violation] == []
    assert (rows["overlap"].status, rows["overlap"].detail[:20]) == ("equal", "no source is shared;")
    strict = {k: v for k, v in SMALL.items() if k != "controls"}
    rows = {r.control: r for r in audit_study(plan_study(Study.model_validate(strict)), store)}
    assert rows["evaluation"].violation


@pytest.mark.parametrize("on_themselves, status", [(1, "differs"), (4, "equal")])
def test_a_set_evaluated_on_itself_is_unfair_unless_all_are(tmp_path, on_themselves, status):
    data = {k: {**d, "held_out": d["load"]} if int(k[1:]) < on_themselves else d for k, d in SMALL["data"].items()}
    plan, store = plan_study(Study.model_validate({**SMALL, "data": data})), Store(tmp_path)
    run_all(tuple(plan.overlaps.values()), store, Path())
    row = next(r for r in audit_study(plan, store) if r.control == "overlap")
    assert (row.status, row.violation) == (status, status == "differs")
    assert row.detail == (
        "unfair: sigma=0.1 was trained on a set of the suite; 1 of 4 arms share data, the others do not"
        if on_themselves == 1
        else "all arms share data with the suite alike (800 exact, 800 near images)"
    )


def test_options_left_to_the_learner_are_not_part_of_a_run():
    plain = {
        **SMALL,
        "learner": [{"kind": "maml", "name": "PT"}],
        "hypothesis": {**SMALL["hypothesis"], "condition": "maml5/running"},
    }
    for run in plan_study(Study.model_validate(plain)).scores.values():
        assert not {"schedule", "clip"} & set(run.body["learner"])


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(str(ROOT / "docs" / "results" / "gaussian_table.py"))


@pytest.fixture(scope="module")
def table(tmp_path_factory, script):
    plan = plan_study(read_study(ROOT / "studies" / "gaussian.toml"))
    store = Store(os.environ.get("BREADTH_GAUSSIAN_RUNS") or tmp_path_factory.mktemp("gaussian"))
    run_all(plan.runs, store, Path(plan.study.data_root), workers=os.cpu_count() or 1)
    return script["rows"](plan, store)


def check_diversity(truth, found, published):
    assert len(truth) >= 8
    assert stats.spearmanr(truth, found)[0] == pytest.approx(1)
    assert stats.pearsonr(truth[published], found[published])[0] >= 0.98


@pytest.mark.slow
def test_truth_is_right_to_one_percent(table):
    for r in table:
        simulated, error = oracle.gaussian_truth(r.sigma)
        assert abs(r.truth - simulated) <= 0.01 * simulated, r.sigma
        assert error < 0.003 * simulated, "the simulation must be finer than the claim"


@pytest.mark.slow
def test_diversity_follows_the_truth(table, script):
    published = np.array([r.sigma in script["PUBLISHED"] for r in table])
    assert published.sum() == 4
    check_diversity(np.array([r.truth for r in table]), np.array([r.diversity.value for r in table]), published)


def test_the_check_of_diversity_fails_on_another_order():
    truth = np.linspace(0, 1, 8)
    published = np.arange(8) % 2 == 0
    with pytest.raises(AssertionError):
        check_diversity(truth, truth[[1, 0, 2, 3, 4, 5, 6, 7]], published)
    with pytest.raises(AssertionError):
        check_diversity(truth, truth**8, published)


@pytest.mark.slow
@pytest.mark.parametrize("series", ["PT", "MAML5", "MAML10"])
def test_accuracies_are_the_published_ones_within_four_percent(table, script, series):
    by_sigma = {r.sigma: r.accuracies[series] for r in table}
    for sigma, published in script["PUBLISHED"].items():
        assert by_sigma[sigma].n == 5
        assert abs(by_sigma[sigma].value - published[series]) <= 0.04, (sigma, by_sigma[sigma].value)


@pytest.mark.slow
def test_no_accuracy_is_above_the_ceiling(table):
    """The ceiling holds for the classes in the episodes; the items are drawn, hence three standard errors of that draw."""
    for r in table:
        for name, accuracy in r.accuracies.items():
            assert accuracy.value <= r.ceiling + 3 * r.sampling_error, (r.sigma, name)
    assert sum(r.lost for r in table) == 0
