"""Meta-gradients without autograd against the unrolled loop: float64 to rounding, float32 close, any number of tasks, any memory."""

from dataclasses import replace
from functools import partial

import pytest
import torch

from breadth.data.union import single
from breadth.learn import batched, meta_step
from breadth.learn.columns import Convolution
from breadth.learn.flops import forward_flops
from breadth.learn.inner import meta_gradient, one_task
from breadth.learn.maml import MamlSettings, meta_train
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.norm import bn_train
from oracle import maml as oracle

SMALL = Architecture("conv-stride", filters=4, channels=3, size=17)
ARCHS = [SMALL, Architecture("conv-stride", 3, 1, 32), Architecture("conv", 4, 1, 28), Architecture("conv", 3, 3, 17)]
CONVOLUTIONS = [Convolution(7, 2, 2, True), Convolution(8, 2, 2, True), Convolution(7, 2, 1, False), Convolution(6, 3, 2, False)]
INNER = {"steps": 3, "lr": 0.2}


def network(arch, dtype=torch.float64):
    net = classifier(build(arch, 0), 3, 0).to(dtype)
    with torch.no_grad():  # gammas other than 1 and betas other than 0, so that no term of theirs can be forgotten unseen
        for i in range(1, 5):
            norm = net.body.features.get_submodule(f"norm{i}")
            norm.weight.copy_(torch.linspace(0.5, 1.5, len(norm.weight)))
            norm.bias.copy_(torch.linspace(-0.3, 0.2, len(norm.bias)))
    return net


def tasks_of(arch, tasks=3, dtype=torch.float64, n=6):
    g = torch.Generator().manual_seed(1)
    images = torch.randn((tasks, 2, n, arch.channels, arch.size, arch.size), generator=g).to(dtype)
    labels = torch.stack([torch.arange(n) % 3 for _ in range(tasks)])
    return (images[:, 0], labels), (images[:, 1], labels.flip(1))


def one_by_one(net, support, query, order, **inner):
    with bn_train(net):
        each = [
            meta_gradient(
                one_task(net, {k: v.clone() for k, v in net.named_buffers()}),
                dict(net.named_parameters()),
                (support[0][t], support[1][t]),
                (query[0][t], query[1][t]),
                order=order,
                **inner,
            )
            for t in range(len(support[0]))
        ]
    return {k: torch.stack([e[0][k] for e in each]) for k in each[0][0]}, torch.stack([e[1] for e in each]), each


def together(arch, net, support, query, order, **inner):
    model = batched.conv_tasks(arch, net)
    theta = model.flat(dict(net.named_parameters())).expand(len(support[0]), -1)
    with torch.no_grad():
        found = batched.meta_gradient(model, theta, support, query, order=order, **inner)
    return model.named(found.gradient), found


def distance(a, b):
    """Relative distance of two gradients by name, all tasks and parameters as one vector."""
    assert a.keys() == b.keys()
    x, y = (torch.cat([g[k].double().flatten() for k in sorted(a)]) for g in (a, b))
    return float((x - y).norm() / y.norm())


def test_the_distance_sees_one_wrong_number():
    right = {"a": torch.ones(100, dtype=torch.float64)}
    wrong = {"a": right["a"].clone().index_fill(0, torch.tensor(7), 1 + 1e-7)}
    assert distance(right, right) == 0
    assert distance(wrong, right) == pytest.approx(1e-8)


@pytest.mark.parametrize("arch", ARCHS, ids=str)
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_of_many_tasks_are_those_of_the_unrolled_loop(arch, order):
    net, (support, query) = network(arch), tasks_of(arch)
    expected, losses, each = one_by_one(net, support, query, order, **INNER)
    got, found = together(arch, net, support, query, order, **INNER)
    assert distance(got, expected) < 1e-9
    torch.testing.assert_close(found.loss, losses)
    torch.testing.assert_close(found.logits, torch.stack([e[2] for e in each]))


@pytest.mark.parametrize("arch", ARCHS, ids=str)
@pytest.mark.parametrize("order", [1, 2])
def test_float32_is_close_to_float64(arch, order):
    expected, *_ = one_by_one(network(arch), *tasks_of(arch), order, **INNER)
    got, _ = together(arch, network(arch, torch.float32), *tasks_of(arch, dtype=torch.float32), order, **INNER)
    assert distance(got, expected) < 1e-5


def test_single_entries_are_central_differences_through_the_whole_adaptation():
    arch = ARCHS[1]
    net, (support, query) = network(arch), tasks_of(arch, tasks=1)
    got, _ = together(arch, net, support, query, 2, **INNER)
    one = [(part[0][0], part[1][0]) for part in (support, query)]
    net.train()
    for name, index in [
        ("body.features.conv1.weight", 4),
        ("body.features.norm1.weight", 1),
        ("body.features.conv3.weight", 7),
        ("body.features.norm4.bias", 0),
        ("head.weight", 2),
    ]:
        numeric = oracle.second_order_entry(net, *one, 3, 0.2, entry=(name, index))
        assert got[name][0].flatten()[index].item() == pytest.approx(numeric, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("arch", ARCHS, ids=str)
def test_the_hessian_is_that_of_double_backward(arch):
    net, (support, _) = network(arch), tasks_of(arch, tasks=1)
    model = batched.conv_tasks(arch, net)
    theta = model.flat(dict(net.named_parameters()))
    v = torch.randn(theta.shape, generator=torch.Generator().manual_seed(2), dtype=theta.dtype)
    with torch.no_grad():
        targets = model.targets(support[1], theta)
        point = model.gradient(model.forward(theta, model.inputs(support[0])), targets)[1]
        got = model.named(model.hessian(point, v))
    params, along = dict(net.named_parameters()), model.named(v)
    with bn_train(net):
        loss = torch.nn.functional.cross_entropy(net(support[0][0]), support[1][0])
    g = torch.autograd.grad(loss, list(params.values()), create_graph=True)
    product = sum((a * along[k][0]).sum() for k, a in zip(params, g, strict=True))
    expected = torch.autograd.grad(product, list(params.values()), materialize_grads=True)
    assert distance({k: h[0] for k, h in got.items()}, dict(zip(params, expected, strict=True))) < 1e-9


@pytest.mark.parametrize("conv", CONVOLUTIONS)
def test_convolutions_and_their_adjoints(conv):
    """<conv(x, w), d> = <x, conv^T(d, w)> = <w, gradient(x, d)>, and conv is PyTorch's."""
    g = torch.Generator().manual_seed(0)
    x, w, d = (
        torch.randn(shape, generator=g, dtype=torch.float64)
        for shape in ((2, 3, conv.size, conv.size, conv.channels), (2, 4, 9 * conv.channels), (2, 3 * conv.out**2, 4))
    )
    rows = conv.apply([(conv.keep(x), w)])
    for t in range(2):
        kernel = w[t].view(4, 3, 3, conv.channels).permute(0, 3, 1, 2)
        y = torch.nn.functional.conv2d(x[t].permute(0, 3, 1, 2), kernel, stride=conv.stride, padding=1)
        torch.testing.assert_close(rows[t], y.permute(0, 2, 3, 1).flatten(0, 2))
    paired = (rows * d).sum((1, 2))
    torch.testing.assert_close((conv.input_gradient([(d, w)]) * x).flatten(1).sum(1), paired)
    torch.testing.assert_close((conv.weight_gradient(conv.keep(x), d) * w).sum((1, 2)), paired)
    torch.testing.assert_close(conv.apply([(conv.keep(x), w), (conv.keep(2 * x), w)]), 3 * rows)
    torch.testing.assert_close(conv.input_gradient([(d, w), (2 * d, w)]), 3 * conv.input_gradient([(d, w)]))


def test_steps_made_anew_for_want_of_memory_are_the_same(monkeypatch):
    net, data = network(SMALL), tasks_of(SMALL)
    made = []
    forward = batched.ConvTasks.forward
    monkeypatch.setattr(batched.ConvTasks, "forward", lambda *a: made.append(1) or forward(*a))
    kept, _ = together(SMALL, net, *data, 2, **INNER)
    n = len(made)
    anew, _ = together(SMALL, net, *data, 2, memory=0, **INNER)
    assert (n, len(made) - n) == (4, 7)
    assert all(torch.equal(kept[k], anew[k]) for k in kept)


def test_the_memory_that_is_counted_is_the_memory_that_is_kept():
    arch = Architecture("conv-stride", 8, 1, 28)
    net, (support, _) = network(arch, torch.float32), tasks_of(arch, 2, torch.float32)
    model = batched.conv_tasks(arch, net)
    theta = model.flat(dict(net.named_parameters())).expand(2, -1)
    with torch.no_grad():
        at = model.forward(theta, model.inputs(support[0]))
        model.gradient(at, model.targets(support[1], theta))
    held = {at.first.y.data_ptr(): at.first.y}
    for k in at.rest:
        held |= {part.data_ptr(): part for part in (k.x, k.xhat, k.y, k.r)}
    assert model.bytes(support[0]) == sum(part.numel() * 4 for part in held.values())
    assert batched.chunk_of(model, support[0][0], steps=5) == batched.CHUNK
    assert batched.chunk_of(model, support[0][0], steps=5, memory=5 * model.bytes(support[0])) == 2
    assert batched.chunk_of(model, support[0][0], steps=5, memory=0) == 1


@pytest.mark.parametrize("tasks", [6, 18])
@pytest.mark.parametrize("order, adapts", [(1, "all"), (2, "all"), (1, "head")])
def test_training_is_that_of_the_loop_over_tasks(digits, monkeypatch, order, adapts, tasks):
    """After one meta-step and after three; biases before batch norm have a gradient of rounding alone, which Adam makes a step of."""
    arch = Architecture("conv-stride", 4, 1, 8)
    settings = MamlSettings(tasks=tasks, meta_batch=6, order=order, adapts=adapts, window=1)
    fast = meta_train(single(digits[0]), arch, settings, seed=0)
    monkeypatch.setattr(batched, "conv_tasks", lambda *_: None)
    slow = meta_train(single(digits[0]), arch, settings, seed=0)
    for a, b in zip(fast.history, slow.history, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)
    for name, value in slow.weights.items():
        bias = ".conv" in name and name.endswith("bias")
        if not bias and (tasks == 6 or not name.endswith("running_mean")):
            torch.testing.assert_close(fast.weights[name], value, rtol=1e-3, atol=1e-5 if tasks == 6 else 2e-4)


def test_validation_tasks_score_alike_both_ways(monkeypatch):
    net, (support, query) = network(SMALL), tasks_of(SMALL)
    tasks = [(support[0][t], support[1][t], query[0][t], query[1][t]) for t in range(3)]
    before = {k: v.clone() for k, v in net.state_dict().items()}
    score = partial(meta_step.query_loss, SMALL, net, tasks=tasks)
    for adapts in ("all", "head"):
        inner = meta_step.Inner(3, 0.2, 1, adapts)
        fast = score(inner)
        with monkeypatch.context() as m:
            m.setattr(batched, "conv_tasks", lambda *_: None)
            assert score(inner) == pytest.approx(fast, rel=1e-9)
            assert score(replace(inner, lr=0.1)) != pytest.approx(fast, rel=1e-6)
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_networks_of_other_layers_have_no_batched_form():
    arch = Architecture("resnet12", channels=1, size=16)
    assert batched.conv_tasks(arch, classifier(build(arch, 0), 5, 0)) is None


def test_flops_by_hand():
    """conv-stride, 2 filters, 8 px grey: 4x4, 2x2, 1, 1 pixels; head 2 x 3."""
    arch = Architecture("conv-stride", 2, 1, 8)
    by_hand = 2 * (16 * 2 * 9 + 4 * 2 * 18 + 2 * 18 + 2 * 18 + 2 * 3)
    assert forward_flops(arch, classifier(build(arch, 0), 3, 0)) == by_hand
