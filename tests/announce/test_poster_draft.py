"""The draft of a poster ad against the facts: what it changes, writes otherwise, or says beside them."""

import re

import pytest

from announce.poster_facts import EXAMPLE, GIVEN, facts, made, told
from breadth.announce.poster.guard import Change, changes, instead


def test_a_draft_that_says_the_facts_is_no_matter():
    result = made(EXAMPLE)
    assert result.ads == made().ads
    assert told(result, "P1") == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("7/28", "7/29", "date: instead of “7/29” say “7/28”"),
        ("7/28", "On the 29th,", "date: instead of “29th” say “7/28”"),
        ("7/28 Friday", "Friday the 29th", "date: instead of “29th” say “7/28”"),
        ("7/28 Friday", "the twenty-ninth", "date: instead of “twenty-ninth” say “7/28”"),
        ("7/28", "July twenty-ninth", "date: instead of “July twenty-ninth” say “7/28”"),
        ("7/28", "7/28/2024", "date: instead of “7/28/2024” say “7/28”"),
        ("7/28 Friday", "Friday 29th", "date: instead of “29th” say “7/28”"),
        ("7/28", "August 28", "date: instead of “August 28” say “7/28”"),
        ("Friday", "Thursday", "weekday: instead of “Thursday” say “Friday”"),
        ("11:45 AM", "11:15 AM", "start: instead of “11:15 AM” say “11:45 AM”"),
        ("11:45 AM", "noon", "start: instead of “noon” say “11:45 AM”"),
        ("12:15 PM", "midnight", "end: instead of “midnight” say “12:15 PM”"),
        ("11:45 AM", "10 o'clock", "start: instead of “10 o'clock” say “11:45 AM”"),
        ("11:45 AM – 12:15 PM", "at 9", "start: instead of “9” say “11:45 AM”"),
        ("12:15 PM", "12:15 AM", "end: instead of “12:15 AM” say “12:15 PM”"),
        ("12:15 PM", "13:15", "end: instead of “13:15” say “12:15 PM”"),
        (
            "11:45 AM – 12:15 PM",
            "12:15 PM – 11:45 AM",
            "start: instead of “12:15 PM – 11:45 AM” say “11:45 AM – 12:15 PM”",
        ),
        ("room 301", "room 310", "room: instead of “310” say “301”"),
        ("room 301", "room Aspen", "room: instead of “Aspen” say “301”"),
        ("Logical", "Logic", f"event: instead of “{GIVEN['event'].replace('Logical', 'Logic')}” say “{GIVEN['event']}”"),
        ("@ the ICML", "@ the NeurIPS", f"event: instead of “{GIVEN['event'].replace('ICML', 'NeurIPS')}” say “{GIVEN['event']}”"),
        (f"@ {GIVEN['event']}", "@ the MATH-AI workshop", f"event: instead of “the MATH-AI workshop” say “{GIVEN['event']}”"),
        (f"@ {GIVEN['event']}", "at NeurIPS", f"event: instead of “NeurIPS” say “{GIVEN['event']}”"),
        (
            f"@ {GIVEN['event']}",
            "at the Deep Learning Symposium",
            f"event: instead of “Deep Learning Symposium” say “{GIVEN['event']}”",
        ),
        (
            "LLMs for",
            "LLMs (https://arxiv.org/abs/2306.15262) for",
            "paper_url: instead of “https://arxiv.org/abs/2306.15262” say “https://arxiv.org/abs/2306.15626”",
        ),
        ("LLMs for", "LLMs (https://github.com/lean\\-dojo/LeanDojo) for", None),
        ("Visit LeanDojo's", "Visit Kaiju Yang's", "authors: instead of “Kaiju Yang” say “Kaiyu Yang”"),
        ("Visit LeanDojo's", "Visit RocqDojo's", "name: instead of “RocqDojo” say “LeanDojo”"),
        (
            "LLMs for theorem proving",
            "LeanDojo: Theorem Proving with Retrieval-Augmented Language Model",
            "title: instead of “LeanDojo: Theorem Proving with Retrieval-Augmented Language Model” say “LeanDojo: Theorem Proving with "
            "Retrieval-Augmented Language Models”",
        ),
        (
            "LLMs for theorem proving",
            "**Proofs That Nobody Has Seen**",
            f"title: instead of “Proofs That Nobody Has Seen” say “{GIVEN['title']}”",
        ),
        ("@ the", "with @KaiyuYang @ the", "handles.Kaiyu Yang: instead of “@KaiyuYang” say “@KaiyuYang4”"),
        ("workshop.", "workshop. #ICML2022", "hashtags: instead of “#ICML2022” say “#ICML2023”"),
    ],
)
def test_a_draft_that_changes_a_fact_is_refused_with_the_difference(old, new, message):
    assert old in EXAMPLE
    result = made(EXAMPLE.replace(old, new))
    if message is None:  # an address with a backslash means the same and opens nothing
        assert told(result, "P1") == [
            "the code_url: instead of “https://github.com/lean\\-dojo/LeanDojo” the ad says “https://github.com/lean-dojo/LeanDojo”: "
            "the same, as the facts write it"
        ]
        return
    assert result.ads is None
    assert told(result, "P1") == [f"the draft changes the {message}: so say the facts; correct them if the draft is right"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("11:45 AM", "11:45am", "start"),
        ("11:45 AM", "11:45", "start"),
        ("7/28", "July 28th", "date"),
        ("7/28", "28/7", "date"),
        ("7/28", "The 28th,", "date"),
        ("7/28", "the 28th of July", "date"),
        ("7/28", "28 July 2023", "date"),
        ("12:15 PM", "12h15", "end"),
        ("Friday", "Fri", "weekday"),
        ("ICML Knowledge", "icml Knowledge", "event"),
    ],
)
def test_the_same_fact_written_otherwise_is_told_and_the_facts_are_kept(old, new, field):
    result = made(EXAMPLE.replace(old, new))
    (message,) = told(result, "P1")
    written = new.removeprefix("The ").removesuffix(",")  # "28th"
    written = written.removeprefix("the ")
    assert re.fullmatch(
        f"the {field}: instead of “.*{written}.*” the ad says “.*{old}.*”: the same, as the facts write it", message
    )
    assert result.ads == made().ads


@pytest.mark.parametrize(
    ("zone", "words", "level"),
    [
        ("PDT", "Pacific Time", "warning"),
        ("PDT", "Pacific Daylight Time", "warning"),
        ("PDT", "Pacific Standard Time", "error"),
        ("Pacific Time", "PT", "warning"),
        ("PDT", "Eastern", "error"),
        ("HST", "Hawaiian Standard Time", "warning"),
        ("HST", "Japan time", "error"),
        ("CEST", "Central European Summer Time", "warning"),
        ("CET", "Central European Summer Time", "error"),
    ],
)
def test_a_zone_in_words_is_held_against_the_facts(zone, words, level):
    result = made(EXAMPLE.replace("12:15 PM,", f"12:15 PM {words},"), zone=zone)
    told_of = {
        "warning": f"the zone: instead of “{words}” the ad says “{zone}”: the same, as the facts write it",
        "error": f"the draft changes the zone: instead of “{words}” say “{zone}”: so say the facts; correct them if the draft is right",
    }
    assert [(p.level, p.message) for p in result.problems if p.id == "P1"] == [(level, told_of[level])]


def test_facts_that_only_a_draft_contradicts_in_kind_are_not_invented():
    assert changes("room 12, board 3, 5 PM", facts()) == (
        Change("room", "301", "12"),
        Change("board", None, "board 3"),
        Change("end", "12:15 PM", "5 PM"),
    )


@pytest.mark.parametrize(
    ("more", "text", "field"),
    [
        ("Doors are in the West Ballroom.", "West Ballroom", "room of the facts"),
        ("It proves 57.2% of theorems.", "57.2%", "one_line of the facts"),
        ("It is on the 3rd floor.", "3rd", "one_line of the facts"),
        ("See you tomorrow.", "tomorrow", "date of the facts"),
        ("We begin at a quarter to twelve.", "a quarter to twelve", "start of the facts"),
        ("We are at ICML 2023.", "ICML 2023", "event of the facts"),
        ("More #Lean.", "#Lean", "hashtags of the facts"),
        ("Times are UTC+2.", "UTC+2", "zone of the facts"),
        ("It won a best paper award.", "best paper award", "one_line of the facts"),
        ("It is an oral presentation, too.", "oral presentation", "one_line of the facts"),
        ("Or meet us online.", "meet us online", "room of the facts"),
    ],
)
def test_what_stands_in_no_fact_is_told_and_left_out(more, text, field):
    result = made(f"{EXAMPLE}{more}", hashtags=["Proofs"])
    assert told(result, "P1") == [
        f"the draft says “{text}”, which stands in no fact, so the ad leaves it out; if it is right, put it into {field}"
    ]
    assert result.ads == made(hashtags=["Proofs"]).ads


@pytest.mark.parametrize(
    "draft",
    [
        EXAMPLE.replace(GIVEN["event"], "ICML"),
        EXAMPLE.replace(GIVEN["event"], "the ICML'23 workshop"),  # the hashtag has the year
        EXAMPLE.replace("11:45 AM – 12:15 PM, ", "") + "It is the 29th conference of its kind.",
        "1. Visit us!\n2. Ask GPT-4 and Task2Vec about the first theorem, and talk for an afternoon.",
        EXAMPLE + "Find us in the Exhibit Hall at the main poster session.",
    ],
)
def test_what_says_nothing_else_is_no_change(draft):
    assert [m for m in told(made(draft), "P1") if "29th" not in m] == []


def test_a_weekday_of_the_draft_that_the_date_is_not():
    result = made(EXAMPLE.replace("Friday", "Saturday"), date="7/28/2023", weekday=None)
    assert result.ads is None
    assert "the weekday: instead of “Saturday” say “Friday”: '7/28/2023' is that; correct the date if it is wrong" in told(
        result, "P1"
    )
    assert made(EXAMPLE, date="7/28/2023", weekday=None).from_draft == {"weekday": "Friday"}


def test_a_difference_is_said_in_words():
    assert instead("room 301", "room  302\nb") == "instead of “room 302 b” say “room 301”"
