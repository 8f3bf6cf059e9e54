"""The diversity of a mixture by its definition: all tasks of all sources as one weighted sample, jackknifed one by one."""

import numpy as np

from breadth.measure.distance import cross, pairwise
from breadth.stats.interval import jackknife


def diversity(sources, weights):
    """As breadth.measure.mixture.Mixture.diversity, of embedding arrays [M_a, D]."""

    def value(*rows):
        total = 0.0
        for a, wa in enumerate(weights):
            for b, wb in enumerate(weights):
                if a == b:
                    d = pairwise(sources[a][rows[a]])
                    total += wa * wb * d[~np.eye(len(d), dtype=bool)].mean()
                else:
                    total += wa * wb * cross(sources[a][rows[a]], sources[b][rows[b]]).mean()
        return total

    return jackknife(value, [len(h) for h in sources])


def best(d, steps=60):
    """The most diverse mixture of three sources with distances d [3, 3], on a grid."""
    grid = [(i / steps, j / steps, (steps - i - j) / steps) for i in range(steps + 1) for j in range(steps + 1 - i)]
    return max(grid, key=lambda w: np.array(w) @ d @ np.array(w))
