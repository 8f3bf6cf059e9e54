"""Embeddings of text: the Fisher against its definition, padding and chunks that change nothing, batches that say what is wrong."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from breadth.data.text.batches import TextBatch
from breadth.data.text.generated import Ginc, UniformTokens
from breadth.errors import MeasureError
from breadth.measure.memory import peak_bytes
from breadth.measure.store import EmbeddingStore
from breadth.measure.text.embed import Text2Vec, embed_draws, embed_text
from breadth.measure.text.head import REACH, tuned
from breadth.measure.text.probe import random_text_probe, text_probe
from breadth.measure.text.signs import pulled
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
    # Ten times the same sequences, each with signs of its own, are ten times as many draws.
    often = TextBatch(np.tile(BATCH.tokens, (10, 1)), np.tile(BATCH.mask, (10, 1)), np.arange(60), "toy")
    found = Text2Vec(probe, draws=70, steps=0)(often).values
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
    heads = [tuned(hidden, after, PROBE.head, steps=k) for k in (0, 8)]
    losses = [float(F.cross_entropy(hidden @ head.T, after)) for head in heads]
    assert losses[1] < 0.97 * losses[0]
    assert torch.equal(heads[0], before)
    assert float((heads[1] - before).abs().max()) <= 0.033
    assert torch.equal(PROBE.head, before)
    # Tied files share one matrix; tuning must not move the input embedding.
    tied = gpt2(Gpt2Size(11, 9, 8, 1, 2), 0)
    assert tied.head.data_ptr() == tied.body.wte.weight.data_ptr()


@pytest.mark.parametrize("tokens", [200, 700, 1600])
def test_tuning_is_adam_on_one_part_after_the_other(tokens):
    rng = torch.Generator().manual_seed(0)
    hidden, after = (torch.randn(tokens, 8, generator=rng).double(), torch.randint(0, 11, (tokens,), generator=rng))
    start = PROBE.head.double()
    w = start.clone().requires_grad_(True)
    adam = torch.optim.Adam([w])
    for k in range(4):
        adam.param_groups[0]["lr"] = REACH * (4 - k) / 10
        part = [i % tokens for i in range(k * min(512, tokens), (k + 1) * min(512, tokens))]
        adam.zero_grad()
        F.cross_entropy(hidden[part] @ w.T, after[part]).backward()
        adam.step()
    torch.testing.assert_close(tuned(hidden, after, start, steps=4), w.detach(), rtol=1e-9, atol=1e-12)
    # Logits in blocks of 7 rows.
    parts = tuned(hidden.float(), after, PROBE.head, block=7 * 11 * 4)
    whole = tuned(hidden.float(), after, PROBE.head)
    torch.testing.assert_close(parts, whole, rtol=1e-6, atol=1e-6 * float(whole.abs().max()))
    assert not torch.equal(whole, PROBE.head)


@pytest.mark.parametrize("vocabulary", [11, 70])
def test_blocks_of_logits_change_nothing(vocabulary):
    rng = torch.Generator().manual_seed(0)
    states, head = torch.randn(3, 9, 8, generator=rng), torch.randn(vocabulary, 8, generator=rng)
    tokens = torch.randint(0, vocabulary, (3, 9), generator=rng)
    real = torch.arange(8) < torch.tensor([8, 5, 0])[:, None]
    whole, parts = (pulled(states, tokens, real, head, draws=2, seed=0, block=b) for b in (2**25, 2 * 4 * vocabulary))
    scale = float(whole.at_states.abs().max())
    torch.testing.assert_close(parts.at_states, whole.at_states, rtol=1e-6, atol=1e-6 * scale)
    later = pulled(states[1:], tokens[1:], real[1:], head, draws=2, seed=0, first=1)
    torch.testing.assert_close(later.at_states, whole.at_states[:, 1:], rtol=1e-6, atol=1e-6 * scale)
    logits = states[:, :-1][real] @ head.T
    assert whole.loss == pytest.approx(float(F.cross_entropy(logits, tokens[:, 1:][real], reduction="sum")), rel=1e-5)
    assert whole.doubt == pytest.approx(float((1 - logits.softmax(1).amax(1)).sum()), rel=1e-5)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)


def test_signs_have_the_covariance_of_sampled_labels():
    states, head = torch.ones(1, 3, 5), torch.randn(70, 5, generator=torch.Generator().manual_seed(0))
    tokens, real = torch.zeros(1, 3, dtype=torch.int64), torch.tensor([[True, True]])
    found = pulled(states, tokens, real, head, draws=5000, seed=0).at_states.view(-1, 3, 5)
    p = (states[0, 0] @ head.T).softmax(0)
    expected = head.T @ (torch.diag(p) - p[:, None] * p) @ head
    assert torch.equal(found[:, 2], torch.zeros(5000, 5))
    for a in range(2):
        for b in range(2):
            covariance = found[:, a].T @ found[:, b] / len(found)
            assert float((covariance - (a == b) * expected).abs().max()) < 0.08 * float(expected.diag().max())


def test_logits_of_a_batch_are_never_held_at_once():
    probe = random_text_probe(Gpt2Size(vocab_size=5000, n_positions=64, n_embd=8, n_layer=1, n_head=2, tied=False))
    given = UniformTokens(5000, 64).take(0, 40, 0)
    t2v = Text2Vec(probe)
    t2v(given)
    # All logits take 50 MB, and their softmax as much again; those of a step of tuning 10 MB, of one sequence 1.3 MB.
    assert peak_bytes(lambda: t2v(given), [*probe.body.parameters(), probe.head]) < 40e6


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
    # Signs are drawn under the source's name: the same tokens under another name are embedded anew.
    named = replace(source.take(0, 4, 0), source="another")
    assert np.array_equal(t2v(named).values, Text2Vec(PROBE)(named).values)
    assert not np.array_equal(t2v(named).values, first.values[0])


def test_a_second_draw_of_some_batches_leaves_the_embeddings():
    source = Ginc(3, 10, 8)
    alone = embed_text(source, Text2Vec(PROBE), tasks=4, sequences=4)
    again, draws = embed_draws(source, Text2Vec(PROBE), tasks=4, sequences=4, seed=0, again=3)
    assert np.allclose(again.values, alone.values, rtol=1e-5)
    assert draws.shape == (3, 2, again.values.shape[1])
    assert np.array_equal(draws[:, 0], again.values[:3])
    assert not np.allclose(draws[:, 1], draws[:, 0], rtol=1e-2)
    assert again.protocol == alone.protocol
    several, draws = embed_draws(source, Text2Vec(PROBE, draws=3), tasks=4, sequences=4, seed=0, again=3)
    assert np.allclose(draws.mean(1), several.values)
    assert draws.shape == (4, 3, again.values.shape[1])
    _, draws = embed_draws(source, Text2Vec(PROBE), tasks=4, sequences=4, seed=0)
    assert draws.shape == (0, 2, again.values.shape[1])


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
