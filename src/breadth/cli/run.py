"""``breadth run``: train, measure and evaluate whatever a study still lacks."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from breadth.cli.options import (
    AsJson,
    DataRoot,
    Device,
    Runs,
    StudyFile,
    duration,
    print_json,
    progress_bar,
    study_from,
    usable_cores,
)
from breadth.study.engine import Progress, run_all
from breadth.study.feasible import check_feasible
from breadth.study.fixed import fix
from breadth.study.plan import plan_study
from breadth.study.store import Store

__all__ = ["run"]


def run(
    study: StudyFile,
    runs: Runs = Path("runs"),
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Worker processes; default: one per core.")] = None,
    data_root: DataRoot = None,
    device: Device = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would run and how long it may take, and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train, measure and evaluate whatever the study still lacks.

    Stopped at any instant (Ctrl-C, kill, power), the same command goes on from there to the same result.

    \b
    Examples:
      breadth run studies/quickstart.toml
      breadth run studies/vision.toml --data-root ~/packs --dry-run
    """
    plan = plan_study(study_from(study, data_root))
    check_feasible(plan)
    store = Store(runs)
    count = workers or usable_cores()
    missing = [r for r in plan.runs if not store.is_done(r)]
    seconds = sum(r.seconds for r in missing) / count
    kinds = Counter(r.kind for r in missing)
    summary = {
        "study": plan.study.name,
        "runs": len(plan.runs),
        "missing": len(missing),
        "by_kind": dict(kinds),
        "workers": count,
        "estimated_seconds": round(seconds),
    }
    if dry_run:
        if as_json:
            print_json(summary)
        else:
            listing = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "nothing"
            print(
                f"{plan.study.name}: {len(missing)} of {len(plan.runs)} runs to do ({listing}); about {duration(seconds)} on {count} cores"
            )
        return
    with progress_bar(plan.study.name, quiet=as_json) as show:

        def on_progress(p: Progress) -> None:
            show(p.fraction, p.seconds_left, f"{p.done}/{p.total} runs; " + ", ".join(p.running))

        fix(plan.study, store)
        done = run_all(plan.runs, store, Path(plan.study.data_root), workers=count, device=device, report=on_progress)
    if as_json:
        print_json({**summary, "executed": done})
    else:
        print(f"{plan.study.name}: all {len(plan.runs)} runs done ({done} now)", file=sys.stderr)
