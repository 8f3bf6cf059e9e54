"""Made-up measurements of any number of sources, in the shape that ``breadth measure --json`` prints, with arrays to match."""

from dataclasses import asdict

import numpy as np

from breadth.report.strips import Extremes, Pair
from breadth.stats.interval import Estimate, mean_pairwise


def est(value, half=0.02, n=12, method="tasks, jackknife", level=0.95):
    return asdict(Estimate(value, value - half, value + half, level, n, method))


def make_distances(count, tasks=12, seed=0):
    """Symmetric matrices [M, M] with zero diagonal, one a source, further apart from source to source."""
    rng, made = np.random.default_rng(seed), {}
    for k in range(count):
        d = rng.uniform(0.1, 0.3, (tasks, tasks)) + 0.01 * k
        d = np.triu(d, 1)
        made[f"source_{k}"] = d + d.T
    return made


def make_measurement(count=3, *, names=None, scale=True, tasks=12):
    """Return result, distances and extremes of ``count`` sources."""
    distances = make_distances(count, tasks)
    names = names or list(distances)
    distances = dict(zip(names, distances.values(), strict=True))
    sources = []
    for k, name in enumerate(names):
        d = asdict(mean_pairwise(distances[name]))
        rivals = [
            {"name": "Vendi score", "estimate": est(20.0 - k), "size_bias": "grows with items", "note": "pixels"},
            {"name": "remote clique", "estimate": est(0.3 + 0.01 * k), "size_bias": "none", "note": ""},
        ]
        sources.append(
            {
                "name": name, "diversity": d, "floor": est(0.08, 0.01), "corrected": est(d["value"] - 0.08),
                "position": est((d["value"] - 0.05) / 0.45) if scale else None, "split_half": est(0.001), "complexity": est(9.0 + k),
                "tasks": tasks, "classes": 10, "items": 600, "rivals": rivals, "protocol": {"ways": 5},
            }
        )  # fmt: skip
    cross = [
        {"a": a, "b": b, "distance": est(0.3 + 0.01 * i + 0.003 * j)} for j, b in enumerate(names) for i, a in enumerate(names[:j])
    ]
    ends = {"floor": est(0.05), "ceiling": est(0.5)} if scale else {"floor": None, "ceiling": None}
    result = {
        "schema": 1, "version": "0.2", "probe": {"name": "conv"}, "protocol": {"ways": 5, "fingerprint": "abcdef0123456789" * 4},
        "scale": ends, "sources": sources, "cross": cross,
        "stability": [{"a": p["a"], "b": p["b"], "flip_rate": 0.05, "tasks": tasks, "n": 200} for p in cross], "seconds": 12.0,
    }  # fmt: skip
    rng = np.random.default_rng(1)
    pair = Pair(0.1, ("zero, one", "two, three"), tuple(rng.integers(0, 256, (2, 4, 8, 8, 1), dtype=np.uint8)))
    colour = Pair(0.4, ("four", "five"), tuple(rng.integers(0, 256, (2, 20, 8, 6, 3), dtype=np.uint8)))
    return result, distances, {name: Extremes(pair, colour) for name in names}
