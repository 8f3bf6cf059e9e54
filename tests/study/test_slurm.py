"""The SLURM engine, on a SLURM that is played by processes of this machine."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from breadth.errors import BreadthError, SpecError, StoreError
from breadth.study.engine import run_all
from breadth.study.engines import slurm
from breadth.study.engines.slurm import SlurmEngine, slurm_options
from breadth.study.plan import RunSpec
from breadth.study.store import Store

FAKE = Path(__file__).with_name("fake_slurm.py")


def breadth(*arguments, check=True):
    return subprocess.run([sys.executable, "-m", "breadth", *map(str, arguments)], check=check, capture_output=True, text=True)


def refused(function, *arguments):
    with pytest.raises(SpecError) as e:
        function(*arguments)
    return str(e.value)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("30", 30),
        ("0:30", 1),
        ("90:01", 91),
        ("2:00:00", 120),
        ("1:00:01", 61),
        ("1-0", 1440),
        ("1-2:30", 1590),
        ("2-0:0:30", 2881),
    ],
)
def test_time_limits_are_read_as_slurm_reads_them(text, minutes):
    assert slurm_options([f"time={text}"]) == {"time": str(minutes)}


def test_options_that_cannot_be_used_are_one_line():
    assert refused(slurm_options, ["partition"]) == "--slurm 'partition' given; expected KEY=VALUE, for example partition=gpu"
    assert refused(slurm_options, ["partition="]) == "--slurm 'partition=' given; expected KEY=VALUE, for example partition=gpu"
    assert refused(slurm_options, ["time=soon"]) == "--slurm time=soon given; expected minutes, H:M:S or D-H:M:S"
    assert refused(slurm_options, ["time=0"]) == "--slurm time=0 given; expected a limit above 0, for example time=4:00:00"
    assert refused(slurm_options, ["gpus=a"]) == "--slurm gpus=a given; expected a whole number"
    assert refused(slurm_options, ["partiton=x"]) == (
        "unknown key of --slurm 'partiton'; expected one of: account, comment, constraint, cpus, exclude, gpus, gres, mem, nodelist, "
        "partition, qos, reservation, time; did you mean 'partition'?"
    )


def test_without_submitit_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    assert refused(SlurmEngine("s"), None, Path(".")) == (
        "engine 'slurm' given; submitit is not installed: pip install \"breadth[slurm]\""
    )


def test_options_of_slurm_go_with_slurm(tmp_path, small_toml):
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    done = breadth("run", study, "--slurm", "partition=x", check=False)
    assert done.returncode == 2
    assert done.stderr == "breadth: --slurm given with --engine local; it goes with --engine slurm: leave one of them out\n"


def submitit():
    return pytest.importorskip("submitit", reason="submitit is not installed: pip install 'breadth[slurm]'")


def test_where_there_is_no_slurm_one_line_says_so(tmp_path, monkeypatch):
    submitit()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(SlurmEngine("s"), None, Path(".")) == (
        "engine 'slurm' given; there is no sbatch on this machine: run this on a login node of the cluster"
    )


def test_a_dry_run_prints_the_script_and_submits_nothing(tmp_path, small_toml):
    submitit()
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    options = ["--slurm", "partition=short", "--slurm", "time=2:00:00", "--slurm", "mem=4G", "--workers", "3"]
    said = breadth("run", study, "--runs", tmp_path / "runs", "--engine", "slurm", *options, "--dry-run").stdout.splitlines()
    assert said[0].startswith("# small: ")
    for line in (
        "array=0-2%3",
        "partition=short",
        "time=120",
        "mem=4G",
        "cpus-per-task=1",
        "job-name=breadth-small",
        "ntasks-per-node=1",
    ):
        assert f"#SBATCH --{line}" in said
    assert not [line for line in said if "gpus" in line]
    assert not (tmp_path / "runs").exists()


def test_a_task_has_a_gpu_where_networks_run_on_one(tmp_path):
    submitit()
    script = SlurmEngine("s").script(Store(tmp_path), 1, device="cuda").splitlines()
    assert "#SBATCH --gpus-per-node=1" in script
    assert not [line for line in script if "--array" in line]


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """Folder of the state of a SLURM that is first on PATH."""
    submitit()
    commands, state = tmp_path / "bin", tmp_path / "state"
    commands.mkdir()
    state.mkdir()
    for name in ("sbatch", "srun", "squeue", "scontrol"):
        (commands / name).write_text(f"#!{sys.executable}\n{FAKE.read_text()}".replace("__file__", repr(str(FAKE))))
        (commands / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(state))
    yield state
    ended()


def ended():
    """Wait until no task of the array lives: the last records stand a moment before their tasks end."""
    deadline = time.monotonic() + 60
    while slurm._is_queued("7") and time.monotonic() < deadline:
        time.sleep(0.05)


def line_probes(count):
    return [RunSpec("probe", f"line {i}", {"kind": "line", "filters": 4, "weights": "random", "seed": i}) for i in range(count)]


def engine(said, **options):
    return SlurmEngine("lines", options, said.append, ask=0.5)


def test_an_array_does_every_run_once(tmp_path, cluster):
    runs, said = line_probes(6), []
    done = run_all(runs, Store(tmp_path / "runs"), Path("."), engine=engine(said), workers=2)
    assert done == 6
    assert said == ["submitted SLURM job 7, 2 tasks; Ctrl-C stops waiting, scancel 7 the job"]
    for run in runs:
        Store(tmp_path / "runs").check(run)
    ended()
    assert list((tmp_path / "runs").glob("*/claim-*")) == []


def test_what_sbatch_refuses_is_one_line(tmp_path, cluster):
    with pytest.raises(SpecError) as e:
        run_all(line_probes(2), Store(tmp_path / "runs"), Path("."), engine=engine([], partition="closed"))
    assert str(e.value).startswith("engine 'slurm' given; sbatch refused the job: ")
    assert str(e.value).endswith("sbatch: error: invalid partition specified: closed")
    assert "\n" not in str(e.value)


def test_a_run_that_fails_in_a_task_is_one_line_here(tmp_path, cluster):
    run = RunSpec("baseline", "b", {"name": "pixels", "evaluation": {}})
    with pytest.raises(BreadthError, match=r"^run baseline-[0-9a-f]{16} \(b\) crashed; this is a fault of breadth"):
        run_all([run], Store(tmp_path / "runs"), Path("."), engine=engine([]))


def test_a_job_that_vanished_is_one_line(tmp_path, cluster, monkeypatch):
    """Cancelled before it began, for example."""
    (tmp_path / "bin" / "srun").write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(StoreError) as e:
        run_all(line_probes(1), Store(tmp_path / "runs"), Path("."), engine=engine([]))
    folder = tmp_path / "runs" / ".slurm"
    assert str(e.value) == f"SLURM job 7 ended before all runs were done; its logs are {folder}/7_*; run the study again"


def submitted_only(runs, tmp_path, monkeypatch, said):
    """Submit an array and stop waiting for it at once."""

    def interrupt(self, *arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(SlurmEngine, "_wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_all(runs, Store(tmp_path / "runs"), Path("."), engine=engine(said), workers=2)


def test_a_job_that_is_in_the_queue_is_waited_for_and_not_submitted_again(tmp_path, cluster, monkeypatch):
    runs, said = line_probes(3), []
    submitted_only(runs, tmp_path, monkeypatch, said)
    run_all(runs, Store(tmp_path / "runs"), Path("."), engine=engine(said), workers=2)
    assert (cluster / "submitted").read_text() == "x"
    assert said[1] == "SLURM job 7 of this study is in the queue; waiting for it"
    assert all(Store(tmp_path / "runs").is_done(r) for r in runs)


def test_a_queued_job_of_another_study_of_this_name_is_not_waited_for(tmp_path, cluster, monkeypatch):
    other, mine, said = line_probes(3), line_probes(2), []
    submitted_only(other, tmp_path, monkeypatch, said)
    run_all(mine, Store(tmp_path / "runs"), Path("."), engine=engine(said), workers=2)
    assert (cluster / "submitted").read_text() == "xx"


@pytest.mark.parametrize(
    ("output", "complaint", "code", "queued"),
    [
        ("7_[0-3] cpu breadth", "", 0, True),
        ("", "", 0, False),
        ("", "slurm_load_jobs error: Invalid job id specified", 1, False),
        ("", "slurm_load_jobs error: Unable to contact slurm controller", 1, True),
    ],
)
def test_a_queue_that_cannot_be_asked_is_not_an_empty_queue(monkeypatch, output, complaint, code, queued):
    answer = subprocess.CompletedProcess([], code, output, complaint)
    monkeypatch.setattr(slurm.subprocess, "run", lambda *a, **k: answer)
    assert slurm._is_queued("7_0") is queued


def task_at_work(runs):
    """Process id of a task whose worker is in the middle of a run; None where there is none just now."""
    for path in runs.glob("*/claim-*"):
        try:
            worker = json.loads(path.read_text())["pid"]
            return int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
    return None


@pytest.mark.slow
def test_a_task_that_slurm_stops_goes_back_into_the_queue_and_on_to_the_same_findings(tmp_path, cluster, small_toml):
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    breadth("run", study, "--runs", tmp_path / "local")
    command = ["run", study, "--runs", tmp_path / "runs", "--engine", "slurm", "--workers", "2"]
    watched = subprocess.Popen([sys.executable, "-m", "breadth", *map(str, command)])
    while (stopped := task_at_work(tmp_path / "runs")) is None:
        time.sleep(0.01)
    os.kill(stopped, signal.SIGUSR2)
    assert watched.wait() == 0
    logs = "".join(p.read_text() for p in (tmp_path / "runs" / ".slurm").glob("*_log.*"))
    assert "Requeued job 7_" in logs
    findings = []
    for runs in ("local", "runs"):
        breadth("report", study, "--runs", tmp_path / runs, "--out", tmp_path / f"out-{runs}")
        findings.append((tmp_path / f"out-{runs}" / "findings.json").read_bytes())
    assert findings[0] == findings[1]
