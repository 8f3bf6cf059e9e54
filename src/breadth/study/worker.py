"""A worker process of the local engine: takes runs as JSON lines on standard input, tells on standard output how far it is.

Started as ``python -m breadth.study.worker RUNS DATA_ROOT DEVICE``. When its parent is gone, however it ended, standard input closes and
the worker ends at once: files are written so that this loses nothing.
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
from pathlib import Path
from typing import Any

from breadth.errors import BreadthError
from breadth.study.plan import RunSpec
from breadth.study.store import Store

__all__ = ["main"]


def _read_lines(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line)
    os._exit(0)


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


def main(root: str, data_root: str, device: str) -> None:
    """Work until standard input closes. One message a line: {"kind": "progress" | "done" | "failed" | "crashed", "content": ...}."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    # Whatever else prints, a library in C included, must not look like a message.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_lines, args=(lines,), daemon=True).start()
    from breadth.study.run import execute  # here, so that the thread above already watches the parent while torch loads

    store = Store(root, device=device)
    last = 0.0

    def say(kind: str, content: Any) -> None:
        print(json.dumps({"kind": kind, "content": content}), file=answers, flush=True)

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.25:
            last = time.monotonic()
            say("progress", done / max(total, 1))

    while True:
        run = RunSpec(**json.loads(lines.get()))
        last = 0.0
        try:
            execute(run, store, Path(data_root), device=device, report=report)
            say("done", "")
        except BreadthError as error:
            say("failed", str(error))
        except Exception as error:
            reason = _reason(error)
            if reason:
                say("failed", f"run {run.run_id} ({run.label}): {reason}; put this right and run the study again")
                continue
            say("crashed", traceback.format_exc())


if __name__ == "__main__":
    main(*sys.argv[1:])
