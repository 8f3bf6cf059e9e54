"""Language models in training: they learn, the same way every time, interrupted or not."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from breadth.errors import BreadthError, SpecError
from breadth.learn.language import LanguageSettings, language_model_of, train_language
from breadth.nets.gpt2 import Gpt2Size

SIZE = Gpt2Size(vocab_size=12, n_positions=16, n_embd=16, n_layer=1, n_head=2)
# Token t + 1 is a function of token t but for one place in eight.
RNG = np.random.default_rng(0)
STREAM = np.where(RNG.random(4000) < 1 / 8, RNG.integers(12, size=4000), (5 * np.arange(4000)) % 12).astype(np.int32)
SETTINGS = LanguageSettings(tokens=16 * 8 * 40, batch=8, lr=1e-2, window=10)


def test_a_model_learns_what_follows_what():
    trained = train_language(STREAM, SIZE, LanguageSettings(tokens=16 * 8 * 150, batch=8, lr=1e-2), seed=0)
    assert trained.history[0]["loss"] > 1.5
    # Seven of eight tokens are certain given the last certain one: 0.84 nats are left for a model that knows all.
    assert trained.history[-1]["loss"] < 1.1
    assert trained.history[-1]["accuracy"] > 0.75
    assert trained.cost["tokens"] == 16 * 8 * 150
    assert trained.cost["flops"] > 0
    tokens = torch.from_numpy(np.stack([STREAM[at : at + 17] for at in range(0, 960, 16)]).astype(np.int64))
    logits = language_model_of(trained)(tokens[:, :-1])
    assert torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item() == pytest.approx(
        trained.history[-1]["loss"], abs=0.2
    )


def test_a_run_that_was_killed_ends_bitwise_as_one_that_was_not(tmp_path):
    whole = train_language(STREAM, SIZE, SETTINGS, seed=3)

    class Killed(Exception):
        pass

    def kill(done, total):
        assert total == SETTINGS.tokens
        if done >= 16 * 8 * 17:
            raise Killed

    with pytest.raises(Killed):
        train_language(STREAM, SIZE, SETTINGS, seed=3, folder=tmp_path, report=kill, save_every=0.0)
    seen = []
    resumed = train_language(STREAM, SIZE, SETTINGS, seed=3, folder=tmp_path, report=lambda done, _: seen.append(done))
    assert seen[0] == 16 * 8 * 17
    assert all(torch.equal(whole.weights[k], resumed.weights[k]) for k in whole.weights)
    assert resumed.history == whole.history
    again = train_language(STREAM, SIZE, SETTINGS, seed=3, folder=tmp_path, report=lambda done, _: seen.append(done))
    assert seen[-1] == SETTINGS.tokens
    assert again.history == whole.history


def test_a_folder_of_another_run_is_refused(tmp_path):
    small = LanguageSettings(tokens=16 * 8 * 2, batch=8, window=1)
    train_language(STREAM, SIZE, small, seed=0, folder=tmp_path)
    with pytest.raises(BreadthError, match=r"belongs to another run: its seed is 0, this run's is 1"):
        train_language(STREAM, SIZE, small, seed=1, folder=tmp_path)
    with pytest.raises(BreadthError, match="belongs to another run: its data is"):
        train_language(STREAM[1:], SIZE, small, seed=0, folder=tmp_path)


def test_the_rate_rises_and_falls():
    rates = [LanguageSettings(lr=1.0, warmup=0.1).rate(t, 100) for t in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates.index(max(rates)) == 9
    assert rates[-1] == pytest.approx(0.1)
    assert all(a > b for a, b in pairwise(rates[9:]))


def test_bf16_stays_near_float32():
    a, b = (
        train_language(STREAM, SIZE, LanguageSettings(tokens=16 * 8 * 40, batch=8, lr=1e-2, precision=p), seed=0)
        for p in ("float32", "bf16")
    )
    assert a.history != b.history
    assert a.history[-1]["loss"] == pytest.approx(b.history[-1]["loss"], rel=0.05)


@pytest.mark.parametrize(
    ("stream", "settings", "message"),
    [
        (STREAM[:16], {}, "a stream of 16 tokens was given; expected at least 17, one sequence and what follows it"),
        (STREAM + 1, {}, "the stream holds tokens up to 12; the model's vocabulary ends at 11"),
        (STREAM, {"batch": 0}, "language training batch is 0; expected more than 0"),
        (STREAM, {"warmup": 1.0}, "language training warmup is 1.0; expected a part of the steps, from 0 to below 1"),
        (STREAM, {"precision": "fp8"}, "unknown precision 'fp8'; expected one of: bf16, float32"),
    ],
)
def test_what_cannot_be_trained_is_refused(stream, settings, message):
    with pytest.raises(SpecError) as error:
        train_language(stream, SIZE, LanguageSettings(**settings), seed=0)
    assert str(error.value) == message
