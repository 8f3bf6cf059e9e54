"""Embeddings of text: the Fisher against its definition, padding and chunks that change nothing, batches that say what is wrong."""

import numpy as np
import pytest
import torch

from breadth.data.text.batches import TextBatch
from breadth.data.text.generated import Ginc, UniformTokens
from breadth.errors import MeasureError
from breadth.measure.store import EmbeddingStore
from breadth.measure.text.embed import Text2Vec, embed_text
from breadth.measure.text.head import tuned
from breadth.measure.text.probe import random_text_probe, text_probe
from breadth.nets.gpt2 import Gpt2Size, gpt2, save_gpt2
from oracle.text import fisher_of_text

SIZE = Gpt2Size(vocab_size=11, n_positions=9, n_embd=8, n_layer=2, n_head=2, tied=False)
PROBE = random_text_probe(SIZE, seed=1)


def padded(tokens, lengths):
    mask = np.arange(tokens.shape[1]) < np.array(lengths)[:, None]
    return TextBatch(np.where(mask, tokens, 10).astype(np.int32), mask, np.arange(len(tokens)), "toy")


BATCH = padded(np.random.default_rng(0).integers(0, 10, (6, 7)), [7, 7, 5, 2, 7, 1])


@pytest.mark.parametrize("vocabulary", [False, True])
def test_many_draws_have_the_mean_that_the_definition_gives(vocabulary):
    probe = random_text_probe(SIZE, seed=1, vocabulary=vocabulary)
    exact = fisher_of_text(probe, BATCH, probe.head)
    found = Text2Vec(probe, draws=700, steps=0)(BATCH).values
    assert found.shape == exact.shape
    floor = 1e-3 * exact.mean()
    assert np.abs(found - exact).max() < 0.15 * (exact + floor).max()
    assert abs(found.sum() / exact.sum() - 1) < 0.02
    assert np.corrcoef(found, exact)[0, 1] > 0.998


def test_single_draws_scatter_around_it_without_bias():
    exact = fisher_of_text(PROBE, BATCH, PROBE.head).sum()
    sums = np.array([Text2Vec(PROBE, steps=0, seed=s)(BATCH).values.sum() for s in range(60)])
    assert abs(sums.mean() - exact) < 4 * sums.std() / np.sqrt(len(sums))
    assert sums.std() > 0.01 * exact


def test_more_padding_changes_nothing():
    wider = padded(np.pad(BATCH.tokens, ((0, 0), (0, 2))), BATCH.mask.sum(1))
    a, b = (Text2Vec(PROBE)(x).values for x in (BATCH, wider))
    assert np.allclose(a, b, rtol=1e-4, atol=1e-9 * a.max())


def test_what_stands_in_the_padding_changes_nothing():
    other = TextBatch(np.where(BATCH.mask, BATCH.tokens, 3).astype(np.int32), BATCH.mask, BATCH.items, "toy")
    assert np.allclose(Text2Vec(PROBE)(BATCH).values, Text2Vec(PROBE)(other).values, rtol=1e-4)


def test_chunks_change_nothing_beyond_rounding():
    whole, parts = Text2Vec(PROBE)(BATCH), Text2Vec(PROBE, memory=1)(BATCH)
    assert np.allclose(whole.values, parts.values, rtol=1e-4)
    assert np.array_equal(Text2Vec(PROBE)(BATCH).values, whole.values)


def test_the_head_is_tuned_and_the_probe_is_not():
    before = PROBE.head.clone()
    rng = torch.Generator().manual_seed(0)
    after = torch.randint(0, 11, (200,), generator=rng)
    hidden = torch.randn(11, 8, generator=rng)[after] + 0.1 * torch.randn(200, 8, generator=rng)
    losses = [tuned(hidden, after, PROBE.head, steps=k).loss for k in (0, 8)]
    assert losses[1] < 0.97 * losses[0]
    assert float((tuned(hidden, after, PROBE.head).weight - PROBE.head).abs().max()) <= 0.033
    assert torch.equal(PROBE.head, before)
    # Tied files share one matrix; tuning must not move the input embedding.
    tied = gpt2(Gpt2Size(11, 9, 8, 1, 2), 0)
    assert tied.head.data_ptr() == tied.body.wte.weight.data_ptr()


def test_a_published_folder_is_a_probe(tmp_path):
    save_gpt2(gpt2(SIZE, 1), tmp_path / "mine")
    found = text_probe(tmp_path / "mine")
    assert found.name == "GPT-2 (mine)"
    assert found.fingerprint == PROBE.fingerprint
    assert text_probe(tmp_path / "mine", vocabulary=True).fingerprint != PROBE.fingerprint
    assert [n for n, _ in found.layers][:3] == ["gpt2.h.0.ln_1", "gpt2.h.0.attn.c_attn", "gpt2.h.0.attn.c_proj"]


def test_finished_embeddings_are_found_again(tmp_path):
    source = Ginc(3, 10, 8)
    t2v = Text2Vec(PROBE, store=EmbeddingStore(tmp_path))
    first = embed_text(source, t2v, tasks=3, sequences=4)
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    assert len(stamps) == 3
    more = embed_text(source, t2v, tasks=4, sequences=4)
    assert np.array_equal(more.values[:3], first.values)
    assert all(p.stat().st_mtime_ns == at for p, at in stamps.items())
    assert first.protocol["comparable"] == more.protocol["comparable"]
    assert first.protocol["fingerprint"] != more.protocol["fingerprint"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            UniformTokens(12, 9),
            "'uniform tokens' holds token 11; probe 'GPT-2 (random, seed 1)' knows 11: use the tokeniser that the probe was trained with",
        ),
        (
            UniformTokens(11, 12),
            "'uniform tokens' gives sequences of 12 tokens; probe 'GPT-2 (random, seed 1)' takes at most 9: use a shorter --length",
        ),
    ],
)
def test_what_does_not_fit_the_probe_is_refused(source, message):
    with pytest.raises(MeasureError) as error:
        embed_text(source, Text2Vec(PROBE), tasks=1, sequences=30)
    assert str(error.value) == message


def test_a_batch_without_anything_to_predict_is_refused():
    with pytest.raises(MeasureError, match="a batch of 'toy' holds no two tokens in a row"):
        Text2Vec(PROBE)(padded(BATCH.tokens, [1] * 6))
