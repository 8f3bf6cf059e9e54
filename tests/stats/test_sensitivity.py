"""Sensitivity to unmeasured confounders: published numbers, and confounders of exactly the stated strength put into the data."""

import math

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.seeds import generator
from breadth.stats.association import adjusted_slope, mixed_slope
from breadth.stats.mixed import least_squares
from breadth.stats.sensitivity import bias, bound, partial_r2, robustness_value, sensitivity


def orthonormal(n, k, *names):
    """k orthonormal columns of length n, all orthogonal to the constant."""
    rng = generator(0, "orthonormal", *names)
    return np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, k))]))[0][:, 1:]


def residual(v, *others):
    table = np.column_stack([np.ones(v.size), *others])
    return v - table @ np.linalg.lstsq(table, v, rcond=None)[0]


def confounder(x, y, z, r2_x, r2_y, sign):
    """A variable that explains exactly these shares of what z leaves of x, and of what x and z leave of y."""
    rest_x, rest_y = residual(x, *z), residual(y, x, *z)
    free = residual(generator(1, "free").normal(size=x.size), x, y, *z)
    rest_x, rest_y, free = (v / np.linalg.norm(v) for v in (rest_x, rest_y, free))
    part = r2_y**0.5 * sign * rest_y + (1 - r2_y) ** 0.5 * free
    return r2_x**0.5 * rest_x + (1 - r2_x) ** 0.5 * part


@pytest.fixture
def study():
    rng = generator(3, "sensitivity")
    z, w = rng.normal(size=(2, 25))
    x = 0.5 * z + rng.normal(size=25)
    return x, 1.2 * x + 0.4 * z + rng.normal(size=25), {"z": z, "w": w}


def test_the_published_example_of_darfur():
    """Cinelli & Hazlett 2020, table 1: t 4.18 with 783 degrees of freedom."""
    t, df = 4.18, 783
    assert round(100 * partial_r2(t, df), 1) == 2.2
    assert round(100 * robustness_value(t, df), 1) == 13.9
    assert round(100 * robustness_value(t, df, alpha=0.05), 1) == 7.6
    # The example of the R package tipr: effect 0.5, standard error 0.1, 102 degrees of freedom.
    assert round(robustness_value(5, 102), 6) == 0.387467


def test_a_confounder_as_strong_as_the_robustness_value_brings_the_slope_to_zero(study):
    x, y, z = study
    found = sensitivity(x, y, z)
    u = confounder(x, y, z.values(), found.robustness, found.robustness, 1)
    assert abs(adjusted_slope(x, y, {**z, "u": u}).estimate.value) < 1e-12
    weaker = confounder(x, y, z.values(), 0.9 * found.robustness, 0.9 * found.robustness, 1)
    assert adjusted_slope(x, y, {**z, "u": weaker}).estimate.value > 0.01


def test_a_confounder_as_strong_as_the_robustness_value_with_alpha_brings_the_interval_to_zero(study):
    x, y, z = study
    share = sensitivity(x, y, z).robustness_alpha
    assert 0 < share < sensitivity(x, y, z).robustness
    e = adjusted_slope(x, y, {**z, "u": confounder(x, y, z.values(), share, share, 1)}).estimate
    assert abs(e.low) < 1e-12
    assert e.value > 0.01


def test_a_very_strong_slope_binds_at_unequal_shares(study):
    """With t beyond 1/f* the worst confounder of at most these shares explains less of y than of x, and the closed form changes."""
    x, _, z = study
    y = x + 0.02 * generator(5, "tiny").normal(size=x.size)
    share = sensitivity(x, y, z).robustness_alpha

    def lowest(limit):
        grid = np.linspace(1e-4, limit, 300)
        return min(adjusted_slope(x, y, {**z, "u": confounder(x, y, z.values(), limit, r, 1)}).estimate.low for r in grid)

    assert abs(lowest(share)) < 1e-3
    assert lowest(share - 0.001) > 0.1


def test_half_of_the_slope_takes_less(study):
    x, y, z = study
    s = sensitivity(x, y, z).slope
    share = robustness_value(s.t, s.df, q=0.5)
    e = adjusted_slope(x, y, {**z, "u": confounder(x, y, z.values(), share, share, 1)}).estimate
    assert math.isclose(e.value, s.value / 2, rel_tol=1e-9)


@pytest.mark.parametrize(("r2_x", "r2_y"), [(0.2, 0.5), (0.6, 0.1), (0.9, 1.0)])
def test_the_bias_is_the_change_of_the_slope(study, r2_x, r2_y):
    x, y, z = study
    s = sensitivity(x, y, z).slope
    for sign in (1, -1):
        u = confounder(x, y, z.values(), r2_x, min(r2_y, 1 - 1e-9), sign)
        changed = adjusted_slope(x, y, {**z, "u": u}).estimate.value
        assert math.isclose(s.value - changed, sign * bias(s.se, s.df, r2_x, r2_y), rel_tol=1e-4)


@pytest.mark.parametrize("times", [0.5, 1.0, 2.0])
def test_the_bound_is_reached_by_a_confounder_built_as_the_covariate_is(times):
    """Covariate z and confounder u enter x and y alike, u with ``times`` the strength: leaving u out biases as much as the bound says."""
    z, u, e, d, w = orthonormal(40, 5, "bound").T
    x = 0.4 * z + 0.4 * times**0.5 * u + e + 0.1 * w
    y = 0.3 * x + 0.5 * d
    # The strength towards y is of what x and the rest leave: found by search, since u moves it through x as well.
    low, high = 0.0, 5.0

    def shares(c):
        outcome = y + 0.3 * z + c * u

        def r2(v):
            slope = least_squares(np.column_stack([v, np.ones(40), x, w]), outcome, 0)
            return partial_r2(slope.t, slope.df)

        return outcome, r2(u) - times * r2(z)

    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if shares(middle)[1] < 0 else (low, middle)
    outcome = shares(low)[0]
    found = sensitivity(x, outcome, {"z": z, "w": w})
    mark = next(m for m in found.benchmarks if m.name == "z")
    limit = bound(mark.with_x, mark.with_y, times)
    s = found.slope
    true = adjusted_slope(x, outcome, {"z": z, "w": w, "u": u}).estimate.value
    assert s.value - bias(s.se, s.df, *limit) <= true + 1e-9  # never optimistic
    assert math.isclose(s.value - bias(s.se, s.df, *limit), true, rel_tol=1e-6)
    if times == 1:
        assert math.isclose(mark.left, true, rel_tol=1e-6)


def test_the_strongest_covariate_comes_first_and_too_strong_ones_have_no_bound():
    rng = generator(7, "strong")
    x = rng.normal(size=40)
    near, weak = x + 0.3 * rng.normal(size=40), rng.normal(size=40)
    y = x + weak + near + rng.normal(size=40)
    found = sensitivity(x, y, {"weak": weak, "near": near})
    assert [m.name for m in found.benchmarks] == ["near", "weak"]
    assert found.benchmarks[0].with_x > 0.5
    assert math.isnan(found.benchmarks[0].left)
    assert found.benchmarks[0].undoes is None
    assert found.benchmarks[1].undoes is False
    assert bound(0.4, 0.1) is not None
    assert bound(0.5, 0.1) is None
    assert bound(1.0, 0.1) is None


def test_on_the_mixed_model_a_confounder_brings_the_slope_to_zero_at_the_same_domain_variance():
    rng = generator(11, "mixed")
    m = rng.dirichlet(np.full(5, 0.5), size=30)
    z = rng.normal(size=30)
    x = m @ rng.normal(size=5) + 0.3 * z + rng.normal(size=30)
    y = 0.5 * x + 2 * m @ rng.normal(size=5) + rng.normal(size=30)
    found, mixed = sensitivity(x, y, {"z": z}, membership=m), mixed_slope(x, y, m, {"z": z})
    assert mixed.tau > 0.3
    assert math.isclose(found.slope.value, mixed.estimate.value, rel_tol=1e-9)
    g = (mixed.tau / mixed.sigma) ** 2
    values, vectors = np.linalg.eigh(np.eye(30) + g * m @ m.T)
    root = (vectors / np.sqrt(values)) @ vectors.T
    # The confounder is built among whitened columns, where the constant is no longer constant.
    one, wx, wy, wz = (root @ v for v in (np.ones(30), (x - x.mean()) / x.std(ddof=1), y - y.mean(), z))
    table = np.column_stack([one, wz])
    rest_x = wx - table @ np.linalg.lstsq(table, wx, rcond=None)[0]
    full = np.column_stack([table, wx])
    rest_y = wy - full @ np.linalg.lstsq(full, wy, rcond=None)[0]
    every = np.column_stack([full, wy])
    free = rng.normal(size=30)
    free -= every @ np.linalg.lstsq(every, free, rcond=None)[0]
    rest_x, rest_y, free = (v / np.linalg.norm(v) for v in (rest_x, rest_y, free))
    r = found.robustness
    u = r**0.5 * rest_x + (1 - r) ** 0.5 * (r**0.5 * np.sign(found.slope.value) * rest_y + (1 - r) ** 0.5 * free)
    assert abs(least_squares(np.column_stack([wx, full[:, :2], u]), wy, 0).value) < 1e-9


def test_the_mixed_value_with_alpha_is_zero_exactly_where_the_mixed_interval_holds_zero():
    seen = set()
    for k in range(120):
        effect = (0.0, 0.4, 1.0)[k % 3]
        rng = generator(k, "interval")
        m = rng.dirichlet(np.full(4, 0.5), size=14)
        x = rng.normal(size=14)
        y = effect * x + m @ rng.normal(size=4) + rng.normal(size=14)
        e = mixed_slope(x, y, m).estimate
        holds = e.low <= 0 <= e.high
        seen.add(holds)
        assert (sensitivity(x, y, membership=m).robustness_alpha == 0) is holds
    assert seen == {True, False}


def test_nothing_is_said_where_nothing_is_estimated():
    x = np.array([1.0, 2.0, 4.0, 3.0])
    found = sensitivity(x, x[::-1], {"same": 2 * x})
    assert math.isnan(found.robustness)
    assert math.isnan(found.robustness_alpha)
    assert found.benchmarks == ()
    assert robustness_value(0.5, 20, alpha=0.05) == 0
    assert math.isnan(robustness_value(3, 1, alpha=0.05))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: robustness_value(2, 0), "0 degrees of freedom; expected a number above 0"),
        (lambda: robustness_value(2, 9, q=0), "q is 0; expected a share above 0 of the estimate, 1 for all of it"),
        (lambda: robustness_value(2, 9, alpha=2), "alpha is 2; expected a probability between 0 and 1, e.g. 0.05"),
        (
            lambda: bias(1, 9, 1, 0.5),
            "shares 1 of x and 0.5 of y; expected 0 <= share of x < 1 and 0 <= share of y <= 1",
        ),
        (lambda: sensitivity([1, 2, 3], [1, 2, 3, 4]), "x has 3 values and y has 4; expected one of each for every training set"),
        (
            lambda: sensitivity([1, 2, 3], [1, 2, 4], {"z": [1, 2]}),
            "covariate 'z' has 2 values; expected 3, one a training set",
        ),
        (lambda: sensitivity([1, 1, 1], [1, 2, 3]), "x is 1 for all 3 training sets; a slope is undefined: give sets that differ"),
    ],
)
def test_errors_say_what_was_given(call, message):
    with pytest.raises(MeasureError) as error:
        call()
    assert str(error.value) == message
