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
# Characters of a stretch of a long document.
STRETCH = 2000


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
        """Characters that are kept to sample from: eight times what the samples take, as documents come in lumps."""
        return 8 * self.samples * (self.tokens + self.bytes)

    @property
    def longest(self) -> int:
        """Characters of one document that are kept, so that there are two documents or more for each sample."""
        return 4 * (self.tokens + self.bytes)


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
class _Stretch:
    """Text without a gap; spans: of its tokens."""

    text: str
    spans: tuple[tuple[int, int], ...]
    bytes: int

    @classmethod
    def of(cls, text: str) -> _Stretch:
        return cls(text, tuple(word_spans(text)), len(text.encode("utf-8", "replace")))

    def pieces(self, length: int) -> list[slice]:
        """Slices of consecutive tokens, the last one shorter."""
        return [slice(at, min(at + length, len(self.spans))) for at in range(0, len(self.spans), length)]

    def text_of(self, piece: slice) -> str:
        return self.text[self.spans[piece.start][0] : self.spans[piece.stop - 1][1]]

    def tokens_of(self, piece: slice) -> tuple[str, ...]:
        return tuple(self.text[start:end].casefold() for start, end in self.spans[piece])


def _stretches(text: str, longest: int, rng: np.random.Generator) -> tuple[str, ...]:
    """A document as a whole, or where it is longer, so many characters from all over it."""
    if len(text) <= longest:
        return (text,)
    count = max(longest // STRETCH, 1)
    places = np.sort(rng.choice(max(len(text) // STRETCH, 1), count, replace=False))
    return tuple(text[at * STRETCH : (at + 1) * STRETCH] for at in places)


def _drawn(documents: Iterable[str], budget: Budget, seed: int) -> list[tuple[_Stretch, ...]]:
    """Documents in a seeded order, as many as hold ``budget.characters``; any number is read, little more is kept."""
    rng, heap, held = generator(seed, "documents"), list[tuple[float, int, int, tuple[str, ...]]](), 0
    for i, text in enumerate(documents):
        kept = _stretches(text, budget.longest, rng)
        size = sum(map(len, kept))
        heapq.heappush(heap, (-float(rng.random()), i, size, kept))
        held += size
        while held - heap[0][2] >= budget.characters:
            held -= heapq.heappop(heap)[2]
    return [tuple(map(_Stretch.of, kept)) for *_, kept in sorted(heap, reverse=True)]


def _groups(documents: Sequence[tuple[_Stretch, ...]], count: int) -> list[list[_Stretch]]:
    """Documents in ``count`` sets of nearly as many bytes: each goes to the set that holds the fewest so far."""
    sizes, groups = [0] * count, [list[_Stretch]() for _ in range(count)]
    for document in documents:
        k = int(np.argmin(sizes))
        sizes[k] += sum(stretch.bytes for stretch in document)
        groups[k] += document
    return groups


def _sample(stretches: Sequence[_Stretch], budget: Budget, seed: int, k: int) -> Sample | None:
    """A sample of the documents of these stretches, or None where they are too few."""
    rng = generator(seed, "sample", k)
    pieces = [(s, piece) for s in stretches for piece in s.pieces(PASSAGE)]
    passages, texts, tokens, held = list[tuple[str, ...]](), list[bytes](), 0, 0
    for i in rng.permutation(len(pieces)):
        stretch, piece = pieces[i]
        if tokens < budget.tokens:
            passages.append(stretch.tokens_of(piece)[: budget.tokens - tokens])
            tokens += len(passages[-1])
        if held < budget.bytes:
            texts.append(stretch.text_of(piece).encode("utf-8", "replace") + b"\n")
            held += len(texts[-1])
    if tokens < budget.tokens or held < budget.bytes:
        return None
    full = [(s, piece) for s in stretches for piece in s.pieces(budget.run) if piece.stop - piece.start == budget.run]
    chosen = [full[i] for i in rng.permutation(len(full))[: budget.runs]] if len(full) >= budget.runs else []
    return Sample(
        tuple(passages),
        b"".join(texts)[: budget.bytes],
        tuple(s.tokens_of(piece) for s, piece in chosen),
        tuple(s.text_of(piece) for s, piece in chosen),
    )


def samples(documents: Iterable[str], budget: Budget = Budget(), seed: int = 0) -> tuple[Sample, ...]:
    """Return up to ``budget.samples`` samples of which no two share a document; fewer where the documents do not fill so many.

    Of a large corpus, documents drawn at random are used (``Budget.characters``), of a long one stretches from all over it
    (``Budget.longest``). Raises MeasureError where not one can be filled.
    """
    drawn = _drawn(documents, budget, seed)
    for count in range(min(budget.samples, len(drawn)), 0, -1):
        found = [_sample(group, budget, seed, k) for k, group in enumerate(_groups(drawn, count))]
        whole = [sample for sample in found if sample is not None]
        if len(whole) == count:
            return tuple(whole)
    tokens, size = sum(len(s.spans) for d in drawn for s in d), sum(s.bytes for d in drawn for s in d)
    raise MeasureError(
        f"the text has {tokens:,} tokens and {size:,} bytes; a sample takes {budget.tokens:,} and {budget.bytes:,}: give more text, or a "
        "smaller budget for every corpus of the comparison"
    )
