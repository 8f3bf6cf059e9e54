"""Series that cannot be estimated are said to be so; what can be computed by hand is."""

import numpy as np
import pytest

from breadth.stats.interval import Estimate
from breadth.study.design import Share, TrainingSet
from breadth.study.readings import Scored
from breadth.study.series import bars_of, line, points_of, seed_points_of, statistics, why_not
from breadth.study.verdict import Evidence

X = Estimate(0.3, 0.2, 0.4, 0.95, 10, "tasks")


def evidence(x, y):
    n = len(x)
    return Evidence(np.array(x), np.array(y), np.ones((n, 1)), None, {"complexity": np.arange(n) ** 2.0})


def scored(values, seeds):
    sets = tuple(TrainingSet(f"s{i}", (Share("a", 5, 5),)) for i in range(len(values)))
    return Scored(sets, seeds, np.array(values, dtype=float))


def test_reasons_for_nothing():
    assert (
        why_not(evidence([1, 2, 3], [1, 2, 3])) == "3 training sets are too few for statistics; 4 are needed, and 8 for a verdict"
    )
    assert (
        why_not(evidence([1, 2, 3, 4], [1, 1, 1, 1])) == "the diversity coefficient or the score is the same for all training sets"
    )
    assert why_not(evidence([1, 2, 3, 4], [1, np.nan, 1, 2])) == (
        "1 of 4 training sets have episodes in which the learner diverged, so nothing is estimated"
    )
    assert why_not(evidence([1, 2, 3, 4], [1, 2, 1, 2])) is None


def test_nothing_is_estimated_where_there_is_a_reason():
    estimates, p, notes = statistics(evidence([1, 2, 3], [1, 2, 3]), [1, 1, 1], ("a",), 0)
    assert estimates == {}
    assert np.isnan(p["permutation"])
    assert len(notes) == 1
    assert line(evidence([1, 2, 3], [1, 2, 3])).x == ()


def test_the_line_is_that_of_least_squares():
    x, y = [0.1, 0.2, 0.35, 0.5], [0.4, 0.45, 0.44, 0.6]
    fit = line(evidence(x, y))
    slope, intercept = np.polyfit(x, y, 1)
    np.testing.assert_allclose(fit.y, intercept + slope * np.array(fit.x))
    assert all(low < mid < high for low, mid, high in zip(fit.low, fit.y, fit.high, strict=True))


def test_bars_over_seeds_are_pooled_over_sets():
    two = scored([[[0.4, 0.6], [0.5, 0.7]], [[0.1, 0.3], [0.2, 0.4]]], (0, 1))
    assert bars_of(two) == "over 2 seeds, their spread pooled over training sets"
    points = points_of(two, [X, X], "PT")
    assert [p.y for p in points] == pytest.approx([0.55, 0.25])
    # Seed means differ by 0.1 in both sets: pooled variance 0.005, standard error 0.05, t with 2 degrees of freedom 4.3027.
    assert points[0].y_high - points[0].y == pytest.approx(4.3027 * 0.05, rel=1e-4)


def test_bars_with_one_seed_are_over_episodes():
    one = scored([[[0.4, 0.6, 0.5]], [[0.1, 0.3, 0.2]]], (0,))
    assert bars_of(one) == "over the 3 episodes of the suite, one seed a training set"
    assert points_of(one, [X, X], "PT")[0].y_high - 0.5 == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-4)


def test_a_diverged_episode_is_nan_and_not_dropped():
    bad = scored([[[0.4, np.nan]], [[0.1, 0.3]]], (0,))
    first, second = seed_points_of(bad, [X, X], "MAML")
    assert np.isnan(first.y)
    assert second.y == pytest.approx(0.2)
