"""Heads against scikit-learn and against Newton's method on the primal objective."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestCentroid
from torch.nn import functional as F

from breadth.errors import BreadthError
from breadth.learn import heads
from breadth.learn.heads import centroid, logistic
from oracle.logistic import logistic as oracle


def features(*, episodes=12, ways=5, shots=5, queries=15, d=16, scale=1.0, seed=0):
    g = torch.Generator().manual_seed(seed)
    means = torch.randn((episodes, ways, 1, d), generator=g)
    both = torch.relu(means + torch.randn((episodes, ways, shots + queries, d), generator=g)) * scale
    return both[:, :, :shots].flatten(1, 2), torch.arange(ways).repeat_interleave(shots), both[:, :, shots:].flatten(1, 2)


def unit(data):
    return F.normalize(data[0], dim=-1), data[1], F.normalize(data[2], dim=-1)


CASES = {
    "unit": unit(features()),
    "raw": features(),
    "large": features(episodes=3, scale=30.0),
    "one shot": unit(features(shots=1)),
    "two ways": unit(features(ways=2)),
    "more dimensions than items": unit(features(d=100)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("c", [1.0, 0.1])
def test_logistic_has_the_probabilities_of_newton_in_float64(case, c):
    got = torch.softmax(logistic(*CASES[case], c=c), -1)
    expected = torch.softmax(oracle(*CASES[case], c=c), -1)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got.double(), expected, rtol=0, atol=2e-5)


@pytest.mark.parametrize("case", ["unit", "raw", "one shot", "more dimensions than items"])
def test_logistic_has_the_probabilities_of_scikit_learn(case):
    """Not for two classes, where scikit-learn has one weight vector and thus another penalty, nor where its solver stops early."""
    support, labels, query = CASES[case]
    got = torch.softmax(logistic(support, labels, query), -1)
    for i in range(len(support)):
        fitted = LogisticRegression(C=1, tol=1e-9, max_iter=10_000).fit(support[i].double().numpy(), labels.numpy())
        expected = fitted.predict_proba(query[i].double().numpy())
        np.testing.assert_allclose(got[i].numpy(), expected, atol=1e-4)


def test_an_episode_does_not_depend_on_its_batch():
    support, labels, query = CASES["raw"]
    alone = logistic(support[3:4], labels, query[3:4])
    torch.testing.assert_close(logistic(support, labels, query)[3:4], alone, rtol=1e-4, atol=1e-4)


def test_newton_takes_no_more_episodes_at_once_than_their_systems_allow(monkeypatch):
    support, labels, query = features(episodes=5, ways=4, shots=2, scale=30.0)  # 8 items, 4 classes: systems of 32 equations
    at_once, newton = [], heads._newton

    def counted(start, *rest):
        at_once.append(len(start))
        return newton(start, *rest)

    monkeypatch.setattr(heads, "_newton", counted)
    monkeypatch.setattr(heads, "_CAP", 2)
    whole = logistic(support, labels, query)
    monkeypatch.setattr(heads, "_ELEMENTS", 2 * 32**2)
    torch.testing.assert_close(logistic(support, labels, query), whole)
    assert at_once == [5, 2, 2, 1]


def test_hopeless_features_are_an_error():
    support, labels, query = features(episodes=1, scale=1e12)
    with pytest.raises(BreadthError) as e:
        logistic(support, labels, query)
    assert str(e.value) == (
        "logistic regression did not converge on the features of an episode (their norms are too large); "
        "use the head on L2-normalised features"
    )


def test_centroid_is_that_of_scikit_learn():
    support, labels, query = CASES["raw"]
    got = centroid(support, labels, query)
    for i in range(len(support)):
        assert got[i].argmax(1).tolist() == NearestCentroid().fit(support[i], labels).predict(query[i]).tolist()
    by_hand = -(query[0, 3] - support[0, 5:10].mean(0)).pow(2).sum()
    assert got[0, 3, 1].item() == pytest.approx(by_hand.item(), rel=1e-4)
