"""Options that several verbs share, and how a plan or a progress is shown in a terminal."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from breadth.errors import SpecError
from breadth.study.spec import Study
from breadth.study.toml import read_study

__all__ = [
    "AsJson",
    "DataRoot",
    "Runs",
    "StudyFile",
    "bytes_of",
    "duration",
    "print_json",
    "progress_bar",
    "study_from",
    "usable_cores",
]

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}

StudyFile = Annotated[Path, typer.Argument(help="The study's TOML file.", metavar="STUDY")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder of the run folders.")]
DataRoot = Annotated[
    Path | None,
    typer.Option(
        "--data-root", envvar="BREADTH_DATA", help="Folder that relative data paths start from; overrides the study's data_root."
    ),
]
Device = Annotated[Literal["cpu", "cuda"], typer.Option("--device", help="Where networks run.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def study_from(path: Path, data_root: Path | None) -> Study:
    """Read a study, with its data root replaced where one is given."""
    study = read_study(path)
    return study if data_root is None else study.model_copy(update={"data_root": str(data_root.resolve())})


def bytes_of(option: str, text: str, example: str) -> int:
    """Return the bytes of a size such as 800M or 1.5G (powers of 1024). Raises SpecError naming ``option`` and an ``example``."""
    number, unit = text.strip().upper().removesuffix("B"), ""
    if number and number[-1] in UNITS:
        number, unit = number[:-1], number[-1]
    try:
        found = int(float(number) * UNITS[unit])
    except (ValueError, OverflowError):
        found = 0
    if found < 1:
        raise SpecError(f"{option} is '{text}'; expected a size such as {example}")
    return found


def usable_cores() -> int:
    """Number of cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def print_json(value: Any) -> None:
    """Print a value as indented JSON; nan becomes null."""
    print(json.dumps(json.loads(json.dumps(value), parse_constant=lambda _: None), indent=1))


def duration(seconds: float) -> str:
    """Seconds as a person says them: "40 s", "12 min", "3 h 20 min"; "?" where unknown."""
    if math.isnan(seconds):
        return "?"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def progress_bar(what: str, *, quiet: bool) -> Iterator[Callable[[float, float, str], None]]:
    """Yield show(fraction, seconds left, now): a bar in a terminal, a line every half minute elsewhere, nothing where quiet."""
    if quiet:
        yield lambda fraction, left, now: None
        return
    if not sys.stderr.isatty():
        last = time.monotonic()

        def line(fraction: float, left: float, now: str) -> None:
            nonlocal last
            if time.monotonic() - last > 30:
                last = time.monotonic()
                print(f"{what}: {fraction:.0%}, about {duration(left)} left ({now})", file=sys.stderr, flush=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        # Names of sources may hold brackets, which are no markup.
        TextColumn("{task.percentage:>3.0f} %  {task.fields[left]} left  {task.fields[now]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=1.0, left="?", now="")
        yield lambda fraction, left, now: bar.update(task, completed=fraction, left=duration(left), now=now[:50])
