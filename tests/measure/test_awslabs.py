"""The published procedure: equal to the original where that is installed, and the faults of the original that the rest avoids."""

import re
from copy import deepcopy
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from breadth.data.formats import load
from breadth.data.images import to_float
from breadth.data.task import task
from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.awslabs import PUBLISHED, Published, awslabs_fisher
from breadth.measure.distance import cosine, pairwise
from breadth.measure.diversity import diversity_coefficient, embed
from breadth.measure.fisher import fisher_diagonal
from breadth.measure.head import SaturatedHeadWarning, fit_head_adam, initial_head
from breadth.measure.probe import probe
from breadth.measure.published_distance import published_cross, published_pairwise
from breadth.measure.store import EmbeddingStore
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture, build
from measure.toys import Dense, Toys, numbers, settled
from oracle import peer

original = pytest.mark.skipif(not peer.installed(), reason=peer.MISSING)
SMALL = Published(draws=100, batch=16, epochs=2)
UNEQUAL = np.repeat([0, 1, 2], [15, 25, 40])


def conv(filters=4):
    return settled(build(Architecture("conv-stride", filters, 2, 16), 0)).eval()


def published_distance(a, b, **eps):
    return published_cross(a[None], b[None], **eps)[0, 0]


def evaluate(t2v):
    t2v.model.eval()


def peers(body, x, labels, settings, *, seed=5, start=None, **options):
    """(values, weight, bias) of the original around a copy of ``body`` with our settings."""
    ways = int(labels.max()) + 1
    start = initial_head(ways, body(x[:2]).shape[1], 0) if start is None else start
    net = peer.network(deepcopy(body), ways, start)
    if not settings.batch_statistics:
        options["prepare"] = evaluate
    loader = {"batch_size": settings.batch, "num_samples": settings.draws}
    found = peer.embed(net, x, labels, seed=seed, loader_opts=loader, classifier_opts={"epochs": settings.epochs}, **options)
    return found.hessian, net.fc.weight.detach().numpy(), net.fc.bias.detach().numpy()


def flat(found):
    return np.concatenate(list(found.values()))


@original
@pytest.mark.parametrize("batch_statistics", [True, False])
@pytest.mark.parametrize("step", [1, 2])
def test_it_is_the_original_number_for_number(batch_statistics, step):
    """80 items are cached in two batches, 40 in one."""
    body, x, labels = conv(), numbers(80, 2, 16, 16)[::step], UNEQUAL[::step]
    settings = replace(SMALL, batch_statistics=batch_statistics)
    expected, weight, bias = peers(body, x, labels, settings)
    found, head = awslabs_fisher(body, x, labels, 3, settings, seed=5)
    np.testing.assert_allclose(flat(found), expected, rtol=1e-4, atol=1e-6 * expected.mean())
    np.testing.assert_allclose(head.weight, weight, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(head.bias, bias, rtol=1e-4, atol=1e-6)
    other = flat(awslabs_fisher(body, x, labels, 3, settings, seed=6)[0])
    assert not np.allclose(other, expected, rtol=0.01)


@original
@pytest.mark.parametrize("kind, length", [("resnet18", 9600), ("resnet34", 17024)])
def test_the_layout_is_the_original_one(kind, length):
    body = build(Architecture(kind, channels=3, size=32), 0)
    x, labels = numbers(16, 3, 32, 32), np.arange(16) % 2
    settings = Published(draws=16, batch=16, epochs=1)
    expected = peers(body, x, labels, settings)[0]
    found = awslabs_fisher(body, x, labels, 2, settings, seed=5)[0]
    assert flat(found).shape == expected.shape == (length,)
    np.testing.assert_allclose(flat(found), expected, rtol=1e-3, atol=1e-5 * expected.mean())
    exact = fisher_diagonal(body, fit_head_adam(body.eval()(x).detach().numpy(), labels, 2, seed=0), x)
    assert [(k, v.shape) for k, v in exact.items()] == [(k, v.shape) for k, v in found.items()]


def z_scores(values, expected):
    """Per column: (mean over rows - expected) / standard error."""
    return (values.mean(0) - expected) / (values.std(0, ddof=1) / np.sqrt(len(values)))


@original
@pytest.mark.parametrize("batch_statistics", [False, True])
def test_in_evaluation_mode_batch_times_the_original_is_the_exact_fisher_on_average(batch_statistics):
    """64 x the original = ours, within the error of 20 x 20 batches; with batch statistics, as published, it is not."""
    body, x = conv(), numbers(80, 2, 16, 16)
    head = fit_head_adam(body(x).detach().numpy(), UNEQUAL, 3, seed=0, epochs=1)
    start = np.hstack([head.weight, head.bias[:, None]])
    settings = Published(draws=20 * 64, epochs=0, batch_statistics=batch_statistics)
    runs = np.array([64 * peers(body, x, UNEQUAL, settings, seed=s, start=start)[0] for s in range(20)])
    exact = fisher_diagonal(body, head, x, labels=UNEQUAL)
    ends = np.cumsum([len(v) for v in exact.values()])[:-1]
    sums = np.stack([part.sum(1) for part in np.split(runs, ends, axis=1)], 1)
    z = z_scores(sums, np.array([v.sum() for v in exact.values()]))
    if batch_statistics:
        assert np.abs(z).max() > 20
    else:
        assert np.abs(z).max() < 4
        assert np.abs(z_scores(sums, 1.1 * np.array([v.sum() for v in exact.values()]))).max() > 4


@original
def test_the_original_depends_on_the_batch_size_and_on_the_run():
    body, x = conv(), numbers(80, 2, 16, 16)
    small, large = (peers(body, x, UNEQUAL, Published(3200, batch, 0, batch_statistics=False))[0].sum() for batch in (16, 64))
    assert 3 < small / large < 5
    runs = [peers(body, x, UNEQUAL, SMALL, seed=s)[0] for s in (0, 1)]
    assert cosine(*runs) > 0.01


@original
def test_the_original_cannot_embed_twice_and_moves_the_running_statistics():
    body, x = conv(), numbers(80, 2, 16, 16)
    net = peer.network(deepcopy(body), 3, initial_head(3, body(x).shape[1], 0))
    t2v = []
    few = {"num_samples": 64}
    peer.embed(net, x, UNEQUAL, seed=0, prepare=t2v.append, loader_opts=few)
    before = dict(body.named_buffers())
    drift = [not torch.equal(value, before[name]) for name, value in net.body.named_buffers()]
    assert drift
    assert all(drift)
    with pytest.raises(AttributeError, match="'Tensor' object has no attribute 'append'"):
        t2v[0].embed(torch.utils.data.TensorDataset(x, torch.from_numpy(UNEQUAL)))


def test_ours_leaves_the_body_as_it_was_and_can_be_repeated():
    body, x = conv().requires_grad_(False), numbers(80, 2, 16, 16)
    before = {k: v.clone() for k, v in body.state_dict().items()}
    chance = torch.random.get_rng_state()
    first = flat(awslabs_fisher(body, x, UNEQUAL, 3, SMALL, seed=0)[0])
    with torch.no_grad():
        second = flat(awslabs_fisher(body, x, UNEQUAL, 3, SMALL, seed=0)[0])
    assert np.array_equal(first, second)
    assert torch.equal(chance, torch.random.get_rng_state())
    assert all(torch.equal(v, before[k]) for k, v in body.state_dict().items())
    assert not any(m.training for m in body.modules())
    assert not any(p.requires_grad for p in body.parameters())


def test_the_head_is_reported_on_its_features():
    body, x = conv(), numbers(80, 2, 16, 16)
    _, head = awslabs_fisher(body, x, UNEQUAL, 3, replace(SMALL, batch_statistics=False), seed=0)
    logits = torch.from_numpy(body(x).detach().double().numpy() @ head.weight.T + head.bias)
    assert head.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, torch.from_numpy(UNEQUAL)).item(), rel=1e-4)
    assert head.doubt == pytest.approx((1 - logits.softmax(1).max(1).values).mean().item(), rel=1e-4)


def test_a_nearly_certain_head_warns():
    labels = np.arange(60) % 2
    x = numbers(60, 3) + torch.from_numpy(labels * 2e4 - 1e4)[:, None].float()
    body = settled(torch.nn.Linear(3, 4))
    with pytest.warns(SaturatedHeadWarning, match="close to zero; use another estimator with head='ridge'$"):
        awslabs_fisher(body, x, labels, 2, Published(draws=640), seed=0)


@original
def test_the_distance_is_the_original_one():
    task2vec, similarity = peer.load()
    rng = np.random.default_rng(0)
    for size in (1e-6, 1e-9, 1.0):
        h = size * rng.gamma(0.3, size=(5, 40))
        expected = similarity.pdist([task2vec.Embedding(row, None) for row in h])
        np.testing.assert_allclose(published_pairwise(h), expected, atol=1e-12)
        assert published_distance(h[0], h[1]) == pytest.approx(expected[0, 1])


def test_the_absolute_eps_rules_small_entries_and_the_relative_distance_does_not_have_it():
    rng = np.random.default_rng(0)
    a, b = rng.lognormal(0, 1.5, size=(2, 500))
    assert published_distance(1e3 * a, 1e3 * b) == pytest.approx(cosine(a, b), rel=1e-4)
    # Far below eps the published distance is the plain cosine distance of the two: another quantity.
    plain = 1 - a @ b / np.sqrt(a @ a * (b @ b))
    assert published_distance(1e-14 * a, 1e-14 * b) == pytest.approx(plain, rel=1e-4)
    assert abs(plain - cosine(a, b)) > 0.05
    assert cosine(1e-14 * a, 1e-14 * b) == pytest.approx(cosine(a, b))
    assert published_distance(a, b, eps=0.0) == pytest.approx(cosine(a, b))


def test_the_distance_of_nothing():
    with pytest.raises(MeasureError, match=r"^embedding 1 is zero everywhere; its distances are undefined: use more draws$"):
        published_pairwise(np.array([[1.0, 2], [0, 0]]))


def test_task2vec_with_the_estimator():
    net, drawn = probe(Architecture("conv-stride", 6, 1, 16)), task(single(Toys.images()), 0, ways=3, per_class=4)
    t2v = Task2Vec(net, "awslabs", published=SMALL, seed=3)
    e = t2v(drawn)
    assert e.layers == net.layers
    assert np.array_equal(e.values, t2v(drawn).values)
    for other in (replace(t2v, seed=4), replace(t2v, published=replace(SMALL, batch_statistics=False))):
        assert not np.array_equal(e.values, other(drawn).values)
    ignored = replace(t2v, head="adam", ridge=1.0, draws=9)
    assert np.array_equal(e.values, ignored(drawn).values)


def test_task2vec_with_the_published_head(tmp_path):
    net, drawn = probe(Architecture("conv-stride", 6, 1, 16)), task(single(Toys.images()), 0, ways=3, per_class=4)
    x = torch.from_numpy(to_float(drawn.inputs))
    head = fit_head_adam(net.body(x).double().numpy(), drawn.labels, 3, seed=3)
    t2v = Task2Vec(net, head="adam", seed=3, store=EmbeddingStore(tmp_path))
    e = t2v(drawn)
    expected = flat(fisher_diagonal(net.body, head, x, labels=drawn.labels))
    np.testing.assert_allclose(e.values, expected, rtol=1e-4, atol=1e-6 * e.values.mean())
    assert (e.loss, e.doubt) == (head.loss, head.doubt)
    # What is stored for one head or one procedure does not answer for another.
    few = [replace(t2v, estimator="awslabs", published=replace(SMALL, epochs=epochs)) for epochs in (1, 2)]
    assert len({other(drawn).values.tobytes() for other in (t2v, replace(t2v, head="ridge"), *few)}) == 4
    message = r"^unknown head 'adma'; expected one of: adam, ridge; did you mean 'adam'\?$"
    with pytest.raises(MeasureError, match=message):
        Task2Vec(net, head="adma")(drawn)


def test_the_defaults_are_the_published_ones():
    assert asdict(PUBLISHED) == {"draws": 10_000, "batch": 64, "epochs": 10, "batch_statistics": True}


@pytest.mark.parametrize("draws, batch, epochs", [(63, 64, 10), (64, 0, 10), (64, 64, -1)])
def test_settings_without_a_whole_batch(draws, batch, epochs):
    message = (
        f"the published procedure was asked for {draws} draws in batches of {batch} and {epochs} epochs; "
        "expected at least one whole batch and no fewer than 0 epochs"
    )
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        Published(draws, batch, epochs)


def test_bad_input():
    with pytest.raises(MeasureError, match=r"^the task's labels are \[0, 2\]; expected each of 0..2 at least once$"):
        awslabs_fisher(conv(), numbers(2, 2, 16, 16), np.array([0, 2]), 3, SMALL, seed=0)
    message = (
        r"^batch statistics are undefined for a batch of 1 \(Expected more than 1 value per channel when training, got input size .*\); "
        "expected two values a channel or more: use another number of items$"
    )
    with pytest.raises(MeasureError, match=message):
        awslabs_fisher(settled(Dense()), numbers(65, 3), np.arange(65) % 2, 2, SMALL, seed=0)


def test_filters_as_columns_are_refused():
    transformers = pytest.importorskip("transformers.pytorch_utils", reason="transformers is not installed")
    message = (
        r"^layer 'part' holds its 4 filters as columns of its weight and the published procedure averages rows; expected filters as "
        "rows: use another estimator$"
    )
    body = torch.nn.Sequential()
    body.part = transformers.Conv1D(4, 3)
    with pytest.raises(MeasureError, match=message):
        awslabs_fisher(body, numbers(4, 3), np.arange(4) % 2, 2, SMALL, seed=0)


def test_embeddings_of_the_published_estimator_are_compared_by_its_distance():
    source = single(load("digits"))
    t2v = Task2Vec(probe(Architecture("conv-stride", 4, 1, 8)), estimator="awslabs", published=SMALL)
    e, other = (embed(source, t2v, tasks=4, ways=3, per_class=5, seed=seed) for seed in (0, 1))
    np.testing.assert_allclose(e.distances, published_pairwise(e.values))
    np.testing.assert_allclose(e.distances_to(other), published_cross(e.values, other.values))
    rows = np.concatenate([e.values, other.values])
    np.testing.assert_allclose(published_pairwise(rows)[:4, 4:], e.distances_to(other))
    assert diversity_coefficient(e).value == pytest.approx(published_pairwise(e.values).sum() / 12)
    assert not np.allclose(e.distances, pairwise(e.values), rtol=1e-6)
