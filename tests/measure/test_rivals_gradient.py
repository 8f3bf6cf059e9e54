"""Projected gradients against the full ones by autograd: inner products on average, their error, and what must be left alone."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from breadth.errors import MeasureError
from breadth.measure.rivals.gradient import COPIES, gradient_features
from breadth.measure.rivals.vendi import vendi
from breadth.nets.build import Architecture, build
from measure.toys import Dense, Odd, numbers, settled, some_head
from oracle.rivals import gradients

DOUBLE = torch.float64
LABELS = np.array([0, 1, 2, 1, 0, 2])


class Words(nn.Module):
    """Tokens in, layer normalisation, and a bias alone: layers that the Fisher has no rule for."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 5)
        self.norm = nn.LayerNorm(5)
        self.mix = nn.Linear(5, 6)

    def forward(self, x):
        return torch.tanh(self.mix(self.norm(self.embed(x)))).mean(1)


CASES = {
    "odd convolutions": (lambda: settled(Odd()).double(), lambda: numbers(6, 2, 10, 12, dtype=DOUBLE), 6),
    "dense": (lambda: settled(Dense()).double(), lambda: numbers(6, 3, dtype=DOUBLE), 8),
    "words": (lambda: settled(Words()).double(), lambda: torch.arange(42).reshape(6, 7) * 5 % 11, 6),
}


def test_wide_enough_a_projection_is_a_permutation_with_signs():
    body = nn.Sequential(nn.Linear(3, 40, bias=False), nn.Tanh()).double()
    x, head = numbers(6, 3, dtype=DOUBLE), some_head(3, 40)
    full = gradients(body, head, x, LABELS)
    found = gradient_features(body, head, x, LABELS, dim=121)
    np.testing.assert_allclose(np.sort(np.abs(found))[:, 1:], np.sort(np.abs(full)), rtol=1e-10)
    np.testing.assert_allclose(found @ found.T, full @ full.T, rtol=1e-10)


@pytest.mark.parametrize("case", CASES)
def test_inner_products_are_right_on_average(case):
    make, inputs, d = CASES[case]
    body, x = make(), inputs()
    head = some_head(3, d)
    full = gradients(body, head, x, LABELS)
    exact, repeats, dim = full @ full.T, 120, 64
    draws = np.stack([(f := gradient_features(body, head, x, LABELS, dim=dim, seed=s)) @ f.T for s in range(repeats)])
    error = draws.std(0, ddof=1)
    z = (draws.mean(0) - exact) / (error / np.sqrt(repeats))
    assert np.abs(z).max() < 4.5  # 21 numbers
    wrong = (1.1 * draws.mean(0) - exact) / (error / np.sqrt(repeats))
    assert np.abs(wrong).max() > 4.5  # the check can fail
    # The stated standard deviation.
    norms = np.diagonal(exact)
    stated = np.sqrt((np.outer(norms, norms) + exact**2) / dim)
    assert 0.4 < np.median(error / stated) < 1.2


def test_g_vendi_of_projected_gradients_is_that_of_full_ones():
    body = settled(build(Architecture("conv", 8, 1, 16), 0)).double()
    labels = np.arange(24) % 3
    x, head = numbers(24, 1, 16, 16, dtype=DOUBLE), some_head(3, body.feature_dim)
    exact = vendi(gradients(body, head, x, labels))
    assert 2 < exact < 20
    assert vendi(gradient_features(body, head, x, labels, dim=2048)) == pytest.approx(exact, rel=0.05)


def test_single_precision_and_a_certain_head_keep_their_digits():
    body, x = settled(Odd()), numbers(6, 2, 10, 12)
    for size in (0.5, 5.0):
        head = some_head(3, 6, size=size)
        exact = gradient_features(settled(Odd()).double(), head, x.double(), LABELS, dim=64)
        found = gradient_features(body, head, x, LABELS, dim=64)
        assert (np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1)).max() < 1e-4


def test_chunks_and_modes_change_nothing_and_seeds_do():
    body, x, head = settled(Odd()), numbers(6, 2, 10, 12), some_head(3, 6)
    body.norm.train()
    before = {name: (set(m.__dict__), m.training, len(m._forward_hooks)) for name, m in body.named_modules()}
    state = {k: v.clone() for k, v in body.state_dict().items()}
    whole = gradient_features(body, head, x, LABELS, dim=64)
    assert whole.shape == (6, 64)
    assert whole.dtype == np.float64
    largest = 4 * max(p.numel() for p in body.parameters())
    for memory in (1, 4 * COPIES * largest):
        np.testing.assert_allclose(gradient_features(body, head, x, LABELS, dim=64, memory=memory), whole, rtol=1e-3, atol=1e-5)
    assert np.array_equal(gradient_features(body.requires_grad_(False), head, x, LABELS, dim=64), whole)
    assert not np.allclose(gradient_features(body, head, x, LABELS, dim=64, seed=1), whole)
    assert {name: (set(m.__dict__), m.training, len(m._forward_hooks)) for name, m in body.named_modules()} == before
    assert all(torch.equal(v, state[k]) for k, v in body.state_dict().items())
    assert not x.requires_grad


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.a(x)


class Pair(Unused):
    def forward(self, x):
        return self.a(x) + self.b(x[:3]).mean(0)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.core = nn.MultiheadAttention(3, 1, batch_first=True)

    def forward(self, x):
        x = x[:, None]
        return self.core(x, x, x)[0][:, 0]


REFUSED = {
    "unused": (Unused, {}, "layer 'b' has weights but is not called in the forward pass; expected every layer in use"),
    "rows": (Pair, {}, "layer 'b' gives 3 rows for 6 items; expected items in the first dimension"),
    "attention": (Attention, {}, "layer 'core' (MultiheadAttention) does not take one tensor to one; expected simple layers"),
    "none": (nn.Tanh, {}, "the body has no layer with weights; expected a network whose gradients can be taken"),
    "batch": (
        lambda: nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3, track_running_stats=False)),
        {},
        "layer '1' normalises by its batch, so items have no gradient of their own; use running statistics",
    ),
    "features": (lambda: nn.Linear(3, 4), {}, "the body gives features of shape [6, 4]; the head takes [n, 3]"),
    "labels": (
        lambda: nn.Linear(3, 3),
        {"labels": LABELS + 1},
        "the labels do not fit 6 items and a head of 3 classes; expected integers 0..2, one an item",
    ),
    "dim": (lambda: nn.Linear(3, 3), {"dim": 0}, "gradients were to be projected to 0 numbers; expected 1 or more, e.g. 1024"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_refused_bodies(why):
    make, options, message = REFUSED[why]
    body = make()
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        gradient_features(body, some_head(3, 3), numbers(6, 3), **{"labels": LABELS, **options})
    assert not any(m._forward_hooks for m in body.modules())
