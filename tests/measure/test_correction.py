"""Taking the noise out of a coefficient: the formula, its inverse, nulls that stay nulls, and the interval."""

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure.correction import corrected, distance_of_variance, variance_of_distance
from breadth.measure.distance import cosine
from breadth.stats.interval import Estimate, mean


def estimate(value, half=0.0, n=20):
    return Estimate(value, value - half, value + half, 0.95, n, "made")


@pytest.mark.parametrize("variance", [0.01, 0.5, 3.0, 40.0])
def test_the_formula_is_the_distance_of_log_normal_embeddings(variance):
    log_ratio = np.sqrt(variance) * np.random.default_rng(0).normal(size=2_000_000)
    assert distance_of_variance(variance) == pytest.approx(cosine(np.exp(log_ratio), np.ones(len(log_ratio))), rel=5e-3)
    assert variance_of_distance(distance_of_variance(variance)) == pytest.approx(variance)
    assert distance_of_variance(-variance) == -distance_of_variance(variance)


def test_small_distances_are_half_the_variance():
    assert distance_of_variance(1e-6) == pytest.approx(5e-7, rel=1e-4)
    assert variance_of_distance(0) == distance_of_variance(0) == 0


def test_without_noise_nothing_changes_and_noise_alone_is_nothing():
    found = corrected(estimate(0.4, 0.03), estimate(0.0))
    assert (found.value, found.low, found.high) == (pytest.approx(0.4), pytest.approx(0.37), pytest.approx(0.43))
    assert corrected(estimate(0.3), estimate(0.3)).value == pytest.approx(0)
    assert corrected(estimate(0.2), estimate(0.3)).value < 0 < corrected(estimate(0.3), estimate(0.2)).value < 0.3


def test_less_is_taken_from_large_coefficients_than_the_floor():
    taken = [d - corrected(estimate(d), estimate(0.2)).value for d in (0.2, 0.4, 0.6, 0.8)]
    assert taken[0] == pytest.approx(0.2)
    assert taken == sorted(taken, reverse=True)


def test_the_interval_holds_both_variances():
    e, f = estimate(0.5, 0.04, 200), estimate(0.3, 0.05, 200)
    found = corrected(e, f)
    rng = np.random.default_rng(0)
    draws = [
        corrected(estimate(a), estimate(b)).value
        for a, b in zip(rng.normal(0.5, 0.04 / 1.972, 2000), rng.normal(0.3, 0.05 / 1.972, 2000), strict=True)
    ]
    assert (found.high - found.low) / 2 == pytest.approx(1.966 * np.std(draws), rel=0.06)
    assert (found.n, found.method) == (400, "made; without the noise of 200 made; delta method on the variance of log ratios")
    assert corrected(e, estimate(0.3)).high < found.high


def test_what_is_no_distance_is_refused():
    for value in (-0.1, 0.995, float("nan")):
        message = f"^a mean distance of {value:g} was given; expected a number between 0 and 0.99 to remove noise from$"
        with pytest.raises(MeasureError, match=message):
            corrected(estimate(value), estimate(0.1))


def test_nulls_are_zero_on_average():
    rng, found = np.random.default_rng(0), []
    for _ in range(200):
        a, b = rng.gamma(3, 1, (2, 12, 30))
        d = np.array([cosine(x, y) for x, y in zip(a, b, strict=True)])
        found.append(corrected(mean(d[:6]), mean(d[6:])).value)
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(200)
    assert min(found) < 0 < max(found)
