import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.effect import clustered_difference, cohen_d, hedges_g, one_percent_rule, paired_d, paired_difference, tost_paired

R = np.random.default_rng(0)
A, B = R.normal(0.7, 0.1, 30), R.normal(0.68, 0.2, 30)


def test_cohen_d_is_the_published_form():
    assert cohen_d([1, 2, 3], [0, 4]) == pytest.approx((2 - 2) / np.sqrt((1 + 8) / 2))
    assert cohen_d(A, B) == pytest.approx((A.mean() - B.mean()) / np.sqrt((A.var(ddof=1) + B.var(ddof=1)) / 2))
    assert np.isnan(cohen_d([1, 1], [1, 1]))
    assert cohen_d([2, 2], [1, 1]) == np.inf


def test_hedges_correction_is_near_its_usual_approximation():
    assert hedges_g(A, B) == pytest.approx(cohen_d(A, B) * (1 - 3 / (4 * 58 - 1)), rel=1e-4)
    assert abs(hedges_g(A[:3], B[:3])) < abs(cohen_d(A[:3], B[:3]))


def test_paired_d_and_difference():
    t = stats.ttest_rel(A, B)
    assert paired_d(A, B) * np.sqrt(30) == pytest.approx(t.statistic)
    ci = t.confidence_interval(0.95)
    e = paired_difference(A, B)
    assert (e.low, e.high, e.n) == (pytest.approx(ci.low), pytest.approx(ci.high), 30)


def test_pairs_of_one_training_set_are_one_unit():
    groups = [i // 10 for i in range(30)]
    e = clustered_difference(A, B, groups)
    means = [(A - B)[i : i + 10].mean() for i in (0, 10, 20)]
    assert e.n == 3
    assert (e.low, e.high) == pytest.approx(stats.t.interval(0.95, 2, np.mean(means), stats.sem(means)))
    assert tost_paired(A - B, 0.5, groups=groups).n == 3


@pytest.mark.parametrize(
    "difference, side",
    [
        (0.700 - 0.709, "no difference"),
        (0.71 - 0.70, "PT"),
        (0.70 - 0.71, "MAML"),
        (0.01, "PT"),
        (-0.01, "MAML"),
        (0.00999, "no difference"),
    ],
)
def test_one_percent_rule_with_ties(difference, side):
    assert one_percent_rule(difference, first="PT", second="MAML") == side


def test_one_percent_rule_is_the_published_comparison_of_d():
    for a, b in ((A, B), (A, A + 0.02), (A, A + 0.004)):
        s = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
        published = abs(cohen_d(a, b)) >= 0.01 / s
        assert (one_percent_rule(a.mean() - b.mean()) != "no difference") == published


def test_tost_against_scipy():
    d = A - B
    lower = stats.ttest_1samp(d, -0.05, alternative="greater").pvalue
    upper = stats.ttest_1samp(d, 0.05, alternative="less").pvalue
    e = tost_paired(d, 0.05)
    assert e.p == pytest.approx(max(lower, upper))
    assert e.equivalent == (e.p < 0.05)
    assert tost_paired(d, 1.0).equivalent
    assert not tost_paired(d + 0.06, 0.05).equivalent
    assert tost_paired([0.0, 0.0], 0.01).p == 0
    assert tost_paired([0.02, 0.02], 0.01).p == 1


def test_bad_input():
    with pytest.raises(MeasureError, match=r"^2 scores against 3; expected pairs: score both methods on the same episodes$"):
        paired_d([1, 2], [1, 2, 3])
    with pytest.raises(MeasureError, match=r"^equivalence margin is 0; expected a number above 0 in the units of the scores$"):
        tost_paired([1, 2], 0)
    with pytest.raises(MeasureError, match=r"^the difference is nan; expected a finite number: compare the means first$"):
        one_percent_rule(float("nan"))
    with pytest.raises(MeasureError, match=r"^1 group names for 2 pairs; expected one a pair$"):
        clustered_difference([1, 2], [1, 3], ["a"])
