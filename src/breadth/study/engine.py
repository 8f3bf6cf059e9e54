"""Where runs execute: a pool of single-threaded worker processes that die with their parent and leave nothing half done.

The unit of work is one run, idempotent and resumable; a worker writes only into its run's folder, so the pool holds no state that matters.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from breadth.errors import BreadthError, StoreError
from breadth.study.plan import RunSpec
from breadth.study.store import Store

__all__ = ["Progress", "run_all"]

# Read by numpy and torch when they load: one run, one core.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Progress:
    """How far the whole is: runs done of total, fraction of the estimated work, seconds left (nan at first), what runs now."""

    done: int
    total: int
    fraction: float
    seconds_left: float
    running: tuple[str, ...]


class _Worker:
    """One worker process, the run it has, and how far it is with it."""

    def __init__(self, store: Store, data_root: Path, device: str) -> None:
        command = [sys.executable, "-m", "breadth.study.worker", str(store.root), str(data_root), device]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **ONE_THREAD})
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.heard = b""
        self.run: RunSpec | None = None
        self.fraction = 0.0

    def take(self, run: RunSpec) -> None:
        self.run, self.fraction = run, 0.0
        try:
            self.stdin.write(json.dumps(asdict(run)).encode() + b"\n")
            self.stdin.flush()
        except BrokenPipeError:  # it died since its last answer
            raise self._death() from None

    def listen(self) -> str | None:
        """Read what is there and return the id of the run that it says is done, if so."""
        # Not through a buffered reader: lines that such a reader holds back would not wake the selector again.
        received = os.read(self.stdout.fileno(), 1 << 16)
        *lines, self.heard = (self.heard + received).split(b"\n")
        if not received:
            raise self._death()
        done = [self._understand(json.loads(line)) for line in lines]
        return next((run_id for run_id in done if run_id), None)

    def _death(self) -> StoreError:
        return StoreError(f"the worker of {self.name} died, perhaps for want of memory; run the study again")

    @property
    def name(self) -> str:
        return f"{self.run.run_id} ({self.run.label})" if self.run else "no run"

    def _understand(self, message: dict[str, Any]) -> str | None:
        kind, content = message["kind"], message["content"]
        if kind == "progress":
            self.fraction = float(content)
            return None
        if kind == "done" and self.run is not None:
            done, self.run, self.fraction = self.run.run_id, None, 0.0
            return done
        if kind == "failed":
            raise BreadthError(content)
        raise StoreError(f"run {self.name} crashed; this is a fault of breadth, please report it:\n{content}")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):  # what a dead worker has not read
            self.stdin.close()
        self.stdout.close()


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
    Raises the first run's BreadthError; StoreError where a run that is done is damaged, or with the worker's traceback where one crashed.
    """
    missing = [r for r in runs if not store.is_done(r)]
    for r in runs:
        if store.is_done(r):
            store.check(r)
    if not missing:
        return 0
    meter = _Meter(missing)
    finished = {r.run_id for r in runs if store.is_done(r)}
    # Probes first, for what is wrong with one should be known soon; then the longest, so that none is left alone at the end.
    waiting = sorted(missing, key=lambda r: (r.kind != "probe", -r.seconds))
    pool: list[_Worker] = []
    try:
        pool += [_Worker(store, data_root, device) for _ in range(min(workers, len(missing)))]
        with selectors.DefaultSelector() as selector:
            for w in pool:
                selector.register(w.stdout, selectors.EVENT_READ, w)
            while waiting or any(w.run for w in pool):
                _hand_out(waiting, pool, finished, store)
                for key, _ in selector.select(timeout=1.0):
                    done = key.data.listen()
                    if done:
                        finished.add(done)
                if report:
                    report(meter.read(finished, pool))
    finally:
        for w in pool:
            w.stop()
    return len(missing)


def _hand_out(waiting: list[RunSpec], pool: list[_Worker], finished: set[str], store: Store) -> None:
    for w in pool:
        if w.run is None:
            ready = next((r for r in waiting if finished.issuperset(r.needs)), None)
            if ready is None:
                break
            waiting.remove(ready)
            store.begin(ready)
            w.take(ready)
    if not any(w.run for w in pool):
        raise StoreError(f"{waiting[0].run_id} needs runs that the plan does not hold: {', '.join(waiting[0].needs)}")
