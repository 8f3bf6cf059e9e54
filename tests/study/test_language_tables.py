"""What a study of text must say and cannot say, in one line each; and that studies of images are written as before."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from breadth.data.text.tokens import BYTES
from breadth.errors import DataError, SpecError, StoreError
from breadth.nets.gpt2 import Gpt2Size, gpt2, save_gpt2
from breadth.study.design import training_sets
from breadth.study.feasible import check_feasible
from breadth.study.plan import plan_study
from breadth.study.run import execute
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.text_checks import unit_of
from breadth.study.text_sources import corpus_at, evaluation_documents, streams
from breadth.study.toml import read_study
from study.small import SMALL
from study.text_small import documents_of, small_text, write_corpora

LANGUAGE = Path(__file__).parents[2] / "studies" / "language.toml"
# Bytes of the corpus "north", and an end for each document.
HELD = sum(len(text) + 1 for text in documents_of("north", 130))


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    return folder, write_corpora(folder)


def merged(tables, changes):
    """The tables with the value at each dotted place replaced; None takes it away."""
    tables = json.loads(json.dumps(tables))
    for place, value in changes.items():
        *inner, last = (int(p) if p.isdigit() else p for p in place.split("."))
        held = tables
        for part in inner:
            held = held[part] if isinstance(held, list) else held.setdefault(part, {})
        if value is None:
            del held[last]
        else:
            held[last] = value
    return tables


def refused(tables):
    with pytest.raises(ValueError) as e:
        Study.model_validate(tables)
    message = e.value.errors()[0]["msg"].removeprefix("Value error, ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"images": {"size": 16}}, "images is for images, and the study has a [text] table; leave one of them out"),
        ({"architecture": {"filters": 4}}, "architecture is for images, and the study has a [text] table; leave one of them out"),
        ({"baselines": {"pixels": True}}, "baselines is for images, and the study has a [text] table; leave one of them out"),
        ({"training.classes": 4}, "training.classes is for images, and the study has a [text] table; leave one of them out"),
        ({"measure.ways": 4}, "measure.ways is for images, and the study has a [text] table; leave one of them out"),
        ({"evaluation.shots": 4}, "evaluation.shots is for images, and the study has a [text] table; leave one of them out"),
        ({"data.moon.held_out": "x"}, "data.moon.held_out is for images, and the study has a [text] table; leave one of them out"),
        (
            {"train": [{"name": "x", "domains": ["north"], "whole": True}]},
            "train.0.whole is for images, and the study has a [text] table; leave one of them out",
        ),
        ({"training.tokens": None}, "training.tokens is missing; a study of text needs it: add it"),
        ({"evaluation.documents": None}, "evaluation.documents is missing; a study of text needs it: add it"),
        ({"evaluation.bytes": None}, "evaluation.bytes is missing; a study of text needs it: add it"),
        ({"evaluation.data": "own"}, 'evaluation.data is "own", which is for images; name corpora that no training set holds'),
        ({"hypothesis.outcome": "accuracy"}, 'hypothesis.outcome is "accuracy"; a study of text has outcome = "loss"'),
        (
            {"hypothesis.condition": "bits-per-bite"},
            "hypothesis.condition is 'bits-per-bite', expected one of: bits-per-byte, nats-per-token, bits-per-byte on moon, bits-per-byte on "
            "star; did you mean 'bits-per-byte'?",
        ),
        (
            {"controls": {"equal": ["pixels"]}},
            "controls.equal names 'pixels', which text does not have; expected some of: architecture, optimiser, stopping, tokens seen, "
            "training tokens, tokeniser, evaluation, overlap",
        ),
        (
            {"learner.0": {"kind": "pretrain", "name": "tiny"}},
            'learner.0 is for images, and the study has a [text] table; give one of kind = "language"',
        ),
        (
            {"probe.1": {"name": "random"}},
            'probe.1 is for images, and the study has a [text] table; give one of kind = "gpt2"',
        ),
        ({"learner.0.n_head": 3}, "n_embd is 16 and n_head 3; give an n_embd that is a multiple of n_head"),
        ({"probe.0.data": None}, 'a probe with weights = "trained" names its data, and no other probe does'),
        (
            {"probe.0.data": ["moon"]},
            "probe 'trained' would be trained on 'moon', which is a training domain or evaluation set; train a probe on data outside all arms "
            "and the evaluation",
        ),
        ({"probe.1.tokens": 1024}, "tokens is for weights = \"trained\", and weights is 'random'; leave it out"),
        (
            {"probe.1": {"name": "given", "kind": "gpt2", "weights": "given", "tokens": 1_000_000}},
            "tokens is for weights = \"trained\", and weights is 'given'; leave it out",
        ),
        *(
            (
                {"probe.1": {"name": "given", "kind": "gpt2", "weights": "given", key: value}},
                f"{key} is for a network that is made here, and weights is the folder 'given'; leave it out",
            )
            for key, value in (("n_embd", 128), ("n_layer", 1), ("n_head", 4), ("seed", 0))
        ),
        ({"text": None}, "learner.0 is for text, and the study has no [text] table; add one, or leave this out"),
    ],
)
def test_each_mistake_is_one_line(corpora, changes, expected):
    folder, tables = corpora
    assert refused(merged(small_text(folder, tables), changes)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training.tokens": 7}, "training.tokens is for text, and the study has no [text] table; add one, or leave this out"),
        ({"data.latin.by": "line"}, "data.latin.by is for text, and the study has no [text] table; add one, or leave this out"),
        (
            {"probe.0": {"name": "random", "kind": "gpt2"}},
            "probe.0 is for text, and the study has no [text] table; add one, or leave this out",
        ),
        ({"controls": {"equal": ["tokeniser"]}}, "controls.equal names 'tokeniser', which only a study of text has; leave it out"),
    ],
)
def test_a_study_of_images_takes_nothing_of_text(changes, expected):
    assert refused(merged(SMALL, changes)) == expected


def test_a_study_of_images_is_written_as_before_there_was_text():
    fixed = Study.model_validate(SMALL).fixed()
    assert "text" not in fixed
    assert set(fixed["data"]["latin"]) == {"load", "held_out"}
    assert set(fixed["training"]) == {"classes", "images", "convention", "seed"}
    assert {"documents", "bytes"}.isdisjoint(fixed["evaluation"])
    assert fixed["controls"]["equal"][4] == "classes"


def test_a_mistake_in_a_file_names_its_line(tmp_path):
    text = LANGUAGE.read_text(encoding="utf-8")
    for wrong, right, place in (
        ("lenght = 128", "length = 128", "text.lenght: unknown key; did you mean 'length'?"),
        ("n_layers = 5", "n_layer = 5", "learner.0.n_layers: unknown key; did you mean 'n_layer'?"),
        ("weight = ", "weights = ", "probe.0.weight: unknown key; did you mean 'weights'?"),
    ):
        path = tmp_path / "s.toml"
        changed = text.replace(right, wrong)
        assert changed != text
        path.write_text(changed, encoding="utf-8")
        line = next(n for n, (a, b) in enumerate(zip(text.split("\n"), changed.split("\n"), strict=True), 1) if a != b)
        with pytest.raises(SpecError) as e:
            read_study(path)
        assert str(e.value).startswith(f"{path}, line {line}: {place}")


def test_the_study_of_real_texts_is_balanced_and_in_one_language():
    study = read_study(LANGUAGE)
    sets = training_sets(study)
    assert len(sets) >= 24
    for level in (1, 2, 4, 8):
        used = [d for s in sets if s.level == level for d in s.domains]
        assert {used.count(d) for d in study.design.domains} == {level}
    assert len(study.evaluation.data) >= 5
    assert not set(study.evaluation.data) & set(study.design.domains)
    assert sorted(round(x.weights_of_blocks / 1e6, 1) for x in study.learner) == [0.2, 1.0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"training.tokens": 60_000},
            f"data.north holds {HELD:,} tokens, {60_000 - HELD:,} fewer than the 60,000 that training set '1x-north-1' takes of it, and "
            "no text is used twice; lower training.tokens, or leave this corpus out",
        ),
        (
            {"measure.tasks": 60},
            "measure: 60 batches of training set '1x-north-1' cannot be drawn: 'north' gives 375 sequences of 32 tokens; 480 were asked for: "
            "lower measure.tasks or text.sequences, or give it more tokens",
        ),
        (
            {"evaluation.documents": 500, "evaluation.bytes": 60_000},
            "evaluation: 'moon' holds 130 documents of at least 64 bytes; 500 were asked for: lower evaluation.documents, or cut it "
            'by = "line"',
        ),
        (
            {"evaluation.bytes": 200},
            "evaluation: 200 bytes for 5 documents leave 40 for each; expected at least 64: raise evaluation.bytes or lower "
            "evaluation.documents",
        ),
        ({"data.south.by": "document"}, None),
    ],
)
def test_what_cannot_be_drawn_is_known_before_anything_runs(corpora, changes, expected):
    folder, tables = corpora
    plan = plan_study(Study.model_validate(merged(small_text(folder, tables), changes)))
    if expected is None:
        check_feasible(plan)
        return
    with pytest.raises(SpecError) as e:
        check_feasible(plan)
    assert str(e.value) == expected


@pytest.mark.parametrize("name", ["north", "compass"])
def test_a_corpus_of_a_training_set_is_not_scored_on_under_any_name(corpora, tmp_path, name):
    folder, tables = corpora
    (tmp_path / "other.txt").write_bytes((folder / "north.txt").read_bytes())
    tables = {**tables, "compass": {"load": str(tmp_path / "other.txt"), "by": "line"}}
    study = merged(small_text(folder, tables), {"evaluation.data": ["moon", name]})
    with pytest.raises(SpecError) as e:
        plan_study(Study.model_validate(study))
    assert str(e.value) == (
        f"evaluation.data names '{name}', which holds the same data as 'north', of which training set '1x-north-1' is drawn; score models on "
        "corpora that no training set holds"
    )


@pytest.mark.parametrize("name", ["east", "star", "outside"])
def test_a_corpus_that_is_not_there_is_named_with_its_key_and_folder(corpora, name):
    folder, tables = corpora
    study = merged(small_text(folder, tables), {f"data.{name}.load": "none.txt"})
    with pytest.raises(SpecError) as e:
        plan_study(Study.model_validate(study))
    assert str(e.value) == (
        f"data.{name}: load is 'none.txt', which is neither in {folder} nor here; give a text file or a folder of them, relative to "
        "data_root, or hf:USER/NAME"
    )


def test_a_tokeniser_that_is_not_there_is_named_with_its_key_and_folder(corpora):
    folder, tables = corpora
    with pytest.raises(SpecError) as e:
        plan_study(Study.model_validate(merged(small_text(folder, tables), {"text.tokeniser": "none.json"})))
    assert str(e.value) == (
        "text.tokeniser: tokeniser 'none.json': no file none.json; expected bytes, a tokenizer.json, a folder with one, or a name on the Hub; "
        f"files are looked for in {folder}, then here"
    )


def test_python_comes_as_bytes(corpora):
    tokenizers = pytest.importorskip("tokenizers")
    folder, tables = corpora
    made = tokenizers.ByteLevelBPETokenizer()
    made.train([str(folder / "north.txt")], vocab_size=300, special_tokens=["<|endoftext|>"])
    made.save(str(folder / "own.json"))
    changes = {"text.tokeniser": "own.json", "probe.0.data": "python"}
    plan = plan_study(Study.model_validate(merged(small_text(folder, tables), {**changes, "training.tokens": 6000})))
    with pytest.raises(SpecError) as e:
        check_feasible(plan)
    assert str(e.value) == "probe.0.data is \"python\", which comes as bytes; text.tokeniser is 'own.json': name corpora instead"


def test_a_tokeniser_from_a_file_runs_to_the_scores_and_finds_the_same_words(corpora, tmp_path):
    tokenizers = pytest.importorskip("tokenizers")
    folder, tables = corpora
    made = tokenizers.ByteLevelBPETokenizer()
    made.train([str(folder / "north.txt")], vocab_size=300, special_tokens=["<|endoftext|>"])
    made.save(str(folder / "bpe.json"))
    changes = {"text.tokeniser": "bpe.json", "training.tokens": 6000}
    plan = plan_study(Study.model_validate(merged(small_text(folder, tables), changes)))
    check_feasible(plan)
    store = Store(tmp_path)
    train, overlap = plan.scores["1x-north-1", "tiny", 0], plan.overlaps["1x-north-1"]
    for run in (train, overlap):
        store.begin(run)
        execute(run, store, folder, device="cpu", report=lambda done, total: None)
    texts = [text for of_corpus in evaluation_documents(train.body["evaluation"], folder).values() for text in of_corpus]
    tokens = np.array([len(made.encode(text).ids) for text in texts])
    with np.load(store.folder(train) / "scores.npz") as arrays:
        bits = arrays["nats-per-token:loss"] * tokens / math.log(2) / np.array([len(text) for text in texts])
        np.testing.assert_allclose(arrays["bits-per-byte:loss"], bits, rtol=1e-12)
    found = store.result(overlap)
    assert found["tokens"] == {"north": 6000}
    words = {w.strip(".") for d in corpus_at(train.body["data"]["parts"][0], folder).documents() for w in d.split()}
    assert found["overlap"]["training_vocabulary"] <= len(words) + 1  # the last document is cut, inside a word perhaps


def test_bytes_are_decoded():
    assert BYTES.decode(BYTES.encode("Zoë läuft 北")) == "Zoë läuft 北"


def test_a_probe_from_a_folder(corpora, tmp_path):
    folder, tables = corpora
    save_gpt2(gpt2(Gpt2Size(257, 32, 16, 1, 2, tied=False), 5), folder / "given")
    save_gpt2(gpt2(Gpt2Size(257, 16, 16, 1, 2), 5), folder / "short")
    probe = {"name": "given", "kind": "gpt2", "weights": "given"}
    plan = plan_study(Study.model_validate(merged(small_text(folder, tables), {"probe.1": probe})))
    runs = [r for r in plan.runs if r.kind == "text-probe" and r.label == "given"]
    store = Store(tmp_path)
    for run in [*runs, plan.suites["given"]]:
        store.begin(run)
        execute(run, store, folder, device="cpu", report=lambda done, total: None)
    kept = (store.folder(runs[0]) / "model.safetensors").read_bytes()
    assert kept == (folder / "given" / "model.safetensors").read_bytes()
    probe["weights"] = "short"
    plan = plan_study(Study.model_validate(merged(small_text(folder, tables), {"probe.1": probe})))
    (run,) = [r for r in plan.runs if r.kind == "text-probe" and r.label == "given"]
    store.begin(run)
    with pytest.raises(SpecError) as e:
        execute(run, store, folder, device="cpu", report=lambda done, total: None)
    assert str(e.value) == (
        "probe 'given': the network in 'short' knows 257 tokens and sequences of 16; the study has 257 and 32: give another, or change [text]"
    )
    probe["weights"] = "none"
    with pytest.raises(SpecError) as e:
        plan_study(Study.model_validate(merged(small_text(folder, tables), {"probe.1": probe})))
    assert str(e.value) == f"probe 'given': weights 'none' given; expected random, trained, or a folder in {folder}"


def test_a_corpus_that_changed_is_not_used(tmp_path):
    plan = plan_study(Study.model_validate(small_text(tmp_path, write_corpora(tmp_path))))
    with (tmp_path / "north.txt").open("a") as stream:
        stream.write("\nmore")
    with pytest.raises(StoreError) as e:
        streams(plan.overlaps["1x-north-1"].body["data"], tmp_path)
    assert str(e.value) == f"{tmp_path}/north.txt: changed since the study was planned; run the study again"


def test_too_short_a_corpus_is_refused_by_the_run_as_well(corpora):
    folder, tables = corpora
    plan = plan_study(Study.model_validate(merged(small_text(folder, tables), {"training.tokens": 30_000})))
    with pytest.raises(DataError) as e:
        streams(plan.overlaps["1x-north-1"].body["data"], folder)
    assert str(e.value) == (
        f"'north' holds {HELD:,} tokens; 30,000 were asked for, and no text is used twice: ask for fewer, or leave it out"
    )


def test_units():
    assert [unit_of(c) for c in ("bits-per-byte on moon", "nats-per-token", "logistic/support")] == [
        "bits per byte",
        "nats per token",
        "nats",
    ]
