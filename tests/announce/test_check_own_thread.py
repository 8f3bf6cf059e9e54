"""An author's own thread, written by hand about an earlier version, against the paper: each error is one that the paper's text bears out."""

import re
from pathlib import Path

import pytest

from breadth.announce.check.markdown import as_thread
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.read.paper import read_paper

SHARED = Path(__file__).parents[3] / "shared"
LINKS = (
    "https://arxiv.org/abs/2306.13840",
    "https://github.com/alycialee/beyond-scale-language-data-diversity/tree/main/diversity#quick-start",
    "https://arxiv.org/abs/1902.03545",
    "https://arxiv.org/abs/2208.01545",
    "https://arxiv.org/abs/2306.13841",
    "https://github.com/alycialee/beyond-scale-language-data-diversity/tree/main/ginc#acknowledgements",
)


@pytest.fixture(scope="module")
def paper():
    path = SHARED / "papers" / "dmlr_beyond.pdf"
    if not path.is_file() or not (SHARED / "brief" / "thread_and_poster.md").is_file():
        pytest.skip(f"no {path}, or no brief beside it, which hold the paper and its author's thread")
    return read_paper(path)


def errors(paper, facts):
    brief = (SHARED / "brief" / "thread_and_poster.md").read_text()
    thread = as_thread(brief.rpartition("## Beyond Scale example tweet")[2], paper, facts, "x")
    return [p for p in check_thread(thread, paper, facts) if p.level == "error"]


def test_each_error_is_borne_out_by_the_paper(paper):
    found = errors(paper, Facts())
    text = re.sub(r"\s+", " ", " ".join([paper.title, *(s.text for s in paper.sentences), *(link.url for link in paper.links)]))
    # The title has changed since; the paper prints no such address; it says 2.7-4.76 of diversity (3-5 only of cross diversity); it names
    # no GPT-J and no model of 6B.
    assert {(p.id, p.post) for p in found} == {
        ("T2", 1),
        *(("K1", n) for n in (1, 2, 9, 11, 12, 13)),
        ("F1", 4),
        ("F5", 4),
    }
    assert paper.title.endswith("for Variability in Natural Language Data")
    assert not [url for url in LINKS if url in text]
    assert "GPT-J" not in text
    assert "6B" not in text
    assert "2.7-4.76 times higher" in text.replace("–", "-")


def test_the_message_says_what_the_paper_says(paper):
    (message,) = [p.message for p in errors(paper, Facts()) if "3-5x" in p.message]
    assert message.startswith(
        "'3-5x' stands in no sentence that says this; the source says (p. 5): 'Table 1: Diversity coefficients of LLM"
    )
    assert "2.7-4.76 times higher than the conceptual lower bound" in message


def test_with_the_authors_facts_only_the_changed_statements_are_left(paper):
    facts = Facts(
        title="Beyond Scale: the Diversity Coefficient as a Data Quality Metric Demonstrates LLMs are Pre-trained on Formally Diverse Data",
        venue="ICML 2023",
        urls=LINKS,
        names=("GPT-J 6B",),
    )
    assert [(p.id, p.post) for p in errors(paper, facts)] == [("F1", 4)]
