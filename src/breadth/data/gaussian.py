"""The 1-D Gaussian benchmark (arXiv 2208.01545), whose diversity and best possible accuracy are known without training anything.

A class is a normal distribution with mean ~ N(mu, sigma) and standard deviation ~ |N(mu_s, sigma_s)|; an item is one draw from it.
The wider the means spread, the more diverse the tasks: the truth is the expected squared Hellinger distance of two classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from breadth.data.images import LabeledSet
from breadth.errors import DataError, unknown_name
from breadth.seeds import generator

__all__ = ["Ceiling", "Split", "bayes_accuracy", "bayes_accuracy_of", "gaussian", "gaussian_classes", "gaussian_truth"]

Split = Literal["train", "val", "test"]


def gaussian_classes(
    *,
    sigma: float = 1.0,
    mu: float = 0.0,
    mu_s: float = 1.0,
    sigma_s: float = 0.01,
    classes: int = 100,
    split: Split = "train",
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return means and standard deviations of the classes: two float64 [classes].

    Class c of a split is a pure function of (seed, split, c): the splits share no class, and under one seed a wider ``sigma``
    stretches the same draws. Raises DataError for an unknown split, no class, or a spread that is negative or not finite.
    """
    if split not in get_args(Split):
        raise DataError(unknown_name("gaussian split", split, get_args(Split)))
    if classes < 1:
        raise DataError(f"gaussian with classes={classes} was asked for; expected at least 1")
    _check_spreads(sigma, mu_s, sigma_s)
    z = np.stack([generator(seed, "gaussian class", split, c).standard_normal(2) for c in range(classes)])
    return mu + sigma * z[:, 0], np.abs(mu_s + sigma_s * z[:, 1])


def gaussian(
    *,
    sigma: float = 1.0,
    mu: float = 0.0,
    mu_s: float = 1.0,
    sigma_s: float = 0.01,
    classes: int = 100,
    per_class: int = 1000,
    split: Split = "train",
    seed: int = 0,
) -> LabeledSet:
    """Return ``per_class`` draws from each class as float32 vectors [classes * per_class, 1], class by class.

    The defaults are the published benchmark: 100 classes a split, 1,000 samples a class. See ``gaussian_classes`` for the splits.
    """
    if per_class < 1:
        raise DataError(f"gaussian with per_class={per_class} was asked for; expected at least 1")
    means, stds = gaussian_classes(sigma=sigma, mu=mu, mu_s=mu_s, sigma_s=sigma_s, classes=classes, split=split, seed=seed)
    z = np.stack([generator(seed, "gaussian items", split, c).standard_normal(per_class) for c in range(classes)])
    values = (means[:, None] + stds[:, None] * z).astype(np.float32).reshape(-1, 1)
    labels = np.repeat(np.arange(classes, dtype=np.int64), per_class)
    return LabeledSet("gaussian", values, labels, tuple(f"{split} {c}" for c in range(classes)))


def _check_spreads(sigma: float, mu_s: float, sigma_s: float) -> None:
    for what, value in (("sigma", sigma), ("sigma_s", sigma_s)):
        if not (math.isfinite(value) and value >= 0):
            raise DataError(f"gaussian with {what}={value:g} was asked for; expected a finite number of at least 0")
    if not math.isfinite(mu_s) or (mu_s == 0 and sigma_s == 0):
        raise DataError(
            f"gaussian with mu_s={mu_s:g} and sigma_s={sigma_s:g} was asked for; expected classes with a positive spread"
        )


def gaussian_truth(sigma: float, *, mu_s: float = 1.0, sigma_s: float = 0.01, nodes: int = 300) -> float:
    """Return the true diversity: the expected squared Hellinger distance (0..1) of two independent classes.

    For given standard deviations s1, s2 and v = s1^2 + s2^2 the expectation over both means is closed,
        E[H^2] = 1 - sqrt(2 s1 s2 / v) / sqrt(1 + sigma^2 / v),
    which for sigma_s = 0 is 1 - 1 / sqrt(1 + sigma^2 / (2 mu_s^2)). For sigma_s > 0 the expectation over s1 and s2 is a
    Gauss-Legendre quadrature with ``nodes`` nodes a side over the folded normal density.
    """
    _check_spreads(sigma, mu_s, sigma_s)
    if sigma_s == 0:
        return -math.expm1(-0.5 * math.log1p(sigma**2 / (2 * mu_s**2)))
    s, weight = _folded_normal(mu_s, sigma_s, nodes)
    s1, s2 = s[:, None], s[None, :]
    v = s1**2 + s2**2
    # 2 s1 s2 / v = 1 - (s1 - s2)^2 / v; log1p and expm1 keep the digits where the distance is near 0.
    with np.errstate(divide="ignore"):  # log 0 is -inf, a distance of 1, for a class of zero width
        distance = -np.expm1(0.5 * np.log1p(-np.minimum((s1 - s2) ** 2 / v, 1)) - 0.5 * np.log1p(sigma**2 / v))
    return float(weight @ distance @ weight)


def _folded_normal(mu_s: float, sigma_s: float, nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes s > 0 and weights (sum 1) for expectations over s = |N(mu_s, sigma_s)|."""
    # In t = sqrt(s) the square root in the distance is smooth down to s = 0.
    low, high = math.sqrt(max(0.0, abs(mu_s) - 9 * sigma_s)), math.sqrt(abs(mu_s) + 9 * sigma_s)
    x, w = np.polynomial.legendre.leggauss(nodes)
    t = low + (high - low) * (x + 1) / 2
    s = t**2
    density = np.exp(-0.5 * ((s - mu_s) / sigma_s) ** 2) + np.exp(-0.5 * ((s + mu_s) / sigma_s) ** 2)
    weight = w * density * 2 * t
    return s, weight / weight.sum()


@dataclass(frozen=True)
class Ceiling:
    """Best possible accuracy (0..1), averaged over tasks, with its standard error over those tasks."""

    accuracy: float
    standard_error: float
    tasks: int


def bayes_accuracy(
    sigma: float,
    *,
    ways: int = 5,
    mu_s: float = 1.0,
    sigma_s: float = 0.01,
    tasks: int = 20_000,
    seed: int = 0,
) -> Ceiling:
    """Return the expected accuracy of the classifier that knows mean and spread of all ``ways`` classes of a task.

    Classes are drawn afresh for every task. No learner can do better in expectation. Raises DataError for fewer than 2 ways or
    tasks.
    """
    _check_spreads(sigma, mu_s, sigma_s)
    if ways < 2 or tasks < 2:
        raise DataError(f"a ceiling over {tasks} tasks of {ways} ways was asked for; expected at least 2 of both")
    rng = generator(seed, "gaussian ceiling")
    means = sigma * rng.standard_normal((tasks, ways))
    stds = np.abs(mu_s + sigma_s * rng.standard_normal((tasks, ways)))
    return bayes_accuracy_of(means, stds, seed=seed)


def bayes_accuracy_of(means: np.ndarray, stds: np.ndarray, *, points: int = 32, seed: int = 0) -> Ceiling:
    """Return the ceiling for given tasks: ``means`` and ``stds`` [tasks, ways] of their classes, equally likely.

    Each class is represented by ``points`` equally spaced quantiles under one random shift (unbiased), a point counts where the
    density of its own class is the highest.
    """
    from scipy.special import ndtri

    tasks, ways = means.shape
    rng = generator(seed, "gaussian quantiles")
    correct = np.zeros(tasks)
    for c in range(ways):
        level = (np.arange(points) + rng.random((tasks, 1))) / points
        x = means[:, c, None] + stds[:, c, None] * ndtri(level)
        own = _log_density(x, means[:, c, None], stds[:, c, None])
        best = np.full_like(x, -np.inf)
        for other in range(ways):
            if other != c:
                np.maximum(best, _log_density(x, means[:, other, None], stds[:, other, None]), out=best)
        correct += ((own > best) + 0.5 * (own == best)).mean(axis=1) / ways
    return Ceiling(float(correct.mean()), float(correct.std(ddof=1) / math.sqrt(tasks)), tasks)


def _log_density(x: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    out: np.ndarray = -0.5 * ((x - mean) / std) ** 2 - np.log(std)
    return out
