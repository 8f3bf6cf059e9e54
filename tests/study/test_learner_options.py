"""Options of learners that came later: without them nothing changes; with them they reach training, cost, audit and validation."""

import hashlib
from pathlib import Path

import pytest

from breadth.errors import SpecError
from breadth.nets.weights import read_weights
from breadth.study import run as story
from breadth.study.control import audit_study
from breadth.study.feasible import check_feasible
from breadth.study.plan import plan_study
from breadth.study.run import execute
from breadth.study.spec import Study
from breadth.study.store import Store
from study.small import SMALL

PT, MAML = SMALL["learner"]
ANIL = {**MAML, "kind": "anil", "name": "ANIL"}


def planned(*learners, **parts):
    return plan_study(Study.model_validate({**SMALL, "learner": list(learners), **parts}))


def test_runs_without_them_keep_their_identity():
    ids = [run.run_id for run in planned(PT, MAML, ANIL).runs]
    assert len(ids) == 41
    assert hashlib.sha256(" ".join(ids).encode()).hexdigest()[:16] == "20c5eee320ee3ed8"
    stated = planned(PT, MAML, ANIL).study.fixed()["learner"]
    assert not [k for x in stated for k in x if k in ("batch_norm", "precision", "patience", "validation")]


@pytest.mark.parametrize("learner", [MAML, {**MAML, "order": 2}, ANIL], ids=["maml", "second", "anil"])
def test_batch_norm_in_training_reaches_the_learner_its_cost_and_the_audit(learner, tmp_path, monkeypatch):
    plain, support = (
        planned(PT, x).scores["1x-latin-1", learner["name"], 0] for x in (learner, {**learner, "batch_norm": "support"})
    )
    assert plain.run_id != support.run_id
    episodes = SMALL["evaluation"]["episodes"] / 20
    assert support.seconds - episodes == pytest.approx(2 * (plain.seconds - episodes))
    seen = []
    real = story.meta_train

    def spied(source, arch, settings, **rest):
        seen.append(settings.batch_norm)
        return real(source, arch, settings, **rest)

    monkeypatch.setattr(story, "meta_train", spied)
    store = Store(tmp_path)
    execute(plain, store, Path("."), device="cpu", report=lambda done, total: None)
    execute(support, store, Path("."), device="cpu", report=lambda done, total: None)
    assert seen == ["transductive", "support"]
    a, b = (read_weights(store.folder(r) / "weights.safetensors") for r in (plain, support))
    assert any(not a[k].equal(b[k]) for k in a)
    rows = {r.control: r.detail for r in audit_study(planned(PT, {**learner, "batch_norm": "support"}), store)}
    assert rows["optimiser"].endswith(", queries 3, batch_norm support")


def test_precision_reaches_the_learner_and_is_said_between_learners(tmp_path):
    big = {"architecture": {"kind": "conv", "filters": 4}}
    plan = planned({**PT, "precision": "bf16"}, MAML, **big)
    check_feasible(plan)
    store = Store(tmp_path)
    runs = [p.scores["1x-latin-1", "PT", 0] for p in (plan, planned(PT, MAML, **big))]
    for run in runs:
        execute(run, store, Path("."), device="cpu", report=lambda done, total: None)
    a, b = (read_weights(store.folder(run) / "weights.safetensors") for run in runs)
    assert any(not a[k].equal(b[k]) for k in a)
    rows = {r.control: r.detail for r in audit_study(plan, store)}
    assert "augmentation shift, precision bf16" in rows["optimiser"]
    assert "precision: PT bf16, MAML float32" in rows["between learners"]
    assert "precision" not in {r.control: r.detail for r in audit_study(planned(PT, MAML, **big), store)}["between learners"]


def test_a_precision_that_cannot_train_the_network_is_refused_before_anything_runs():
    small = {"images": {"size": 8, "channels": 1}, "learner": [{**PT, "precision": "bf16"}, MAML]}
    plan = plan_study(Study.model_validate({**SMALL, **small}))
    with pytest.raises(SpecError) as error:
        check_feasible(plan)
    assert str(error.value) == (
        "learner PT: bf16 on a CPU has wrong gradients for the network 'conv-stride' at size 8; use size 9 or more, or precision 'float32'"
    )
    check_feasible(plan, "cuda")


def test_batch_norm_of_a_network_without_any_is_refused():
    with pytest.raises(ValueError) as error:
        planned(PT, {**MAML, "batch_norm": "support"}, architecture={"kind": "mlp", "filters": 8})
    assert error.value.errors()[0]["msg"] == (
        "Value error, learner.1.batch_norm is 'support', but an mlp has no batch norm; leave it out"
    )
