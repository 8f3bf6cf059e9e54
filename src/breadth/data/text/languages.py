"""Random languages: a source whose batches each come from another made-up language, so that tasks differ in all that tokens can."""

from __future__ import annotations

import numpy as np

from breadth.data.text.batches import LENGTH, SEQUENCES
from breadth.data.text.generated import _Generated
from breadth.seeds import generator

__all__ = ["RandomLanguages"]


class RandomLanguages(_Generated):
    """Every ``block`` sequences are of one language: the batches of a measurement must have that size.

    A language has words: a share of the vocabulary, its size log-uniform from 1 to all of it; how often each word comes, normal log
    odds with a spread from 0 to 4; and a habit, uniform from 0 to 1: how often the next token is the fixed successor of the last one
    instead of a newly drawn word. So some are one token, some uniform tokens, some cycles, most something between.
    """

    def __init__(self, vocabulary: int, length: int = LENGTH, block: int = SEQUENCES) -> None:
        super().__init__(f"random languages of {block} sequences", vocabulary, length)
        self.block = block

    def _row(self, seed: int, i: int) -> tuple[np.ndarray, np.ndarray]:
        rng = generator(seed, self.name, "language", i // self.block)
        size = min(self.vocabulary, int(np.exp(rng.uniform(0, np.log(self.vocabulary + 1)))))
        words = rng.permutation(self.vocabulary)[:size]
        odds = np.exp(rng.uniform(0, 4) * rng.standard_normal(size)).cumsum()
        after, habit = rng.permutation(size), rng.random()
        rng = generator(seed, self.name, i)
        drawn = np.searchsorted(odds, rng.random(self.length) * odds[-1], side="right").clip(0, size - 1)
        follows = rng.random(self.length) < habit
        for t in range(1, self.length):
            if follows[t]:
                drawn[t] = after[drawn[t - 1]]
        return words[drawn], np.ones(self.length, bool)
