"""Gradients at the logits with the covariance of sampled labels', and from there at the hidden states: block by block, nothing kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.measure.memory import chunks
from breadth.measure.text.head import BLOCK
from breadth.seeds import generator

__all__ = ["Pulled", "pulled"]

# Byte -> the eight signs that its bits stand for.
_SIGNS = torch.from_numpy(np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1)


@dataclass(frozen=True)
class Pulled:
    """at_states: [draws, n, t * d] gradients; loss, doubt: sums over places of the head's cross-entropy and of 1 - max p."""

    at_states: Tensor
    loss: float
    doubt: float


def _signs(rng: np.random.Generator, rows: int, width: int, like: Tensor) -> Tensor:
    """Return independent signs [rows, width]. A row takes whole words of the stream, so that blocks of rows change nothing."""
    words = rng.integers(0, 2**64, (rows, -(-width // 64)), dtype=np.uint64)
    found = _SIGNS.to(like.device)[torch.from_numpy(words.view(np.uint8)).to(like.device).int()]
    return found.view(rows, -1)[:, :width]


def pulled(
    states: Tensor, tokens: Tensor, real: Tensor, head: Tensor, *, draws: int, seed: int, first: int = 0, block: int = BLOCK
) -> Pulled:
    """Return the gradients s - p (1's) at hidden states [n, t, d], s = sqrt(p) * signs, in each place that predicts one of ``tokens`` [n, t].

    real [n, t - 1]: whether place i predicts token i + 1; head [vocabulary, d]; first: number of the first sequence, each of which has a
    stream of its own; block: bytes of logits at a time. Neither it nor the cut into sequences changes anything beyond rounding.
    """
    out = states.new_zeros(draws, *states.shape)
    loss = doubt = 0.0
    for i in range(len(states)):
        streams = [generator(seed, "signs", first + i, k) for k in range(draws)]
        places = real[i].nonzero()[:, 0]
        for part in chunks(len(places), block // (4 * len(head))):
            where = places[part]
            logits = F.linear(states[i, where], head)
            p = logits.softmax(1)
            most, after = p.amax(1), logits.gather(1, tokens[i, where + 1, None])[:, 0]
            loss += float((logits.amax(1) - after - most.log()).sum())
            doubt += float((1 - most).sum())
            root = torch.sqrt(p, out=logits)
            for k, rng in enumerate(streams):
                s = _signs(rng, len(p), p.shape[1], p).mul_(root)
                out[k, i, where] = s.addcmul_(p, s.sum(1, keepdim=True), value=-1) @ head
    return Pulled(out.flatten(2), loss, doubt)
