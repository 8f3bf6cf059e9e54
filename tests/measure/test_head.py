"""The head: converged, free of the features' scale and origin, warned about when it saturates; and the published schedule."""

import re
import time

import numpy as np
import pytest
import scipy.optimize
import torch

from breadth.errors import MeasureError
from breadth.measure.awslabs import awslabs_fisher
from breadth.measure.head import SaturatedHeadWarning, fit_head, fit_head_adam, initial_head, softmax


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


def adam_by_torch(x, y, ways, *, seed, steps, learning_rate=4e-4, weight_decay=1e-4):
    """The same schedule with torch.optim.Adam on the class-balanced cross-entropy, double precision, as if batches had no noise."""
    start = torch.from_numpy(initial_head(ways, x.shape[1], seed))
    w, b = start[:, :-1].clone().requires_grad_(), start[:, -1].clone().requires_grad_()
    optimizer = torch.optim.Adam([w, b], lr=learning_rate, weight_decay=weight_decay)
    balance = 1 / torch.bincount(torch.from_numpy(y)).double()
    for _ in range(steps):
        optimizer.zero_grad()
        logits = torch.from_numpy(x) @ w.T + b
        torch.nn.functional.cross_entropy(logits, torch.from_numpy(y), weight=balance).backward()
        optimizer.step()
    return w.detach().numpy(), b.detach().numpy()


def adam_by_items(x, y, ways, *, seed, steps, batch, learning_rate, weight_decay):
    """The same schedule, the moments of a mini-batch's gradient from the list of all items' gradients."""
    w = initial_head(ways, x.shape[1], seed)
    x = np.hstack([x, np.ones((len(x), 1))])
    chance = np.array([1 / ways / (y == label).sum() for label in y])
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, steps + 1):
        each = np.array([np.outer(softmax(w @ item) - np.eye(ways)[label], item) for item, label in zip(x, y, strict=True)])
        g = np.average(each, axis=0, weights=chance)
        noise = np.average((each - g) ** 2, axis=0, weights=chance) / batch
        g = g + weight_decay * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * (g**2 + noise)
        w = w - learning_rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
    return w[:, :-1], w[:, -1]


def unequal():
    x, y = data(40, 20, gap=2.0)
    return np.vstack([x, x[y == 0]]), np.concatenate([y, y[y == 0]])


def test_the_published_schedule_step_by_step():
    x, y = unequal()
    rates = {"learning_rate": 0.01, "weight_decay": 0.1}
    head = fit_head_adam(x, y, 3, seed=4, epochs=2, draws=100, batch=16, **rates)
    weight, bias = adam_by_items(x, y, 3, seed=4, steps=12, batch=16, **rates)
    np.testing.assert_allclose(head.weight, weight, atol=1e-9)
    np.testing.assert_allclose(head.bias, bias, atol=1e-9)
    p = softmax(x @ weight.T + bias)
    assert head.loss == pytest.approx(-np.log(p[np.arange(len(x)), y]).mean())
    assert head.doubt == pytest.approx((1 - p.max(1)).mean())
    assert np.abs(adam_by_items(x, y, 3, seed=4, steps=11, batch=16, **rates)[0] - weight).max() > 1e-3


def test_with_endless_batches_the_published_schedule_is_torchs_adam():
    x, y = unequal()
    head = fit_head_adam(x, y, 3, seed=4, epochs=1560, draws=10**15, batch=10**15)
    weight, bias = adam_by_torch(x, y, 3, seed=4, steps=1560)
    np.testing.assert_allclose(head.weight, weight, atol=1e-9)
    np.testing.assert_allclose(head.bias, bias, atol=1e-9)
    assert np.abs(fit_head_adam(x, y, 3, seed=4).weight - weight).max() > 0.01


def test_the_published_schedule_without_its_sampling_ends_where_sampling_ends():
    """Sampled as published (1,560 mini-batches), two seeds apart from each other and each from the schedule without sampling."""
    x, y = data(100, 64, 5, gap=2.0)
    x = x.astype(np.float32)
    identity = torch.nn.Linear(64, 64)
    identity.load_state_dict({"weight": torch.eye(64), "bias": torch.zeros(64)})
    head = fit_head_adam(x, y, 5, seed=0)
    first, second = (awslabs_fisher(identity, torch.from_numpy(x), y, 5, seed=seed)[1] for seed in (0, 1))
    apart = np.linalg.norm(first.weight - second.weight)
    assert 0 < np.linalg.norm(head.weight - first.weight) < apart
    assert head.loss == pytest.approx(first.loss, rel=0.03)
    assert head.doubt == pytest.approx(first.doubt, rel=0.03)
    # Without the noise of the batches it would end elsewhere.
    assert np.linalg.norm(adam_by_torch(x.astype(float), y, 5, seed=0, steps=1560)[0] - first.weight) > 2 * apart


def test_the_published_schedule_depends_on_the_seed_alone():
    x, y = data()
    a, b = fit_head_adam(x, y, 3, seed=1), fit_head_adam(x, y, 3, seed=1)
    assert np.array_equal(a.weight, b.weight)
    assert not np.array_equal(a.weight, fit_head_adam(x, y, 3, seed=2).weight)
    start = initial_head(3, 400, 0)
    assert start.shape == (3, 401)
    assert 0.049 < np.abs(start).max() <= 0.05
    assert np.abs(start.mean()) < 0.005


def test_the_published_schedule_warns_and_refuses():
    x, y = data(gap=1e4)
    message = r"^the head is nearly certain of every label \(mean 1 - max p = .*e[+-].. < 1e-03\): the Fisher information is "
    with pytest.warns(SaturatedHeadWarning, match=message + "close to zero; use head='ridge'$"):
        fit_head_adam(x, y, 3, seed=0)
    with pytest.raises(MeasureError, match=r"^the task's labels are \[0, 1\]; expected each of 0..2 at least once$"):
        fit_head_adam(np.eye(3), np.array([0, 1, 1]), 3, seed=0)


def test_the_published_schedule_takes_a_tenth_of_a_second():
    x, y = data(100, 512, 5)
    start = time.process_time()
    fit_head_adam(x, y, 5, seed=0)
    assert time.process_time() - start < 0.5
