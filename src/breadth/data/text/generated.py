"""Text of known diversity: the lower and upper bound of arXiv 2306.13840, and mixtures of hidden Markov models as in arXiv 2111.02080."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from bisect import bisect_right
from functools import lru_cache

import numpy as np

from breadth.data.text.batches import LENGTH, TextBatch
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["ConstantTokens", "Ginc", "UniformTokens"]


class _Generated(ABC):
    """What generated sources share: sequence i is a pure function of (seed, i), and its number is i."""

    # Goes up whenever the same name and seed give other sequences.
    version = 1

    def __init__(self, name: str, vocabulary: int, length: int) -> None:
        if vocabulary < 2 or length < 2:
            raise DataError(
                f"'{name}' with a vocabulary of {vocabulary} and sequences of {length} was asked for; expected 2 or more of each"
            )
        self.name, self.vocabulary, self.length = name, vocabulary, length
        self.digest = hashlib.sha256(f"{name} {vocabulary} {length} {self.version}".encode()).hexdigest()

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return sequences start .. start + count - 1; there is no end of them."""
        rows = [self._row(seed, start + k) for k in range(count)]
        tokens, mask = (np.stack(parts) for parts in zip(*rows, strict=True))
        return TextBatch(tokens.astype(np.int32), mask, np.arange(start, start + count, dtype=np.int64), self.name)

    @abstractmethod
    def _row(self, seed: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return tokens [length] and what counts of them, bool [length]."""


class UniformTokens(_Generated):
    """The upper bound: every token drawn uniformly from the vocabulary, so that sequences share nothing."""

    def __init__(self, vocabulary: int, length: int = LENGTH) -> None:
        super().__init__("uniform tokens", vocabulary, length)

    def _row(self, seed: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        return generator(seed, self.name, i).integers(self.vocabulary, size=self.length), np.ones(self.length, bool)


class ConstantTokens(_Generated):
    """The lower bound: one token for the whole source (a function of the seed), followed with probability 1/vocabulary by the end.

    What follows an end is padding. The published text says so; its code draws another constant token for every sequence.
    """

    def __init__(self, vocabulary: int, end: int, length: int = LENGTH) -> None:
        super().__init__("constant token", vocabulary, length)
        self.end = end

    def _row(self, seed: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        token = int(generator(seed, self.name).integers(self.vocabulary - 1))
        token += token >= self.end  # any but the end
        ends = np.flatnonzero(generator(seed, self.name, i).random(self.length) < 1 / self.vocabulary)
        # At least two tokens, or there would be nothing to predict.
        stop = self.length if not len(ends) else max(int(ends[0]), 1)
        row = np.full(self.length, token)
        row[stop:] = self.end
        return row, np.arange(self.length) <= stop


class Ginc(_Generated):
    """A uniform mixture of hidden Markov models (arXiv 2111.02080, appendix F): a document comes from one concept.

    concepts: number of latent concepts; vocabulary: number of tokens; permutations: that a transition matrix is mixed of, 10 as in the
    published code. A hidden state is (entity, property), 10 of each. A concept is a transition matrix of properties, a convex combination
    of permutation matrices with weights softmax(u / 0.1), and its start distribution; entities stay with probability 0.9 and else move by
    a matrix that all concepts share. The token is read from a memory of 10 x 10 places, filled uniformly from tokens 1 and up; property 0,
    and nothing else, gives token 0, the delimiter. So at most 91 different tokens are ever used: from a few hundred on, a larger
    vocabulary changes which tokens these are and hardly how many.

    As in the published data, documents have 10,240 tokens and are cut into sequences; those of 1000 documents are shuffled, then come
    those of the next 1000. The language (``language``) decides the concepts; the seed of ``take`` only the documents.
    """

    version = 2
    entities, properties = 10, 10
    document, shuffled = 10_240, 1000

    def __init__(
        self, concepts: int = 5, vocabulary: int = 50, length: int = LENGTH, language: int = 0, permutations: int = 10
    ) -> None:
        if concepts < 1 or permutations < 1:
            raise DataError(
                f"GINC with {concepts} concepts and {permutations} permutations was asked for; expected at least 1 of each"
            )
        name = f"ginc:concepts={concepts},vocabulary={vocabulary},language={language}"
        super().__init__(name if permutations == 10 else f"{name},permutations={permutations}", vocabulary, length)
        self.concepts, self.language, self.permutations = concepts, language, permutations
        rng = generator(language, "ginc")
        self._memory = rng.integers(1, self.vocabulary, size=(self.entities, self.properties))
        self._memory[:, 0] = 0
        moves = self._stochastic(rng, self.entities)
        self._entity = (0.9 * np.eye(self.entities) + 0.1 * moves).cumsum(1)
        self._concept = lru_cache(maxsize=4096)(self._made)
        self._order = lru_cache(maxsize=1)(self._shuffled)
        self._text = lru_cache(maxsize=self.shuffled)(self._written)

    def _stochastic(self, rng: np.random.Generator, n: int) -> np.ndarray:
        """A random transition matrix [n, n]: permutation matrices weighed by softmax(u / 0.1), u uniform."""
        weights = np.exp(rng.random(self.permutations) / 0.1)
        out = np.zeros((n, n))
        for w in weights / weights.sum():
            out[np.arange(n), rng.permutation(n)] += w
        return out

    def _made(self, concept: int) -> tuple[np.ndarray, np.ndarray]:
        rng = generator(self.language, "ginc", "concept", concept)
        weights = np.exp(rng.random(self.properties) / 10.0)
        return self._stochastic(rng, self.properties).cumsum(1), (weights / weights.sum()).cumsum()

    def _shuffled(self, seed: int, part: int, pieces: int) -> np.ndarray:
        return generator(seed, self.name, "order", part).permutation(self.shuffled * pieces)

    def _written(self, seed: int, number: int) -> np.ndarray:
        """Document ``number``, int32 [tokens]."""
        rng = generator(seed, self.name, number)
        moves, start = self._concept(int(rng.integers(self.concepts)))
        size = max(self.document, self.length)
        # The two parts of the state move by themselves.
        first = int(rng.integers(self.entities)), _place(start, rng.random())
        entities, properties = (_path(rows, at, rng.random(size)) for rows, at in zip((self._entity, moves), first, strict=True))
        return np.asarray(self._memory[entities, properties], np.int32)

    def _row(self, seed: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        pieces = max(self.document // self.length, 1)
        part, place = divmod(i, self.shuffled * pieces)
        document, piece = divmod(int(self._order(seed, part, pieces)[place]), pieces)
        text = self._text(seed, part * self.shuffled + document)
        return text[piece * self.length : (piece + 1) * self.length], np.ones(self.length, bool)


def _place(row: np.ndarray, u: float) -> int:
    """Return where u falls in sums of probabilities, whose last may be below 1 by rounding."""
    return min(int(np.searchsorted(row, u, side="right")), len(row) - 1)


def _path(rows: np.ndarray, at: int, u: np.ndarray) -> list[int]:
    """Return the states of a Markov chain from ``at`` on: rows [n, n], sums of probabilities; one step for each u."""
    sums, last, out = rows.tolist(), len(rows) - 1, list[int]()
    for x in u.tolist():
        out.append(at)
        at = min(bisect_right(sums[at], x), last)
    return out
