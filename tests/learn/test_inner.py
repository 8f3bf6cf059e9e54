"""The meta-gradient against hand-derived and numerical ones; first against second order."""

import math
from functools import partial

import pytest
import torch

from breadth.learn.inner import adapt, cross_entropy, meta_gradient, one_task, stack, tasks_of_mlp
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.norm import bn_train
from oracle import maml as oracle


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def scalar_forward(params, x):
    """Logits (0, w x): the cross-entropy of label 1 is log(1 + exp(-w x))."""
    z = x * params["w"]
    return torch.cat([torch.zeros_like(z), z], 1)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("w, xs, xq, lr", [(0.3, 1.0, 1.0, 0.5), (-0.7, 2.0, 0.5, 0.1), (1.1, -1.5, 3.0, 2.0)])
def test_one_step_on_one_weight_is_the_derivation_by_hand(order, w, xs, xq, lr):
    """L(w; x) = log(1 + exp(-w x)): L' = -x s(-w x), L'' = x^2 s(w x) s(-w x); meta-gradient L_q'(phi) (1 - lr L_s''(w))."""
    phi = w + lr * xs * sigmoid(-w * xs)
    by_hand = -xq * sigmoid(-phi * xq) * (1 if order == 1 else 1 - lr * xs**2 * sigmoid(w * xs) * sigmoid(-w * xs))
    params = {"w": torch.tensor(w, dtype=torch.float64, requires_grad=True)}
    s, q = torch.tensor([[xs]], dtype=torch.float64), torch.tensor([[xq]], dtype=torch.float64)
    one = torch.tensor([1])
    got, loss, _ = meta_gradient(scalar_forward, params, (s, one), (q, one), steps=1, lr=lr, order=order)
    assert got["w"].item() == pytest.approx(by_hand, rel=1e-12)
    assert loss.item() == pytest.approx(math.log1p(math.exp(-phi * xq)), rel=1e-12)


def task_data(n=5, size=16, seed=0, classes=3):
    g = torch.Generator().manual_seed(seed)
    return torch.randn((n, 1, size, size), generator=g, dtype=torch.float64), torch.arange(n) % classes


@pytest.fixture
def net():
    # float64, and kinks of the ReLU far from where central differences look: a fixed seed for which none is crossed.
    net = classifier(build(Architecture(filters=2, channels=1, size=16), 0), 3, 0).double()
    net.train()
    return net


def gradient(net, order, steps=3, lr=0.3):
    buffers = {k: v.clone() for k, v in net.named_buffers()}
    with bn_train(net):
        return meta_gradient(
            one_task(net, buffers), dict(net.named_parameters()), task_data(), task_data(7, seed=1), steps=steps, lr=lr, order=order
        )[0]


def test_second_order_is_the_derivative_through_the_whole_adaptation(net):
    got = gradient(net, 2)
    for name, index in [
        ("body.features.conv1.weight", 4),
        ("body.features.norm2.weight", 1),
        ("body.features.norm3.bias", 0),
        ("body.features.conv4.weight", 7),
        ("head.weight", 2),
        ("head.bias", 1),
    ]:
        numeric = oracle.second_order_entry(net, task_data(), task_data(7, seed=1), 3, 0.3, entry=(name, index))
        assert got[name].flatten()[index].item() == pytest.approx(numeric, rel=1e-5, abs=1e-8)


def test_first_order_is_the_gradient_at_the_adapted_weights(net):
    got, expected = gradient(net, 1), oracle.first_order(net, task_data(), task_data(7, seed=1), 3, 0.3)
    for name, value in expected.items():
        torch.testing.assert_close(got[name], value, rtol=1e-9, atol=1e-12)


def test_the_orders_differ_on_a_network(net):
    a, b = (torch.cat([g.flatten() for g in gradient(net, order).values()]) for order in (1, 2))
    assert (a - b).norm() > 0.01 * b.norm()


def test_the_orders_are_equal_where_the_inner_loss_is_linear():
    """A linear support loss has no curvature: d phi / d theta is the identity."""
    params = {"w": torch.tensor([0.2, -0.4], dtype=torch.float64, requires_grad=True)}

    def loss(out, y):
        return (out * y).sum() if y.dtype.is_floating_point else out.pow(2).sum()

    def forward(p, x):
        return x @ p["w"]

    x = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
    support, query = (x, torch.tensor([1.0, 3.0])), (x, torch.tensor([0, 0]))
    run = partial(meta_gradient, forward, params, support, query, steps=4, lr=0.3, loss=loss)
    torch.testing.assert_close(run(order=1)[0]["w"], run(order=2)[0]["w"], rtol=1e-12, atol=0)


def test_gradcheck_of_adaptation():
    x, q = torch.linspace(-1, 1, 6, dtype=torch.float64)[:, None], torch.tensor([[0.3], [-0.8]], dtype=torch.float64)
    y, yq = torch.tensor([0, 1, 0, 1, 1, 0]), torch.tensor([1, 0])

    def forward(p, inputs):
        return torch.tanh(inputs @ p["a"]) @ p["b"]

    def query_loss(a, b):
        phi = adapt(forward, {"a": a, "b": b}, x, y, steps=3, lr=0.5, graph=True)
        return cross_entropy(forward(phi, q), yq)

    g = torch.Generator().manual_seed(0)
    weights = [torch.randn(shape, generator=g, dtype=torch.float64, requires_grad=True) for shape in ((1, 4), (4, 2))]
    assert torch.autograd.gradcheck(query_loss, weights)


def test_adapt_is_plain_gradient_descent_and_leaves_its_input_alone(net):
    before = {k: p.detach().clone() for k, p in net.named_parameters()}
    buffers = {k: v.clone() for k, v in net.named_buffers()}
    own = {k: v.clone() for k, v in net.named_buffers()}
    with bn_train(net):
        phi = adapt(one_task(net, buffers), dict(net.named_parameters()), *task_data(), steps=4, lr=0.2)
    for name, p in oracle.adapted(net, *task_data(), 4, 0.2).named_parameters():
        torch.testing.assert_close(phi[name], p, rtol=1e-9, atol=1e-12)
    assert all(torch.equal(p, before[k]) for k, p in net.named_parameters())
    assert all(torch.equal(v, own[k]) for k, v in net.named_buffers())


@pytest.mark.parametrize("order", [1, 2])
def test_stacked_tasks_of_a_perceptron_equal_one_task_at_a_time(order):
    net = classifier(build(Architecture("mlp", filters=8, size=3), 0), 5, 0).double()
    g = torch.Generator().manual_seed(0)
    sx, qx = torch.randn((4, 10, 3), generator=g, dtype=torch.float64), torch.randn((4, 15, 3), generator=g, dtype=torch.float64)
    sy, qy = torch.arange(10).expand(4, -1) % 5, torch.arange(15).expand(4, -1) % 5
    params = dict(net.named_parameters())
    run = partial(meta_gradient, steps=3, lr=0.5, order=order)
    got, loss, logits = run(tasks_of_mlp, stack(params, 4), (sx, sy), (qx, qy))
    each = [run(one_task(net), params, (sx[t], sy[t]), (qx[t], qy[t])) for t in range(4)]
    for name in params:
        torch.testing.assert_close(got[name].sum(0), sum(e[0][name] for e in each), rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(loss, sum(e[1] for e in each))
    torch.testing.assert_close(logits, torch.stack([e[2] for e in each]))
