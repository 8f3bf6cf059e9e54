"""Batch norm modes against batch norm written by hand."""

import pytest
import torch

from breadth.errors import SpecError
from breadth.nets.build import Architecture, build
from breadth.nets.norm import bn_train, forward_with, state_of

MODES = ["running", "support", "transductive"]


def by_hand(x, statistics_of, net):
    """Forward of a conv-stride body with mean and variance of each layer taken from ``statistics_of`` ("running" or a batch)."""
    layers = dict(net.features.named_children())
    other = statistics_of
    for i in range(1, 5):
        conv, norm = layers[f"conv{i}"], layers[f"norm{i}"]
        x = conv(x)
        if isinstance(other, str):
            mean, var = norm.running_mean, norm.running_var
        else:
            other = conv(other)
            mean, var = other.mean((0, 2, 3)), other.var((0, 2, 3), correction=0)

        def normal(z, mean=mean, var=var, norm=norm):
            z = (z - mean[:, None, None]) / (var[:, None, None] + norm.eps) ** 0.5
            return torch.relu(z * norm.weight[:, None, None] + norm.bias[:, None, None])

        x = normal(x)
        other = other if isinstance(other, str) else normal(other)
    return x.flatten(1)


@pytest.fixture
def net():
    net = build(Architecture(filters=4, size=16), 0)
    generator = torch.Generator().manual_seed(0)
    for m in net.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            for t in (m.running_mean, m.weight.data, m.bias.data):
                t.normal_(generator=generator)
            m.running_var.uniform_(0.5, 2, generator=generator)
    return net.double()


def data(n, seed):
    return torch.randn((n, 3, 16, 16), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("mode", MODES)
def test_modes_match_batch_norm_written_by_hand(net, mode):
    s, q = data(6, 1), data(9, 2) + 0.5
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with torch.no_grad():
        got = forward_with(net, state_of(net), s, q, mode)
        used = {"running": ("running", "running"), "support": (s, s), "transductive": (s, q)}[mode]
        expected = (by_hand(s, used[0], net), by_hand(q, used[1], net))
    torch.testing.assert_close(got[0], expected[0])
    torch.testing.assert_close(got[1], expected[1])
    assert all(torch.equal(v, net.state_dict()[k]) for k, v in before.items())


def test_the_three_modes_differ(net):
    with torch.no_grad():
        outs = [forward_with(net, state_of(net), data(6, 1), data(9, 2) + 0.5, m)[1] for m in MODES]
    assert not torch.allclose(outs[0], outs[1])
    assert not torch.allclose(outs[1], outs[2])


def test_support_mode_classifies_each_query_on_its_own(net):
    with torch.no_grad():
        both = forward_with(net, state_of(net), data(6, 1), data(9, 2), "support")[1]
        one = forward_with(net, state_of(net), data(6, 1), data(9, 2)[3:4], "support")[1]
    torch.testing.assert_close(both[3:4], one)


def test_unknown_mode(net):
    with pytest.raises(SpecError) as e:
        forward_with(net, state_of(net), data(2, 1), data(2, 2), "suport")
    assert str(e.value) == (
        "unknown batch norm mode 'suport'; expected one of: running, support, transductive; did you mean 'support'?"
    )


def test_bn_train_restores_every_flag_even_after_an_error(net):
    net.train()
    net.features.norm2.eval()
    before = [m.training for m in net.modules()]
    with bn_train(net):
        inside = [m.training for m in (net, net.features.conv1, net.features.norm2)]
    assert inside == [False, False, True]
    assert [m.training for m in net.modules()] == before
    with pytest.raises(RuntimeError), bn_train(net):
        net(torch.zeros(1))
    assert [m.training for m in net.modules()] == before


def test_no_hook_stays_behind(net):
    forward_with(net, state_of(net), data(2, 1), data(2, 2), "support")
    assert all(not m._forward_pre_hooks for m in net.modules())
