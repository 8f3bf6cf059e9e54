"""Task2Vec on the 1-D Gaussian benchmark of arXiv 2208.01545, whose true diversity is known in closed form."""

import numpy as np
import pytest
from scipy import stats

from breadth.data.gaussian import gaussian, gaussian_truth
from breadth.data.union import single
from breadth.measure.diversity import diversity_coefficient, embed
from breadth.measure.probe import line_probe
from breadth.measure.task2vec import Task2Vec

SIGMAS = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 20.0, 30.0)
PUBLISHED = (0.01, 1.0, 3.0, 10.0)


def measured(sigmas, seed, tasks, probe_seed=0):
    """Coefficients of 5-way tasks with 10 + 30 items a class; the ridge is small because a class has many items."""
    t2v = Task2Vec(line_probe(probe_seed), ridge=1e-4)
    sources = [single(gaussian(sigma=s, seed=seed)) for s in sigmas]
    return np.array([diversity_coefficient(embed(source, t2v, tasks=tasks, per_class=40, seed=seed)).value for source in sources])


def check(sigmas, found):
    truth = np.array([gaussian_truth(s) for s in sigmas])
    four = [sigmas.index(s) for s in PUBLISHED]
    assert stats.spearmanr(truth, found)[0] == pytest.approx(1)
    assert stats.pearsonr(truth[four], found[four])[0] >= 0.98


def test_the_coefficient_follows_the_published_four():
    check(PUBLISHED, measured(PUBLISHED, seed=0, tasks=20))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_coefficient_follows_the_truth(seed):
    check(SIGMAS, measured(SIGMAS, seed, tasks=100))


def test_the_check_fails_on_another_order():
    with pytest.raises(AssertionError):
        check(PUBLISHED, np.array([0.3, 0.5, 0.4, 0.6]))
    with pytest.raises(AssertionError):
        check(PUBLISHED, np.array([0.0, 0.5, 0.51, 0.52]))
