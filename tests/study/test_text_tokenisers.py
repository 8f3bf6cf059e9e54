"""A study of text takes tokenisers that give all text back, and no others: bits a byte of half a text would be half as many."""

import pytest

from breadth.data.text.tokens import tokeniser
from breadth.errors import SpecError
from breadth.study.plan import plan_study
from breadth.study.spec import Study
from study.text_small import small_text, write_corpora

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is not installed: pip install 'breadth[text]'")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora")
    return folder, write_corpora(folder)


def planned(folder, tables, name):
    return plan_study(Study.model_validate({**small_text(folder, tables), "text": {"length": 32, "tokeniser": name}}))


def made(folder, *, lowercase):
    found = tokenizers.ByteLevelBPETokenizer(lowercase=lowercase)
    found.train([str(folder / "north.txt")], vocab_size=300, special_tokens=["<|endoftext|>"])
    return found


def test_a_tokeniser_that_loses_text_is_refused_when_the_study_is_planned(corpora):
    folder, tables = corpora
    made(folder, lowercase=True).save(str(folder / "lower.json"))
    with pytest.raises(SpecError) as e:
        planned(folder, tables, "lower.json")
    assert str(e.value) == (
        "text.tokeniser: 'lower.json' loses capitals, accents, so that bits a byte would flatter every model; expected one that gives all "
        "text back: take bytes, or one of bytes, as GPT-2's is"
    )
    # A measurement of diversity compares no bits, and takes it.
    assert tokeniser(str(folder / "lower.json")).encode("A").tolist() == tokeniser(str(folder / "lower.json")).encode("a").tolist()


def test_a_folder_as_gpt2s_and_one_without_an_end_are_planned_with_it(corpora):
    folder, tables = corpora
    (folder / "gpt2").mkdir()
    whole = made(folder, lowercase=False)
    whole.save_model(str(folder / "gpt2"))
    form = planned(folder, tables, "gpt2").scores["1x-north-1", "tiny", 0].body["data"]["text"]
    assert form["vocabulary"] == whole.get_vocab_size()
    endless = tokenizers.ByteLevelBPETokenizer()
    endless.train([str(folder / "north.txt")], vocab_size=300)
    endless.save(str(folder / "endless.json"))
    form = planned(folder, tables, "endless.json").scores["1x-north-1", "tiny", 0].body["data"]["text"]
    assert form["vocabulary"] == endless.get_vocab_size() + 1
