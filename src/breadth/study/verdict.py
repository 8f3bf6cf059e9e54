"""The verdict: the written rule applied to the evidence, step by step with its reasons, and the power of the rule itself.

The rule is conservative where it matters: a raw association that another property of the training sets could explain is never
called support unless the data tell the two apart at a level (``alpha_rival``) far stricter than that of an ordinary test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from breadth.errors import MeasureError
from breadth.stats.interval import Estimate, finite_vector
from breadth.stats.mixed import Slope, fit_mixed
from breadth.stats.power import detectable_effect, success_rate
from breadth.study.evidence import Design, Evidence, Models, prepare
from breadth.study.rule import VerdictRule

__all__ = ["Decision", "Evidence", "Verdict", "VerdictRule", "decide", "detectable", "power"]

Floats = npt.NDArray[np.float64]
Verdict = Literal["supported", "refuted", "inconclusive", "confounded"]


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


def decide(evidence: Evidence, rule: VerdictRule) -> Decision:
    """Return what the rule says about the evidence. Pure and deterministic; a few milliseconds.

    Raises ``MeasureError`` for unequal lengths, numbers that are not finite, or membership rows that are not shares.
    """
    return _decide(prepare(evidence), finite_vector(evidence.y, "y"), rule)


def _nothing(n: int, rule: VerdictRule, why: str) -> Estimate:
    return Estimate(float("nan"), float("nan"), float("nan"), 1 - rule.alpha, n, f"none: {why}")


def _decide(design: Design, y: Floats, rule: VerdictRule) -> Decision:
    n = design.x.size
    if y.size != n:
        raise MeasureError(f"y has {y.size} values and x has {n}; expected one of each for every training set")
    sign = 1.0 if rule.direction == "up" else -1.0
    gain = sign * (y - y.mean())
    none = _nothing(n, rule, "not reached")
    flat = float(np.ptp(y)) <= 1e-12 * float(np.abs(y).max()) or not design.x.any()
    if flat or n < 4:
        verdict: Verdict = "confounded" if design.violations else "inconclusive"
        reason = (
            f"x or the outcome does not vary over the {n} training sets" if flat else f"{n} training sets are too few for a slope"
        )
        return Decision(verdict, (*_violated(design), reason), none, none, none, design.reliability, (), design.dropped)
    model = Models(design, gain, rule)
    verdict, reasons = _steps(design, model, rule, n)
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


def _violated(design: Design) -> list[str]:
    return [f"control violated: {line}" for line in design.violations]


def _signed(slope: Slope | None, sign: float, rule: VerdictRule, method: str) -> Estimate:
    if slope is None or not slope.df > 0:
        return _nothing(0 if slope is None else slope.n, rule, "not needed" if slope is None else "the design leaves none")
    method = f"training sets, slope per SD of x, {method}, t with {slope.df:.1f} degrees of freedom"
    return Slope(sign * slope.value, slope.se, slope.df, slope.n).estimate(1 - rule.alpha, method)


def _steps(design: Design, model: Models, rule: VerdictRule, n: int) -> tuple[Verdict, list[str]]:
    """Apply steps 2, 3 and 5; the later ones where a raw effect is there."""
    least = f"{rule.smallest_effect:g}"
    said = [
        *_violated(design),
        f"raw slope in the hypothesised direction {_show(model.raw, rule)}, smallest effect of interest {least}",
    ]
    early = _too_little(design, rule, n)
    if design.violations or early:
        return ("confounded" if design.violations else "inconclusive"), [*said, *early]
    if design.reliability < 1:
        kept = f"{100 * design.reliability**0.5:.0f} %"
        said.append(
            f"x has reliability {design.reliability:.2f}: slopes per SD of measured x are about {kept} of those without error"
        )
    fitted = [slope for slope in (model.raw, model.adjusted, model.within) if slope is not None and slope.df > 0]
    if all(_bounds(slope, rule)[1] / design.reliability**0.5 < rule.smallest_effect for slope in fitted):
        return "refuted", [*said, f"an effect of {least} or more is excluded by the upper bound of every slope"]
    if _bounds(model.raw, rule)[0] <= 0 or model.raw.value < rule.smallest_effect:
        shown = (
            "no raw effect is shown"
            if _bounds(model.raw, rule)[0] <= 0
            else f"a raw effect is there, but it is estimated below {least}"
        )
        return "inconclusive", [*said, f"{shown}, and an effect of {least} is not excluded"]
    return _separability(design, model, rule, [*said, "a raw effect is there"])


def _too_little(design: Design, rule: VerdictRule, n: int) -> list[str]:
    if n < rule.least_sets:
        return [f"{n} training sets are fewer than the {rule.least_sets} that the rule asks for"]
    return [] if design.reliability > 0 else ["x varies no more than its measurement error (reliability 0)"]


def _separability(design: Design, model: Models, rule: VerdictRule, said: list[str]) -> tuple[Verdict, list[str]]:
    """Apply steps 6 to 9."""
    adjusted = model.adjusted
    if design.names:
        given = ", ".join(design.names)
        said = [*said, f"adjusted for {given}, the slope in the hypothesised direction is {_show(adjusted, rule)}"]
    against = _against_rivals(design, model, rule) + _against_domains(design, model, rule)
    weak = []
    if adjusted.df <= 0:
        weak = ["the covariates reproduce x" if design.reproduced else "too few training sets for an adjusted slope"]
    elif _bounds(adjusted, rule)[0] <= 0 or adjusted.value < rule.smallest_effect:
        weak = [
            "the adjusted " + ("interval includes 0" if _bounds(adjusted, rule)[0] <= 0 else "slope is below the smallest effect")
        ]
    tied = design.reproduced if adjusted.df <= 0 else bool(np.any(np.abs(design.related) >= rule.related))
    if against or weak:
        return ("confounded" if against or tied else "inconclusive"), [*said, *against, *weak]
    if not model.stable:
        return "inconclusive", [*said, "the slope is not above 0 when the training sets that hold one domain are left out"]
    return "supported", [
        *said,
        "the slope stays above 0 leaving out each domain" if design.left_out else "no domain can be left out",
    ]


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


def _against_rivals(design: Design, model: Models, rule: VerdictRule) -> list[str]:
    if design.names and model.raw.n < rule.separable:
        return [
            f"{model.raw.n} training sets are too few to separate x from {', '.join(design.names)}; {rule.separable} or more can"
        ]
    margin = float(np.log(rule.odds))
    said = [
        f"{name} (correlation with x {r:.2f}) predicts the outcome about as well as x or better (t {own.t:.1f}, {model.raw.t:.1f})"
        for name, own, r in model.rivals
        if _likelihood(model.raw) - _likelihood(own) < margin
    ]
    if model.rivals and model.adjusted.df > 0:
        apart = max(abs(r) for _, _, r in model.rivals) < rule.close
        if not _separated(model.adjusted, rule, apart and model.adjusted.value >= rule.retained * model.raw.value):
            names = ", ".join(name for name, _, _ in model.rivals)
            said.append(f"x is not separated from {names}: adjusted {_one_sided(model.adjusted, rule)}")
    return said


def _against_domains(design: Design, model: Models, rule: VerdictRule) -> list[str]:
    within = model.within
    if within is None:
        return []
    if within.df <= 0:
        return ["the design leaves no slope within domains, so x cannot be told from the difficulty of the domains"]
    if model.raw.n < rule.separable:
        return [
            f"{model.raw.n} training sets are too few to separate x from the difficulty of the domains; {rule.separable} or more can"
        ]
    if _separated(within, rule, design.share < rule.close and within.value >= rule.retained * model.plain):
        return []
    return [f"x is not separated from domain difficulty: within-domain slope {_show(within, rule)}, {_one_sided(within, rule)}"]


def _one_sided(slope: Slope, rule: VerdictRule) -> str:
    """How likely a slope so far in the hypothesised direction is without an effect; near 1 where it points the other way."""
    return f"one-sided p {slope.p('up'):.2g}, asked below {rule.alpha_rival / 2:.2g}"


def _hopeless(design: Design, rule: VerdictRule) -> bool:
    """Whether the design alone, whatever the outcome, keeps the rule from ever saying "supported"."""
    n, k = design.x.size, len(design.names)
    return bool(
        design.violations
        or n < max(rule.least_sets, 4)
        or not design.x.any()
        or design.reliability <= 0
        or (k and (n < rule.separable or design.reproduced or n - k - 2 < 2))
    )


def _simulation(
    rule: VerdictRule, evidence: Evidence, tau: float | None, sigma: float | None
) -> tuple[Design, Callable[[Floats], bool], float, float]:
    design = prepare(evidence)
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
    draws: int = 100,
    seed: int = 0,
) -> float:
    """Return the smallest effect per SD of x that the rule calls supported with probability ``wanted`` (simulated as in ``power``).

    ``inf`` means none: no effect up to 64 times the noise reaches it, or the rule can never say "supported" of this design (too few
    training sets, a violated control, x without variation or all error, covariates that reproduce x or cannot be separated from it
    by so few sets); the latter is told without any simulation.
    """
    if _hopeless(prepare(evidence), rule):
        return float("inf")
    design, decided, tau, sigma = _simulation(rule, evidence, tau, sigma)
    sign = 1.0 if rule.direction == "up" else -1.0

    def rate(effect: float) -> float:
        return success_rate(decided, sign * effect * design.x, evidence.membership, tau, sigma, draws=draws, seed=seed).value

    return detectable_effect(rate, rule.smallest_effect, 64 * (rule.smallest_effect + tau + sigma), wanted)
