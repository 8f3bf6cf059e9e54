"""Small bodies, heads and sources that the tests of the room share, and the comparison they all use."""

from typing import ClassVar

import numpy as np
import torch
from torch import nn

from breadth.data.formats import from_arrays
from breadth.measure.head import Head


def close(found, expected, *, relative, floor=0.0):
    """Fail unless every entry of every layer agrees to ``relative``, or to ``floor`` times the layer's mean."""
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].shape == value.shape, name
        assert found[name].dtype == np.float64, name
        limit = np.maximum(relative * np.abs(value), floor * np.abs(value).mean())
        wrong = ~(np.abs(found[name] - value) <= limit)
        assert not wrong.any(), f"{name}: {found[name][wrong][:3]} instead of {value[wrong][:3]}"


class Odd(nn.Module):
    """Strided, dilated, grouped, depthwise, padded and 1x1 convolutions, a branch, batch norm, a linear layer over positions."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 8, (3, 5), stride=(1, 2), padding=(1, 2))
        self.norm = nn.BatchNorm2d(8)
        self.grouped = nn.Conv2d(8, 12, 3, padding="same", dilation=2, groups=4)
        self.depthwise = nn.Conv2d(12, 12, (3, 5), padding="same", groups=12, bias=False)
        self.one = nn.Conv2d(8, 12, 1, stride=2)
        self.mixed = nn.Linear(12, 7)
        self.flat = nn.BatchNorm1d(7)
        self.out = nn.Linear(7, 6)

    def forward(self, x):
        x = nn.functional.relu_(self.norm(self.stem(x)))
        a = torch.tanh(self.depthwise(torch.tanh(self.grouped(x))))
        x = a[:, :, ::2, ::2] + self.one(x)
        x = torch.tanh(self.mixed(x.flatten(2).transpose(1, 2))).transpose(1, 2)
        return self.out(torch.tanh(self.flat(x)).mean(2))


class Dense(nn.Module):
    """Linear layers with an in-place activation right after the first, and batch norm on vectors."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(3, 9), nn.LeakyReLU(0.2, inplace=True), nn.Linear(9, 8, bias=False), nn.BatchNorm1d(8), nn.Tanh()
        )

    def forward(self, x):
        return self.layers(x)


class Attention(nn.Module):
    """Self-attention with linear layers of its own and PyTorch's function for the rest."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x):
        q, k, v = (layer(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(mixed.transpose(1, 2).flatten(2))


class Words(nn.Module):
    """Words and positions, a residual attention block, a residual block of linear layers: integers [n, t] -> [n, 6]."""

    def __init__(self, positions_of=lambda t: torch.arange(t)[None]):
        super().__init__()
        self.positions_of = positions_of
        self.words, self.positions = nn.Embedding(11, 6, padding_idx=0), nn.Embedding(9, 6)
        self.norm, self.attention = nn.LayerNorm(6), Attention(6, 2)
        self.scale, self.wide, self.narrow = nn.RMSNorm(6, eps=1e-6), nn.Linear(6, 10), nn.Linear(10, 6, bias=False)

    def forward(self, ids):
        x = self.words(ids) + self.positions(self.positions_of(ids.shape[1]))
        x = x + self.attention(self.norm(x))
        x = x + self.narrow(nn.functional.gelu(self.wide(self.scale(x))))
        return x.mean(1)


def words(n, t, *, size=11, seed=0):
    """Integers [n, t] in which words repeat."""
    return torch.randint(size, (n, t), generator=torch.Generator().manual_seed(seed))


def settled(body, seed=0):
    """The body with random weights and running statistics that are not the identity."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in body.parameters():
            p.normal_(0, 0.5, generator=g)
        for m in body.modules():
            if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d):
                m.running_mean.normal_(0, 0.3, generator=g)
                m.running_var.uniform_(0.5, 2, generator=g)
    return body


def numbers(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def some_head(ways, d, seed=0, size=0.5):
    rng = np.random.default_rng(seed)
    return Head(size * rng.normal(size=(ways, d)), rng.normal(size=ways))


class Toys:
    """A toy source of coloured noise images: each class has its own mean image."""

    cache: ClassVar[dict] = {}

    @classmethod
    def images(cls, *, classes=8, per_class=12, size=16, channels=1, name="toys", seed=0):
        key = (classes, per_class, size, channels, name, seed)
        if key not in cls.cache:
            rng = np.random.default_rng(seed)
            centre = rng.integers(40, 215, (classes, 1, 4, 4, channels)).repeat(size // 4, 2).repeat(size // 4, 3)
            images = np.clip(centre + rng.normal(0, 25, (classes, per_class, size, size, channels)), 0, 255).astype(np.uint8)
            labels = np.repeat(np.arange(classes), per_class)
            cls.cache[key] = from_arrays(images.reshape(-1, size, size, channels), labels, name=name)
        return cls.cache[key]
