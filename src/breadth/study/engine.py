"""Where runs execute: an engine is a function that works through an agenda; all of them give the same records.

The unit of work is one run, idempotent and resumable, and claimed by the process that does it; so an engine holds no state that matters, and
engines of any kind may work in one folder at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from breadth.study.engines.agenda import Agenda, Progress, Report
from breadth.study.engines.local import local
from breadth.study.plan import RunSpec
from breadth.study.store import Store

__all__ = ["Engine", "Progress", "run_all"]


class Engine(Protocol):
    """Executes an agenda: returns when every run of it has its record, raises the first run's BreadthError.

    workers: how many runs at once, None for what suits the place. Stopped at any instant, by Ctrl-C or by a kill, it leaves a folder from
    which the next call goes on.
    """

    def __call__(self, agenda: Agenda, data_root: Path, *, workers: int | None, device: str) -> None: ...


def run_all(
    runs: Sequence[RunSpec],
    store: Store,
    data_root: Path,
    *,
    engine: Engine = local,
    workers: int | None = 1,
    device: str = "cpu",
    report: Report | None = None,
) -> int:
    """Execute every run that has no record yet, needs first, and return how many were executed here (others may work in the same folder).

    Killing this process at any instant loses at most the work since a run's last checkpoint; the same call goes on from there.
    Raises the first run's BreadthError; StoreError where a run that is done is damaged, or with the worker's traceback where one crashed.
    """
    agenda = Agenda(runs, store, report)
    for r in runs:
        if r.run_id in agenda.finished:
            store.check(r)
    if agenda.missing:
        store.root.mkdir(parents=True, exist_ok=True)  # a place that cannot be a folder is refused once, not by every run
        engine(agenda, data_root, workers=workers, device=device)
    return agenda.executed
