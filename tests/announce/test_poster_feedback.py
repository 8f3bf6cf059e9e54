"""Feedback on a draft: its own words, why and what to do, about wording and never about facts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from announce.poster_facts import EXAMPLE, facts
from breadth.announce.poster import PosterFacts
from breadth.announce.poster.feedback import feedback
from breadth.announce.poster.guard import changes

WEAK = """\
Excited to present our groundbreaking work!! Check it out, don't miss it.
We will present our paper on 7/28 Friday, 11:45 AM – 12:15 PM, room 301. #ICML2023 #ML #AI #LLM #DL
"""


def remarks(draft, known=None):
    return feedback(draft, facts() if known is None else known)


def test_the_example_of_a_good_ad_and_an_empty_draft_need_none():
    assert remarks(EXAMPLE) == ()
    assert remarks(" \n") == ()


RULES = [
    ("Excited to share LeanDojo. Visit us!", "Excited to share", "says how you feel"),
    ("Visit our groundbreaking poster!", "groundbreaking", "praises the work"),
    ("Visit us: state-of-the-art provers!", "state-of-the-art", "praises the work"),
    ("Come! I will be presenting LeanDojo.", "I will be presenting LeanDojo", "tells what you do"),
    ("Visit us to see our latest work!", "our latest work", "does not say what it is about"),
    ("Visit us, feel free to ask!", "feel free to ask", "asks for something other than a visit"),
    ("LeanDojo is a tool. It proves theorems.", "LeanDojo is a tool.", "the first line asks nobody to come"),
    ("Visit us! #A #B #C #D #E", "#D #E", "5 hashtags; more than three look like advertising"),
    ("Visit us! #A b #B c #C d #D e #E", "#D", "5 hashtags; more than three look like advertising"),
    ("Visit us!!", "us!!", "exclamation marks wear off"),
    ("Visit us! Talk to us! Ask us!", "Talk to us! Ask us!", "exclamation marks wear off"),
    ("Visit us, WE PROVE THEOREMS", "PROVE THEOREMS", "capitals read as shouting"),
    ("Visit us for exciting results!", "exciting results", "promises something without saying what"),
    (
        "Visit us " + "and learn " * 16 + "more.",
        "Visit us " + "and learn " * 16 + "more.",
        "35 words in one sentence; a feed is read in passing",
    ),
    (
        "Visit us! " + "You learn a lot of things. " * 12,
        "You learn a lot of things.",
        "the draft is 333 long by X's counting, 280 fit",
    ),
]


@pytest.mark.parametrize(("draft", "quoted", "why"), RULES)
def test_each_remark_fires_on_its_words(draft, quoted, why):
    found = remarks(draft)
    assert [r.quoted for r in found if r.why.startswith(why)] == [quoted]
    assert not [r for r in remarks(EXAMPLE) if r.why.startswith(why)]


def test_suggestions_take_name_and_topic_from_the_facts_or_leave_a_mark():
    (remark,) = remarks("Excited to share. Visit!")
    assert remark.suggestion == "begin with the invitation: Visit LeanDojo's poster and talk to us about LLMs for theorem proving!"
    (remark,) = remarks("Excited to share. Visit!", PosterFacts())
    assert remark.suggestion == "begin with the invitation: Visit our poster and talk to us about [FILL: topic]!"


def test_words_of_a_fact_are_no_matter_of_taste():
    title = "A Novel and Groundbreaking First-Ever Title"
    assert not [r for r in remarks(f"Visit us! {title}", facts(title=title)) if "praises" in r.why]
    assert [r for r in remarks(f"Visit us! {title}") if "praises" in r.why]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from([*WEAK.split(), *EXAMPLE.split(), "!", "\n", "#x", "novel"]), max_size=60).map(" ".join))
def test_every_remark_quotes_the_draft_and_suggests_no_fact(draft):
    for remark in remarks(draft):
        assert remark.quoted in draft
        assert remark.quoted
        assert changes(remark.suggestion, facts()) == ()
