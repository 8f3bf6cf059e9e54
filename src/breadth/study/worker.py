"""A worker: claims a run, executes it and says how that ended; alone in a process of the local engine, or inside another engine's process.

As a process it takes runs as JSON lines on standard input and tells on standard output how far it is, started as
``python -m breadth.study.worker RUNS DATA_ROOT DEVICE``. When its parent is gone, however it ended, standard input closes and the worker
ends at once: files are written so that this loses nothing.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from breadth.errors import BreadthError
from breadth.study.engines.agenda import Outcome, Ticket, name_of
from breadth.study.engines.claim import ClaimLost, Held, take
from breadth.study.plan import RunSpec
from breadth.study.speed import Speed
from breadth.study.store import Store

__all__ = ["Worker", "main"]


def _reason(error: Exception) -> str | None:
    """Say in a few words what the machine lacked, where that is why a run stopped; None for a fault of this package."""
    said = " ".join(str(error).split())
    if isinstance(error, MemoryError) or "allocate memory" in said or "out of memory" in said:
        return f"not enough memory ({said[:120]})" if said else "not enough memory"
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename is not None else error.strerror or said
    # Tensors are written by a library that has its own class for every error of the system.
    system = re.search(r'Os \{ code: \d+, .*message: "([^"]*)"', said)
    return system[1] if system else None


class Worker:
    """Attempts one run after another in one folder of runs."""

    def __init__(self, root: Path, data_root: Path, device: str) -> None:
        self.data_root, self.device = data_root, device
        self._held: Held | None = None
        self.store = Store(root, device=device, before_record=self._confirm)

    def _confirm(self) -> None:
        assert self._held is not None
        self._held.confirm()

    def attempt(self, ticket: Ticket, report: Callable[[int, int], None]) -> Outcome:
        """Claim a run and, where nobody else has it or has done it, execute it. Raises nothing that a run may raise."""
        try:
            return Outcome(self._attempt(ticket, report))
        except ClaimLost:
            return Outcome("taken")
        except BreadthError as error:
            return Outcome("failed", str(error))
        except Exception as error:
            reason = _reason(error)
            if reason is None:
                return Outcome("crashed", traceback.format_exc())
            return Outcome("failed", f"run {name_of(ticket.run)}: {reason}; put this right and run the study again")

    def _attempt(self, ticket: Ticket, report: Callable[[int, int], None]) -> Literal["done", "taken"]:
        from breadth.study.run import execute  # here and before the claim, for it loads torch, which takes seconds

        run = ticket.run
        held = take(self.store.folder(run), ticket.number)
        if held is None:
            return "taken"
        self._held = held

        def still_held(done: int, total: int) -> None:
            held.still_held()
            report(done, total)

        try:
            if held.is_done():
                return "taken"
            self.store.begin(run)
            execute(run, self.store, self.data_root, device=self.device, report=still_held)
            return "done"
        finally:
            if self.store.is_done(run):
                held.remove()
            else:
                held.give_back()


def _read_lines(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


def main(root: str, data_root: str, device: str) -> None:
    """Work until standard input closes. One message a line: an Outcome, or {"kind": "progress", "fraction": ..., "rate": ...}."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # so is what SLURM sends to a whole job before its time is over
    # Whatever else prints, a library in C included, must not look like a message.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    # Before torch loads, so that the parent is watched from the start.
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    worker = Worker(Path(root), Path(data_root), device)
    last, speed = 0.0, Speed()

    def say(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=answers, flush=True)

    def report(done: int, total: int) -> None:
        nonlocal last
        speed.note(done)
        if time.monotonic() - last > 0.25:
            last = time.monotonic()
            say({"kind": "progress", "fraction": done / max(total, 1), "rate": speed.rate})

    while True:
        asked = json.loads(lines.get())
        last, speed = 0.0, Speed()
        say(asdict(worker.attempt(Ticket(RunSpec(**asked["run"]), asked["number"]), report)))


if __name__ == "__main__":
    main(*sys.argv[1:])
