"""Tokenisers from files: where the end of a document comes from, which layouts are read, and what of a text does not come back."""

import hashlib
import json
import sys

import numpy as np
import pytest

from breadth.data.text.tokens import _SAMPLES, BYTES, tokeniser
from breadth.errors import DataError

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed: pip install 'breadth[text]'")
TEXTS = ["The quick brown fox", "a fox, a fog and a Fjord", "über den Wolken", "fox on fox"] * 5
MARKS = ["<unk>", "</s>", "<|im_end|>", "<sep>"]


def words(folder, marks=MARKS, normalizer=None):
    """A tokeniser of words, kept as one file."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    if normalizer is not None:
        made.normalizer = normalizer
    made.train_from_iterator(TEXTS, tokenizers.trainers.BpeTrainer(special_tokens=marks, vocab_size=60, show_progress=False))
    made.save(str(folder / "tokenizer.json"))
    return made


def of_bytes(folder, marks=("<|endoftext|>",)):
    """A tokeniser kept as GPT-2's first files: vocab.json and merges.txt."""
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator(TEXTS, vocab_size=300, special_tokens=list(marks), show_progress=False)
    made.save_model(str(folder))
    return made


def write(folder, **tables):
    for name, table in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(table))


def refused(place, **options):
    with pytest.raises(DataError) as error:
        tokeniser(str(place), **options)
    return str(error.value)


def test_a_file_is_read_and_its_fingerprint_is_the_hash_of_what_it_does(tmp_path):
    made = words(tmp_path)
    made.encode_special_tokens = True
    for place in (tmp_path, tmp_path / "tokenizer.json"):
        found = tokeniser(str(place))
        assert found.name == (place.name if place.is_file() else str(place))
        assert (found.end, found.vocabulary) == (1, made.get_vocab_size())
        assert found.encode(TEXTS[3]).tolist() == made.encode(TEXTS[3]).ids
        # Runs of studies are kept under this hash.
        assert found.fingerprint == hashlib.sha256(made.to_str().encode()).hexdigest()
    assert found.end not in found.encode("a </s> b").tolist()
    assert refused(tmp_path / "none.json") == (
        f"tokeniser '{tmp_path / 'none.json'}': no file {tmp_path / 'none.json'}; expected bytes, a tokenizer.json, a folder with one, or "
        "a name on the Hub"
    )


@pytest.mark.parametrize(
    ("tables", "end"),
    [
        ({}, "</s>"),
        ({"tokenizer_config": {"eos_token": "<|im_end|>"}}, "<|im_end|>"),
        ({"tokenizer_config": {"eos_token": {"__type": "AddedToken", "content": "<|im_end|>"}}}, "<|im_end|>"),
        ({"special_tokens_map": {"eos_token": {"content": "<|im_end|>"}}}, "<|im_end|>"),
        ({"tokenizer_config": {"sep_token": "<sep>"}}, "<sep>"),
        ({"tokenizer_config": {"sep_token": "<sep>"}, "special_tokens_map": {"eos_token": "<|im_end|>"}}, "<|im_end|>"),
        ({"tokenizer_config": {"eos_token": None, "sep_token": "<sep>"}}, "<sep>"),
        ({"tokenizer_config": {"eos_token": "<nowhere>"}}, "</s>"),
    ],
)
def test_the_end_is_what_the_files_beside_it_declare_else_a_known_name(tmp_path, tables, end):
    words(tmp_path)
    plain = tokeniser(str(tmp_path))
    write(tmp_path, **tables)
    found = tokeniser(str(tmp_path))
    assert found.end == MARKS.index(end)
    assert found.vocabulary == plain.vocabulary
    # Streams with another end are other streams.
    assert (found.fingerprint == plain.fingerprint) == (end == "</s>")
    assert tokeniser(str(tmp_path / "tokenizer.json")).fingerprint == found.fingerprint


def test_without_a_token_for_the_end_one_is_added_after_the_vocabulary(tmp_path):
    made = words(tmp_path, ["<unk>"])
    found = tokeniser(str(tmp_path))
    assert (found.end, found.vocabulary) == (made.get_vocab_size(), made.get_vocab_size() + 1)
    assert max(found.encode(" ".join(TEXTS))) < found.end


def test_a_vocabulary_with_holes_reaches_to_its_last_number(tmp_path):
    table = {"<unk>": 0, "</s>": 1, "fox": 7}
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(table, unk_token="<unk>"))
    made.save(str(tmp_path / "tokenizer.json"))
    found = tokeniser(str(tmp_path))
    assert found.vocabulary == 8
    assert found.encode("fox").tolist() == [7]


def test_files_as_those_of_gpt2_are_read_without_transformers(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    made = of_bytes(tmp_path)
    found = tokeniser(str(tmp_path))
    text = "The fox\n\n\tund  Wölfe 北 👩‍🚀"
    assert found.encode(text).tolist() == made.encode(text).ids
    marked = found.encode(f"{text} <|endoftext|>")
    assert found.end not in marked.tolist()
    assert found.decode(marked) == f"{text} <|endoftext|>"
    assert (found.end, found.vocabulary, found.lost) == (0, made.get_vocab_size(), ())
    write(tmp_path, tokenizer_config={"tokenizer_class": "RobertaTokenizerFast", "add_prefix_space": True})
    spaced = tokeniser(str(tmp_path))
    assert spaced.encode("fox").tolist() == found.encode(" fox").tolist() != found.encode("fox").tolist()
    assert spaced.lost == ()
    assert spaced.fingerprint != found.fingerprint


@pytest.mark.parametrize(
    "tables",
    [
        {"tokenizer_config": {"tokenizer_class": "CLIPTokenizer"}},
        {"config": {"model_type": "ctrl"}},
        {"added_tokens": {"<|pad|>": 300}},
        {"tokenizer_config": {"added_tokens_decoder": {"300": {"content": "<|pad|>"}}}},
        {"vocab": {"a</w>": 0, "b": 1}},
    ],
)
def test_other_files_of_these_names_are_not_taken_for_those_of_gpt2(tmp_path, monkeypatch, tables):
    monkeypatch.setitem(sys.modules, "transformers", None)
    of_bytes(tmp_path)
    write(tmp_path, **tables)
    assert refused(tmp_path) == (
        f"tokeniser '{tmp_path}' needs the package transformers, which is not installed; run: pip install \"breadth[text]\""
    )


def test_ends_of_words_in_a_vocabulary_of_bytes_are_not_those_of_gpt2(tmp_path, monkeypatch):
    """CLIP's vocabulary holds all bytes too."""
    monkeypatch.setitem(sys.modules, "transformers", None)
    of_bytes(tmp_path)
    held = json.loads((tmp_path / "vocab.json").read_text())
    write(tmp_path, vocab={**held, "a</w>": 300})
    assert "needs the package transformers" in refused(tmp_path)


def test_folders_that_give_no_tokeniser_are_refused(tmp_path):
    shown = f"tokeniser '{tmp_path}'"
    assert refused(tmp_path) == (
        f"{shown}: folder {tmp_path} holds no tokeniser; expected tokenizer.json, or vocab.json and merges.txt, or the files of a "
        "tokeniser of transformers"
    )
    write(tmp_path, tokenizer_config={"auto_map": {"AutoTokenizer": ["own.Own", None]}})
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'was-run')!r}, 'w')\nclass Own: pass\n")
    assert refused(tmp_path) == (
        f"{shown} is read by Python code that comes with it, which is not run; expected files alone: save it as tokenizer.json"
    )
    assert not (tmp_path / "was-run").exists()
    write(tmp_path, tokenizer_config=["a"])
    assert refused(tmp_path) == (
        f"{tmp_path / 'tokenizer_config.json'} is a JSON list; expected an object, as transformers writes it"
    )
    (tmp_path / "tokenizer_config.json").write_text("{")
    assert refused(tmp_path) == (
        f"{shown} cannot be read (JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)); expected "
        "bytes, a tokenizer.json, a folder with one, or a name on the Hub"
    )


def cached(root, name):
    """An empty folder of the local Hub cache, as a download leaves it."""
    place = root / ("models--" + name.replace("/", "--"))
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("a" * 40)
    folder = place / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    return folder


def test_names_on_the_hub_have_the_same_files(tmp_path, monkeypatch):
    constants = pytest.importorskip(
        "huggingface_hub.constants", reason="huggingface_hub is not installed: pip install 'breadth[hub]'"
    )
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = cached(tmp_path, "u/words")
    words(folder)
    write(folder, tokenizer_config={"eos_token": "<|im_end|>"})
    found = tokeniser("u/words", offline=True)
    assert (found.name, found.end) == ("u/words", 2)
    assert found.fingerprint == tokeniser(str(folder)).fingerprint
    made = of_bytes(cached(tmp_path, "u/bytes"))
    found = tokeniser("u/bytes", offline=True)
    assert found.encode("a fox").tolist() == made.encode("a fox").ids
    assert refused("u/none", offline=True).startswith("tokeniser 'u/none' cannot be read (LocalEntryNotFoundError: ")


def test_what_a_tokeniser_loses_is_told(tmp_path):
    for text in _SAMPLES.values():
        assert BYTES.decode(BYTES.encode(text)) == text
    assert BYTES.lost == ()
    words(tmp_path)
    assert set(_SAMPLES) - {"capitals"} <= {*tokeniser(str(tmp_path)).lost}
    made = tokenizers.ByteLevelBPETokenizer(lowercase=True)
    made.train_from_iterator(TEXTS, show_progress=False)
    made.save(str(tmp_path / "lower.json"))
    assert tokeniser(str(tmp_path / "lower.json")).lost == ("capitals", "accents")
    made = tokenizers.ByteLevelBPETokenizer(unicode_normalizer="nfkc")
    made.train_from_iterator(TEXTS, show_progress=False)
    made.save(str(tmp_path / "compatible.json"))
    assert tokeniser(str(tmp_path / "compatible.json")).lost == ("ligatures and powers",)
    # What is not in its alphabet, this one leaves out without a mark.
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.train_from_iterator(["a b\tc\nd  e , . ABDGINSirdngcfé, Åöstm", "äï"], tokenizers.trainers.BpeTrainer(show_progress=False))
    made.save(str(tmp_path / "small.json"))
    found = tokeniser(str(tmp_path / "small.json"))
    assert {"emoji", "Chinese, Japanese and Korean"} <= {*found.lost}
    assert not {"tabs", "newlines", "double spaces"} & {*found.lost}
    assert found.encode("北").dtype == np.int32
