"""What was fixed before the first run: the whole study and its verdict rules, written down with their hash, and compared afterwards."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from breadth.study.finding import AuditRow
from breadth.study.rule import VerdictRule
from breadth.study.spec import Study
from breadth.study.store import Store, write_json_once
from breadth.study.tables import Metric
from breadth.study.text_checks import unit_of

__all__ = ["fix", "fixed_hash", "fixed_row", "verdict_rule"]


def verdict_rule(study: Study, metric: Metric) -> VerdictRule:
    """The rule of a study for one metric: accuracy is hoped to rise with diversity, loss to fall."""
    h = study.hypothesis
    direction: Literal["up", "down"] = "up" if metric == "accuracy" else "down"
    outcome = metric if study.text is None else f"{metric} ({unit_of(h.condition)})"
    return VerdictRule(outcome, getattr(h.smallest_effect, metric), h.alpha, direction)


def _content(study: Study) -> dict[str, Any]:
    rules = {metric: verdict_rule(study, metric).text() for metric in study.metrics}
    return {"study": json.loads(json.dumps(study.fixed())), "rules": rules}


def fixed_hash(study: Study) -> str:
    """SHA-256 of the canonical JSON of everything that must stand before the first run."""
    return hashlib.sha256(json.dumps(_content(study), sort_keys=True).encode()).hexdigest()


def _path(study: Study, store: Store) -> Path:
    return store.root / f"{study.name}.fixed.json"


def fix(study: Study, store: Store) -> None:
    """Write down what is fixed, once: an older writing is never replaced."""
    path = _path(study, store)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json_once(path, {"sha256": fixed_hash(study), **_content(study)})


def _differences(before: Any, now: Any, key: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for k in sorted({*before, *now}):
            yield from _differences(before.get(k), now.get(k), f"{key}.{k}" if key else k)
    elif before != now:
        yield key


def fixed_row(study: Study, store: Store) -> AuditRow:
    """One row of the audit: whether the study is still what was fixed before the first run. A change is a violation.

    To change a study and be believed, begin anew in another folder of runs: runs that stay the same can be copied there.
    """
    path = _path(study, store)
    name = "fixed before the first run"
    if not path.exists():
        return AuditRow(name, "unknown", "nothing was run yet")
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return AuditRow(name, "differs", f"{path.name} is damaged, so what was fixed is not known", True)
    changed = list(_differences({k: written.get(k) for k in ("study", "rules")}, _content(study)))
    if changed:
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        return AuditRow(name, "differs", f"changed after the first run: {', '.join(changed[:4])}{more}", True)
    return AuditRow(name, "equal", f"hypothesis, controls, design and rule, sha256 {written['sha256'][:16]}")
