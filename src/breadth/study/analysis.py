"""From records to findings: every series with its statistics, the written rule applied to the primary one, PT against MAML, dose-response."""

from __future__ import annotations

from typing import Any

import numpy as np

from breadth.seeds import integer
from breadth.stats.association import (
    adjusted_slope,
    attenuation,
    holm,
    leave_one_domain_out,
    mixed_slope,
    partial_correlation,
    permutation_p,
    quadratic,
)
from breadth.stats.blocked import blocked_pearson, blocked_spearman
from breadth.stats.interval import Estimate, mean, t_quantile
from breadth.study.comparison import compare
from breadth.study.control import audit_study
from breadth.study.finding import Analysis, AuditRow, Baseline, Dose, Finding, Fit, Measured, Point, Series
from breadth.study.fixed import fixed_hash, verdict_rule
from breadth.study.plan import Plan
from breadth.study.readings import Metric, Readings, Scored, estimate_from
from breadth.study.store import Store
from breadth.study.tables import MamlSpec, PretrainSpec
from breadth.study.verdict import Decision, Evidence, decide, detectable
from breadth.version import __version__

__all__ = ["analyse"]

METRICS: tuple[Metric, ...] = ("accuracy", "loss")
LEVEL = 0.95


def _standard_error(e: Estimate) -> float:
    return (e.high - e.low) / 2 / t_quantile(0.5 + e.level / 2, e.n - 1)


def _score_intervals(scored: Scored) -> list[tuple[float, float, float]]:
    """Mean and interval of each training set: over seeds, their spread pooled over sets; over episodes where there is one seed."""
    sets, seeds, _ = scored.values.shape
    if seeds == 1:
        return [(e.value, e.low, e.high) for e in (mean(v[0], LEVEL) for v in scored.values)]
    by_seed = scored.values.mean(2)
    half = t_quantile(0.5 + LEVEL / 2, sets * (seeds - 1)) * float(np.sqrt(by_seed.var(1, ddof=1).mean() / seeds))
    return [(float(m), float(m - half), float(m + half)) for m in by_seed.mean(1)]


def _points(scored: Scored, xs: list[Estimate], learner: str) -> tuple[Point, ...]:
    return tuple(
        Point(s.name, learner, None, x.value, x.low, x.high, y, low, high, s.level)
        for s, x, (y, low, high) in zip(scored.sets, xs, _score_intervals(scored), strict=True)
    )


def _seed_points(scored: Scored, xs: list[Estimate], learner: str) -> tuple[Point, ...]:
    """One point a training set and seed; the interval of y is over the episodes of the suite."""
    points = []
    for s, x, of_set in zip(scored.sets, xs, scored.values, strict=True):
        for seed, values in zip(scored.seeds, of_set, strict=True):
            y = mean(values, LEVEL)
            points.append(Point(s.name, learner, seed, x.value, x.low, x.high, y.value, y.low, y.high, s.level))
    return tuple(points)


def _fit(x: np.ndarray, y: np.ndarray) -> Fit:
    """Least-squares line with its pointwise t interval on a grid over the range of x."""
    grid = np.linspace(x.min(), x.max(), 41)
    n, centre = len(x), x.mean()
    spread = float(((x - centre) ** 2).sum())
    b = float(((x - centre) * (y - y.mean())).sum()) / spread
    line = y.mean() + b * (grid - centre)
    residual = float(((y - y.mean() - b * (x - centre)) ** 2).sum())
    half = t_quantile(0.5 + LEVEL / 2, n - 2) * np.sqrt(residual / max(n - 2, 1) * (1 / n + (grid - centre) ** 2 / spread))
    return Fit(tuple(grid.tolist()), tuple(line.tolist()), tuple((line - half).tolist()), tuple((line + half).tolist()))


class _Analyst:
    """Computes the parts of an analysis from the readings of one study."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self.plan, self.study = plan, plan.study
        self.readings = Readings(plan, store)
        self.audit = audit_study(plan, store)
        self.learners: dict[str, PretrainSpec | MamlSpec] = {x.name: x for x in plan.study.learner}
        self.seed = integer(0, "analysis", plan.study.name)

    def main_condition(self, learner: str) -> str:
        """The hypothesis' own condition, or for another learner its first condition under the same batch norm mode."""
        h = self.study.hypothesis
        if learner == h.learner:
            return h.condition
        conditions = self.study.conditions(self.learners[learner])
        mode = h.condition.split("/")[1]
        return next((c for c in conditions if c.endswith(f"/{mode}")), conditions[0])

    def evidence(self, scored: Scored, probe: str) -> Evidence:
        xs = self.readings.measured(scored.sets, probe, "diversity")
        se = np.array([_standard_error(e) for e in xs])
        violations = tuple(f"{r.control}: {r.detail}" for r in self.audit if r.violation)
        return Evidence(
            np.array([e.value for e in xs]),
            scored.means,
            self.readings.membership(scored.sets),
            se if np.isfinite(se).all() else None,
            self.readings.covariates(scored.sets, probe),
            violations,
        )

    def series(self, learner: str, metric: Metric, probe: str, condition: str) -> Series:
        scored = self.readings.scored(learner, condition, metric)
        xs = self.readings.measured(scored.sets, probe, "diversity")
        ev = self.evidence(scored, probe)
        x, y, m, z = np.asarray(ev.x), np.asarray(ev.y), ev.membership, ev.covariates
        domains = [s.level for s in scored.sets]
        partial, adjusted = partial_correlation(x, y, z), adjusted_slope(x, y, z)
        mixed, mixed_adjusted = mixed_slope(x, y, m), mixed_slope(x, y, m, z)
        bend = quadratic(x, y)
        estimates = {
            "Pearson r": blocked_pearson(x, y, m, seed=self.seed),
            "Spearman rho": blocked_spearman(x, y, m, seed=self.seed),
            "slope per SD": mixed.estimate,
            f"adjusted slope per SD, given {', '.join(mixed_adjusted.used) or 'nothing'}": mixed_adjusted.estimate,
            f"partial correlation given {', '.join(partial.used) or 'nothing'}": partial.estimate,
            f"least-squares adjusted slope per SD, given {', '.join(adjusted.used) or 'nothing'}": adjusted.estimate,
        }
        if len(set(domains)) > 1:
            estimates["Spearman rho with number of domains"] = blocked_spearman(domains, y, m, seed=self.seed)
        for name, e in leave_one_domain_out(x, y, m, self.readings.domains).items():
            estimates[f"slope per SD without {name}"] = e
        p = {"permutation": permutation_p(x, y, membership=m, seed=self.seed), "bend (quadratic term)": bend.p}
        notes = [f"shape: {bend.shape}"]
        if ev.x_se is not None:
            notes.append(attenuation(x, ev.x_se))
        h = self.study.hypothesis
        primary = (learner, metric, probe, condition) == (h.learner, h.outcome, h.probe, h.condition)
        return Series(
            learner, metric, probe, condition, _points(scored, xs, learner), _fit(x, y), estimates, p, tuple(notes), primary
        )

    def all_series(self) -> tuple[Series, ...]:
        """The primary series first; p values of all others corrected together (Holm)."""
        h = self.study.hypothesis
        wanted = [
            (learner, metric, probe.name, condition)
            for probe in self.study.probe
            for learner in self.learners
            for condition in self.study.conditions(self.learners[learner])
            for metric in METRICS
        ]
        wanted.sort(
            key=lambda w: (w != (h.learner, h.outcome, h.probe, h.condition), w[2] != h.probe, w[3] != self.main_condition(w[0]))
        )
        found = [self.series(*w) for w in wanted]
        corrected = holm({str(i): s.p_values["permutation"] for i, s in enumerate(found) if not s.primary})
        for i, s in enumerate(found):
            if not s.primary:
                s.p_values["Holm over all but the primary"] = corrected[str(i)]
        return tuple(found)

    def finding(self, s: Series) -> tuple[Finding, Decision]:
        """Apply the written rule to one series."""
        scored = self.readings.scored(s.learner, s.condition, s.metric)
        xs = self.readings.measured(scored.sets, s.probe, "diversity")
        ev = self.evidence(scored, s.probe)
        rule = verdict_rule(self.study, s.metric)
        decision = decide(ev, rule)
        unit = "accuracy" if s.metric == "accuracy" else "nats"
        slope = decision.raw
        statement = (
            f"{s.learner} {s.metric} ({s.condition}) changes by {slope.value:+.4f} {unit} [{slope.low:+.4f}, {slope.high:+.4f}] per standard "
            f"deviation of the diversity coefficient ({s.probe} probe) over {len(scored.sets)} training sets: {decision.verdict}."
        )
        caveats = list(decision.reasons)
        if s.primary:
            smallest = detectable(rule, ev, seed=self.seed)
            caveats.append(
                f"smallest effect this design would have called supported with probability 0.8: {smallest:.3g} {unit} per SD"
            )
        caveats.append("the interval of x holds for tasks drawn from the given finite data")
        name = "primary" if s.primary else f"{s.learner} {s.metric} {s.condition} {s.probe}"
        points = _seed_points(scored, xs, s.learner)
        run_ids = self.readings.run_ids(s.learner, s.probe)
        return Finding(name, statement, decision.verdict, slope, points, tuple(caveats), run_ids), decision

    def baselines(self) -> tuple[Baseline, ...]:
        """Reference arms under the primary condition (pixels: under their only one)."""
        found = []
        pt = next((x.name for x in self.study.learner if x.kind == "pretrain"), None)
        for name in self.plan.baselines:
            condition = "pixels" if name.startswith("pixels") else self.main_condition(pt) if pt else None
            for metric in METRICS if condition else ():
                found.append(
                    Baseline(name, metric, mean(self.readings.baseline(name, str(condition), metric), LEVEL, unit="episodes"))
                )
        return tuple(found)

    def measures(self) -> tuple[Measured, ...]:
        """Every training set, and the suite, through every probe."""
        store, found = self.readings.store, []
        for probe in self.study.probe:
            runs = [(s.name, s.level, self.plan.measures[s.name, probe.name]) for s in self.plan.sets]
            if probe.name in self.plan.suites:
                suite = self.plan.suites[probe.name]
                runs.append((suite.label, len(suite.body["data"]["parts"]), suite))
            for name, level, run in runs:
                result = store.result(run)
                e = {
                    k: estimate_from(result[k])
                    for k in ("diversity", "floor", "complexity", "split_half", "alignment")
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
                    )
                )
        return tuple(found)

    def doses(self) -> tuple[Dose, ...]:
        """Mean diversity and mean score at each number of domains, over training sets."""
        found = []
        for learner in self.learners:
            for metric in METRICS:
                scored = self.readings.scored(learner, self.main_condition(learner), metric)
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
        return {
            "command": f"breadth run {self.study.file} && breadth report {self.study.file} --out OUT",
            "sha256 of what was fixed before the first run": fixed_hash(self.study),
            "hypothesis": self.study.hypothesis.model_dump(mode="json"),
            "controls": self.study.controls.model_dump(mode="json"),
            "evaluation": self.study.evaluation.model_dump(mode="json"),
            "verdict rule": rule.text().split("\n"),
            "measure": self.study.measure.model_dump(mode="json"),
            "probes": [p.model_dump(mode="json") for p in self.study.probe],
            "learners": [x.model_dump(mode="json") for x in self.study.learner],
            "architecture": self.study.architecture.model_dump(mode="json"),
            "training": self.study.training.model_dump(mode="json"),
            "pixels": self.study.images.model_dump(mode="json"),
            "conventions": {"tasks of a training set": self.study.training.convention, "evaluation suite": "source-then-classes"},
            "training sets": len(self.plan.sets),
            "version": __version__,
        }

    def suite_caveats(self) -> tuple[str, ...]:
        h = self.study.hypothesis
        said = ["Intervals of the diversity coefficient hold for tasks drawn from the given finite data, not for data unseen."]
        if len(self.readings.suites()) > 1:
            said.append("Models were evaluated on different episodes: scores of different training sets are not paired.")
        if h.probe in self.plan.suites:
            e = self.readings.store.result(self.plan.suites[h.probe])["diversity"]
            said.append(f"The evaluation suite's own diversity coefficient is {e['value']:.3f} ({h.probe} probe).")
        sets = self.plan.sets
        floors = np.mean([e.value for e in self.readings.measured(sets, h.probe, "floor")])
        said.append(
            f"Mean noise floor of the diversity coefficient over training sets (same classes, newly drawn images): {floors:.3f}."
        )
        single = [x.name for x in self.study.learner if len(x.seeds) == 1]
        if single:
            said.append(
                f"{', '.join(single)}: one seed a training set, so the spread between seeds is unknown; error bars are over episodes."
            )
        return tuple(said)


def _agreement(findings: list[tuple[Finding, Series]]) -> str:
    """One line on whether the other series say the same as the primary one."""
    verdicts = [f.verdict for f, _ in findings]
    same = sum(v == verdicts[0] for v in verdicts[1:])
    return f"{same} of {len(verdicts) - 1} further series (other learners, metrics, conditions, probes) have the same verdict"


def analyse(plan: Plan, store: Store) -> Analysis:
    """Return the analysis of a finished study; deterministic, and the same whether runs were interrupted or not.

    Raises StoreError where a run is missing or damaged.
    """
    analyst = _Analyst(plan, store)
    series = analyst.all_series()
    decided = [(analyst.finding(s), s) for s in series]
    findings = [f for (f, _), _ in decided]
    comparisons, comparison_findings = compare(plan, analyst.readings)
    (primary, decision), _ = decided[0]
    reasons = (*decision.reasons, _agreement([(f, s) for (f, _), s in decided]))
    audit: tuple[AuditRow, ...] = analyst.audit
    return Analysis(
        plan.study.name,
        plan.study.title,
        plan.study.question,
        primary.verdict,
        reasons,
        (*findings, *comparison_findings),
        series,
        analyst.baselines(),
        comparisons,
        analyst.doses(),
        audit,
        (*analyst.suite_caveats(), *primary.caveats[-2:-1]),
        analyst.protocol(),
        analyst.measures(),
    )
