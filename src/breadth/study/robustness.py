"""A slope raw and adjusted, and how strong an unmeasured confounder would undo it, in words that never say more than the verdict."""

from __future__ import annotations

import math

import numpy as np

from breadth.stats.association import Mixed, mixed_slope
from breadth.stats.interval import Estimate
from breadth.stats.sensitivity import Benchmark, Sensitivity, sensitivity
from breadth.study.finding import Robustness, Verdict
from breadth.study.readings import Metric
from breadth.study.verdict import Evidence

__all__ = ["percent", "robustness_of"]

_NAN = float("nan")


def percent(share: float) -> str:
    """Return a share as per cent to about two significant digits."""
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.1f} %"


def _yardstick(strongest: Benchmark | None, effect: float, metric: Metric) -> str:
    if strongest is None:
        return "no recorded covariate varies, so there is no yardstick for that"
    explains = (
        f"the strongest recorded covariate, {strongest.name}, explains {percent(strongest.with_x)} of diversity and "
        f"{percent(strongest.with_y)} of {metric}, given the others"
    )
    if strongest.undoes is None:
        return f"{explains}: another as close to diversity could undo any slope"
    if strongest.undoes:
        return f"{explains}, and another as strong could undo the slope"
    return f"{explains}; another as strong would leave at least {100 * strongest.left / effect:.0f} % of the slope"


def _sentence(found: Sensitivity, metric: Metric, verdict: Verdict, unknown: tuple[str, ...], adjusted: bool) -> str:
    not_known = f" Nothing is adjusted for {', '.join(unknown)}, not known for every training set." if unknown else ""
    if math.isnan(found.robustness):
        return f"No adjusted slope can be estimated, so nothing can be said of an unmeasured confounder.{not_known}"
    which = "adjusted slope" if adjusted else "slope (no covariate varies)"
    if found.robustness_alpha == 0:
        return f"The interval of the {which} holds 0: there is no effect that a confounder would have to undo.{not_known}"
    strongest = found.benchmarks[0] if found.benchmarks else None
    said = (
        f"An unmeasured confounder would have to explain {percent(found.robustness)} of the rest of both diversity and {metric} to undo "
        f"the {which}, and {percent(found.robustness_alpha)} for its {100 * (1 - found.alpha):g} % interval to reach 0; "
        f"{_yardstick(strongest, abs(found.slope.value), metric)}."
    )
    if verdict == "supported":
        return f"{said} The data cannot exclude such a confounder.{not_known}"
    return f"{said} The verdict stays {verdict}: this is about the association as estimated, not a sign of an effect.{not_known}"


def _nothing(n: int, why: str) -> Estimate:
    return Estimate(_NAN, _NAN, _NAN, _NAN, n, why)


def robustness_of(
    ev: Evidence, metric: Metric, verdict: Verdict, unknown: tuple[str, ...], alpha: float, why: str | None
) -> Robustness:
    """Return how robust the slope of a series is. why: the reason that nothing can be estimated, or None.

    The mixed model with domain effects, as in the verdict rule; ``unknown``: names of covariates that could not be had.
    """
    n = len(np.asarray(ev.x))
    if why is not None:
        e = _nothing(n, why)
        said = f"Nothing is estimated ({why}), so nothing can be said of an unmeasured confounder."
        return Robustness(e, e, (), unknown, _NAN, _NAN, _NAN, alpha, "", _NAN, _NAN, _NAN, said)
    level = 1 - alpha
    raw: Mixed = mixed_slope(ev.x, ev.y, ev.membership, level=level)
    adjusted: Mixed = mixed_slope(ev.x, ev.y, ev.membership, ev.covariates, level=level)
    found = sensitivity(ev.x, ev.y, ev.covariates, membership=ev.membership, alpha=alpha)
    strongest = found.benchmarks[0] if found.benchmarks else Benchmark("", _NAN, _NAN, _NAN)
    return Robustness(
        raw.estimate,
        adjusted.estimate,
        adjusted.used,
        unknown,
        found.partial_r2,
        found.robustness,
        found.robustness_alpha,
        alpha,
        strongest.name,
        strongest.with_x,
        strongest.with_y,
        math.copysign(1.0, found.slope.value) * strongest.left,
        _sentence(found, metric, verdict, unknown, bool(adjusted.used)),
    )
