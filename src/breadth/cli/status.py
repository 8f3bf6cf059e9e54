"""``breadth status``: how far a study is, and who works on it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from breadth.cli.options import AsJson, DataRoot, Runs, StudyFile, duration, print_json, study_from
from breadth.study.engines.claim import current
from breadth.study.plan import plan_study
from breadth.study.store import Store

__all__ = ["status"]


def status(study: StudyFile, runs: Runs = Path("runs"), data_root: DataRoot = None, as_json: AsJson = False) -> None:
    """Say how far a study is: runs done, claimed (someone works on them), begun and missing, by kind; and who has which run.

    Ages are as the clocks of the machines have them. A claim whose last heartbeat is older than two minutes is about to be taken over
    by whoever works in the folder.

    \b
    Example:
      breadth status studies/quickstart.toml
    """
    plan = plan_study(study_from(study, data_root))
    store = Store(runs)
    counts: dict[str, Counter[str]] = {}
    claims = []
    for r in plan.runs:
        folder = store.folder(r)
        state = "done" if store.is_done(r) else "begun" if folder.is_dir() else "missing"
        seen = current(folder) if state == "begun" else None
        if seen and not seen.is_over():
            state = "claimed"
            claims.append((r, seen))
        counts.setdefault(r.kind, Counter())[state] += 1
    now = time.time()
    if as_json:
        owners = [
            {"run": r.run_id, "label": r.label, "host": s.claim.host, "pid": s.claim.pid, "seconds": _age(now, s.claim.since),
             "heartbeat": _age(now, s.beat / 1e9)}
            for r, s in claims
        ]  # fmt: skip
        print_json({"study": plan.study.name, "runs": {kind: dict(c) for kind, c in counts.items()}, "claims": owners})
        return
    print(f"{plan.study.name}: {sum(c['done'] for c in counts.values())} of {len(plan.runs)} runs done")
    widest = max(map(len, counts), default=0)
    for kind, c in counts.items():
        print(f"  {kind:{widest}} {c['done']:4} done  {c['claimed']:4} claimed  {c['begun']:4} begun  {c['missing']:4} missing")
    for r, s in claims:
        since, beat = duration(_age(now, s.claim.since)), duration(_age(now, s.beat / 1e9))
        print(f"  {r.run_id} ({r.label}): {s.claim.host}, process {s.claim.pid}, for {since}; last heartbeat {beat} ago")


def _age(now: float, then: float) -> float:
    """Whole seconds; 0 where the other clock is ahead."""
    return float(round(max(now - then, 0)))
