"""How far an order of sources can be trusted: over other probes, batch sizes, seeds and over fewer tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from breadth.errors import MeasureError
from breadth.measure.embeddings import Embeddings
from breadth.seeds import generator
from breadth.stats.interval import Estimate, mean_pairwise

__all__ = ["FlipRate", "RankAgreement", "coefficients", "flip_by_tasks", "flip_rate", "rank_agreement"]


@dataclass(frozen=True)
class FlipRate:
    """How often "``a`` is more diverse than ``b``" changes sign.

    rate: share (0..1) of the ``n`` pairs of protocols that order the two sources differently, an equal value counting as half a
    change; higher: share of the protocols under which ``a`` has the higher coefficient; protocols: how many.
    """

    a: str
    b: str
    rate: float
    higher: float
    n: int
    protocols: int


def coefficients(embedded: Mapping[str, Mapping[str, Embeddings]]) -> dict[str, dict[str, float]]:
    """Return {protocol: {source: coefficient}} of {protocol: {source: embeddings}}."""
    return {p: {s: mean_pairwise(e.distances).value for s, e in row.items()} for p, row in embedded.items()}


def _checked(table: Mapping[str, Mapping[str, float]]) -> tuple[list[str], np.ndarray]:
    rows = list(table.items())
    if len(rows) < 2:
        raise MeasureError(
            f"coefficients under {len(rows)} protocols were given; expected two or more: measure under another probe"
        )
    names = list(rows[0][1])
    for label, row in rows[1:]:
        if set(row) != set(names):
            odd = sorted(set(row) ^ set(names))[0]
            raise MeasureError(
                f"source '{odd}' has a coefficient under only one of the protocols '{rows[0][0]}' and '{label}'; expected the same sources "
                "under every protocol"
            )
    if len(names) < 2:
        raise MeasureError(f"coefficients of {len(names)} sources were given; expected two or more")
    return names, np.array([[row[name] for name in names] for _, row in rows], dtype=np.float64)


def flip_rate(table: Mapping[str, Mapping[str, float]]) -> tuple[FlipRate, ...]:
    """Return, for every pair of sources, how often their order differs between two protocols.

    table: {protocol: {source: coefficient}}, see ``coefficients``; protocols may differ in probe, items a class, tasks or seed.
    Raises MeasureError for fewer than two protocols or sources, or where sources differ between protocols.
    """
    names, values = _checked(table)
    found = []
    for i, j in combinations(range(len(names)), 2):
        signs = np.sign(values[:, i] - values[:, j])
        changes = [abs(x - y) / 2 for x, y in combinations(signs.tolist(), 2)]
        found.append(
            FlipRate(names[i], names[j], float(np.mean(changes)), float(((signs + 1) / 2).mean()), len(changes), len(signs))
        )
    return tuple(found)


def flip_by_tasks(a: Embeddings, b: Embeddings, tasks: int, *, repeats: int = 1000, seed: int = 0, level: float = 0.95) -> Estimate:
    """Return the chance that the order of two sources turns when only ``tasks`` tasks of each are drawn.

    Stored tasks are drawn with replacement, as if they were the population; two copies of one task are no pair, which keeps the mean
    of the subsample that of all. Interval: Wilson's, over the ``repeats`` subsamples only, given these embeddings. Equal values count
    as half a turn. Raises MeasureError for fewer than 2 tasks or repeats, or for two sources of equal coefficient.
    """
    if tasks < 2 or repeats < 2:
        raise MeasureError(f"{repeats} subsamples of {tasks} tasks were asked for; expected 2 or more of both")
    da, db = a.distances, b.distances
    whole = mean_pairwise(da).value - mean_pairwise(db).value
    if whole == 0:
        raise MeasureError("the two sources have the same coefficient; expected an order that can turn")
    rng = generator(seed, "flip by tasks")
    gaps = np.array([_subsampled(da, tasks, rng) - _subsampled(db, tasks, rng) for _ in range(repeats)])
    turned = float((1 - np.sign(gaps) * np.sign(whole)).mean() / 2)
    z = float(stats.norm.ppf(0.5 + level / 2))
    centre, spread = turned + z * z / (2 * repeats), z * np.sqrt(turned * (1 - turned) / repeats + z * z / (4 * repeats**2))
    shrink = 1 + z * z / repeats
    return Estimate(
        turned,
        float((centre - spread) / shrink),
        float((centre + spread) / shrink),
        level,
        repeats,
        f"subsamples of {tasks} of {a.tasks} and {b.tasks} tasks, drawn with replacement, Wilson interval",
    )


def _subsampled(d: np.ndarray, tasks: int, rng: np.random.Generator) -> float:
    """Mean distance of pairs of different tasks among ``tasks`` that are drawn with replacement."""
    while True:
        counts = np.bincount(rng.integers(len(d), size=tasks), minlength=len(d)).astype(np.float64)
        pairs = tasks**2 - float(counts @ counts)
        if pairs > 0:
            return float(counts @ d @ counts) / pairs


@dataclass(frozen=True)
class RankAgreement:
    """Kendall's tau-b and Spearman's rho of two orders of ``n`` sources, -1 .. 1."""

    kendall: float
    spearman: float
    n: int


def rank_agreement(first: Mapping[str, float], second: Mapping[str, float]) -> RankAgreement:
    """Return how well two coefficients a source, e.g. through two probes, agree in their order of the sources.

    Raises MeasureError for fewer than 3 sources, different sources, or one value for all of them.
    """
    names, values = _checked({"first": first, "second": second})
    if len(names) < 3:
        raise MeasureError(f"orders of {len(names)} sources were compared; expected 3 or more")
    if (np.ptp(values, axis=1) == 0).any():
        raise MeasureError("all sources have one coefficient under one of the protocols; expected an order of the sources")
    return RankAgreement(float(stats.kendalltau(*values).statistic), float(stats.spearmanr(*values).statistic), len(names))
