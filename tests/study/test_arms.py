"""Checkpoints as arms of a study: planned, imported from published layouts, audited, analysed; every mistake in one line."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from breadth.errors import CheckpointError, SpecError, StoreError
from breadth.learn.trained import Trained
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.study.analysis import analyse
from breadth.study.control import audit_study
from breadth.study.engine import run_all
from breadth.study.feasible import check_feasible
from breadth.study.fixed import fixed_hash
from breadth.study.imported import import_and_score
from breadth.study.plan import plan_study
from breadth.study.run import execute
from breadth.study.sources import evaluation_episodes
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.toml import read_study
from oracle import arms as oracle
from oracle import peer
from study.small import SMALL

ROOT = Path(__file__).parents[2]
PUBLISHED = {"value": 0.2, "low": 0.1, "high": 0.3, "probe": "resnet18", "source": "a paper"}
LAYOUTS = {"PT": ("uutils", "old", "rfs", "state", "whole"), "MAML": ("uutils", "learner", "state", "uutils", "learner")}
SETS = ("latin", "greek", "arrows", "both", "all")
BARE = {"kind": "conv", "filters": 4}


@pytest.fixture(scope="module")
def writer():
    """studies/make_checkpoints.py as a module under its name, so that what it pickles can be named."""
    spec = importlib.util.spec_from_file_location("make_checkpoints", ROOT / "studies" / "make_checkpoints.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def network(seed, classes=3, **arch):
    """A network that was never trained, as a trained one."""
    arch = Architecture(**{"kind": "conv", "filters": 4, "channels": 1, "size": 16, **arch})
    net = classifier(build(arch, seed), classes, seed)
    return Trained(arch, dict(net.state_dict()), [], {"steps": 7}, "budget")


def put(writer, path, seed, *, maml=False, options=None, **kind):
    options = {"data_option": "mi", "lr": 0.1, **({"inner_lr": 0.05} if maml else {}), **(options or {})}
    writer.write(path, network(seed, **kind), maml=maml, options=options)


def table(name, learner="PT", data="latin", file=None, **more):
    return {"name": name, "file": file or f"{name}.pt", "learner": learner, "data": data, **more}


def study_of(folder, checkpoints, **parts):
    """The small study whose networks are the given checkpoints; training sets: three scripts alone, two and three of them."""
    named = {c["data"] for c in checkpoints}
    unions = {"both": ["latin", "greek"], "all": ["latin", "greek", "arrows"]}
    whole = [{"name": n, "domains": d, "whole": True} for n, d in unions.items() if n in named]
    small = {k: v for k, v in SMALL.items() if k not in ("design", "training")}
    kinds = {"PT": {"kind": "pretrain", "name": "PT"}, "MAML": {"kind": "maml", "name": "MAML", "ways": 3, "test_steps": [2]}}
    learners = [kinds[n] for n in kinds if any(c["learner"] == n for c in checkpoints)]
    return {**small, "data_root": str(folder), "train": whole, "learner": learners, "checkpoint": checkpoints, **parts}


def planned(folder, checkpoints, **parts):
    return plan_study(Study.model_validate(study_of(folder, checkpoints, **parts)))


def refused(folder, checkpoints, **parts):
    """The one line of a study that cannot be."""
    with pytest.raises((ValueError, SpecError)) as e:
        planned(folder, checkpoints, **parts)
    errors = getattr(e.value, "errors", None)
    message = errors()[0]["msg"].removeprefix("Value error, ") if errors else str(e.value)
    assert "\n" not in message
    return message


def failed(folder, checkpoint, **parts):
    """The one line of an import that cannot be."""
    plan = planned(folder, [checkpoint], **parts)
    (run,) = plan.scores.values()
    with pytest.raises((CheckpointError, StoreError)) as e:
        import_and_score(run.body, evaluation_episodes(run.body["evaluation"], folder), folder, "cpu")
    assert "\n" not in str(e.value)
    return str(e.value).replace(f"{folder}/", "")


@pytest.fixture(scope="module")
def finished(writer, tmp_path_factory):
    """Ten checkpoints in every layout, imported and analysed; nothing is trained."""
    folder = tmp_path_factory.mktemp("arms")
    tables = []
    for learner, layouts in LAYOUTS.items():
        for i, (data, layout) in enumerate(zip(SETS, layouts, strict=True)):
            file = f"{learner}-{data}.{layout}.pt"
            put(writer, folder / file, 10 * len(tables) + i, maml=learner == "MAML")
            more = {**BARE, **({"inner_lr": 0.05} if learner == "MAML" else {})} if layout == "state" else {}
            tables.append(table(f"{learner} {data}", learner, data, file, images=1000, **more))
    plan = planned(folder, tables, controls={"equal": ["architecture", "optimiser", "evaluation", "overlap"]})
    check_feasible(plan)
    store = Store(folder / "runs")
    run_all(plan.runs, store, folder)
    return plan, store, folder


def test_nothing_is_trained_and_each_file_is_one_run(finished):
    plan, _, _ = finished
    kinds = [r.kind for r in plan.runs]
    assert (kinds.count("train"), kinds.count("import"), kinds.count("measure"), kinds.count("overlap")) == (0, 10, 6, 5)
    assert {s.name: s.domains for s in plan.sets}["all"] == ("latin", "greek", "arrows")


def test_scores_are_those_of_an_evaluation_written_out(finished):
    plan, store, folder = finished
    for arm, run in plan.scores.items():
        suite = evaluation_episodes(run.body["evaluation"], folder)
        c = plan.checkpoints[arm]
        seed = list(plan.checkpoints).index(arm)
        trained = network(10 * seed + seed % 5)
        with np.load(store.folder(run) / "scores.npz") as arrays:
            if c.learner == "PT":
                expected, name = oracle.centroid_accuracy(trained.weights, suite), "centroid/transductive:accuracy"
            else:
                expected, name = oracle.adapted_accuracy(trained.weights, suite, lr=0.05, steps=2), "maml2/transductive:accuracy"
            np.testing.assert_allclose(arrays[name], expected, atol=1e-9)


def test_all_arms_meet_the_same_episodes(finished):
    plan, store, _ = finished
    assert len({store.result(r)["suite"] for r in plan.scores.values()}) == 1


def test_the_audit_says_only_what_is_known(finished):
    plan, store, _ = finished
    rows = {r.control: r for r in audit_study(plan, store)}
    assert {k: r.status for k, r in rows.items() if k in ("architecture", "optimiser", "stopping", "images seen", "pixels")} == {
        "architecture": "equal",
        "optimiser": "unknown",
        "stopping": "unknown",
        "images seen": "equal",
        "pixels": "unknown",
    }
    assert rows["architecture"].detail == "conv, 4 filters"
    assert rows["optimiser"].detail == (
        "over the arms of each learner. PT: not known for 2 of 5 arms, for example PT both; "
        "MAML: not known for 1 of 5 arms, for example MAML arrows"
    )
    assert rows["classes"].status == "differs"
    assert not rows["classes"].violation  # the study does not require it
    assert rows["overlap"].status == "equal"
    assert rows["distinct checkpoints"].status == "equal"
    assert rows["training data of checkpoints"].status == "unknown"
    assert "PT latin: 'mi'" in rows["training data of checkpoints"].detail


def test_the_analysis_is_whole_and_honest_about_few_points(finished):
    plan, store, _ = finished
    a = analyse(plan, store)
    assert a.verdict == "inconclusive"
    assert {s.learner for s in a.series} == {"PT", "MAML"}
    assert [len(s.points) for s in a.series if s.primary] == [5]
    assert len(a.comparisons) > 0
    assert [s.notes[-1] for s in a.series if s.primary] == [
        "5 checkpoints trained elsewhere; not known for all: optimiser, stopping, pixels"
    ]
    assert a.protocol["learners"] == [
        {"kind": "pretrain", "name": "PT", "checkpoints": 5},
        {"kind": "maml", "name": "MAML", "ways": 3, "test_steps": [2], "checkpoints": 5},
    ]


# identity


def test_another_file_is_another_run_and_another_story_is_not(writer, tmp_path):
    put(writer, tmp_path / "a.uutils.pt", 1)
    before = planned(tmp_path, [table("a", file="a.uutils.pt")])
    told = planned(tmp_path, [table("b", file="a.uutils.pt", images=5, converged=True)])
    assert [r.run_id for r in before.scores.values()] == [r.run_id for r in told.scores.values()]
    assert fixed_hash(before.study) != fixed_hash(told.study)
    put(writer, tmp_path / "a.uutils.pt", 2)
    after = planned(tmp_path, [table("a", file="a.uutils.pt")])
    assert [r.run_id for r in before.scores.values()] != [r.run_id for r in after.scores.values()]
    (run,) = before.scores.values()
    with pytest.raises(StoreError, match=r"a\.uutils\.pt: changed since the study was planned; run the study again$"):
        import_and_score(run.body, evaluation_episodes(run.body["evaluation"], tmp_path), tmp_path, "cpu")


def test_several_checkpoints_of_one_set_are_told_apart_by_place(writer, tmp_path):
    for i in range(4):
        put(writer, tmp_path / f"{i}.uutils.pt", i)
    tables = [table(str(i), data=("latin", "greek")[i % 2], file=f"{i}.uutils.pt") for i in range(4)]
    assert {k: c.name for k, c in planned(tmp_path, tables).checkpoints.items()} == {
        ("latin", "PT", 0): "0",
        ("latin", "PT", 1): "2",
        ("greek", "PT", 0): "1",
        ("greek", "PT", 1): "3",
    }
    assert refused(tmp_path, tables[:3]) == (
        "learner 'PT' has 2 checkpoints of 'latin' and 1 of 'greek'; give as many of each, or put the others under a learner of their own"
    )


# the audit's warnings


def carried_out(runs, folder):
    """The store of runs carried out in this process, which spares the start of another."""
    store = Store(folder / "runs")
    for run in runs:
        store.begin(run)
        execute(run, store, folder, device="cpu", report=lambda done, total: None)
    return store


def audited(folder, tables, **parts):
    plan = planned(folder, tables, **parts)
    store = carried_out([r for r in plan.runs if r.kind in ("import", "overlap")], folder)
    return {r.control: r for r in audit_study(plan, store)}


def test_one_network_under_two_names_is_flagged(writer, tmp_path):
    put(writer, tmp_path / "a.uutils.pt", 1)
    put(writer, tmp_path / "b.rfs.pt", 1)  # the same tensors in another layout
    row = audited(tmp_path, [table("a", file="a.uutils.pt"), table("b", data="greek", file="b.rfs.pt")])
    assert row["distinct checkpoints"].violation
    assert row["distinct checkpoints"].detail == "the same network more than once, so points are not independent: a = b"


def test_unlike_facts_are_differences_and_unlike_words_are_unknown(writer, tmp_path):
    put(writer, tmp_path / "a.uutils.pt", 1)
    put(writer, tmp_path / "b.uutils.pt", 2, options={"lr": 0.2}, filters=8)
    a, b = table("a", file="a.uutils.pt"), table("b", data="greek", file="b.uutils.pt")
    rows = audited(tmp_path, [a, b])
    assert (rows["optimiser"].status, rows["optimiser"].detail) == (
        "differs",
        "PT: lr 0.1 (1 arm, for example a); lr 0.2 (1 arm, for example b)",
    )
    assert rows["architecture"].violation
    assert rows["architecture"].detail == "conv, 4 filters (1 arm, for example a); conv, 8 filters (1 arm, for example b)"
    rows = audited(tmp_path, [{**a, "optimizer": "SGD"}, b])
    assert rows["optimiser"].status == "unknown"
    assert rows["optimiser"].detail.endswith("; told in words that do not compare: a by the study; b by the file (lr)")
    rows = audited(tmp_path, [{**a, "converged": True}, {**b, "converged": False, "steps": 9}])
    assert rows["stopping"].status == "differs"


def test_a_file_that_contradicts_the_study_is_a_violation(writer, tmp_path):
    put(writer, tmp_path / "a.uutils.pt", 1, maml=True)
    row = audited(tmp_path, [table("a", file="a.uutils.pt")])["training of checkpoints"]
    assert row.violation
    assert row.detail == "a: MAML by its file (agent_type is make_checkpoints.MAMLMetaLearner), PT by the study"


def test_data_of_the_suite_are_an_unfair_arm(writer, tmp_path):
    put(writer, tmp_path / "a.uutils.pt", 1)
    put(writer, tmp_path / "b.uutils.pt", 2)
    rows = audited(tmp_path, [table("a", file="a.uutils.pt"), table("b", data="digits", file="b.uutils.pt")])
    assert rows["overlap"].violation
    assert rows["overlap"].detail.startswith("unfair: digits was trained on a set of the suite")


def test_unknown_data_stay_unknown(writer, tmp_path):
    tables = []
    for i in range(4):
        put(writer, tmp_path / f"{i}.uutils.pt", i)
        tables.append(table(str(i), data="unknown", file=f"{i}.uutils.pt", diversity={**PUBLISHED, "value": 0.15 + i / 30}))
    plan = planned(tmp_path, tables)
    check_feasible(plan)
    assert (plan.overlaps, plan.measures) == ({}, {})
    store = carried_out(plan.runs, tmp_path)
    a = analyse(plan, store)
    rows = {r.control: r for r in a.audit}
    assert {rows[k].status for k in ("classes", "images per class", "overlap", "training data of checkpoints")} == {"unknown"}
    assert a.verdict == "inconclusive"
    assert [(p.train, p.x) for p in a.series[0].points][:2] == [("unknown data of 0", 0.15), ("unknown data of 1", 0.15 + 1 / 30)]


# mistakes, each in one line


def test_mistakes_in_the_study(writer, tmp_path):
    put(writer, tmp_path / "a.uutils.pt", 1)
    good = table("a", file="a.uutils.pt")
    put(writer, tmp_path / "b.uutils.pt", 2)
    assert refused(tmp_path, [{**good, "file": "no.pt"}]) == (
        f"checkpoint 'a': no file 'no.pt' in {tmp_path}; give its path, relative to data_root"
    )
    assert refused(tmp_path, [{**good, "data": "latni"}]) == (
        "checkpoint 'a' names data 'latni', which no [[train]] or [data.*] table defines; "
        "where it is not known, write data = \"unknown\" and give diversity; did you mean 'latin'?"
    )
    assert refused(tmp_path, [good, {**good, "file": "b.uutils.pt"}]) == "checkpoint 'a' is defined twice; give each its own name"
    assert (
        refused(tmp_path, [{**good, "data": "unknown"}])
        == "checkpoint 'a' has data = \"unknown\"; give diversity, a published value"
    )
    assert refused(tmp_path, [{**good, "diversity": PUBLISHED}]) == (
        "checkpoint 'a' takes diversity only with data = \"unknown\"; give it in the [[train]] table"
    )
    assert refused(tmp_path, [{**good, "filters": 4}]) == (
        "checkpoint 'a' gives filters, channels or size without kind; give the kind with them"
    )
    assert refused(tmp_path, [{**good, "kind": "conv"}]) == "checkpoint 'a' is of kind conv, whose width varies; give filters"
    assert refused(tmp_path, [{**good, "inner_lr": 0.1}]) == (
        "checkpoint 'a' gives inner_lr, but its learner 'PT' adapts nothing; leave it out"
    )
    pt = {"kind": "pretrain", "name": "PT"}
    assert refused(tmp_path, [good], learner=[{**pt, "images": 5}]) == (
        "learner 'PT' takes its networks from checkpoints, so images would change nothing; leave it out, and give facts of the training "
        "in [[checkpoint]]"
    )
    assert refused(tmp_path, [{**good, "learner": "PTT"}], learner=[pt]) == (
        "checkpoint 'a' names learner 'PTT', expected one of: PT; did you mean 'PT'?"
    )
    extra = [{"name": "idle", "domains": ["greek"], "whole": True}]
    assert refused(tmp_path, [good], train=extra) == (
        "train 'idle' is the data of no checkpoint, and every learner takes checkpoints; leave it out"
    )
    drawn = [{"name": "latin", "domains": ["latin"]}]
    assert (
        refused(tmp_path, [good], train=drawn)
        == "training lacks classes or images; give both, or whole = true in every [[train]] table"
    )


def test_files_that_are_no_arm(writer, tmp_path):
    net = network(1)
    torch.save({k: v for k, v in net.weights.items() if k.startswith("head")}, tmp_path / "head.pt")
    assert failed(tmp_path, table("head", **BARE)).startswith("head.pt: ")
    assert "first 'features.conv1.weight'" in failed(tmp_path, table("head", **BARE))
    put(writer, tmp_path / "a.state.pt", 1)
    assert failed(tmp_path, table("a", file="a.state.pt")) == (
        "a.state.pt: its network is not known: features.conv1 has 4 filters on 1 channels; conv (pooled) and conv-stride have the same "
        "tensors, and the file does not say which it is; give kind, filters and size in its [[checkpoint]] table, "
        "where it is a network that breadth builds"
    )
    assert failed(tmp_path, table("a", file="a.state.pt", kind="conv", filters=8)) == (
        "a.state.pt: head 'model.cls' takes 4 features, the body conv at size 16 gives 8; give the architecture or the image size that it "
        "was trained with"
    )
    put(writer, tmp_path / "big.uutils.pt", 1, size=32)
    assert failed(tmp_path, table("big", file="big.uutils.pt")) == (
        "big.uutils.pt: is a conv for inputs of size 32, images.size is 16; set it to 32, or say its size in [[checkpoint]]"
    )
    put(writer, tmp_path / "whole.whole.pt", 1, size=32)
    assert failed(tmp_path, table("whole", file="whole.whole.pt")) == (
        "whole.whole.pt: head 'model.cls' takes 16 features, the body conv at size 16 gives 4; give the architecture or the image size that "
        "it was trained with"
    )
    put(writer, tmp_path / "color.uutils.pt", 1, channels=3)
    assert failed(tmp_path, table("color", file="color.uutils.pt")) == (
        "color.uutils.pt: takes 3 channels, images.channels is 1; set it to 3"
    )
    (tmp_path / "damaged.pt").write_bytes(b"no checkpoint")
    assert failed(tmp_path, table("damaged")).startswith("damaged.pt: ")


def test_maml_needs_its_head_and_its_rate(writer, tmp_path):
    net = network(1)
    torch.save({k: v for k, v in net.weights.items() if not k.startswith("head")}, tmp_path / "body.pt")
    maml = {"learner": "MAML"}
    only = {
        "learner": [{"kind": "maml", "name": "MAML", "ways": 3, "test_steps": [2]}],
        "hypothesis": {**SMALL["hypothesis"], "learner": "MAML", "condition": "maml2/support"},
    }
    assert failed(tmp_path, table("body", **maml, **BARE), **only) == (
        "body.pt: no head in the file; a network of MAML is adapted from the head that it was trained with: give a file with it, or import "
        "the body under a learner of kind pretrain"
    )
    put(writer, tmp_path / "wide.uutils.pt", 1, maml=True, classes=5)
    assert failed(tmp_path, table("wide", file="wide.uutils.pt", **maml), **only) == (
        "wide.uutils.pt: its head has 5 outputs, the suite has 3 ways; set evaluation.ways = 5, or import the body under a learner of kind "
        "pretrain"
    )
    put(writer, tmp_path / "a.state.pt", 1)
    bare = table("a", file="a.state.pt", **maml, **BARE)
    assert failed(tmp_path, bare, **only) == (
        "a.state.pt: the inner learning rate is not in the file; give inner_lr in its [[checkpoint]] table, or in its [[learner]] table"
    )
    rates = {}
    for name, said, usual in (("own", {"inner_lr": 0.2}, {}), ("learner", {}, {"inner_lr": 0.3})):
        plan = planned(tmp_path, [{**bare, **said}], **{**only, "learner": [{**only["learner"][0], **usual}]})
        (run,) = plan.scores.values()
        _, facts = import_and_score(run.body, evaluation_episodes(run.body["evaluation"], tmp_path), tmp_path, "cpu")
        rates[name] = (facts["inner_lr"], facts["inner_lr_from"])
    assert rates == {"own": (0.2, "the study, for this checkpoint"), "learner": (0.3, "the study, for the learner")}


# the study that ships


def test_the_study_that_ships_can_be_read_and_names_every_layout():
    study = read_study(ROOT / "studies" / "checkpoints.toml")
    layouts = {Path(c.file).suffixes[0][1:] for c in study.checkpoint}
    assert layouts == {"uutils", "old", "learner", "rfs", "state", "whole", "safetensors"}
    assert [sum(c.learner == n for c in study.checkpoint) for n in ("PT", "MAML")] == [8, 8]


@pytest.mark.slow
def test_the_study_that_ships_runs(tmp_path):
    file = ROOT / "studies" / "checkpoints.toml"
    subprocess.run([sys.executable, ROOT / "studies" / "make_checkpoints.py", file, tmp_path], check=True, cwd=ROOT)
    study = read_study(file).model_copy(update={"data_root": str(tmp_path)})
    plan, store = plan_study(study), Store(tmp_path / "runs")
    run_all(plan.runs, store, tmp_path, workers=2)
    a = analyse(plan, store)
    assert a.verdict == "inconclusive"  # as its head says
    assert [r.control for r in a.audit if r.violation] == []
    assert [len(s.points) for s in a.series if s.primary] == [8]


@pytest.mark.slow
@pytest.mark.skipif(not peer.installed(), reason=peer.MISSING)
def test_files_of_the_published_savers_are_arms(tmp_path):
    subprocess.run([sys.executable, ROOT / "tests" / "oracle" / "uutils_writer.py", tmp_path], check=True, capture_output=True)
    files = {"5cnn-pt": "ckpt.pt", "resnet12-pt": "ckpt.pt", "5cnn-maml": "ckpt.pt", "5cnn-maml-old": "ckpt_file.pt"}
    tables = [
        table(kind, "MAML" if "maml" in kind else "PT", ("latin", "greek")[i % 2], f"{kind}/{file}")
        for i, (kind, file) in enumerate(files.items())
    ]
    learners = [
        {"kind": "pretrain", "name": "PT"},
        {"kind": "maml", "name": "MAML", "ways": 5, "test_steps": [2], "inner_lr": 0.1},
    ]
    evaluation = {**SMALL["evaluation"], "ways": 5, "episodes": 2}
    plan = planned(tmp_path, tables, learner=learners, evaluation=evaluation, images={"size": 84, "channels": 3})
    store = carried_out(plan.scores.values(), tmp_path)
    rows = {r.control: r for r in audit_study(plan, store)}
    assert rows["training of checkpoints"].status == "equal"
    assert rows["architecture"].violation  # two widths of a 5CNN, and a ResNet-12
    assert len({store.result(r)["suite"] for r in plan.scores.values()}) == 1
    for run in plan.scores.values():
        assert all(np.isfinite(list(s.values())).all() for s in store.result(run)["scores"].values())
