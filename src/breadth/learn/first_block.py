"""The first block of a convolutional body: its inputs are data, so batch norm's statistics follow from one covariance a task.

Let X [R, 9 c] be the columns of a task's images minus their mean, and C = X^T X / R: both made once, for all inner steps. Then
z - m(z) = X W^T, its variance is diag(W C W^T), and what ``blocks`` computes in passes over R rows becomes products of small matrices
(notation there; G = a^T X is the one product over rows):

    forward     u = X (s W)^T + beta
    backward    B = istd diag(G W^T) / R      E = r^T X = G - R B istd W C
    forward'    q = istd diag(W' C W^T)       u' = X (s W' + (gamma' - s q) istd W)^T + beta'
    backward'   B' = istd (diag(G' W^T) + diag(G W'^T) - R B q) / R
                t^T X = G' - R istd B W' C + R (istd B q - B') istd W C - istd q E

A column of ones beside X adds beta to the product and a's sum to G.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from breadth.learn.blocks import Block, Weights

__all__ = ["FirstBlock", "FirstKept", "Inputs"]


class Inputs(NamedTuple):
    """Images of T tasks: centred columns and ones [T, R, 9 c + 1], their covariance [T, 9 c, 9 c], their mean [T, 1, 9 c]."""

    columns: Tensor
    covariance: Tensor
    centre: Tensor


@dataclass
class FirstKept:
    """What the passes keep: result y, places of the maxima, W C, 1/sd and variance [T, o, 1]; then B, G and E."""

    y: Tensor
    places: Tensor | None
    wc: Tensor
    istd: Tensor
    var: Tensor
    slope: Tensor | None = None
    g: Tensor | None = None
    e: Tensor | None = None


@dataclass(frozen=True)
class FirstBlock:
    """``block`` where its inputs are data."""

    block: Block

    def inputs(self, images: Tensor) -> Inputs:
        """images: [T, n, h, w, c]."""
        columns = self.block.conv.keep(images)
        centre = columns.mean(1, keepdim=True)
        columns = columns - centre
        covariance = torch.bmm(columns.mT, columns).div_(columns.shape[1])
        return Inputs(torch.cat([columns, torch.ones_like(columns[..., :1])], 2), covariance, centre)

    def forward(self, x: Inputs, at: Weights) -> FirstKept:
        wc = torch.matmul(at.w, x.covariance)
        var = (wc * at.w).sum(2, keepdim=True).clamp_(min=0)
        istd = (var + self.block.eps).rsqrt()
        y, places = self.block.finish(torch.bmm(x.columns, torch.cat([at.w * (at.gamma.mT * istd), at.beta.mT], 2).mT))
        return FirstKept(y, places, wc, istd, var)

    def forward_as(self, kept: FirstKept, x: Inputs, at: Weights, other: Inputs) -> Tensor:
        """Return y of ``other`` images, normalised with the statistics of the pass on x that ``kept`` is of."""
        w = at.w * (at.gamma.mT * kept.istd)
        beta = at.beta + torch.matmul(other.centre - x.centre, w.mT)
        return self.block.finish(torch.bmm(other.columns, torch.cat([w, beta.mT], 2).mT))[0]

    def mean(self, x: Inputs, at: Weights) -> Tensor:
        """Mean [T, 1, o] of z, the convolution without bias."""
        return torch.matmul(x.centre, at.w.mT)

    def backward(self, kept: FirstKept, x: Inputs, at: Weights, dy: Tensor) -> Weights:
        """Return the gradients of the weights, dy being that of y."""
        a = self.block.before_finish(dy, kept.y, kept.places)
        product = torch.bmm(a.mT, x.columns)
        kept.g, beta = product[..., :-1], product[..., -1:]
        gamma = (kept.g * at.w).sum(2, keepdim=True) * kept.istd
        kept.slope = gamma / a.shape[1]
        kept.e = kept.g - gamma * kept.istd * kept.wc
        return Weights(kept.e * (at.gamma.mT * kept.istd), gamma.mT, beta.mT)

    def forward_along(self, kept: FirstKept, x: Inputs, at: Weights, along: Weights) -> tuple[Tensor, Tensor]:
        """Return q [T, o, 1], which ``backward_along`` needs, and y'."""
        q = (along.w * kept.wc).sum(2, keepdim=True) * kept.istd
        s = at.gamma.mT * kept.istd
        w = torch.addcmul(along.w * s, at.w, (along.gamma.mT - s * q) * kept.istd)
        return q, self.block.finish_along(torch.bmm(x.columns, torch.cat([w, along.beta.mT], 2).mT), kept.y, kept.places)

    def backward_along(self, kept: FirstKept, x: Inputs, at: Weights, along: Weights, q: Tensor, dy: Tensor) -> Weights:
        """Return the derivatives of what ``backward`` returned; dy: that of its dy."""
        slope, g, e, istd = kept.slope, kept.g, kept.e, kept.istd
        assert slope is not None
        assert g is not None
        assert e is not None
        a = self.block.before_finish(dy, kept.y, kept.places)
        rows = a.shape[1]
        product = torch.bmm(a.mT, x.columns)
        new, beta = product[..., :-1], product[..., -1:]
        gamma = istd * ((new * at.w).sum(2, keepdim=True) + (g * along.w).sum(2, keepdim=True) - rows * slope * q)
        tilt = rows * istd * slope
        turned = new - tilt * torch.matmul(along.w, x.covariance) + (tilt * q - gamma) * istd * kept.wc - istd * q * e
        return Weights(turned * (at.gamma.mT * istd) + e * (along.gamma.mT * istd), gamma.mT, beta.mT)
