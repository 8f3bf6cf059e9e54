"""A whole study, small: plan, run, audit, analyse; killed and resumed to the same findings."""

import json
import shutil
from pathlib import Path

import pytest

from breadth.errors import StoreError
from breadth.study.analysis import analyse
from breadth.study.control import audit_study
from breadth.study.engine import run_all
from breadth.study.plan import plan_study
from breadth.study.spec import Study
from breadth.study.store import Store
from study.small import SMALL


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    plan = plan_study(Study.model_validate(SMALL))
    store = Store(tmp_path_factory.mktemp("runs"))
    seen = []
    executed = run_all(plan.runs, store, Path("."), workers=2, report=seen.append)
    assert executed == len(plan.runs)
    assert seen[-1].done == len(plan.runs)
    return plan, store


def test_running_again_does_nothing(finished):
    plan, store = finished
    assert run_all(plan.runs, store, Path(".")) == 0


def test_analysis_has_every_series_and_is_deterministic(finished):
    plan, store = finished
    analysis = analyse(plan, store)
    assert {(s.learner, s.metric, s.condition) for s in analysis.series} == {
        *(
            ("PT", m, f"{h}/{b}")
            for m in ("accuracy", "loss")
            for h in ("logistic", "centroid")
            for b in ("support", "transductive")
        ),
        *(("MAML", m, f"maml{k}/{b}") for m in ("accuracy", "loss") for k in (2, 3) for b in ("support", "transductive")),
    }
    assert analysis.series[0].primary
    assert analysis.verdict == "inconclusive"  # six training sets are too few for the rule
    assert {b.name for b in analysis.baselines} == {"random network", "pixels, nearest centroid"}
    again = analyse(plan, store)
    assert json.dumps(again.as_dict()) == json.dumps(analysis.as_dict())
    for f in analysis.findings:
        assert set(f.as_dict()) == {"name", "statement", "verdict", "estimate", "points", "caveats", "run_ids", "robustness"}


def test_all_controls_hold_in_the_small_study(finished):
    rows = audit_study(*finished)
    assert [r for r in rows if r.violation] == []
    assert {r.control: r.status for r in rows}["overlap"] == "equal"


def test_a_damaged_record_is_one_clear_line(finished, tmp_path):
    plan, store = finished
    copy = Store(shutil.copytree(store.root, tmp_path / "runs"))
    run = plan.scores["1x-latin-1", "PT", 0]
    scores = copy.folder(run) / "scores.npz"
    scores.write_bytes(b"damaged")
    with pytest.raises(StoreError) as error:
        analyse(plan, copy)
    assert str(error.value) == (
        f"{scores}: missing or changed since it was written; delete the folder {scores.parent} and run the study again"
    )
