"""Overlap of texts: what it counts equals a slow search, whatever the chunks, and it finds what was hidden in real text."""

import json
import math
from dataclasses import asdict

import numpy as np
import pytest

from breadth.data.text import overlap
from breadth.data.text.corpus import read_corpus
from breadth.data.text.overlap import text_overlap
from breadth.data.text.words import plain_words, word_spans
from breadth.errors import DataError
from oracle import text_overlap as oracle

WORDS = ["sun", "Moon", "star", "dust", "ring", "tide", "ice", "7", "rock's"]


def document(rng, words):
    marks = [" ", " ", " ", ", ", "! ", " - "]
    return "".join(WORDS[rng.integers(len(WORDS))] + marks[rng.integers(len(marks))] for _ in range(words))


def texts(seed):
    """Two texts of which the second holds copies, copies in another case, parts and mixtures of the first."""
    rng = np.random.default_rng(seed)
    training = [document(rng, int(rng.integers(1, 60))) for _ in range(12)] + ["***", "one"]
    whole, part = training[0] + document(rng, 3), training[1][len(training[1]) // 3 :]
    evaluation = [document(rng, int(rng.integers(1, 60))) for _ in range(6)]
    evaluation += [training[2].upper(), whole, part + document(rng, 20), part + document(rng, 200), "***", "+++", "two", "ONE!"]
    return training, evaluation


@pytest.mark.parametrize("seed", range(6))
def test_it_equals_the_slow_search(seed):
    training, evaluation = texts(seed)
    assert asdict(text_overlap(training, evaluation)) == oracle.text_overlap(training, evaluation)


def test_chunks_change_nothing(monkeypatch):
    training, evaluation = texts(7)
    whole = text_overlap(training, evaluation)
    monkeypatch.setattr(overlap, "CHUNK", 100)
    assert text_overlap(iter(training), iter(evaluation)) == whole


def test_shares_by_hand():
    common = "a b c d e f g h i j k l m"
    found = text_overlap([f"x {common} y", "z"], [f"{common.upper()}.", f"q {common}", "b c d", "a b c d e f g h i j k l q"])
    assert (found.documents, found.long, found.hit, found.hit_share) == (4, 3, (0, 1), 2 / 3)
    assert (found.ngrams, found.ngrams_hit, found.ngram_share) == (4, 2, 0.5)
    assert (found.exact, found.near) == ((), ())
    assert (found.words, found.words_seen, found.seen_share) == (43, 41, 41 / 43)
    assert (found.vocabulary, found.training_vocabulary, found.shared, found.jaccard) == (14, 16, 13, 13 / 17)
    told = json.loads(json.dumps(found.as_dict()))
    assert (told["hit"], told["hit_share"], told["seen_share"]) == ([0, 1], 2 / 3, 41 / 43)


def test_nothing_long_has_no_share():
    found = text_overlap(["a b"], ["b c", "d"])
    assert math.isnan(found.hit_share)
    assert math.isnan(found.ngram_share)
    assert (found.hit, found.jaccard, found.seen_share) == ((), 0.25, 1 / 3)


def test_runs_do_not_reach_over_documents():
    words = [f"w{i}" for i in range(13)]
    apart = [" ".join(words[:6]), " ".join(words[6:])]
    assert text_overlap([" ".join(words)], apart).ngrams == 0
    assert text_overlap(apart, [" ".join(words)]).hit == ()
    long = "x" * 30
    assert text_overlap([long, long], [long + long]).near == ()


def test_a_run_in_another_order_is_another_run():
    words = [f"w{i}" for i in range(13)]
    swapped = [[*words[:i], words[j], *words[i + 1 : j], words[i], *words[j + 1 :]] for j in range(13) for i in range(j)]
    found = text_overlap([" ".join(words)], [" ".join(row) for row in [*swapped, words]])
    assert found.hit == (len(swapped),)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[:50]
    turned = [letters[:i] + letters[i + 1] + letters[i] + letters[i + 2 :] for i in range(49) if i != 25]
    assert text_overlap([f"x{letters}"], [*turned, letters]).near == (48,)


def test_what_has_no_words_or_is_too_large_is_refused():
    with pytest.raises(DataError) as error:
        text_overlap(["***"], ["a"])
    assert str(error.value) == "the training text has no word; expected at least one document with words"
    with pytest.raises(DataError) as error:
        text_overlap(["a"], ["..."])
    assert str(error.value) == "the evaluation text has no word; expected at least one document with words"
    with pytest.raises(DataError) as error:
        text_overlap(["a"], ["a" * 40_000], max_bytes=2**20)
    assert str(error.value) == "the evaluation text takes more than 1 MiB of memory; expected less: give its first documents"


def test_words_of_several_scripts():
    assert plain_words("Don't stop, Straße 12!") == ["don", "t", "stop", "strasse", "12"]
    assert plain_words("हिन्दी में") == ["हिन्दी", "में"]
    assert plain_words("我喜歡 tea。カレー") == ["我", "喜", "歡", "tea", "カ", "レ", "ー"]
    text = "a_b (c) 我們😀"
    assert [text[i:j] for i, j in word_spans(text)] == ["a", "_", "b", "(", "c", ")", "我", "們", "😀"]


def test_copies_in_real_text_are_found(packs):
    folder = packs.parent / "text"
    if not (folder / "novel_moby_dick.txt.gz").is_file():
        pytest.skip(f"no real text packs in {folder}")
    novel = list(read_corpus(folder / "novel_moby_dick.txt.gz", limit=900).documents())
    other = list(read_corpus(folder / "novel_pride_prejudice.txt.gz", limit=300).documents())
    long = [text for text in novel[600:] if len(text) > 400]
    changed = [text.replace("the", "that", 1).replace(",", ";") for text in long[:20]]
    quoted = [f"{other[40 + k]} {text[:200]}" for k, text in enumerate(long[20:40])]
    found = text_overlap(novel, [*other[100:200], *changed, *quoted])
    assert set(range(100, 120)) <= set(found.near)
    assert set(range(100, 140)) <= set(found.hit)
    assert not set(range(100)) & set(found.hit)
    assert all(len(plain_words(other[100 + k])) < 10 for k in found.near if k < 100)
