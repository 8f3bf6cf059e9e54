"""How numbers and verdicts are put into words: no more digits than the interval bears, no stronger word than the verdict."""

from __future__ import annotations

import math
from collections.abc import Iterable

from breadth.stats.effect import ONE_PERCENT
from breadth.stats.interval import Estimate
from breadth.study import robustness
from breadth.study.finding import Analysis, Comparison, Series, Verdict

__all__ = [
    "NOT_COMPUTED",
    "NOT_ESTIMABLE",
    "VERDICT_SENTENCES",
    "distance",
    "estimate",
    "find_estimate",
    "find_p",
    "left_out",
    "number",
    "p_value",
    "percent",
    "primary_series",
    "published_points",
    "shown_series",
    "verdict_sentence",
    "winner_sentence",
    "with_interval",
]

NOT_ESTIMABLE = "not estimable"
NOT_COMPUTED = "not computed"
# Distances of 0..1 below this are what rounding leaves of 0.
ROUNDING = 1e-9

VERDICT_SENTENCES: dict[Verdict, str] = {
    "supported": (
        "In this study, training sets with a higher diversity coefficient had better scores on the evaluation suite, by at least "
        "what the rule fixed beforehand asks for, and the controls held. This is said of the data and networks named below only."
    ),
    "refuted": (
        "In this study, the benefit of diversity that was fixed beforehand as worth caring about did not appear: the interval lies "
        "below it. This is said of the data and networks named below only."
    ),
    "inconclusive": (
        "The data cannot tell. By the rule fixed beforehand, these results are neither enough to support the hypothesis nor enough "
        "to refute it, so nothing is claimed in either direction."
    ),
    "confounded": (
        "Diversity cannot be told apart from something else here: a control that had to hold did not, or another property of the "
        "training sets moves with diversity. Whatever the figure looks like, no effect of diversity is claimed."
    ),
}


def number(value: float, digits: int = 3) -> str:
    """Return ``value`` to ``digits`` decimals (significant digits below 0.01 and above 1000), "not estimable" for nan."""
    if math.isnan(value):
        return NOT_ESTIMABLE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    small_or_large = value != 0 and (abs(value) < 0.01 or abs(value) >= 1000)
    text = f"{value:.{digits}g}" if small_or_large else f"{value:.{digits}f}"
    return text.replace("-", "−")


def distance(value: float) -> float:
    """Return a distance as it is to be shown: 0 where it is nothing but rounding."""
    return 0.0 if abs(value) < ROUNDING else value


def percent(share: float) -> str:
    """Return a share as per cent, "not estimable" for nan."""
    return NOT_ESTIMABLE if math.isnan(share) else robustness.percent(share)


def published_points(series: Iterable[Series]) -> str:
    """Return a sentence that names the training sets whose x is a published value, and its source; empty where there is none."""
    given = dict.fromkeys((p.train, p.published) for s in series for p in s.points if p.published)
    if not given:
        return ""
    return f"x is a published value, not measured here, for {'; '.join(f'{train} ({source})' for train, source in given)}."


def p_value(value: float | None) -> str:
    """Return a p-value to three decimals, "< 0.001" below that, and words where there is none."""
    if value is None:
        return NOT_COMPUTED
    if math.isnan(value):
        return NOT_ESTIMABLE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def with_interval(value: float, low: float, high: float) -> str:
    """Return ``value [low, high]`` to two significant digits of the half-width; a missing interval is said, not dropped."""
    if math.isnan(value):
        return NOT_ESTIMABLE
    if math.isnan(low) or math.isnan(high):
        return f"{number(value)} [interval {NOT_ESTIMABLE}]"
    half = (high - low) / 2
    if not math.isfinite(half) or half <= 0:
        return f"{number(value)} [{number(low)}, {number(high)}]"
    decimals = min(max(1 - math.floor(math.log10(half)), 0), 9)
    said = [f"{v:.{decimals}f}".replace("-", "−") for v in (value, low, high)]
    return f"{said[0]} [{said[1]}, {said[2]}]"


def estimate(given: Estimate | None, *, why: bool = True) -> str:
    """Return value and interval of an estimate; where the value is nan, its method says why."""
    if given is None:
        return NOT_COMPUTED
    if math.isnan(given.value):
        return f"{NOT_ESTIMABLE} (n = {given.n}; {given.method})" if why and given.method else f"{NOT_ESTIMABLE} (n = {given.n})"
    return with_interval(given.value, given.low, given.high)


def find_estimate(series: Series, name: str) -> Estimate | None:
    """Return the estimate called ``name``, or the first whose name starts so (letter case aside); None where there is none."""
    wanted = name.casefold()
    exact = [e for key, e in series.estimates.items() if key.casefold() == wanted]
    return next(iter(exact + [e for key, e in series.estimates.items() if key.casefold().startswith(wanted)]), None)


def find_p(series: Series, name: str) -> float | None:
    """Return the p-value whose name starts with ``name``, None where there is none."""
    return next((p for key, p in series.p_values.items() if key.casefold().startswith(name.casefold())), None)


def left_out(series: Series) -> dict[str, Estimate]:
    """Return the estimates of the slope with one domain left out, by name."""
    return {name: e for name, e in series.estimates.items() if name.casefold().startswith("slope per sd without ")}


def primary_series(analysis: Analysis) -> Series | None:
    """Return the series that the verdict rests on: the one marked primary, else the first; None where there is no series."""
    return next((s for s in analysis.series if s.primary), next(iter(analysis.series), None))


def _mode(condition: str) -> str:
    return condition.replace("/", ",").split(",")[-1].strip().casefold()


def shown_series(analysis: Analysis) -> tuple[Series, ...]:
    """Return one series a learner and metric: the primary probe, and the evaluation condition nearest to the primary one.

    Nearest: the primary series itself, then the same condition, then the same batch-norm mode (the last part of the condition's
    name), then the first stored.
    """
    main = primary_series(analysis)
    if main is None:
        return ()
    chosen: dict[tuple[str, str], tuple[int, Series]] = {}
    for s in analysis.series:
        if s.probe != main.probe:
            continue
        rank = 0 if s is main else 1 if s.condition == main.condition else 2 if _mode(s.condition) == _mode(main.condition) else 3
        best = chosen.get((s.learner, s.metric))
        if best is None or rank < best[0]:
            chosen[s.learner, s.metric] = (rank, s)
    return tuple(s for _, s in chosen.values())


def verdict_sentence(analysis: Analysis) -> str:
    """Return the plain sentence beside the badge; a confounded verdict names the controls that were violated."""
    broken = [row.control for row in analysis.audit if row.violation]
    sentence = VERDICT_SENTENCES[analysis.verdict]
    if analysis.verdict == "confounded" and broken:
        return f"{sentence} Violated: {', '.join(broken)}."
    return sentence


def winner_sentence(comparisons: tuple[Comparison, ...]) -> str:
    """Return what may be said of pre-trained against meta-learners: a winner only where every condition names the same one, pair by pair."""
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for c in comparisons:
        if not c.described:
            pairs.setdefault((c.first, c.second), []).append(c)
    if not pairs:
        return "PT and MAML were not compared in this study."
    if len(pairs) == 1:
        return _of_pair(*next(iter(pairs.items())))
    return " ".join(f"{first} against {second}: {_of_pair((first, second), found)}" for (first, second), found in pairs.items())


def _of_pair(names: tuple[str, str], found: list[Comparison]) -> str:
    winners = {c.winner for c in found}
    count = f"{len(found)} evaluation condition{'s' if len(found) != 1 else ''}"
    if len(winners) == 1 and winners <= set(names) and len(found) >= 2:
        return f"{winners.pop()} scored higher in each of the {count}."
    if winners == {"equivalent"}:
        each = "each of the " if len(found) > 1 else ""
        margin = f"{ONE_PERCENT:g}: the published threshold, a constant of the software"
        return f"{names[0]} and {names[1]} are equivalent in {each}{count}, to within {margin}."
    if len(found) == 1:
        return "No winner is claimed: the methods were compared under one evaluation condition only."
    return f"No winner is claimed: the {count} do not all decide for the same method."
