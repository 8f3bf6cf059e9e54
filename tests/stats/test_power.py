import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.power import design_error, detectable_effect, minimum_detectable, slope_power, success_rate
from oracle.statistics_studies import draw, plan


def test_power_against_simulated_t_tests():
    x = (np.arange(20) - 9.5) / np.arange(20).std(ddof=1)
    rng = np.random.default_rng(0)
    hits = [stats.linregress(x, 0.6 * x + rng.standard_normal(20)).pvalue < 0.05 for _ in range(2000)]
    assert slope_power(0.6, 1 / np.sqrt(19), 18) == pytest.approx(np.mean(hits), abs=0.03)
    assert slope_power(0.0, 1.0, 18, 0.05) == 0.05
    assert slope_power(-0.6, 0.2, 18) == pytest.approx(slope_power(0.6, 0.2, 18))
    assert slope_power(50, 1, 5) == 1


def test_minimum_detectable_effect_has_the_asked_power():
    for df in (3, 10, 52):
        effect = minimum_detectable(0.004, df, 0.05, 0.8)
        assert slope_power(effect, 0.004, df) == pytest.approx(0.8)
    assert minimum_detectable(1, 1e6) == pytest.approx(1.95996 + 0.84162, abs=1e-3)  # the textbook 2.8 standard errors


def test_design_error_is_of_the_fitted_slope():
    s = draw(plan(24), 0)
    se, df = design_error(s["x"], s["membership"], s["y"])
    assert 0.002 < se < 0.008
    assert 10 < df <= 22


def test_success_rate_is_seeded_and_covers():
    e = success_rate(lambda y: bool(y[0] > 0), np.zeros(3), np.ones((3, 1)), 1.0, 1.0, draws=400, seed=1)
    assert e.low < 0.5 < e.high
    assert e == success_rate(lambda y: bool(y[0] > 0), np.zeros(3), np.ones((3, 1)), 1.0, 1.0, draws=400, seed=1)


def test_detectable_effect_finds_the_crossing_or_says_there_is_none():
    assert detectable_effect(lambda e: min(1.0, e / 10), 0.01, 100, 0.8, steps=12) == pytest.approx(8, rel=1e-3)
    assert detectable_effect(lambda e: 0.0, 0.01, 1.0) == float("inf")


def test_bad_input():
    with pytest.raises(
        MeasureError, match=r"^power of a slope with standard error 0 and 3 degrees of freedom; expected both above 0$"
    ):
        slope_power(1, 0, 3)
    with pytest.raises(MeasureError, match=r"^power is 2; expected a probability between alpha \(0\.05\) and 1, e\.g\. 0\.8$"):
        minimum_detectable(1, 3, power=2)
