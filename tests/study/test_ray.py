"""The Ray engine: the same findings as the local one, a node lost on the way; everything that may be wrong with Ray in one line."""

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest

from breadth.errors import SpecError, StoreError
from breadth.study.engines.agenda import Outcome
from breadth.study.engines.ray import LOSSES, RayEngine, _attempt, _must_answer, _outcome
from breadth.study.plan import RunSpec
from breadth.version import __version__

# A busy machine: Ray's own processes take their time.
SLOW_START = {"RAY_raylet_start_wait_time_s": "240", "RAY_USAGE_STATS_ENABLED": "0"}


def breadth(*arguments, check=True):
    return subprocess.run([sys.executable, "-m", "breadth", *map(str, arguments)], check=check, capture_output=True, text=True)


def findings(study, runs, out):
    breadth("report", study, "--runs", runs, "--out", out)
    return (out / "findings.json").read_bytes()


def test_without_ray_one_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SpecError) as e:
        RayEngine()(None, Path("."))
    assert str(e.value) == "engine 'ray' given; Ray is not installed: pip install \"breadth[ray]\""


@pytest.mark.parametrize("address", ["head", "head:", ":6379", "head:port", "ray://head"])
def test_an_address_that_is_none_is_one_line(address):
    with pytest.raises(SpecError) as e:
        _must_answer(address, 1.0)
    assert str(e.value) == f"--ray-address '{address}' given; expected HOST:PORT, ray://HOST:PORT or auto"


def test_a_cluster_that_does_not_answer_is_one_line():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    with pytest.raises(SpecError) as e:
        _must_answer(f"ray://127.0.0.1:{port}", 5.0)
    assert str(e.value) == (
        f"--ray-address 'ray://127.0.0.1:{port}' given; nothing answers there (Connection refused): see 'ray status' on the head node"
    )


def line_probe():
    return RunSpec("probe", "line", {"kind": "line", "filters": 4, "weights": "random", "seed": 0})


def task(root, **changes):
    given = {"number": 1, "mark": str(root / "mark"), "data_root": ".", "device": "cpu", "version": __version__, **changes}
    run = line_probe()
    return _attempt({"kind": run.kind, "label": run.label, "body": run.body, "needs": [], "seconds": 1.0}, **given)


def test_a_task_executes_its_run(tmp_path):
    (tmp_path / "mark").touch()
    assert task(tmp_path) == {"kind": "done", "content": ""}
    assert (tmp_path / line_probe().run_id / "record.json").is_file()


def test_a_node_that_does_not_see_the_folder_is_named(tmp_path):
    assert task(tmp_path) == {
        "kind": "failed",
        "content": f"node {socket.gethostname()} does not see {tmp_path} as it is where the study was started; "
        "give --runs a folder that all nodes share",
    }
    assert list(tmp_path.iterdir()) == []


def test_a_node_with_another_version_is_named(tmp_path):
    (tmp_path / "mark").touch()
    assert task(tmp_path, version="0.0") == {
        "kind": "failed",
        "content": f"node {socket.gethostname()} has breadth {__version__}, the one that started the study 0.0; "
        "install the same on all nodes",
    }


RayError = type("RayError", (Exception,), {})
LOST = ("WorkerCrashedError", "NodeDiedError", "LocalRayletDiedError", "ObjectLostError", "OutOfMemoryError")


class StandIn:
    """As much of Ray as ``_outcome`` sees: what a task ended with."""

    exceptions = SimpleNamespace(RayError=RayError, **{name: type(name, (RayError,), {}) for name in LOST})

    def __init__(self, end):
        self.end = end

    def get(self, ref):
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


def test_a_lost_run_is_looked_at_again_until_it_was_lost_too_often():
    ray, run, losses = StandIn(StandIn.exceptions.NodeDiedError("the node\nis gone")), line_probe(), Counter()
    assert [_outcome(ray, None, run, losses) for _ in range(LOSSES - 1)] == [Outcome("taken")] * (LOSSES - 1)
    with pytest.raises(StoreError) as e:
        _outcome(ray, None, run, losses)
    assert str(e.value) == (
        f"run {run.run_id} (line) lost its node or process 3 times, perhaps for want of memory (the node is gone); run the study again"
    )


def test_what_ray_itself_could_not_do_is_one_line():
    run = line_probe()
    ray = StandIn(StandIn.exceptions.RayError("Traceback\n  x\nModuleNotFoundError: No module named 'breadth'"))
    with pytest.raises(StoreError) as e:
        _outcome(ray, None, run, Counter())
    assert str(e.value) == (
        f"Ray could not execute run {run.run_id} (line): ModuleNotFoundError: No module named 'breadth'; "
        "install breadth with the same versions on all nodes"
    )


def test_options_of_ray_go_with_ray(tmp_path, small_toml):
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    refused = breadth("run", study, "--ray-address", "auto", check=False)
    assert refused.returncode == 2
    assert refused.stderr == "breadth: --ray-address given with --engine local; it goes with --engine ray: leave one of them out\n"


# Two nodes of one core each; when told to, removes the second in the middle of a run and says which run that was.
CLUSTER = """
import json, sys, time
from pathlib import Path
from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
raylet = second.all_processes["raylet"][0].process.pid
print(cluster.address, flush=True)
runs = Path(sys.stdin.readline().strip())

def parent(pid):
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0

def at_work_there():
    for path in runs.glob("*/claim-*"):
        try:
            pid = json.loads(path.read_text())["pid"]
        except (OSError, ValueError):
            continue
        if parent(pid) == raylet:
            return path.parent.name

while not (run := at_work_there()):
    time.sleep(0.002)
cluster.remove_node(second, allow_graceful=False)
print(run, flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


@pytest.mark.slow
def test_a_cluster_that_loses_a_node_gives_the_findings_of_the_local_engine(tmp_path, small_toml):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'breadth[ray]'")
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    breadth("run", study, "--runs", tmp_path / "local")
    with subprocess.Popen(
        [sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **SLOW_START}
    ) as cluster:
        address = cluster.stdout.readline().strip()
        cluster.stdin.write(f"{tmp_path / 'ray'}\n")
        cluster.stdin.flush()
        said = json.loads(
            breadth("run", study, "--runs", tmp_path / "ray", "--engine", "ray", "--ray-address", address, "--json").stdout
        )
        lost = cluster.stdout.readline().strip()
        cluster.communicate("\n")
    assert (tmp_path / "ray" / lost / "record.json").is_file()
    assert said["executed"] == said["runs"] == len(list((tmp_path / "ray").glob("*/record.json")))
    assert list((tmp_path / "ray").glob("*/claim-*")) == []
    assert list((tmp_path / "ray").glob(".ray-*")) == []
    assert findings(study, tmp_path / "ray", tmp_path / "b") == findings(study, tmp_path / "local", tmp_path / "a")


@pytest.mark.slow
def test_a_cluster_of_its_own_killed_and_resumed_gives_the_same_findings(tmp_path, small_toml):
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'breadth[ray]'")
    study = tmp_path / "small.toml"
    study.write_text(small_toml)
    breadth("run", study, "--runs", tmp_path / "local")
    command = ["run", study, "--runs", tmp_path / "ray", "--engine", "ray", "--ray-start-timeout", "240"]
    first = subprocess.Popen([sys.executable, "-m", "breadth", *map(str, command)], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "ray").glob("*/claim-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    first.kill()
    first.wait()
    breadth(*command)
    assert findings(study, tmp_path / "ray", tmp_path / "b") == findings(study, tmp_path / "local", tmp_path / "a")
