"""What is shown of intervals that run out of the possible, and which say too little to be read."""

import math

import pytest

from breadth.stats.interval import Estimate
from breadth.stats.possible import possible, too_few


def est(value, low, high):
    return Estimate(value, low, high, 0.95, 5, "made")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ((0.1, -0.2, 0.4), (0.1, 0.0, 0.4)),
        ((0.9, 0.6, 1.2), (0.9, 0.6, 1.0)),
        ((0.2, 0.1, 0.3), (0.2, 0.1, 0.3)),
        ((-1e-12, -2e-12, 0.0), (-1e-12, -1e-12, 0.0)),
    ],
)
def test_intervals_are_cut_to_what_is_possible(given, shown):
    assert possible(est(*given)) == est(*shown)


def test_an_unknown_interval_stays_unknown():
    e = possible(est(0.2, math.nan, math.nan))
    assert math.isnan(e.low)
    assert math.isnan(e.high)


@pytest.mark.parametrize(
    ("given", "few"),
    [
        ((0.2, 0.15, 0.25), False),
        ((0.2, 0.05, 0.3), True),
        ((0.2, -0.001, 0.15), True),
        ((0.2, math.nan, math.nan), True),
        ((0.0, 0.0, 0.0), False),
        ((2e-14, 1e-14, 5e-14), False),
    ],
)
def test_too_few_tasks_to_say(given, few):
    assert too_few(est(*given)) == few
