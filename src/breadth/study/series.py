"""One learner, metric and condition against one probe's diversity coefficient: points, line and statistics over training sets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

from breadth.stats.association import (
    adjusted_slope,
    attenuation,
    leave_one_domain_out,
    mixed_slope,
    partial_correlation,
    permutation_p,
    quadratic,
)
from breadth.stats.blocked import blocked_pearson, blocked_spearman
from breadth.stats.interval import Estimate, mean, t_quantile
from breadth.study.finding import Fit, Point
from breadth.study.readings import Readings, Scored, origin_of
from breadth.study.verdict import Evidence

__all__ = ["LEVEL", "bars_of", "evidence_of", "line", "points_of", "seed_points_of", "statistics", "why_not"]

LEVEL = 0.95


def _standard_error(e: Estimate) -> float:
    """Half-width over the quantile; the normal one where a published value does not say over how many tasks it is."""
    reach = t_quantile(0.5 + e.level / 2, e.n - 1) if e.n > 1 else float(special.ndtri(0.5 + e.level / 2))
    return (e.high - e.low) / 2 / reach


def evidence_of(readings: Readings, scored: Scored, probe: str, violations: tuple[str, ...]) -> Evidence:
    """What the verdict rule looks at: x with its errors, y averaged over seeds and episodes, shares of domains, covariates, violations."""
    xs = readings.measured(scored.sets, probe, "diversity")
    # A published value that came without an interval counts as exact, and is said to; the errors of the others still count.
    bare = [s.published is not None and s.published.low is None for s in scored.sets]
    se = np.array([0.0 if none else _standard_error(e) for e, none in zip(xs, bare, strict=True)])
    return Evidence(
        np.array([e.value for e in xs]),
        scored.means,
        readings.membership(scored.sets),
        se if np.isfinite(se).all() else None,
        readings.covariates(scored.sets, probe),
        violations,
    )


def bars_of(scored: Scored) -> str:
    """What the vertical bars of ``points_of`` are over."""
    seeds, count = len(scored.seeds), scored.values.shape[2]
    if seeds == 1:
        return f"over the {count} {scored.items} of the suite, one seed a training set"
    return f"over {seeds} seeds, their spread pooled over training sets"


def _score_intervals(scored: Scored) -> list[tuple[float, float, float]]:
    sets, seeds, _ = scored.values.shape
    if not np.isfinite(scored.values).all():
        return [(float(m), float("nan"), float("nan")) for m in scored.means]
    if seeds == 1:
        return [(e.value, e.low, e.high) for e in (mean(v[0], LEVEL) for v in scored.values)]
    by_seed = scored.values.mean(2)
    half = t_quantile(0.5 + LEVEL / 2, sets * (seeds - 1)) * float(np.sqrt(by_seed.var(1, ddof=1).mean() / seeds))
    return [(float(m), float(m - half), float(m + half)) for m in by_seed.mean(1)]


def points_of(scored: Scored, xs: list[Estimate], learner: str) -> tuple[Point, ...]:
    """One point a training set, mean over seeds; for the interval of y see ``bars_of``."""
    return tuple(
        Point(s.name, learner, None, x.value, x.low, x.high, y, low, high, s.level, origin_of(s))
        for s, x, (y, low, high) in zip(scored.sets, xs, _score_intervals(scored), strict=True)
    )


def seed_points_of(scored: Scored, xs: list[Estimate], learner: str) -> tuple[Point, ...]:
    """One point a training set and seed; the interval of y is over the episodes of the suite, nan where an episode diverged."""
    nan = float("nan")
    points = []
    for s, x, of_set in zip(scored.sets, xs, scored.values, strict=True):
        for seed, values in zip(scored.seeds, of_set, strict=True):
            e = mean(values, LEVEL) if np.isfinite(values).all() else Estimate(nan, nan, nan, LEVEL, len(values), "")
            points.append(Point(s.name, learner, seed, x.value, x.low, x.high, e.value, e.low, e.high, s.level, origin_of(s)))
    return tuple(points)


def why_not(ev: Evidence) -> str | None:
    """Why no statistic can be computed, or None."""
    x, y = np.asarray(ev.x, dtype=np.float64), np.asarray(ev.y, dtype=np.float64)
    diverged = int((~np.isfinite(y)).sum())
    if diverged:
        return f"{diverged} of {len(y)} training sets have episodes in which the learner diverged, so nothing is estimated"
    if len(y) < 4:
        return f"{len(y)} training sets are too few for statistics; 4 are needed, and 8 for a verdict"
    if float(np.ptp(x)) == 0 or float(np.ptp(y)) == 0:
        return "the diversity coefficient or the score is the same for all training sets"
    return None


def line(ev: Evidence) -> Fit:
    """Least-squares line with its pointwise t interval on a grid over the range of x; empty where there is none."""
    if why_not(ev):
        return Fit((), (), (), ())
    x, y = np.asarray(ev.x, dtype=np.float64), np.asarray(ev.y, dtype=np.float64)
    grid = np.linspace(x.min(), x.max(), 41)
    n, centre = len(x), x.mean()
    spread = float(((x - centre) ** 2).sum())
    b = float(((x - centre) * (y - y.mean())).sum()) / spread
    fitted = y.mean() + b * (grid - centre)
    residual = float(((y - y.mean() - b * (x - centre)) ** 2).sum())
    half = t_quantile(0.5 + LEVEL / 2, n - 2) * np.sqrt(residual / (n - 2) * (1 / n + (grid - centre) ** 2 / spread))
    return Fit(tuple(grid.tolist()), tuple(fitted.tolist()), tuple((fitted - half).tolist()), tuple((fitted + half).tolist()))


def statistics(
    ev: Evidence, levels: npt.ArrayLike, domains: tuple[str, ...], seed: int
) -> tuple[dict[str, Estimate], dict[str, float], tuple[str, ...]]:
    """Estimates by name, p values by name, and notes; nothing but a note where no statistic can be computed."""
    reason = why_not(ev)
    if reason:
        return {}, {"permutation": float("nan")}, (reason,)
    x, y, m, z = np.asarray(ev.x), np.asarray(ev.y), ev.membership, ev.covariates
    partial, adjusted = partial_correlation(x, y, z), adjusted_slope(x, y, z)
    mixed, mixed_adjusted = mixed_slope(x, y, m), mixed_slope(x, y, m, z)
    bend = quadratic(x, y)
    estimates = {
        "Pearson r": blocked_pearson(x, y, m, seed=seed),
        "Spearman rho": blocked_spearman(x, y, m, seed=seed),
        "slope per SD": mixed.estimate,
        f"adjusted slope per SD, given {', '.join(mixed_adjusted.used) or 'nothing'}": mixed_adjusted.estimate,
        f"partial correlation given {', '.join(partial.used) or 'nothing'}": partial.estimate,
        f"least-squares adjusted slope per SD, given {', '.join(adjusted.used) or 'nothing'}": adjusted.estimate,
    }
    if len(set(np.asarray(levels).tolist())) > 1:
        estimates["Spearman rho with number of domains"] = blocked_spearman(levels, y, m, seed=seed)
    for name, e in leave_one_domain_out(x, y, m, domains).items():
        estimates[f"slope per SD without {name}"] = e
    p = {"permutation": permutation_p(x, y, membership=m, seed=seed), "bend (quadratic term)": bend.p}
    notes = [f"shape: {bend.shape}"]
    if ev.x_se is not None:
        notes.append(attenuation(x, ev.x_se))
    return estimates, p, tuple(notes)
