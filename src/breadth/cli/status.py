"""``breadth status``: how far a study is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from breadth.cli.options import AsJson, DataRoot, Runs, StudyFile, print_json, study_from
from breadth.study.plan import plan_study
from breadth.study.store import Store

__all__ = ["status"]


def status(study: StudyFile, runs: Runs = Path("runs"), data_root: DataRoot = None, as_json: AsJson = False) -> None:
    """Say how far a study is: runs done, begun and missing, by kind.

    \b
    Example:
      breadth status studies/quickstart.toml
    """
    plan = plan_study(study_from(study, data_root))
    store = Store(runs)
    counts: dict[str, Counter[str]] = {}
    for r in plan.runs:
        state = "done" if store.is_done(r) else "begun" if store.folder(r).is_dir() else "missing"
        counts.setdefault(r.kind, Counter())[state] += 1
    if as_json:
        print_json({"study": plan.study.name, "runs": {kind: dict(c) for kind, c in counts.items()}})
        return
    print(f"{plan.study.name}: {sum(c['done'] for c in counts.values())} of {len(plan.runs)} runs done")
    for kind, c in counts.items():
        print(f"  {kind:9} {c['done']:4} done  {c['begun']:4} begun  {c['missing']:4} missing")
