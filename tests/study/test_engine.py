"""A run killed at any instant leaves nothing half done: the same command goes on to the same findings."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors import SafetensorError

from breadth.data.digest import source_digest
from breadth.errors import BreadthError, StoreError
from breadth.study.engine import run_all
from breadth.study.engines import local as pool
from breadth.study.engines.agenda import Ticket
from breadth.study.engines.claim import STALE_AFTER
from breadth.study.engines.local import _Worker, default_workers
from breadth.study.plan import RunSpec
from breadth.study.store import Store
from breadth.study.worker import _reason

QUICKSTART = Path(__file__).parents[2] / "studies" / "quickstart.toml"


def breadth(*arguments, check=True):
    return subprocess.run([sys.executable, "-m", "breadth", *map(str, arguments)], check=check, capture_output=True, text=True)


def findings(study, runs, out):
    breadth("report", study, "--runs", runs, "--out", out)
    return (out / "findings.json").read_bytes()


def workers_of(root):
    """Process ids of the workers that work in ``root``."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"breadth.study.worker" in command and str(root).encode() in command:
            found.append(int(folder.name))
    return found


def run_killed_at(instants, study, runs):
    """Run a study, killing the whole of it with SIGKILL after each number of seconds; then let it finish. Return how many kills hit."""
    hits = 0
    for seconds in instants:
        process = subprocess.Popen([sys.executable, "-m", "breadth", "run", study, "--runs", runs], stderr=subprocess.DEVNULL)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            hits += 1
            deadline = time.monotonic() + 10
            while workers_of(runs) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert workers_of(runs) == [], "workers outlive their killed parent"
    breadth("run", study, "--runs", runs)
    return hits


def test_killed_and_resumed_gives_the_same_findings(tmp_path, small_toml):
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    breadth("run", study, "--runs", tmp_path / "whole")
    whole = findings(study, tmp_path / "whole", tmp_path / "a")
    assert run_killed_at([4.0, 6.0], study, tmp_path / "killed") > 0
    assert findings(study, tmp_path / "killed", tmp_path / "b") == whole


@pytest.mark.slow
def test_quickstart_killed_at_ten_random_instants(tmp_path):
    breadth("run", QUICKSTART, "--runs", tmp_path / "whole")
    whole = findings(QUICKSTART, tmp_path / "whole", tmp_path / "a")
    instants = [random.Random(7).uniform(3, 25) for _ in range(10)]
    assert run_killed_at(instants, QUICKSTART, tmp_path / "killed") == 10
    assert findings(QUICKSTART, tmp_path / "killed", tmp_path / "b") == whole


def test_two_processes_in_one_folder_share_the_runs(tmp_path, small_toml):
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    command = [sys.executable, "-m", "breadth", "run", study, "--runs", tmp_path / "runs", "--workers", "1", "--json"]
    both = [subprocess.Popen([*map(str, command)], stdout=subprocess.PIPE) for _ in range(2)]
    said = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(s["executed"] for s in said) == said[0]["runs"]
    assert list((tmp_path / "runs").glob("*/claim-*")) == []


def test_a_crash_in_a_worker_is_reported_with_its_traceback(tmp_path):
    broken = RunSpec("measure", "broken", {"data": None}, ())
    with pytest.raises(StoreError, match=r"(?s)run measure-[0-9a-f]{16} \(broken\) crashed; .*Traceback"):
        run_all([broken], Store(tmp_path), Path("."))


def test_a_worker_that_is_killed_is_named(tmp_path, small_toml):
    from breadth.study.plan import plan_study
    from breadth.study.toml import read_study

    path = tmp_path / "small.toml"
    path.write_text(small_toml)
    plan = plan_study(read_study(path))

    def kill(progress):
        for pid in workers_of(tmp_path / "runs"):
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(StoreError, match=r"the worker of .* died, perhaps for want of memory; run the study again"):
        run_all(plan.runs, Store(tmp_path / "runs"), Path("."), report=kill)


def test_a_worker_that_died_between_two_runs_is_named(tmp_path):
    """Its pipe is broken when the next run is handed to it."""
    worker = _Worker(Store(tmp_path), Path("."), "cpu")
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    run = RunSpec("probe", "next", {"filler": "x" * 100_000})
    try:
        with pytest.raises(StoreError) as e:
            worker.take(Ticket(run, 1))
    finally:
        worker.stop()
    assert str(e.value) == f"the worker of {run.run_id} (next) died, perhaps for want of memory; run the study again"


def test_a_run_that_is_done_and_damaged_is_refused(tmp_path):
    run = RunSpec("probe", "random", {"kind": "line"})
    store = Store(tmp_path)
    (store.begin(run) / "body.safetensors").write_bytes(b"weights")
    store.finish(run, {}, ("body.safetensors",))
    assert run_all([run], Store(tmp_path), Path(".")) == 0
    path = store.folder(run) / "body.safetensors"
    path.write_bytes(b"other")
    with pytest.raises(StoreError) as e:
        run_all([run], Store(tmp_path), Path("."))
    assert str(e.value) == (
        f"{path}: missing or changed since it was written; delete the folder {path.parent} and run the study again"
    )


def random_probe(label="probe"):
    pixels = {"size": 16, "channels": 1}
    return RunSpec(
        "probe",
        label,
        {
            "kind": "conv",
            "filters": 64,
            "weights": "trained",
            "images": 32,
            "seed": 0,
            "data": {
                "parts": [{"name": "digits", "load": "digits", "digest": source_digest("digits")}],
                "convention": "pooled-classes",
                "pixels": pixels,
            },
        },
    )


def failure(run, root):
    with pytest.raises(BreadthError) as e:
        run_all([run], Store(root), Path("."))
    assert "\n" not in str(e.value)
    return str(e.value)


def test_a_disk_that_takes_no_more_is_one_line(tmp_path):
    """The kernel refuses files over a size, as it does on a full disk, with the error of the system call."""
    run = random_probe()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limit[1]))
    try:
        message = failure(run, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert message == f"run {run.run_id} (probe): File too large; put this right and run the study again"
    assert not Store(tmp_path).is_done(run)


def test_a_run_that_writes_where_it_may_not_is_one_line(tmp_path):
    run = random_probe()
    folder = Store(tmp_path).begin(run)
    (folder / "checkpoint").write_text("a file where a folder must be")
    assert failure(run, tmp_path) == (
        f"run {run.run_id} (probe): {folder / 'checkpoint'}: File exists; put this right and run the study again"
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("CUDA out of memory. Tried\nto allocate 2 GiB"), "not enough memory (CUDA out of memory. Tried to allocate 2 GiB)"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (PermissionError(13, "Permission denied", "a/b"), "a/b: Permission denied"),
        (
            SafetensorError('Error while serializing: I/O error: Os { code: 28, kind: StorageFull, message: "No space left on device" }'),
            "No space left on device",
        ),
        (KeyError("a"), None),
        (RuntimeError("shapes differ"), None),
    ],
)  # fmt: skip
def test_what_a_machine_lacks_is_told_from_a_fault_of_the_package(error, reason):
    assert _reason(error) == reason


def test_an_interrupted_study_gives_its_runs_back(tmp_path, small_toml):
    """Other machines need not wait until the claims are stale."""
    study, runs = tmp_path / "small.toml", tmp_path / "runs"
    study.write_text(small_toml)
    command = [sys.executable, "-m", "breadth", "run", str(study), "--runs", str(runs), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not any(path.read_text() for path in runs.glob("*/claim-*")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.communicate()[1] == "breadth: interrupted; the same command goes on from here\n"
    assert process.returncode == 130
    assert workers_of(runs) == []
    claims = [json.loads(path.read_text()) for path in runs.glob("*/claim-*")]
    assert all(c["given_back"] for c in claims)


def test_a_pool_has_a_worker_for_each_gpu_and_gives_each_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,3")
    assert default_workers("cuda") == 2
    seen = []
    monkeypatch.setattr(pool, "_Worker", lambda store, data_root, device, gpu: seen.append(gpu) or _Nobody())
    runs = [RunSpec("probe", str(i), {"i": i}) for i in range(5)]
    with pytest.raises(_NobodyWorks):
        run_all(runs, Store(tmp_path), Path("."), workers=3, device="cuda")
    assert seen == ["GPU-a", "3", "GPU-a"]


def test_a_machine_without_gpu_has_one_worker_to_say_so(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert default_workers("cuda") == 1
    assert default_workers("cpu") == len(os.sched_getaffinity(0))


class _NobodyWorks(Exception):
    pass


class _Nobody:
    """Stands where a worker would."""

    ticket = None

    @property
    def stdout(self):
        raise _NobodyWorks

    def stop(self):
        pass


@pytest.mark.slow
def test_a_machine_that_dies_is_replaced_after_two_minutes(tmp_path, small_toml):
    """A process namespace of its own is another machine: what lives there cannot be seen from here."""
    apart = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if shutil.which("unshare") is None or subprocess.run([*apart, "true"], check=False, capture_output=True).returncode:
        pytest.skip("process namespaces cannot be made here")
    study, runs = tmp_path / "small.toml", tmp_path / "runs"
    study.write_text(small_toml)
    breadth("run", study, "--runs", tmp_path / "whole")
    command = [sys.executable, "-m", "breadth", "run", str(study), "--runs", str(runs)]
    other = subprocess.Popen([*apart, *command], stderr=subprocess.DEVNULL)
    while True:  # stopped in the middle of a run, and then killed
        time.sleep(0.05)
        for pid in workers_of(runs):
            os.kill(pid, signal.SIGSTOP)
        claims = [path for path in runs.glob("*/claim-*") if path.read_text() and not (path.parent / "record.json").exists()]
        if claims:
            break
        for pid in workers_of(runs):
            os.kill(pid, signal.SIGCONT)
    other.kill()
    other.wait()
    since = time.monotonic()
    breadth("run", study, "--runs", runs)
    assert time.monotonic() - since > STALE_AFTER
    assert findings(study, runs, tmp_path / "b") == findings(study, tmp_path / "whole", tmp_path / "a")
