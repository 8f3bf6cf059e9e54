"""Corpora that are not held: sequences are drawn from all of a file whatever its size, in little memory; streams from large windows."""

import gzip
import tracemalloc

import numpy as np
import pytest

from breadth.data.text import batches, packed, places
from breadth.data.text.batches import WINDOW, Batches, StreamBatches, batch
from breadth.data.text.corpus import corpus_of, read_corpus
from breadth.data.text.packed import tokens_held, training_tokens
from breadth.data.text.places import text_source
from breadth.data.text.tokens import BYTES
from breadth.errors import DataError

# 40 documents of 8 to 47 bytes; any 8 of a document's bytes tell which one it is, and where.
TEXTS = ["".join(f"{i:02d}{k:x}-" for k in range(12))[: 8 + i] for i in range(40)]
CORPUS = corpus_of(TEXTS, "toy")
EVERYTHING = [t.encode()[at : at + 16] for t in TEXTS for at in range(0, len(t), 16) if len(t) - at >= 8]


def sampled():
    """A source that holds a few bytes, and of a sample no more than it must."""
    return Batches(CORPUS, BYTES, 16, max_bytes=100)


def rows(found):
    return [bytes(t[m].astype(np.uint8)) for t, m in zip(found.tokens, found.mask, strict=True)]


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(batches, "SAMPLED", 1)
    monkeypatch.setattr(batches, "BLOCK", 7)


def test_what_is_not_held_gives_every_sequence_once_whatever_is_asked_for_first(small):
    whole = sampled().take(0, len(EVERYTHING), 3)
    assert sorted(rows(whole)) == sorted(EVERYTHING)
    assert [EVERYTHING[i] for i in whole.items] == rows(whole)
    for first in (1, 5, 30):
        source = sampled()
        found = rows(source.take(0, first, 3)) + rows(source.take(first, 40 - first, 3)) + rows(source.take(40, 2, 3))
        assert found == rows(whole)[:42]
    assert rows(sampled().take(0, 42, 4)) != rows(whole)[:42]
    source = sampled()
    assert rows(source.take(0, 9, 3)) != rows(source.take(0, 9, 4))


def test_what_is_not_held_says_what_it_holds(small):
    with pytest.raises(DataError) as error:
        sampled().take(0, len(EVERYTHING) + 1, 0)
    assert str(error.value) == (
        f"'toy' holds {len(EVERYTHING)} sequences of 16 tokens; {len(EVERYTHING) + 1} were asked for: ask for fewer or smaller batches"
    )
    with pytest.raises(DataError) as error:
        Batches(corpus_of(["abc"], "short"), BYTES, 16, max_bytes=8).take(0, 1, 0)
    assert str(error.value) == "'short' holds no run of 8 tokens; expected longer documents"


def test_a_large_file_is_sampled_over_its_whole_length_as_a_small_one_is(tmp_path, monkeypatch):
    path = tmp_path / "sorted.txt"
    lines = [f"plain English about nothing in particular, number {i}\n" for i in range(30_000)]
    path.write_text("".join([*lines, *(line.upper() for line in lines)]))
    shares = []
    for most in (batches.HELD_BYTES, 1000):
        monkeypatch.setattr(places, "Batches", lambda *given, most=most: Batches(*given, max_bytes=most))
        source = text_source(path)
        drawn = [batch(source, i, sequences=64, seed=0) for i in range(20)]
        items = np.concatenate([b.items for b in drawn])
        assert len(set(items.tolist())) == 1280
        # Of 1280 uniform numbers, the largest gap is longer than 1 % of the whole with a probability of 1280 * 0.99^1280 < 1 %.
        assert np.diff(np.sort(items), prepend=0, append=60_000).max() < 600
        shares.append(np.mean([np.isin(b.tokens, np.arange(97, 123)).any(1).mean() for b in drawn]))
        assert source.digest == text_source(path).digest
    assert np.allclose(shares, 0.5, atol=0.07)  # 5 standard deviations of 1280 draws


def test_a_packed_file_of_many_lines_is_sampled_in_bounded_memory(tmp_path, monkeypatch):
    path = tmp_path / "a.txt.gz"
    block = ("a line of some length that comes again and again\n" * 2000).encode()
    with gzip.open(path, "wb", 1) as stream:
        for _ in range(40):
            stream.write(block)
    assert path.stat().st_size < 10**5
    monkeypatch.setattr(batches, "SAMPLED", 1000)
    source = Batches(read_corpus(path), BYTES, max_bytes=2**18)
    tracemalloc.start()
    try:
        assert source.take(0, 64, 0).items.max() > 30_000
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # Two blocks of 4096 lines and 2000 sequences; all 80,000 sequences in arrays of their own would take 17 MB.
    assert held < 7 * 10**6


def test_data_sets_of_the_hub_are_shuffled_in_windows_as_large_as_the_published_ones(tmp_path, monkeypatch):
    (tmp_path / "train.txt").write_text("\n".join(TEXTS))
    assert isinstance(text_source(tmp_path / "train.txt"), Batches)
    monkeypatch.setattr(places, "read_corpus", lambda place, **how: CORPUS)
    source = text_source("hf:USER/NAME")
    assert (type(source), source.window) == (StreamBatches, 500_000)
    assert source.digest not in {StreamBatches(CORPUS, BYTES, window=4096).digest, Batches(CORPUS, BYTES).digest}
    pytest.importorskip("datasets")
    monkeypatch.undo()
    assert isinstance(text_source(f"hf:{tmp_path}#train"), Batches)
    assert WINDOW == 500_000


def test_a_window_gives_its_own_sequences_before_the_next_ones():
    source = StreamBatches(CORPUS, BYTES, 16, window=30)
    assert set(source.take(0, 30, 5).items.tolist()) == set(range(30))
    assert source.take(20, 20, 5).items.tolist() == [*source.take(0, 30, 5).items[20:], *source.take(30, 10, 5).items]
    assert [EVERYTHING[i] for i in source.take(25, 30, 5).items] == rows(source.take(25, 30, 5))


def test_training_tokens_of_a_corpus_that_is_not_held_are_the_same_in_bounded_memory(monkeypatch):
    corpus = corpus_of([f"document {i} of a corpus, {'longer ' * (i % 90)}" * (300 if i == 7 else 1) for i in range(9000)], "large")
    whole = [training_tokens(corpus, BYTES, count, 3) for count in (1, 5000, tokens_held(corpus, BYTES))]
    monkeypatch.setattr(packed, "HELD_BYTES", 10_000)
    monkeypatch.setattr(packed, "ONCE", 10**9)  # what is kept of each document to know it again is not meant here
    for expected in whole:
        assert np.array_equal(training_tokens(corpus, BYTES, len(expected), 3), expected)
    tracemalloc.start()
    try:
        training_tokens(corpus, BYTES, 5000, 3)
        # All tokens take 12 MB.
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
