"""The Fisher diagonal by its definition: loop over samples and classes, plain autograd on the weights, square, filter means."""

import numpy as np
import torch


def fisher_diagonal(body, head, x, *, labels=None):
    """As breadth.measure.fisher.fisher_diagonal(estimator="exact"); ``labels`` give classes equal weight."""
    body = body.eval()
    names = [n for n, m in body.named_modules() if getattr(m, "weight", None) is not None]
    modules = dict(body.named_modules())
    weights = [modules[n].weight.detach().requires_grad_() for n in names]
    w = torch.as_tensor(head.weight, dtype=x.dtype, device=x.device)
    b = torch.as_tensor(head.bias, dtype=x.dtype, device=x.device)
    counts = None if labels is None else np.bincount(labels)
    result = [np.zeros(len(p)) for p in weights]
    keys = {f"{n}.weight" if n else "weight": p for n, p in zip(names, weights, strict=True)}
    for n in range(len(x)):
        item = 1 / len(x) if counts is None else 1 / ((counts > 0).sum() * counts[labels[n]])
        f = torch.func.functional_call(body, keys, (x[n : n + 1],))
        logp = torch.log_softmax(f @ w.T + b, 1)[0]
        for c in range(len(w)):
            grads = torch.autograd.grad(logp[c], weights, retain_graph=True)
            for k, g in enumerate(grads):
                result[k] += item * logp[c].exp().item() * g.double().reshape(len(g), -1).square().mean(1).cpu().numpy()
    return dict(zip(names, result, strict=True))
