import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.mixed import basis, check_membership, fit_mixed, least_squares, weighted_slope
from oracle.statistics_dense import kenward_roger, reml
from oracle.statistics_studies import draw_x, membership, plan


def study(n, tau, seed, r=0.0):
    rng = np.random.default_rng([21, seed])
    p = plan(n, x_domain=0.4)
    m = membership(p)
    x = draw_x(p, m, rng)
    return np.column_stack([np.ones(n), x]), tau * (m @ rng.standard_normal(p.domains)) + rng.standard_normal(n), m


@pytest.mark.parametrize("seed", range(6))
def test_reml_against_the_dense_likelihood(seed):
    X, y, m = study(24, 3.0, seed)
    fit = fit_mixed(basis(m), X, y)
    b, tau2, sigma2 = reml(X, y, m)
    assert fit.coefficients == pytest.approx(b, rel=1e-3, abs=1e-4)
    assert (fit.tau2, fit.sigma2) == pytest.approx((tau2, sigma2), rel=5e-3, abs=1e-3)


@pytest.mark.parametrize("tau", [0.0, 2.0])
def test_standard_error_and_degrees_of_freedom_against_dense_kenward_roger(tau):
    X, y, m = study(24, tau, 1)
    fit = fit_mixed(basis(m), X, y)
    variance, df = kenward_roger(X, m, fit.tau2, fit.sigma2, 1)
    assert fit.slope.se == pytest.approx(np.sqrt(variance))
    assert fit.slope.df == pytest.approx(min(df, 22))


def test_is_least_squares_where_domains_tell_nothing():
    X, y, _ = study(16, 0.0, 2)
    for m in (np.ones((16, 1)), np.eye(16)):
        fit = fit_mixed(basis(m), X, y).slope
        plain = least_squares(X, y, 1)
        peer = stats.linregress(X[:, 1], y)
        assert (fit.value, fit.se, fit.df) == pytest.approx((plain.value, plain.se, 14))
        assert (fit.value, fit.se, fit.p()) == pytest.approx((peer.slope, peer.stderr, peer.pvalue))


def test_weighted_slope_is_the_dense_formula():
    X, y, m = study(24, 2.0, 3)
    W = np.linalg.inv(np.eye(24) + 1.7 * m @ m.T)
    dense = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)[1]
    assert weighted_slope(basis(m), X, y, 1, 1.7) == pytest.approx(dense)


@pytest.mark.parametrize("n", [12, 24, 54])
@pytest.mark.parametrize("tau", [0.0, 1.0, 4.0])
def test_false_positives_when_x_follows_the_number_of_domains(n, tau):
    """Two-sided rate at 5 % over 600 studies: within sampling error of nominal, whatever the size of the domain effects."""
    p = np.array([fit_mixed(basis(m), X, y).slope.p() for X, y, m in (study(n, tau, 1000 + i) for i in range(600))])
    rate = np.mean(p < 0.05)
    assert 0.02 <= rate <= 0.075
    assert np.mean(p < 0.005) <= 0.015


def test_least_squares_alone_would_call_domain_noise_an_effect():
    """x follows domains: least squares takes 24 sets of 6 domains for 24 independent ones."""
    m = np.kron(np.eye(6), np.ones((4, 1)))
    plain, mixed = [], []
    for i in range(300):
        rng = np.random.default_rng([5, i])
        X = np.column_stack([np.ones(24), m @ rng.standard_normal(6) + 0.3 * rng.standard_normal(24)])
        y = m @ rng.standard_normal(6) + 0.3 * rng.standard_normal(24)
        plain.append(least_squares(X, y, 1).p())
        mixed.append(fit_mixed(basis(m), X, y).slope.p())
    assert np.mean(np.array(plain) < 0.05) > 0.25
    assert np.mean(np.array(mixed) < 0.05) < 0.1


def test_membership_must_be_shares():
    with pytest.raises(
        MeasureError, match=r"^domain membership has shape \(2, 1\); expected \[3, domains\]: one row a training set$"
    ):
        check_membership([[1], [1]], 3)
    with pytest.raises(
        MeasureError, match=r"^domain membership has a row that is not a share; expected numbers >= 0 that sum to 1 in every row$"
    ):
        check_membership([[1, 1], [1, 0]], 2)


def test_no_slope_where_a_column_repeats_another():
    X = np.column_stack([np.ones(5), np.arange(5.0), 2 * np.arange(5.0)])
    slope = least_squares(X, np.arange(5.0) ** 2, 1)
    assert np.isnan(slope.value)
    assert np.isnan(slope.p())
    assert np.isnan(slope.estimate(0.95, "none").low)
