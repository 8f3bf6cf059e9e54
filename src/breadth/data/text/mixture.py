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
        # The number goes up when the order changes.
        text = " ".join(
            ["2", self.how, str(size), *(f"{w:.12g} {s.digest}" for w, s in zip(self.weights, self.sources, strict=True))]
        )
        return hashlib.sha256(text.encode()).hexdigest()

    def _owners(self, stop: int) -> np.ndarray:
        """Which source each of the first ``stop`` sequences comes from, int [stop]."""
        size = 1 if self.how == "interleave" else self.block
        blocks = -(-stop // size)
        # The j-th block of a source of weight w is due at (j + 1/2) / w: every prefix holds each source in its share, to within a block.
        # Where many small weights have not come up yet, that is up to half a block each, a large one is further on than its share.
        counts = [int((blocks + len(self.weights) / 2) * w) + 2 for w in self.weights]
        due = np.concatenate([(np.arange(n) + 0.5) / w for n, w in zip(counts, self.weights, strict=True)])
        owners = np.repeat(np.arange(len(counts)), counts)[np.argsort(due.round(9), kind="stable")]
        return np.repeat(owners[:blocks], size)[:stop]

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
