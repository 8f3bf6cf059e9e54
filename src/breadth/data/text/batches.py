"""Batches of token sequences: a text's tasks. A source puts its sequences in a seeded order; batch i is the i-th run of that order."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Iterator
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
HELD_BYTES = 512 * 1024**2
"""A corpus whose tokens take more is not held; of bytes, 2 each, that is one of 256 MiB."""
SAMPLED = 2**16
"""Sequences that are held of such a corpus at least, so that the batches of one measurement take one pass."""
WINDOW = 500_000
"""Sequences of a stream among which the order is drawn; as many as the published code shuffles among (arXiv 2306.13840)."""
# Sequences whose keys are drawn at once.
BLOCK = 4096
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


def _kind(tokeniser: Tokeniser) -> type[np.uint16] | type[np.int32]:
    return np.uint16 if tokeniser.vocabulary <= 2**16 else np.int32


@dataclass(frozen=True, eq=False)
class _Held:
    """Sequences in one array of tokens; sequence i is ``tokens[starts[i] : starts[i + 1]]``."""

    tokens: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, rows: Iterable[np.ndarray], tokeniser: Tokeniser, max_bytes: float = float("inf")) -> _Held | None:
        """Return all of ``rows``; None where they take more than ``max_bytes``."""
        kind = _kind(tokeniser)
        tokens, starts = array("H" if kind is np.uint16 else "i"), array("q", [0])
        for row in rows:
            tokens.frombytes(row.astype(kind).tobytes())
            starts.append(len(tokens))
            if len(tokens) * tokens.itemsize + len(starts) * starts.itemsize > max_bytes:
                return None
        return cls(np.frombuffer(tokens, kind), np.frombuffer(starts, np.int64))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def rows(self, items: np.ndarray) -> list[np.ndarray]:
        return [self.tokens[self.starts[i] : self.starts[i + 1]] for i in items]


@dataclass(frozen=True, eq=False)
class _Sample:
    """The first sequences of an order over all of a corpus, with their numbers in it; ``total``: sequences of the corpus."""

    rows: list[np.ndarray]
    items: np.ndarray
    total: int

    @classmethod
    def of(cls, rows: Iterator[np.ndarray], tokeniser: Tokeniser, wanted: int, seed: int) -> _Sample:
        """Give each sequence a random key and keep those with the ``wanted`` smallest, in their order: however many are kept, the order
        is the same. One pass; not more than twice ``wanted`` and a block are held at a time."""
        kind, total, top = _kind(tokeniser), 0, np.iinfo(np.int64).max
        kept, keys, items, limit = list[np.ndarray](), np.zeros(0, np.int64), np.zeros(0, np.int64), top

        def least() -> None:
            nonlocal kept, keys, items
            order = np.argsort(keys, kind="stable")[:wanted]
            kept, keys, items = [kept[i] for i in order], keys[order], items[order]

        for block, part in enumerate(iter(lambda: list(islice(rows, BLOCK)), [])):
            drawn = generator(seed, "text", "keys", block).integers(top, size=BLOCK)[: len(part)]
            low = np.flatnonzero(drawn < limit)
            # Copies, since a slice would hold the whole document.
            kept += [part[i].astype(kind) for i in low]
            keys, items = np.append(keys, drawn[low]), np.append(items, total + low)
            total += len(part)
            if len(kept) > 2 * wanted:
                least()
                limit = int(keys[-1])
        least()
        return cls(kept, items, total)


class Batches:
    """A corpus in files, its sequences in an order drawn over all of them.

    What takes more than ``max_bytes`` is not held: it is read to its end for a random sample of its sequences, and again for a larger one.
    Each pass cuts all text into tokens, which is what a large corpus takes time for.
    """

    def __init__(self, corpus: Corpus, tokeniser: Tokeniser, length: int = LENGTH, max_bytes: int = HELD_BYTES) -> None:
        if length < SHORTEST:
            raise DataError(f"sequences of {length} tokens were asked for; expected at least {SHORTEST}")
        self.corpus, self.tokeniser, self.length, self.max_bytes = corpus, tokeniser, length, max_bytes
        self.name, self.vocabulary = corpus.name, tokeniser.vocabulary
        self.digest = _digest(corpus, tokeniser, length)
        self._sample: tuple[int, _Sample] | None = None

    def _cut(self) -> Iterator[np.ndarray]:
        return sequences_of(self.corpus, self.tokeniser, self.length)

    @cached_property
    def _held(self) -> _Held | None:
        return _Held.of(self._cut(), self.tokeniser, self.max_bytes)

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return a run of the order of ``seed``; see ``TextSource``."""
        stop, held = start + count, self._held
        if held is not None:
            total, items = len(held), generator(seed, "text", len(held)).permutation(len(held))[start:stop]
            rows = held.rows(items)
        else:
            sample = self._sampled(stop, seed)
            total, items, rows = sample.total, sample.items[start:stop], sample.rows[start:stop]
        if not total:
            raise DataError(f"{self.corpus.place} holds no run of {SHORTEST} tokens; expected longer documents")
        if stop > total:
            raise DataError(
                f"'{self.name}' holds {total} sequence{'' if total == 1 else 's'} of {self.length} tokens; {stop} were asked for: ask for "
                "fewer or smaller batches"
            )
        return _padded(rows, items, self.length, self.tokeniser.end, self.name)

    def _sampled(self, wanted: int, seed: int) -> _Sample:
        if self._sample is None or self._sample[0] != seed or len(self._sample[1].rows) < min(wanted, self._sample[1].total):
            self._sample = None  # two of them are not held at a time
            self._sample = seed, _Sample.of(self._cut(), self.tokeniser, max(SAMPLED, 2 * wanted), seed)
        return self._sample[1]


class StreamBatches:
    """A corpus of any size of which one window of sequences is held: the order is drawn window by window as the stream comes.

    What is asked for comes from as many windows as it fills, hence of a long stream from its first sequences alone.
    """

    def __init__(self, corpus: Corpus, tokeniser: Tokeniser, length: int = LENGTH, window: int = WINDOW) -> None:
        if length < SHORTEST or window < 1:
            raise DataError(f"windows of {window} sequences of {length} tokens were asked for; expected at least 1 of {SHORTEST}")
        self.corpus, self.tokeniser, self.length, self.window = corpus, tokeniser, length, window
        self.name, self.vocabulary = corpus.name, tokeniser.vocabulary
        self.digest = _digest(corpus, tokeniser, length, "window", window)
        self._rest: Iterator[np.ndarray] = iter(())
        self._at = -1
        self._rows = _Held.of((), tokeniser)

    def _read(self, number: int) -> _Held:
        """Return window ``number``; windows in order read the stream once, an earlier one reads it again from its start."""
        if number < self._at or self._at < 0:
            self._rest, self._at = sequences_of(self.corpus, self.tokeniser, self.length), -1
        while self._at < number:
            self._rows = _Held.of(islice(self._rest, self.window), self.tokeniser)
            self._at += 1
        assert self._rows is not None
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
            rows += held.rows(order)
            items += [number * self.window + int(i) for i in order]
        return _padded(rows, np.array(items, np.int64), self.length, self.tokeniser.end, self.name)
