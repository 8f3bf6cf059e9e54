"""The Fisher diagonal against its definition, its unbiased variants against the exact one, and what it must leave alone."""

import re

import numpy as np
import pytest
import torch
from torch import nn

from breadth.errors import MeasureError
from breadth.measure.fisher import ESTIMATORS, chunk_size, fisher_diagonal, layer_sizes, passes, record
from breadth.measure.head import Head
from breadth.nets.build import Architecture, build
from measure.toys import Dense, Odd, close, numbers, settled, some_head
from oracle.fisher import fisher_diagonal as oracle

DOUBLE = torch.float64
CASES = {
    "odd convolutions": (lambda: settled(Odd()), (2, 10, 12)),
    "dense": (lambda: settled(Dense()), (3,)),
    "conv-stride": (lambda: settled(build(Architecture("conv-stride", 8, 1, 16), 0)), (1, 16, 16)),
    "conv": (lambda: settled(build(Architecture("conv", 4, 3, 16), 0)), (3, 16, 16)),
    "mlp": (lambda: build(Architecture("mlp", 12, size=5), 0), (5,)),
}


@pytest.fixture(params=CASES, ids=str)
def case(request):
    make, shape = CASES[request.param]
    body = make().double()
    x = numbers(7, *shape, dtype=DOUBLE)
    with torch.no_grad():
        d = body.eval()(x).shape[1]
    return body, some_head(4, d), x


def test_exact_is_the_definition(case):
    body, head, x = case
    close(fisher_diagonal(body, head, x), oracle(body, head, x), relative=1e-9)


def test_labels_give_classes_equal_weight(case):
    body, head, x = case
    labels = np.array([0, 0, 0, 0, 1, 1, 3])
    found = fisher_diagonal(body, head, x, labels=labels)
    close(found, oracle(body, head, x, labels=labels), relative=1e-9)
    with pytest.raises(AssertionError, match="instead of"):
        close(found, oracle(body, head, x), relative=1e-3)


def test_single_precision_on_a_conv_net_with_batch_norm():
    body = settled(build(Architecture("conv", 16, 3, 32), 0))
    x = numbers(10, 3, 32, 32)
    head = some_head(5, 64, size=0.1)
    close(fisher_diagonal(body, head, x), oracle(body.double(), head, x.double()), relative=1e-4)


def test_resnet18_at_32_pixels():
    body = build(Architecture("resnet18"), 0)
    x, head = numbers(3, 3, 32, 32), some_head(5, 512, size=0.1)
    exact = oracle(body.double(), head, x.double())
    assert sum(len(v) for v in exact.values()) == 9600
    close(fisher_diagonal(body, head, x.double()), exact, relative=1e-9)
    # The scale of a batch norm sums over positions before it squares; where the sum cancels, rounding is not relative to it.
    close(fisher_diagonal(body.float(), head, x), exact, relative=1e-4, floor=1e-5)


def test_two_classes_need_one_pass_and_many_need_one_fewer():
    assert (passes("exact", 2), passes("exact", 10)) == (1, 9)
    assert (passes("rademacher", 10, 3), passes("monte_carlo", 5), passes("empirical", 5)) == (3, 1, 1)
    body, x = settled(Dense()).double(), numbers(4, 3, dtype=DOUBLE)
    for ways in (2, 3, 9):
        head = some_head(ways, 8)
        close(fisher_diagonal(body, head, x), oracle(body, head, x), relative=1e-9)


@pytest.mark.parametrize("direction", [2e-1, 3.0, 40.0])
def test_a_certain_head_keeps_its_digits_in_single_precision(direction):
    body, x = settled(Dense()), numbers(6, 3)
    head = some_head(3, 8, size=direction)
    close(fisher_diagonal(body, head, x), oracle(body.double(), head, x.double()), relative=2e-3)


def test_empirical_is_the_squared_gradient_of_the_given_labels():
    body, x, labels = settled(Dense()).double(), numbers(5, 3, dtype=DOUBLE), np.array([0, 1, 2, 1, 0])
    head = some_head(3, 8)
    found = fisher_diagonal(body, head, x, estimator="empirical", labels=labels)
    weight = body.layers[2].weight
    expected, counts = np.zeros(8), np.array([2, 2, 1])
    for n in range(5):
        logits = body.eval()(x[n : n + 1]) @ torch.from_numpy(head.weight).T + torch.from_numpy(head.bias)
        loss = nn.functional.cross_entropy(logits, torch.tensor(labels[n : n + 1]))
        (g,) = torch.autograd.grad(loss, [weight])
        expected += g.square().mean(1).numpy() / (3 * counts[labels[n]])
    np.testing.assert_allclose(found["layers.2"], expected, rtol=1e-10)


@pytest.mark.parametrize("estimator", ["rademacher", "monte_carlo"])
def test_random_estimators_are_unbiased(estimator):
    body, x, head = settled(Dense()).double(), numbers(5, 3, dtype=DOUBLE), some_head(4, 8)
    exact = np.concatenate(list(fisher_diagonal(body, head, x).values()))
    repeats = 1500
    draws = np.stack(
        [np.concatenate(list(fisher_diagonal(body, head, x, estimator=estimator, seed=s).values())) for s in range(repeats)]
    )
    z = (draws.mean(0) - exact) / (draws.std(0, ddof=1) / np.sqrt(repeats))
    assert np.abs(z).max() < 4.5  # 25 numbers
    biased = (1.2 * draws.mean(0) - exact) / (draws.std(0, ddof=1) / np.sqrt(repeats))
    assert np.abs(biased).max() > 4.5  # the check can fail


def test_more_draws_have_less_noise():
    body, x, head = settled(Dense()).double(), numbers(5, 3, dtype=DOUBLE), some_head(4, 8)
    exact = np.concatenate(list(fisher_diagonal(body, head, x).values()))

    def error(estimator, draws):
        found = [fisher_diagonal(body, head, x, estimator=estimator, draws=draws, seed=s) for s in range(40)]
        return np.mean([np.square(np.concatenate(list(f.values())) / exact - 1).mean() for f in found])

    assert error("rademacher", 8) < 0.3 * error("rademacher", 1)
    assert error("monte_carlo", 8) < 0.3 * error("monte_carlo", 1)
    assert error("rademacher", 1) < error("monte_carlo", 1)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_the_result_does_not_depend_on_the_chunk_and_repeats_itself(estimator):
    body, x, labels = settled(Odd()), numbers(9, 2, 10, 12), np.arange(9) % 3
    head = some_head(3, 6)

    def run(memory=None):
        return fisher_diagonal(body, head, x, estimator=estimator, labels=labels, draws=2, seed=3, memory=memory)

    whole = run()
    close(run(), whole, relative=0)
    one = next(size for size in range(1000, 10_000_000, 1000) if chunk_size(body, x, 2, size) == 2) // 2
    for memory in (0, 4 * one + 1000):
        assert chunk_size(body, x, 2, memory) in (1, 4)
        close(run(memory), whole, relative=1e-5, floor=1e-6)


def test_seeds_matter_only_where_labels_or_signs_are_drawn():
    body, x, head = settled(Dense()), numbers(5, 3), some_head(3, 8)
    for estimator in ("exact", "rademacher", "monte_carlo"):
        a, b = (fisher_diagonal(body, head, x, estimator=estimator, seed=s)["layers.0"] for s in (0, 1))
        assert np.array_equal(a, b) == (estimator == "exact")


def test_nothing_is_left_on_the_modules():
    body, x = settled(Odd()), numbers(4, 2, 10, 12)
    body.norm.train()
    body.out.eval()
    before = {name: (set(m.__dict__), m.training, len(m._forward_hooks)) for name, m in body.named_modules()}
    state = {k: v.clone() for k, v in body.state_dict().items()}
    fisher_diagonal(body, some_head(3, 6), x)
    assert {name: (set(m.__dict__), m.training, len(m._forward_hooks)) for name, m in body.named_modules()} == before
    assert all(torch.equal(v, state[k]) for k, v in body.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in body.parameters())
    assert not x.requires_grad


def test_frozen_parameters_give_the_same():
    body, x, head = settled(Odd()), numbers(4, 2, 10, 12), some_head(3, 6)
    free = fisher_diagonal(body, head, x)
    with torch.no_grad():
        close(fisher_diagonal(body.requires_grad_(False), head, x), free, relative=0)


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 3)

    def forward(self, x):
        return self.a(self.a(x))


class Unused(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 3)

    def forward(self, x):
        return self.a(x)


class Detached(Unused):
    def forward(self, x):
        return (self.a(x) + self.b(x)).detach()


def shared():
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    return net


REFUSED = {
    "no rule": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.PReLU()),
        "layer '1' (PReLU) holds weight, but has no Fisher rule; expected one of: Conv1d, Conv2d, Linear, Embedding, BatchNorm1d, "
        "BatchNorm2d, GroupNorm, InstanceNorm1d, InstanceNorm2d, LayerNorm, RMSNorm, Conv1D of transformers: build it from these, "
        "or make fixed parameters buffers",
    ),
    "called twice": (Twice, "layer 'a' is called twice in one forward pass; expected every layer to be used once"),
    "unused": (Unused, "layer 'b' has a weight but is not called in the forward pass; expected every layer in use"),
    "shared": (shared, "layers '0' and '1' share one weight; expected every layer to have its own"),
    "no layer": (nn.Tanh, "the body has no layer with a weight; expected a convolution, linear layer or batch normalisation"),
    "batch statistics": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4, track_running_stats=False)),
        "layer '1' (BatchNorm1d) has no running statistics, so that samples interact; expected track_running_stats=True",
    ),
    "shape": (
        lambda: nn.Sequential(nn.Linear(3, 4), nn.Unflatten(1, (2, 2))),
        "the body gives features of shape [5, 2, 2]; expected [5, d]: flatten them",
    ),
    "detached": (Detached, "the features do not depend on any layer with a weight; expected no detach() in the body"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_refused_bodies(why):
    make, message = REFUSED[why]
    body = make()
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        fisher_diagonal(body, some_head(3, 4), numbers(5, 3))
    assert not any(m._forward_hooks for m in body.modules())


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_same_padding_of_even_kernels_is_not_symmetric():
    body = nn.Sequential(nn.Conv2d(1, 3, (2, 4), padding="same", dilation=(1, 3)), nn.Tanh(), nn.Flatten()).double()
    x, head = numbers(4, 1, 5, 6, dtype=DOUBLE), some_head(3, 90)
    close(fisher_diagonal(body, head, x), oracle(body, head, x), relative=1e-9)


def test_bad_requests():
    body, x, head = settled(Dense()), numbers(5, 3), some_head(3, 8)
    for options, message in [
        (
            {"estimator": "exakt"},
            "unknown Fisher estimator 'exakt'; expected one of: empirical, exact, monte_carlo, rademacher; did you mean 'exact'?",
        ),
        ({"estimator": "rademacher", "draws": 0}, "the Fisher estimator was asked for 0 draws; expected 1 or more"),
        ({"estimator": "empirical"}, "the empirical Fisher was asked for without labels; pass labels=, or use estimator='exact'"),
    ]:
        with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
            fisher_diagonal(body, head, x, **options)
    with pytest.raises(MeasureError, match=r"^the head takes 7 features; the body gives 8$"):
        fisher_diagonal(body, Head(np.zeros((3, 7)), np.zeros(3)), x)


def test_layers_come_in_the_order_of_named_modules():
    body = settled(Odd())
    names = ["stem", "norm", "grouped", "depthwise", "one", "mixed", "flat", "out"]
    assert [name for name, _ in layer_sizes(body)] == names
    assert list(fisher_diagonal(body, some_head(3, 6), numbers(2, 2, 10, 12))) == names


def test_a_layer_that_does_not_reach_the_features_has_fisher_zero():
    body = Unused()
    body.forward = lambda x: body.a(x) + 0 * body.b(x).detach()
    found = fisher_diagonal(body, some_head(3, 3), numbers(5, 3))
    assert found["a"].all()
    assert not found["b"].any()


def test_memory_bounds_the_chunk():
    body, x = build(Architecture("resnet18"), 0), torch.zeros(100, 3, 84, 84)
    sizes = [chunk_size(body, x, 4, memory) for memory in (0, 100_000_000, 400_000_000, 1_000_000_000)]
    assert sizes[0] == 1
    assert sizes == sorted(sizes)
    assert 8 < sizes[1] < 20
    assert sizes[3] == pytest.approx(10 * sizes[1], abs=10)
    assert chunk_size(body, x, 4) == sizes[3]


def test_one_recording_serves_many_passes():
    body, x = settled(Odd()).double(), numbers(3, 2, 10, 12, dtype=DOUBLE)
    recording = record(body, x, 2)
    ones = torch.ones(3, 6, dtype=DOUBLE)
    first = {k: v.clone() for k, v in recording.backward(ones).items()}
    for name, value in recording.backward(3 * ones).items():
        torch.testing.assert_close(value, 9 * first[name])


@pytest.mark.parametrize("make", [lambda: (settled(Odd()), (2, 10, 12)), lambda: (build(Architecture("resnet18"), 0), (3, 32, 32))])
def test_stacked_cotangents_give_the_same(make):
    body, shape = make()
    recording = record(body.double(), numbers(2, *shape, dtype=DOUBLE), 3)
    cotangents = numbers(3, *recording.features.shape, seed=1, dtype=DOUBLE)
    stacked = recording.stacked(cotangents)
    singles = [recording.backward(cotangent) for cotangent in cotangents]
    assert list(stacked) == list(singles[0])
    for name, value in stacked.items():
        torch.testing.assert_close(value, torch.stack([single[name] for single in singles]), rtol=1e-9, atol=1e-15)


def test_bf16_is_what_autocast_gives_and_leaves_no_trace():
    body, x = build(Architecture("conv", 16, 3, 32), 0), numbers(10, 3, 32, 32)
    head = some_head(5, 64, size=0.1)
    exact, short = fisher_diagonal(body, head, x), fisher_diagonal(body, head, x, precision="bf16")
    with torch.autocast("cpu", torch.bfloat16):
        plain = oracle(body, head, x)
    a, b, c = (np.concatenate(list(found.values())) for found in (exact, short, plain))

    def error(found, expected):
        return np.median(np.abs(found - expected)[a > 0] / a[a > 0])

    assert 1e-3 < error(b, a) < 3e-2  # not single precision in disguise
    assert error(b, c) < 3e-3
    assert not torch.is_autocast_enabled("cpu")
    close(fisher_diagonal(body, head, x), exact, relative=0)


def test_precisions_that_do_not_exist():
    body, x, head = settled(Dense()), numbers(5, 3), some_head(3, 8)
    for precision, message in [
        ("tf32", "precision 'tf32' was asked for on 'cpu'; expected a CUDA device: use 'float32' or 'bf16'"),
        ("bf1", "unknown precision 'bf1'; expected one of: bf16, float32, tf32; did you mean 'bf16'?"),
    ]:
        with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
            fisher_diagonal(body, head, x, precision=precision)


def test_the_comparison_fails_on_a_wrong_answer():
    right = {"a": np.array([1.0, 2.0]), "b": np.array([1e-9])}
    close(right, right, relative=0)
    for wrong in (
        {"a": np.array([1.0, 2.001]), "b": right["b"]},
        {"a": right["a"], "b": np.array([2e-9])},
        {"a": right["a"]},
        {"a": right["a"].astype(np.float32), "b": right["b"]},
        {"a": np.array([1.0, np.nan]), "b": right["b"]},
    ):
        with pytest.raises(AssertionError):
            close(wrong, right, relative=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_agrees():
    body, x, head = settled(Odd()).double(), numbers(4, 2, 10, 12, dtype=DOUBLE), some_head(3, 6)
    exact = fisher_diagonal(body, head, x)
    close(fisher_diagonal(body.cuda(), head, x.cuda()), exact, relative=1e-9)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("precision", "error"), [("tf32", 1e-2), ("bf16", 5e-2)])
def test_short_precisions_on_a_gpu(precision, error):
    body, x, head = build(Architecture("conv", 16, 3, 32), 0), numbers(10, 3, 32, 32), some_head(5, 64, size=0.1)
    exact = np.concatenate(list(fisher_diagonal(body, head, x).values()))
    alive = exact > 0
    before = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision
    found = np.concatenate(list(fisher_diagonal(body.cuda(), head, x.cuda(), precision=precision).values()))
    assert np.median(np.abs(found - exact)[alive] / exact[alive]) < error
    assert (torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision) == before
