"""The distance against its definition, and the properties it must have."""

import re

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure import distance
from breadth.measure.distance import cosine, cross, pairwise
from oracle.distance import pairwise as oracle


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
