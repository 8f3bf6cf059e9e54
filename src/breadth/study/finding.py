"""What a study found: points, series, findings and the whole analysis, as frozen values that read and write JSON.

``findings.json`` is the list of ``Finding.as_dict()``; ``analysis.json`` is ``Analysis.as_dict()`` and holds everything that the
figure, the table and the page show, so that what is drawn is what was stored.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from breadth.stats.interval import Estimate

__all__ = [
    "Analysis",
    "AuditRow",
    "Baseline",
    "Comparison",
    "Dose",
    "Finding",
    "Fit",
    "Measured",
    "Point",
    "Robustness",
    "Series",
    "Verdict",
]

Verdict = Literal["supported", "refuted", "inconclusive", "confounded"]


@dataclass(frozen=True)
class Point:
    """One training set under one learner: x = diversity coefficient, y = score on the evaluation suite.

    seed: the training seed, or None where ``y`` is the mean over seeds; level: number of domains in the training set; published: probe
    and source of ``x`` where it is a published value, empty where it was measured.
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
    published: str = ""


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
    spread pooled over training sets", empty where nobody said; unit: of y where the metric alone does not say it, e.g. "bits per byte".
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
    unit: str = ""


@dataclass(frozen=True)
class Baseline:
    """A reference arm drawn as a line: a random-initialised network, nearest centroid on pixels."""

    name: str
    metric: Literal["accuracy", "loss"]
    estimate: Estimate


@dataclass(frozen=True)
class Comparison:
    """Two learners under one batch-norm mode: paired difference (first - second), effect size, decisions and equivalence p.

    one_percent_rule: a learner or "no difference" by the published rule (arXiv 2306.13841), which looks at the difference only;
    equivalent: by p_equivalence as it is; winner: a learner's name, "equivalent" or "undecided"; where several learners, or numbers of
    adaptation steps, are compared with pre-trained ones, by the p values after Holm's correction over all of one mode, else None;
    described: two meta-learners, shown beside the comparisons and neither decided nor corrected with them (winner: "described").
    """

    condition: str
    difference: Estimate
    cohen_d: float
    one_percent_rule: str
    equivalent: bool
    p_equivalence: float
    winner: str
    first: str = "PT"
    second: str = "MAML"
    p_difference: float | None = None
    p_difference_holm: float | None = None
    p_equivalence_holm: float | None = None
    described: bool = False


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
    fewer than six tasks; published: probe and source of a diversity that was not measured; all else is then unknown (nan, None);
    plain: of text, whose ``diversity`` and ``alignment`` are without the estimator's noise: the coefficient with it.
    """

    train: str
    probe: str
    level: int
    diversity: Estimate
    floor: Estimate
    complexity: Estimate
    split_half: Estimate | None
    alignment: Estimate | None
    published: str = ""
    plain: Estimate | None = None


@dataclass(frozen=True)
class AuditRow:
    """One control: whether it is equal over the arms, with the values seen; ``violation`` where the study said it must be equal."""

    control: str
    status: Literal["equal", "differs", "unknown"]
    detail: str
    violation: bool = False


@dataclass(frozen=True)
class Robustness:
    """A slope before and after adjustment, and how strong an unmeasured confounder would undo it (Cinelli & Hazlett 2020).

    raw, adjusted: slope per SD of x from the mixed model, without and with the covariates ``given``; unknown: covariates that are not
    known for every training set, so nothing is adjusted for them; partial_r2: share of what the covariates leave of y that x explains;
    value: robustness value, the share of what is left of both x and y that a confounder must explain to bring the adjusted slope to 0;
    value_alpha: to bring its interval at 1 - ``alpha`` to 0; strongest: the recorded covariate that would do most harm if there were
    another like it, empty where none varies; strongest_x, strongest_y: shares of x and y that it explains, given the others; left: the
    slope that one as strong would leave (sign of the adjusted), nan where it is too near to x to be bounded; sentence: all this in words,
    never stronger than the verdict. Numbers are nan where nothing could be estimated.
    """

    raw: Estimate
    adjusted: Estimate
    given: tuple[str, ...]
    unknown: tuple[str, ...]
    partial_r2: float
    value: float
    value_alpha: float
    alpha: float
    strongest: str
    strongest_x: float
    strongest_y: float
    left: float
    sentence: str


@dataclass(frozen=True)
class Finding:
    """A statement with its verdict, its estimate and the points it rests on; robustness: None where it is not about x and y."""

    name: str
    statement: str
    verdict: Verdict
    estimate: Estimate
    points: tuple[Point, ...]
    caveats: tuple[str, ...]
    run_ids: tuple[str, ...]
    robustness: Robustness | None = None

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
