"""Known results on real characters: five alphabets for training, three for the test (CPU, one core; minutes)."""

import time

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from breadth.data.episode import episodes
from breadth.data.formats import load
from breadth.data.images import to_float
from breadth.data.union import single
from breadth.learn.evaluate import evaluate_maml, evaluate_pretrained
from breadth.learn.heads import logistic
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.pretrain import pretrain
from breadth.learn.trained import body_of, classifier_of
from breadth.nets.build import Architecture
from oracle.logistic import logistic as oracle

TRAIN = ("Japan", "Korean", "Sanskrit", "Balinese", "Early")
ARCH = Architecture(channels=1, size=28)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def alphabets(packs):
    pack = load(packs / "omniglot_small.npz")
    inside = np.array([pack.class_names[c].startswith(TRAIN) for c in pack.labels])
    return pack.select(np.flatnonzero(inside)), single(pack.select(np.flatnonzero(~inside)))


@pytest.fixture(scope="module")
def pretrained(alphabets):
    start = time.process_time()
    trained = pretrain(alphabets[0], ARCH, seed=0)
    seconds = time.process_time() - start
    print(f"pre-training {seconds:.1f} CPU-s, {trained.cost['images'] / seconds:.0f} images/s")
    return body_of(trained)


def test_pretraining_reaches_the_known_accuracy(alphabets, pretrained):
    scores = evaluate_pretrained(pretrained, episodes(alphabets[1], count=600), heads=("logistic",))
    print({k: round(s.accuracy.mean(), 4) for k, s in scores.items()})
    assert all(s.accuracy.mean() > 0.95 for s in scores.values())


def test_first_order_maml_reaches_the_known_accuracy(alphabets):
    start = time.process_time()
    trained = meta_train(single(alphabets[0]), ARCH, MamlSettings(tasks=500), seed=0)
    print(f"500 tasks in {time.process_time() - start:.1f} CPU-s")
    scores = evaluate_maml(classifier_of(trained), episodes(alphabets[1], count=200))
    print({k: round(s.accuracy.mean(), 4) for k, s in scores.items()})
    assert all(s.accuracy.mean() > 0.80 for s in scores.values())


@pytest.mark.parametrize("normalised", [True, False])
def test_batched_logistic_regression_agrees_with_scikit_learn_on_600_episodes(alphabets, pretrained, normalised):
    suite = episodes(alphabets[1], count=600)
    e = [suite[i] for i in range(600)]

    def features(part):
        with torch.no_grad():
            out = torch.stack([pretrained(torch.from_numpy(to_float(getattr(x, part)))) for x in e])
        return torch.nn.functional.normalize(out, dim=2) if normalised else out

    support, query = features("support_inputs"), features("query_inputs")
    labels, truth = torch.from_numpy(e[0].support_labels), e[0].query_labels
    start = time.process_time()
    fast = torch.cat([logistic(s, labels, q) for s, q in zip(support.split(64), query.split(64), strict=True)])
    print(f"{600 / (time.process_time() - start):.0f} episodes/s")
    right = (fast.argmax(2).numpy() == truth).mean(1)
    theirs = [
        (
            LogisticRegression(C=1, tol=1e-8, max_iter=5000).fit(s.double().numpy(), labels.numpy()).predict(q.double().numpy())
            == truth
        ).mean()
        for s, q in zip(support, query, strict=True)
    ]
    newton = (oracle(support[:100], labels, query[:100]).argmax(2).numpy() == truth).mean(1)
    print(f"sklearn {np.mean(theirs) - right.mean():+.1e}, Newton {newton.mean() - right[:100].mean():+.1e}")
    assert abs(np.mean(theirs) - right.mean()) <= 1e-3
    assert abs(newton.mean() - right[:100].mean()) <= 1e-3
