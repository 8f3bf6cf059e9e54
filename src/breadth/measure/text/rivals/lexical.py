"""Scores of one sample's bytes, words and n-grams. All move with the amount of text: compare samples of one size (``sample``)."""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

from breadth.errors import MeasureError

__all__ = ["Texts", "compression_ratio", "distinct_words", "ngram_diversity", "ngrams", "self_repetition", "type_token_ratio"]

Texts = Sequence[Sequence[str]]
"""Texts as sequences of tokens; no n-gram reaches from one into the next."""


def ngrams(text: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Return the n-grams of one text in their order."""
    return zip(*(text[k:] for k in range(n)), strict=False)


def compression_ratio(data: bytes) -> float:
    """Return bytes / compressed bytes, deflated once (zlib, level 9): high where text repeats itself (arXiv 2403.00553).

    Deflate looks back 32 KiB, so that data up to that size are compared as a whole and their order matters little. Raises MeasureError
    for no data.
    """
    if not data:
        raise MeasureError("0 bytes were to be compressed; expected at least 1")
    return len(data) / len(zlib.compress(data, 9))


def distinct_words(texts: Texts) -> int:
    """Return the number of different tokens."""
    return len({token for text in texts for token in text})


def type_token_ratio(texts: Texts) -> float:
    """Return the mean over texts of different tokens / tokens; give texts of one length. Raises MeasureError where a text is empty."""
    if not texts or not all(texts):
        raise MeasureError(f"{len(texts)} texts, some or all without tokens; expected one or more texts, each with a token")
    return math.fsum(len(set(text)) / len(text) for text in texts) / len(texts)


def ngram_diversity(texts: Texts, orders: int = 4) -> float:
    """Return the sum over n = 1..orders of different n-grams / n-grams, from about 0 to ``orders`` (arXiv 1510.03055, 2403.00553).

    Raises MeasureError where there is no n-gram of some order.
    """
    total = 0.0
    for n in range(1, orders + 1):
        counts = Counter(gram for text in texts for gram in ngrams(text, n))
        if not counts:
            raise MeasureError(f"no text has {n} tokens; expected an n-gram of each order up to {orders}: give longer texts")
        total += len(counts) / counts.total()
    return total


def self_repetition(texts: Texts, n: int = 4) -> float:
    """Return the mean over texts of log(1 + sum over the text's n-grams of the number of other texts that hold it), in nats.

    Salkar et al. 2022, arXiv 2210.08145. Grows with the number and length of texts. Raises MeasureError for fewer than two texts.
    """
    if len(texts) < 2:
        raise MeasureError(f"{len(texts)} texts; expected at least 2: repetition is between texts")
    held = [list(ngrams(text, n)) for text in texts]
    holders = Counter(gram for grams in held for gram in set(grams))
    return math.fsum(math.log1p(sum(holders[gram] - 1 for gram in grams)) for grams in held) / len(texts)
