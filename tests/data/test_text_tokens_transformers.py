"""Tokenisers that only transformers knows how to read: pieces of words, and those without a fast form; none of their code is run."""

import json
import pickle
from pathlib import Path

import pytest

from breadth.data.text.tokens import tokeniser
from breadth.errors import DataError

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed: pip install 'breadth[text]'")
transformers = pytest.importorskip("transformers", reason="transformers is not installed: pip install 'breadth[text]'")
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fox", "##es", "[", "]", "sep"]


def write(folder, **tables):
    for name, table in tables.items():
        (folder / f"{name}.json").write_text(json.dumps(table))


def bert(folder):
    write(folder, tokenizer_config={"tokenizer_class": "BertTokenizer"})
    (folder / "vocab.txt").write_text("\n".join(PIECES))


def test_pieces_of_words_are_read_and_lose_what_they_lose(tmp_path):
    bert(tmp_path)
    found = tokeniser(str(tmp_path))
    assert (found.end, found.vocabulary) == (3, len(PIECES))
    assert found.encode("A foxes [SEP] 北").tolist() == [PIECES.index(p) for p in ("a", "fox", "##es", "[", "sep", "]", "[UNK]")]
    assert {"capitals", "emoji", "newlines", "double spaces"} <= {*found.lost}
    assert tokeniser(str(tmp_path)).fingerprint == found.fingerprint
    (tmp_path / "vocab.txt").write_text("\n".join([*PIECES, "dog"]))
    assert tokeniser(str(tmp_path)).fingerprint != found.fingerprint


def test_what_is_read_as_gpt2s_is_what_transformers_reads(tmp_path):
    made = tokenizers.ByteLevelBPETokenizer()
    made.train_from_iterator(["The foxes of the Fjord"] * 3, vocab_size=280, special_tokens=["<|endoftext|>"], show_progress=False)
    made.save_model(str(tmp_path))
    write(tmp_path, tokenizer_config={"tokenizer_class": "GPT2Tokenizer"})
    found, theirs = tokeniser(str(tmp_path)), transformers.AutoTokenizer.from_pretrained(str(tmp_path))
    text = "The foxes\n\n of  Ålesund, it's 12 北"
    assert found.encode(text).tolist() == theirs.encode(text, add_special_tokens=False)
    assert (found.end, found.vocabulary) == (theirs.eos_token_id, len(theirs))
    write(tmp_path, added_tokens={"<|pad|>": made.get_vocab_size()})
    added = tokeniser(str(tmp_path))
    assert (added.end, added.vocabulary) == (0, found.vocabulary + 1)
    assert added.encode(text).tolist() == found.encode(text).tolist()


def test_a_tokeniser_without_a_fast_form_is_read(tmp_path):
    write(tmp_path, tokenizer_config={"tokenizer_class": "ByT5Tokenizer"})
    found = tokeniser(str(tmp_path))
    assert found.end == 1
    assert found.lost == ()
    text = "a Fox </s> 北\n"
    assert found.encode(text).tolist() == [b + 3 for b in text.encode()]
    assert found.decode(found.encode(text)) == text
    write(tmp_path, tokenizer_config={"tokenizer_class": "ByT5Tokenizer", "extra_ids": 5})
    assert tokeniser(str(tmp_path)).fingerprint != found.fingerprint


class Written:
    """Unpickled, it writes a file."""

    def __init__(self, place):
        self.place = place

    def __reduce__(self):
        return Path.touch, (Path(self.place),)


def test_no_code_of_a_folder_is_run(tmp_path):
    bert(tmp_path)
    mark = tmp_path / "was-run"
    (tmp_path / "own.py").write_text(f"open({str(mark)!r}, 'w')\nclass Own: pass\n")
    for name in ("vocab.pkl", "vocab.bin", "pytorch_model.bin"):
        (tmp_path / name).write_bytes(pickle.dumps(Written(mark)))
    write(tmp_path, config={"model_type": "own", "auto_map": {"AutoTokenizer": "own.Own", "AutoConfig": "own.Own"}})
    assert tokeniser(str(tmp_path)).end == 3
    assert not mark.exists()
    pickle.loads((tmp_path / "vocab.pkl").read_bytes())
    assert mark.exists()  # the trap is one


def test_a_folder_without_its_vocabulary_is_refused(tmp_path):
    """transformers would make one of special tokens alone."""
    write(tmp_path, tokenizer_config={"tokenizer_class": "BertTokenizer"})
    with pytest.raises(DataError) as error:
        tokeniser(str(tmp_path))
    assert str(error.value) == (
        f"tokeniser '{tmp_path}': BertTokenizer finds no token in tokenizer_config.json; expected the file with its vocabulary beside them"
    )
