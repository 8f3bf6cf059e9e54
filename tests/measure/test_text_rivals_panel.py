"""Samples of one size that share no document, the panel of scores over them, and texts as points."""

import json
import sys
import zlib

import numpy as np
import pytest
import torch

from breadth.data.text.corpus import read_corpus
from breadth.data.text.tokens import BYTES
from breadth.errors import DataError, MeasureError
from breadth.measure.rivals.vendi import vendi
from breadth.measure.text.probe import random_text_probe
from breadth.measure.text.rivals.panel import text_rivals
from breadth.measure.text.rivals.sample import Budget, samples
from breadth.measure.text.rivals.states import encoded_by, mean_states, reference_texts, sentence_encoder
from breadth.nets.gpt2 import Gpt2Size

SMALL = Budget(tokens=200, bytes=800, runs=6, run=10, samples=4)
NAMES = [
    "compression ratio",
    "n-gram diversity, n = 1 to 4",
    "distinct words",
    "distinct bytes",
    "type-token ratio",
    "self-repetition, n = 4",
    "Self-BLEU",
    "ROUGE-L self-similarity",
]


def numbered(count, words=30):
    """Documents in which every word tells the document and the place."""
    return [" ".join(f"d{i}p{k}" for k in range(words)) for i in range(count)]


def zipf(seed, count, vocabulary=400):
    """Documents of 5 to 60 words, short ones of them with words of their own."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, vocabulary + 1)
    out = []
    for _ in range(count):
        length, shift = int(rng.integers(5, 61)), int(rng.integers(40))
        out.append(" ".join(f"w{k + shift}" for k in rng.choice(vocabulary, length, p=weights / weights.sum())))
    return out


def document_of(token):
    return token.split("p")[0]


def test_samples_have_the_size_of_the_budget_and_share_no_document():
    found = samples(numbered(60), SMALL)
    assert len(found) == 4
    owners = []
    for sample in found:
        assert sum(map(len, sample.passages)) == 200
        assert len(sample.data) == 800
        assert [len(run) for run in sample.runs] == [10] * 6
        assert [tuple(text.split()) for text in sample.texts] == list(sample.runs)
        for text in [*sample.passages, *sample.runs]:
            places = [int(token.split("p")[1]) for token in text]
            assert len({document_of(token) for token in text}) == 1
            assert places == list(range(places[0], places[0] + len(places)))
        assert len(set(sample.runs)) == 6
        lines = sample.data.decode().split("\n")
        assert all(line in numbered(60) for line in lines[:-1])
        every = [token for text in [*sample.passages, *sample.runs] for token in text] + sample.data.decode().split()[:-1]
        owners.append({document_of(token) for token in every})
    assert all(not a & b for i, a in enumerate(owners) for b in owners[:i])


def test_samples_are_a_function_of_the_seed():
    a, b, other = (samples(iter(numbered(60)), SMALL, seed) for seed in (1, 1, 2))
    assert [s.passages for s in a] == [s.passages for s in b]
    assert [s.data for s in a] == [s.data for s in b]
    assert [s.passages for s in a] != [s.passages for s in other]


def test_a_large_corpus_is_sampled_from_all_its_parts():
    texts = numbered(4000, 20)
    assert sum(map(len, texts)) > 10 * SMALL.characters
    taken = [int(document_of(run[0])[1:]) for seed in range(10) for s in samples(texts, SMALL, seed) for run in s.runs]
    assert len(taken) == 240
    assert all(40 <= count <= 80 for count in np.histogram(taken, 4, (0, 4000))[0])


def test_one_endless_document_is_sampled_anywhere():
    text = " ".join(f"x{k}" for k in range(60_000))
    # The first and last token of a stretch may be cut.
    taken = [int(run[5][1:]) for seed in range(8) for s in samples([text], SMALL, seed) for run in s.runs]
    assert len(taken) == 48
    assert max(taken) - min(taken) > 20_000


def test_long_documents_do_not_fill_a_sample_alone_and_few_give_few_samples():
    assert len(samples(numbered(3, 400), SMALL)) == 3
    spread = samples(numbered(8, 400), SMALL)[0].passages
    assert {document_of(text[0]) for text in spread} >= {document_of(spread[0][0])}
    assert max(map(len, spread)) <= 128


def test_few_endless_documents_still_give_all_samples():
    assert len(samples(numbered(14, 6000), SMALL)) == 4


def test_too_little_text_is_refused():
    with pytest.raises(MeasureError) as error:
        samples(["one two, three"], SMALL)
    assert str(error.value) == (
        "the text has 4 tokens and 14 bytes; a sample takes 200 and 800: give more text, or a smaller budget for every corpus of the "
        "comparison"
    )
    with pytest.raises(MeasureError) as error:
        Budget(runs=1)
    assert str(error.value) == (
        "samples of 4000 tokens, 16384 bytes and 1 runs of 24 tokens were asked for, 10 of them; expected 1 or more of each, 2 or more "
        "runs, and runs of at most 128 tokens"
    )


def test_the_panel_tells_a_narrow_corpus_from_a_broad_one():
    budget = Budget(tokens=400, bytes=1600, runs=30, run=10, samples=6)
    phrase = "to be or not to be that is to be " * 2
    narrow = text_rivals([phrase + text for text in zipf(0, 300, 4)], budget=budget)
    broad = text_rivals(zipf(0, 300), budget=budget)
    assert [r.name for r in broad] == NAMES
    for a, b in zip(narrow, broad, strict=True):
        less = a.note.startswith("higher: less diverse")
        assert less != a.note.startswith("higher: more diverse")
        low, high = (b, a) if less else (a, b)
        if a.name != "distinct bytes":
            assert low.estimate.high < high.estimate.low
        assert a.estimate.n == 6
        assert a.estimate.method == "samples of documents, no document in two, t interval"
    assert json.loads(json.dumps(broad[0].as_dict()))["size_bias"] == "fixed at 1600 bytes: compare corpora at that"


def test_scores_do_not_move_with_the_size_of_the_corpus():
    small, large = (
        np.array([[r.estimate.value for r in text_rivals(zipf(seed, count), budget=SMALL)] for seed in range(8)])
        for count in (80, 800)
    )
    error = np.sqrt((small.var(0, ddof=1) + large.var(0, ddof=1)) / 8)
    assert (np.abs(small.mean(0) - large.mean(0)) < 4 * error + 1e-12).all()


def test_intervals_hold_the_score_of_the_source():
    budget = Budget(tokens=120, bytes=400, runs=5, run=8, samples=5)
    found = [text_rivals(zipf(seed, 60), budget=budget) for seed in range(150)]
    truth = np.mean([[r.estimate.value for r in panel] for panel in found], axis=0)
    held = np.mean([[r.estimate.low <= t <= r.estimate.high for r, t in zip(panel, truth, strict=True)] for panel in found], axis=0)
    # Of 150 intervals at 95 %, 89 % is more than 3 standard errors away.
    assert (held > 0.89).all()
    assert held.mean() < 0.995


def test_what_cannot_be_computed_is_nan_and_says_so():
    short = text_rivals([f"a{k} b c{k} d e f" for k in range(300)], budget=SMALL)
    for r in short[4:]:
        assert np.isnan([r.estimate.value, r.estimate.low]).all()
        assert r.note.startswith("the documents are too short: a sample has fewer than 6 runs of 10 tokens; higher: ")
    assert np.isfinite([r.estimate.low for r in short[:4]]).all()
    single = text_rivals(numbered(1, 400), budget=SMALL)
    assert np.isfinite([r.estimate.value for r in single]).all()
    assert np.isnan([r.estimate.low for r in single]).all()
    assert single[0].estimate.n == 1


PROBE = random_text_probe(Gpt2Size(vocab_size=257, n_positions=24, n_embd=16, n_layer=1, n_head=2, tied=False))


def test_mean_states_are_the_mean_over_a_texts_own_tokens():
    states = mean_states(PROBE)
    texts = ["short", "a text that the probe cannot take as a whole", "größer", *(f"text {i}" * (i % 4 + 1) for i in range(70))]
    found = states(texts)
    for text, row in zip(texts, found, strict=True):
        tokens = torch.from_numpy(BYTES.encode(text)[:24].astype(np.int64))
        with torch.no_grad():
            expected = PROBE.body.gpt2(tokens[None])[0].double().mean(0).numpy() - states.centre
        np.testing.assert_allclose(row, expected, atol=1e-5)
    assert np.abs(states(reference_texts()).mean(0)).max() < 1e-12


def test_vendi_scores_are_of_the_texts_of_each_sample():
    states = mean_states(PROBE)
    texts = zipf(3, 200)
    found = text_rivals(texts, states, budget=SMALL, seed=5)
    assert [r.name for r in found] == [*NAMES, *(f"Vendi q={q}, {kernel}" for kernel in ("cosine", "rbf") for q in (1, 2))]
    by_hand = [
        [vendi(states(s.texts), q, kernel=kernel, sigma=states.width) for s in samples(texts, SMALL, 5)]
        for kernel in ("cosine", "rbf")
        for q in (1, 2)
    ]
    assert [r.estimate.value for r in found[-4:]] == pytest.approx(np.mean(by_hand, axis=1), rel=1e-9)
    assert found[-4].note == f"higher: more diverse; mean states of {PROBE.name}, far from the centre all looks alike"
    assert found[-1].note == f"higher: more diverse; mean states of {PROBE.name}, width {states.width:.4g}"


def lengths(texts):
    """Points far from each other for texts of different length, with a little noise."""
    rng = np.random.default_rng(0)
    return np.array([[len(t), 40, *rng.normal(0, 1e-3, 6)] for t in texts], dtype=float)


def test_the_centre_and_the_width_belong_to_no_corpus():
    # Centred on themselves, or at a width of their own, texts that are nearly the same would look as diverse as any.
    same = text_rivals(["a b c d e f g h i j " * 10] * 60, encoded_by("toy", lengths), budget=SMALL)
    assert all(r.estimate.value < 1.01 for r in same[-4:])


def test_the_rbf_kernel_does_not_depend_on_the_place():
    def scattered(texts, place=0.0):
        return place + np.array([np.random.default_rng(zlib.crc32(t.encode())).normal(size=6) for t in texts])

    def moved(texts):
        return scattered(texts, 0 if tuple(texts) == reference_texts() else 100)

    here, there = (text_rivals(zipf(1, 200), encoded_by("toy", embed), budget=SMALL)[-4:] for embed in (scattered, moved))
    assert [r.estimate.value for r in here[2:]] == pytest.approx([r.estimate.value for r in there[2:]], rel=1e-6)
    assert here[0].estimate.value > 3
    assert there[0].estimate.value < 1.1


def test_a_probe_that_knows_too_few_tokens_is_refused():
    probe = random_text_probe(Gpt2Size(vocab_size=99, n_positions=24, n_embd=16, n_layer=1, n_head=2, tied=False))
    with pytest.raises(MeasureError) as error:
        mean_states(probe)
    assert str(error.value) == (
        f"tokeniser 'bytes' has 257 tokens; probe '{probe.name}' knows 99: use the tokeniser that the probe was trained with"
    )


def test_sentence_encoders_are_used_where_installed(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MeasureError) as error:
        sentence_encoder("some-model")
    assert str(error.value) == (
        "a sentence encoder needs the package sentence-transformers; install it, or use the mean states of a probe"
    )
    monkeypatch.delitem(sys.modules, "sentence_transformers")
    # Stands in for the package: the two calls that are made of it, with their published signatures.
    (tmp_path / "sentence_transformers.py").write_text(
        "import numpy as np\n"
        "class SentenceTransformer:\n"
        "    def __init__(self, model_name_or_path, device=None):\n"
        "        if model_name_or_path == 'none':\n"
        "            raise ValueError('Path none\\nnot found')\n"
        "        self.scale = len(model_name_or_path)\n"
        "    def encode(self, sentences, show_progress_bar=None):\n"
        "        return np.array([[self.scale * len(s), 1] for s in sentences], dtype=np.float32)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    encoder = sentence_encoder("abc")
    centre = 3 * np.mean([len(t) for t in reference_texts()])
    np.testing.assert_allclose(encoder(["12345", ""]), [[15 - centre, 0], [-centre, 0]], rtol=1e-5)
    assert encoder.name == "abc"
    with pytest.raises(DataError) as refused:
        sentence_encoder("none")
    assert str(refused.value) == (
        "sentence encoder 'none' cannot be read (ValueError: Path none not found); expected a model of sentence-transformers: its folder, or "
        "its name on the Hub"
    )


def test_real_corpora_have_the_known_order(packs):
    folder = packs.parent / "text"
    if not (folder / "system_logs.txt.gz").is_file():
        pytest.skip(f"no real text packs in {folder}")
    budget = Budget(tokens=1000, bytes=4096, runs=16, samples=5)
    logs, novel = (
        {r.name: r.estimate for r in text_rivals(read_corpus(folder / f"{name}.txt.gz").documents(), budget=budget)}
        for name in ("system_logs", "novel_moby_dick")
    )
    for name in ("compression ratio", "self-repetition, n = 4", "Self-BLEU", "ROUGE-L self-similarity"):
        assert logs[name].low > novel[name].high
    for name in ("n-gram diversity, n = 1 to 4", "distinct words", "type-token ratio"):
        assert logs[name].high < novel[name].low
