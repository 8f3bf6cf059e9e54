"""Batches of token sequences: a text's tasks. A source puts its sequences in a seeded order; batch i is the i-th run of that order."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Protocol

import numpy as np

from breadth.data.text.corpus import Corpus
from breadth.data.text.tokens import Tokeniser
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["LENGTH", "SEQUENCES", "Batches", "StreamBatches", "TextBatch", "TextSource", "batch", "sequences_of"]

SEQUENCES, LENGTH = 64, 128
"""Of a batch on a CPU; the published protocol has 512 sequences of 128 tokens (arXiv 2306.13840)."""
# Sequences with fewer tokens have next to nothing to predict.
SHORTEST = 8


@dataclass(frozen=True, eq=False)
class TextBatch:
    """One task of text.

    tokens: int32 [n, t]; mask: bool [n, t], True where a token is real and not padding (padding comes last); items: int64 [n], the numbers
    of the sequences in their source, which identify the task.
    """

    tokens: np.ndarray
    mask: np.ndarray
    items: np.ndarray
    source: str


class TextSource(Protocol):
    """Anything that sequences of tokens can be drawn from. digest: SHA-256 (hex) of the data, the tokeniser and the cutting."""

    @property
    def name(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def length(self) -> int: ...

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return sequences start .. start + count - 1 of the order that ``seed`` gives; raises DataError where they run out."""
        ...


def batch(source: TextSource, i: int, *, sequences: int = SEQUENCES, seed: int = 0) -> TextBatch:
    """Return batch ``i``: a pure function of (seed, i). Two batches of one seed share no sequence, unlike in the published quick start."""
    return source.take(i * sequences, sequences, seed)


def sequences_of(corpus: Corpus, tokeniser: Tokeniser, length: int) -> Iterator[np.ndarray]:
    """Yield the sequences of a corpus: each document in consecutive runs of ``length`` tokens, the last one shorter.

    Runs of fewer than 8 tokens are left out. What a document's last run lacks is padded later, never filled with another document.
    """
    for text in corpus.documents():
        tokens = tokeniser.encode(text)
        for at in range(0, len(tokens), length):
            if len(tokens) - at >= SHORTEST:
                yield tokens[at : at + length]


def _padded(rows: list[np.ndarray], items: np.ndarray, length: int, end: int, source: str) -> TextBatch:
    tokens = np.full((len(rows), length), end, np.int32)
    mask = np.zeros((len(rows), length), bool)
    for k, row in enumerate(rows):
        tokens[k, : len(row)], mask[k, : len(row)] = row, True
    return TextBatch(tokens, mask, items, source)


def _digest(corpus: Corpus, tokeniser: Tokeniser, *how: object) -> str:
    return hashlib.sha256(" ".join(map(str, (corpus.digest, tokeniser.fingerprint, SHORTEST, *how))).encode()).hexdigest()


@dataclass(frozen=True, eq=False)
class Batches:
    """A corpus whose tokens fit into memory (``max_bytes``), its sequences in an order drawn over all of them."""

    corpus: Corpus
    tokeniser: Tokeniser
    length: int = LENGTH
    max_bytes: int = 1024**3

    def __post_init__(self) -> None:
        if self.length < SHORTEST:
            raise DataError(f"sequences of {self.length} tokens were asked for; expected at least {SHORTEST}")

    @property
    def name(self) -> str:
        return self.corpus.name

    @property
    def vocabulary(self) -> int:
        return self.tokeniser.vocabulary

    @cached_property
    def digest(self) -> str:
        return _digest(self.corpus, self.tokeniser, self.length)

    @cached_property
    def _held(self) -> tuple[np.ndarray, np.ndarray]:
        """All tokens in one array, and where each sequence starts, with the end of the last one."""
        kind = np.uint16 if self.vocabulary <= 2**16 else np.int32
        parts, starts, size = list[np.ndarray](), [0], 0
        for row in sequences_of(self.corpus, self.tokeniser, self.length):
            parts.append(row.astype(kind))
            size += len(row)
            starts.append(size)
            if size * np.dtype(kind).itemsize + 8 * len(starts) > self.max_bytes:
                raise DataError(
                    f"{self.corpus.place} needs more than {self.max_bytes // 1024**2:,} MiB for its tokens; give --limit for its first "
                    "documents, or read it as a stream"
                )
        if not parts:
            raise DataError(f"{self.corpus.place} holds no run of {SHORTEST} tokens; expected longer documents")
        return np.concatenate(parts), np.array(starts)

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return len(self._held[1]) - 1

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return a run of the order of ``seed``; see ``TextSource``."""
        tokens, starts = self._held
        if start + count > self.sequences:
            raise DataError(
                f"'{self.name}' holds {self.sequences} sequences of {self.length} tokens; {start + count} were asked for: ask for fewer or "
                "smaller batches"
            )
        items = self._order(seed)[start : start + count]
        return _padded([tokens[starts[i] : starts[i + 1]] for i in items], items, self.length, self.tokeniser.end, self.name)

    def _order(self, seed: int) -> np.ndarray:
        return generator(seed, "text", self.sequences).permutation(self.sequences)


class StreamBatches:
    """A corpus of any size, of which one window of sequences is held: the order is drawn window by window as the stream comes."""

    def __init__(self, corpus: Corpus, tokeniser: Tokeniser, length: int = LENGTH, window: int = 4096) -> None:
        if length < SHORTEST or window < 1:
            raise DataError(f"windows of {window} sequences of {length} tokens were asked for; expected at least 1 of {SHORTEST}")
        self.corpus, self.tokeniser, self.length, self.window = corpus, tokeniser, length, window
        self.name, self.vocabulary = corpus.name, tokeniser.vocabulary
        self.digest = _digest(corpus, tokeniser, length, "window", window)
        self._rest: Iterator[np.ndarray] = iter(())
        self._at = -1
        self._rows: list[np.ndarray] = []

    def _read(self, number: int) -> list[np.ndarray]:
        """Return window ``number``; windows in order read the stream once, an earlier one reads it again from its start."""
        if number < self._at or self._at < 0:
            self._rest, self._at = sequences_of(self.corpus, self.tokeniser, self.length), -1
        while self._at < number:
            self._rows = list(islice(self._rest, self.window))
            self._at += 1
        return self._rows

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return a run of the order of ``seed``; see ``TextSource``."""
        rows, items = list[np.ndarray](), list[int]()
        while len(rows) < count:
            number, place = divmod(start + len(rows), self.window)
            held = self._read(number)
            order = generator(seed, "text", "window", number).permutation(len(held))[place : place + count - len(rows)]
            if not len(order):
                raise DataError(
                    f"'{self.name}' ended after {number * self.window + len(held)} sequences of {self.length} tokens; {start + count} were "
                    "asked for: ask for fewer or smaller batches"
                )
            rows += [held[i] for i in order]
            items += [number * self.window + int(i) for i in order]
        return _padded(rows, np.array(items, np.int64), self.length, self.tokeniser.end, self.name)
