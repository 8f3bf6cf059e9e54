"""A classifier: a body and a linear head."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from breadth.nets.body import Body, initialise
from breadth.seeds import integer

__all__ = ["Classifier", "classifier"]


class Classifier(nn.Module):
    """``head(body(x))``: inputs -> logits [n, classes]. Parameters are named ``body.*`` and ``head.*``."""

    def __init__(self, body: Body, classes: int) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.feature_dim, classes, device="meta").to_empty(device="cpu")

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(x))
        return out


def classifier(body: Body, classes: int, seed: int) -> Classifier:
    """Return ``body`` with a new head whose weights are a pure function of ``seed``: U(+-1/sqrt(feature_dim)).

    The head lies on the CPU; move the result as a whole.
    """
    net = Classifier(body, classes)
    initialise(net.head, "uniform", torch.Generator().manual_seed(integer(seed, "head")))
    return net
