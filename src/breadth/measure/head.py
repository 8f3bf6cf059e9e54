"""A linear softmax head on frozen features: fitted to convergence, or by the published Adam schedule; both without any sampling."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from breadth.errors import MeasureError
from breadth.seeds import generator

__all__ = [
    "RIDGE",
    "SATURATED",
    "Head",
    "SaturatedHeadWarning",
    "cross_entropy",
    "fit_head",
    "fit_head_adam",
    "initial_head",
    "softmax",
    "warn_if_saturated",
]

# Chosen on purpose, see fit_head.
RIDGE = 0.1
# mean(1 - max p) below which a head counts as saturated.
SATURATED = 1e-3


class SaturatedHeadWarning(UserWarning):
    """The head is nearly certain of every label, so the Fisher information is close to zero and dominated by rounding."""


@dataclass(frozen=True)
class Head:
    """Logits = weight @ feature + bias.

    weight: float64 [ways, d]; bias: float64 [ways]; loss: mean cross-entropy in nats on the fitted items and doubt: mean(1 - max p)
    on them, both nan where the head was not fitted here.
    """

    weight: np.ndarray
    bias: np.ndarray
    loss: float = float("nan")
    doubt: float = float("nan")


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return exp(logits) normalised over the last axis."""
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def cross_entropy(z: np.ndarray, onehot: np.ndarray) -> float:
    """Return the mean of -log softmax(z) at the labels, in nats; z: logits [n, ways]."""
    top = z.max(1)
    return float((np.log(np.exp(z - top[:, None]).sum(1)) + top - (z * onehot).sum(1)).mean())


def _conjugate_gradient(product, target: np.ndarray, tolerance: float, steps: int) -> np.ndarray:  # type: ignore[no-untyped-def]
    x, r = np.zeros_like(target), target.copy()
    d, rr = r, float((r * r).sum())
    for _ in range(steps):
        if rr <= tolerance**2:
            break
        hd = product(d)
        step = rr / float((d * hd).sum())
        x, r = x + step * d, r - step * hd
        new = float((r * r).sum())
        d, rr = r + new / rr * d, new
    return x


def _checked(features: np.ndarray, labels: np.ndarray, ways: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(features, dtype=np.float64), np.asarray(labels)
    if not np.isfinite(x).all():
        raise MeasureError("the probe's features hold NaN or infinity; expected finite numbers: check inputs and weights")
    if ways < 2 or sorted(set(y.tolist())) != list(range(ways)):
        raise MeasureError(f"the task's labels are {sorted(set(y.tolist()))}; expected each of 0..{max(ways, 2) - 1} at least once")
    return x, y


def warn_if_saturated(doubt: float, advice: str) -> None:
    """Warn SaturatedHeadWarning where mean(1 - max p) < 1e-3; ``advice`` says what to do."""
    if doubt < SATURATED:
        warnings.warn(
            f"the head is nearly certain of every label (mean 1 - max p = {doubt:.1e} < {SATURATED:.0e}): the Fisher "
            f"information is close to zero; {advice}",
            SaturatedHeadWarning,
            stacklevel=3,
        )


def fit_head(features: np.ndarray, labels: np.ndarray, ways: int, ridge: float = RIDGE, *, tolerance: float = 1e-8) -> Head:
    """Fit softmax regression: minimise mean cross-entropy + ridge/2 ||W||^2, intercept free, until ||gradient|| <= tolerance.

    features: [n, d]; labels: int [n] in 0..ways-1, each present. The features are centred (which a free intercept absorbs exactly)
    and divided by one number, their root mean squared norm, so that ``ridge`` means the same for every probe, whatever the size and
    the number of its features; both are folded back into the returned head. Features are reduced to their rank (<= n - 1) first:
    by the representer theorem nothing is lost. Newton's method with conjugate gradients, float64, no randomness.

    The classes of a small task are nearly always separable in feature space; without a ridge p becomes one-hot, the Fisher
    information vanishes and what is left of it follows single items. The default was chosen on 5-way tasks of drawings, photos,
    signs and fruit through random and trained conv nets: from 1e-4 to 1e-1 the distance of tasks with different classes, divided by
    the distance of tasks with the same classes and other items, rises (e.g. 1.06 to 1.42 on photos, 3.3 to 5.9 on fruit), and
    beyond it stays. mean(1 - max p) is then .63 to .77, chance being .8.

    Raises MeasureError for a ridge that is not positive, features that are not finite or all equal, missing classes. Warns
    SaturatedHeadWarning where mean(1 - max p) < 1e-3.
    """
    if not ridge > 0:
        raise MeasureError(f"the ridge of the head is {ridge}; expected a positive number, else p saturates and the Fisher is zero")
    x, y = _checked(features, labels, ways)
    mean = x.mean(0)
    left, s, basis = np.linalg.svd(x - mean, full_matrices=False)
    scale = float(np.sqrt((s * s).sum() / len(x)))
    if not scale > 1e-12 * (1 + float(np.abs(mean).max())):
        raise MeasureError("the probe gives the same feature for every item; expected some difference: choose another probe")
    kept = s > 1e-12 * s[0]
    z = left[:, kept] * (s[kept] / scale)
    # One extra column of ones carries the intercept; its penalty is zero.
    z = np.hstack([z, np.ones((len(z), 1))])
    penalty = np.full(z.shape[1], ridge)
    penalty[-1] = 0.0
    onehot = np.eye(ways)[y]
    w = np.zeros((ways, z.shape[1]))

    def objective(w: np.ndarray) -> float:
        return cross_entropy(z @ w.T, onehot) + 0.5 * float((penalty * w * w).sum())

    value = objective(w)
    for _ in range(100):
        p = softmax(z @ w.T)
        gradient = (p - onehot).T @ z / len(z) + penalty * w
        size = float(np.linalg.norm(gradient))
        if size <= tolerance:
            break

        def product(v: np.ndarray, p: np.ndarray = p) -> np.ndarray:
            a = z @ v.T
            a = p * (a - (p * a).sum(1, keepdims=True))
            return np.asarray(a.T @ z / len(z) + penalty * v)

        step = _conjugate_gradient(product, -gradient, min(0.1, size) * size, 10 * w.size)
        slope, rate = float((gradient * step).sum()), 1.0
        # Near the optimum the decrease is below rounding: the full Newton step is then right.
        while (new := objective(w + rate * step)) > value + 1e-4 * rate * slope + 1e-14 and rate > 1e-10:
            rate /= 2
        w, value = w + rate * step, new
    else:
        raise MeasureError(
            f"the head did not converge: gradient norm {size:.1e} after 100 Newton steps, expected {tolerance:.0e}; "
            "use a larger ridge"
        )
    weight = w[:, :-1] @ basis[kept] / scale
    doubt = float((1 - p.max(1)).mean())
    warn_if_saturated(doubt, f"use a ridge larger than {ridge:g}")
    return Head(weight, w[:, -1] - weight @ mean, cross_entropy(z @ w.T, onehot), doubt)


def initial_head(ways: int, d: int, seed: int) -> np.ndarray:
    """Return starting weights [ways, d + 1], bias last, from U(+-1/sqrt(d)), PyTorch's default for a linear layer of d inputs."""
    bound = 1 / np.sqrt(d)
    return generator(seed, "head").uniform(-bound, bound, (ways, d + 1))


def fit_head_adam(
    features: np.ndarray,
    labels: np.ndarray,
    ways: int,
    *,
    seed: int,
    epochs: int = 10,
    draws: int = 10_000,
    batch: int = 64,
    learning_rate: float = 4e-4,
    weight_decay: float = 1e-4,
) -> Head:
    """Fit a head by the schedule of the published Task2Vec code (arXiv 1902.03545), without its sampling: for old numbers.

    features: [n, d]; labels: int [n] in 0..ways-1, each present. The published code takes ``epochs`` x floor(``draws`` / ``batch``)
    steps of Adam (arXiv 1412.6980) on mini-batches drawn with replacement, each class equally often. Here each of these steps (1,560
    by default) feeds Adam's two moments with the expectations of that mini-batch gradient g and of g^2 = (E g)^2 + Var g, where Var g
    is 1/``batch`` of the variance between items: without it the steps would be longer than the published ones. Weight decay is added
    to the gradient before the moments, on the bias too, as in torch.optim.Adam. float64; the starting weights depend on ``seed`` alone.

    The result is not a minimum and depends on the scale of the features; ``fit_head`` has neither fault. Raises MeasureError for
    features that are not finite and missing classes. Warns SaturatedHeadWarning where mean(1 - max p) < 1e-3.
    """
    x, y = _checked(features, labels, ways)
    # One extra column of ones carries the bias.
    x = np.hstack([x, np.ones((len(x), 1))])
    onehot = np.eye(ways)[y]
    weights = 1 / (ways * onehot.sum(0)[y])
    weighted, squared = weights[:, None] * x, weights[:, None] * x * x
    w = initial_head(ways, x.shape[1] - 1, seed)
    mean, square = np.zeros_like(w), np.zeros_like(w)
    for step in range(1, epochs * (draws // batch) + 1):
        residual = softmax(x @ w.T) - onehot
        gradient = residual.T @ weighted
        variance = ((residual * residual).T @ squared - gradient * gradient) / batch
        gradient += weight_decay * w
        mean += 0.1 * (gradient - mean)
        square += 0.001 * (gradient * gradient + variance - square)
        w -= learning_rate / (1 - 0.9**step) * mean / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    z = x @ w.T
    doubt = float((1 - softmax(z).max(1)).mean())
    warn_if_saturated(doubt, "use head='ridge'")
    return Head(w[:, :-1], w[:, -1], cross_entropy(z, onehot), doubt)
