"""The Gaussian benchmark: items, splits, closed-form truth and the ceiling of known class parameters."""

import math

import numpy as np
import pytest

from breadth.data.gaussian import (
    Split,
    bayes_accuracy,
    bayes_accuracy_of,
    gaussian,
    gaussian_classes,
    gaussian_truth,
)
from breadth.errors import DataError
from oracle import gaussian as oracle


def test_items_follow_their_class():
    made = gaussian(sigma=10, classes=20, per_class=4000, seed=3)
    assert (made.inputs.shape, made.inputs.dtype, made.counts) == ((80_000, 1), np.float32, (4000,) * 20)
    means, stds = gaussian_classes(sigma=10, classes=20, seed=3)
    values = made.inputs.reshape(20, 4000).astype(float)
    assert np.abs((values.mean(axis=1) - means) / (stds / math.sqrt(4000))).max() < 4.5
    assert np.abs(values.std(axis=1) / stds - 1).max() < 0.06


def test_classes_follow_the_benchmark():
    means, stds = gaussian_classes(sigma=3, mu=5, mu_s=1, sigma_s=0.01, classes=4000)
    assert abs(means.mean() - 5) < 4 * 3 / math.sqrt(4000)
    assert abs(means.std() / 3 - 1) < 0.05
    assert abs(stds.mean() - 1) < 4 * 0.01 / math.sqrt(4000)
    assert abs(stds.std() / 0.01 - 1) < 0.05
    assert (gaussian_classes(mu_s=0, sigma_s=1, classes=50)[1] > 0).all()


def test_a_class_is_a_pure_function_of_seed_split_and_number():
    few, many = (gaussian(classes=n, per_class=5, seed=1) for n in (3, 6))
    np.testing.assert_array_equal(few.inputs, many.inputs[:15])
    assert gaussian(classes=3, per_class=5, seed=2).digest != few.digest


def test_splits_share_no_class():
    means = np.concatenate([gaussian_classes(split=s)[0] for s in Split.__args__])
    assert len(np.unique(means)) == 300
    names = [set(gaussian(split=s, per_class=1).class_names) for s in Split.__args__]
    assert not names[0] & names[1]
    assert not names[1] & names[2]


@pytest.mark.parametrize(
    "sigma, published",
    [
        (1, 0.1833),
        (3, 0.5686),
        (10, 0.8600),
        (20, 0.9317),
        (30, 0.9529),
        (50, 0.9736),
        (1000, 0.9984),
    ],
)
def test_truth_agrees_with_the_published_table(sigma, published):
    # arXiv 2208.01545 estimates its values from 10,000 simulated pairs. Its value at sigma = 0.01 (3.58e-5) lies between the closed
    # form for equal spreads (2.5e-5) and the exact one (7.5e-5) and is not reproduced.
    assert gaussian_truth(sigma) == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 1, 3, 10, 30, 1000])
@pytest.mark.parametrize("mu_s, sigma_s", [(1, 0.01), (1, 0.5), (0, 1)])
def test_truth_agrees_with_simulation(sigma, mu_s, sigma_s):
    mean, error = oracle.gaussian_truth(sigma, mu_s=mu_s, sigma_s=sigma_s)
    assert error < 0.01 * mean  # or the test could not fail
    assert abs(gaussian_truth(sigma, mu_s=mu_s, sigma_s=sigma_s) - mean) < 4.5 * error


@pytest.mark.parametrize("sigma", [0.01, 1, 1000])
def test_truth_of_equal_spreads_is_closed_and_the_limit(sigma):
    closed = 1 - 1 / math.sqrt(1 + sigma**2 / 2)
    assert gaussian_truth(sigma, sigma_s=0) == pytest.approx(closed, rel=1e-9)
    assert gaussian_truth(sigma, sigma_s=1e-6) == pytest.approx(closed, rel=1e-6)


@pytest.mark.parametrize("sigma_s", [0.01, 0.3, 3.0])
def test_truth_does_not_hang_on_the_number_of_nodes(sigma_s):
    assert gaussian_truth(1, sigma_s=sigma_s) == pytest.approx(gaussian_truth(1, sigma_s=sigma_s, nodes=900), rel=1e-5)


def test_the_simulated_distance_is_the_integral_of_the_densities():
    rng = np.random.default_rng(0)
    for _ in range(5):
        (m1, m2), (s1, s2) = rng.normal(0, 2, 2), rng.uniform(0.5, 2, 2)
        v = s1**2 + s2**2
        assert oracle.squared_hellinger(m1, s1, m2, s2) == pytest.approx(
            1 - math.sqrt(2 * s1 * s2 / v) * math.exp(-((m1 - m2) ** 2) / (4 * v))
        )


@pytest.mark.parametrize("sigma", [0.01, 1, 10])
def test_ceiling_agrees_with_integrated_densities(sigma):
    rng = np.random.default_rng(1)
    means, stds = sigma * rng.standard_normal((200, 5)), np.abs(1 + 0.3 * rng.standard_normal((200, 5)))
    exact = oracle.bayes_accuracy_of(means, stds)
    found = bayes_accuracy_of(means, stds, points=2000)
    assert found.accuracy == pytest.approx(exact.mean(), abs=5e-4)
    assert found.standard_error == pytest.approx(exact.std(ddof=1) / math.sqrt(200), rel=0.05)
    assert found.tasks == 200


def test_ceiling_runs_from_chance_to_one():
    assert bayes_accuracy(0).accuracy == pytest.approx(0.2, abs=0.01)
    assert bayes_accuracy(1e5).accuracy > 0.999
    one, two = (bayes_accuracy(3, seed=s) for s in (0, 1))
    assert abs(one.accuracy - two.accuracy) < 4.5 * math.hypot(one.standard_error, two.standard_error)
    assert one == bayes_accuracy(3, seed=0)


@pytest.mark.parametrize(
    "act, message",
    [
        (
            lambda: gaussian(split="tests"),
            "unknown gaussian split 'tests'; expected one of: test, train, val; did you mean 'test'?",
        ),
        (lambda: gaussian(classes=0), "gaussian with classes=0 was asked for; expected at least 1"),
        (lambda: gaussian(per_class=0), "gaussian with per_class=0 was asked for; expected at least 1"),
        (lambda: gaussian(sigma=-1), "gaussian with sigma=-1 was asked for; expected a finite number of at least 0"),
        (lambda: gaussian_truth(math.nan), "gaussian with sigma=nan was asked for; expected a finite number of at least 0"),
        (
            lambda: gaussian_truth(1, sigma_s=-0.5),
            "gaussian with sigma_s=-0.5 was asked for; expected a finite number of at least 0",
        ),
        (
            lambda: gaussian_truth(1, mu_s=0, sigma_s=0),
            "gaussian with mu_s=0 and sigma_s=0 was asked for; expected classes with a positive spread",
        ),
        (lambda: bayes_accuracy(1, ways=1), "a ceiling over 20000 tasks of 1 ways was asked for; expected at least 2 of both"),
    ],
)
def test_errors(act, message):
    with pytest.raises(DataError) as error:
        act()
    assert str(error.value) == message
