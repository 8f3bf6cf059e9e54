"""Adam and AdamW against PyTorch's."""

import subprocess
import sys

import pytest
import torch

from breadth.learn.adam import Adam


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("decoupled", [False, True])
def test_twenty_steps_are_those_of_pytorch(decay, decoupled):
    g = torch.Generator().manual_seed(0)
    start = {"a": torch.randn((3, 2), generator=g, dtype=torch.float64), "b": torch.randn(4, generator=g, dtype=torch.float64)}
    ours, theirs = ({k: torch.nn.Parameter(v.clone()) for k, v in start.items()} for _ in range(2))
    adam, unused = Adam(decay, decoupled), torch.nn.Parameter(torch.ones(2))
    params = {**ours, "unused": unused}
    moments = adam.start(params)
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    oracle = kind(theirs.values(), lr=1.0, weight_decay=decay)
    for t in range(20):
        rate = 0.1 / (t + 1)
        for k, value in start.items():
            ours[k].grad = torch.randn(value.shape, generator=g, dtype=torch.float64)
            theirs[k].grad = ours[k].grad.clone()
        adam.step(params, moments, t, rate)
        oracle.param_groups[0]["lr"] = rate
        oracle.step()
    for k in start:
        torch.testing.assert_close(ours[k], theirs[k], rtol=1e-12, atol=1e-14)
    assert unused.tolist() == [1, 1]


def test_training_does_not_load_the_compiler():
    """It would cost every worker process a second."""
    code = (
        "import sys, numpy as np\nfrom breadth.data.formats import from_arrays\nfrom breadth.nets.build import Architecture\n"
        "from breadth.data.union import single\nfrom breadth.learn.pretrain import PretrainSettings, pretrain\n"
        "from breadth.learn.maml import MamlSettings, meta_train\n"
        "data = from_arrays(np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), np.uint8), np.arange(60) % 5)\n"
        "arch = Architecture(filters=2, channels=1, size=8)\n"
        "pretrain(data, arch, PretrainSettings(images=8, batch=8), seed=0)\n"
        "meta_train(single(data), arch, MamlSettings(tasks=2, meta_batch=2), seed=0)\n"
        "sys.exit(int('torch._dynamo' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
