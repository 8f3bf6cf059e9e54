"""The audit: for each control, whether it is equal over all arms, differs, or is unknown; and what the training sets share with the suite.

An arm is one training set under one learner. A control that the study requires to be equal and that differs is a violation. An arm that
was trained on data of the evaluation suite is unfair unless all arms were, equally.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from breadth.study.audit import Status, by_learner, made_by, settings_of, spread
from breadth.study.finding import AuditRow
from breadth.study.fixed import fixed_row
from breadth.study.plan import Plan, RunSpec
from breadth.study.provenance import Provenance
from breadth.study.readings import Counts, counts_of
from breadth.study.recipes import compared, twins
from breadth.study.store import Store
from breadth.study.text_control import audit_text

__all__ = ["NEAR_ALLOWED", "audit_study"]

OPTIMISER = (
    *("optimizer", "lr", "schedule", "batch", "meta_batch", "inner_lr", "steps", "order", "clip"),
    *("ways", "shots", "queries", "augmentation", "precision", "batch_norm"),
)
# Share of near-duplicates up to which two sets count as disjoint: perceptual hashes of unrelated small images collide now and then.
NEAR_ALLOWED = 0.01
# The same for equal single numbers (vectors of length 1): rounded to 32 bits, numbers of one range coincide now and then.
NUMBERS_ALLOWED = 0.005


def _between_learners(plan: Plan, store: Store, elsewhere: Provenance) -> AuditRow:
    """What PT and MAML do not share by their nature or by the study's choice; matters for their comparison, not within a learner."""
    seen: dict[str, dict[str, str]] = {}
    mixed = any(x.kind == "pretrain" and x.precision is not None for x in plan.study.learner)
    for learner in plan.study.learner:
        arm, run = next((arm, run) for arm, run in plan.scores.items() if arm[1] == learner.name)
        if arm in plan.checkpoints:
            said = {"images seen": elsewhere.images(arm) or "unknown", "learning rate": "unknown", "augmentation": "unknown"}
            said |= {"precision": "unknown"} if mixed else {}
            seen[learner.name] = {**said, "seeds": str(plan.seeds(learner.name))}
            continue
        settings = run.body["learner"]
        seen[learner.name] = {
            "images seen": _cost(store, run) or "unknown",
            "learning rate": f"{settings['lr']:g}",
            "augmentation": str(settings.get("augmentation", "none")),
            **({"precision": settings.get("precision", "float32")} if mixed else {}),
            "seeds": str(plan.seeds(learner.name)),
        }
    names = list(seen)
    if len(names) < 2:
        return AuditRow("between learners", "equal", "one learner")
    unlike = [k for k in seen[names[0]] if len({seen[n][k] for n in names}) > 1]
    unknown = [k for k in seen[names[0]] if any(seen[n][k] == "unknown" for n in names)]
    said_of = dict.fromkeys([*unlike, *(unknown if plan.checkpoints else ())])
    detail = "; ".join(f"{k}: " + ", ".join(f"{n} {seen[n][k]}" for n in names) for k in said_of)
    status: Status = "equal"
    if plan.checkpoints and unknown:
        status = "unknown"
    if any(k not in unknown for k in unlike) or (unlike and not plan.checkpoints):
        status = "differs"
    return AuditRow("between learners", status, detail or ", ".join(seen[names[0]]))


def _stopping(store: Store, run: RunSpec) -> str | None:
    """The stopping rule and what ended the training."""
    if not store.is_done(run):
        return None
    return f"{settings_of(run, ('stop', 'images', 'tasks'))}, ended by {store.result(run)['stopped']}"


def _cost(store: Store, run: RunSpec) -> str | None:
    if not store.is_done(run):
        return None
    cost = store.result(run)["cost"]
    return f"{cost['images']:,} images"


def _suite_name(run: RunSpec) -> str:
    e = run.body["evaluation"]
    names = "+".join(p["name"] for p in e["suite"]["parts"])
    digest = "".join(p["digest"][:6] for p in e["suite"]["parts"])
    return f"{e['episodes']} episodes {e['ways']}-way {e['shots']}-shot {e['queries']}-query of {names} (data {digest[:12]}, seed {e['seed']})"


def _shared(result: dict[str, Any]) -> tuple[int, int, bool]:
    """Exact and (beyond the allowance) near images that a training set shares with the suite, and whether it shares a source."""
    exact = sum(p["exact"] for p in result["pairs"])
    near = sum(p["near"] for p in result["pairs"])
    total = _size(result)
    same = any(p["same_source"] for p in result["pairs"])
    if _numbers(result) and exact <= NUMBERS_ALLOWED * total and not same:
        return 0, 0, False
    return exact, (near if near > NEAR_ALLOWED * total else 0), same


def _size(result: dict[str, Any]) -> int:
    """Images of a training set."""
    return sum({p["train"]: int(p["n_train"]) for p in result["pairs"]}.values())


def _numbers(result: dict[str, Any]) -> bool:
    """Whether a training set and its suite hold single numbers, not images."""
    return bool(result["pairs"]) and all(p.get("numbers", False) for p in result["pairs"])


def _overlap_rows(plan: Plan, store: Store, required: bool) -> list[AuditRow]:
    results = {name: store.result(run) for name, run in plan.overlaps.items() if store.is_done(run)}
    if len(results) < len(plan.overlaps) or not results:
        why = "run the study" if plan.overlaps else "their data are unknown"
        return [AuditRow("overlap", "unknown", f"audited for {len(results)} of {len(plan.sets)} training sets; {why}", False)]
    shared = {name: _shared(r) for name, r in results.items()}
    unfair = {name: s for name, s in shared.items() if s != (0, 0, False)}
    names = {name: sorted({n for p in r["pairs"] for n in p["names"]}) for name, r in results.items()}
    if not unfair:
        most, n = max((sum(p["near"] for p in r["pairs"]), _size(r)) for r in results.values())
        said = f"no training image is in the suite exactly; near duplicates: at most {most} of {n} images of an arm"
        row = AuditRow("overlap", "equal", said)
        if all(_numbers(r) for r in results.values()):
            most, n = max((sum(p["exact"] for p in r["pairs"]), r["pairs"][0]["n_train"]) for r in results.values())
            said = f"no source is shared; in the worst arm {most} of {n:,} training numbers equal one of the suite, as rounding makes them"
            row = AuditRow("overlap", "equal", said)
    elif len(set(shared.values())) == 1:
        exact, near, _ = next(iter(shared.values()))
        row = AuditRow("overlap", "equal", f"all arms share data with the suite alike ({exact} exact, {near} near images)")
    else:
        arm, (exact, near, same) = max(unfair.items(), key=lambda item: (item[1][2], item[1][0] + item[1][1]))
        what = "was trained on a set of the suite" if same else f"shares {exact} exact and {near} near images with the suite"
        row = AuditRow(
            "overlap",
            "differs",
            f"unfair: {arm} {what}; {len(unfair)} of {len(shared)} arms share data, "
            + ("not alike" if len(unfair) == len(shared) else "the others do not"),
            required,
        )
    unknown = len(plan.sets) - len(results)
    if unknown:
        more = f"{row.detail}; the data of {unknown} more training sets are unknown"
        row = AuditRow(row.control, "unknown" if row.status == "equal" else row.status, more, row.violation)
    with_names = {a: n for a, n in names.items() if n}
    status: Status = (
        "equal" if len(with_names) in (0, len(names)) and len({json.dumps(n) for n in names.values()}) == 1 else "differs"
    )
    example = next(iter(with_names.items()), None)
    detail = (
        "none"
        if example is None
        else f"{len(with_names)} of {len(names)} training sets, for example {example[0]}: {', '.join(example[1][:4])}"
    )
    return [row, AuditRow("class names in common with the suite", status, detail)]


def _per_class(counts: tuple[Counts, ...]) -> str:
    """Images of a class: each number that a domain has, a range where its classes differ."""
    each = sorted({(c.least, c.most) for c in counts})
    return "/".join(str(least) if least == most else f"{least} to {most}" for least, most in each)


def _protocol_of_x(plan: Plan) -> list[AuditRow]:
    """One row where a diversity value is published: whether all values of x come from one protocol, as far as that can be known."""
    given = {s.name: s.published for s in plan.sets if s.published is not None}
    if not given:
        return []
    name = "protocol of diversity"
    said = "; ".join(f"{arm} {p.value:g} ({p.source}; probe: {p.probe})" for arm, p in list(given.items())[:4])
    said += f"; and {len(given) - 4} more" if len(given) > 4 else ""
    bare = sum(p.low is None for p in given.values())
    said += f"; {bare} of {len(given)} without an interval, so they count as exact" if bare else ""
    if len(given) < len(plan.sets):
        return [
            AuditRow(
                name, "differs", f"published for {len(given)} of {len(plan.sets)} training sets, measured for the rest: {said}"
            )
        ]
    if len({p.probe for p in given.values()}) > 1:
        return [AuditRow(name, "differs", f"published for all training sets, through several probes: {said}")]
    return [AuditRow(name, "unknown", f"published for all training sets, how is known only from the sources: {said}")]


def _published_unions(plan: Plan, counts: Mapping[str, tuple[Counts, ...] | None]) -> list[AuditRow]:
    """One row where training sets are named after published unions: whether they have the published numbers of classes."""
    status: Status = "equal"
    found, asked = [], {r for s in plan.sets for r in s.recipes}
    if not asked:
        return []
    for s in plan.sets:
        c = counts[s.name]
        for r in s.recipes:
            if c is None:
                found.append(f"{s.name}: classes not known until it has run")
                status = "unknown" if status == "equal" else status
                continue
            unlike = compared(r, {share.domain: x.classes for share, x in zip(s.shares, c, strict=True)})
            if unlike:
                status = "differs"
            found.append(f"{s.name}: {unlike}" if unlike else f"{s.name}: classes as published for {r}")
    again = sorted({" = ".join(sorted({r, *(x for x in twins(r) if x in asked)})) for r in asked if set(twins(r)) & asked})
    found += [f"{pair}: the same union under two numbers" for pair in again]
    return [AuditRow("published unions", status, "; ".join(found))]


def audit_study(plan: Plan, store: Store) -> tuple[AuditRow, ...]:
    """Return one row a control. Rows that need results say "unknown" until the runs are done; no row is a guess."""
    if plan.study.text is not None:
        return audit_text(plan, store)
    required = set(plan.study.controls.equal)
    t = {s.name: s for s in plan.sets}
    counts = {name: counts_of(plan, store, s) for name, s in t.items()}

    def row(control: str, status: Status, detail: str) -> AuditRow:
        return AuditRow(control, status, detail, control in required and status == "differs")

    elsewhere = Provenance(plan, store)
    arch = {
        plan.arm_name(arm) if arm in plan.checkpoints else f"{arm[0]} {arm[1]}": elsewhere.architecture(arm)
        if arm in plan.checkpoints
        else _arch(run)
        for arm, run in plan.scores.items()
    }
    pixels = plan.study.images
    vectors = plan.study.architecture.kind == "mlp"
    form = (
        "vectors as they are"
        if vectors
        else f"{pixels.size} x {pixels.size} px, {pixels.channels} channel{'s' * (pixels.channels > 1)}"
    )
    shape, built = spread(arch)
    status, detail = by_learner(plan, lambda r: settings_of(r, OPTIMISER), elsewhere.optimiser)
    rows = [
        fixed_row(plan.study, store),
        row("architecture", shape, f"{built}{elsewhere.unread_words() if shape == 'unknown' else ''}"),
        row("optimiser", status, f"{detail}{elsewhere.unlike_words()}{elsewhere.unread_words() if status == 'unknown' else ''}"),
        row("stopping", *by_learner(plan, lambda r: _stopping(store, r), elsewhere.stopping)),
        row("images seen", *by_learner(plan, lambda r: _cost(store, r), elsewhere.images)),
        row("classes", *spread({n: c and sum(x.classes for x in c) for n, c in counts.items()})),
        row("images per class", *spread({n: c and _per_class(c) for n, c in counts.items()})),
        row(
            "pixels",
            *(
                elsewhere.pixels(form)
                if plan.checkpoints
                else ("equal", f"{form}, one pipeline for probe, training and evaluation")
            ),
        ),
        row("evaluation", *spread({f"{s} {name}": _suite_name(run) for (s, name, _), run in plan.scores.items()})),
        *_overlap_rows(plan, store, "overlap" in required),
        *elsewhere.rows(),
        _between_learners(plan, store, elsewhere),
        made_by(plan, store),
        AuditRow("number of domains", *spread({n: s.level for n, s in t.items()})),
        *_protocol_of_x(plan),
        *_published_unions(plan, counts),
    ]
    return tuple(rows)


def _arch(run: RunSpec) -> str:
    a = run.body["architecture"]
    return f"{a['kind']}, {a['filters']} filters"
