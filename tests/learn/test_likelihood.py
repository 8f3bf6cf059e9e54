"""Scores of held-out documents: windows count every token once, bytes compare tokenisers, trigrams are what counting says."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from breadth.data.text.tokens import BYTES, tokeniser
from breadth.errors import DataError
from breadth.learn import likelihood
from breadth.learn.likelihood import evaluate_language, of_model, of_trigrams
from breadth.nets.gpt2 import Gpt2Size, gpt2

SIZE = Gpt2Size(vocab_size=257, n_positions=8, n_embd=16, n_layer=1, n_head=2)
DOCUMENTS = ["a", "Some text", "A much longer text than eight tokens, with ümlauts.", "x" * 40]


def by_hand(model, tokens):
    """Token by token, each predicted inside the window that first holds it."""
    total, stride = 0.0, 4
    for i in range(1, len(tokens)):
        start = 0
        while i - start > 8:
            start += stride
        logits = model(torch.tensor(tokens[start:i].astype(np.int64))[None])[0, -1]
        total += float(F.cross_entropy(logits, torch.tensor(int(tokens[i]))))
    return total


def test_windows_score_every_token_once_with_half_a_window_of_context():
    model = gpt2(SIZE, seed=0)
    with torch.no_grad():
        for p in model.parameters():
            p.mul_(5)  # so that context matters
        arrays = [np.concatenate([[256], BYTES.encode(d), [256]]) for d in DOCUMENTS]
        expected = [by_hand(model, a) for a in arrays]
    for batch in (1, 3, 64):
        assert of_model(model, batch=batch)(arrays) == pytest.approx(expected, rel=1e-5)


def test_logits_of_a_pass_are_bounded_and_the_bound_changes_nothing(monkeypatch):
    model = gpt2(SIZE, seed=0)
    arrays = [np.concatenate([[256], BYTES.encode(d)]) for d in DOCUMENTS]
    rows = []
    model.register_forward_hook(lambda module, given, logits: rows.append(len(logits)))
    expected = of_model(model)(arrays)
    assert max(rows) > 3
    for most, windows in ((3 * 8 * 257 * 4, 3), (1, 1)):
        monkeypatch.setattr(likelihood, "LOGITS", most)
        rows.clear()
        assert of_model(model)(arrays) == pytest.approx(expected, rel=1e-5)
        assert max(rows) == windows


def test_scores_count_tokens_and_bytes():
    found = evaluate_language(lambda arrays: [math.log(257) * (len(a) - 1) for a in arrays], DOCUMENTS, BYTES)
    assert found.nats_per_token == pytest.approx(np.full(4, math.log(257)))
    assert found.bytes.tolist() == [len(d.encode()) for d in DOCUMENTS]
    assert found.tokens.tolist() == found.bytes.tolist()
    assert found.bits_per_byte == pytest.approx(np.full(4, math.log2(257)))


def test_what_a_model_expects_of_the_end_of_a_document_is_not_scored():
    """Of a document that was cut, an end would be wrong, and by how much depends on the length of the documents of training."""
    arrays = []
    evaluate_language(lambda given: arrays.extend(given) or [1.0] * len(given), ["ab", "c"], BYTES)
    assert [a.tolist() for a in arrays] == [[256, 97, 98], [256, 99]]


def trigrams_by_hand(stream, document, vocabulary):
    counts = defaultdict(Counter)
    for i in range(len(stream)):
        for k in (0, 1, 2):
            if i >= k:
                counts[tuple(stream[i - k : i])][stream[i]] += 1
    total = 0.0
    for i in range(1, len(document)):
        p = 1 / vocabulary
        for k in (0, 1, 2):
            if i >= k:
                seen = counts.get(tuple(document[i - k : i]))
                if seen:
                    p = (seen[document[i]] + len(seen) * p) / (sum(seen.values()) + len(seen))
        total -= math.log(p)
    return total


def test_trigrams_are_what_counting_says():
    rng = np.random.default_rng(0)
    stream = rng.integers(6, size=200)
    documents = [rng.integers(7, size=n) for n in (2, 3, 40)]  # token 6 was never seen
    expected = [trigrams_by_hand(stream.tolist(), d.tolist(), 7) for d in documents]
    assert of_trigrams(stream, 7)(documents) == pytest.approx(expected, rel=1e-9)


def test_trigrams_are_probabilities():
    stream = np.random.default_rng(0).integers(5, size=60)
    likelihood = of_trigrams(stream, 6)
    total = sum(math.exp(-(likelihood([np.array([1, 2, 3, c])])[0] - likelihood([np.array([1, 2, 3])])[0])) for c in range(6))
    assert total == pytest.approx(1.0)


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(DataError) as error:
        evaluate_language(lambda arrays: [], [], BYTES)
    assert str(error.value) == "no documents to evaluate on were given; expected at least one"
    with pytest.raises(DataError) as error:
        evaluate_language(lambda arrays: [], ["a", ""], BYTES)
    assert str(error.value) == "document 1 to evaluate on is empty; leave it out"


def test_a_document_that_gives_no_token_is_refused(tmp_path):
    """Its nats a token would be nan, and so would the mean over all documents."""
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed: pip install 'breadth[text]'")
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={"</s>": 0, "a": 1}, merges=[]))
    made.save(str(tmp_path / "one.json"))
    with pytest.raises(DataError) as error:
        evaluate_language(lambda arrays: [1.0] * len(arrays), ["a", "bcé"], tokeniser(str(tmp_path / "one.json")))
    assert str(error.value) == (
        "document 1 to evaluate on, of 4 bytes, gives no token by tokeniser 'one.json'; expected at least one: leave it out, or take another "
        "tokeniser"
    )


def test_trigrams_of_too_few_tokens_are_refused():
    with pytest.raises(DataError) as error:
        of_trigrams(np.array([1, 2]), 7)
    assert str(error.value) == "a trigram model of 2 tokens was asked for; expected at least 3: give it more text"
    assert of_trigrams(np.array([1, 2, 3]), 7)([np.array([0, 1])])[0] > 0
