"""The head of a text's task: tuned on hidden states that were computed once, from the probe's own head, which stays as it is."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.measure.memory import chunks

__all__ = ["BLOCK", "REACH", "STEPS", "TOKENS", "tuned"]

# The published schedule moves a weight by at most 640 steps of 5e-5: ten passes over 64 minibatches (arXiv 2306.13840). The same reach in
# fewer, larger steps: each on tokens that no other has seen, where there are so many.
REACH, STEPS, TOKENS = 0.032, 8, 512
# Bytes of a block of logits: of 50,257 tokens, a batch's would take 1.6 GB.
BLOCK = 2**25


def tuned(hidden: Tensor, after: Tensor, start: Tensor, *, steps: int = STEPS, block: int = BLOCK) -> Tensor:
    """Return ``start`` [vocabulary, d] after Adam on the mean cross-entropy of ``after`` [m] given ``hidden`` [m, d].

    Step k takes the next ``TOKENS`` of them in turn, all where there are no more. The rate falls to 0 along a line, so that a weight moves
    by at most ``REACH``. steps 0 leaves the head as it is. block: bytes of logits at a time, which change nothing beyond rounding.
    """
    w = start.clone()
    if not steps:
        return w
    first, second = torch.zeros_like(w), torch.zeros_like(w)
    size = min(TOKENS, len(after))
    with torch.no_grad():
        for k in range(steps):
            some = torch.arange(k * size, (k + 1) * size, device=after.device) % len(after)
            g = torch.zeros_like(w)
            for part in chunks(size, block // (4 * len(w))):
                h, y = hidden[some[part]], after[some[part]]
                p = F.linear(h, w).softmax(1)
                p[torch.arange(len(y), device=y.device), y] -= 1
                g.addmm_(p.T, h, alpha=1 / size)
            first.lerp_(g, 0.1)
            second.mul_(0.999).addcmul_(g, g, value=0.001)
            rate = REACH * 2 * (steps - k) / (steps * (steps + 1))
            root = (1 - 0.999 ** (k + 1)) ** 0.5
            torch.sqrt(second, out=g).add_(1e-8 * root)
            w.addcdiv_(first, g, value=-rate * root / (1 - 0.9 ** (k + 1)))
    return w
