"""PT against MAML on the same training sets and episodes: published rule, intervals that know shared domains, equivalence test.

Which statistics batch norm uses at test time favours one or the other, so a winner is named only where the modes agree. A network
without batch norm has one mode, which then decides alone.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from breadth.stats.association import mixed_slope
from breadth.stats.effect import ONE_PERCENT, cohen_d, one_percent_rule, shared_difference, tost
from breadth.stats.interval import Estimate
from breadth.study.finding import Comparison, Finding, Point, Verdict
from breadth.study.plan import Plan
from breadth.study.readings import Readings, Scored
from breadth.study.tables import BatchNorm, MamlSpec, PretrainSpec

__all__ = ["MARGIN", "compare"]

# Half-width within which two learners count as equivalent: the threshold of arXiv 2306.13841, the same in every study.
MARGIN = ONE_PERCENT


def _common(a: Scored, b: Scored) -> tuple[Scored, Scored]:
    names = {s.name for s in a.sets} & {s.name for s in b.sets}

    def kept(scored: Scored) -> Scored:
        at = [i for i, s in enumerate(scored.sets) if s.name in names]
        return Scored(tuple(scored.sets[i] for i in at), scored.seeds, scored.values[at])

    return kept(a), kept(b)


def _winner(difference: Estimate, equivalent: bool) -> Literal["PT", "MAML", "equivalent", "undecided"]:
    """Equivalence first: a difference may be sure and yet smaller than the margin."""
    if equivalent:
        return "equivalent"
    if difference.low > 0:
        return "PT"
    return "MAML" if difference.high < 0 else "undecided"


def _published_d(pt: Scored, maml: Scored) -> float:
    """Cohen's d over episodes, mean over training sets and pairs of seeds.

    One network a side, as published: episodes averaged over seeds would have less spread, and d would grow with the number of seeds.
    """
    return float(
        np.mean([cohen_d(a, b) for of_pt, of_maml in zip(pt.values, maml.values, strict=True) for a in of_pt for b in of_maml])
    )


def _compare(pt: Scored, maml: Scored, condition: str, membership: np.ndarray, alpha: float) -> Comparison:
    difference = shared_difference(pt.means - maml.means, membership, 1 - alpha)
    equivalence = tost(difference, MARGIN, alpha)
    e = difference.estimate
    published = one_percent_rule(e.value, first="PT", second="MAML")
    return Comparison(
        condition,
        e,
        _published_d(pt, maml),
        published,
        equivalence.equivalent,
        equivalence.p,
        _winner(e, equivalence.equivalent),
    )


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


def _with_diversity(pt: Scored, maml: Scored, xs: list[Estimate], membership: np.ndarray, alpha: float) -> str:
    """One line on whether the difference depends on diversity, as arXiv 2306.13841 says it does."""
    x = np.array([e.value for e in xs])
    if len(x) < 4 or float(np.ptp(x)) == 0:
        return "too few training sets to say whether the difference depends on diversity"
    e = mixed_slope(x, pt.means - maml.means, membership, level=1 - alpha).estimate
    return f"PT - MAML changes by {e.value:+.4f} [{e.low:+.4f}, {e.high:+.4f}] accuracy per standard deviation of the diversity coefficient"


def _verdict(found: list[Comparison], has_norm: bool) -> tuple[Verdict, str]:
    winners = {c.winner for c in found}
    if has_norm and len(found) < 2:
        return "inconclusive", "compared under one batch norm mode only, so no winner is named"
    if winners == {"equivalent"}:
        return "supported", f"equivalent to within {MARGIN:g} under every batch norm mode"
    if winners in ({"PT"}, {"MAML"}):
        return "supported", f"{winners.pop()} is better under every batch norm mode"
    if len(found) == 1:
        return "inconclusive", f"no winner, and not equivalent to within {MARGIN:g}"
    return "inconclusive", "the batch norm modes do not agree on a winner: " + ", ".join(
        f"{c.condition}: {c.winner}" for c in found
    )


def _pair(pt: PretrainSpec, maml: MamlSpec, steps: int, plan: Plan, readings: Readings) -> tuple[list[Comparison], Finding] | None:
    head, alpha = _head(plan), plan.study.hypothesis.alpha
    has_norm = plan.study.architecture.kind != "mlp"
    modes: list[BatchNorm] = [m for m in ("support", "transductive") if m in plan.study.evaluation.batch_norm]
    if not has_norm:  # all modes are one
        modes = list(plan.study.evaluation.batch_norm[:1])
    found, first = [], None
    for mode in modes:
        a, b = _common(
            readings.scored(pt.name, f"{head}/{mode}", "accuracy"), readings.scored(maml.name, f"maml{steps}/{mode}", "accuracy")
        )
        # With a diverged episode there is nothing to compare; its series says so.
        if len(a.sets) < 2 or not (np.isfinite(a.values).all() and np.isfinite(b.values).all()):
            return None
        found.append(
            _compare(
                a, b, f"{pt.name} {head} against {maml.name} {steps} steps, {mode} batch norm", readings.membership(a.sets), alpha
            )
        )
        first = first or (a, b)
    if first is None:
        return None
    a, b = first
    xs = readings.measured(a.sets, plan.study.hypothesis.probe, "diversity")
    verdict, said = _verdict(found, has_norm)
    points = tuple(
        Point(s.name, f"{pt.name} - {maml.name}", None, x.value, x.low, x.high, float(y), float("nan"), float("nan"), s.level)
        for s, x, y in zip(a.sets, xs, a.means - b.means, strict=True)
    )
    name = f"{pt.name} against {maml.name}, {steps} steps"
    statement = (
        f"Over {len(a.sets)} training sets, accuracy of {pt.name} minus {maml.name} ({steps} steps) is {found[0].difference.value:+.4f} "
        f"[{found[0].difference.low:+.4f}, {found[0].difference.high:+.4f}] under {modes[0]} batch norm; {said}."
        f"{_seeds(a, b, (pt.name, maml.name))}"
    )
    caveats = (
        _with_diversity(a, b, xs, readings.membership(a.sets), alpha),
        f"equivalent means within {MARGIN:g}, the published threshold and a constant of the software",
        f"published 1 % rule: {', '.join(f'{c.condition}: {c.one_percent_rule}' for c in found)}",
        "the two learners differ in compute and in images seen; see the audit",
    )
    run_ids = tuple(
        sorted({*readings.run_ids(pt.name, plan.study.hypothesis.probe), *readings.run_ids(maml.name, plan.study.hypothesis.probe)})
    )
    return found, Finding(name, statement, verdict, found[0].difference, points, caveats, run_ids)


def compare(plan: Plan, readings: Readings) -> tuple[tuple[Comparison, ...], tuple[Finding, ...]]:
    """Return all comparisons of a pre-trained with a MAML learner, and one finding for each pair and number of adaptation steps."""
    comparisons: list[Comparison] = []
    findings: list[Finding] = []
    for pt in plan.study.learner:
        for maml in plan.study.learner:
            if pt.kind == "pretrain" and maml.kind == "maml":
                for steps in maml.test_steps:
                    made = _pair(pt, maml, steps, plan, readings)
                    if made:
                        comparisons += made[0]
                        findings.append(made[1])
    return tuple(comparisons), tuple(findings)
