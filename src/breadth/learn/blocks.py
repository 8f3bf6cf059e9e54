"""One block of a convolutional body - convolution, batch norm, ReLU, perhaps 2x2 max pooling - and its derivatives, written out.

For T tasks at once, each with weights of its own. No autograd: four functions, of which the last two are the derivatives of the first
two along a direction (marked '), which together give a Hessian times a vector (Pearlmutter 1994). With R rows of a task,
s = gamma istd, m() the mean over rows, and E = r^T columns:

    forward     z = conv(x, W)   xhat = (z - m(z)) istd   u = gamma xhat + beta   y = relu(pool(u))
    backward    a = du   B = m(a xhat)   r = a - m(a) - xhat B;   beta: R m(a)   gamma: R B   z: s r   W: s E   x: conv^T(r, s W)
    forward'    z' = conv(x, W') + conv(x', W)   p = m(z')   q = m(z' xhat)   xhat' = istd (z' - p - xhat q)
    backward'   B' = m(a' xhat) + istd m(r z')   r' = a' - m(a') - xhat' B - xhat B'   t = r' - istd q r
                beta: R m(a')   gamma: R B'   z: gamma' istd r + s t   W: gamma' istd E + s (t^T columns + r^T columns')

m(a xhat') = istd m(r z') because xhat' has mean 0 and m(r xhat) = B (1 - m(xhat^2)). A bias before batch norm cancels in z - m(z): it is
left out, and its gradient is exactly 0. The ReLU follows the pooling, which gives the same with a quarter of the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from breadth.learn.columns import Convolution, shaped

__all__ = ["Block", "Kept", "Tangent", "Weights"]


class Weights(NamedTuple):
    """Weights of a block, a direction in their space, or a gradient: w [T, o, 9 c], gamma and beta [T, 1, o]."""

    w: Tensor
    gamma: Tensor
    beta: Tensor


@dataclass
class Kept:
    """What the forward pass keeps: inputs, xhat, result y, places of the maxima; then the backward pass adds B, r and E."""

    x: Tensor
    xhat: Tensor
    mean: Tensor
    var: Tensor
    istd: Tensor
    y: Tensor
    places: Tensor | None
    slope: Tensor | None = None
    r: Tensor | None = None
    e: Tensor | None = None


class Tangent(NamedTuple):
    """What ``forward_along`` keeps: x', z', its mean and m(z' xhat)."""

    x: Tensor
    z: Tensor
    p: Tensor
    q: Tensor


@dataclass(frozen=True)
class Block:
    """A block of ``filters``; eps: of batch norm; pool: whether a 2x2 max pooling follows."""

    conv: Convolution
    filters: int
    eps: float
    pool: bool

    @property
    def out(self) -> int:
        """Pixels a side of the result."""
        return self.conv.out // 2 if self.pool else self.conv.out

    def forward(self, x: Tensor, at: Weights) -> Kept:
        """x: what ``conv.keep`` returns."""
        z = self.conv.apply([(x, at.w)])
        mean = z.mean(1, keepdim=True)
        var = z.sub_(mean).square().mean(1, keepdim=True)
        istd = (var + self.eps).rsqrt()
        xhat = z.mul_(istd)
        y, places = self.finish(torch.addcmul(at.beta, xhat, at.gamma))
        return Kept(x, xhat, mean, var, istd, y, places)

    def forward_as(self, kept: Kept, at: Weights, x: Tensor) -> Tensor:
        """Return y of other images, normalised with the statistics of the pass that ``kept`` is of; x: what ``conv.keep`` returns."""
        s = at.gamma * kept.istd
        return self.finish(torch.addcmul(at.beta - s * kept.mean, self.conv.apply([(x, at.w)]), s))[0]

    def backward(self, kept: Kept, at: Weights, dy: Tensor) -> tuple[Weights, Tensor]:
        """Return the gradients of the weights and of the images [T, n, h, w, c]; dy is that of y."""
        a, xhat = self.before_finish(dy, kept.y, kept.places), kept.xhat
        rows = a.shape[1]
        beta, gamma = a.sum(1, keepdim=True), (a * xhat).sum(1, keepdim=True)
        kept.slope = gamma / rows
        kept.r = r = a.addcmul_(xhat, kept.slope, value=-1).sub_(beta / rows)
        kept.e = self.conv.weight_gradient(kept.x, r)
        s = (at.gamma * kept.istd).mT
        return Weights(kept.e * s, gamma, beta), self.conv.input_gradient([(r, at.w * s)])

    def forward_along(self, kept: Kept, at: Weights, along: Weights, x: Tensor) -> tuple[Tangent, Tensor]:
        """Return what ``backward_along`` needs, and y'; x: ``conv.keep`` of x'."""
        z = self.conv.apply([(kept.x, along.w), (x, at.w)])
        p, q = z.mean(1, keepdim=True), (z * kept.xhat).mean(1, keepdim=True)
        s = at.gamma * kept.istd
        u = torch.addcmul(along.beta - s * p, kept.xhat, along.gamma - s * q).addcmul_(z, s)
        return Tangent(x, z, p, q), self.finish_along(u, kept.y, kept.places)

    def backward_along(self, kept: Kept, at: Weights, along: Weights, moved: Tangent, dy: Tensor) -> tuple[Weights, Tensor]:
        """Return the derivatives of what ``backward`` returned; dy: that of its dy."""
        slope, r, e = kept.slope, kept.r, kept.e
        assert slope is not None
        assert r is not None
        assert e is not None
        a, xhat, istd = self.before_finish(dy, kept.y, kept.places), kept.xhat, kept.istd
        rows = a.shape[1]
        beta = a.sum(1, keepdim=True)
        gamma = (a * xhat).sum(1, keepdim=True) + istd * (r * moved.z).sum(1, keepdim=True)
        tilt = istd * slope
        t = a.addcmul_(moved.z, tilt, value=-1).addcmul_(xhat, tilt * moved.q - gamma / rows)
        t.addcmul_(r, istd * moved.q, value=-1).add_(tilt * moved.p - beta / rows)
        s, turn = (at.gamma * istd).mT, (along.gamma * istd).mT
        new = self.conv.weight_gradient(kept.x, t).add_(self.conv.weight_gradient(moved.x, r))
        images = self.conv.input_gradient([(t, at.w * s), (r, at.w * turn + along.w * s)])
        return Weights(new.mul_(s).addcmul_(e, turn), gamma, beta), images

    def finish(self, u: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return y [T, n, h, w, o] = relu(pool(u)), u [T, R, o] being used up, and the places of the maxima."""
        if not self.pool:
            return u.relu_().view(len(u), -1, self.conv.out, self.conv.out, self.filters), None
        planes = u.view(-1, self.conv.out, self.conv.out, self.filters).permute(0, 3, 1, 2)
        y, places = torch.ops.aten.max_pool2d_with_indices(planes, [2, 2], [2, 2])
        return y.relu_().permute(0, 2, 3, 1).reshape(len(u), -1, self.out, self.out, self.filters), places

    def finish_along(self, u: Tensor, y: Tensor, places: Tensor | None) -> Tensor:
        """Return y' from u'."""
        if places is not None:
            where = places.permute(0, 2, 3, 1).reshape(len(places), -1, self.filters)
            u = u.view(len(places), -1, self.filters).gather(1, where)
        out: Tensor = torch.ops.aten.threshold_backward(u.view(y.shape), y, 0)
        return out

    def before_finish(self, dy: Tensor, y: Tensor, places: Tensor | None) -> Tensor:
        """Return the gradient of u [T, R, o], newly made, from that of y."""
        a: Tensor = torch.ops.aten.threshold_backward(dy, y, 0)
        if places is not None:
            planes = a.flatten(0, 1).permute(0, 3, 1, 2)
            like = shaped((len(planes), self.filters, self.conv.out, self.conv.out), a)
            a = torch.ops.aten.max_pool2d_with_indices_backward(planes, like, [2, 2], [2, 2], [0, 0], [1, 1], False, places)
            a = a.permute(0, 2, 3, 1)
        return a.reshape(len(y), -1, self.filters)
