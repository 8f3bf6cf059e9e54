import numpy as np
import pytest

from breadth.stats.power import detectable_effect, success_rate


def test_success_rate_is_seeded_and_covers():
    e = success_rate(lambda y: bool(y[0] > 0), np.zeros(3), np.ones((3, 1)), 1.0, 1.0, draws=400, seed=1)
    assert e.low < 0.5 < e.high
    assert e == success_rate(lambda y: bool(y[0] > 0), np.zeros(3), np.ones((3, 1)), 1.0, 1.0, draws=400, seed=1)


def test_detectable_effect_finds_the_crossing_or_says_there_is_none():
    assert detectable_effect(lambda e: min(1.0, e / 10), 0.01, 100, 0.8, steps=12) == pytest.approx(8, rel=1e-3)
    assert detectable_effect(lambda e: 0.0, 0.01, 1.0) == float("inf")
