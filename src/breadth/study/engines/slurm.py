"""The SLURM engine (extra ``slurm``): one job array, submitted through submitit, each task of which works like ``breadth run`` would.

A task is the local engine on its node: it takes whatever run may be taken, until none is left. So needs are respected, nothing is done
twice, no task has a share of its own that could be lost, and a task that SLURM stops and puts back into the queue just goes on.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from breadth.errors import BreadthError, SpecError, StoreError, unknown_name
from breadth.study.engine import run_all
from breadth.study.engines.agenda import Agenda
from breadth.study.plan import RunSpec
from breadth.study.store import Store, write_json

__all__ = ["SlurmEngine", "slurm_options"]

# Tasks of an array, unless --workers says otherwise; SLURM starts as many at once as there is room for.
TASKS = 16
# So often may a task reach its time limit and go back into the queue.
TIMEOUTS = 100
# Seconds between two looks at the records, and at SLURM's queue, which many users share.
LOOK, ASK = 2.0, 30.0

_PLAIN = ("account", "comment", "constraint", "exclude", "gres", "mem", "nodelist", "partition", "qos", "reservation")
_NUMBERS = ("cpus", "gpus", "time")


def _minutes(text: str) -> int:
    """Minutes of a time limit in SLURM's own notations: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S; rounded up."""
    found = re.fullmatch(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?", text)
    if not found:
        raise SpecError(f"--slurm time={text} given; expected minutes, H:M:S or D-H:M:S")
    days, *parts = (int(x) if x is not None else None for x in found.groups())
    a, b, c = parts
    if days is not None or c is not None:
        seconds = (days or 0) * 86400 + (a or 0) * 3600 + (b or 0) * 60 + (c or 0)
    else:
        seconds = (a or 0) * 60 + (b or 0)
    if seconds == 0:  # no limit at all, to SLURM; but a task must know when to give its runs back
        raise SpecError(f"--slurm time={text} given; expected a limit above 0, for example time=4:00:00")
    return -(-seconds // 60)


def slurm_options(given: list[str]) -> dict[str, str]:
    """Return KEY=VALUE options as a dict. Raises SpecError for an unknown key, a missing value or a number that is none."""
    options = {}
    for item in given:
        key, equals, value = item.partition("=")
        if not equals or not value:
            raise SpecError(f"--slurm '{item}' given; expected KEY=VALUE, for example partition=gpu")
        if key not in (*_PLAIN, *_NUMBERS):
            raise SpecError(unknown_name("key of --slurm", key, (*_PLAIN, *_NUMBERS)))
        if key == "time":
            value = str(_minutes(value))
        elif key in _NUMBERS and not value.isdigit():
            raise SpecError(f"--slurm {item} given; expected a whole number")
        options[key] = value
    return options


@dataclass(frozen=True)
class _Task:
    """What each task of the array calls; pickled by submitit."""

    runs: tuple[RunSpec, ...]
    root: Path
    data_root: Path
    workers: int
    device: str

    def __call__(self) -> str:
        """Return an empty string, or what went wrong."""
        try:
            run_all(self.runs, Store(self.root), self.data_root, workers=self.workers, device=self.device)
        except BreadthError as error:
            return str(error)
        return ""

    def checkpoint(self) -> Any:
        """Called by submitit when SLURM is about to stop the task: the same again."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


def _submitit() -> Any:
    try:
        import submitit
        import submitit.slurm.slurm
    except ImportError:
        raise SpecError("engine 'slurm' given; submitit is not installed: pip install \"breadth[slurm]\"") from None
    return submitit


@dataclass(frozen=True)
class SlurmEngine:
    """name: of the study, and of its jobs; options: those of ``slurm_options``; say: shows one line to the person who waits."""

    name: str
    options: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = lambda line: None
    ask: float = ASK

    def tasks(self, missing: int, workers: int | None) -> int:
        """Number of tasks of the array: never more than there are runs to do."""
        return max(min(workers or TASKS, missing), 1)

    def _parameters(self, device: str) -> dict[str, Any]:
        """Parameters as submitit names them; what it does not know goes to sbatch as it is."""
        o = self.options
        gpus = int(o.get("gpus", device == "cuda"))
        return {
            "job_name": f"breadth-{self.name}",
            "time": int(o.get("time", 60)),
            "nodes": 1,
            "ntasks_per_node": 1,
            "cpus_per_task": int(o.get("cpus", max(gpus, 1))),
            **({"gpus_per_node": gpus} if gpus else {}),
            "additional_parameters": {k: o[k] for k in _PLAIN if k in o},
        }

    def _folder(self, store: Store) -> Path:
        return store.root.resolve() / ".slurm"

    def _state(self, agenda: Agenda) -> Path:
        """Where the jobs of these runs are noted: another study of the same name, or this one changed, has other runs."""
        runs = hashlib.sha256(" ".join(sorted(run.run_id for run in agenda.runs)).encode()).hexdigest()
        return self._folder(agenda.store) / f"{self.name}-{runs[:12]}.json"

    def script(self, store: Store, missing: int, *, workers: int | None = None, device: str = "cpu") -> str:
        """Return the text that would be given to sbatch."""
        slurm = _submitit().slurm.slurm
        folder = self._folder(store)
        command = f"python -u -m submitit.core._submit {folder}"
        count = self.tasks(missing, workers)
        parameters = self._parameters(device) | ({"map_count": count} if count > 1 else {})
        return str(slurm._make_sbatch_string(command=command, folder=folder, **parameters))

    def __call__(self, agenda: Agenda, data_root: Path, *, workers: int | None = None, device: str = "cpu") -> None:
        """Submit the array, unless one of this study is still in the queue, and wait until every run has its record.

        Interrupted, this stops waiting; the jobs go on.
        """
        submitit = _submitit()
        for command in ("sbatch", "squeue", "srun"):
            if shutil.which(command) is None:
                raise SpecError(
                    f"engine 'slurm' given; there is no {command} on this machine: run this on a login node of the cluster"
                )
        state = self._state(agenda)
        jobs = _known(state)
        if jobs and _is_queued(jobs[0]):
            self.say(f"SLURM job {_array(jobs[0])} of this study is in the queue; waiting for it")
        else:
            jobs = self._submit(submitit, agenda, data_root, workers, device)
            write_json(state, {"jobs": jobs})
            self.say(
                f"submitted SLURM job {_array(jobs[0])}, {len(jobs)} tasks; Ctrl-C stops waiting, scancel {_array(jobs[0])} the job"
            )
        self._wait(submitit, agenda, jobs)
        state.unlink(missing_ok=True)

    def _submit(self, submitit: Any, agenda: Agenda, data_root: Path, workers: int | None, device: str) -> list[str]:
        parameters = self._parameters(device)
        inside = parameters.get("gpus_per_node", 1) if device == "cuda" else parameters["cpus_per_task"]
        # All runs, for needs that are done must be known as such.
        runs = tuple(agenda.runs)
        task = _Task(runs, agenda.store.root.resolve(), data_root.resolve(), inside, device)
        folder = self._folder(agenda.store)
        folder.mkdir(parents=True, exist_ok=True)
        executor = submitit.SlurmExecutor(folder, max_num_timeout=TIMEOUTS)
        executor.update_parameters(**parameters)
        try:
            submitted = executor.submit_array([task] * self.tasks(len(agenda.missing), workers))
        except submitit.core.utils.FailedJobError as error:  # what sbatch said
            said = " ".join(str(error).split())[-300:]
            raise SpecError(f"engine 'slurm' given; sbatch refused the job: {said}") from None
        return [job.job_id for job in submitted]

    def _wait(self, submitit: Any, agenda: Agenda, jobs: list[str]) -> None:
        asked = time.monotonic()
        while True:
            agenda.executed += agenda.sweep()
            agenda.tell((), agenda.claimed())
            if not agenda.waiting:
                return
            if time.monotonic() - asked > self.ask:
                asked = time.monotonic()
                if not _is_queued(jobs[0]) and not _all_done(agenda):
                    raise self._failure(submitit, agenda, jobs)
            time.sleep(min(LOOK, self.ask))

    def _failure(self, submitit: Any, agenda: Agenda, jobs: list[str]) -> BreadthError:
        """What a task of an array that is over said, or where to look."""
        folder = self._folder(agenda.store)
        for job_id in jobs:
            job = submitit.SlurmJob(folder, job_id)
            if job.paths.result_pickle.is_file() and job.exception() is None and job.result():
                return BreadthError(job.result())
        return StoreError(
            f"SLURM job {_array(jobs[0])} ended before all runs were done; its logs are {folder}/{_array(jobs[0])}_*; run the study again"
        )


def _all_done(agenda: Agenda) -> bool:
    """A last look, for the last task may have ended between the look at the records and that at the queue."""
    agenda.executed += agenda.sweep()
    return not agenda.waiting


def _array(job: str) -> str:
    return job.partition("_")[0]


def _known(state: Path) -> list[str]:
    try:
        return [str(job) for job in json.loads(state.read_text(encoding="utf-8"))["jobs"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _is_queued(job: str) -> bool:
    """Whether any task of an array waits or runs. Where SLURM cannot be asked just now, yes: it is asked again."""
    asked = subprocess.run(["squeue", "--noheader", "--jobs", _array(job)], capture_output=True, text=True, check=False)
    return bool(asked.stdout.strip()) or (asked.returncode != 0 and "Invalid job id" not in asked.stderr)
