"""What a record promises: the files it vouches for are whole and on the disk, and whatever was changed since is said, not used."""

import json
import os
import platform
import re
import shutil

import pytest

from breadth.errors import StoreError
from breadth.study.plan import RunSpec
from breadth.study.store import Store, write_json_once, write_text
from breadth.version import __version__

RUN = RunSpec("probe", "random", {"kind": "conv", "seed": 0})
PAIR = {
    "train": "a",
    "evaluation": "b",
    "exact": 0,
    "near": 0,
    "names": [],
    "n_train": 1,
    "n_evaluation": 1,
    "same_source": False,
}


def finished(root, run=RUN, result=None):
    """A store in which ``run`` is done, with one file."""
    store = Store(root, device="cpu")
    folder = store.begin(run)
    (folder / "body.safetensors").write_bytes(b"weights")
    store.finish(run, {"history": [{"loss": 0.1, "step": 3}]} if result is None else result, ("body.safetensors",))
    return store


def refused(store, run=RUN, ask=Store.result):
    with pytest.raises(StoreError) as e:
        ask(store, run)
    return str(e.value)


def changed(path, change):
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))


def test_a_finished_run_gives_its_result_back(tmp_path):
    finished(tmp_path, result={"history": [1.0, float("nan")], "n": 3})
    assert Store(tmp_path).result(RUN) == {"history": [1.0, None], "n": 3}


def test_a_result_that_a_caller_changes_stays_what_it_is(tmp_path):
    store = finished(tmp_path)
    store.result(RUN)["history"][0]["loss"] = 9
    assert store.result(RUN) == {"history": [{"loss": 0.1, "step": 3}]}


def test_a_record_says_what_made_it(tmp_path):
    made = finished(tmp_path).made_by(RUN)
    assert set(made) == {"breadth", "torch", "numpy", "python", "device", "machine", "threads"}
    assert (made["breadth"], made["device"], made["machine"]) == (__version__, "cpu", platform.machine())
    assert made["python"] == platform.python_version()


def test_a_record_without_seal_and_maker_stays_valid(tmp_path):
    finished(tmp_path)
    path = tmp_path / RUN.run_id / "record.json"
    changed(path, lambda r: [r.pop("made_by"), r.pop("sha256")])
    assert Store(tmp_path).result(RUN) == {"history": [{"loss": 0.1, "step": 3}]}
    assert Store(tmp_path).made_by(RUN) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda r: r["result"]["history"][0].update(loss=0.2),
        lambda r: r["files"].clear(),
        lambda r: r["made_by"].update(machine="abacus"),
        lambda r: r.pop("sha256"),
    ],
)
def test_a_record_that_was_changed_is_seen(tmp_path, change):
    finished(tmp_path)
    path = tmp_path / RUN.run_id / "record.json"
    changed(path, change)
    assert refused(Store(tmp_path)) == (
        f"{path}: changed since it was written; delete the folder {path.parent} and run the study again"
    )


@pytest.mark.parametrize("ask", [Store.result, Store.made_by, Store.check])
def test_a_file_that_was_changed_before_it_is_first_asked_for_is_seen(tmp_path, ask):
    finished(tmp_path)
    path = tmp_path / RUN.run_id / "body.safetensors"
    path.write_bytes(b"wieghts")
    assert refused(Store(tmp_path), ask=ask) == (
        f"{path}: missing or changed since it was written; delete the folder {path.parent} and run the study again"
    )


def test_files_are_read_once_a_process(tmp_path):
    store = finished(tmp_path)
    store.result(RUN)
    (tmp_path / RUN.run_id / "body.safetensors").unlink()
    store.result(RUN)
    assert "missing or changed" in refused(Store(tmp_path))


def test_a_run_that_is_done_again_is_read_again(tmp_path):
    store = finished(tmp_path)
    store.result(RUN)
    finished_again = {"history": []}
    store.finish(RUN, finished_again)
    assert store.result(RUN) == finished_again


ESTIMATE = dict.fromkeys(("value", "low", "high", "level", "n", "method"), 1)
MEASURED = {"diversity": ESTIMATE, "floor": ESTIMATE, "complexity": ESTIMATE, "doubt": 0.1, "protocol": {}}
SCORED = {"suite": "x", "scores": {"pixels": {"accuracy": 1, "loss": 0}}}
TRAINED = {**SCORED, "cost": {"images": 1}, "stopped": "budget", "history": []}


@pytest.mark.parametrize(
    ("kind", "result", "lacking"),
    [
        ("overlap", {}, "pairs"),
        ("overlap", {"pairs": [{k: v for k, v in PAIR.items() if k != "near"}]}, "pairs: near"),
        ("overlap", {"pairs": 3}, "pairs"),
        ("overlap", [], "result"),
        ("measure", {**MEASURED, "floor": {}}, "floor: value"),
        ("measure", {k: v for k, v in MEASURED.items() if k != "complexity"}, "complexity"),
        ("train", {**TRAINED, "cost": {}}, "cost: images"),
        ("train", SCORED, "cost"),
        ("baseline", {**SCORED, "scores": {"pixels": {"accuracy": 1}}}, "scores: loss"),
    ],
)
def test_a_result_that_lacks_something_is_one_line(tmp_path, kind, result, lacking):
    run = RunSpec(kind, "x", {})
    finished(tmp_path, run, result)
    folder = tmp_path / run.run_id
    expected = f"{folder}/record.json: lacks '{lacking}'; delete the folder {folder} and run the study again"
    assert refused(Store(tmp_path), run) == expected


@pytest.mark.parametrize(
    ("kind", "result"),
    [("overlap", {"pairs": [PAIR]}), ("measure", MEASURED), ("train", TRAINED), ("baseline", SCORED), ("probe", {})],
)
def test_a_whole_result_is_accepted(tmp_path, kind, result):
    run = RunSpec(kind, "x", {})
    finished(tmp_path, run, result)
    assert Store(tmp_path).result(run) == result


@pytest.mark.parametrize("text", ["[]", "{}", '{"body": 3}', "[" * 100_000])
def test_a_damaged_specification_is_one_line(tmp_path, text):
    store = finished(tmp_path)
    path = tmp_path / RUN.run_id / "spec.json"
    path.write_text(text)
    message = refused(store, RUN.run_id, Store.spec)
    assert message.startswith(f"{path}: ")
    assert message.endswith(f"; delete the folder {path.parent} and run the study again")
    assert "\n" not in message


def test_check_sees_a_folder_that_holds_another_run(tmp_path):
    finished(tmp_path)
    other = RunSpec("probe", "other", {"kind": "conv", "seed": 1})
    finished(tmp_path, other)
    shutil.copy(tmp_path / other.run_id / "spec.json", tmp_path / RUN.run_id / "spec.json")
    assert refused(Store(tmp_path), ask=Store.check) == (
        f"{tmp_path / RUN.run_id}: holds another run than its name says; move the folder away and run again"
    )


def test_files_are_on_the_disk_before_their_record_and_the_record_before_the_checkpoint_goes(tmp_path, monkeypatch):
    store = Store(tmp_path)
    folder = store.begin(RUN)
    (folder / "a").write_bytes(b"a")
    (folder / "checkpoint").mkdir()
    (folder / "checkpoint" / "meta.json").write_text("{}")
    events, sync, move = [], os.fsync, os.replace

    def fsync(handle):
        sync(handle)
        name = re.sub(r"-[0-9a-f]{8}\.partial$", ".partial", os.path.basename(os.readlink(f"/proc/self/fd/{handle}")))
        events.append((name, (folder / "record.json").exists(), (folder / "checkpoint" / "meta.json").exists()))

    def replace(a, b):
        move(a, b)
        events.append(("moved", True, True))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    store.finish(RUN, {}, ("a",))
    assert events == [
        ("a", False, True),
        (RUN.run_id, False, True),
        (f".record.json.{os.getpid()}.partial", False, True),
        ("moved", True, True),
        (RUN.run_id, True, True),
    ]
    assert not (folder / "checkpoint").exists()


def test_processes_of_the_same_number_on_two_machines_do_not_write_the_same_file(tmp_path, monkeypatch):
    partial, move = [], os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (partial.append(a), move(a, b)))
    for text in ("a", "b"):
        write_text(tmp_path / "record.json", text)
    assert len({*partial}) == 2
    assert (tmp_path / "record.json").read_text() == "b"


@pytest.mark.parametrize("links", [True, False])
def test_of_many_writers_of_one_file_the_first_stays_and_nothing_else_is_left(tmp_path, monkeypatch, links):
    if not links:

        def no_links(*arguments):
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", no_links)
    for value in (1, 2, 3):
        write_json_once(tmp_path / "fixed.json", {"writer": value})
    assert json.loads((tmp_path / "fixed.json").read_text()) == {"writer": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["fixed.json"]
