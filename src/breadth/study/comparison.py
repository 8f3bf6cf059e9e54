"""PT against every meta-learner on the same training sets and episodes: published rule, intervals that know shared domains, equivalence.

Which statistics batch norm uses at test time favours one or the other, so a winner is named only where the modes agree. A network
without batch norm has one mode, which then decides alone. Several pairs (learners, numbers of adaptation steps) are several chances to
be wrong, so their p values are corrected together, mode by mode. Meta-learners among each other are described, not judged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from breadth.stats.association import holm, mixed_slope
from breadth.stats.effect import ONE_PERCENT, cohen_d, one_percent_rule, shared_difference, tost
from breadth.stats.interval import Estimate
from breadth.study.finding import Comparison, Finding, Point, Verdict
from breadth.study.plan import Plan
from breadth.study.readings import Readings, Scored
from breadth.study.tables import AnilSpec, BatchNorm, LearnerSpec, MamlSpec, PretrainSpec

__all__ = ["MARGIN", "compare"]

# Half-width within which two learners count as equivalent: the threshold of arXiv 2306.13841, the same in every study.
MARGIN = ONE_PERCENT


def _common(a: Scored, b: Scored) -> tuple[Scored, Scored]:
    names = {s.name for s in a.sets} & {s.name for s in b.sets}

    def kept(scored: Scored) -> Scored:
        at = [i for i, s in enumerate(scored.sets) if s.name in names]
        return Scored(tuple(scored.sets[i] for i in at), scored.seeds, scored.values[at], scored.items)

    return kept(a), kept(b)


def _published_d(first: Scored, second: Scored) -> float:
    """Cohen's d over episodes, mean over training sets and pairs of seeds.

    One network a side, as published: episodes averaged over seeds would have less spread, and d would grow with the number of seeds.
    """
    return float(
        np.mean([cohen_d(a, b) for ours, theirs in zip(first.values, second.values, strict=True) for a in ours for b in theirs])
    )


@dataclass(frozen=True, eq=False)
class _Pair:
    """Two learners, how each is evaluated (head or adaptation, without the mode), and ``how`` in words."""

    first: LearnerSpec
    second: LearnerSpec
    ways: tuple[str, str]
    how: tuple[str, str]
    steps: int


def _compare(pair: _Pair, a: Scored, b: Scored, mode: BatchNorm, membership: np.ndarray, alpha: float) -> Comparison:
    difference = shared_difference(a.means - b.means, membership, 1 - alpha)
    equivalence = tost(difference, MARGIN, alpha)
    e = difference.estimate
    names = pair.first.name, pair.second.name
    made = Comparison(
        f"{names[0]} {pair.how[0]} against {names[1]} {pair.how[1]}, {mode} batch norm",
        e,
        _published_d(a, b),
        one_percent_rule(e.value, first=names[0], second=names[1]),
        equivalence.equivalent,
        equivalence.p,
        "undecided",
        *names,
        p_difference=difference.p,
    )
    return _decided(made, difference.p, equivalence.p, alpha)


def _decided(c: Comparison, p_difference: float, p_equivalence: float, alpha: float) -> Comparison:
    """Equivalence first: a difference may be sure and yet smaller than the margin."""
    if p_equivalence < alpha:
        return replace(c, winner="equivalent")
    if p_difference < alpha:
        return replace(c, winner=c.first if c.difference.value > 0 else c.second)
    return replace(c, winner="undecided")


def _seeds(pt: Scored, maml: Scored, names: tuple[str, str]) -> str:
    """A sentence where the learners were not trained equally often on each set: their means are not equally sure."""
    counts = len(pt.seeds), len(maml.seeds)
    if counts[0] == counts[1]:
        return ""
    each = [f"{name} {n} seed{'s' if n != 1 else ''}" for name, n in zip(names, counts, strict=True)]
    return f" Numbers of seeds a training set differ: {each[0]}, {each[1]}."


def _head(plan: Plan) -> str:
    """The head of the hypothesis where it is about a pre-trained learner, else the first of the evaluation."""
    h = plan.study.hypothesis
    about_pt = any(x.kind == "pretrain" and x.name == h.learner for x in plan.study.learner)
    return h.condition.split("/")[0] if about_pt else plan.study.evaluation.heads[0]


def _with_diversity(made: _Made, alpha: float) -> str:
    """One line on whether the difference depends on diversity, as arXiv 2306.13841 says it does."""
    x = np.array([e.value for e in made.xs])
    if len(x) < 4 or float(np.ptp(x)) == 0:
        return "too few training sets to say whether the difference depends on diversity"
    e = mixed_slope(x, made.a.means - made.b.means, made.membership, level=1 - alpha).estimate
    return (
        f"{made.pair.first.name} - {made.pair.second.name} changes by {e.value:+.4f} [{e.low:+.4f}, {e.high:+.4f}] accuracy per standard "
        "deviation of the diversity coefficient"
    )


def _verdict(found: list[Comparison], has_norm: bool) -> tuple[Verdict, str]:
    winners = {c.winner for c in found}
    if has_norm and len(found) < 2:
        return "inconclusive", "compared under one batch norm mode only, so no winner is named"
    if winners == {"equivalent"}:
        return "supported", f"equivalent to within {MARGIN:g} under every batch norm mode"
    if len(winners) == 1 and winners != {"undecided"}:
        return "supported", f"{winners.pop()} is better under every batch norm mode"
    if winners == {"undecided"}:
        return (
            "inconclusive",
            f"no winner, and not equivalent to within {MARGIN:g}{'' if len(found) == 1 else ', under any batch norm mode'}",
        )
    return "inconclusive", "the batch norm modes do not agree on a winner: " + ", ".join(
        f"{c.condition}: {c.winner}" for c in found
    )


@dataclass(frozen=True, eq=False)
class _Made:
    """A pair that could be compared: one comparison a mode; scores and memberships under the first mode, and x."""

    pair: _Pair
    modes: list[BatchNorm]
    found: list[Comparison]
    a: Scored
    b: Scored
    membership: np.ndarray
    xs: list[Estimate]


def _modes(plan: Plan) -> list[BatchNorm]:
    given = plan.study.evaluation.batch_norm
    if plan.study.architecture.kind == "mlp":  # no batch norm: all modes are one
        return list(given[:1])
    return [m for m in ("support", "transductive") if m in given]


def _made(pair: _Pair, plan: Plan, readings: Readings) -> _Made | None:
    h = plan.study.hypothesis
    found, first, modes = [], None, _modes(plan)
    for mode in modes:
        a, b = _common(
            *(
                readings.scored(x.name, f"{way}/{mode}", "accuracy")
                for x, way in zip((pair.first, pair.second), pair.ways, strict=True)
            )
        )
        # With a diverged episode there is nothing to compare; its series says so.
        if len(a.sets) < 2 or not (np.isfinite(a.values).all() and np.isfinite(b.values).all()):
            return None
        found.append(_compare(pair, a, b, mode, readings.membership(a.sets), h.alpha))
        first = first or (a, b)
    if first is None:
        return None
    sets = first[0].sets
    return _Made(pair, modes, found, *first, readings.membership(sets), readings.measured(sets, h.probe, "diversity"))


def _corrected(made: list[_Made], alpha: float) -> list[_Made]:
    """The same with p values after Holm's correction over all pairs of a mode, and the decisions that follow from them."""
    if len(made) < 2:
        return made
    out = [list[Comparison]() for _ in made]
    for i in range(len(made[0].modes)):
        column = [m.found[i] for m in made]
        difference = holm({str(k): float("nan") if c.p_difference is None else c.p_difference for k, c in enumerate(column)})
        equivalence = holm({str(k): c.p_equivalence for k, c in enumerate(column)})
        for k, c in enumerate(column):
            p, q = difference[str(k)], equivalence[str(k)]
            out[k].append(_decided(replace(c, p_difference_holm=p, p_equivalence_holm=q), p, q, alpha))
    return [replace(m, found=found) for m, found in zip(made, out, strict=True)]


def _finding(made: _Made, plan: Plan, readings: Readings, pairs: int) -> Finding:
    (first, second), found, h = (made.pair.first, made.pair.second), made.found, plan.study.hypothesis
    verdict, said = _verdict(found, plan.study.architecture.kind != "mlp")
    points = tuple(
        Point(s.name, f"{first.name} - {second.name}", None, x.value, x.low, x.high, float(y), float("nan"), float("nan"), s.level)
        for s, x, y in zip(made.a.sets, made.xs, made.a.means - made.b.means, strict=True)
    )
    steps = made.pair.steps
    statement = (
        f"Over {len(made.a.sets)} training sets, accuracy of {first.name} minus {second.name} ({steps} steps) is "
        f"{found[0].difference.value:+.4f} [{found[0].difference.low:+.4f}, {found[0].difference.high:+.4f}] under {made.modes[0]} batch "
        f"norm; {said}.{_seeds(made.a, made.b, (first.name, second.name))}"
    )
    caveats = [
        _with_diversity(made, h.alpha),
        f"equivalent means within {MARGIN:g}, the published threshold and a constant of the software",
        f"published 1 % rule: {', '.join(f'{c.condition}: {c.one_percent_rule}' for c in found)}",
        "the two learners differ in compute and in images seen; see the audit",
    ]
    if pairs > 1:
        after = "; ".join(
            f"{mode}: of a difference {c.p_difference_holm:.3g}, of equivalence {c.p_equivalence_holm:.3g}"
            for mode, c in zip(made.modes, found, strict=True)
        )
        caveats.append(f"one of {pairs} comparisons with a pre-trained learner, corrected together (Holm): p under {after}")
    if isinstance(first, PretrainSpec) and first.precision == "bf16":
        caveats.append(f"{first.name} was trained in bf16, {second.name} in float32")
    run_ids = tuple(sorted({*readings.run_ids(first.name, h.probe), *readings.run_ids(second.name, h.probe)}))
    name = f"{first.name} against {second.name}, {steps} steps"
    return Finding(name, statement, verdict, found[0].difference, points, tuple(caveats), run_ids)


def _judged(plan: Plan) -> list[_Pair]:
    head = _head(plan)
    return [
        _Pair(pt, x, (head, f"{x.kind}{k}"), (head, f"{k} steps"), k)
        for pt in plan.study.learner
        for x in plan.study.learner
        if isinstance(pt, PretrainSpec) and isinstance(x, MamlSpec | AnilSpec)
        for k in x.test_steps
    ]


def _described(plan: Plan) -> list[_Pair]:
    """Every two meta-learners, the later in the study minus the earlier, after as many steps."""
    meta = [x for x in plan.study.learner if isinstance(x, MamlSpec | AnilSpec)]
    return [
        _Pair(b, a, (f"{b.kind}{k}", f"{a.kind}{k}"), (f"{k} steps", f"{k} steps"), k)
        for a, b in combinations(meta, 2)
        for k in b.test_steps
        if k in a.test_steps
    ]


def compare(plan: Plan, readings: Readings) -> tuple[tuple[Comparison, ...], tuple[Finding, ...]]:
    """Return all comparisons of a pre-trained with a meta-learner, with one finding for each pair and number of adaptation steps; then
    those of the meta-learners among each other, which are described only."""
    judged = [m for pair in _judged(plan) if (m := _made(pair, plan, readings))]
    judged = _corrected(judged, plan.study.hypothesis.alpha)
    findings = tuple(_finding(m, plan, readings, len(judged)) for m in judged)
    others = [m for pair in _described(plan) if (m := _made(pair, plan, readings))]
    described = [replace(c, described=True, winner="described") for m in others for c in m.found]
    return (*(c for m in judged for c in m.found), *described), findings
