"""Why gradients in float32 cannot always be those in float64: at the kink of a ReLU, less than a rounding decides."""

import torch

from breadth.learn.batched import conv_tasks
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier

ARCH = Architecture("conv-stride", filters=8, channels=1, size=28)


def test_a_shift_below_the_rounding_of_float32_moves_the_gradient_at_a_kink_and_nowhere_else():
    net = classifier(build(ARCH, 0), 5, 0).double()
    model = conv_tasks(ARCH, net)
    theta = model.flat(dict(net.named_parameters()))
    g = torch.Generator().manual_seed(0)
    images = torch.randn((1, 25, 1, 28, 28), generator=g, dtype=torch.float64)
    inputs = model.inputs(images)
    targets = model.targets(torch.arange(5).repeat_interleave(5)[None], theta)
    weights = model.split(theta)[0][-1]
    before_relu = (model.forward(theta, inputs).rest[-1].xhat * weights.gamma + weights.beta)[0, :, 0].sort().values
    middle = len(before_relu) // 2
    at, beside = before_relu[middle], before_relu[middle : middle + 2].mean()  # a unit's value, and the middle of two

    def gradient(shift):
        moved = theta.clone()
        model.split(moved)[0][-1].beta[0, 0, 0] += shift
        return model.gradient(model.forward(moved, inputs), targets)[0]

    tiny = 1e-9  # float32 keeps 6e-8 of a number near 1
    distance = [float((gradient(tiny - u) - gradient(-tiny - u)).norm() / gradient(-u).norm()) for u in (at, beside)]
    assert distance[0] > 1e-3
    assert distance[1] < 1e-7
