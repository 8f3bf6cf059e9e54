"""Rival scores of text against their definitions, on the cases in which public packages are known to be wrong, and what is refused."""

import zlib

import numpy as np
import pytest

from breadth.errors import MeasureError
from breadth.measure.text.rivals.lexical import (
    compression_ratio,
    distinct_words,
    ngram_diversity,
    self_repetition,
    type_token_ratio,
)
from breadth.measure.text.rivals.pairs import common_subsequence, mean_rouge_l, self_bleu
from oracle import text_rivals as oracle


def random_texts(seed, count, longest, vocabulary, shortest=1):
    rng = np.random.default_rng(seed)
    return [tuple(f"w{k}" for k in rng.integers(vocabulary, size=rng.integers(shortest, longest + 1))) for _ in range(count)]


@pytest.mark.parametrize("seed", range(8))
def test_scores_equal_their_definitions(seed):
    texts = random_texts(seed, 12, 15, (3, 30)[seed % 2])
    texts[0] = texts[1]
    assert self_bleu(texts) == pytest.approx(oracle.self_bleu(texts), rel=1e-12)
    assert self_repetition(texts) == pytest.approx(oracle.self_repetition(texts), rel=1e-12)
    assert ngram_diversity(texts) == pytest.approx(oracle.ngram_diversity(texts), rel=1e-12)
    assert mean_rouge_l(texts) == pytest.approx(oracle.mean_rouge_l(texts), rel=1e-12)


def test_common_subsequences_longer_than_a_machine_word():
    texts = random_texts(1, 6, 200, 12, shortest=100)
    for a in texts:
        for b in texts:
            assert common_subsequence(a, b) == oracle.common_subsequence(a, b)


def test_the_slow_twins_by_hand():
    assert oracle.common_subsequence("abcde", "axcye") == 3
    # 4, 3, 2 and 1 n-grams, of which 4, 2, 1 and 0 match.
    assert oracle.bleu(tuple("abcd"), [tuple("abcxd")]) == pytest.approx(np.exp(-0.25) * (1 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25)
    assert oracle.self_repetition([tuple("abcde"), tuple("abcdx"), tuple("yabcd")]) == pytest.approx(np.log(3))


def test_texts_that_share_nothing_are_not_alike_and_equal_texts_are():
    apart = [tuple(f"{i}-{k}" for k in range(9)) for i in range(5)]
    assert (self_bleu(apart), mean_rouge_l(apart), self_repetition(apart)) == (0, 0, 0)
    assert ngram_diversity(apart) == 4
    same = [tuple("abcdefgh")] * 5
    assert (self_bleu(same), mean_rouge_l(same)) == (1, 1)
    assert self_repetition(same) == pytest.approx(np.log(1 + 5 * 4))


def test_ngrams_stay_inside_a_text():
    # Across borders "b c" would be a third pair.
    assert ngram_diversity([("a", "b"), ("c", "d"), ("a", "b")], orders=2) == pytest.approx(4 / 6 + 2 / 3)


def test_data_are_deflated_once_and_completely():
    noise = np.random.default_rng(0).bytes(5000)
    assert compression_ratio(noise) < 1.001
    assert 1.95 < compression_ratio(noise + noise) < 2
    repeats = b"the same sentence again. " * 400
    assert compression_ratio(repeats) == len(repeats) / len(zlib.compress(repeats, 9))
    assert compression_ratio(repeats) > 100


def test_vocabulary():
    assert distinct_words([("a", "b", "a"), ("b", "c")]) == 3
    assert type_token_ratio([("a", "b", "a"), ("b", "c")]) == pytest.approx((2 / 3 + 1) / 2)


REFUSED = [
    (lambda: compression_ratio(b""), "0 bytes were to be compressed; expected at least 1"),
    (lambda: self_bleu([("a",)]), "1 texts, of which 1 have tokens; expected 2 or more, each with a token"),
    (lambda: mean_rouge_l([("a",), ()]), "2 texts, of which 1 have tokens; expected 2 or more, each with a token"),
    (lambda: self_repetition([("a",)]), "1 texts; expected at least 2: repetition is between texts"),
    (lambda: type_token_ratio([()]), "1 texts, some or all without tokens; expected one or more texts, each with a token"),
    (
        lambda: ngram_diversity([("a", "b")], orders=3),
        "no text has 3 tokens; expected an n-gram of each order up to 3: give longer texts",
    ),
]


@pytest.mark.parametrize(("act", "message"), REFUSED, ids=range(len(REFUSED)))
def test_refusals_say_what_was_given_and_expected(act, message):
    with pytest.raises(MeasureError) as error:
        act()
    assert str(error.value) == message
