"""What is read from real papers, beside lists that people made of them; skipped where those papers are not there."""

import json
import os
import re
import time
import unicodedata
from pathlib import Path

import pytest

from breadth.announce.read.paper import read_paper

pytest.importorskip("pypdfium2")
FOLDER = Path(os.environ.get("BREADTH_PAPERS", Path(__file__).parents[3] / "shared" / "papers"))
GOLD = {path.name.removesuffix(".gold.json"): json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.gold.json"))}
NAMES = [pytest.param(name, marks=[pytest.mark.slow] if gold["pages"] > 12 else []) for name, gold in GOLD.items()]
pytestmark = pytest.mark.skipif(not GOLD, reason=f"no papers in {FOLDER}; set BREADTH_PAPERS")


@pytest.fixture(scope="module")
def read():
    """Source and gold list of a paper, read once."""
    known = {}

    def source(name):
        if name not in known:
            start = time.process_time()
            found = read_paper(FOLDER / f"{name}.pdf")
            known[name] = found, GOLD[name], time.process_time() - start
        return known[name]

    return source


def bare(text):
    """A text without what people and programs write in several ways: blanks, hyphens, case, signs."""
    text = unicodedata.normalize("NFKC", text.replace("×", "x").replace("≥", ">="))
    return re.sub(r"[^a-z0-9%>]", "", text.lower())


@pytest.mark.parametrize("name", NAMES)
def test_title_authors_and_code(read, name):
    source, gold, _ = read(name)
    assert (source.title, list(source.authors), source.code_url) == (gold["title"], gold["authors"], gold["code_url"])
    assert source.paper_url is None  # none of them prints one
    assert source.problems == ()


@pytest.mark.parametrize("name", NAMES)
def test_what_people_quoted_stands_in_one_sentence(read, name):
    source, gold, _ = read(name)
    wanted = [q for q in gold["limitation"] + gold["results"] if q["verbatim_on_page"]]
    missing = [
        q["quote"] for q in wanted if not any(bare(q["quote"]) in bare(s.text) for s in source.sentences if s.page == q["page"])
    ]
    assert missing == []


@pytest.mark.parametrize("name", NAMES)
def test_sentences_are_sentences(read, name):
    source, _, _ = read(name)
    body = [s.text for s in source.sentences if s.role in ("abstract", "body")]
    assert sum(t[0].isupper() or t[0] in "“\"'([" for t in body) >= 0.96 * len(body)
    assert sum(t[-1] in '.:?!”")]…' for t in body) >= 0.95 * len(body)
    assert not [t for t in body if any(sign in t for sign in "\x02\ufffe\ufb01\ufb02\ue001\n")]
    assert source.abstract
    assert all(source.sentence(n).page == 1 for n in source.abstract)


@pytest.mark.parametrize("name", NAMES)
def test_no_word_ends_behind_a_ligature_that_stands_inside_it(read, name):
    found, _, _ = read(name)
    torn = [m[0] for s in found.sentences for m in re.finditer(r"\b(?:ff|fi|fl|ffi|ffl) [a-z]+", s.text)]
    assert torn == []


@pytest.mark.parametrize("name", NAMES)
def test_no_text_of_a_figure_or_table_is_a_sentence(read, name):
    source, _, _ = read(name)
    labels = re.compile(r"^(?:[\d.,%±()\s-]{6,}|Model|Accuracy|Epoch|Step)$")
    assert not [s.text for s in source.sentences if s.role == "body" and labels.match(s.text)]


@pytest.mark.parametrize("name", NAMES)
def test_the_time_is_bounded(read, name):
    # 0.2 s a page is promised on a core of its own; the tests share theirs
    _, gold, seconds = read(name)
    assert seconds < 0.6 * gold["pages"]
