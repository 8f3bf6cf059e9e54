"""Small bodies for few-shot learning: four convolution blocks (pooled or strided), and a two-layer perceptron for vectors."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from breadth.nets.body import Body

__all__ = ["ConvBody", "MlpBody"]


class ConvBody(Body):
    """Four blocks conv3x3 (pad 1, bias) - batch norm - ReLU - halving, then flatten.

    Halving is a 2x2 max pooling ("conv", the network of arXiv 1703.03400 and, with a linear head, the "5CNN" of
    arXiv 2306.13841), or stride 2 in the convolution ("conv-stride": about a quarter of the work; rounds odd sizes up).
    Batch norm: eps 1e-3, running statistics move by 5 % a batch. The published code passes 0.95, the TensorFlow convention, to
    PyTorch, where it would keep only the newest batch; the meaning is kept here, not the number.
    """

    def __init__(self, filters: int, channels: int, size: int, *, stride: bool) -> None:
        super().__init__()
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for i in range(1, 5):
            layers[f"conv{i}"] = nn.Conv2d(channels if i == 1 else filters, filters, 3, stride=2 if stride else 1, padding=1)
            layers[f"norm{i}"] = nn.BatchNorm2d(filters, eps=1e-3, momentum=0.05)
            layers[f"relu{i}"] = nn.ReLU()
            if not stride:
                layers[f"pool{i}"] = nn.MaxPool2d(2)
            size = (size + 1) // 2 if stride else size // 2
        self.features = nn.Sequential(layers)
        self.feature_dim = filters * size * size

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(self.features(x), 1)


class MlpBody(Body):
    """Two hidden layers of ``width`` ReLU units on vectors of ``inputs`` numbers, no batch norm (arXiv 2208.01545)."""

    def __init__(self, width: int, inputs: int) -> None:
        super().__init__()
        self.feature_dim = width
        self.features = nn.Sequential(
            OrderedDict(linear1=nn.Linear(inputs, width), relu1=nn.ReLU(), linear2=nn.Linear(width, width), relu2=nn.ReLU())
        )

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.features(x)
        return out
