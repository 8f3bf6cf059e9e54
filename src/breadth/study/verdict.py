"""The verdict rule: written down and hashed before any run, applied to the evidence afterwards, printed in every report.

The rule is conservative where it matters: a raw association that another property of the training sets could explain is never called
support unless the data tell the two apart at a level (``alpha_rival``) far stricter than that of an ordinary test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.errors import MeasureError
from breadth.stats.association import independent_columns, reliability
from breadth.stats.interval import Estimate, finite_vector
from breadth.stats.mixed import Basis, Slope, basis, check_membership, fit_mixed, least_squares, weighted_slope
from breadth.stats.power import detectable_effect, success_rate

__all__ = ["Decision", "Evidence", "Verdict", "VerdictRule", "decide", "detectable", "power"]

Floats = npt.NDArray[np.float64]
Verdict = Literal["supported", "refuted", "inconclusive", "confounded"]
_SINGULAR = 1e-6


@dataclass(frozen=True)
class VerdictRule:
    """The rule, fixed before any run.

    outcome: name of the primary outcome, for the text; smallest_effect: outcome units for one SD of x over the training sets, > 0;
    alpha: intervals are at 1 - alpha; direction: the hypothesis, "up" (accuracy) or "down" (loss) with rising x; alpha_rival: two-sided
    level at which x must be separated from a rival explanation; screen: level at which a rival counts as predicting the outcome;
    related: |correlation| with x from which a covariate can be a rival, close: from which it is too close for the shortcut of step 6;
    retained: share of the raw slope that must survive adjustment for that shortcut; least_sets: fewer training sets decide nothing.
    """

    outcome: str
    smallest_effect: float = 0.01
    alpha: float = 0.05
    direction: Literal["up", "down"] = "up"
    alpha_rival: float = 0.0002
    screen: float = 0.1
    related: float = 0.2
    close: float = 0.5
    retained: float = 0.8
    odds: float = 20.0
    least_sets: int = 8
    version: str = "1"

    def __post_init__(self) -> None:
        if self.direction not in ("up", "down"):
            raise MeasureError(f"direction is '{self.direction}'; expected 'up' (accuracy) or 'down' (loss)")
        if not self.smallest_effect > 0:
            raise MeasureError(f"smallest effect is {self.smallest_effect:g}; expected a number above 0 in units of the outcome")
        for name, value in (("alpha", self.alpha), ("alpha_rival", self.alpha_rival), ("screen", self.screen)):
            if not 0 < value < 0.5:
                raise MeasureError(f"{name} is {value:g}; expected a probability between 0 and 0.5, e.g. 0.05")

    def text(self) -> str:
        """Return the rule in numbered steps of plain English; equal rules give equal text."""
        rises = "rises" if self.direction == "up" else "falls"
        level = f"{100 * (1 - self.alpha):g} %"
        return "\n".join(
            [
                f"Verdict rule {self.version}. Outcome: {self.outcome}. Hypothesis: it {rises} with the diversity coefficient x.",
                "1. The unit is the training set; seeds are averaged. Effects are per standard deviation of x over the training sets, "
                f"and count in the hypothesised direction. The smallest effect of interest is {self.smallest_effect:g}.",
                "2. If a control that the study declared equal is violated: confounded.",
                f"3. If there are fewer than {self.least_sets} training sets, or x or the outcome does not vary beyond its measurement "
                "error: inconclusive.",
                f"4. The raw slope and its {level} interval come from a mixed model in which training sets that share domains share random "
                "domain effects. The adjusted slope comes from the same model with every covariate that varies. The within-domain slope "
                f"comes from least squares with one constant a domain; it is needed where domains predict the outcome (F test, p < "
                f"{self.screen:g}), and then also includes the rivals of step 6.",
                f"5. If the upper bound of each of these slopes, divided by the root of the reliability of x, lies below "
                f"{self.smallest_effect:g}: refuted. Otherwise, if the raw interval includes 0 or the raw slope is below "
                f"{self.smallest_effect:g}: inconclusive.",
                f"6. A raw effect is there. A covariate is a rival if its correlation with x is at least {self.related:g} in size and it "
                f"predicts the outcome by itself (p < {self.screen:g}). With a rival, x must predict the outcome better than the rival "
                f"does (larger |t|), and the adjusted slope must be positive at p < {self.alpha_rival:g}; ordinary significance is "
                f"enough where no rival's correlation reaches {self.close:g} and the adjusted slope keeps {100 * self.retained:g} % of "
                "the raw one. The within-domain slope, where needed, must pass the same test, the shortcut being open where domains "
                f"explain less than {100 * self.close:g} % of the variance of x and it keeps {100 * self.retained:g} % of the plain "
                "least-squares slope. If x fails against a rival or against the domains: confounded.",
                "7. If the adjusted interval includes 0 or the adjusted slope is below the smallest effect: confounded where a covariate "
                f"is correlated with x ({self.related:g} or more), else inconclusive. If the design leaves no adjusted slope because "
                "covariates reproduce x: confounded; because there are too few training sets: inconclusive.",
                "8. If the sign of the raw slope changes when the training sets with any one domain are left out: inconclusive.",
                "9. Otherwise: supported. This excludes only explanations that were measured: a covariate nobody recorded is not.",
            ]
        )


@dataclass(frozen=True)
class Evidence:
    """What the rule looks at, one row a training set.

    x, y: [n], y averaged over seeds; x_se: standard errors of x [n], or None (then x counts as exact); membership: share of each
    domain [n, D], rows sum to 1 (one column of ones where domains are not declared); covariates: other properties of the training
    sets by name, [n] each; audit_violations: one line for each control that was declared equal and is not.
    """

    x: npt.ArrayLike
    y: npt.ArrayLike
    membership: npt.ArrayLike
    x_se: npt.ArrayLike | None = None
    covariates: Mapping[str, npt.ArrayLike] = field(default_factory=dict)
    audit_violations: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """The verdict with its reasons, in the order of the steps, and the slopes per SD of x (in outcome units, sign as measured).

    raw, adjusted, within: Estimates, nan where the design leaves none or the step was not reached; reliability: of x, 1 where no
    error was given; rivals: covariates that could explain a raw effect; dropped: covariates that do not vary or repeat others.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    raw: Estimate
    adjusted: Estimate
    within: Estimate
    reliability: float
    rivals: tuple[str, ...]
    dropped: tuple[str, ...]


@dataclass(frozen=True)
class _Design:
    """All that does not depend on y, computed once: standardised columns and the eigenbases of the domain structure."""

    x: Floats
    names: tuple[str, ...]
    Z: Floats
    related: Floats
    dropped: tuple[str, ...]
    reliability: float
    domains: Floats
    share: float
    reproduced: bool
    space: Basis
    left_out: tuple[tuple[npt.NDArray[np.bool_], Basis, Floats], ...]
    violations: tuple[str, ...]


def _unit(v: Floats) -> Floats:
    return np.asarray((v - v.mean()) / v.std(ddof=1), dtype=np.float64)


def _design(evidence: Evidence) -> _Design:
    x = finite_vector(evidence.x, "x", least=2)
    n = x.size
    membership = check_membership(evidence.membership, n)
    columns = {name: finite_vector(values, f"covariate '{name}'") for name, values in evidence.covariates.items()}
    for name, values in columns.items():
        if values.size != n:
            raise MeasureError(f"covariate '{name}' has {values.size} values; expected {n}, one a training set")
    kept, dropped = independent_columns(columns)
    varies = float(np.ptp(x)) > 1e-12 * float(np.abs(x).max())
    scaled = _unit(x) if varies else np.zeros(n)
    Z = np.column_stack([_unit(columns[name]) for name in kept]) if kept else np.zeros((n, 0))
    left, singular, _ = np.linalg.svd(membership - membership.mean(axis=0), full_matrices=False)
    domains = left[:, singular > _SINGULAR]
    among = np.linalg.lstsq(np.column_stack([np.ones(n), Z]), scaled, rcond=None)[0]
    alone = scaled - np.column_stack([np.ones(n), Z]) @ among
    left_out = []
    for d in range(membership.shape[1]):
        rows = membership[:, d] == 0
        if 4 <= rows.sum() < n and float(np.ptp(scaled[rows])) > 1e-9:
            left_out.append((rows, basis(membership[rows]), np.column_stack([np.ones(int(rows.sum())), scaled[rows]])))
    return _Design(
        scaled,
        kept,
        Z,
        Z.T @ scaled / (n - 1),
        dropped,
        reliability(x, evidence.x_se) if varies else 0.0,
        domains,
        float(np.sum((domains.T @ scaled) ** 2) / max(float(scaled @ scaled), 1e-300)),
        varies and float(alone @ alone) < 0.01 * float(scaled @ scaled),
        basis(membership),
        tuple(left_out),
        tuple(evidence.audit_violations),
    )


def decide(evidence: Evidence, rule: VerdictRule) -> Decision:
    """Return what the rule says about the evidence. Pure and deterministic; a few milliseconds.

    Raises ``MeasureError`` for unequal lengths, numbers that are not finite, or membership rows that are not shares.
    """
    return _decide(_design(evidence), finite_vector(evidence.y, "y"), rule)


def _nothing(n: int, rule: VerdictRule, why: str) -> Estimate:
    return Estimate(float("nan"), float("nan"), float("nan"), 1 - rule.alpha, n, f"none: {why}")


def _decide(design: _Design, y: Floats, rule: VerdictRule) -> Decision:
    n = design.x.size
    if y.size != n:
        raise MeasureError(f"y has {y.size} values and x has {n}; expected one of each for every training set")
    sign = 1.0 if rule.direction == "up" else -1.0
    gain = sign * (y - y.mean())
    none = _nothing(n, rule, "not reached")
    if float(np.ptp(y)) <= 1e-12 * float(np.abs(y).max()) or not design.x.any() or n < 4:
        verdict: Verdict = "confounded" if design.violations else "inconclusive"
        reason = f"x or the outcome does not vary over the {n} training sets" if n >= 4 else f"{n} training sets are too few"
        return Decision(verdict, (*_violated(design), reason), none, none, none, design.reliability, (), design.dropped)
    model = _Models(design, gain, rule)
    verdict, reasons = _steps(design, model, rule, gain)
    return Decision(
        verdict,
        tuple(reasons),
        _signed(model.raw, sign, rule, "mixed model with domain effects"),
        _signed(model.adjusted, sign, rule, f"mixed model with domain effects and {len(design.names)} covariates"),
        _signed(model.within, sign, rule, "least squares with a constant a domain"),
        design.reliability,
        tuple(name for name, _, _ in model.rivals),
        design.dropped,
    )


def _violated(design: _Design) -> list[str]:
    return [f"control violated: {line}" for line in design.violations]


def _signed(slope: Slope | None, sign: float, rule: VerdictRule, method: str) -> Estimate:
    if slope is None or not slope.df > 0:
        return _nothing(0 if slope is None else slope.n, rule, "not needed" if slope is None else "the design leaves none")
    method = f"training sets, slope per SD of x, {method}, t with {slope.df:.1f} degrees of freedom"
    return Slope(sign * slope.value, slope.se, slope.df, slope.n).estimate(1 - rule.alpha, method)


class _Models:
    """The fits that the steps of the rule look at; everything in the hypothesised direction."""

    def __init__(self, design: _Design, gain: Floats, rule: VerdictRule) -> None:
        n, k = design.x.size, len(design.names)
        one = np.ones((n, 1))
        line = np.column_stack([one, design.x])
        fit = fit_mixed(design.space, line, gain)
        self.raw, self.ratio = fit.slope, fit.ratio
        self.plain = float(design.x @ gain) / (n - 1)
        self.too_few = n - k - 2 < 2
        undefined = Slope(float("nan"), float("nan"), 0, n)
        self.adjusted = self.raw
        if k:
            lost = self.too_few or design.reproduced
            self.adjusted = undefined if lost else fit_mixed(design.space, np.column_stack([line, design.Z]), gain).slope
        own = [
            (name, fit_mixed(design.space, np.column_stack([one, z]), gain).slope, float(r))
            for name, z, r in zip(design.names, design.Z.T, design.related, strict=True)
            if abs(r) >= rule.related
        ]
        self.rivals = [(name, slope, r) for name, slope, r in own if slope.p() < rule.screen or abs(r) >= rule.close]
        self.within: Slope | None = None
        rank = design.domains.shape[1]
        if rank and _group_p(design.domains, gain) < rule.screen:
            rivals = design.Z[:, [design.names.index(name) for name, _, _ in self.rivals]]
            self.within = least_squares(np.column_stack([design.x, one, design.domains, rivals]), gain, 0)
            if self.within.df < 3:
                self.within = undefined
        self.stable = True
        for rows, space, columns in design.left_out:
            slope = weighted_slope(space, columns, gain[rows], 1, self.ratio)
            self.stable = self.stable and not (np.isfinite(slope) and slope <= 0)


def _group_p(domains: Floats, gain: Floats) -> float:
    """Return p of the F test that domains (orthonormal, centred columns) predict centred y; 0 where too few sets leave it unknown."""
    n, rank = domains.shape
    rest = n - rank - 1
    if rest < 1:
        return 0.0
    explained = float(np.sum((domains.T @ gain) ** 2))
    error = max(float(gain @ gain) - explained, 1e-300)
    return float(special.fdtrc(rank, rest, explained / rank / (error / rest)))


def _steps(design: _Design, model: _Models, rule: VerdictRule, gain: Floats) -> tuple[Verdict, list[str]]:
    n, least = gain.size, rule.smallest_effect
    raw, adjusted, within = model.raw, model.adjusted, model.within
    fitted = [slope for slope in (raw, adjusted, within) if slope is not None and slope.df > 0]
    said = [f"raw slope in the hypothesised direction {_show(raw, rule)}, smallest effect of interest {least:g}"]
    if design.violations:
        return "confounded", _violated(design) + said
    if n < rule.least_sets:
        return "inconclusive", [*said, f"{n} training sets are fewer than the {rule.least_sets} that the rule asks for"]
    if design.reliability <= 0:
        return "inconclusive", [*said, "x does not vary beyond its measurement error (reliability 0)"]
    if design.reliability < 1:
        said.append(f"x has reliability {design.reliability:.2f}: slopes are attenuated by about that factor")
    if all(_bounds(slope, rule)[1] / design.reliability**0.5 < least for slope in fitted):
        return "refuted", [*said, f"an effect of {least:g} or more is excluded by the upper bound of every slope"]
    if _bounds(raw, rule)[0] <= 0 or raw.value < least:
        return "inconclusive", [*said, "no raw effect is shown, and an effect of interest is not excluded"]
    said.append("a raw effect is there")
    if design.names:
        said.append(f"adjusted for {', '.join(design.names)}: {_show(adjusted, rule)}")
    against = _against_rivals(design, model, rule) + _against_domains(design, model, rule)
    if against:
        return "confounded", said + against
    if adjusted.df <= 0:
        few = model.too_few and not design.reproduced
        why = "too few training sets for an adjusted slope" if few else "the covariates reproduce x, no adjusted slope exists"
        return ("inconclusive" if few else "confounded"), [*said, why]
    if _bounds(adjusted, rule)[0] <= 0 or adjusted.value < least:
        tied = bool(np.any(np.abs(design.related) >= rule.related))
        said.append("the adjusted slope " + ("includes 0" if _bounds(adjusted, rule)[0] <= 0 else "is below the smallest effect"))
        return ("confounded" if tied else "inconclusive"), said
    if not model.stable:
        return "inconclusive", [*said, "the sign of the slope changes when the training sets with one domain are left out"]
    said.append("the sign holds leaving out each domain" if design.left_out else "no domain can be left out in this design")
    return "supported", said


def _bounds(slope: Slope, rule: VerdictRule) -> tuple[float, float]:
    estimate = slope.estimate(1 - rule.alpha, "")
    return estimate.low, estimate.high


def _show(slope: Slope, rule: VerdictRule) -> str:
    if not slope.df > 0:
        return "none (the design leaves none)"
    low, high = _bounds(slope, rule)
    return f"{slope.value:.4g} [{low:.4g}, {high:.4g}]"


def _likelihood(slope: Slope) -> float:
    """Return the log likelihood ratio of a fit with this slope against the fit without it, n/2 log(1 + t^2 / df)."""
    return slope.n / 2 * float(np.log1p(slope.t**2 / slope.df))


def _separated(slope: Slope, rule: VerdictRule, shortcut: bool) -> bool:
    """Whether a slope is above 0 at the strict level, or at the ordinary one where the shortcut of step 6 is open."""
    return slope.df > 0 and slope.p("up") < (rule.alpha if shortcut else rule.alpha_rival) / 2


def _against_rivals(design: _Design, model: _Models, rule: VerdictRule) -> list[str]:
    said = [
        f"{name} (correlation with x {r:.2f}) predicts the outcome as well as x does (|t| {abs(slope.t):.1f} against {model.raw.t:.1f})"
        for name, slope, r in model.rivals
        if abs(slope.t) >= model.raw.t
    ]
    if model.rivals and model.adjusted.df > 0:
        apart = max(abs(r) for _, _, r in model.rivals) < rule.close
        if not _separated(model.adjusted, rule, apart and model.adjusted.value >= rule.retained * model.raw.value):
            names = ", ".join(name for name, _, _ in model.rivals)
            said.append(f"x is not separated from {names}: adjusted p {model.adjusted.p('up') * 2:.2g}, asked {rule.alpha_rival:g}")
    return said


def _against_domains(design: _Design, model: _Models, rule: VerdictRule) -> list[str]:
    within = model.within
    if within is None:
        return []
    if within.df <= 0:
        return ["the design cannot tell x from the difficulty of the domains: too few training sets share domains"]
    if _separated(within, rule, design.share < rule.close and within.value >= rule.retained * model.plain):
        return []
    return [f"x is not separated from domain difficulty: within-domain slope {_show(within, rule)}, p {within.p('up') * 2:.2g}"]


def _simulation(
    rule: VerdictRule, evidence: Evidence, tau: float | None, sigma: float | None
) -> tuple[_Design, Callable[[Floats], bool], float, float]:
    design = _design(evidence)
    if tau is None or sigma is None:
        y = finite_vector(evidence.y, "y", least=4)
        fit = fit_mixed(design.space, np.column_stack([np.ones(y.size), design.x]), y - y.mean())
        tau = fit.tau2**0.5 if tau is None else tau
        sigma = fit.sigma2**0.5 if sigma is None else sigma
    return design, lambda y: _decide(design, y, rule).verdict == "supported", tau, sigma


def power(
    rule: VerdictRule,
    evidence: Evidence,
    effect: float,
    *,
    tau: float | None = None,
    sigma: float | None = None,
    draws: int = 400,
    seed: int = 0,
) -> Estimate:
    """Return the probability that the rule says "supported" for a true slope of ``effect`` per SD of x as measured.

    effect: in the hypothesised direction. The design (x, membership, covariates) is held; y = effect x + M u + e is drawn ``draws``
    times and the rule itself is applied, so power and verdict cannot disagree. tau, sigma: standard deviations of domain and
    training-set effects, taken from the fitted raw model where None.
    """
    design, decided, tau, sigma = _simulation(rule, evidence, tau, sigma)
    signed = effect if rule.direction == "up" else -effect
    return success_rate(decided, signed * design.x, evidence.membership, tau, sigma, draws=draws, seed=seed)


def detectable(
    rule: VerdictRule,
    evidence: Evidence,
    *,
    tau: float | None = None,
    sigma: float | None = None,
    wanted: float = 0.8,
    draws: int = 200,
    seed: int = 0,
) -> float:
    """Return the smallest effect per SD of x that the rule calls supported with probability ``wanted`` (same simulation as ``power``).

    ``inf`` where no effect up to 64 times the noise reaches it, e.g. where covariates reproduce x.
    """
    design, decided, tau, sigma = _simulation(rule, evidence, tau, sigma)
    sign = 1.0 if rule.direction == "up" else -1.0

    def rate(effect: float) -> float:
        return success_rate(decided, sign * effect * design.x, evidence.membership, tau, sigma, draws=draws, seed=seed).value

    return detectable_effect(rate, rule.smallest_effect, 64 * (rule.smallest_effect + tau + sigma), wanted)
