"""The head of a text's task: tuned on hidden states that were computed once, from the probe's own head, which stays as it is."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["HEAD_TOKENS", "REACH", "TextHead", "tuned"]

# The published schedule moves a weight by at most 640 steps of 5e-5: ten passes over 64 minibatches (arXiv 2306.13840). The same reach in
# fewer, full steps.
REACH, STEPS = 0.032, 8
HEAD_TOKENS = 4096


@dataclass(frozen=True)
class TextHead:
    """weight [vocabulary, n_embd]; loss: mean cross-entropy in nats over the tokens it was tuned on; doubt: mean 1 - max p of them."""

    weight: Tensor
    loss: float
    doubt: float


def tuned(hidden: Tensor, after: Tensor, start: Tensor, *, steps: int = STEPS) -> TextHead:
    """Return ``start`` [vocabulary, d] after Adam on the mean cross-entropy of ``after`` [m] given ``hidden`` [m, d], all m at once.

    The rate falls to 0 along a line, so that a weight moves by at most ``REACH``. steps 0 leaves the head as it is.
    """
    w = start.clone()
    first, second = torch.zeros_like(w), torch.zeros_like(w)
    with torch.no_grad():
        for t in range(steps):
            p = F.linear(hidden, w).softmax(1)
            p[torch.arange(len(p)), after] -= 1
            g = p.T @ hidden / len(p)
            first.lerp_(g, 0.1)
            second.mul_(0.999).addcmul_(g, g, value=0.001)
            rate = REACH * 2 * (steps - t) / (steps * (steps + 1))
            w.addcdiv_(first / (1 - 0.9 ** (t + 1)), (second / (1 - 0.999 ** (t + 1))).sqrt_().add_(1e-8), value=-rate)
        logits = F.linear(hidden, w)
        return TextHead(w, float(F.cross_entropy(logits, after)), float(1 - logits.softmax(1).amax(1).mean()))
