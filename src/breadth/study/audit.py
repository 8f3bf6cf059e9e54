"""What every audit is made of: how the values of a control are spread over arms, and who made the runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Literal

from breadth.study.finding import AuditRow
from breadth.study.plan import Plan, RunSpec
from breadth.study.provenance import Arm
from breadth.study.store import Store

__all__ = ["Status", "by_learner", "made_by", "settings_of", "spread"]

Status = Literal["equal", "differs", "unknown"]
_WORST_LAST: tuple[Status, ...] = ("equal", "unknown", "differs")


def spread(values: Mapping[str, Hashable], unit: str = "arms") -> tuple[Status, str]:
    """Status and detail of one control from its value in each arm, or other ``unit`` (None: unknown)."""
    if any(v is None for v in values.values()):
        missing = [arm for arm, v in values.items() if v is None]
        return "unknown", f"not known for {len(missing)} of {len(values)} {unit}, for example {missing[0]}"
    groups: dict[Hashable, list[str]] = {}
    for arm, v in values.items():
        groups.setdefault(v, []).append(arm)
    if len(groups) == 1:
        return "equal", str(next(iter(groups)))
    shown = "; ".join(
        f"{v} ({len(arms)} {unit if len(arms) > 1 else unit.removesuffix('s')}, for example {arms[0]})"
        for v, arms in list(groups.items())[:4]
    )
    return "differs", shown + (f"; and {len(groups) - 4} more values" if len(groups) > 4 else "")


def by_learner(
    plan: Plan, value: Callable[[RunSpec], Hashable | None], imported: Callable[[Arm], Hashable | None]
) -> tuple[Status, str]:
    """A control that learners set differently (an optimiser, a budget) must be equal within each learner.

    value: of an arm that was trained here; imported: of a checkpoint.
    """
    details: list[str] = []
    worst: Status = "equal"
    for learner in plan.study.learner:
        values = {
            plan.arm_name(arm): imported(arm) if arm in plan.checkpoints else value(run)
            for arm, run in plan.scores.items()
            if arm[1] == learner.name
        }
        status, detail = spread(values)
        details.append(f"{learner.name}: {detail}")
        worst = max(worst, status, key=_WORST_LAST.index)
    return worst, ("over the arms of each learner. " if len(details) > 1 else "") + "; ".join(details)


def settings_of(run: RunSpec, keys: tuple[str, ...]) -> str:
    learner = run.body["learner"]
    return ", ".join(f"{k} {learner[k]}" for k in keys if k in learner)


def made_by(plan: Plan, store: Store) -> AuditRow:
    """Versions and machine of all runs that are done; numbers of different ones agree only roughly."""
    made = {f"{r.kind} {r.label} ({r.run_id})": store.made_by(r) for r in plan.runs if store.is_done(r)}
    said = {name: ", ".join(f"{k} {v}" for k, v in found.items()) or None for name, found in made.items()}
    return AuditRow("software and machine", *(spread(said, "runs") if said else ("unknown", "nothing was run yet")))
