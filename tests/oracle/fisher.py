"""The Fisher diagonal by its definition: loop over samples and classes, plain autograd on the weights, square, filter means."""

import numpy as np
import torch


def rows(layer, weight):
    """A weight or its gradient as [filters, weights in each]; transformers' Conv1D alone has its outputs on the second axis."""
    weight = weight.T if type(layer).__name__ == "Conv1D" else weight
    return weight.reshape(len(weight), -1)


def fisher_diagonal(body, head, x, *, labels=None):
    """As breadth.measure.fisher.fisher_diagonal(estimator="exact"); ``labels`` give classes equal weight."""
    body = body.eval()
    names = [n for n, m in body.named_modules() if getattr(m, "weight", None) is not None]
    modules = dict(body.named_modules())
    weights = [modules[n].weight.detach().requires_grad_() for n in names]
    # The head follows the body, whose input may be integers.
    w = torch.as_tensor(head.weight, dtype=weights[0].dtype, device=x.device)
    b = torch.as_tensor(head.bias, dtype=weights[0].dtype, device=x.device)
    counts = None if labels is None else np.bincount(labels)
    result = [np.zeros(len(rows(modules[n], p))) for n, p in zip(names, weights, strict=True)]
    keys = {f"{n}.weight" if n else "weight": p for n, p in zip(names, weights, strict=True)}
    for n in range(len(x)):
        item = 1 / len(x) if counts is None else 1 / ((counts > 0).sum() * counts[labels[n]])
        f = torch.func.functional_call(body, keys, (x[n : n + 1],))
        logp = torch.log_softmax(f @ w.T + b, 1)[0]
        for c in range(len(w)):
            grads = torch.autograd.grad(logp[c], weights, retain_graph=True)
            for k, g in enumerate(grads):
                squares = rows(modules[names[k]], g).double().square().mean(1).cpu().numpy()
                result[k] += item * logp[c].exp().item() * squares
    return dict(zip(names, result, strict=True))
