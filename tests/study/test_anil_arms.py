"""ANIL checkpoints as arms of a study: own and foreign ones, adapted by the head alone; what the audit says before files are read."""

import numpy as np
import pytest
import torch

from breadth.data.formats import load
from breadth.data.images import prepare
from breadth.data.union import single
from breadth.learn.evaluate import evaluate_maml
from breadth.learn.foreign.rebuild import classifier_from, read_foreign
from breadth.learn.maml import MamlSettings, meta_train
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.study.control import audit_study
from breadth.study.plan import plan_study
from breadth.study.sources import evaluation_episodes
from breadth.study.spec import Study
from breadth.study.store import Store
from study.small import SMALL
from study.test_arms import BARE, carried_out, put, refused, table, writer

__all__ = ["writer"]

LEARNER = {"kind": "anil", "name": "ANIL", "ways": 3, "test_steps": [2]}
PARTS = {"learner": [LEARNER], "hypothesis": {**SMALL["hypothesis"], "learner": "ANIL", "condition": "anil2/support"}}


def planned(folder, tables, **parts):
    small = {k: v for k, v in SMALL.items() if k not in ("design", "training")}
    return plan_study(Study.model_validate({**small, "data_root": str(folder), "checkpoint": tables, **PARTS, **parts}))


@pytest.fixture
def folder(writer, tmp_path):
    """An ANIL network as this package saves it, one of a foreign program whose options name ANIL, and bare weights."""
    data = prepare(load(SMALL["data"]["latin"]["load"]), size=16, channels=1)
    settings = MamlSettings(tasks=8, ways=3, shots=3, queries=3, steps=2, inner_lr=0.2, adapts="head")
    meta_train(single(data), Architecture("conv-stride", 4, 1, 16), settings, seed=0, folder=tmp_path / "own")
    put(writer, tmp_path / "foreign.uutils.pt", 1, maml=True, options={"algorithm": "anil"})
    put(writer, tmp_path / "bare.state.pt", 2)
    return tmp_path


TABLES = [
    table("own", "ANIL", file="own"),
    table("foreign", "ANIL", "greek", file="foreign.uutils.pt"),
    table("bare", "ANIL", "arrows", file="bare.state.pt", inner_lr=0.3, **BARE),
]


def test_the_head_alone_is_adapted_with_the_rate_of_each_file(folder):
    plan = planned(folder, TABLES)
    store = carried_out(plan.scores.values(), folder)
    rates = {"own": 0.2, "foreign": 0.05, "bare": 0.3}
    for arm, run in plan.scores.items():
        c = plan.checkpoints[arm]
        arch = Architecture("conv", 4, 1, 16) if c.kind else None
        net = classifier_from(read_foreign(folder / c.file, architecture=arch))
        suite = evaluation_episodes(run.body["evaluation"], folder)
        expected = evaluate_maml(net, suite, inner_lr=rates[c.name], steps=[2], adapts="head")
        other = evaluate_maml(net, suite, inner_lr=rates[c.name], steps=[2])
        with np.load(store.folder(run) / "scores.npz") as arrays:
            assert sorted({k.split(":")[0] for k in arrays}) == sorted(expected)
            for name, scores in expected.items():
                np.testing.assert_allclose(arrays[f"{name}:loss"], scores.loss, rtol=1e-6)
                assert not np.allclose(arrays[f"{name}:loss"], other[name.replace("anil", "maml")].loss, rtol=1e-3)
    row = {r.control: r for r in audit_study(plan, store)}["training of checkpoints"]
    assert (row.status, row.detail) == (
        "unknown", "PT or MAML or ANIL: 2 of 3 files say what the study says, the rest say nothing")  # fmt: skip
    told = planned(folder, TABLES[:2])
    assert {r.control: r.status for r in audit_study(told, store)}["training of checkpoints"] == "equal"


def test_what_a_file_says_of_anil(folder, writer):
    own = read_foreign(folder / "own")
    assert (own.mode, own.mode_evidence) == ("ANIL", "its training is recorded as maml of the head alone")
    foreign = read_foreign(folder / "foreign.uutils.pt")
    assert (foreign.mode, foreign.mode_evidence) == ("ANIL", "args.algorithm is anil")
    put(writer, folder / "plain.uutils.pt", 3, maml=True, options={"agent_opt": "MAML vanilla"})
    assert read_foreign(folder / "plain.uutils.pt").mode == "MAML"


def test_maml_under_a_learner_of_anil_is_a_violation(folder, writer):
    put(writer, folder / "maml.uutils.pt", 3, maml=True)
    plan = planned(folder, [table("maml", "ANIL", file="maml.uutils.pt")])
    row = {r.control: r for r in audit_study(plan, carried_out(plan.scores.values(), folder))}["training of checkpoints"]
    assert row.violation
    assert row.detail == "maml: MAML by its file (agent_type is make_checkpoints.MAMLMetaLearner), ANIL by the study"


def test_a_rate_is_refused_only_where_nothing_adapts(folder):
    assert refused(folder, [table("bare", file="bare.state.pt", inner_lr=0.3, **BARE)]) == (
        "checkpoint 'bare' gives inner_lr, but its learner 'PT' adapts nothing; leave it out"
    )


def test_before_any_file_is_read_the_audit_says_that_none_was(folder):
    rows = {r.control: r for r in audit_study(planned(folder, TABLES), Store(folder / "empty"))}
    unread = "; 3 of 3 checkpoint files are not read until the study runs"
    assert {k: rows[k].detail for k in ("architecture", "optimiser", "training of checkpoints", "distinct checkpoints")} == {
        "architecture": f"not known for 3 of 3 arms, for example own{unread}",
        "optimiser": f"ANIL: not known for 3 of 3 arms, for example own{unread}",
        "training of checkpoints": f"PT or MAML or ANIL: not known{unread}",
        "distinct checkpoints": f"not compared{unread}",
    }
    assert {rows[k].status for k in ("architecture", "optimiser", "training of checkpoints", "distinct checkpoints", "pixels")} == {
        "unknown"
    }
    assert rows["pixels"].detail.endswith(f"were scaled is not known{unread}")
    # What only the study can say is not promised from files.
    assert rows["stopping"].detail == "ANIL: not known for 3 of 3 arms, for example own"


def test_another_eps_is_another_architecture_in_the_audit(folder):
    net = classifier(build(Architecture("conv", 4, 1, 16), 0), 3, 0)
    state = {k.removeprefix("body."): v for k, v in net.state_dict().items()}
    said = {"model_option": "5CNN", "model_hps": {"image_size": 16}}
    for name, eps in (("a", 1e-3), ("b", 1e-5)):
        torch.save({"model_state_dict": state, **said, "model_hps": {"image_size": 16, "bn_eps": eps}}, folder / f"{name}.pt")
    plan = planned(folder, [table("a", "ANIL", inner_lr=0.1), table("b", "ANIL", "greek", inner_lr=0.1)])
    row = {r.control: r for r in audit_study(plan, carried_out(plan.scores.values(), folder))}["architecture"]
    assert row.violation
    assert row.detail == "conv, 4 filters (1 arm, for example a); conv, 4 filters, eps 1e-05 in batch norm (1 arm, for example b)"
