"""From records to findings: all series, the written rule applied to them, PT against MAML, dose-response, reference arms."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from breadth.seeds import integer
from breadth.stats.association import holm
from breadth.stats.interval import Estimate, mean
from breadth.study.arms import stated_learner
from breadth.study.comparison import compare
from breadth.study.control import audit_study
from breadth.study.finding import Analysis, Baseline, Dose, Finding, Measured, Series
from breadth.study.fixed import fixed_hash, verdict_rule
from breadth.study.plan import Plan
from breadth.study.provenance import unknown_note
from breadth.study.readings import Readings, Scored, estimate_from, unmeasured
from breadth.study.robustness import robustness_of
from breadth.study.series import LEVEL, bars_of, evidence_of, line, points_of, seed_points_of, statistics, why_not
from breadth.study.store import Store
from breadth.study.tables import LearnerSpec, Metric
from breadth.study.text_checks import unit_of
from breadth.study.verdict import Evidence, VerdictRule, decide, detectable, power
from breadth.version import __version__

__all__ = ["analyse"]

HOLM = "Holm over all but the primary"


class _Analyst:
    """Computes the parts of an analysis from the readings of one study."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.study = plan, plan.study
        self.readings = Readings(plan, store)
        self.audit = audit_study(plan, store)
        self.learners: dict[str, LearnerSpec] = {x.name: x for x in plan.study.learner}
        self.seed = integer(0, "analysis", plan.study.name)

    def main_condition(self, learner: str) -> str:
        """The hypothesis' own condition, or for another learner its first condition under the same batch norm mode."""
        h = self.study.hypothesis
        if learner == h.learner:
            return h.condition
        conditions = self.study.conditions(self.learners[learner])
        if self.study.text is not None:  # all learners have the same
            return h.condition
        mode = h.condition.split("/")[1]
        return next((c for c in conditions if c.endswith(f"/{mode}")), conditions[0])

    def evidence(self, scored: Scored, probe: str) -> Evidence:
        violations = tuple(f"{r.control}: {r.detail}" for r in self.audit if r.violation)
        return evidence_of(self.readings, scored, probe, violations)

    def series(self, learner: str, metric: Metric, probe: str, condition: str) -> Series:
        scored = self.readings.scored(learner, condition, metric)
        ev = self.evidence(scored, probe)
        estimates, p, notes = statistics(ev, [s.level for s in scored.sets], self.readings.domains, self.seed)
        h = self.study.hypothesis
        return Series(
            learner,
            metric,
            probe,
            condition,
            points_of(scored, self.readings.measured(scored.sets, probe, "diversity"), learner),
            line(ev),
            {**estimates, **self.lifts(scored, metric, condition)},
            p,
            (*notes, *unknown_note(self.plan, self.audit, learner)),
            (learner, metric, probe, condition) == (h.learner, h.outcome, h.probe, h.condition),
            bars_of(scored),
            self.unit(metric, condition) if self.study.text is not None else "",
        )

    def unit(self, metric: Metric, condition: str) -> str:
        """The unit of a score, in words."""
        return "accuracy" if metric == "accuracy" else unit_of(condition)

    def lifts(self, scored: Scored, metric: Metric, condition: str) -> dict[str, Estimate]:
        """Mean over training sets of the score minus a reference arm's on the same episodes."""
        if not np.isfinite(scored.values).all() or len(scored.sets) < 2:
            return {}
        found = {}
        for name in self.plan.baselines:
            of_arm = self.baseline_condition(name, condition)
            if of_arm:
                reference = self.readings.reference(name, of_arm, metric, scored.sets)
                found[f"lift over {name}"] = mean(scored.means - reference, LEVEL, unit="training sets")
        return found

    def all_series(self) -> tuple[Series, ...]:
        """The primary series first; p values of all others corrected together (Holm)."""
        h = self.study.hypothesis
        wanted = [
            (learner, metric, probe.name, condition)
            for probe in self.study.probe
            for learner in self.learners
            for condition in self.study.conditions(self.learners[learner])
            for metric in self.study.metrics
        ]
        primary = (h.learner, h.outcome, h.probe, h.condition)
        wanted.sort(key=lambda w: (w != primary, w[2] != h.probe, w[3] != self.main_condition(w[0])))
        found = [self.series(*w) for w in wanted]
        corrected = holm({str(i): s.p_values["permutation"] for i, s in enumerate(found) if not s.primary})
        return tuple(
            s if s.primary else dataclasses.replace(s, p_values={**s.p_values, HOLM: corrected[str(i)]})
            for i, s in enumerate(found)
        )

    def finding(self, s: Series) -> tuple[Finding, tuple[str, ...]]:
        """Apply the written rule to one series; a secondary one is supported only if its Holm-corrected p is below alpha as well.

        Returns the finding and the reasons of its verdict, step by step.
        """
        scored = self.readings.scored(s.learner, s.condition, s.metric)
        points = seed_points_of(scored, self.readings.measured(scored.sets, s.probe, "diversity"), s.learner)
        run_ids = self.readings.run_ids(s.learner, s.probe)
        name = "primary" if s.primary else f"{s.learner} {s.metric} {s.condition} {s.probe}"
        ev = self.evidence(scored, s.probe)
        scope = "the interval of x holds for tasks drawn from the given finite data"
        what = f"{s.learner} {s.metric} ({s.condition})"
        reason = why_not(ev)
        unknown = self.readings.unknown(scored.sets)
        alpha = self.study.hypothesis.alpha
        if reason and not np.isfinite(np.asarray(ev.y)).all():
            nan = float("nan")
            nothing = Estimate(nan, nan, nan, LEVEL, len(scored.sets), reason)
            robust = robustness_of(ev, s.metric, "inconclusive", unknown, alpha, reason)
            said = f"{what}: {reason}."
            return Finding(name, said, "inconclusive", nothing, points, (reason, scope), run_ids, robust), (reason,)
        rule = verdict_rule(self.study, s.metric)
        decision = decide(ev, rule)
        verdict, caveats = decision.verdict, list(decision.reasons)
        if HOLM in s.p_values:
            p = s.p_values[HOLM]
            caveats.append(f"secondary outcome: Holm-corrected permutation p {p:.3g}")
            if verdict == "supported" and not p < rule.alpha:
                verdict = "inconclusive"
                caveats.append(f"the rule alone would say supported, but p is not below {rule.alpha:g} after correction")
        caveats += self.readings.protocol_caveats(scored.sets)
        unit = self.unit(s.metric, s.condition)
        if s.primary:
            caveats += self.sensitivity(rule, ev, unit)
        slope = decision.raw
        change = "no slope can be estimated"
        if not math.isnan(slope.value):
            interval = f"{slope.value:+.4f} {unit} [{slope.low:+.4f}, {slope.high:+.4f}]"
            change = f"changes by {interval} per standard deviation of the diversity coefficient"
        statement = f"{what} {change} ({s.probe} probe) over {len(scored.sets)} training sets: {verdict}."
        robust = robustness_of(ev, s.metric, verdict, unknown, alpha, reason)
        return Finding(name, statement, verdict, slope, points, (*caveats, scope), run_ids, robust), decision.reasons

    def sensitivity(self, rule: VerdictRule, ev: Evidence, unit: str) -> list[str]:
        """Say which effect the design could have shown, and how surely it would have shown the smallest one of interest."""
        effect = detectable(rule, ev, seed=self.seed)
        if math.isinf(effect):
            return ["in this design no effect, however large, would have been called supported"]
        rate = power(rule, ev, rule.smallest_effect, seed=self.seed).value
        return [
            f"smallest effect this design would have called supported with probability 0.8: {effect:.3g} {unit} per SD; "
            f"an effect of {rule.smallest_effect:g} would have been called supported with probability {rate:.2f}"
        ]

    def baseline_condition(self, name: str, wanted: str) -> str | None:
        """The condition of a reference arm nearest to ``wanted``: the same, else the same batch norm mode, else the same head."""
        given = self.readings.conditions_of(name)
        head, _, mode = wanted.partition("/")
        nearest = [c for c in given if c == wanted] or [c for c in given if c.endswith(f"/{mode}")]
        return next(iter([*nearest, *(c for c in given if c.startswith(f"{head}/")), *given]), None)

    def baselines(self) -> tuple[Baseline, ...]:
        """Reference arms under the condition nearest to the primary one."""
        found = []
        for name in self.plan.baselines:
            condition = self.baseline_condition(name, self.study.hypothesis.condition)
            for metric in self.study.metrics if condition else ():
                values = self.readings.baseline(name, str(condition), metric)
                found.append(Baseline(name, metric, mean(values, LEVEL, unit=self.readings.items)))
        return tuple(found)

    def measures(self) -> tuple[Measured, ...]:
        """Every training set, and the suite, through every probe."""
        store = self.readings.store
        found: list[Measured] = []
        for probe in self.study.probe:
            found += [unmeasured(s, probe.name) for s in self.plan.sets if s.published is not None]
            runs = [(s.name, s.level, self.plan.measures[s.name, probe.name]) for s in self.plan.sets if s.published is None]
            if probe.name in self.plan.suites:
                suite = self.plan.suites[probe.name]
                runs.append((suite.label, len(suite.body["data"]["parts"]), suite))
            for name, level, run in runs:
                result = store.result(run)
                e = {
                    k: estimate_from(result[k])
                    for k in ("diversity", "plain", "floor", "complexity", "split_half", "alignment")
                    if k in result
                }
                found.append(
                    Measured(
                        name,
                        probe.name,
                        level,
                        e["diversity"],
                        e["floor"],
                        e["complexity"],
                        e.get("split_half"),
                        e.get("alignment"),
                        plain=e.get("plain"),
                    )
                )
        return tuple(found)

    def doses(self) -> tuple[Dose, ...]:
        """Mean diversity and mean score at each number of domains, over training sets."""
        found = []
        for learner in self.learners:
            for metric in self.study.metrics:
                scored = self.readings.scored(learner, self.main_condition(learner), metric)
                if not np.isfinite(scored.values).all():
                    continue
                xs = np.array([e.value for e in self.readings.measured(scored.sets, self.study.hypothesis.probe, "diversity")])
                levels = np.array([s.level for s in scored.sets])
                for level in sorted(set(levels.tolist())):
                    at = levels == level
                    found.append(
                        Dose(
                            learner,
                            metric,
                            level,
                            mean(xs[at], LEVEL, unit="training sets"),
                            mean(scored.means[at], LEVEL, unit="training sets"),
                        )
                    )
        return tuple(found)

    def protocol(self) -> dict[str, Any]:
        """What was fixed beforehand with its hash, how to reproduce it, and what each number was measured with."""
        rule = verdict_rule(self.study, self.study.hypothesis.outcome)
        if self.study.text is not None:
            return {**self.study.fixed(), **self.reproduced(rule)}
        return {
            **self.reproduced(rule),
            "hypothesis": self.study.hypothesis.model_dump(mode="json"),
            "controls": self.study.controls.model_dump(mode="json"),
            "evaluation": self.study.evaluation.model_dump(mode="json"),
            "measure": self.study.measure.model_dump(mode="json"),
            "probes": [p.model_dump(mode="json") for p in self.study.probe],
            "learners": [stated_learner(self.study, x) for x in self.study.learner],
            "architecture": self.study.architecture.model_dump(mode="json"),
            "training": self.study.training.model_dump(mode="json"),
            "pixels": self.study.images.model_dump(mode="json"),
            "conventions": {"tasks of a training set": self.study.training.convention, "evaluation suite": "source-then-classes"},
        }

    def reproduced(self, rule: VerdictRule) -> dict[str, Any]:
        """The part of the protocol that studies of all kinds have."""
        return {
            "command": f"breadth run {self.study.file} && breadth report {self.study.file} --out OUT",
            "sha256 of what was fixed before the first run": fixed_hash(self.study),
            "verdict rule": rule.text().split("\n"),
            "training sets": len(self.plan.sets),
            "version": __version__,
        }

    def suite_caveats(self) -> tuple[str, ...]:
        h = self.study.hypothesis
        said = ["Intervals of the diversity coefficient hold for tasks drawn from the given finite data, not for data unseen."]
        if len(self.readings.suites()) > 1:
            said.append(
                f"Models were evaluated on different {self.readings.items}: scores of different training sets are not paired."
            )
        if h.probe in self.plan.suites:
            e = self.readings.store.result(self.plan.suites[h.probe])["diversity"]
            said.append(f"The evaluation suite's own diversity coefficient is {e['value']:.3f} ({h.probe} probe).")
        floors = self.readings.measured(tuple(s for s in self.plan.sets if s.published is None), h.probe, "floor")
        if floors:
            mean_floor = float(np.mean([e.value for e in floors]))
            said.append(f"Mean noise floor of the coefficient over training sets: {mean_floor:.3f} ({floors[0].method}).")
        said += [f"{c[0].upper()}{c[1:]}." for c in self.readings.protocol_caveats(self.plan.sets)]
        single = [x.name for x in self.study.learner if self.plan.seeds(x.name) == 1]
        if single:
            said.append(
                f"{', '.join(single)}: one seed a training set, so the spread between seeds is unknown; error bars are over "
                f"{self.readings.items}."
            )
        return tuple(said)


def _agreement(findings: list[Finding]) -> str:
    """One line on whether the other series say the same as the primary one."""
    same = sum(f.verdict == findings[0].verdict for f in findings[1:])
    return f"{same} of {len(findings) - 1} further series (other learners, metrics, conditions, probes) have the same verdict"


def analyse(plan: Plan, store: Store) -> Analysis:
    """Return the analysis of a finished study; deterministic, and the same whether runs were interrupted or not.

    Raises StoreError where a run is missing or damaged.
    """
    analyst = _Analyst(plan, store)
    series = analyst.all_series()
    decided = [analyst.finding(s) for s in series]
    findings = [finding for finding, _ in decided]
    comparisons, comparison_findings = compare(plan, analyst.readings)
    return Analysis(
        study=plan.study.name,
        title=plan.study.title,
        question=plan.study.question,
        verdict=findings[0].verdict,
        reasons=(*decided[0][1], *analyst.readings.protocol_caveats(plan.sets), _agreement(findings)),
        findings=(*findings, *comparison_findings),
        series=series,
        baselines=analyst.baselines(),
        comparisons=comparisons,
        doses=analyst.doses(),
        audit=analyst.audit,
        caveats=(*analyst.suite_caveats(), *(c for c in findings[0].caveats if "called supported" in c)),
        protocol=analyst.protocol(),
        measures=analyst.measures(),
    )
