import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.stats.association import (
    adjusted_slope,
    attenuation,
    holm,
    independent_columns,
    leave_one_domain_out,
    mixed_slope,
    partial_correlation,
    permutation_p,
    quadratic,
    reliability,
)
from oracle.statistics_dense import permutation

R = np.random.default_rng(0)
Z = R.normal(size=20)
X = Z + R.normal(size=20)
Y = 0.5 * X + Z + R.normal(size=20)


def test_adjusted_slope_without_covariates_is_that_of_scipy():
    peer = stats.linregress(X, Y)
    e = adjusted_slope(X, Y, None, standardise=False).estimate
    half = stats.t.ppf(0.975, 18) * peer.stderr
    assert (e.value, e.low, e.high) == pytest.approx((peer.slope, peer.slope - half, peer.slope + half))
    assert adjusted_slope(X, Y, None).estimate.value == pytest.approx(peer.slope * X.std(ddof=1))


def test_partial_correlation_and_adjusted_slope_agree_with_residuals_and_each_other():
    a, b = (v - np.polyval(np.polyfit(Z, v, 1), Z) for v in (X, Y))
    e = partial_correlation(X, Y, {"z": Z})
    assert e.estimate.value == pytest.approx(stats.pearsonr(a, b).statistic)
    fit = adjusted_slope(X, Y, {"z": Z}, standardise=False)
    assert fit.estimate.value == pytest.approx(stats.linregress(a, b).slope)
    assert fit.p == pytest.approx(e.p)  # the t tests of a partial correlation and of its slope are one test


def test_constant_and_repeated_covariates_are_dropped_and_named():
    fit = adjusted_slope(X, Y, {"classes": np.full(20, 40.0), "z": Z, "twice z": 2 * Z + 1})
    assert (fit.used, fit.dropped) == (("z",), ("classes", "twice z"))
    assert fit.estimate.value == pytest.approx(adjusted_slope(X, Y, {"z": Z}).estimate.value)
    assert independent_columns({"a": X, "b": Z, "c": X - Z}) == (("a", "b"), ("c",))


def test_a_covariate_that_reproduces_x_leaves_nothing():
    assert np.isnan(adjusted_slope(X, Y, {"copy": 3 * X}).estimate.value)
    assert np.isnan(partial_correlation(X, Y, {"copy": 3 * X}).p)
    assert np.isnan(permutation_p(X, Y, {"copy": 3 * X}, draws=9))
    assert np.isnan(mixed_slope(X, Y, np.ones((20, 1)), {"copy": X}).p)


def test_permutation_against_refitting():
    y = Y - 0.8 * X
    assert permutation_p(X, y, {"z": Z}, draws=4000) == pytest.approx(permutation(X, y, [Z], 2000, 1), abs=0.035)
    assert permutation_p(X, y, draws=4000) == pytest.approx(permutation(X, y, [], 2000, 1), abs=0.035)
    assert permutation_p(X, y, draws=99, seed=3) == permutation_p(X, y, draws=99, seed=3)
    assert permutation_p(X, X, draws=999) == pytest.approx(0.001)


def test_permutation_is_level_with_shared_domains_only_when_told_of_them():
    M = np.kron(np.eye(4), np.ones((6, 1)))
    told, untold = [], []
    for i in range(200):
        rng = np.random.default_rng([3, i])
        x = M @ rng.normal(size=4) + 0.2 * rng.normal(size=24)
        y = M @ rng.normal(size=4) + 0.2 * rng.normal(size=24)
        told.append(permutation_p(x, y, membership=M, draws=199, seed=i))
        untold.append(permutation_p(x, y, draws=199, seed=i))
    assert np.mean(np.array(untold) < 0.05) > 0.3
    assert np.mean(np.array(told) < 0.05) < 0.11


def test_holm():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": float("nan")}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": float("nan")}, nan_ok=True
    )
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}


def test_leave_one_domain_out_shows_the_domain_that_carries_the_effect():
    M = np.kron(np.eye(3), np.ones((8, 1)))
    x = np.tile(np.arange(8.0), 3)
    y = np.where(M[:, 0] == 1, x, 0) + 0.01 * np.random.default_rng(1).normal(size=24)
    table = leave_one_domain_out(x, y, M, ["a", "b", "c"])
    assert abs(table["a"].value) < 0.02
    assert table["b"].value > 0.5
    assert table["a"].n == 16
    lone = leave_one_domain_out(x, y, np.ones((24, 1)), ["all"])
    assert np.isnan(lone["all"].value)


def test_mixed_slope_names_and_drops():
    M = np.kron(np.eye(4), np.ones((5, 1)))
    fit = mixed_slope(X, Y, M, {"z": Z, "classes": np.ones(20)})
    assert (fit.used, fit.dropped) == (("z",), ("classes",))
    assert fit.estimate.method == "training sets, slope per SD of x, mixed model with domain effects given z"
    alone = mixed_slope(X, Y, np.ones((20, 1)), {"z": Z}).estimate  # one domain for all: plain least squares
    plain = adjusted_slope(X, Y, {"z": Z}).estimate
    assert (alone.value, alone.low) == pytest.approx((plain.value, plain.low))


def test_reliability_and_its_sentence():
    x = np.array([0.0, 1, 2, 3, 4])
    assert reliability(x, None) == 1
    assert reliability(x, np.full(5, 0.5)) == pytest.approx(0.9)
    assert attenuation(x, np.full(5, 0.5)) == (
        "x is measured with reliability 0.900: slopes per SD of measured x are about 94.9 % of those per SD of x without error"
    )
    assert attenuation(x, np.full(5, 9.0)) == (
        "x varies no more than its measurement error: its reliability is 0 and no slope on it can be interpreted"
    )


def test_error_in_x_flattens_a_slope_per_sd_by_the_root_of_the_reliability():
    rng = np.random.default_rng(2)
    true = rng.normal(size=20000)
    seen = true + rng.normal(size=20000)
    share = reliability(seen, np.full(20000, 1.0))
    assert share == pytest.approx(0.5, abs=0.02)
    with_error, without = (adjusted_slope(x, true, None).estimate.value for x in (seen, true))
    assert with_error / without == pytest.approx(share**0.5, abs=0.02)
    said = float(attenuation(seen, np.full(20000, 1.0)).split("about ")[1].split(" %")[0])
    assert said / 100 == pytest.approx(with_error / without, abs=0.02)


def test_quadratic_finds_an_inverted_u_and_its_top():
    x = np.linspace(0, 4, 30)
    noise = 0.05 * np.random.default_rng(1).normal(size=30)
    bent, line = quadratic(x, -((x - 2.5) ** 2) + noise), quadratic(x, x + noise)
    assert (bent.shape, bent.inside) == ("inverted U", True)
    assert bent.vertex == pytest.approx(2.5, abs=0.05)
    assert quadratic(x, (x - 1) ** 2).shape == "U"
    assert line.shape == "monotone"
    assert quadratic(x, -((x - 9) ** 2) + noise).shape == "monotone"  # bent, but the top lies outside the data


def test_bad_input():
    with pytest.raises(MeasureError, match=r"^x has 3 values and y has 4; expected one of each for every training set$"):
        adjusted_slope([1, 2, 3], [1, 2, 3, 4], None)
    with pytest.raises(
        MeasureError, match=r"^y is 1 for all 3 training sets; a partial correlation is undefined: give sets that differ$"
    ):
        partial_correlation([1, 2, 3], [1, 1, 1], {})
    with pytest.raises(MeasureError, match=r"^covariate 'z' has 2 values; expected 3, one a training set$"):
        adjusted_slope([1, 2, 3], [1, 2, 4], {"z": [1, 2]})
    with pytest.raises(MeasureError, match=r"^standard errors of x: 1 values, smallest 1; expected 2 numbers >= 0$"):
        reliability([1, 2], [1])
    with pytest.raises(MeasureError, match=r"^2 domain names for a membership of 1 columns; expected one a column$"):
        leave_one_domain_out(X, Y, np.ones((20, 1)), ["a", "b"])
