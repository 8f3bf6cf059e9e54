"""Overlap of training and evaluation text: runs of words that occur in both, copies, near copies, and the words that both use."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from breadth.data.text.words import plain_words
from breadth.errors import DataError

__all__ = ["TextOverlap", "text_overlap"]

Hashes = npt.NDArray[np.uint64]
Ints = npt.NDArray[np.int64]

# Words as in the audit of GPT-3 (arXiv 2005.14165, appendix C); characters as in that of GPT-4 (arXiv 2303.08774, appendix C).
WORDS, CHARACTERS = 13, 50
# A document is a near copy where so much of its runs of characters occur in the training text.
NEAR = 0.5
# Characters of training text that are looked up at once.
CHUNK = 2_000_000
# Bytes that a character of evaluation text takes while its runs are sorted.
HELD = 64
# Of the hash of a run: any odd number whose bits look random.
_FACTOR = 0x9E3779B97F4A7C15


@dataclass(frozen=True)
class TextOverlap:
    """What an evaluation text shares with a training text; documents are numbers of evaluation documents, from 0.

    documents: how many there are; long: how many have a run of 13 words, of which ``hit`` have one that occurs in the training text;
    ngrams, ngrams_hit: runs of 13 words in all, and those that occur there. exact: documents whose words are a training document's, as
    those of short headings often are; near: these, and documents of which at least half of the runs of 50 letters and digits occur in
    the training text. words: word tokens of the evaluation text; words_seen: those whose word the training text has; vocabulary,
    training_vocabulary, shared: different words.
    """

    documents: int
    long: int
    hit: tuple[int, ...]
    ngrams: int
    ngrams_hit: int
    exact: tuple[int, ...]
    near: tuple[int, ...]
    words: int
    words_seen: int
    vocabulary: int
    training_vocabulary: int
    shared: int

    @property
    def hit_share(self) -> float:
        """Share of the long documents with a run of words from the training text; nan where none is long."""
        return _ratio(len(self.hit), self.long)

    @property
    def ngram_share(self) -> float:
        """Share of the runs of words that occur in the training text; nan where there is none."""
        return _ratio(self.ngrams_hit, self.ngrams)

    @property
    def jaccard(self) -> float:
        """Different words in both / in either, 0 to 1. Moves with the size of both texts: compare training texts of one size."""
        return _ratio(self.shared, self.vocabulary + self.training_vocabulary - self.shared)

    @property
    def seen_share(self) -> float:
        """Share of evaluation word tokens whose word the training text has. Grows with its size: compare training texts of one size."""
        return _ratio(self.words_seen, self.words)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields and the four shares under their names, JSON-able."""
        shares = {name: getattr(self, name) for name in ("hit_share", "ngram_share", "jaccard", "seen_share")}
        return asdict(self) | shares


def text_overlap(training: Iterable[str], evaluation: Iterable[str], *, max_bytes: int = 2 * 1024**3) -> TextOverlap:
    """Return the overlap of two texts, given as documents; each is read once.

    Words are compared without case and punctuation, see ``plain_words``. Only hashes of the evaluation text are held, so that the
    training text may have any size; of it only its different words are kept, 8 bytes each. Hashes have 64 bits: two different runs
    agree by a chance of the order of 2^-64. Documents that are shorter than a run can only be exact copies.
    Raises DataError where a text has no word, or the evaluation text takes more than ``max_bytes``.
    """
    held = _Evaluation.of(evaluation, max_bytes)
    vocabulary = np.zeros(0, np.uint64)
    for documents in _parts(training):
        words, owners = _joined([d.words for d in documents])
        held.ngrams.mark(_runs(words, owners, WORDS)[0])
        held.windows.mark(_runs(*_joined([d.characters for d in documents]), CHARACTERS)[0])
        held.whole.mark(np.array([d.whole for d in documents], np.uint64))
        vocabulary = np.union1d(vocabulary, words)
    if not len(vocabulary):
        raise DataError("the training text has no word; expected at least one document with words")
    ngrams, windows, exact = held.ngrams.found, held.windows.found, held.whole.found
    copied = np.bincount(held.windows.owners, windows, minlength=held.documents)
    total = np.bincount(held.windows.owners, minlength=held.documents)
    shared = np.isin(held.vocabulary, vocabulary)
    return TextOverlap(
        documents=held.documents,
        long=len(np.unique(held.ngrams.owners)),
        hit=tuple(np.unique(held.ngrams.owners[ngrams]).tolist()),
        ngrams=len(ngrams),
        ngrams_hit=int(ngrams.sum()),
        exact=tuple(np.flatnonzero(exact).tolist()),
        near=tuple(np.flatnonzero(exact | ((total > 0) & (copied >= NEAR * total))).tolist()),
        words=int(held.counts.sum()),
        words_seen=int(held.counts[shared].sum()),
        vocabulary=len(shared),
        training_vocabulary=len(vocabulary),
        shared=int(shared.sum()),
    )


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


@dataclass(frozen=True, eq=False)
class _Document:
    """Hashes of a document's words and of its letters and digits in their order, and of it as a whole."""

    words: Hashes
    characters: Hashes
    whole: int

    @classmethod
    def of(cls, text: str) -> _Document:
        words = plain_words(text)
        codes = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), np.uint32)
        # What has no words is compared as it stands, or all of it would be copies of each other.
        whole = _hash(" ".join(words) or f"\n{text.strip()}")
        return cls(np.fromiter(map(_hash_of_word, words), np.uint64, len(words)), _mixed(codes.astype(np.uint64)), whole)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


_hash_of_word = lru_cache(maxsize=2**18)(_hash)


def _mixed(codes: Hashes) -> Hashes:
    """Numbers that look random, one for each code (the finaliser of splitmix64)."""
    x = codes + np.uint64(_FACTOR)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(x ^ (x >> np.uint64(31)), np.uint64)


def _joined(parts: Sequence[Hashes]) -> tuple[Hashes, Ints]:
    """All in one array, and for each the number of its document."""
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def _runs(values: Hashes, owners: Ints, n: int) -> tuple[Hashes, Ints]:
    """Return the hash of every run of n values that lies in one document, sum_k values_(i+k) factor^(n-1-k) mod 2^64, and its document."""
    if len(values) < n:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    # A run of n is put together of runs of 1, 2, 4 ... values, as the binary digits of n say.
    done, covered = np.zeros(len(values) + 1, np.uint64), 0
    part, width, power, left = values, 1, _FACTOR, n
    while left:
        if left & 1:
            done, covered = done[: len(part) - covered] * np.uint64(power) + part[covered:], covered + width
        left >>= 1
        if left:
            part, width, power = part[:-width] * np.uint64(power) + part[width:], 2 * width, power * power % 2**64
    inside = owners[: len(done)] == owners[n - 1 :]
    return done[inside], owners[: len(done)][inside]


def _parts(documents: Iterable[str]) -> Iterator[list[_Document]]:
    """Documents in lists of about ``CHUNK`` characters."""
    part, size = list[_Document](), 0
    for text in documents:
        part.append(_Document.of(text))
        size += len(text)
        if size >= CHUNK:
            yield part
            part, size = [], 0
    if part:
        yield part


class _Index:
    """Hashes of the evaluation text, each with its document; ``mark`` notes which of them occur elsewhere."""

    def __init__(self, hashes: Hashes, owners: Ints) -> None:
        self.owners = owners
        self._sorted, self._place = np.unique(hashes, return_inverse=True)
        self._seen = np.zeros(len(self._sorted), bool)

    def mark(self, hashes: Hashes) -> None:
        if len(self._sorted):
            at = np.searchsorted(self._sorted, hashes).clip(max=len(self._sorted) - 1)
            self._seen[at[self._sorted[at] == hashes]] = True

    @property
    def found(self) -> npt.NDArray[np.bool_]:
        """Whether each was marked."""
        return np.asarray(self._seen[self._place], bool)


@dataclass(frozen=True, eq=False)
class _Evaluation:
    """documents: their number; vocabulary, counts: different words and how often each comes."""

    documents: int
    ngrams: _Index
    windows: _Index
    whole: _Index
    vocabulary: Hashes
    counts: Ints

    @classmethod
    def of(cls, texts: Iterable[str], max_bytes: int) -> _Evaluation:
        documents, size = list[_Document](), 0
        for text in texts:
            documents.append(_Document.of(text))
            size += HELD * len(documents[-1].characters)
            if size > max_bytes:
                raise DataError(
                    f"the evaluation text takes more than {max_bytes / 2**20:,.0f} MiB of memory; expected less: give its first documents"
                )
        if not size:
            raise DataError("the evaluation text has no word; expected at least one document with words")
        words, owners = _joined([d.words for d in documents])
        vocabulary, counts = np.unique(words, return_counts=True)
        return cls(
            len(documents),
            _Index(*_runs(words, owners, WORDS)),
            _Index(*_runs(*_joined([d.characters for d in documents]), CHARACTERS)),
            _Index(np.array([d.whole for d in documents], np.uint64), np.arange(len(documents))),
            vocabulary,
            counts,
        )
