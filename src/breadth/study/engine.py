"""Where runs execute: a pool of single-threaded worker processes that die with their parent and leave nothing half done.

The unit of work is one run, idempotent and resumable; a worker writes only into its run's folder, so the pool holds no state that matters.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from breadth.errors import BreadthError, StoreError
from breadth.study.plan import RunSpec
from breadth.study.store import Store

__all__ = ["Progress", "run_all"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Progress:
    """How far the whole is: runs done of total, fraction of the estimated work, seconds left (nan at first), what runs now."""

    done: int
    total: int
    fraction: float
    seconds_left: float
    running: tuple[str, ...]


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _work(connection: Connection, root: Path, data_root: Path, device: str) -> None:
    """Body of a worker process: take runs from the connection until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with_parent, daemon=True).start()
    from breadth.study.run import execute  # here, so that planning never loads torch

    store = Store(root)
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.25:
            last = time.monotonic()
            connection.send(("progress", done / max(total, 1)))

    while True:
        try:
            run: RunSpec = connection.recv()
        except EOFError:
            return
        last = 0.0
        try:
            execute(run, store, data_root, device=device, report=report)
            connection.send(("done", ""))
        except BreadthError as error:
            connection.send(("failed", str(error)))
        except Exception:
            connection.send(("crashed", traceback.format_exc()))


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    run: RunSpec | None = None
    fraction: float = 0.0


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Workers inherit these variables and read them before they load numpy or torch."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start(count: int, store: Store, data_root: Path, device: str) -> list[_Worker]:
    context = multiprocessing.get_context("spawn")
    workers = []
    with _one_thread_each():
        for _ in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, store.root, data_root, device), daemon=True)
            process.start()
            theirs.close()
            workers.append(_Worker(process, ours))
    return workers


class _Meter:
    """Turns estimated seconds into a fraction and, once a little work is done, into seconds left."""

    def __init__(self, runs: Sequence[RunSpec]) -> None:
        self.runs = runs
        self.total = sum(r.seconds for r in runs) or 1.0
        self.started = time.monotonic()

    def read(self, finished: set[str], workers: Sequence[_Worker]) -> Progress:
        work = sum(r.seconds for r in self.runs if r.run_id in finished)
        work += sum(w.run.seconds * w.fraction for w in workers if w.run)
        elapsed = time.monotonic() - self.started
        left = elapsed * (self.total - work) / work if work > 0.005 * self.total and elapsed > 3 else float("nan")
        done = sum(r.run_id in finished for r in self.runs)
        return Progress(
            done, len(self.runs), work / self.total, left, tuple(f"{w.run.kind} {w.run.label}" for w in workers if w.run)
        )


def run_all(
    runs: Sequence[RunSpec],
    store: Store,
    data_root: Path,
    *,
    workers: int = 1,
    device: str = "cpu",
    report: Callable[[Progress], None] | None = None,
) -> int:
    """Execute every run that has no record yet, needs first, and return how many were executed.

    Killing this process at any instant loses at most the work since a run's last checkpoint; the same call goes on from there.
    Raises the first run's BreadthError; StoreError with the worker's traceback where a run crashed.
    """
    missing = [r for r in runs if not store.is_done(r)]
    if not missing:
        return 0
    meter = _Meter(missing)
    finished = {r.run_id for r in runs if store.is_done(r)}
    # Longest first, so that no long run is left alone at the end.
    waiting = sorted(missing, key=lambda r: -r.seconds)
    pool = _start(min(workers, len(missing)), store, data_root, device)
    try:
        while waiting or any(w.run for w in pool):
            _hand_out(waiting, pool, finished, store)
            if not any(w.run for w in pool):
                raise StoreError(f"{waiting[0].run_id} needs runs that the plan does not hold: {', '.join(waiting[0].needs)}")
            _listen(pool, finished)
            if report:
                report(meter.read(finished, pool))
    finally:
        for w in pool:
            w.process.terminate()
        for w in pool:
            w.process.join()
            w.connection.close()
    return len(missing)


def _hand_out(waiting: list[RunSpec], pool: list[_Worker], finished: set[str], store: Store) -> None:
    for w in pool:
        if w.run is None:
            ready = next((r for r in waiting if finished.issuperset(r.needs)), None)
            if ready is None:
                return
            waiting.remove(ready)
            store.begin(ready)
            w.run, w.fraction = ready, 0.0
            w.connection.send(ready)


def _listen(pool: list[_Worker], finished: set[str]) -> None:
    """Take every message that is there; wait at most a second for the first."""
    for connection in wait([w.connection for w in pool if w.run], timeout=1.0):
        w = next(w for w in pool if w.connection is connection)
        assert w.run is not None
        try:
            kind, content = w.connection.recv()
        except EOFError:
            raise StoreError(
                f"the worker of {w.run.run_id} ({w.run.label}) died, perhaps for want of memory; run the study again"
            ) from None
        if kind == "progress":
            w.fraction = content
        elif kind == "done":
            finished.add(w.run.run_id)
            w.run, w.fraction = None, 0.0
        elif kind == "failed":
            raise BreadthError(content)
        else:
            raise StoreError(
                f"run {w.run.run_id} ({w.run.label}) crashed; this is a fault of breadth, please report it:\n{content}"
            )
