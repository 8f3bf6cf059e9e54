"""The delta method over independent estimates, against the formulas it must reproduce."""

import re

import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.interval import Estimate, combined, mean


def test_the_difference_of_two_means_is_welch():
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, 12), rng.normal(0, 3, 7)
    a, b = mean(x), mean(y)
    found = combined(a.value - b.value, [(1, a), (-1, b)], "difference")
    low, high = stats.ttest_ind(x, y, equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.n, found.level, found.method) == (19, 0.95, "difference")


def test_one_estimate_is_scaled():
    a = mean(np.arange(5.0), level=0.9)
    found = combined(-3 * a.value, [(-3, a)], "three times")
    assert (found.low, found.high) == (pytest.approx(-3 * a.high), pytest.approx(-3 * a.low))


def test_a_constant_adds_nothing_and_an_unknown_interval_spoils_it():
    a, constant = mean(np.arange(5.0)), Estimate(2.0, 2.0, 2.0, 0.95, 3, "known")
    found = combined(a.value + 2, [(1, a), (1, constant)], "sum")
    assert (found.low, found.high) == (pytest.approx(a.low + 2), pytest.approx(a.high + 2))
    unknown = combined(a.value + 1, [(1, a), (1, mean([1.0]))], "sum")
    assert np.isnan([unknown.low, unknown.high]).all()
    assert unknown.value == a.value + 1


def test_other_levels_are_refused():
    message = "estimates with intervals at levels [0.9, 0.95] were combined; expected one or more, at one level"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        combined(0, [(1, mean(np.arange(5.0))), (1, mean(np.arange(5.0), level=0.9))], "sum")
    with pytest.raises(MeasureError, match=r"^estimates with intervals at levels \[\] were combined;"):
        combined(0, [], "nothing")
