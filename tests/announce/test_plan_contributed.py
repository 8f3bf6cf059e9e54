"""Which of a paper's contributions are worth a post: what is made, not that numbers come with the paper."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE
from breadth.announce.facts import Facts
from breadth.announce.source import Quote, Sentence
from breadth.announce.write.plan import plan

WHY = "that numbers come with the paper is no contribution"


def contributed(text):
    """Whether a contribution of the invented paper is in a post, and the reason where it was left out."""
    at = SOURCE.sentences[-1].number + 1
    said = Sentence(at, 2, text, "1 Introduction", "list", "p. 2")
    source = replace(SOURCE, sentences=(*SOURCE.sentences, said), contributions=(*SOURCE.contributions[:2], Quote(2, text, (at,))))
    made = plan(source, Facts(), "x", least=8, most=13)
    return any(at in q.sentences for p in made.posts for q in p.evidence), dict(made.left_out).get(text)


@pytest.mark.parametrize(
    "text",
    [
        "We release all numbers with the paper.",
        "We also release the full results and all plots in the supplement.",
        "We make all our results publicly available.",
        "All results are publicly available.",
        "All scores will be made public.",
    ],
)
def test_numbers_that_come_with_the_paper_are_no_contribution(text):
    assert contributed(text) == (False, WHY)


@pytest.mark.parametrize(
    "text",
    [
        "We release the code and all results of our experiments.",
        "We release all models with the paper.",
        "We release a corpus of whale songs in nine dialects.",
        "We publish the first results on whale songs.",
        "We provide results that hold for every public network of whales.",
        "We make all numbers comparable across whale dialects.",
    ],
)
def test_what_was_made_or_found_is_one(text):
    assert contributed(text) == (True, None)
