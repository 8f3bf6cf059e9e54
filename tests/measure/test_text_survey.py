"""Measurements of text: noise that is known, references in order, rows beside, the same numbers whatever is measured beside or again."""

import json
from dataclasses import replace

import numpy as np
import pytest

import breadth
from breadth.data.text.batches import Batches, StreamBatches
from breadth.data.text.corpus import corpus_of
from breadth.data.text.generated import ConstantTokens, Ginc, UniformTokens
from breadth.data.text.languages import RandomLanguages
from breadth.data.text.mixture import Mixed
from breadth.data.text.places import TextReading, is_text, may_be_text, text_source
from breadth.data.text.tokens import BYTES
from breadth.errors import DataError, MeasureError
from breadth.measure.compare import read_stored
from breadth.measure.correction import distance_of_variance
from breadth.measure.text.embed import Text2Vec, embed_text
from breadth.measure.text.probe import random_text_probe
from breadth.measure.text.survey import TextSettings, estimated_text_seconds, measure_text, noise
from breadth.nets.gpt2 import Gpt2Size

PROBE = random_text_probe(Gpt2Size(vocab_size=257, n_positions=16, n_embd=16, n_layer=2, n_head=2, tied=False), seed=1)
SMALL = TextSettings(tasks=8, sequences=4, draws=2, rivals=False, scale=False)


def corpus(name, words, seed=0):
    rng = np.random.default_rng(seed)
    return Batches(corpus_of([" ".join(rng.choice(words, 40)) for _ in range(60)], name), BYTES, length=16)


A, B = corpus("a", ["red", "green", "blue"]), corpus("b", ["12", "7", "+", "=", "99"], 1)


@pytest.fixture(scope="module")
def result():
    return measure_text([A, B], PROBE, TextSettings(tasks=8, sequences=4, draws=2, rivals=False))


def test_noise_of_known_size_is_found():
    rng = np.random.default_rng(0)
    signal = np.exp(rng.normal(size=(40, 1, 4000)))
    draws = signal * np.exp(rng.normal(0, 0.3, (40, 2, 4000)))
    found = noise(draws, 2)
    single = noise(draws, 1)
    # Two means of two draws: each has half of a draw's variance, their log ratio twice that.
    assert found.value == pytest.approx(distance_of_variance(0.3**2), rel=0.05)
    assert found.low < found.value < found.high
    assert found.n == 40
    assert single.value == pytest.approx(distance_of_variance(2 * 0.3**2), rel=0.05)


@pytest.mark.parametrize("draws", [1, 2])
def test_corrected_values_do_not_depend_on_the_draws(draws):
    few, many = (measure_text([A], PROBE, TextSettings(8, 4, k, rivals=False, scale=False))["a"].plain for k in (draws, 6))
    assert few.floor.n == (5 if draws == 1 else 8)
    assert few.floor.value > 2 * many.floor.value
    assert abs(few.corrected.value - many.corrected.value) < 0.25 * few.floor.value
    assert few.diversity.value - many.diversity.value > 0.3 * few.floor.value


def test_references_stand_in_order(result):
    scale, values = result.scale, [s.plain.corrected.value for s in result.sources]
    assert scale.floor.corrected.value < min(values) < max(values) < scale.ceiling.corrected.value
    assert all(0 < s.position.value < 1 for s in result.sources)


def test_what_is_told_is_what_was_measured(result):
    told = json.loads(result.to_json())
    a = result["a"]
    assert told["sources"][0]["corrected"]["value"] == a.plain.corrected.value
    assert told["sources"][0]["with_rows"]["corrected"]["value"] == a.with_rows.corrected.value
    assert told["scale"]["uniform"]["value"] == result.scale.uniform.corrected.value
    cross = result.cross[0]
    assert cross.alignment.value == pytest.approx(1 - cross.distance.value)
    assert cross.corrected.value < cross.distance.value
    text = repr(result)
    assert f"  diversity    {a.plain.corrected.value:.4f} [" in text
    assert text.splitlines()[-1] == f"probe GPT-2 (random, seed 1), protocol {result.protocol['comparable']}"
    assert f"<td>{a.plain.corrected.value:.4f} [" in result._repr_html_()
    with pytest.raises(MeasureError, match="unknown source 'c'"):
        result["c"]


def test_without_rows_is_what_a_probe_without_them_gives(result):
    alone = embed_text(A, Text2Vec(PROBE, draws=2), tasks=8, sequences=4)
    assert np.array_equal(alone.values, result["a"].embeddings.values)
    assert alone.protocol == result["a"].protocol


def test_unlike_batches_are_farther_apart_than_their_parts(result):
    mixed = measure_text([Mixed([A, B], how="concat", block=4)], PROBE, SMALL).sources[0].plain.corrected.value
    assert mixed > max(s.plain.corrected.value for s in result.sources)


def test_mixtures_are_judged_without_noise(result):
    a, b = (s.plain.corrected.value for s in result.sources)
    found = result.mixture_without_noise()
    np.testing.assert_allclose(found.distances, [[a, result.cross[0].corrected.value], [result.cross[0].corrected.value, b]])
    assert found.diversity([1, 0]).value == pytest.approx(a)
    plain, clean = result.mixture().diversity([0.3, 0.7]), found.diversity([0.3, 0.7])
    assert clean.value < 0.8 * plain.value
    assert clean.high - clean.low == pytest.approx(plain.high - plain.low)


def test_stored_measurements_are_read_for_comparison(result, tmp_path):
    (tmp_path / "m.json").write_text(result.to_json())
    found = read_stored(tmp_path / "m.json")
    assert [(s.name, s.diversity.value) for s in found] == [(s.name, s.plain.diversity.value) for s in result.sources]


def test_what_cannot_be_measured_is_refused():
    with pytest.raises(MeasureError) as error:
        measure_text([A, A], PROBE, SMALL)
    assert str(error.value) == "the sources ['a', 'a'] were given; expected one or more, each with a name of its own"
    with pytest.raises(MeasureError) as error:
        measure_text([A, Ginc(3, 20, length=9)], PROBE, SMALL)
    assert str(error.value) == (
        "sources of sequences of 9 and 16 tokens were given; expected one length, as the scale has: cut all alike"
    )
    with pytest.raises(DataError, match="ask for fewer or smaller batches"):
        measure_text([A], PROBE, TextSettings(tasks=800, sequences=64))
    for options, message in (
        ({"draws": 0}, "draws is 0; expected a whole number of 1 or more"),
        ({"tasks": "many"}, "tasks is 'many'; expected a whole number of 3 or more, or \"auto\""),
        ({"precision": 0.0}, "precision is 0.0; expected a positive half-width, e.g. 0.005"),
    ):
        with pytest.raises(MeasureError) as error:
            TextSettings(**options)
        assert str(error.value) == message


def test_as_many_batches_as_a_precision_takes():
    auto = TextSettings("auto", 4, draws=1, rivals=False, scale=False, precision=1.0)
    found = measure_text([A], PROBE, auto)["a"]
    assert found.embeddings.tasks == 10
    narrow = found.plain.diversity.high - found.plain.diversity.low
    # Half of that width takes more than 10 batches and fewer than the cap.
    found = measure_text([A], PROBE, replace(auto, precision=0.25 * narrow, most=200))["a"]
    assert 20 <= found.embeddings.tasks < 200
    assert found.plain.diversity.high - found.plain.diversity.low <= 0.5 * narrow
    same = measure_text([A], PROBE, replace(auto, tasks=found.embeddings.tasks))["a"]
    assert np.allclose(same.embeddings.values, found.embeddings.values, rtol=1e-5)
    assert same.protocol == found.protocol
    assert same.plain.corrected.value == pytest.approx(found.plain.corrected.value, rel=0.3)
    assert found.plain.floor.n == max(5, found.embeddings.tasks // 4)
    assert found.with_rows.diversity.n == found.embeddings.tasks


def test_a_corpus_that_ends_first_ends_it():
    small = Batches(corpus_of([" ".join(["red", "green"] * 30)] * 5, "small"), BYTES, length=16)
    found = measure_text([small], PROBE, TextSettings("auto", 8, rivals=False, scale=False, precision=1e-9))["small"]
    # The five documents of 299 bytes are 19 sequences each, in batches of 8.
    assert found.embeddings.tasks == 95 // 8


def test_the_panel_holds_vendi_scores():
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in ("red", "green", "blue", "so", "on") for b in ("", "ish", "er", "est")]
    long = Batches(corpus_of([" ".join(rng.choice(words, 60)) for _ in range(200)], "long"), BYTES, length=16)
    rivals = {r.name: r for r in measure_text([long], PROBE, TextSettings(3, 4, scale=False))["long"].rivals}
    for name in ("Vendi q=1, cosine", "Vendi q=2, cosine", "Vendi q=1, rbf", "Vendi q=2, rbf"):
        assert 1 < rivals[name].estimate.value < 64
        assert "mean states of GPT-2 (random, seed 1)" in rivals[name].note
        assert rivals[name].estimate.method.startswith("samples of documents, no document in two")
    assert rivals["Self-BLEU"].estimate.value > 0
    with pytest.raises(MeasureError) as error:
        measure_text([long], PROBE, TextSettings(3, 4, scale=False, encoder="some/model"))
    assert str(error.value) == (
        "a sentence encoder needs the package sentence-transformers; install it, or use the mean states of a probe"
    )


def test_the_time_is_estimated_and_progress_told():
    told = []
    measure_text([A], PROBE, SMALL, report=lambda *step: told.append(step))
    assert len(told) == 8
    assert told[-1][0] == 0.999
    assert estimated_text_seconds([A], PROBE, SMALL) > 0


def test_random_languages_differ_from_block_to_block():
    source = RandomLanguages(50, 16, block=4)
    batch = source.take(0, 40, 0).tokens
    assert np.array_equal(source.take(8, 4, 0).tokens, batch[8:12])
    known = [set(batch[4 * k : 4 * k + 4].ravel()) for k in range(10)]
    assert len(set(map(frozenset, known))) == 10


@pytest.mark.parametrize(
    ("place", "certain", "possible"),
    [("a.txt.gz", True, False), ("a.jsonl", True, False), ("ginc:concepts=3", True, False), ("a.csv", False, True),
     ("hf:USER/NAME", False, True), ("digits", False, False), ("a.npz", False, False)],
)  # fmt: skip
def test_what_is_text(place, certain, possible):
    assert (is_text(place), may_be_text(place)) == (certain, possible)


def test_generators_have_names():
    assert isinstance(text_source("ginc:concepts=3,vocabulary=20"), Ginc)
    assert isinstance(text_source("constant-tokens"), ConstantTokens)
    assert text_source("uniform-tokens", TextReading(length=9)).length == 9
    assert isinstance(text_source("uniform-tokens"), UniformTokens)
    with pytest.raises(DataError, match="unknown option of 'ginc' 'concept'"):
        text_source("ginc:concept=3")


def test_the_room_measures_text(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(MeasureError) as error:
        breadth.measure("ginc:concepts=2,vocabulary=9")
    assert str(error.value) == (
        "the default probe of text has not been trained here yet; call breadth.study.text_probe.default_text_probe() once (half a "
        "minute), or give a probe: breadth.measure.text.probe.text_probe(FOLDER)"
    )
    with pytest.raises(MeasureError, match="unknown setting of text 'ways'"):
        breadth.measure("ginc:concepts=2,vocabulary=9", ways=5)


def test_a_stream_tells_how_much_of_it_was_seen():
    corpus = corpus_of([chr(97 + i % 26) * 40 for i in range(400)], "endless")
    found = measure_text([StreamBatches(corpus, BYTES, 16, window=100)], PROBE, replace(SMALL, tasks=6, sequences=20))
    assert found.notes == ("'endless' was read as a stream: batches come from its first 200 sequences at most",)
    assert "note: 'endless' was read as a stream" in repr(found)


def test_the_place_on_the_scale_is_told_with_its_interval(result):
    p = result["a"].position
    assert result["a"].place == f"{p.value:.0%} [{p.low:.0%}, {p.high:.0%}] of the way from floor to ceiling"
    assert measure_text([A], PROBE, SMALL)["a"].place == ""
