"""The distance against its definition, and the properties it must have."""

import re

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure import distance, ratios
from breadth.measure.distance import asymmetric, cosine, cross, pairwise, trivial_embedding
from breadth.stats.interval import mean_pairwise
from oracle.distance import pairwise as oracle
from oracle.distance import published, published_mean


def embeddings(m=6, d=50, seed=0, zeros=0.0):
    rng = np.random.default_rng(seed)
    h = rng.gamma(0.5, 1.0, (m, d)) * np.exp(rng.normal(0, 3, (m, 1)))
    return np.where(rng.random((m, d)) < zeros, 0, h)


@pytest.mark.parametrize("zeros", [0.0, 0.4])
@pytest.mark.parametrize("block", [distance.BLOCK, 120])
def test_pairwise_is_the_definition(zeros, block, monkeypatch):
    monkeypatch.setattr(distance, "BLOCK", block)
    h = embeddings(zeros=zeros)
    d = pairwise(h)
    np.testing.assert_allclose(d, oracle(h), atol=1e-13)
    np.testing.assert_array_equal(d, d.T)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(d, oracle(h**1.01), atol=1e-13)


def test_cross_and_cosine_are_entries_of_pairwise():
    h = embeddings(7, zeros=0.2)
    d = pairwise(h)
    np.testing.assert_allclose(cross(h[:3], h[3:]), d[:3, 3:], atol=1e-14)
    assert cosine(h[0], h[5]) == pytest.approx(d[0, 5], abs=1e-14)


def test_the_unit_of_the_embeddings_does_not_matter():
    a, b = embeddings(2)
    for factor in (1e-30, 1e-12, 1e9):
        assert cosine(a * factor, b * factor) == pytest.approx(cosine(a, b), rel=1e-12)
        assert cosine(a, factor * a) == pytest.approx(0, abs=1e-12)


def test_bounds():
    a = np.array([1.0, 2.0, 0.0, 0.0])
    assert cosine(a, a) == pytest.approx(0, abs=1e-15)
    assert cosine(a, a[::-1]) == 1
    assert cosine(np.append(a, 0), np.append(a[::-1], 0)) == 1
    assert pairwise(np.stack([a, a]))[0, 1] == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    "h, message",
    [
        (
            [[1.0, 2.0], [0.0, 0.0]],
            "embedding 1 is zero everywhere; its distances are undefined: the head is saturated or the probe is "
            "dead: use a larger ridge or another probe",
        ),
        ([[1.0, -1.0]], "an embedding holds negative numbers, NaN or infinity; expected Fisher information"),
        ([[1.0, np.nan]], "an embedding holds negative numbers, NaN or infinity; expected Fisher information"),
        ([1.0, 2.0], "an embedding array has 1 dimensions; expected 2"),
    ],
)
def test_bad_embeddings(h, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        pairwise(np.array(h))


def test_different_lengths():
    with pytest.raises(MeasureError, match=r"^embeddings have 3 and 2 numbers; expected one probe for both$"):
        cross(np.ones((1, 3)), np.ones((1, 2)))


@pytest.fixture
def fast(monkeypatch):
    """Take the float32 way for small problems too, in blocks with a remainder."""
    monkeypatch.setattr(distance, "SMALL", 0)
    monkeypatch.setattr(ratios, "ROWS", 4)
    monkeypatch.setattr(ratios, "FILTERS", 70)


@pytest.mark.parametrize("zeros", [0.0, 0.4])
@pytest.mark.parametrize("spread", [0.0, 3.0, 10.0])
def test_the_float32_way_is_within_1e_6_of_the_definition(fast, zeros, spread):
    rng = np.random.default_rng(1)
    h = embeddings(13, 300, zeros=zeros) * np.exp(rng.normal(0, 8, 300)) * np.exp(rng.normal(0, spread, (13, 1)))
    h[:, 17] = 0
    d, wanted = pairwise(h), oracle(h)
    np.testing.assert_allclose(d, wanted, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_allclose(cross(h[:6], h[6:]), wanted[:6, 6:], rtol=0, atol=1e-6)
    assert np.abs(d - wanted).max() > 1e-13, "float64 throughout: the float32 way was not tried"
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(d, oracle(h**1.001), rtol=0, atol=1e-6)


def test_the_float32_way_doubts_few_distances_of_ordinary_embeddings(fast):
    h = embeddings(20, 500) * 1e4 ** np.arange(-10.0, 10.0)[np.random.default_rng(0).permutation(20) % 3, None]
    d, doubt = ratios.distances(h)
    assert not doubt.any()
    assert not d.diagonal().any()
    assert not ratios.distances(h[:7], h[7:])[1].any()


def test_duplicates_multiples_and_neighbours_keep_float64_precision(fast):
    h = embeddings(6, 400, zeros=0.3)
    h = np.concatenate([h, h[:2], 3.7 * h[2:4], 1e-9 * h[4:5], h[5:] * (1 + 1e-3 * np.sin(np.arange(400.0)))])
    d, wanted = pairwise(h), oracle(h)
    for i, j in ((0, 6), (1, 7), (2, 8), (3, 9), (4, 10)):
        assert d[i, j] <= 1e-12
        assert cross(h[i : i + 1], h[j : j + 1])[0, 0] <= 1e-12
    assert 0 < wanted[5, 11] < 1e-6
    assert d[5, 11] == pytest.approx(wanted[5, 11], rel=1e-6)


@pytest.mark.parametrize("unit", [1e-30, 1.0, 1e30])
def test_embeddings_of_any_size_and_unlike_sizes(fast, unit):
    h = embeddings(6, 200) * unit
    h[1:3] *= 1e-12
    h[3] *= 1e12
    h[4, :50] *= 1e-70
    wanted = oracle(h)
    np.testing.assert_allclose(pairwise(h), wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(cross(h[:2], h[2:]), wanted[:2, 2:], rtol=0, atol=1e-6)
    np.testing.assert_allclose(cross(h[2:], h[:2]), wanted[2:, :2], rtol=0, atol=1e-6)


def test_float32_cannot_hold_numbers_that_are_too_far_apart_so_float64_decides(fast):
    h = embeddings(4, 200)
    h[1:3, :150] *= 1e-80
    assert ratios.distances(h)[1][1:3].sum() == 6
    np.testing.assert_allclose(pairwise(h), oracle(h), atol=1e-9)


def test_where_the_order_of_size_misleads_float64_decides(fast):
    h = embeddings(3, 500)
    h[:2, :300] = 0
    h[0] *= 1e9
    # By their middle number, 0, rows 0 and 1 are alike, but the ratios of row 0 are all near 1.
    assert ratios.distances(h)[1][0, 1]
    np.testing.assert_allclose(pairwise(h), oracle(h), rtol=0, atol=1e-6)


def test_large_problems_take_the_float32_way_and_repeat_exactly():
    h = embeddings(70, 8000)
    assert distance.SMALL < 70 * 69 // 2 * 8000
    d = pairwise(h)
    np.testing.assert_array_equal(d, pairwise(h))
    some = [0, 3, 40, 69]
    exact = np.array([[cosine(h[i], h[j]) for j in some] for i in some])
    assert 0 < np.abs(d[np.ix_(some, some)] - exact).max() < 1e-6
    np.testing.assert_allclose(cross(h[:40], h[20:])[np.ix_([0, 3], [20, 49])], exact[:2, 2:], rtol=0, atol=1e-6)


def test_eps_is_not_absolute():
    # The Fisher information of easy tasks is that small: the public code's 1e-8 takes over, and large filters alone decide.
    rng = np.random.default_rng(0)
    a, b = rng.gamma(2.0, 1.0, (2, 200)) * np.exp(rng.normal(0, 2, 200))
    assert cosine(1e-12 * a, 1e-12 * b) == pytest.approx(cosine(a, b), rel=1e-12)
    assert published(a, b) == pytest.approx(cosine(a, b), rel=1e-5)
    assert abs(published(1e-12 * a, 1e-12 * b) - cosine(a, b)) > 0.05


def test_duplicates_are_kept_in_the_mean_and_lower_the_coefficient():
    h = embeddings(6)
    plain, doubled = pairwise(h), pairwise(np.concatenate([h, h]))
    wanted = plain.sum() * 4 / (12 * 11)
    assert mean_pairwise(doubled).value == pytest.approx(wanted, rel=1e-9)
    assert mean_pairwise(doubled).value < 0.95 * mean_pairwise(plain).value
    # The public mean leaves zeros out, and so does not see that half of the tasks are copies.
    doubled[doubled < 1e-12] = 0
    assert published_mean(doubled) == pytest.approx(published_mean(plain), rel=1e-9)


def test_all_duplicates_give_zero_not_nan():
    d = pairwise(np.tile(embeddings(1), (5, 1)))
    assert mean_pairwise(d).value == pytest.approx(0, abs=1e-12)
    assert np.isnan(published_mean_of_nothing())


def published_mean_of_nothing():
    with pytest.warns(RuntimeWarning, match="Mean of empty slice"), np.errstate(invalid="ignore"):
        return published_mean(np.zeros((5, 5)))


def test_trivial_embedding_distance_works():
    layers = (("conv", 20), ("bn", 30))
    t0 = trivial_embedding(layers, [0.5, 2.0])
    np.testing.assert_array_equal(t0, [0.5] * 20 + [2.0] * 30)
    a, b = embeddings(2)
    assert asymmetric(a, b, t0) == cosine(a, b) - 0.15 * cosine(a, t0)
    assert asymmetric(a, b, t0, alpha=0) == cosine(a, b)
    assert asymmetric(a, b, t0) != pytest.approx(asymmetric(b, a, t0), abs=1e-4)
    # From the trivial task itself nothing is taken off; it is at distance 0 from its own multiples.
    assert asymmetric(t0, b, 3 * t0) == pytest.approx(cosine(t0, b), abs=1e-12)


@pytest.mark.parametrize("precision", [[1.0], [1.0, 0.0], [1.0, np.inf]])
def test_bad_trivial_embedding(precision):
    message = f"the trivial task's precisions are {precision} for 2 layers; expected one positive number a layer"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        trivial_embedding((("conv", 2), ("bn", 3)), precision)
