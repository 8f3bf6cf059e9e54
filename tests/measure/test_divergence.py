"""Divergences against their definitions, SciPy's densities, and what must hold of any divergence."""

import re

import numpy as np
import pytest
from scipy import stats

from breadth.errors import MeasureError
from breadth.measure.divergence import jensen_shannon, kl, kl_pairwise
from oracle import divergence as oracle


def embeddings(m=4, d=40, seed=0):
    rng = np.random.default_rng(seed)
    return rng.gamma(2.0, 1.0, (m, d)) * np.exp(rng.normal(0, 2, d))


@pytest.mark.parametrize("fast, slow", [(kl, oracle.kl), (jensen_shannon, oracle.jensen_shannon)])
def test_divergences_are_their_definitions(fast, slow):
    a, b, c, _ = embeddings()
    zeros = np.zeros(3)
    for x, y in ((a, b), (b, a), (a, 1e6 * c), (np.append(a, zeros), np.append(b, zeros))):
        assert fast(x, y) == pytest.approx(slow(x, y), rel=1e-12)
    assert fast(a, b) != pytest.approx(slow(a, b * 1.001), rel=1e-6)


def test_kl_is_the_closed_form_of_multivariate_normals():
    a, b = embeddings(2, d=6)
    p, q = np.diag(1 / a), np.diag(1 / b)
    _, logp = np.linalg.slogdet(p)
    _, logq = np.linalg.slogdet(q)
    assert kl(a, b) == pytest.approx((np.trace(np.linalg.inv(q) @ p) - 6 + logq - logp) / 2, rel=1e-10)


def test_kl_and_jensen_shannon_are_means_over_samples():
    a, b = embeddings(2, d=5, seed=3)
    n = 40_000
    p, q = (stats.multivariate_normal(cov=np.diag(1 / h)) for h in (a, b))
    m = stats.multivariate_normal(cov=np.diag((1 / a + 1 / b) / 2))
    x, y = (f.rvs(n, random_state=i) for i, f in enumerate((p, q)))
    for terms, value in (
        (p.logpdf(x) - q.logpdf(x), kl(a, b)),
        ((p.logpdf(x) - m.logpdf(x) + q.logpdf(y) - m.logpdf(y)) / 2, jensen_shannon(a, b)),
    ):
        z = (terms.mean() - value) / (terms.std() / np.sqrt(n))
        assert abs(z) < 4
    mixture = np.logaddexp(p.logpdf(x), q.logpdf(x)) - np.log(2), np.logaddexp(p.logpdf(y), q.logpdf(y)) - np.log(2)
    true = ((p.logpdf(x) - mixture[0]).mean() + (q.logpdf(y) - mixture[1]).mean()) / 2
    assert true < jensen_shannon(a, b)


def test_nearly_equal_embeddings_keep_their_digits():
    a = embeddings(1, d=100)[0]
    for step in (1e-3, 1e-6, 1e-9, 1e-12):
        b = a * (1 + step)
        e = b / a - 1
        assert kl(a, b) == pytest.approx((e**2 / 4 - e**3 / 6 + e**4 / 8).sum(), rel=1e-4 if step == 1e-12 else 1e-6)
        assert jensen_shannon(a, b) == pytest.approx((e**2).sum() / 16, rel=2 * step + 1e-3)
    assert kl(a, a) == 0
    assert jensen_shannon(a, a) == 0


@pytest.mark.parametrize("ratio", [1.009, 1.0101, 2.9, 3.1])
def test_both_branches_agree_where_they_meet(ratio):
    a = np.ones(1)
    assert kl(a, ratio * a) == pytest.approx((ratio - 1 - np.log(ratio)) / 2, rel=1e-11)
    assert jensen_shannon(a, ratio * a) == pytest.approx(np.log((1 + ratio) / 2 / np.sqrt(ratio)) / 2, rel=1e-10)


def test_symmetry_and_order():
    a, b, *_ = embeddings()
    assert jensen_shannon(a, b) == jensen_shannon(b, a)
    assert kl(a, b) != pytest.approx(kl(b, a), rel=1e-3)
    assert 0 < jensen_shannon(a, b) < (kl(a, b) + kl(b, a)) / 4


def test_the_unit_of_a_filter_does_not_matter():
    a, b, *_ = embeddings()
    unit = 10.0 ** np.linspace(-30, 30, len(a))
    for divergence in (kl, jensen_shannon):
        assert divergence(unit * a, unit * b) == pytest.approx(divergence(a, b), rel=1e-12)
    np.testing.assert_allclose(kl_pairwise(embeddings() * unit), kl_pairwise(embeddings()), rtol=1e-12)


@pytest.mark.parametrize("divergence", [kl, jensen_shannon])
def test_a_zero_in_one_embedding_only_is_infinite_until_there_is_a_prior(divergence):
    a, b = np.array([1.0, 0.0, 0.0]), np.array([2.0, 3.0, 0.0])
    assert divergence(a, b) == np.inf
    assert divergence(b, a) == np.inf
    assert divergence(a, b, prior=0.5) == pytest.approx(divergence(a + 0.5, b + 0.5), rel=1e-15)
    assert divergence(a, b, prior=1e-3) > divergence(a, b, prior=0.5)


def test_kl_pairwise_is_kl_of_every_pair():
    h = embeddings(5, d=60)
    h[:3, 7] = 0
    h[:, 11] = 0
    found = kl_pairwise(h)
    wanted = np.array([[kl(a, b) for b in h] for a in h])
    np.testing.assert_allclose(found, wanted, rtol=1e-11)
    assert np.isinf(found[:3, 3:]).all()
    assert np.isfinite(found[:3, :3]).all()
    np.testing.assert_allclose(kl_pairwise(h, 0.1), [[kl(a, b, 0.1) for b in h] for a in h], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda a: kl(a, a, -1.0), "the prior's precision is -1.0; expected 0 or a positive number"),
        (lambda a: kl_pairwise(a[None], np.inf), "the prior's precision is inf; expected 0 or a positive number"),
        (lambda a: jensen_shannon(a, a[1:]), "embeddings have 3 and 2 numbers; expected one probe for both"),
        (lambda a: kl(a, -a), "an embedding holds negative numbers, NaN or infinity; expected Fisher information"),
    ],
)
def test_errors(call, message):
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        call(np.ones(3))
