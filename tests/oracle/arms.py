"""Scores of a pooled four-block network on a suite, episode by episode from their description, with transductive batch norm."""

import numpy as np
import torch
from torch.nn import functional as F


def _features(weights, x):
    for i in range(1, 5):
        name = f"body.features.conv{i}"
        x = F.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"], padding=1)
        mean, var = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), keepdim=True, unbiased=False)
        norm = name.replace("conv", "norm")
        x = (x - mean) / (var + 1e-3) ** 0.5 * weights[f"{norm}.weight"].view(1, -1, 1, 1) + weights[f"{norm}.bias"].view(
            1, -1, 1, 1
        )
        x = F.max_pool2d(x.clamp(min=0), 2)
    return x.flatten(1)


def _images(array):
    return torch.from_numpy(np.asarray(array, dtype=np.float32)).permute(0, 3, 1, 2) / 127.5 - 1


def centroid_accuracy(weights, suite):
    """Accuracy of the nearest class mean of normalised features in each episode, support and query normalised as one batch each."""
    found = []
    for i in range(len(suite)):
        e = suite[i]
        s, q = (F.normalize(_features(weights, _images(x)), dim=1) for x in (e.support_inputs, e.query_inputs))
        means = torch.stack([s[torch.from_numpy(e.support_labels) == k].mean(0) for k in range(suite.ways)])
        found.append(float((torch.cdist(q, means).argmin(1).numpy() == e.query_labels).mean()))
    return found


def adapted_accuracy(weights, suite, *, lr, steps):
    """Accuracy after gradient steps on the support set from the network's own weights, all of them."""
    found = []
    for i in range(len(suite)):
        e = suite[i]
        phi = {k: v.clone().requires_grad_("running" not in k) for k, v in weights.items() if v.is_floating_point()}
        for _ in range(steps):
            logits = F.linear(_features(phi, _images(e.support_inputs)), phi["head.weight"], phi["head.bias"])
            F.cross_entropy(logits, torch.from_numpy(e.support_labels)).backward()
            phi = {k: (v - lr * v.grad).detach().requires_grad_() if v.grad is not None else v.detach() for k, v in phi.items()}
        with torch.no_grad():
            logits = F.linear(_features(phi, _images(e.query_inputs)), phi["head.weight"], phi["head.bias"])
        found.append(float((logits.argmax(1).numpy() == e.query_labels).mean()))
    return found
