"""Adapted classifiers read out many episodes at once, against one by one through autograd."""

import pytest
import torch

from breadth.learn import readout
from breadth.learn.readout import Given, one_by_one, reader
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.norm import forward_with, state_of

MODES = ("support", "running", "transductive")


def given(episodes, arch, ways=3, shots=2, queries=4, dtype=torch.float64):
    g = torch.Generator().manual_seed(1)
    means = torch.randn((ways, 1, arch.channels, arch.size, arch.size), generator=g, dtype=dtype)
    both = means + torch.randn((episodes, ways, shots + queries, *means.shape[2:]), generator=g, dtype=dtype)
    labels = torch.arange(ways).repeat_interleave(shots).expand(episodes, -1)
    return Given(both[:, :, :shots].flatten(1, 2), labels, 3 * both[:, :, shots:].flatten(1, 2) - 0.5)


def trained_looking(arch, ways=3):
    """A classifier in float64 with running statistics, gammas and betas that are not those of a new network."""
    net, g = classifier(build(arch, 0), ways, 0).double(), torch.Generator().manual_seed(2)
    for name, value in net.state_dict().items():
        if "norm" in name and value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=g) + 0.5)
    return net


@pytest.mark.parametrize("kind, size, channels", [("conv-stride", 28, 1), ("conv-stride", 17, 3), ("conv", 20, 3)])
def test_many_episodes_at_once_are_those_one_by_one(kind, size, channels):
    arch = Architecture(kind, 6, channels, size)
    net, episodes = trained_looking(arch), given(5, arch)
    read, several = reader(net, episodes, steps=(3, 1), lr=0.1, modes=MODES, adapts="all")
    assert several == 4
    got = read(episodes)
    expected = one_by_one(net, readout._Readouts((1, 3), 0.1, MODES), episodes)
    assert got.keys() == expected.keys() == {(k, mode) for k in (1, 3) for mode in MODES}
    for key, logits in expected.items():
        assert logits.std() > 0.05
        torch.testing.assert_close(got[key], logits, rtol=1e-8, atol=1e-8)
    for mode in MODES[1:]:
        assert not torch.allclose(got[3, mode], got[3, "support"], rtol=0, atol=1e-3)


def test_heads_at_once_are_those_of_plain_gradient_steps():
    arch = Architecture("conv-stride", 6, 1, 12)
    net, episodes = trained_looking(arch), given(4, arch)
    read, several = reader(net, episodes, steps=(2, 5), lr=0.3, modes=MODES, adapts="head")
    assert several == 64
    got = read(episodes)
    for i, (x, y, q) in enumerate(zip(*episodes, strict=True)):
        for mode in MODES:
            f, fq = (part.detach() for part in forward_with(net.body, state_of(net.body), x, q, mode))
            head = torch.nn.Linear(f.shape[1], 3).double()
            head.load_state_dict(net.head.state_dict())
            optimizer = torch.optim.SGD(head.parameters(), lr=0.3)
            for step in range(1, 6):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(head(f), y).backward()
                optimizer.step()
                if step in (2, 5):
                    torch.testing.assert_close(got[step, mode][i], head(fq).detach(), rtol=1e-9, atol=1e-9)


def test_what_has_no_batched_form_goes_one_by_one():
    resnet = Architecture("resnet12", 1, 3, 16)
    assert reader(classifier(build(resnet, 0), 3, 0), given(1, resnet), steps=(1,), lr=0.1, modes=MODES, adapts="all")[1] == 1
    net = classifier(build(Architecture("conv", 4, 1, 33), 0), 3, 0)
    for size, several in ((33, 4), (32, 4), (48, 1)):  # 33 and 32 leave as many pixels; 48 leave more than the head takes
        episodes = given(1, Architecture("conv", 4, 1, size))
        assert reader(net, episodes, steps=(1,), lr=0.1, modes=MODES, adapts="all")[1] == several
    wide = Given(*(x[..., :20] if x.ndim == 5 else x for x in given(1, Architecture("conv", 4, 1, 33))))
    assert reader(net, wide, steps=(1,), lr=0.1, modes=MODES, adapts="all")[1] == 1
