"""A study's findings as a source: statements and verdicts word for word, what speaks against them, figures, and a thread."""

import json
from pathlib import Path

import pytest

from announce.sources import SOURCE
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.read.findings import merged, read_findings
from breadth.announce.write.extractive import write_thread
from breadth.errors import AnnounceError

VISION = Path(__file__).parents[2] / "docs" / "results" / "vision" / "findings.json"


def finding(name, statement, verdict="supported", caveats=()):
    return {"name": name, "statement": statement, "verdict": verdict, "caveats": list(caveats), "points": [], "estimate": {}}


FOUND = [
    finding(
        "primary",
        "PT accuracy changes by +0.0083 accuracy per standard deviation over 54 training sets: inconclusive.",
        "inconclusive",
        [
            "raw slope 0.00828",
            "x has reliability 0.97",
            "an effect is there, but 0.01 is not excluded",
            "the design is small and not balanced",
        ],
    ),
    finding(
        "PT accuracy again",
        "PT accuracy changes by +0.0075 accuracy per standard deviation over 54 training sets: refuted.",
        "refuted",
    ),
    finding("MAML accuracy", "MAML accuracy changes by +0.0133 accuracy per standard deviation over 36 training sets: supported."),
    finding(
        "PT against MAML",
        "Over 36 training sets, accuracy of PT minus MAML is -0.0466.",
        "supported",
        ["equivalent means within 0.01"],
    ),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "findings.json").write_text(json.dumps(FOUND), encoding="utf-8")
    return tmp_path


def test_statements_caveats_and_where_they_stand(folder):
    source = read_findings(folder / "findings.json")
    assert source.kind == "study"
    assert [(s.text, s.section, s.where) for s in source.sentences][:2] == [
        (FOUND[0]["statement"], "inconclusive", "findings.json: primary"),
        ("raw slope 0.00828", "inconclusive", "findings.json: primary"),
    ]
    assert len(source.sentences) == 8  # the primary finding's caveats only
    assert {s.page for s in source.sentences} == {None}
    assert [q.text for q in source.results] == [FOUND[0]["statement"], FOUND[2]["statement"], FOUND[3]["statement"]]
    assert [source.sentence(q.sentences[0]).text for q in source.results] == [q.text for q in source.results]
    assert [q.text for q in source.limitations] == [
        "an effect is there, but 0.01 is not excluded",
        "the design is small and not balanced",
    ]


def test_title_of_the_analysis_then_of_the_tables_then_of_the_folder(folder):
    path = folder / "findings.json"
    assert read_findings(path).title == f"Study {folder.name}"
    (folder / "tables.md").write_text("# Diversity and accuracy\n\nVerdict: **inconclusive**\n", encoding="utf-8")
    assert read_findings(path).title == "Diversity and accuracy"
    (folder / "analysis.json").write_text('{"title": "Training diversity", "question": "?", "series": []}', encoding="utf-8")
    assert read_findings(path).title == "Training diversity"


def test_figures_beside_the_findings(folder):
    assert read_findings(folder / "findings.json").items == ()
    for name in ("figure.png", "figure-dose.png"):
        (folder / name).write_bytes(b"")
    items = read_findings(folder / "findings.json").items
    assert [(i.label, i.file, i.cited_by) for i in items] == [
        ("Figure 1", str(folder / "figure.png"), (1,)),
        ("Figure 2", str(folder / "figure-dose.png"), ()),
    ]


@pytest.mark.parametrize(
    "text, why",
    [
        ("{", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("{}", "the whole: Input should be a valid tuple"),
        ('[{"name": "a", "statement": "b", "caveats": []}]', "0.verdict: Field required"),
        (
            '[{"name": "a", "statement": "b", "verdict": "proved", "caveats": []}]',
            "0.verdict: Input should be 'supported', 'refuted', 'inconclusive' or 'confounded'",
        ),
    ],
)
def test_what_is_no_findings_file_is_refused_in_one_line(tmp_path, text, why):
    path = tmp_path / "findings.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AnnounceError) as caught:
        read_findings(path)
    assert str(caught.value) == f"findings '{path}': {why}; expected the findings.json that breadth report writes"


def test_a_missing_and_an_empty_file(tmp_path):
    path = tmp_path / "findings.json"
    with pytest.raises(AnnounceError) as caught:
        read_findings(path)
    assert str(caught.value) == f"findings '{path}': No such file or directory; give the findings.json that breadth report writes"
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(AnnounceError) as caught:
        read_findings(path)
    assert str(caught.value) == (f"findings '{path}' holds no finding; expected at least the primary one: run breadth report again")


def test_merged_keeps_the_paper_and_appends_the_study(folder):
    (folder / "figure.png").write_bytes(b"")
    both = merged(SOURCE, read_findings(folder / "findings.json"))
    assert both.title == SOURCE.title
    assert [s.number for s in both.sentences] == list(range(1, len(both.sentences) + 1))
    last = both.results[-1]
    assert both.sentence(last.sentences[0]).text == last.text == FOUND[3]["statement"]
    assert both.items[-1].label == "Figure S1"
    assert both.sentence(both.items[-1].cited_by[0]).text == FOUND[0]["statement"]
    assert both.limitations[: len(SOURCE.limitations)] == SOURCE.limitations


def test_the_thread_of_the_vision_study_says_no_more_than_its_verdict():
    source = read_findings(VISION)
    facts = Facts(code_url="https://github.com/example/breadth")
    thread = write_thread(source, facts, "x")
    assert [p for p in check_thread(thread, source, facts) if p.level == "error"] == []
    assert thread.posts[0].text.endswith(f"over 54 training sets: inconclusive.\n\n1/{len(thread.posts)}")
    assert thread.posts[0].items == ("Figure 1",)
    assert "an effect of 0.01 is not excluded" in thread.posts[-1].text
    said = " ".join(p.text for p in thread.posts).lower()
    assert "prove" not in said
    assert "confirm" not in said


def test_the_thread_of_the_language_study_says_what_explains_its_finding():
    source = read_findings(VISION.parents[1] / "language" / "findings.json")
    facts = Facts(code_url="https://github.com/example/breadth")
    thread = write_thread(source, facts, "x")
    problems = check_thread(thread, source, facts)
    assert [p for p in problems if p.level == "error" or p.id == "F0"] == []
    told = [post.text for post in thread.posts]
    assert told[-1].startswith("Limitation: X is not separated from trigram cross-entropy: adjusted one-sided p ")
    assert any(
        text.startswith("Adjusted for complexity, alignment, shared vocabulary, trigram cross-entropy, documents") for text in told
    )
    assert any(text.startswith("Trigram cross-entropy (correlation with x -0.72) predicts the outcome") for text in told)
    # One post for each size of model, not one for each of its conditions.
    assert sum("changes by" in text for text in told) == 2
