"""MAML by the definition: a plain module, adapted by hand, its query loss differentiated numerically in every weight (float64)."""

import copy

import torch
from torch.nn import functional as F


def adapted(net, x, y, steps, lr):
    """Return a copy of ``net`` after ``steps`` plain SGD steps on (x, y)."""
    net = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net


def first_order(net, support, query, steps, lr):
    """Gradient of the query loss at the adapted weights, by name."""
    phi = adapted(net, *support, steps, lr)
    phi.zero_grad()
    F.cross_entropy(phi(query[0]), query[1]).backward()
    return {k: p.grad for k, p in phi.named_parameters()}


def second_order_entry(net, support, query, steps, lr, *, entry, h=1e-5):
    """One entry of the exact meta-gradient, by central differences through the whole adaptation."""
    values = []
    for sign in (1, -1):
        moved = copy.deepcopy(net)
        with torch.no_grad():
            dict(moved.named_parameters())[entry[0]].view(-1)[entry[1]] += sign * h
        phi = adapted(moved, *support, steps, lr)
        with torch.no_grad():
            values.append(F.cross_entropy(phi(query[0]), query[1]).item())
    return (values[0] - values[1]) / (2 * h)


def support_normalised(weights, support, query, *, pool):
    """Logits of the query set, each layer's batch norm with mean and variance of the support set, which passes beside it."""
    s, q = support, query
    for i in range(1, 5):
        w, b, gamma, beta = (
            weights[f"body.features.{k}"] for k in (f"conv{i}.weight", f"conv{i}.bias", f"norm{i}.weight", f"norm{i}.bias")
        )
        s, q = (F.conv2d(x, w, b, stride=1 if pool else 2, padding=1) for x in (s, q))
        mean = s.mean((0, 2, 3), keepdim=True)
        deviation = (((s - mean) ** 2).mean((0, 2, 3), keepdim=True) + 1e-3) ** 0.5
        s, q = (((x - mean) / deviation * gamma.view(1, -1, 1, 1) + beta.view(1, -1, 1, 1)).relu() for x in (s, q))
        s, q = (F.max_pool2d(x, 2) if pool else x for x in (s, q))
    return q.flatten(1) @ weights["head.weight"].T + weights["head.bias"]
