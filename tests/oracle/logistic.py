"""Multinomial logistic regression of one episode by the definition: Newton's method on the primal objective, float64."""

import torch
from torch.nn import functional as F


def logistic(support, labels, query, *, c=1.0):
    """As breadth.learn.heads.logistic, one episode after the other."""
    return torch.stack([_one(s.double(), labels, q.double(), c) for s, q in zip(support, query, strict=True)])


def objective(x, y, w, c):
    """1/2 |W|^2 + c * sum of cross-entropies; w [d + 1, k] is W^T above the intercept, x [n, d + 1] ends in ones."""
    return 0.5 * w[:-1].pow(2).sum() + c * F.cross_entropy(x @ w, y, reduction="sum")


def _one(features, y, query, c):
    x = F.pad(features, (0, 1), value=1.0)
    n, d = x.shape
    k = int(y.max()) + 1
    penalty = torch.ones((d, k), dtype=torch.float64)
    penalty[-1] = 1e-9  # only makes the Hessian regular: a constant in the intercept changes nothing
    w = torch.zeros((d, k), dtype=torch.float64)
    for _ in range(500):
        p = torch.softmax(x @ w, 1)
        gradient = penalty * w + c * x.T @ (p - F.one_hot(y, k))
        hessian = torch.diag(penalty.flatten())
        for i in range(n):
            hessian += c * torch.kron(torch.outer(x[i], x[i]), torch.diag(p[i]) - torch.outer(p[i], p[i]))
        step = torch.linalg.solve(hessian, gradient.flatten()).reshape(d, k)
        if gradient.norm() < 1e-9:
            break
        scale, now, slope = 1.0, objective(x, y, w, c), (gradient * step).sum()
        while objective(x, y, w - scale * step, c) > now - 1e-4 * scale * slope and scale > 1e-9:
            scale /= 2
        w = w - scale * step
    return F.pad(query, (0, 1), value=1.0) @ w
