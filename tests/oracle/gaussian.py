"""Slow, obvious twins of the closed forms of the Gaussian benchmark: simulate classes, integrate densities on a grid."""

import numpy as np


def gaussian_truth(sigma, *, mu_s=1.0, sigma_s=0.01, pairs=400_000, seed=0):
    """Mean squared Hellinger distance over random pairs of classes, and its standard error."""
    rng = np.random.default_rng(seed)
    m1, m2 = sigma * rng.standard_normal((2, pairs))
    s1, s2 = np.abs(mu_s + sigma_s * rng.standard_normal((2, pairs)))
    v = s1**2 + s2**2
    distance = 1 - np.sqrt(2 * s1 * s2 / v) * np.exp(-((m1 - m2) ** 2) / (4 * v))
    return distance.mean(), distance.std(ddof=1) / np.sqrt(pairs)


def squared_hellinger(m1, s1, m2, s2):
    """1 - integral of sqrt(p q), on a grid."""
    x = np.linspace(min(m1 - 12 * s1, m2 - 12 * s2), max(m1 + 12 * s1, m2 + 12 * s2), 200_001)
    p, q = (np.exp(-0.5 * ((x - m) / s) ** 2) / (s * np.sqrt(2 * np.pi)) for m, s in ((m1, s1), (m2, s2)))
    return 1 - np.trapezoid(np.sqrt(p * q), x)


def bayes_accuracy_of(means, stds):
    """For each task the integral of the highest class density over x, divided by the number of classes."""
    out = []
    for m, s in zip(means, stds, strict=True):
        x = np.linspace((m - 9 * s).min(), (m + 9 * s).max(), 40_001)
        densities = np.exp(-0.5 * ((x[None] - m[:, None]) / s[:, None]) ** 2) / (s[:, None] * np.sqrt(2 * np.pi))
        out.append(np.trapezoid(densities.max(axis=0), x) / len(m))
    return np.array(out)
