"""The Ray engine (extra ``ray``): every run is one task of a Ray cluster, an existing one or one started for the call.

This package must be installed in the same version on every node, and the folder of runs and the data must lie where all nodes see them;
both are checked by the first task that runs on a node. Ray is not asked to retry: a run whose node or process was lost is handed out again
like any other run, that is, as soon as its claim is over.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from breadth.errors import SpecError, StoreError
from breadth.study.engines.agenda import Agenda, AtWork, Outcome, Ticket, name_of
from breadth.study.engines.local import ONE_THREAD, default_workers
from breadth.study.plan import RunSpec
from breadth.study.worker import Worker
from breadth.version import __version__

__all__ = ["RayEngine"]

# So often may a run lose its node or process before it is held to be the cause.
LOSSES = 3


def _load(start_timeout: float) -> Any:
    # Read when the library loads: how long its own processes may take to start on a busy machine.
    os.environ.setdefault("RAY_raylet_start_wait_time_s", str(round(start_timeout)))
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise SpecError("engine 'ray' given; Ray is not installed: pip install \"breadth[ray]\"") from None
    return ray


def _must_answer(address: str, seconds: float) -> None:
    """Raise SpecError where nothing listens at host:port; Ray itself would try for minutes and print what it tries."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdigit():
        raise SpecError(f"--ray-address '{address}' given; expected HOST:PORT, ray://HOST:PORT or auto")
    try:
        socket.create_connection((host, int(port)), timeout=seconds).close()
    except OSError as error:
        raise SpecError(
            f"--ray-address '{address}' given; nothing answers there ({error.strerror or error}): see 'ray status' on the head node"
        ) from None


@functools.cache
def _worker(root: str, data_root: str, device: str) -> Worker:
    return Worker(Path(root), Path(data_root), device)


def _attempt(run: dict[str, Any], number: int, mark: str, data_root: str, device: str, version: str) -> dict[str, Any]:
    """What a task does on its node; plain values in and out, so that nothing of ours is shipped."""
    root, node = Path(mark).parent, socket.gethostname()
    if version != __version__:
        said = f"node {node} has breadth {__version__}, the one that started the study {version}; install the same on all nodes"
    elif not Path(mark).exists():
        said = f"node {node} does not see {root} as it is where the study was started; give --runs a folder that all nodes share"
    else:
        return asdict(_worker(str(root), data_root, device).attempt(Ticket(RunSpec(**run), number), lambda done, total: None))
    return asdict(Outcome("failed", said))


@contextlib.contextmanager
def _mark(root: Path) -> Iterator[Path]:
    """A file by which tasks know that they see the same folder."""
    root.mkdir(parents=True, exist_ok=True)
    path = root.resolve() / f".ray-{secrets.token_hex(8)}"
    path.touch()
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@dataclass(frozen=True)
class RayEngine:
    """address: HOST:PORT, ray://HOST:PORT or auto for a cluster that runs; None starts one on this machine for the call.

    start_timeout: seconds that Ray's own processes may take to start, or the cluster to answer.
    """

    address: str | None = None
    start_timeout: float = 90.0

    def __call__(self, agenda: Agenda, data_root: Path, *, workers: int | None = None, device: str = "cpu") -> None:
        """Execute the agenda on the cluster; runs at once: ``workers``, or as many as it has cores (GPUs on cuda) at the time."""
        ray = _load(self.start_timeout)
        # Ray tells of lost nodes on standard output, which belongs to the result of a command.
        with contextlib.redirect_stdout(sys.stderr):
            self._connect(ray, workers, device)
            try:
                with _mark(agenda.store.root) as mark:
                    self._work(ray, agenda, mark, data_root.resolve(), workers, device)
            finally:
                ray.shutdown()

    def _connect(self, ray: Any, workers: int | None, device: str) -> None:
        options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False, "runtime_env": {"env_vars": ONE_THREAD}}
        if self.address is None:
            cores = max(workers or 0, default_workers("cpu"))
            options |= {"address": "local", "num_cpus": cores, "include_dashboard": False}
        else:
            if self.address != "auto":
                _must_answer(self.address, min(self.start_timeout, 10.0))
            options["address"] = self.address
        try:
            ray.init(**options)
        except Exception as error:  # Ray has no one class for what may be wrong with a cluster
            ray.shutdown()
            what = f"the cluster at '{self.address}'" if self.address else "a cluster on this machine"
            said = " ".join(str(error).split())[:200]
            raise SpecError(
                f"engine 'ray' given; {what} did not start or answer ({said}); look at it, or raise --ray-start-timeout"
            ) from None
        if device == "cuda" and not ray.cluster_resources().get("GPU"):
            ray.shutdown()
            raise SpecError("device 'cuda' given; the Ray cluster has no GPU: add a node that has one, or use --device cpu")

    def _work(self, ray: Any, agenda: Agenda, mark: Path, data_root: Path, workers: int | None, device: str) -> None:
        unit = "GPU" if device == "cuda" else "CPU"
        task = ray.remote(num_cpus=1, num_gpus=int(device == "cuda"), max_retries=0)(_attempt)
        at_work: dict[Any, RunSpec] = {}
        losses: Counter[str] = Counter()
        while True:
            limit = workers or max(int(ray.cluster_resources().get(unit, 0)), 1)
            while len(at_work) < limit and (ticket := agenda.next()):
                spec = asdict(ticket.run)
                ref = task.remote(spec, ticket.number, str(mark), str(data_root), device, __version__)
                at_work[ref] = ticket.run
            if not at_work and not agenda.waiting:
                return
            if not at_work:  # others have what is left
                time.sleep(0.5)
            for ref in ray.wait(list(at_work), timeout=0.5)[0] if at_work else ():
                run = at_work.pop(ref)
                agenda.settle(run, _outcome(ray, ref, run, losses))
            agenda.tell([AtWork(run) for run in at_work.values()], () if at_work else agenda.claimed())


def _outcome(ray: Any, ref: Any, run: RunSpec, losses: Counter[str]) -> Outcome:
    e = ray.exceptions
    try:
        return Outcome(**ray.get(ref))
    except (e.WorkerCrashedError, e.NodeDiedError, e.LocalRayletDiedError, e.ObjectLostError, e.OutOfMemoryError) as error:
        losses[run.run_id] += 1
        if losses[run.run_id] >= LOSSES:
            said = " ".join(str(error).split())[:200]
            raise StoreError(
                f"run {name_of(run)} lost its node or process {LOSSES} times, perhaps for want of memory ({said}); run the study again"
            ) from None
        return Outcome("taken")  # by what is no more: looked at again until its claim is over
    except e.RayError as error:
        said = str(error).strip().splitlines()[-1][:200]
        raise StoreError(
            f"Ray could not execute run {name_of(run)}: {said}; install breadth with the same versions on all nodes"
        ) from None
