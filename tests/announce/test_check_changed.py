"""Words and numbers changed as a language model changes them: order, share, strength, data set, metric; and true words that pass."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE, THREAD, problems, with_post
from breadth.announce.check.library import spelled
from breadth.announce.source import Quote, Sentence

GROWS = "The diversity of the three corpora grows from 0.158, to 0.168, to 0.195."
HALF = "The variability of the corpora is more than half that of the upper bound."
SOME = "Some tokens with rare scripts are sent to the wrong expert."
ADDING = "Adding more experts increases the coverage of scripts with diminishing returns."
MATH = "On mm_math5k, the router achieves a 1.35\u00d7 average gain in coverage, peaking at 1.76\u00d7."
SHAPES = "Similarly, on geometry3k, the router brings an average gain of 1.36\u00d7, with a maximum of 1.51\u00d7."
BOTH = "On both arithmetic tasks, all experts stay above the chance level."
MASKS = "The aggregate measure masks the underlying causal factors of a document."
ENTROPY = "The correlation between route entropy and accuracy is high, with an R2 of 0.87."
BENEFIT = "The benefit is largest for documents of 8k to 32k tokens."
FALLS = "On average, routing errors fall from 12.5% to 4.8% after the second stage of training."
BUT = "The router does better in most languages, especially in question answering, but underperforms in translation."
_NEW = (GROWS, HALF, SOME, ADDING, MATH, SHAPES, BOTH, MASKS, BUT)
PAPER = replace(
    SOURCE,
    sentences=SOURCE.sentences
    + tuple(Sentence(len(SOURCE.sentences) + k, 4, text, "4 More", "body", "p. 4") for k, text in enumerate(_NEW, 1)),
)


def said(text, *evidence, markdown=False):
    """(check, level, message up to what the source says) for post 10 with this text on this evidence."""
    quotes = tuple(Quote(s.page, s.text, (s.number,)) for s in PAPER.sentences if s.text in evidence)
    assert len(quotes) == len(evidence)
    thread = with_post(10, text=f"{text}\n\n10/{len(THREAD.posts)}", evidence=quotes)
    found = problems(thread, markdown=markdown, source=PAPER)
    return [(p.id, p.level, p.message.partition("; the source says (")[0]) for p in found if p.post == 10]


# text, its evidence, check, level, message
FALSE = {
    "numbers in another order": (
        GROWS.replace("0.168, to 0.195", "0.195, to 0.168"),
        GROWS,
        ("F3", "error", "has 0.195, 0.168 where the source has 0.168, 0.195"),
    ),
    "half dropped": (HALF.replace("half that of ", ""), HALF, ("F3", "error", "drops 'half'")),
    "half replaced": (HALF.replace("more than half that of", "close to"), HALF, ("F3", "error", "drops 'half'")),
    "more of them": (SOME.replace("Some", "Most"), SOME, ("F4", "error", "drops 'Some'")),
    "saturation": (ADDING.replace(" with diminishing returns", ""), ADDING, ("F4", "error", "drops 'diminishing returns'")),
    "one of both": (
        BOTH.replace("both arithmetic tasks", "one arithmetic task"),
        BOTH,
        ("F3", "error", "says 'one' where the source says 'both'"),
    ),
    "the other side of but": (
        BUT.replace("question answering", "@").replace("translation", "question answering").replace("@", "translation"),
        BUT,
        ("F3", "error", "exchanges what stands before and behind 'but'"),
    ),
    "shown for hidden": (MASKS.replace("masks", "reveals"), MASKS, ("F3", "error", "says 'reveals' where the source says 'masks'")),
    "another metric": (
        ENTROPY.replace("R2", "error"),
        ENTROPY,
        ("F0", "warning", "says 'error' where the source says 'R2', which may not be the same"),
    ),
    "elsewhere": (
        BENEFIT.replace(".", " on speech."),
        BENEFIT,
        ("F4", "warning", "adds 'on speech', which the source does not say there"),
    ),
}


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize("name", FALSE)
def test_what_is_changed_is_told(name, markdown):
    text, evidence, told = FALSE[name]
    assert said(evidence, evidence, markdown=markdown) == []
    assert told in said(text, evidence, markdown=markdown)


@pytest.mark.parametrize("markdown", [False, True])
def test_a_number_keeps_the_data_set_that_the_other_sentence_of_the_post_is_about(markdown):
    both = f"{MATH} {SHAPES}"
    assert said(both, MATH, SHAPES, markdown=markdown) == []
    here = "the name 'geometry3k' stands in the source, but not in what this post rests on"
    told = ("F5", "error", here if markdown else "says 'geometry3k' where the source says 'mm_math5k'")
    assert told in said(both.replace("mm_math5k", "geometry3k"), MATH, SHAPES, markdown=markdown)


TRUE = {
    "over for more than": (HALF.replace("more than", "over"), HALF),
    "a number moves with its word": (FALLS.replace("from 12.5% to 4.8%", "to 4.8% from 12.5%"), FALLS),
    "both sides of but": (
        "The router underperforms in translation, but does better in most languages, especially in question answering.",
        BUT,
    ),
    "as much in other words": (SOME.replace("Some", "Several"), SOME),
    "a sign for a digit": (ENTROPY.replace("R2", "R\u00b2"), ENTROPY),
    "a name with a line in it": ("The router gains 1.35x on average on mm_math5k.", MATH),
}


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize("name", TRUE)
def test_true_words_raise_no_error(name, markdown):
    text, evidence = TRUE[name]
    assert [p for p in said(text, evidence, markdown=markdown) if p[1] == "error"] == []


def test_two_sentences_may_be_said_in_one():
    text = (
        "The router achieves a 1.35x average gain in coverage on mm_math5k (1.76x at most), and one of 1.36x on geometry3k (1.51x)."
    )
    assert [p for p in said(text, markdown=True) if p[1] == "error"] == []
    wrong = said(text.replace("1.36x", "1.63x"), markdown=True)
    assert ("F1", "error", "'1.63x' stands in no sentence that says this") in wrong


def test_signs_and_lines_in_names_are_read_alike():
    assert {"r2", "mm", "mmmath5k"} <= spelled("R\u00b2 on mm_math5k")
