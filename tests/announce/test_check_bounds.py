"""What bounds a statement stays with it: exceptions, conditions, the other side of a "but"; orders of growth and kinds of data stay."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE, edited
from breadth.announce.check.markdown import as_thread, write_markdown
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.source import Quote, Sentence

IMPLICATION = "These findings suggest that small routed models might replace larger dense models on long documents."
EXCEPT = (
    "Lantern outperforms all online routers per adjusted recall for all temperatures (except PALE at β = 0.01), and recovers the "
    "order of the documents."
)
ASSUMING = "Assuming the queue behaves like a stack, our scheduler has time complexity O(n logn) and space complexity O(logn)."
BUT = "The tagger achieved better than baseline performance in most languages, especially in morphology, but underperformed in lemmatisation."
UNLESS = "The cache returns the stored answer unless the user asks for a fresh one."
ALTHOUGH = "Although the probes drift in warm weather, the calibrated sensor recovers the salinity of the river."
WHERE = "The sampler needs O(n²) steps, where n is the number of nodes, if the graph is connected."
VALIDATION = "On the validation set, the parser obtained an F1-score of 81.5%."
SENTENCES = (EXCEPT, ASSUMING, BUT, UNLESS, ALTHOUGH, WHERE, VALIDATION)
PAPER = replace(
    SOURCE,
    sentences=SOURCE.sentences
    + tuple(Sentence(len(SOURCE.sentences) + n, 4, text, "3 Results", "body", "p. 4") for n, text in enumerate(SENTENCES, 1)),
)


def said(text, sentence, ids=("F3", "F4")):
    """{(check, level, message)} of a post with this text on the evidence of a sentence: with that, and without."""
    number = len(SOURCE.sentences) + 1 + SENTENCES.index(sentence)
    written = edited(10, IMPLICATION, text, evidence=(Quote(4, sentence, (number,)),))
    by_hand = as_thread(write_markdown(written), PAPER, Facts(), "x")
    found = [check_thread(thread, PAPER, Facts()) for thread in (written, by_hand)]
    return [
        {(p.id, p.level, p.message.partition("; the source says (")[0]) for p in ps if p.post == 10 and p.id in ids} for ps in found
    ]


@pytest.mark.parametrize(
    "text, sentence, dropped",
    [
        (
            "Lantern outperforms all online routers per adjusted recall for all temperatures, and recovers the order of the documents.",
            EXCEPT,
            "exception 'except PALE at β = 0.01'",
        ),
        ("Lantern outperforms all online routers per adjusted recall.", EXCEPT, "exception 'except PALE at β = 0.01'"),
        (
            "Our scheduler has time complexity O(n log n) and space complexity O(log n).",
            ASSUMING,
            "condition 'Assuming the queue behaves like a stack'",
        ),
        ("The cache returns the stored answer.", UNLESS, "exception 'unless the user asks for a fresh one'"),
        ("The sampler needs O(n^2) steps, where n is the number of nodes.", WHERE, "condition 'if the graph is connected'"),
    ],
)
def test_a_bound_that_falls_away_is_an_error_with_evidence_and_a_warning_by_hand(text, sentence, dropped):
    assert said(text, sentence) == [{("F4", level, f"drops the {dropped}")} for level in ("error", "warning")]


@pytest.mark.parametrize(
    "text, sentence, dropped",
    [
        (
            "The tagger achieved better than baseline performance in most languages, especially in morphology.",
            BUT,
            "but underperformed in lemmatisation",
        ),
        ("The calibrated sensor recovers the salinity of the river.", ALTHOUGH, "Although the probes drift in warm weather"),
    ],
)
def test_the_other_side_that_falls_away_is_a_warning(text, sentence, dropped):
    assert said(text, sentence) == [{("F4", "warning", f"drops '{dropped}'")}] * 2


def test_the_other_side_without_its_turn_is_an_error():
    text = BUT.replace(", but underperformed in", " and")
    assert said(text, BUT) == [{("F4", "error", "drops 'but' and 'underperformed' but keeps what it is about")}] * 2


@pytest.mark.parametrize(
    "text, sentence, message",
    [
        (ASSUMING.replace("O(logn)", "O(n)"), ASSUMING, "says 'O(n)', which no sentence that says this has"),
        (VALIDATION.replace("validation", "test"), VALIDATION, "says 'test set' where the source says 'validation set'"),
        (EXCEPT.replace("online", "offline"), EXCEPT, "says 'offline' where the source says 'online'"),
    ],
)
def test_another_order_or_kind_is_an_error(text, sentence, message):
    assert said(text, sentence) == [{("F3", "error", message)}] * 2


@pytest.mark.parametrize(
    "text, sentence",
    [
        *((s, s) for s in SENTENCES),
        ("Lantern recovers the order of the documents.", EXCEPT),
        ("Lantern outperforms all online routers but PALE at β = 0.01 per adjusted recall.", EXCEPT),
        ("If the queue behaves like a stack, our scheduler has time complexity O(n log(n)).", ASSUMING),
        ("The cache returns the stored answer. It does not if the user asks for a fresh one.", UNLESS),
        (
            "The tagger achieved better than baseline performance in most languages. However, it underperformed in lemmatisation.",
            BUT,
        ),
        ("On the dev set, the parser obtained an F1-score of 81.5%.", VALIDATION),
    ],
)
def test_what_keeps_its_bound_or_does_not_need_it_is_true(text, sentence):
    assert said(text, sentence) == [set(), set()]


def test_a_limitation_may_leave_out_the_praise_that_it_ends_on():
    sentence = "Our lantern is admittedly slow on long documents, but is still better than all of the online routers."
    paper = replace(
        SOURCE, sentences=(*SOURCE.sentences, Sentence(len(SOURCE.sentences) + 1, 4, sentence, "3 Results", "body", "p. 4"))
    )
    evidence = (Quote(4, sentence, (len(SOURCE.sentences) + 1,)),)
    for head, expected in (("Limitation: ", []), ("", ["drops 'but is still better than all of the online routers'"])):
        text = f"{head}Our lantern is admittedly slow on long documents."
        made = edited(10, IMPLICATION, text, evidence=evidence, role="limitation" if head else "result")
        found = [p for p in check_thread(made, paper, Facts()) if p.post == 10 and p.id == "F4"]
        assert [p.message.partition("; the source says (")[0] for p in found] == expected
