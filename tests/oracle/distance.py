"""The scale-free cosine distance by its definition: a Python loop over pairs and coordinates."""

import math

import numpy as np


def pairwise(H):
    """As breadth.measure.distance.pairwise."""
    out = np.zeros((len(H), len(H)))
    for i, a in enumerate(H):
        for j, b in enumerate(H):
            uv = uu = vv = 0.0
            for x, y in zip(a.tolist(), b.tolist(), strict=True):
                if x + y > 0:
                    u, v = x / (x + y), y / (x + y)
                    uv, uu, vv = uv + u * v, uu + u * u, vv + v * v
            out[i, j] = 1 - uv / math.sqrt(uu * vv) if i != j else 0.0
    return out


def published(a, b):
    """The distance as in the published code: an absolute epsilon in both denominators."""
    total = a + b + 1e-8
    u, v = a / total, b / total
    return 1 - (u @ v) / math.sqrt((u @ u) * (v @ v))


def published_mean(D):
    """The mean of a distance matrix as in the published code: of what is not zero above the diagonal."""
    upper = np.triu(D)
    return upper[upper != 0.0].mean()
