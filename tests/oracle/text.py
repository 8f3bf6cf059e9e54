"""The Fisher of text by its definition: every place, every possible next token, one backward pass each."""

import numpy as np
import torch
from torch.nn import functional as F


def fisher_of_text(probe, batch, head):
    """Return the embedding [D] of a batch: sum over places and labels of p (d log p)^2, a mean over predicted tokens, then in filters."""
    body = probe.body.gpt2
    modules = dict(probe.body.named_modules())
    weights = [modules[name].weight for name, _ in probe.layers]
    for w in weights:
        w.requires_grad_(True)
    totals = [torch.zeros_like(w, dtype=torch.float64) for w in weights]
    count = 0
    for row, mask in zip(batch.tokens, batch.mask, strict=True):
        tokens = torch.from_numpy(row[mask].astype(np.int64))
        for t in range(len(tokens) - 1):
            logp = F.log_softmax(body(tokens[None])[0, t] @ head.T, 0)
            for y in range(len(logp)):
                grads = torch.autograd.grad(logp[y], weights, retain_graph=True, allow_unused=True)
                for k, g in enumerate(grads):
                    if g is not None:
                        totals[k] += logp[y].detach().exp() * g.double() ** 2
            count += 1
    for w in weights:
        w.requires_grad_(False)
    return torch.cat([total.flatten(1).mean(1) if total.ndim > 1 else total for total in totals]).numpy() / count
