"""Classifiers on frozen features, fitted for many episodes at once: logistic regression and nearest centroid.

Shapes: E episodes, n support and q query items an episode, d features, k classes; labels 0 .. k-1, the same in every episode.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.errors import BreadthError

__all__ = ["centroid", "logistic"]

_CAP = 400
_ELEMENTS = 4_000_000
_TOLERANCE = 1e-5
_CURVATURE = 0.35
_MOMENTUM = 0.3


def logistic(support: Tensor, labels: Tensor, query: Tensor, *, c: float = 1.0) -> Tensor:
    """Return logits [E, q, k] of multinomial logistic regression fitted on each support set.

    support [E, n, d], labels [n], query [E, q, d]. Objective as in scikit-learn: 1/2 |W|^2 + c * sum of cross-entropies, intercept
    not penalised. Solved in the dual, W = X^T A with K = X X^T, where the optimum is
        A = c (Y - softmax(K A + 1 b^T)),   1^T A = 0.
    The Hessian of log-sum-exp is at most 1/2 I (Boehning 1992), so one factorisation of
        M = [[I + c h K, c h 1], [1^T, 0]]
    an episode serves all iterations. With h = 1/2 each of them descends; with any h above 1/4 too, as the Hessian then stays below
    2 M, and towards the solution, where curvatures are smaller, faster. Momentum (at most 0.3; stable for all curvatures up to
    1/2 where 1/(2h) - 1 < 1/(1 + 0.6)) shortens them again, and they end where A and b are within about 1e-5.
    What has not converged after 400 (features of large norm) is finished by Newton steps in float64. Raises BreadthError where even
    that does not converge.
    """
    episodes, n = support.shape[:2]
    y = F.one_hot(labels, int(labels.max()) + 1).to(support).T
    gram = support @ support.mT
    one = torch.ones_like(gram[:, :, :1])
    reach = torch.cat([gram, one.mT], 1)  # logits of the support = w @ reach
    top = torch.cat([torch.eye(n).to(gram) + c * _CURVATURE * gram, c * _CURVATURE * one], 2)
    # Steps keep 1^T A = 0, so that M's last equation asks for nothing and its column of the inverse is not needed.
    inverse = torch.linalg.inv_ex(torch.cat([top, F.pad(one.mT, (0, 1))], 1))[0].mT[:, :n].contiguous()
    # Classes in rows: a softmax over rows of items runs at full vector width, one over a handful of columns does not.
    w = support.new_zeros((episodes, len(y), n + 1))  # A^T beside b^T
    ahead, wanted = w, c * y
    for i in range(_CAP):
        residual = torch.sub(wanted, torch.softmax(ahead @ reach, -2), alpha=c).sub_(ahead[..., :n])
        new = torch.baddbmm(ahead, residual, inverse)
        if i % 2:
            # A sequence that came so near at a steady rate in i steps has about i / 12 such steps left, as log(1/tolerance) is 12.
            left = (new - ahead).abs_().amax((1, 2)) * max(1.0, i / 12)
            if bool((left < _TOLERANCE).all()):
                w = new
                break
        ahead = torch.lerp(w, new, 1 + min(i / (i + 3), _MOMENTUM))
        w = new
    else:
        bad = ~(left < _TOLERANCE)  # not a number is bad, too
        several = max(1, _ELEMENTS // y.numel() ** 2)  # a system of n k equations an episode
        pieces = zip(torch.split(w[bad], several), torch.split(support[bad], several), strict=True)
        w[bad] = torch.cat([_newton(w0, x, y, c) for w0, x in pieces])
    return torch.baddbmm(w[..., n:], w[..., :n] @ support, query.mT).mT


def _residual(w: Tensor, gram: Tensor, y: Tensor, c: float) -> Tensor:
    """What the equations leave: w [E, k, n+1], y [k, n] -> [E, k, n+1]."""
    a, b = w[..., :-1], w[..., -1:]
    return torch.cat([c * (y - torch.softmax(a @ gram + b, -2)) - a, -a.sum(-1, keepdim=True)], -1)


def _newton(start: Tensor, support: Tensor, y: Tensor, c: float) -> Tensor:
    """Newton's method with step halving, on the equations themselves, in float64: start [E, k, n+1], support [E, n, d] -> [E, k, n+1]."""
    (k, n), size = y.shape, start[0].numel()
    x, y = support.double(), y.double()
    gram = x @ x.transpose(1, 2)
    w = torch.where(start.isfinite(), start, 0).double().transpose(1, 2)
    eye = torch.eye(k).to(w)
    reach = torch.cat([gram, torch.ones_like(gram[..., :1])], 2)  # logits = reach @ w
    # d residual of A's rows, and of the sums; b is determined up to a constant, which the ones below keep where it is.
    fixed = torch.kron(torch.cat([torch.eye(n, n + 1), F.pad(torch.ones((1, n)), (0, 1))]).to(w), eye)
    fixed[-k:, -k:] += 1
    for _ in range(100):
        residual = _residual(w.transpose(1, 2), gram, y, c).transpose(1, 2)
        p = torch.softmax(reach @ w, 2)
        curve = c * (p[..., None] * eye - p[..., None] * p[..., None, :])  # [E, n, k, k]
        system = (curve[:, :, :, None, :] * reach[:, :, None, :, None]).reshape(-1, n * k, size)
        system = F.pad(system, (0, 0, 0, k)) + fixed
        step, singular = torch.linalg.solve_ex(system, residual.reshape(-1, size, 1))
        if singular.any():
            break
        step = step.reshape(w.shape)
        scale = torch.ones_like(w[:, :1, :1])
        for _ in range(30):
            size_now = _residual((w + scale * step).transpose(1, 2), gram, y, c).flatten(1).norm(dim=1)
            short = size_now > (1 - scale[:, 0, 0] / 4) * residual.flatten(1).norm(dim=1)
            short &= step.abs().amax((1, 2)) > _TOLERANCE  # near the solution rounding decides, and halving has no end
            if not short.any():
                break
            scale[short] /= 2
        w = w + scale * step
        if float((scale * step).abs().max()) < _TOLERANCE:
            return torch.transpose(w, 1, 2).to(start)
    raise BreadthError(
        "logistic regression did not converge on the features of an episode (their norms are too large); "
        "use the head on L2-normalised features"
    )


def centroid(support: Tensor, labels: Tensor, query: Tensor) -> Tensor:
    """Return logits [E, q, k]: minus the squared Euclidean distance to each class mean (arXiv 1703.05175, eq. 2)."""
    k = int(labels.max()) + 1
    membership = F.one_hot(labels, k).to(support.dtype)
    means = membership.T @ support / membership.sum(0)[:, None]
    return -(query.pow(2).sum(2, keepdim=True) - 2 * query @ means.transpose(1, 2) + means.pow(2).sum(2)[:, None])
