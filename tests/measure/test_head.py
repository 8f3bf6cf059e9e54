"""The head: converged, free of the features' scale and origin, warned about when it saturates."""

import re
import time

import numpy as np
import pytest
import scipy.optimize

from breadth.errors import MeasureError
from breadth.measure.head import SaturatedHeadWarning, fit_head, softmax


def data(n=30, d=8, ways=3, seed=0, gap=1.0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % ways
    return rng.normal(size=(n, d)) + gap * np.eye(ways, d)[labels], labels


def objective(flat, x, labels, ways, ridge):
    """Mean cross-entropy + ridge/2 ||W||^2 on centred features of root mean square norm 1, written out."""
    x = x - x.mean(0)
    x = x / np.sqrt((x**2).sum(1).mean())
    w, b = flat[:-ways].reshape(ways, -1), flat[-ways:]
    p = softmax(x @ w.T + b)
    return -np.log(p[np.arange(len(x)), labels]).mean() + ridge / 2 * (w**2).sum()


@pytest.mark.parametrize("shape", [(30, 8), (12, 40)])
def test_the_head_is_the_minimum(shape):
    x, y = data(*shape)
    head = fit_head(x, y, 3, 0.05)
    best = scipy.optimize.minimize(
        objective,
        np.zeros(3 * shape[1] + 3),
        (x, y, 3, 0.05),
        method="L-BFGS-B",
        options={"maxfun": 10**6, "maxiter": 5000, "ftol": 1e-15, "gtol": 1e-8},
    )
    scale = np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean())
    w = best.x[:-3].reshape(3, -1) / scale
    np.testing.assert_allclose(head.weight, w, atol=2e-4 * np.abs(w).max())
    p = softmax(x @ head.weight.T + head.bias)
    np.testing.assert_allclose(p, softmax((x - x.mean(0)) @ w.T + best.x[-3:]), atol=1e-4)
    assert head.loss == pytest.approx(-np.log(p[np.arange(len(x)), y]).mean())
    assert head.doubt == pytest.approx((1 - p.max(1)).mean())


@pytest.mark.parametrize("ridge", [1e-4, 1e-2, 1.0])
def test_the_gradient_vanishes(ridge):
    x, y = data(100, 512, 5, gap=8.0)
    head = fit_head(x, y, 5, ridge)
    scale = np.sqrt(((x - x.mean(0)) ** 2).sum(1).mean())
    z, w = (x - x.mean(0)) / scale, head.weight * scale
    residual = softmax(x @ head.weight.T + head.bias) - np.eye(5)[y]
    assert np.linalg.norm(residual.T @ z / 100 + ridge * w) < 1e-7
    assert np.abs(residual.mean(0)).max() < 1e-7


def test_scale_and_origin_of_the_features_do_not_matter():
    x, y = data()
    a, b = fit_head(x, y, 3), fit_head(1000 * x + 7, y, 3)
    np.testing.assert_allclose(b.weight * 1000, a.weight, rtol=1e-6)
    np.testing.assert_allclose(softmax((1000 * x + 7) @ b.weight.T + b.bias), softmax(x @ a.weight.T + a.bias), rtol=1e-6)


def test_doubled_features_and_doubled_items_do_not_matter():
    x, y = data()
    a = fit_head(x, y, 3)
    assert fit_head(np.hstack([x, x]), y, 3).doubt == pytest.approx(a.doubt)
    np.testing.assert_allclose(fit_head(np.vstack([x, x]), np.tile(y, 2), 3).weight, a.weight, rtol=1e-6)


def test_a_saturated_head_warns():
    x, y = data(gap=100.0)
    message = r"^the head is nearly certain of every label \(mean 1 - max p = .*e-0. < 1e-03\): the Fisher information is "
    with pytest.warns(SaturatedHeadWarning, match=message + "close to zero; use a ridge larger than 1e-05$"):
        fit_head(x, y, 3, 1e-5)
    fit_head(x, y, 3)  # the default does not saturate, and a warning would be an error here


def test_a_small_task_takes_milliseconds():
    x, y = data(100, 512, 5)
    fit_head(x, y, 5)
    start = time.process_time()
    for _ in range(5):
        fit_head(x, y, 5)
    assert (time.process_time() - start) / 5 < 0.05


@pytest.mark.parametrize(
    "features, labels, ridge, message",
    [
        (
            np.ones((3, 2)),
            [0, 1, 2],
            0.1,
            "the probe gives the same feature for every item; expected some difference: choose another probe",
        ),
        (
            np.array([[np.nan], [1], [2]]),
            [0, 1, 2],
            0.1,
            "the probe's features hold NaN or infinity; expected finite numbers: check inputs and weights",
        ),
        (np.eye(3), [0, 1, 1], 0.1, "the task's labels are [0, 1]; expected each of 0..2 at least once"),
        (
            np.eye(3),
            [0, 1, 2],
            0.0,
            "the ridge of the head is 0.0; expected a positive number, else p saturates and the Fisher is zero",
        ),
    ],
)
def test_bad_input(features, labels, ridge, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        fit_head(features, np.array(labels), 3, ridge)
