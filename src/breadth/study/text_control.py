"""The audit of a study of text: what must be equal over all training sets, and what they share with the documents of the evaluation."""

from __future__ import annotations

import json
from typing import Any

from breadth.study.audit import Status, by_learner, made_by, settings_of, spread
from breadth.study.finding import AuditRow
from breadth.study.fixed import fixed_row
from breadth.study.plan import Plan, RunSpec
from breadth.study.store import Store

__all__ = ["audit_text"]

# Share of documents up to which a training set counts as disjoint from the evaluation: set phrases and quotations occur anywhere.
HIT_ALLOWED = 0.01
_SIZE, _OPTIMISER = ("n_embd", "n_layer", "n_head"), ("batch", "lr", "precision")


def _result(store: Store, run: RunSpec) -> dict[str, Any] | None:
    return store.result(run) if store.is_done(run) else None


def _never(_: object) -> None:
    """A study of text has no checkpoints."""


def _seen(store: Store, run: RunSpec) -> str | None:
    result = _result(store, run)
    return None if result is None else f"{result['cost']['tokens']:,} tokens"


def _stopping(store: Store, run: RunSpec) -> str | None:
    result = _result(store, run)
    return None if result is None else f"{settings_of(run, ('tokens',))}, ended by {result['stopped']}"


def _suite(run: RunSpec) -> str:
    e = run.body["evaluation"]
    parts = e["suite"]["parts"]
    digest = "".join(p["digest"][:6] for p in parts)[:12]
    names = "+".join(p["name"] for p in parts)
    return f"{e['documents']} documents, {e['bytes']:,} bytes at most, of each of {names} (data {digest}, seed {e['seed']})"


def _between(plan: Plan, store: Store) -> AuditRow:
    """What learners do not share by the study's choice; matters for their comparison, not within a learner."""
    said = {}
    for learner in plan.study.learner:
        run = next(run for arm, run in plan.scores.items() if arm[1] == learner.name)
        result = _result(store, run)
        size = "parameters unknown" if result is None else f"{result['parameters']:,} parameters"
        seeds = plan.seeds(learner.name)
        said[learner.name] = f"{size}, {settings_of(run, ('tokens', *_OPTIMISER))}, {seeds} seed{'s' if seeds > 1 else ''}"
    if len(said) < 2:
        return AuditRow("between learners", "equal", "one learner")
    unlike = len(set(said.values())) > 1
    return AuditRow("between learners", "differs" if unlike else "equal", "; ".join(f"{n}: {s}" for n, s in said.items()))


def _shares(found: dict[str, Any]) -> tuple[int, int]:
    """Documents that are copies or near copies, and those with a run of words from the training set beyond the allowance."""
    o = found["overlap"]
    copies, hit = len(o["near"]), len(o["hit"])
    allowed = HIT_ALLOWED * o["documents"]
    return copies if copies > allowed or o["exact"] else 0, hit if hit > allowed else 0


def _overlap(plan: Plan, store: Store, required: bool) -> list[AuditRow]:
    results = {name: r for name, run in plan.overlaps.items() if (r := _result(store, run)) is not None}
    if len(results) < len(plan.sets):
        said = f"audited for {len(results)} of {len(plan.sets)} training sets; run the study"
        return [AuditRow("overlap", "unknown", said), AuditRow("shared vocabulary", "unknown", said)]
    shared = {name: _shares(r) for name, r in results.items()}
    unfair = {name: s for name, s in shared.items() if s != (0, 0)}
    overlaps = [r["overlap"] for r in results.values()]
    if not unfair:
        most = max(len(o["hit"]) for o in overlaps)
        near = max(len(o["near"]) for o in overlaps)
        said = (
            f"no document of the evaluation is in a training set; in the worst arm {near} of {overlaps[0]['documents']} are near copies, and "
            f"{most} have a run of 13 words from it"
        )
        row = AuditRow("overlap", "equal", said)
    elif len(set(shared.values())) == 1:
        copies, hit = next(iter(shared.values()))
        row = AuditRow(
            "overlap", "equal", f"all arms share text with the evaluation alike ({copies} copies, {hit} by runs of 13 words)"
        )
    else:
        arm, (copies, hit) = max(unfair.items(), key=lambda item: sum(item[1]))
        said = f"unfair: {arm} shares {copies} copies and runs of 13 words with {hit} documents; {len(unfair)} of {len(shared)} arms share text"
        row = AuditRow("overlap", "differs", said, required)
    low, high = (f(o["jaccard"] for o in overlaps) for f in (min, max))
    low_seen, high_seen = (f(o["seen_share"] for o in overlaps) for f in (min, max))
    status: Status = "equal" if low == high else "differs"
    said = (
        f"different words of training set and evaluation, Jaccard index {low:.3f} to {high:.3f}; share of the words of the evaluation that a "
        f"training set has {low_seen:.3f} to {high_seen:.3f}"
    )
    return [row, AuditRow("shared vocabulary", status, said)]


def _probes(plan: Plan) -> AuditRow:
    """The plan refuses a probe that was trained on data of an arm or of the evaluation, by hash; so this says on what they were."""
    said = []
    for probe in plan.study.probe:
        run = next(r for r in plan.runs if r.kind == "text-probe" and r.label == probe.name)
        data = run.body["data"]
        names = [p["name"] for p in data["parts"]] + ([f"what comes with Python {data['python']}"] if "python" in data else [])
        said.append(f"{probe.name}: {' and '.join(names) if names else run.body['weights']}")
    return AuditRow("data of probes", "equal", f"outside all arms and the evaluation; {'; '.join(said)}")


def audit_text(plan: Plan, store: Store) -> tuple[AuditRow, ...]:
    """Return one row a control. Rows that need results say "unknown" until the runs are done; no row is a guess."""
    required = set(plan.study.controls.equal)

    def row(control: str, status: Status, detail: str) -> AuditRow:
        return AuditRow(control, status, detail, control in required and status == "differs")

    arms = {f"{s} {name} seed {seed}": run for (s, name, seed), run in plan.scores.items()}
    forms = {name: json.dumps(run.body["data"]["text"], sort_keys=True) for name, run in arms.items()}
    status, _ = spread(forms)
    form = next(iter(arms.values())).body["data"]["text"]
    said = (
        f"{form['tokeniser']}, {form['vocabulary']} tokens, sequences of {form['length']}, one for probe, training and evaluation"
    )
    rows = [
        fixed_row(plan.study, store),
        row("architecture", *by_learner(plan, lambda r: settings_of(r, _SIZE), _never)),
        row("optimiser", *by_learner(plan, lambda r: settings_of(r, _OPTIMISER), _never)),
        row("stopping", *by_learner(plan, lambda r: _stopping(store, r), _never)),
        row("tokens seen", *by_learner(plan, lambda r: _seen(store, r), _never)),
        row("training tokens", *spread({s.name: f"{sum(x.tokens or 0 for x in s.shares):,}, none twice" for s in plan.sets})),
        row("tokeniser", status, said),
        row("evaluation", *spread({name: _suite(run) for name, run in arms.items()})),
        *_overlap(plan, store, "overlap" in required),
        _probes(plan),
        _between(plan, store),
        made_by(plan, store),
        AuditRow("number of domains", *spread({s.name: s.level for s in plan.sets})),
    ]
    return tuple(rows)
