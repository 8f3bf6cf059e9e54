"""Mixtures of text sources by weight: inside every batch, or batch by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Literal

import numpy as np

from breadth.data.text.batches import TextBatch, TextSource
from breadth.errors import DataError

__all__ = ["Mixed"]

# Steps of the golden ratio fill any interval evenly: every prefix of the order holds each source in close to its share.
_GOLDEN = (5**0.5 - 1) / 2


class Mixed:
    """Sequences of several sources. how: "interleave", every batch holds all sources by weight, or "concat", each batch comes from one.

    weights: positive, as many as sources, made to sum to 1 (default: equal). block: sequences that stay together under "concat", that
    is the size of the batches to be drawn. An item's number is its number in its own source, times the number of sources, plus the place
    of that source. Raises DataError where the sources have other lengths or tokenisers, or the weights are none.
    """

    def __init__(
        self,
        sources: Sequence[TextSource],
        weights: Sequence[float] | None = None,
        how: Literal["interleave", "concat"] = "interleave",
        *,
        block: int = 64,
    ) -> None:
        given = [1.0] * len(sources) if weights is None else list(weights)
        if not sources or len(given) != len(sources) or min(given) <= 0:
            raise DataError(
                f"{len(sources)} sources with the weights {given} cannot be mixed; expected one positive weight a source"
            )
        for what in ("length", "vocabulary"):
            if len(found := {getattr(s, what) for s in sources}) > 1:
                raise DataError(
                    f"sources of {what} {sorted(found)} cannot be mixed; read all with one tokeniser, in sequences of one length"
                )
        self.sources, self.how, self.block = tuple(sources), how, block
        self.weights = tuple(w / sum(given) for w in given)
        self.length, self.vocabulary = sources[0].length, sources[0].vocabulary
        self.name = "+".join(s.name for s in sources)

    @cached_property
    def digest(self) -> str:
        size = self.block if self.how == "concat" else 1
        text = " ".join([self.how, str(size), *(f"{w:.12g} {s.digest}" for w, s in zip(self.weights, self.sources, strict=True))])
        return hashlib.sha256(text.encode()).hexdigest()

    def _owners(self, stop: int) -> np.ndarray:
        """Which source each of the first ``stop`` sequences comes from, int [stop]."""
        number = np.arange(stop) if self.how == "interleave" else np.arange(stop) // self.block
        at = (0.5 + number * _GOLDEN) % 1
        return np.minimum(np.searchsorted(np.cumsum(self.weights), at, side="right"), len(self.sources) - 1)

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return a run of the order of ``seed``; see ``TextSource``."""
        owners = self._owners(start + count)
        tokens = np.empty((count, self.length), np.int32)
        mask, items = np.empty((count, self.length), bool), np.empty(count, np.int64)
        for k, source in enumerate(self.sources):
            mine = owners == k
            before, here = int(mine[:start].sum()), np.flatnonzero(mine[start:])
            if len(here):
                part = source.take(before, len(here), seed)
                tokens[here], mask[here], items[here] = part.tokens, part.mask, part.items * len(self.sources) + k
        return TextBatch(tokens, mask, items, self.name)
