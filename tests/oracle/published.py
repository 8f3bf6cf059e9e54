"""Forward passes of the published networks, written from their description on the tensors of a state dict, in eval mode.

5CNN (arXiv 1703.03400, 2306.13841): four times conv3x3 with bias, batch norm (eps 1e-3), ReLU, 2x2 max pooling; flattened.
ResNet-12 (arXiv 2003.11539): four blocks of three conv3x3, batch norm, LeakyReLU(0.1), the last after adding a 1x1 convolution with
batch norm of the input; 2x2 max pooling after each block; average over what is left.
"""

from torch.nn import functional as F


def _norm(x, state, name, eps):
    mean, var = (state[f"{name}.running_{k}"].view(1, -1, 1, 1) for k in ("mean", "var"))
    weight, bias = (state[f"{name}.{k}"].view(1, -1, 1, 1) for k in ("weight", "bias"))
    return (x - mean) / (var + eps) ** 0.5 * weight + bias


def features_5cnn(state, x):
    """[n, c, s, s] -> [n, filters * (s // 16) ** 2], from tensors named ``model.features.conv1.weight`` and so on."""
    for i in range(1, 5):
        layer = f"model.features.conv{i}"
        x = F.conv2d(x, state[f"{layer}.weight"], state[f"{layer}.bias"], padding=1)
        x = _norm(x, state, f"model.features.norm{i}", 1e-3).clamp(min=0)
        x = x.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
    return x.flatten(1)


def features_resnet12(state, x):
    """[n, 3, s, s] -> [n, 640], from tensors named ``layer1.0.conv1.weight`` and so on."""
    for i in range(1, 5):
        block, out = f"layer{i}.0", x
        for j in (1, 2, 3):
            out = _norm(F.conv2d(out, state[f"{block}.conv{j}.weight"], padding=1), state, f"{block}.bn{j}", 1e-5)
            if j < 3:
                out = out.where(out > 0, 0.1 * out)
        out = out + _norm(F.conv2d(x, state[f"{block}.downsample.0.weight"]), state, f"{block}.downsample.1", 1e-5)
        x = out.where(out > 0, 0.1 * out).unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5))
    return x.mean((2, 3))
