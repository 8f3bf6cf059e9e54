"""Correlations whose interval knows that training sets share domains."""

import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.blocked import blocked_pearson, blocked_spearman
from oracle.statistics_studies import ring


def test_values_are_those_of_scipy():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=36), rng.normal(size=36)
    assert blocked_pearson(x, y, ring()).value == pytest.approx(stats.pearsonr(x, y).statistic)
    assert blocked_spearman(x, y, ring()).value == pytest.approx(stats.spearmanr(x, y).statistic)


def covers(estimator, studies=300):
    """Share of studies without any relation, but with domain effects in x and y, whose interval holds 0."""
    m, hits = ring(), 0
    for i in range(studies):
        rng = np.random.default_rng(i)
        x, y = (m @ rng.normal(size=9) + 0.1 * rng.normal(size=len(m)) for _ in range(2))
        e = estimator(x, y, m)
        hits += e.low <= 0 <= e.high
    return hits / studies


def test_coverage_with_shared_domains_where_the_plain_interval_fails():
    plain = covers(lambda x, y, m: stats.pearsonr(x, y).confidence_interval())
    blocked = covers(lambda x, y, m: blocked_pearson(x, y, m, draws=400))
    assert plain < 0.85
    assert blocked > 0.92


@pytest.mark.parametrize(("domains", "each"), [(2, 6), (3, 4)])
def test_two_or_three_domains_have_no_interval(domains, each):
    """With 12 sets of so few domains, an interval that counts sets holds 0 in about half of the studies without any relation."""
    m = np.kron(np.eye(domains), np.ones((each, 1)))
    rng = np.random.default_rng(0)
    for estimator, name in ((blocked_pearson, "Pearson"), (blocked_spearman, "Spearman")):
        e = estimator(rng.normal(size=12), rng.normal(size=12), m)
        assert np.isfinite(e.value)
        assert np.isnan([e.low, e.high]).all()
        assert e.method == f"training sets, {name}, no interval: {domains} domains are too few, 4 or more can give one"


def test_four_domains_are_enough_for_an_interval_that_covers():
    m, hits = np.kron(np.eye(4), np.ones((3, 1))), 0
    for i in range(200):
        rng = np.random.default_rng(i)
        x, y = (m @ rng.normal(size=4) + 0.1 * rng.normal(size=12) for _ in range(2))
        e = blocked_pearson(x, y, m, draws=300)
        hits += e.low <= 0 <= e.high
    assert hits / 200 >= 0.9


def test_domains_that_all_sets_share_alike_are_no_blocks():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=20), rng.normal(size=20)
    one, three = blocked_pearson(x, y, np.ones((20, 1))), blocked_pearson(x, y, np.full((20, 3), 1 / 3))
    assert one.method == three.method == "training sets, Pearson, bootstrap over sets"
    assert np.isfinite([one.low, three.low]).all()
    unused = np.column_stack([np.ones(20), np.zeros(20)])
    assert np.isfinite(blocked_pearson(x, y, unused).low)


def test_coverage_without_domain_effects():
    m, hits = ring(), 0
    for i in range(300):
        rng = np.random.default_rng(i)
        e = blocked_spearman(rng.normal(size=36), rng.normal(size=36), m, draws=400)
        hits += e.low <= 0 <= e.high
    assert hits / 300 >= 0.92


def test_the_interval_is_reproducible_and_three_sets_have_none():
    x, y, m = [1.0, 2, 4, 3], [1.0, 3, 2, 5], np.ones((4, 1))
    assert blocked_pearson(x, y, m) == blocked_pearson(x, y, m)
    assert np.isnan(blocked_pearson(x[:3], y[:3], m[:3]).low)


def test_what_does_not_vary_is_refused():
    with pytest.raises(
        MeasureError, match=r"^x or y is the same for all training sets; a correlation is undefined: give sets that differ$"
    ):
        blocked_pearson([1, 1, 1], [1, 2, 3], np.ones((3, 1)))
