"""The local engine: a pool of single-threaded worker processes that die with their parent and leave nothing half done.

One worker a core, or one a GPU, unless told otherwise. A worker writes only into the folder of the run that it has, so the pool
holds no state that matters.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from breadth.errors import StoreError
from breadth.study.engines.agenda import Agenda, AtWork, Outcome, Ticket, name_of
from breadth.study.engines.claim import give_back
from breadth.study.store import Store

__all__ = ["ONE_THREAD", "default_workers", "local"]

# Read by numpy and torch when they load: one run, one core.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def _gpus() -> list[str]:
    """Names of the GPUs that this process may use, as CUDA_VISIBLE_DEVICES wants them."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [name for name in given.split(",") if name]
    if shutil.which("nvidia-smi") is None:
        return []
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    count = sum(line.startswith("GPU ") for line in listed.stdout.splitlines())
    return [str(i) for i in range(count)]


def default_workers(device: str) -> int:
    """Return how many workers this machine is for: one a GPU on ``cuda``, else one a core that this process may use."""
    if device == "cuda":
        return max(len(_gpus()), 1)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class _Worker:
    """One worker process, the run it has, and how far it is with it."""

    def __init__(self, store: Store, data_root: Path, device: str, gpu: str | None = None) -> None:
        self.store = store
        command = [sys.executable, "-m", "breadth.study.worker", str(store.root), str(data_root), device]
        pipe = subprocess.PIPE
        env = {**os.environ, **ONE_THREAD} | ({} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu})
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=env)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout
        self.heard = b""
        self.ticket: Ticket | None = None
        self.fraction = 0.0
        self.rate: float | None = None

    def take(self, ticket: Ticket) -> None:
        self.ticket, self.fraction, self.rate = ticket, 0.0, None
        try:
            self.stdin.write(json.dumps({"run": asdict(ticket.run), "number": ticket.number}).encode() + b"\n")
            self.stdin.flush()
        except BrokenPipeError:  # it died since its last answer
            raise self._death() from None

    def listen(self) -> Outcome | None:
        """Read what is there and return how the run ended, if it has."""
        # Not through a buffered reader: lines that such a reader holds back would not wake the selector again.
        received = os.read(self.stdout.fileno(), 1 << 16)
        *lines, self.heard = (self.heard + received).split(b"\n")
        if not received:
            raise self._death()
        ends = [self._understand(json.loads(line)) for line in lines]
        return next((outcome for outcome in ends if outcome), None)

    def _death(self) -> StoreError:
        name = name_of(self.ticket.run) if self.ticket else "no run"
        return StoreError(f"the worker of {name} died, perhaps for want of memory; run the study again")

    def _understand(self, message: dict[str, Any]) -> Outcome | None:
        if message["kind"] == "progress":
            self.fraction, self.rate = message["fraction"], message["rate"]
            return None
        return Outcome(**message)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
        with contextlib.suppress(BrokenPipeError):  # what a dead worker has not read
            self.stdin.close()
        self.stdout.close()
        if self.ticket:  # other machines need not wait until its claim is stale
            give_back(self.store.folder(self.ticket.run), self.ticket.number, self.process.pid)


def local(agenda: Agenda, data_root: Path, *, workers: int | None = None, device: str = "cpu") -> None:
    """Execute the agenda on this machine, together with whoever else works in its folder."""
    gpus = _gpus() if device == "cuda" else []
    count = min(workers or default_workers(device), len(agenda.missing))
    pool: list[_Worker] = []
    try:
        for i in range(count):
            pool.append(_Worker(agenda.store, data_root, device, gpus[i % len(gpus)] if gpus else None))
        with selectors.DefaultSelector() as selector:
            for w in pool:
                selector.register(w.stdout, selectors.EVENT_READ, w)
            while _hand_out(agenda, pool) or agenda.waiting:
                for key, _ in selector.select(timeout=0.5):
                    _settle(agenda, key.data)
                agenda.tell([AtWork(w.ticket.run, w.fraction, w.rate) for w in pool if w.ticket], _others(agenda, pool))
    finally:
        for w in pool:
            w.stop()


def _others(agenda: Agenda, pool: list[_Worker]) -> tuple[str, ...]:
    """What others do, where this pool has nothing to do but wait for them."""
    return () if any(w.ticket for w in pool) else agenda.claimed()


def _settle(agenda: Agenda, worker: _Worker) -> None:
    outcome = worker.listen()
    if outcome and worker.ticket:
        ticket, worker.ticket = worker.ticket, None
        agenda.settle(ticket.run, outcome)


def _hand_out(agenda: Agenda, pool: list[_Worker]) -> bool:
    """Give every idle worker a run, as long as there are any; return whether any worker has one."""
    for w in pool:
        if w.ticket is None:
            ticket = agenda.next()
            if ticket is None:
                break
            w.take(ticket)
    return any(w.ticket for w in pool)
