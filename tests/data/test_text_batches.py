"""Batches of tokens: distinct, padded with a mask, the same however they are asked for; streams, mixtures, training streams."""

from collections import Counter

import numpy as np
import pytest

from breadth.data.text.batches import Batches, StreamBatches, batch
from breadth.data.text.corpus import corpus_of
from breadth.data.text.generated import ConstantTokens, Ginc, UniformTokens
from breadth.data.text.mixture import Mixed
from breadth.data.text.packed import tokens_held, training_tokens
from breadth.data.text.tokens import BYTES
from breadth.errors import DataError

# 40 documents of 8 to 47 bytes; any 8 of a document's bytes tell which one it is, and where.
TEXTS = ["".join(f"{i:02d}{k:x}-" for k in range(12))[: 8 + i] for i in range(40)]
CORPUS = corpus_of(TEXTS, "toy")


def rows(found):
    return [tuple(t[m].tolist()) for t, m in zip(found.tokens, found.mask, strict=True)]


@pytest.mark.parametrize(
    "source", [Batches(CORPUS, BYTES, 16), StreamBatches(CORPUS, BYTES, 16, window=13)], ids=["held", "stream"]
)
def test_batches_cover_the_corpus_once_and_depend_on_seed_and_number_only(source):
    everything = {tuple(t.encode()[at : at + 16]) for t in TEXTS for at in range(0, len(t), 16) if len(t) - at >= 8}
    seen = [row for i in range(9) for row in rows(batch(source, i, sequences=8, seed=3))]
    assert len(set(seen)) == len(seen) == 72
    assert set(seen) <= everything
    again = batch(source, 4, sequences=8, seed=3)
    assert rows(again) == seen[32:40]
    assert rows(batch(source, 4, sequences=8, seed=4)) != seen[32:40]
    assert len(set(again.items.tolist())) == 8


def test_padding_is_masked_and_comes_last():
    found = Batches(CORPUS, BYTES, 16).take(0, 40, 0)
    assert (found.tokens[~found.mask] == BYTES.end).all()
    assert (np.diff(found.mask.astype(int), axis=1) <= 0).all()
    assert found.mask[:, :8].all()
    assert not found.mask.all()


def test_a_source_that_runs_out_says_what_it_holds():
    held = sum(len(t[at : at + 16]) >= 8 for t in TEXTS for at in range(0, len(t), 16))
    for source, said in (
        (Batches(CORPUS, BYTES, 16), f"'toy' holds {held} sequences of 16 tokens"),
        (StreamBatches(CORPUS, BYTES, 16, window=13), f"'toy' ended after {held} sequences of 16 tokens"),
    ):
        assert len(source.take(held - 4, 4, 0).tokens) == 4
        with pytest.raises(DataError) as error:
            source.take(held - 3, 4, 0)
        assert str(error.value) == f"{said}; {held + 1} were asked for: ask for fewer or smaller batches"
    with pytest.raises(DataError, match="'short' holds no run of 8 tokens"):
        Batches(corpus_of(["abc"], "short"), BYTES, 16).take(0, 1, 0)


def test_mixtures_hold_their_sources_by_weight():
    a, b = UniformTokens(50, 16), ConstantTokens(50, 49, 16)
    inside = Mixed([a, b], [3, 1]).take(0, 400, 0)
    shares = Counter((inside.items % 2).tolist())
    assert abs(shares[0] - 300) <= 2
    assert len(set(inside.items.tolist())) == 400
    whole = Mixed([a, b], [3, 1], "concat", block=8)
    owners = [set((batch(whole, i, sequences=8).items % 2).tolist()) for i in range(40)]
    assert all(len(o) == 1 for o in owners)
    assert abs(owners.count({0}) - 30) <= 1
    parts = [Mixed([a, b], [3, 1]).take(at, 40, 0).tokens for at in range(0, 400, 40)]
    assert np.array_equal(np.concatenate(parts), inside.tokens)
    with pytest.raises(DataError, match=r"sources of length \[16, 17\] cannot be mixed"):
        Mixed([a, UniformTokens(50, 17)])
    with pytest.raises(DataError, match="expected one positive weight a source"):
        Mixed([a, b], [1, 0])


@pytest.mark.parametrize("weights", [[1] * 8, [1] * 3, [5, 2, 1], [0.7, 0.3]])
@pytest.mark.parametrize("how", ["interleave", "concat"])
def test_every_prefix_of_a_mixture_holds_each_source_in_its_share(weights, how):
    mixed = Mixed([UniformTokens(50, 16) for _ in weights], weights, how, block=4)
    owners = mixed.take(0, 32 * 4, 0).items % len(weights)
    if how == "concat":
        owners = owners[::4]
    for stop in range(1, len(owners) + 1):
        held = np.bincount(owners[:stop], minlength=len(weights))
        assert np.abs(held - stop * np.array(mixed.weights)).max() < 1
    if how == "concat" and len(weights) == 8:
        assert np.bincount(owners).tolist() == [4] * 8


@pytest.mark.parametrize("weights", [[0.9] + [0.02] * 5, [0.8] + [0.2 / 30] * 30])
def test_batches_of_a_mixture_with_many_small_shares_have_no_sequence_in_common(weights):
    mixed = Mixed([UniformTokens(50, 16) for _ in weights], weights)
    whole = mixed.take(0, 384, 0).items.tolist()
    assert len(set(whole)) == 384
    for count in (1, 16, 64):
        assert [i for at in range(0, 384, count) for i in mixed.take(at, count, 0).items] == whole


def test_a_document_that_a_corpus_repeats_is_trained_on_once_and_a_short_one_as_often_as_it_comes():
    long = "a document of more than sixty-four tokens, which stands in its corpus twice"
    corpus = corpus_of(["Ay, my lord.", long, "Ay, my lord.", long], "repeats")
    assert tokens_held(corpus, BYTES) == 2 * 13 + len(long) + 1
    found = BYTES.decode(training_tokens(corpus, BYTES, 2 * 13 + len(long) + 1, 0))
    assert (found.count(long), found.count("Ay, my lord.")) == (1, 2)


def test_the_bounds_are_what_the_paper_says():
    low = ConstantTokens(50, 49, 64).take(0, 200, 7)
    assert len(set(low.tokens[:, 0].tolist())) == 1
    assert set(low.tokens.flatten().tolist()) == {int(low.tokens[0, 0]), 49}
    assert low.mask.sum(1).min() >= 2
    stopped = (~low.mask).any(1).mean()
    assert 0.5 < stopped < 0.9  # 1 - (49/50)^63 = 0.72
    high = UniformTokens(50, 64).take(0, 200, 7).tokens
    assert np.bincount(high.flatten(), minlength=50).min() > 150
    assert np.array_equal(UniformTokens(50, 64).take(100, 5, 7).tokens, high[100:105])


def test_ginc_has_its_dials():
    def between(source):
        """Mean L1 distance of the frequencies of token pairs in two sequences."""
        counts = np.zeros((12, 50, 50))
        for k, row in enumerate(source.take(0, 12, 0).tokens):
            np.add.at(counts[k], (row[:-1], row[1:]), 1 / len(row))
        return np.mean([np.abs(counts[i] - counts[j]).sum() for i in range(12) for j in range(i)])

    assert between(Ginc(500, 50, 2000)) > 1.2 * between(Ginc(1, 50, 2000))
    many = Ginc(500, 50, 64).take(0, 60, 0)
    assert len(np.unique(Ginc(5, 2000, 64).take(0, 60, 0).tokens)) > len(np.unique(Ginc(5, 20, 64).take(0, 60, 0).tokens))
    assert (many.tokens == 0).any()
    assert np.array_equal(Ginc(5, 50).take(3, 2, 1).tokens, Ginc(5, 50).take(0, 5, 1).tokens[3:])
    assert not np.array_equal(Ginc(5, 50, language=1).take(0, 5, 1).tokens, Ginc(5, 50).take(0, 5, 1).tokens)


def test_training_tokens_use_no_text_twice():
    total = tokens_held(CORPUS, BYTES)
    assert total == sum(map(len, TEXTS)) + 40
    stream = training_tokens(CORPUS, BYTES, total, seed=1)
    found = bytes(stream[stream != 256].astype(np.uint8)).decode()
    assert len(found) == sum(map(len, TEXTS))
    documents = [
        bytes(d.astype(np.uint8)).decode() for d in np.split(stream, np.flatnonzero(stream == 256) + 1)[:-1] for d in [d[:-1]]
    ]
    assert sorted(documents) == sorted(TEXTS)
    assert not np.array_equal(training_tokens(CORPUS, BYTES, total, seed=2), stream)
    assert np.array_equal(training_tokens(CORPUS, BYTES, 100, seed=1), stream[:100])
    with pytest.raises(DataError) as error:
        training_tokens(CORPUS, BYTES, total + 1, seed=1)
    assert str(error.value) == (
        f"'toy' holds {total:,} tokens; {total + 1:,} were asked for, and no text is used twice: ask for fewer, or leave it out"
    )


def test_bytes_survive_what_json_may_hold():
    assert bytes(BYTES.encode("ü\ud800").astype(np.uint8)) == "ü?".encode()
