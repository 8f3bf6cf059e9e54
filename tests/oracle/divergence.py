"""Divergences of diagonal Gaussians N(0, 1/h) by their definitions, a Python loop over filters; infinite where one side alone is zero."""

import math


def _kl(p, q):
    """KL(N(0, p) || N(0, q)) of two variances."""
    return (p / q - 1 - math.log(p / q)) / 2


def _loop(a, b, term):
    total = 0.0
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        if x == 0 and y == 0:
            continue
        if x == 0 or y == 0:
            return math.inf
        total += term(1 / x, 1 / y)
    return total


def kl(a, b):
    """As breadth.measure.divergence.kl without prior."""
    return _loop(a, b, _kl)


def jensen_shannon(a, b):
    """As breadth.measure.divergence.jensen_shannon without prior."""
    return _loop(a, b, lambda p, q: (_kl(p, (p + q) / 2) + _kl(q, (p + q) / 2)) / 2)
