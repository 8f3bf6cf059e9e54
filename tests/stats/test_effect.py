import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.effect import cohen_d, one_percent_rule, shared_difference, tost
from oracle.statistics_studies import ring

R = np.random.default_rng(0)
A, B = R.normal(0.7, 0.1, 30), R.normal(0.68, 0.2, 30)


def test_cohen_d_is_the_published_form():
    assert cohen_d([1, 2, 3], [0, 4]) == pytest.approx((2 - 2) / np.sqrt((1 + 8) / 2))
    assert cohen_d(A, B) == pytest.approx((A.mean() - B.mean()) / np.sqrt((A.var(ddof=1) + B.var(ddof=1)) / 2))
    assert np.isnan(cohen_d([1, 1], [1, 1]))
    assert cohen_d([2, 2], [1, 1]) == np.inf


@pytest.mark.parametrize("m", [np.ones((30, 1)), np.full((30, 3), 1 / 3), np.eye(30)])
def test_a_difference_is_the_paired_t_interval_where_domains_tell_no_sets_apart(m):
    t = stats.ttest_rel(A, B)
    ci = t.confidence_interval(0.9)
    e = shared_difference(A - B, m, 0.9)
    assert (e.estimate.low, e.estimate.high, e.estimate.n) == (pytest.approx(ci.low), pytest.approx(ci.high), 30)
    assert (e.estimate.value / e.se, e.df) == pytest.approx((t.statistic, 29))
    assert e.estimate.level == 0.9


def test_the_mean_of_domains_with_two_sets_each_is_the_t_interval_over_domains():
    """The balanced one-way case is known exactly: the interval over domain means, with domains - 1 degrees of freedom."""
    m = np.kron(np.eye(6), np.ones((2, 1)))
    rng = np.random.default_rng(4)
    d = m @ rng.normal(size=6) + 0.1 * rng.normal(size=12)
    means = d.reshape(6, 2).mean(1)
    e = shared_difference(d, m)
    assert (e.estimate.low, e.estimate.high) == pytest.approx(stats.t.interval(0.95, 5, means.mean(), stats.sem(means)), rel=0.02)
    assert e.estimate.method == "training sets, paired, mixed model with domain effects"


@pytest.mark.parametrize("tau", [0.01, 0.04])
def test_coverage_where_the_difference_has_domain_effects_and_the_plain_t_fails(tau):
    m, truth, plain, shared, called = ring(), 0.02, 0, 0, 0
    for i in range(300):
        rng = np.random.default_rng([8, i])
        d = truth + tau * (m @ rng.normal(size=9)) + 0.01 * rng.normal(size=36)
        e = shared_difference(d, m)
        shared += e.estimate.low <= truth <= e.estimate.high
        low, high = stats.t.interval(0.95, 35, d.mean(), stats.sem(d))
        plain += low <= truth <= high
        called += tost(e, truth).equivalent
    assert plain / 300 < 0.8
    assert shared / 300 >= 0.92
    assert called / 300 <= 0.08  # a difference as large as the margin itself


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
    d, alone = A - B, np.ones((30, 1))
    lower = stats.ttest_1samp(d, -0.05, alternative="greater").pvalue
    upper = stats.ttest_1samp(d, 0.05, alternative="less").pvalue
    e = tost(shared_difference(d, alone), 0.05)
    assert e.p == pytest.approx(max(lower, upper))
    assert e.equivalent == (e.p < 0.05)
    assert tost(shared_difference(d, alone), 1.0).equivalent
    assert not tost(shared_difference(d + 0.06, alone), 0.05).equivalent
    assert tost(shared_difference([0.0, 0.0], np.ones((2, 1))), 0.01).p == 0
    assert tost(shared_difference([0.02, 0.02], np.ones((2, 1))), 0.01).p == 1


def test_p_of_a_difference_is_that_of_the_paired_t_test():
    d = A - B
    assert shared_difference(d, np.ones((30, 1))).p == pytest.approx(stats.ttest_1samp(d, 0).pvalue)
    assert shared_difference(-d, np.ones((30, 1))).p == pytest.approx(stats.ttest_1samp(d, 0).pvalue)
    assert shared_difference([0.0, 0.0], np.ones((2, 1))).p == 1
    assert shared_difference([0.02, 0.02], np.ones((2, 1))).p == 0


def test_tost_uses_its_alpha_and_agrees_with_the_interval():
    m = ring()
    rng = np.random.default_rng(2)
    d = 0.03 * (m @ rng.normal(size=9)) + 0.01 * rng.normal(size=36)
    for alpha in (0.05, 0.2):
        e = shared_difference(d, m, 1 - 2 * alpha)
        edge = max(abs(e.estimate.low), abs(e.estimate.high))
        assert tost(e, 1.001 * edge, alpha).equivalent
        assert not tost(e, 0.999 * edge, alpha).equivalent


def test_bad_input():
    with pytest.raises(MeasureError, match=r"^equivalence margin is 0; expected a number above 0 in the units of the scores$"):
        tost(shared_difference([1, 2], np.ones((2, 1))), 0)
    with pytest.raises(MeasureError, match=r"^the difference is nan; expected a finite number: compare the means first$"):
        one_percent_rule(float("nan"))
    with pytest.raises(MeasureError, match=r"^the differences has 1 values; expected at least 2: give more units$"):
        shared_difference([1], np.ones((1, 1)))
