"""``breadth audit``: are the controls of a study equal over all arms, and does any arm share data with the evaluation suite?"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import typer

from breadth.cli.options import AsJson, DataRoot, Runs, StudyFile, print_json, progress_bar, study_from, usable_cores
from breadth.study.control import audit_study
from breadth.study.engine import run_all
from breadth.study.plan import plan_study
from breadth.study.store import Store
from breadth.study.text_checks import repeats_of_text

__all__ = ["audit"]


def audit(study: StudyFile, runs: Runs = Path("runs"), data_root: DataRoot = None, as_json: AsJson = False) -> None:
    """Check each control (equal, differs or unknown over all arms) and what training sets share with the evaluation suite.

    Can be run before anything is trained. Exit code 1 where a control that the study requires to be equal differs.

    \b
    Example:
      breadth audit studies/quickstart.toml
    """
    plan = plan_study(study_from(study, data_root))
    store = Store(runs)
    overlaps = tuple(plan.overlaps.values())
    if not all(store.is_done(r) for r in overlaps):
        with progress_bar("overlap", quiet=as_json) as show:
            run_all(
                overlaps,
                store,
                Path(plan.study.data_root),
                workers=usable_cores(),
                report=lambda p: show(p.fraction, p.seconds_left, f"{p.done}/{p.total}"),
            )
    rows = audit_study(plan, store)
    for repeated in repeats_of_text(plan.study):
        print(f"breadth: note: {repeated}", file=sys.stderr)
    violations = [r for r in rows if r.violation]
    unknown = [r for r in rows if r.status == "unknown" and r.control in plan.study.controls.equal]
    if as_json:
        print_json(
            {"study": plan.study.name, "rows": [asdict(r) for r in rows], "violations": len(violations), "unknown": len(unknown)}
        )
    else:
        for r in rows:
            print(f"{'VIOLATED' if r.violation else r.status:8}  {r.control}: {r.detail}")
        pending = not all(store.is_done(r) for r in plan.runs)
        print(f"{_count(len(violations), 'violation')}{_open(len(unknown), pending, bool(plan.checkpoints))}")
    if violations:
        raise typer.Exit(1)


def _open(unknown: int, pending: bool, checkpoints: bool) -> str:
    """What may still become of controls that are unknown: runs tell all of what is trained here, files a part of what was elsewhere."""
    if not unknown:
        return ""
    said = f", {_count(unknown, 'required control')} unknown"
    if not checkpoints:
        return f"{said} until the runs are done"
    known = "what is known of a training can be said in its [[checkpoint]] table"
    return f"{said}: {'the runs read the files, which tell some; ' if pending else 'no file tells; '}{known}"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
