"""Likeness of texts to each other: Self-BLEU in linear time, and ROUGE-L over all pairs with bits in place of a table."""

from __future__ import annotations

import math
from collections import Counter

from breadth.errors import MeasureError
from breadth.measure.text.rivals.lexical import Texts, ngrams

__all__ = ["common_subsequence", "mean_rouge_l", "self_bleu"]


def _several(texts: Texts) -> None:
    if len(texts) < 2 or not all(texts):
        raise MeasureError(
            f"{len(texts)} texts, of which {sum(map(bool, texts))} have tokens; expected 2 or more, each with a token"
        )


def _matches(texts: Texts, n: int) -> list[tuple[int, int]]:
    """For each text, how many of its n-grams match the other texts, and how many it has: counts are clipped at the most in any other."""
    counts = [Counter(ngrams(text, n)) for text in texts]
    # The most and second most of an n-gram in one text, so that the most in any *other* text needs no second pass.
    first, second = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for count in counts:
        for gram, times in count.items():
            if times > first[gram]:
                first[gram], second[gram] = times, first[gram]
            elif times > second[gram]:
                second[gram] = times
    out = []
    for count in counts:
        # Where this text is the only one with the most, the others' most is the second.
        matched = sum(min(times, second[gram] if times == first[gram] else first[gram]) for gram, times in count.items())
        out.append((matched, count.total()))
    return out


def _nearest_length(lengths: Counter[int], own: int) -> int:
    """The length of another text that is nearest to ``own``, the shorter of two as near."""
    return min((n for n, times in lengths.items() if times > (n == own)), key=lambda n: (abs(n - own), n))


def self_bleu(texts: Texts, orders: int = 4) -> float:
    """Return the mean over texts of BLEU with all other texts as references, 0 to 1 (arXiv 1802.01886; BLEU: Papineni et al. 2002).

    Precisions of n = 2..orders are (matches + 1)/(n-grams + 1) (Lin & Och 2004, ORANGE); of n = 1 they are as they are, so that a text
    that shares no word with the others has 0; orders that a text is too short for are left out. Linear in the number of tokens.
    Grows with the number of texts. Raises MeasureError for fewer than two texts or one without tokens.
    """
    _several(texts)
    by_order = [_matches(texts, n) for n in range(1, orders + 1)]
    lengths = Counter(map(len, texts))
    total = 0.0
    for k, text in enumerate(texts):
        logs = list[float]()
        for n, found in enumerate(by_order, 1):
            matched, count = found[k]
            if n == 1 and not matched:
                break
            if count:
                logs.append(math.log((matched + (n > 1)) / (count + (n > 1))))
        if logs:
            brevity = min(0.0, 1 - _nearest_length(lengths, len(text)) / len(text))
            total += math.exp(brevity + math.fsum(logs) / len(logs))
    return total / len(texts)


def _places(text: tuple[str, ...]) -> dict[str, int]:
    """For each token, its places in a text as the bits of a number."""
    out = dict[str, int]()
    for i, token in enumerate(text):
        out[token] = out.get(token, 0) | 1 << i
    return out


def _longest(places: dict[str, int], length: int, other: tuple[str, ...]) -> int:
    # Bit i of v is 0 where the longest common subsequence grows at place i (Hyyro 2004); a token that the text lacks changes nothing.
    mask = (1 << length) - 1
    v = mask
    for token in other:
        if token in places:
            u = v & places[token]
            v = ((v + u) | (v - u)) & mask
    return length - v.bit_count()


def common_subsequence(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """Return the length of the longest common subsequence of two texts, exactly."""
    return _longest(_places(a), len(a), b)


def mean_rouge_l(texts: Texts) -> float:
    """Return the mean over pairs of different texts of ROUGE-L, 2 LCS / (length + length), 0 to 1 (Lin 2004).

    Texts without a common token have 0. Quadratic in the number of texts. Raises MeasureError for fewer than two texts or an empty one.
    """
    _several(texts)
    held = [tuple(text) for text in texts]
    sums = list[float]()
    for i, a in enumerate(held):
        places = _places(a)
        sums += [2 * _longest(places, len(a), b) / (len(a) + len(b)) for b in held[:i]]
    return math.fsum(sums) / len(sums)
