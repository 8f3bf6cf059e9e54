"""The Fisher rule of an embedding layer: one number for each row of the table (a word, a position)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from breadth.measure.rules.rows import Squares

__all__ = ["embedding"]


def embedding(layer: nn.Module, x: Tensor, passes: int) -> Squares:
    """Input: integers [n, ...]. A row's gradient is the sum over all its places in the sample; rows that do not occur have zero."""
    assert isinstance(layer, nn.Embedding)
    n, rows = len(x), layer.num_embeddings
    ids = x.reshape(n, -1).long()
    same = ids[:, :, None] == ids[:, None, :]
    # The first place of a word collects the gradients of all its places; the other places add an exact zero to the table, so that
    # the order of the additions plays no part.
    first = ~same.tril(-1).any(2)
    if layer.padding_idx is not None:
        first &= ids != layer.padding_idx
    collect = (same & first[:, :, None]).to(layer.weight.dtype)

    def squares(delta: Tensor) -> Tensor:
        summed = torch.bmm(collect, delta.reshape(n, ids.shape[1], -1))
        return summed.new_zeros(n, rows).scatter_add(1, ids, summed.square().mean(2))

    return squares
