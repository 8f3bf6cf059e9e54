"""Training with queries normalised by the support set: exact gradients through its statistics, MAML of both orders and ANIL."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from breadth.data.union import single
from breadth.errors import SpecError
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.meta_step import Inner, meta_step, query_loss
from breadth.nets.build import Architecture, build
from breadth.nets.norm import forward_with, query_by_support, state_of
from learn.test_batched import distance, network, tasks_of
from oracle import maml as oracle

STRIDED, POOLED = Architecture("conv-stride", 3, 1, 20), Architecture("conv", 3, 1, 17)
INNER = Inner(3, 0.2, 2, "all", "support")


def twin(arch, net, inner, task):
    """Gradients by name of one task and its loss: everything written out, every step differentiated by autograd."""
    sx, sy, qx, qy = task
    theta = dict(net.named_parameters())
    phi = dict(theta)
    moving = [k for k in phi if inner.adapts == "all" or k.startswith("head")]
    for _ in range(inner.steps):
        loss = F.cross_entropy(oracle.support_normalised(phi, sx, sx, pool=arch.kind == "conv"), sy)
        found = torch.autograd.grad(loss, [phi[k] for k in moving], create_graph=True)
        for k, g in zip(moving, found, strict=True):
            phi[k] = phi[k] - inner.lr * (g.detach() if inner.order == 1 else g)
    loss = F.cross_entropy(oracle.support_normalised(phi, sx, qx, pool=arch.kind == "conv"), qy)
    return dict(zip(theta, torch.autograd.grad(loss, list(theta.values())), strict=True)), loss.detach()


def tasks_one_by_one(arch, n=2):
    (sx, sy), (qx, qy) = tasks_of(arch, n)
    return [(sx[t], sy[t], qx[t], qy[t]) for t in range(n)]


@pytest.mark.parametrize("arch", [STRIDED, POOLED], ids=str)
@pytest.mark.parametrize("inner", [INNER, replace(INNER, order=1), replace(INNER, adapts="head")], ids=str)
def test_the_meta_gradient_is_that_of_the_unrolled_twin(arch, inner):
    net, tasks = network(arch), tasks_one_by_one(arch)
    net.train()
    loss, _ = meta_step(arch, net, inner)(tasks)
    each = [twin(arch, net, inner, task) for task in tasks]
    expected = {k: torch.stack([g[k] for g, _ in each]).mean(0) for k in each[0][0]}
    got = {k: p.grad for k, p in net.named_parameters()}
    assert distance(got, expected) < 1e-9
    assert loss.item() == pytest.approx(float(torch.stack([e for _, e in each]).mean()), rel=1e-9)
    assert query_loss(arch, net, inner, tasks) == pytest.approx(loss.item(), rel=1e-9)
    # The test fails for gradients that stop at the statistics, and for queries with statistics of their own.
    other = network(arch)
    other.train()
    meta_step(arch, other, replace(inner, batch_norm="transductive"))(tasks)
    assert distance({k: p.grad for k, p in other.named_parameters()}, expected) > 1e-2


def test_values_are_those_of_evaluation_and_gradients_go_through_the_statistics():
    body = build(STRIDED, 0).double()
    (sx, _), (qx, _) = tasks_of(STRIDED, 1)
    sx, qx = sx[0].requires_grad_(), qx[0]
    before = {k: v.clone() for k, v in body.state_dict().items()}
    s, q = query_by_support(body, state_of(body), sx, qx)
    with torch.no_grad():
        expected = forward_with(body, state_of(body), sx, qx, "support")
    torch.testing.assert_close((s.detach(), q.detach()), expected, rtol=1e-9, atol=1e-12)
    assert torch.autograd.grad(q.sum(), sx)[0].norm() > 1e-3
    assert all(torch.equal(v, before[k]) for k, v in body.state_dict().items())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in body.modules())


@pytest.mark.parametrize("inner", [INNER, replace(INNER, adapts="head")], ids=str)
def test_running_statistics_are_gathered_as_in_the_other_mode(inner):
    nets = {}
    for mode in ("support", "transductive"):
        net = network(STRIDED)
        net.train()
        meta_step(STRIDED, net, replace(inner, batch_norm=mode))(tasks_one_by_one(STRIDED))
        nets[mode] = dict(net.named_buffers())
    for k, v in nets["support"].items():
        torch.testing.assert_close(v, nets["transductive"][k])


@pytest.mark.parametrize("adapts", ["all", "head"])
def test_training_learns_is_repeated_to_the_bit_and_is_another_run(digits, adapts):
    arch = Architecture("conv-stride", 4, 1, 8)
    settings = MamlSettings(tasks=120, inner_lr=0.5, lr=1e-2, window=10, steps=2, adapts=adapts, batch_norm="support")
    a, b = (meta_train(single(digits[0]), arch, settings, seed=0) for _ in range(2))
    assert all(torch.equal(v, b.weights[k]) for k, v in a.weights.items())
    assert a.history[-1]["loss"] < 0.9 * a.history[0]["loss"]
    other = meta_train(single(digits[0]), arch, replace(settings, batch_norm="transductive"), seed=0)
    assert other.history != a.history
    # A support pass more where all parameters adapt; the head's features are there already.
    assert (a.cost["flops"] > other.cost["flops"]) == (adapts == "all")


def test_an_unknown_mode_is_one_line():
    with pytest.raises(SpecError) as e:
        MamlSettings(batch_norm="running")
    assert str(e.value) == "unknown batch_norm 'running'; expected one of: support, transductive"
