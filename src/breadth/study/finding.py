"""What a study found: points, series, findings and the whole analysis, as frozen values that read and write JSON.

``findings.json`` is the list of ``Finding.as_dict()``; ``analysis.json`` is ``Analysis.as_dict()`` and holds everything that the
figure, the table and the page show, so that what is drawn is what was stored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from breadth.stats.interval import Estimate

__all__ = ["Analysis", "AuditRow", "Baseline", "Comparison", "Dose", "Finding", "Fit", "Measured", "Point", "Series", "Verdict"]

Verdict = Literal["supported", "refuted", "inconclusive", "confounded"]


@dataclass(frozen=True)
class Point:
    """One training set under one learner: x = diversity coefficient, y = score on the evaluation suite.

    seed: the training seed, or None where ``y`` is the mean over seeds; level: number of domains in the training set.
    """

    train: str
    learner: str
    seed: int | None
    x: float
    x_low: float
    x_high: float
    y: float
    y_low: float
    y_high: float
    level: int = 1


@dataclass(frozen=True)
class Fit:
    """A straight line with its pointwise interval: ``y``, ``low`` and ``high`` at the positions ``x`` (equal lengths)."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Series:
    """One learner and one metric against one probe's diversity coefficient.

    learner: "PT" or "MAML" (or a named variant); metric: "accuracy" (0..1) or "loss" (nats); condition: evaluation condition,
    e.g. "logistic head, support-only BN"; points: one per training set (mean over seeds); estimates: statistics by name
    ("Pearson r", "Spearman rho", "slope per SD", "adjusted slope per SD", ...); p_values: by name ("permutation", "Holm", ...);
    notes: one-line remarks that belong under the figure; bars: what the intervals of the points' y are over, e.g. "over 2 seeds, their
    spread pooled over training sets", empty where nobody said.
    """

    learner: str
    metric: Literal["accuracy", "loss"]
    probe: str
    condition: str
    points: tuple[Point, ...]
    fit: Fit
    estimates: dict[str, Estimate]
    p_values: dict[str, float]
    notes: tuple[str, ...] = ()
    primary: bool = False
    bars: str = ""


@dataclass(frozen=True)
class Baseline:
    """A reference arm drawn as a line: a random-initialised network, nearest centroid on pixels."""

    name: str
    metric: Literal["accuracy", "loss"]
    estimate: Estimate


@dataclass(frozen=True)
class Comparison:
    """PT against MAML under one batch-norm mode: paired difference (PT - MAML), effect size, decisions and equivalence p.

    one_percent_rule: "PT", "MAML" or "no difference" by the published rule (arXiv 2306.13841), which looks at the difference only.
    """

    condition: str
    difference: Estimate
    cohen_d: float
    one_percent_rule: str
    equivalent: bool
    p_equivalence: float
    winner: Literal["PT", "MAML", "equivalent", "undecided"]


@dataclass(frozen=True)
class Dose:
    """Mean diversity and mean score of the training sets with one number of domains."""

    learner: str
    metric: str
    level: int
    x: Estimate
    y: Estimate


@dataclass(frozen=True)
class Measured:
    """What one probe saw of one training set (or of "evaluation suite"): the coefficient beside its floor and null.

    alignment: with the evaluation suite, None for the suite itself and where each set has a suite of its own; split_half: None for
    fewer than six tasks.
    """

    train: str
    probe: str
    level: int
    diversity: Estimate
    floor: Estimate
    complexity: Estimate
    split_half: Estimate | None
    alignment: Estimate | None


@dataclass(frozen=True)
class AuditRow:
    """One control: whether it is equal over the arms, with the values seen; ``violation`` where the study said it must be equal."""

    control: str
    status: Literal["equal", "differs", "unknown"]
    detail: str
    violation: bool = False


@dataclass(frozen=True)
class Finding:
    """A statement with its verdict, its estimate and the points it rests on."""

    name: str
    statement: str
    verdict: Verdict
    estimate: Estimate
    points: tuple[Point, ...]
    caveats: tuple[str, ...]
    run_ids: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that ``findings.json`` promises to other programs."""
        return asdict(self)


@dataclass(frozen=True)
class Analysis:
    """Everything a report shows. ``reasons`` says, step by step, how the verdict rule was applied."""

    study: str
    title: str
    question: str
    verdict: Verdict
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    series: tuple[Series, ...]
    baselines: tuple[Baseline, ...]
    comparisons: tuple[Comparison, ...]
    doses: tuple[Dose, ...]
    audit: tuple[AuditRow, ...]
    caveats: tuple[str, ...]
    protocol: dict[str, Any] = field(default_factory=dict)
    measures: tuple[Measured, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON-able values."""
        return asdict(self)
