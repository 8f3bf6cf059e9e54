"""Residual bodies: ResNet-18/34 in torchvision's layout and names, and the ResNet-12 of RFS (arXiv 2003.11539)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from breadth.nets.body import Body

__all__ = ["ResNet", "ResNet12"]


def _conv3x3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs))


class _Block(nn.Module):
    """Two 3x3 convolutions and a shortcut (arXiv 1512.03385, fig. 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = _shortcut(inputs, outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet(Body):
    """ResNet-18 (``depths`` 2,2,2,2) or -34 (3,4,6,3) without its ``fc`` layer; 512 features (arXiv 1512.03385, table 1).

    The names of parameters and buffers are torchvision's. ImageNet weights expect 3 channels; any size from 32 pixels works.
    """

    def __init__(self, depths: tuple[int, int, int, int], channels: int) -> None:
        super().__init__()
        self.feature_dim = 512
        self.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        stages = []
        inputs = 64
        for i, depth in enumerate(depths):
            outputs = 64 * 2**i
            blocks = [_Block(inputs if j == 0 else outputs, outputs, 2 if i and j == 0 else 1) for j in range(depth)]
            stages.append(nn.Sequential(*blocks))
            inputs = outputs
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)


class _Block12(nn.Module):
    """Three 3x3 convolutions and a 1x1 shortcut, LeakyReLU(0.1), then 2x2 max pooling."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = _conv3x3(inputs, outputs)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _conv3x3(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.conv3 = _conv3x3(outputs, outputs)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
        out = F.leaky_relu(self.bn2(self.conv2(out)), 0.1)
        out = F.leaky_relu(self.bn3(self.conv3(out)) + self.downsample(x), 0.1)
        return F.max_pool2d(out, 2)


class ResNet12(Body):
    """ResNet-12 as in RFS: widths 64, 160, 320, 640, average pooling, 640 features; 12,424,320 parameters at 3 channels.

    RFS trains it with dropout and DropBlock, whose rate follows a hidden counter; both are left out here, so that a forward pass
    is a function of weights and inputs alone. They hold no parameters: weights trained with them load unchanged.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.feature_dim = 640
        widths = (channels, 64, 160, 320, 640)
        self.layer1, self.layer2, self.layer3, self.layer4 = (nn.Sequential(_Block12(a, b)) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
