"""The rival scores by their definitions: Python loops over pairs, dense matrices, plain inverses."""

import math

import numpy as np
import torch


def similarities(X, kernel="cosine", sigma=None):
    n = len(X)
    K = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            if kernel == "cosine":
                K[i, j] = X[i] @ X[j] / math.sqrt((X[i] @ X[i]) * (X[j] @ X[j]))
            else:
                K[i, j] = math.exp(-((X[i] - X[j]) ** 2).sum() / (2 * sigma**2))
    return K


def vendi(X, q=1.0, kernel="cosine", sigma=None):
    """As breadth.measure.rivals.vendi.vendi."""
    lam = np.linalg.eigvalsh(similarities(X, kernel, sigma) / len(X))
    lam = lam[lam > 1e-12]
    if q == 0:
        return float(len(lam))
    if q == 1:
        return math.exp(-sum(v * math.log(v) for v in lam))
    if q == math.inf:
        return 1 / max(lam)
    return sum(v**q for v in lam) ** (1 / (1 - q))


def distances(X):
    return np.array([[math.sqrt(((a - b) ** 2).sum()) for b in X] for a in X])


def mean_distance(X):
    """As breadth.measure.rivals.spread.mean_distance."""
    d, n = distances(X), len(X)
    return sum(d[i, j] for i in range(n) for j in range(n) if i != j) / (n * (n - 1))


def nearest_distance(X):
    """As breadth.measure.rivals.spread.nearest_distance."""
    d, n = distances(X), len(X)
    return sum(min(d[i, j] for j in range(n) if j != i) for i in range(n)) / n


def hubness(X, k):
    """As breadth.measure.rivals.spread.hubness."""
    d, n = distances(X), len(X)
    counts = [0] * n
    for i in range(n):
        for j in sorted((j for j in range(n) if j != i), key=lambda j: d[i, j])[:k]:
            counts[j] += 1
    mean = sum(counts) / n
    sd = math.sqrt(sum((c - mean) ** 2 for c in counts) / n)
    return sum(((c - mean) / sd) ** 3 for c in counts) / n


def magnitude(X, t):
    """As breadth.measure.rivals.magnitude.magnitude, for distinct items and one scale."""
    return float(np.linalg.inv(np.exp(-t * distances(X))).sum())


def gradients(body, head, x, labels):
    """Full gradients [n, parameters] of each item's cross-entropy, one autograd call an item; as gradient_features, not projected."""
    body = body.eval()
    parameters = list(body.parameters())
    w, b = (torch.from_numpy(a).to(parameters[0]) for a in (head.weight, head.bias))
    rows = []
    for i in range(len(x)):
        loss = torch.nn.functional.cross_entropy(body(x[i : i + 1]) @ w.T + b, torch.tensor(labels[i : i + 1]))
        found = torch.autograd.grad(loss, parameters)
        rows.append(torch.cat([g.flatten() for g in found]).double().numpy())
    return np.stack(rows)
