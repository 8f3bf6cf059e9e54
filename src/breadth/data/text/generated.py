"""Text of known diversity: the lower and upper bound of arXiv 2306.13840, and mixtures of hidden Markov models as in arXiv 2111.02080."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import lru_cache

import numpy as np

from breadth.data.text.batches import LENGTH, TextBatch
from breadth.errors import DataError
from breadth.seeds import generator

__all__ = ["ConstantTokens", "Ginc", "UniformTokens"]


class _Generated(ABC):
    """What generated sources share: sequence i is a pure function of (seed, i), and its number is i."""

    def __init__(self, name: str, vocabulary: int, length: int) -> None:
        if vocabulary < 2 or length < 2:
            raise DataError(
                f"'{name}' with a vocabulary of {vocabulary} and sequences of {length} was asked for; expected 2 or more of each"
            )
        self.name, self.vocabulary, self.length = name, vocabulary, length
        self.digest = hashlib.sha256(f"{name} {vocabulary} {length} 1".encode()).hexdigest()

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
    """A uniform mixture of hidden Markov models (arXiv 2111.02080, appendix F): a sequence comes from one concept.

    concepts: number of latent concepts; vocabulary: number of tokens. A hidden state is (entity, property), 10 of each. A concept is a
    transition matrix of properties, a convex combination of 100 permutation matrices with weights softmax(u / 0.1), and its start
    distribution; entities stay with probability 0.9 and else move by a matrix that all concepts share. The token is read from a memory of
    10 x 10 places, filled uniformly from the vocabulary; property 0 gives token 0, the delimiter. The language (``language``) decides
    all of this; the seed of ``take`` only the sequences.
    """

    entities, properties = 10, 10

    def __init__(self, concepts: int = 5, vocabulary: int = 50, length: int = LENGTH, language: int = 0) -> None:
        if concepts < 1:
            raise DataError(f"GINC with {concepts} concepts was asked for; expected at least 1")
        super().__init__(f"ginc:concepts={concepts},vocabulary={vocabulary},language={language}", vocabulary, length)
        self.concepts, self.language = concepts, language
        rng = generator(language, "ginc")
        self._memory = rng.integers(self.vocabulary, size=(self.entities, self.properties))
        self._memory[:, 0] = 0
        moves = _stochastic(rng, self.entities, 0.1)
        self._entity = (0.9 * np.eye(self.entities) + 0.1 * moves).cumsum(1)
        self._concept = lru_cache(maxsize=4096)(self._made)

    def _made(self, concept: int) -> tuple[np.ndarray, np.ndarray]:
        rng = generator(self.language, "ginc", "concept", concept)
        weights = np.exp(rng.random(self.properties) / 10.0)
        return _stochastic(rng, self.properties, 0.1).cumsum(1), (weights / weights.sum()).cumsum()

    def _row(self, seed: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        rng = generator(seed, self.name, i)
        moves, start = self._concept(int(rng.integers(self.concepts)))
        u, out = rng.random((self.length, 2)), np.empty(self.length, np.int64)
        entity, prop = (
            int(rng.integers(self.entities)),
            int(np.searchsorted(start, rng.random(), side="right").clip(0, self.properties - 1)),
        )
        for t in range(self.length):
            out[t] = self._memory[entity, prop]
            entity = min(int(np.searchsorted(self._entity[entity], u[t, 0], side="right")), self.entities - 1)
            prop = min(int(np.searchsorted(moves[prop], u[t, 1], side="right")), self.properties - 1)
        return out, np.ones(self.length, bool)


def _stochastic(rng: np.random.Generator, n: int, temperature: float) -> np.ndarray:
    """A random transition matrix [n, n]: permutation matrices weighed by softmax(u / temperature), u uniform."""
    weights = np.exp(rng.random(100) / temperature)
    out = np.zeros((n, n))
    for w in weights / weights.sum():
        out[np.arange(n), rng.permutation(n)] += w
    return out
