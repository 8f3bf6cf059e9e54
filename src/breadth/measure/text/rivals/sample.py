"""Samples of a corpus that compare: so many tokens, bytes and runs of one length, from sets of documents of which no two share one.

Every lexical score moves with the amount of text, and scores of pairs with the length of texts too; so all corpora are scored at one
size. A corpus is cut as batches are, into passages of a document in random order. Samples share no document, so that their scores are
independent and the t interval of their mean is over documents, whatever the score.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from breadth.data.text.words import word_spans
from breadth.errors import MeasureError
from breadth.seeds import generator

__all__ = ["PASSAGE", "Budget", "Sample", "samples"]

PASSAGE = 128
"""Most tokens of a passage."""


@dataclass(frozen=True)
class Budget:
    """Of one sample. tokens, bytes: of its passages; runs: number of texts of exactly ``run`` tokens; samples: most samples."""

    tokens: int = 4000
    bytes: int = 16384
    runs: int = 64
    run: int = 24
    samples: int = 10

    def __post_init__(self) -> None:
        if min(self.tokens, self.bytes, self.run, self.samples) < 1 or self.runs < 2 or self.run > PASSAGE:
            raise MeasureError(
                f"samples of {self.tokens} tokens, {self.bytes} bytes and {self.runs} runs of {self.run} tokens were asked for, "
                f"{self.samples} of them; expected 1 or more of each, 2 or more runs, and runs of at most {PASSAGE} tokens"
            )

    @property
    def characters(self) -> int:
        """Characters of documents that are kept to sample from: eight times what the samples take, as documents come in lumps."""
        return 8 * self.samples * (self.tokens + self.bytes)


@dataclass(frozen=True, eq=False)
class Sample:
    """passages: tokens, case folded, budget.tokens in all; data: budget.bytes of UTF-8 text; runs: tokens of each run; texts: of each run.

    Where the documents have too few runs, there are none.
    """

    passages: tuple[tuple[str, ...], ...]
    data: bytes
    runs: tuple[tuple[str, ...], ...]
    texts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Document:
    text: str
    spans: tuple[tuple[int, int], ...]
    bytes: int

    def pieces(self, length: int) -> list[slice]:
        """Slices of consecutive tokens, the last one shorter."""
        return [slice(at, min(at + length, len(self.spans))) for at in range(0, len(self.spans), length)]

    def text_of(self, piece: slice) -> str:
        return self.text[self.spans[piece.start][0] : self.spans[piece.stop - 1][1]]

    def tokens_of(self, piece: slice) -> tuple[str, ...]:
        return tuple(self.text[start:end].casefold() for start, end in self.spans[piece])


def _drawn(documents: Iterable[str], most: int, seed: int) -> list[_Document]:
    """Documents in a seeded order, as many as hold ``most`` characters; any number is read, little more is kept."""
    rng, heap, held = generator(seed, "documents"), list[tuple[float, int, str]](), 0
    for i, text in enumerate(documents):
        at = int(rng.integers(max(len(text) - most, 0) + 1))
        window = text[at : at + most]
        heapq.heappush(heap, (-float(rng.random()), i, window))
        held += len(window)
        while held - len(heap[0][2]) >= most:
            held -= len(heapq.heappop(heap)[2])
    found = []
    for _, _, text in sorted(heap, reverse=True):
        spans = tuple(word_spans(text))
        if spans:
            found.append(_Document(text, spans, len(text.encode("utf-8", "replace"))))
    return found


def _groups(documents: Sequence[_Document], count: int) -> list[list[_Document]]:
    """Documents in ``count`` sets of nearly as many bytes: each goes to the set that holds the fewest so far."""
    sizes, groups = [0] * count, [list[_Document]() for _ in range(count)]
    for document in documents:
        k = int(np.argmin(sizes))
        sizes[k] += document.bytes
        groups[k].append(document)
    return groups


def _sample(documents: Sequence[_Document], budget: Budget, seed: int, k: int) -> Sample | None:
    """A sample of these documents, or None where they are too few."""
    rng = generator(seed, "sample", k)
    pieces = [(d, piece) for d in documents for piece in d.pieces(PASSAGE)]
    passages, texts, tokens, held = list[tuple[str, ...]](), list[bytes](), 0, 0
    for i in rng.permutation(len(pieces)):
        document, piece = pieces[i]
        if tokens < budget.tokens:
            passages.append(document.tokens_of(piece)[: budget.tokens - tokens])
            tokens += len(passages[-1])
        if held < budget.bytes:
            texts.append(document.text_of(piece).encode("utf-8", "replace") + b"\n")
            held += len(texts[-1])
    if tokens < budget.tokens or held < budget.bytes:
        return None
    full = [(d, piece) for d in documents for piece in d.pieces(budget.run) if piece.stop - piece.start == budget.run]
    chosen = [full[i] for i in rng.permutation(len(full))[: budget.runs]] if len(full) >= budget.runs else []
    return Sample(
        tuple(passages),
        b"".join(texts)[: budget.bytes],
        tuple(d.tokens_of(piece) for d, piece in chosen),
        tuple(d.text_of(piece) for d, piece in chosen),
    )


def samples(documents: Iterable[str], budget: Budget = Budget(), seed: int = 0) -> tuple[Sample, ...]:
    """Return up to ``budget.samples`` samples of which no two share a document; fewer where the documents do not fill so many.

    Of a large corpus, documents drawn at random are used (``Budget.characters``). Raises MeasureError where not one can be filled.
    """
    drawn = _drawn(documents, budget.characters, seed)
    for count in range(min(budget.samples, len(drawn)), 0, -1):
        found = [_sample(group, budget, seed, k) for k, group in enumerate(_groups(drawn, count))]
        whole = [sample for sample in found if sample is not None]
        if len(whole) == count:
            return tuple(whole)
    tokens, size = sum(len(d.spans) for d in drawn), sum(d.bytes for d in drawn)
    raise MeasureError(
        f"the text has {tokens:,} tokens and {size:,} bytes; a sample takes {budget.tokens:,} and {budget.bytes:,}: give more text, or a "
        "smaller budget for every corpus of the comparison"
    )
