"""Correlations whose interval knows that training sets share domains."""

import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.association import pearson
from breadth.stats.blocked import blocked_pearson, blocked_spearman


def ring(domains=9, levels=(1, 2, 4, 8)):
    m = np.zeros((domains * len(levels), domains))
    for k, level in enumerate(levels):
        for i in range(domains):
            m[k * domains + i, [(i + j) % domains for j in range(level)]] = 1 / level
    return m


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
    plain = covers(lambda x, y, m: pearson(x, y))
    blocked = covers(lambda x, y, m: blocked_pearson(x, y, m, draws=400))
    assert plain < 0.85
    assert blocked > 0.92


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
