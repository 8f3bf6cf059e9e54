"""Evaluation: no look at query labels, statistics as named, paired and repeatable, and the learners learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from breadth.data.episode import Episodes, episodes
from breadth.data.formats import from_arrays, load
from breadth.data.images import to_float
from breadth.data.union import single
from breadth.errors import DataError, SpecError
from breadth.learn import evaluate
from breadth.learn.evaluate import evaluate_maml, evaluate_pixels, evaluate_pretrained
from breadth.learn.heads import logistic
from breadth.learn.inner import adapt, one_task
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.pretrain import PretrainSettings, pretrain
from breadth.learn.trained import body_of, classifier_of
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier

ARCH = Architecture(filters=16, channels=1, size=8)
MODES = ("running", "support", "transductive")


@pytest.fixture(scope="module")
def suite(digits):
    return episodes(single(digits[1]), queries=10, count=12)


@pytest.fixture(scope="module")
def long_suite(digits):
    return episodes(single(digits[1]), queries=10, count=200)


@pytest.fixture
def body():
    return build(ARCH, 0)


def logits_of(monkeypatch, run):
    """Return the logits by method that ``run()`` predicted."""
    seen = {}

    def spy(logits, _episodes, method):
        seen[method] = torch.cat([x.detach() for x in logits])

    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "_scores", spy)
        run()
    return seen


def poison(monkeypatch, episodes):
    """Make every query label an impossible one."""
    monkeypatch.setattr(Episodes, "query_labels", property(lambda self: np.full(50, 10**9)))
    assert set(episodes.query_labels.tolist()) == set(episodes[0].query_labels.tolist()) == {10**9}


@pytest.mark.parametrize("learner", ["pretrained", "maml", "pixels"])
def test_predictions_do_not_depend_on_query_labels(monkeypatch, suite, body, learner):
    net = classifier(body, 5, 0)
    run = {
        "pretrained": lambda: evaluate_pretrained(body, suite),
        "maml": lambda: evaluate_maml(net, suite, batch_norm=MODES),
        "pixels": lambda: evaluate_pixels(suite),
    }[learner]
    clean = logits_of(monkeypatch, run)
    poison(monkeypatch, suite)
    dirty = logits_of(monkeypatch, run)
    assert clean.keys() == dirty.keys()
    assert all(torch.equal(clean[k], dirty[k]) for k in clean)


def test_the_poison_would_be_noticed_in_the_scores(monkeypatch, suite, body):
    poison(monkeypatch, suite)
    with pytest.raises((IndexError, RuntimeError)):
        evaluate_pretrained(body, suite, heads=("centroid",), batch_norm=("running",))


def test_scores_are_those_of_one_episode_at_a_time(suite, body):
    got = evaluate_pretrained(body, suite)
    assert set(got) == {f"{h}/{m}" for h in ("logistic", "centroid", "logistic-raw") for m in MODES}
    for i in (0, 7):
        e = suite[i]
        s, q = (torch.from_numpy(to_float(x)) for x in (e.support_inputs, e.query_inputs))
        with torch.no_grad():
            fresh = build(ARCH, 0)
            pairs = {"running": (body.eval()(s), body(q)), "transductive": (fresh.train()(s), fresh(q))}
        for mode, pair in pairs.items():
            for head, features in (("logistic-raw", pair), ("logistic", [F.normalize(p, dim=1) for p in pair])):
                logits = logistic(features[0][None], torch.from_numpy(e.support_labels), features[1][None])[0]
                scores = got[f"{head}/{mode}"]
                assert scores.accuracy[i] == pytest.approx((logits.argmax(1).numpy() == e.query_labels).mean(), abs=0.021)
                assert scores.loss[i] == pytest.approx(F.cross_entropy(logits, torch.from_numpy(e.query_labels)).item(), abs=1e-4)


def test_maml_scores_are_those_of_adapting_by_hand(suite, body):
    net = classifier(body, 5, 0)
    got = evaluate_maml(net, suite, batch_norm=MODES, steps=(10, 5), inner_lr=0.05)
    assert set(got) == {f"maml{k}/{m}" for k in (5, 10) for m in MODES}
    e = suite[3]
    s, q = (torch.from_numpy(to_float(x)) for x in (e.support_inputs, e.query_inputs))
    y, yq = torch.from_numpy(e.support_labels), torch.from_numpy(e.query_labels)
    for mode, k in (("transductive", 5), ("transductive", 10), ("running", 10)):
        (net.eval if mode == "running" else net.train)()
        forward = one_task(net, {n: v.clone() for n, v in net.named_buffers()})
        logits = forward(adapt(forward, dict(net.named_parameters()), s, y, steps=k, lr=0.05), q).detach()
        assert got[f"maml{k}/{mode}"].loss[3] == pytest.approx(F.cross_entropy(logits, yq).item(), rel=1e-4)


@pytest.mark.parametrize("training", [True, False])
def test_evaluation_leaves_weights_statistics_and_flags_alone(suite, body, training):
    net = classifier(body, 5, 0).train(training)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    evaluate_pretrained(net.body, suite, heads=("centroid",))
    evaluate_maml(net, suite, batch_norm=MODES)
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in before.items())
    assert all(m.training == training for m in net.modules())
    assert all(p.grad is None for p in net.parameters())


def test_a_suite_is_a_prefix_of_a_longer_one(digits, body, suite):
    longer = episodes(single(digits[1]), queries=10, count=15)
    a, b = (evaluate_pretrained(body, e, heads=("centroid",), batch_norm=("support",))["centroid/support"] for e in (suite, longer))
    np.testing.assert_array_equal(a.accuracy, b.accuracy[:12])


def test_a_diverged_episode_is_unknown_and_not_wrong(suite, body):
    scores = evaluate_maml(classifier(body, 5, 0), suite, inner_lr=1e30, batch_norm=("support",))["maml5/support"]
    assert np.isnan(scores.accuracy).all()
    assert np.isnan(scores.loss).all()


def test_pixels_are_nearest_class_means(suite):
    scores, e = evaluate_pixels(suite), suite[2]
    means = to_float(e.support_inputs).reshape(5, 5, -1).mean(1)
    distance = ((to_float(e.query_inputs).reshape(50, 1, -1) - means) ** 2).sum(2)
    assert scores.method == "pixels/centroid"
    assert scores.accuracy[2] == pytest.approx((distance.argmin(1) == e.query_labels).mean())
    by_hand = F.cross_entropy(torch.from_numpy(-distance / 64), torch.from_numpy(e.query_labels)).item()
    assert scores.loss[2] == pytest.approx(by_hand, rel=1e-5)


def test_pretraining_learns(body):
    """On other images of the same ten digits: classes that pre-training never saw need more of them than digits has."""
    everything = load("digits")
    train, test = (everything.select(np.arange(start, everything.n_items, 2)) for start in (0, 1))
    suite = episodes(single(test), queries=10, count=200)
    trained = pretrain(train, ARCH, PretrainSettings(images=9000, batch=64, augmentation="none"), seed=0)
    assert trained.history[-1]["accuracy"] > 0.9
    scores = [evaluate_pretrained(b, suite, heads=("logistic",), batch_norm=("running",)) for b in (body, body_of(trained))]
    before, after = (s["logistic/running"].accuracy.mean() for s in scores)
    assert after > 0.9
    assert after > before + 0.1


@pytest.mark.parametrize("order", [1, 2])
def test_maml_learns(digits, long_suite, order):
    trained = meta_train(single(digits[0]), ARCH, MamlSettings(tasks=300 if order == 1 else 150, order=order), seed=0)
    assert trained.cost["tasks"] == (300 if order == 1 else 152)
    suite = replace(long_suite, length=50)
    before = evaluate_maml(classifier(build(ARCH, 0), 5, 0), suite, steps=(5,))["maml5/support"].accuracy.mean()
    after = evaluate_maml(classifier_of(trained), suite, steps=(5,))["maml5/support"].accuracy.mean()
    assert after > before + 0.05
    assert after > 0.6


def test_meta_training_gathers_statistics_of_the_weights_that_adaptation_starts_from(digits):
    """With tiny steps the weights stand still, and the first layer's statistics become those of the data under them."""
    trained = meta_train(single(digits[0]), ARCH, MamlSettings(tasks=400, lr=1e-9, steps=1), seed=0)
    first = classifier_of(trained).body.features.conv1(torch.from_numpy(to_float(digits[0].inputs)))
    torch.testing.assert_close(
        trained.weights["body.features.norm1.running_mean"], first.mean((0, 2, 3)).detach(), rtol=0.1, atol=0.02
    )
    torch.testing.assert_close(
        trained.weights["body.features.norm1.running_var"], first.var((0, 2, 3)).detach(), rtol=0.15, atol=0.01
    )


def test_a_perceptron_on_vectors_is_evaluated_alike_in_all_modes():
    rng = np.random.default_rng(0)
    means = rng.normal(0, 5, (20, 1, 2))
    data = from_arrays((means + rng.normal(0, 1, (20, 30, 2))).reshape(-1, 2).astype(np.float32), np.repeat(np.arange(20), 30))
    arch, source = Architecture("mlp", filters=32, size=2), single(data)
    net = classifier_of(meta_train(source, arch, MamlSettings(tasks=400, inner_lr=0.05), seed=0))
    suite = episodes(source, count=70)
    got = evaluate_maml(net, suite, inner_lr=0.05, batch_norm=MODES)
    assert got["maml5/support"].accuracy.mean() > 0.6
    np.testing.assert_array_equal(got["maml5/support"].loss, got["maml5/running"].loss)
    e, forward = suite[66], one_task(net)
    phi = adapt(
        forward,
        dict(net.named_parameters()),
        torch.from_numpy(e.support_inputs),
        torch.from_numpy(e.support_labels),
        steps=10,
        lr=0.05,
    )
    by_hand = F.cross_entropy(forward(phi, torch.from_numpy(e.query_inputs)), torch.from_numpy(e.query_labels)).item()
    assert got["maml10/support"].loss[66] == pytest.approx(by_hand, rel=1e-4)
    scores = evaluate_pretrained(net.body, suite, heads=("logistic",))
    np.testing.assert_array_equal(scores["logistic/running"].loss, scores["logistic/transductive"].loss)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda b, s: evaluate_pretrained(b, s, heads=("logistics",)),
            SpecError,
            "unknown head 'logistics'; expected one of: centroid, logistic, logistic-raw; did you mean 'logistic'?",
        ),
        (
            lambda b, s: evaluate_pretrained(b, s, batch_norm=("eval",)),
            SpecError,
            "unknown batch norm mode 'eval'; expected one of: running, support, transductive",
        ),
        (
            lambda b, s: evaluate_maml(classifier(b, 5, 0), s, batch_norm=("eval",)),
            SpecError,
            "unknown batch norm mode 'eval'; expected one of: running, support, transductive",
        ),
        (
            lambda b, s: evaluate_maml(classifier(b, 5, 0), s, steps=(0, 5)),
            SpecError,
            "MAML is to be read out after [0, 5] steps; expected numbers of at least 1",
        ),
        (
            lambda b, s: evaluate_maml(classifier(b, 7, 0), s),
            DataError,
            "the classifier's head has 7 outputs, the episodes have 5 ways; evaluate on episodes of as many ways as it was trained on",
        ),
        (
            lambda b, s: pretrain(s.source.parts[0], Architecture(size=8), seed=0),
            SpecError,
            "'digits 5-9' has inputs of shape [8, 8, 1], the network 'conv-stride' takes [8, 8, 3]; "
            "prepare the data with the network's size and channels",
        ),
        (
            lambda b, s: meta_train(s.source, Architecture("mlp", size=8), seed=0),
            SpecError,
            "'digits 5-9' has inputs of shape [8, 8, 1], the network 'mlp' takes [8]; "
            "prepare the data with the network's size and channels",
        ),
    ],
)
def test_bad_input_is_one_clear_line(suite, body, call, error, message):
    with pytest.raises(error) as e:
        call(body, suite)
    assert str(e.value) == message


ANNEALED = (
    "stop 'converged' with schedule 'onecycle' would mistake the annealing for convergence; "
    "use schedule 'constant' or stop 'budget'"
)


@pytest.mark.parametrize(
    "make, fields, message",
    [
        (PretrainSettings, {"optimizer": "adma"}, "unknown optimizer 'adma'; expected one of: adam, adamw; did you mean 'adam'?"),
        (PretrainSettings, {"schedule": "x"}, "unknown schedule 'x'; expected one of: constant, cosine, onecycle"),
        (PretrainSettings, {"augmentation": "x"}, "unknown augmentation 'x'; expected one of: none, shift"),
        (PretrainSettings, {"stop": "x"}, "unknown stop 'x'; expected one of: budget, converged"),
        (PretrainSettings, {"batch": 0}, "pre-training batch is 0; expected more than 0"),
        (PretrainSettings, {"stop": "converged"}, ANNEALED),
        (MamlSettings, {"order": 3}, "MAML order is 3; expected 1 (first order) or 2 (second order)"),
        (MamlSettings, {"schedule": "x"}, "unknown schedule 'x'; expected one of: constant, cosine, onecycle"),
        (MamlSettings, {"inner_lr": 0}, "MAML inner_lr is 0; expected more than 0"),
        (MamlSettings, {"ways": 1}, "MAML ways is 1; expected at least 2"),
        (MamlSettings, {"stop": "converged", "schedule": "onecycle"}, ANNEALED),
    ],
)
def test_impossible_settings_are_refused(make, fields, message):
    with pytest.raises(SpecError) as e:
        make(**fields)
    assert str(e.value) == message
