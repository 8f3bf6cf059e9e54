"""The poster ad: three lengths from the facts, which stay as they are; what differs, is doubtful or missing is told."""

import re
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from announce.poster_facts import EXAMPLE, GIVEN, TODAY, facts, made, told
from breadth.announce.check.length import weighted_length
from breadth.announce.poster import PosterFacts, poster, read_poster_facts
from breadth.announce.poster.when import day, minutes, weekday
from breadth.errors import AnnounceError


def test_the_example_of_the_wish_in_three_lengths():
    ads = made().ads
    assert ads.x == (
        "Visit LeanDojo's poster and talk to us about LLMs for theorem proving!\n"
        "7/28 Friday, 11:45 AM – 12:15 PM, room 301,\n"
        "@ the ICML Knowledge and Logical Reasoning in the Era of Data-driven Learning workshop\n"
        "https://arxiv.org/abs/2306.15626\n"
        "#ICML2023\n"
        "Code: https://github.com/lean-dojo/LeanDojo"
    )
    assert weighted_length(ads.x, "x") <= 280
    assert ads.linkedin == (
        "Visit LeanDojo's poster and talk to us about LLMs for theorem proving!\n\n"
        "LeanDojo: Theorem Proving with Retrieval-Augmented Language Models\nKaiyu Yang, Aidan M. Swope, Alex Gu\n\n"
        "When: 7/28 Friday, 11:45 AM – 12:15 PM\n"
        "Where: room 301 @ the ICML Knowledge and Logical Reasoning in the Era of Data-driven Learning workshop\n\n"
        "Paper: https://arxiv.org/abs/2306.15626\nCode: https://github.com/lean-dojo/LeanDojo\n\n"
        "#ICML2023"
    )
    assert ads.one_line == (
        "LeanDojo: LLMs for theorem proving – 7/28 Friday, 11:45 AM – 12:15 PM, room 301 "
        "@ the ICML Knowledge and Logical Reasoning in the Era of Data-driven Learning workshop https://arxiv.org/abs/2306.15626"
    )


def test_the_empty_draft_of_the_wish_gives_marks_and_invents_nothing():
    result = poster(PosterFacts(), "\n", today=TODAY)
    assert result.missing == ("title", "authors", "topic", "date", "start", "end", "room", "event", "paper_url")
    assert result.ads.x == (
        "Visit our poster [FILL: title] and talk to us about [FILL: topic]!\n"
        "[FILL: date], [FILL: start] – [FILL: end], room [FILL: room],\n@ [FILL: event]\n[FILL: paper url]"
    )
    assert not re.search(r"\d", result.ads.x + result.ads.linkedin + result.ads.one_line)
    assert (result.feedback, result.from_draft) == ((), {})
    assert told(result, "P2") == [
        'room is missing; give it, or room = "" where there is none',
        'zone is missing; give it, or zone = "" where there is none',
        'event is missing; give it, or event = "" where there is none',
        'a link (paper_url or code_url) is missing; give it, or paper_url = "" where there is none',
    ]


def test_a_draft_without_facts_is_read_and_told():
    result = poster(PosterFacts(), EXAMPLE, today=TODAY)
    assert result.from_draft == {
        "date": "7/28",
        "weekday": "Friday",
        "room": "301",
        "start": "11:45 AM",
        "end": "12:15 PM",
        "event": GIVEN["event"],
        "topic": GIVEN["topic"],
        "name": "LeanDojo",
    }
    assert result.missing == ("title", "authors", "paper_url")
    assert result.ads.x.startswith(
        "Visit LeanDojo's poster and talk to us about LLMs for theorem proving!\n"
        "7/28 Friday, 11:45 AM – 12:15 PM, room 301,\n@ the ICML "
    )


@pytest.mark.parametrize(
    ("draft", "read"),
    [
        ("Monday or Tuesday, 7/28 or 7/29", {}),
        ("3 PM", {"start": "3 PM"}),
        ("9-10 AM", {"start": "9", "end": "10 AM"}),
        ("at 10:00, 11:00 and 12:00", {}),
        ("14:00 – 15:30 CEST, Hall B, board #12", {"start": "14:00", "end": "15:30", "zone": "CEST", "room": "B", "board": "12"}),
        (
            "Code https://github.com/a/b, paper https://a.org/p.",
            {"code_url": "https://github.com/a/b", "paper_url": "https://a.org/p"},
        ),
        ("https://a.org/1 https://a.org/2", {}),
        ("https://a.org/x\\_y", {}),
        ("arxiv.org/abs/2306.15626 and/or hutps://a.org/x", {}),
        ("**A Title of a Paper**", {"title": "A Title of a Paper"}),
        ("the PT and ET models on CT images", {}),
    ],
)
def test_only_what_is_sure_is_read_from_a_draft(draft, read):
    assert poster(PosterFacts(), draft, today=TODAY).from_draft == read


def test_the_zone_is_asked_for_only_where_no_room_says_where():
    assert "zone" not in made(zone=None).missing
    assert made(zone=None, room="").missing == ("zone",)
    assert "[FILL: zone]" in made(zone=None, room="").ads.x
    assert 'zone is missing; give it, or zone = "" where there is none' in told(made(zone=None), "P2")


NO_DAY = {"Griday", "Fsiday", "Frjday", "Frieay", "Fridby", "Fridaz"}  # nothing that could be read as another weekday


@pytest.mark.parametrize("field", ["title", "event", "date", "weekday", "start", "end", "room", "paper_url"])
def test_every_changed_letter_of_a_fact_is_found(field):
    """P1 by mutation: one letter or digit of a fact is replaced, at each place, and each such draft is told, but for what is no
    weekday or time any more; the ad has the facts in any case."""
    value = GIVEN[field]
    text = {"room": f"room {value}"}.get(field, value)
    silent = set()
    for i, c in enumerate(value):
        if not c.isalnum():
            continue
        other = string.ascii_lowercase[(string.ascii_lowercase.find(c.lower()) + 1) % 26] if c.isalpha() else str((int(c) + 1) % 10)
        other = other.upper() if c.isupper() else other
        mutant = value[:i] + other + value[i + 1 :]
        result = made(f"Come! {text.replace(value, mutant)}.")
        if not told(result, "P1"):
            silent.add(mutant)
        assert result.ads is None or result.ads == made().ads
    assert silent == (NO_DAY if field == "weekday" else set())


DOUBTS = [
    ({"date": "7/28/2023", "weekday": "Thursday"}, "date '7/28/2023' is a Friday, not a Thursday; check both"),
    ({"date": "28.7.2023", "weekday": "Sat"}, "date '28.7.2023' is a Friday, not a Sat; check both"),
    ({"date": "July 28, 2023", "weekday": "Freitag"}, "weekday 'Freitag' cannot be read, so that it is not checked"),
    ({"date": "7/28"}, "date '7/28' has no year, so that the weekday cannot be checked"),
    (
        {"date": "7/28", "weekday": "Monday", "event": "ICML 2023"},
        "date '7/28' is a Friday in 2023, the year of the event, not a Monday; check both",
    ),
    ({"date": "8/7/2023", "weekday": "Friday"}, "date '8/7/2023' is a Saturday or Monday, not a Friday; check both"),
    (
        {"date": "2/30/2023"},
        "date '2/30/2023' cannot be read, so that it is not checked; write it such as 7/28/2023 or July 28, 2023",
    ),
    ({"date": "2/29/2023"}, "date '2/29/2023' is no day of 2023"),
    ({"date": "June 30, 2023", "weekday": None}, "date 'June 30, 2023' is past; today is 2023-07-01"),
    (
        {"date": "tomorrow"},
        "date 'tomorrow' cannot be read, so that it is not checked; write it such as 7/28/2023 or July 28, 2023",
    ),
    ({"end": "11:15 AM"}, "end '11:15 AM' is not after start '11:45 AM'; check both"),
    ({"end": "12:15 AM"}, "end '12:15 AM' is not after start '11:45 AM'; check both"),
    ({"start": "early"}, "start 'early' cannot be read, so that it is not checked; write it such as 11:45 AM"),
    ({"start": "12:30 PM", "end": "noon"}, "end 'noon' is not after start '12:30 PM'; check both"),
    ({"room": None}, 'room is missing; give it, or room = "" where there is none'),
    ({"hashtags": ["a", "b", "c", "d"]}, "4 hashtags are given; up to three are read, more look like advertising"),
    (
        {"paper_url": "https://openreview.net/forum?id=XXXX"},
        "paper_url https://openreview.net/forum?id=XXXX looks like a placeholder; check that it opens",
    ),
]


@pytest.mark.parametrize(("changed", "message"), DOUBTS)
def test_doubts_are_told_and_nothing_is_put_right(changed, message):
    result = made(**changed)
    assert message in told(result, "P2")
    for value in changed.values():
        if isinstance(value, str):
            assert value in result.ads.linkedin
    assert {p.level for p in result.problems if p.id == "P2"} == {"warning"}


@pytest.mark.parametrize(
    "changed",
    [
        {"date": "7/28/2023"},
        {"date": "2023-07-28"},
        {"date": "28 July 2023", "weekday": "Fri"},
        {"date": "July 28, 2023", "start": "23:30", "end": "23:45"},
        {"date": "7/8/2023", "weekday": "Monday"},  # in August, as half the world writes
        {"date": "7/28", "event": "ICML 2023"},
    ],
)
def test_facts_that_fit_raise_no_doubt(changed):
    assert told(made(**changed), "P2") == []


@pytest.mark.parametrize(
    ("text", "readings", "year"),
    [
        ("7/28", ((7, 28),), None),
        ("7/8", ((7, 8), (8, 7)), None),
        ("7/28/23", ((7, 28),), 2023),
        ("2023-07-28", ((7, 28),), 2023),
        ("28.7.2023", ((7, 28),), 2023),
        ("Jul 28", ((7, 28),), None),
        ("28th of July, 2023", ((7, 28),), 2023),
        ("July twenty-eighth", ((7, 28),), None),
        ("first of August", ((8, 1),), None),
    ],
)
def test_dates_as_people_write_them(text, readings, year):
    read = day(text)
    assert (read.readings, read.year) == (readings, year)


def test_times_and_weekdays_as_people_write_them():
    times = {
        "11:45 AM": 705,
        "12 AM": 0,
        "12:15 PM": 735,
        "12:15pm": 735,
        "3 p.m.": 900,
        "0:30": 30,
        "23:59": 1439,
        "noon": 720,
        "12 noon": 720,
        "midnight": 1440,
        "3 o'clock": 180,
        "15h30": 930,
        "13 PM": None,
        "9:75": None,
    }
    assert {t: minutes(t) for t in times} == times
    assert [weekday(t) for t in ("Mon", "Tues", "wednesday", "Thu", "FRIDAY", "Sat", "Sunday", "someday")] == [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        None,
    ]


def test_what_does_not_fit_into_280_is_left_out_and_facts_never_are():
    many = {f"A{i}": f"@someone_with_a_long_name_{i}" for i in range(9)}
    ads = made(handles=many).ads
    assert "with @" not in ads.x
    assert "#ICML2023" in ads.x
    long_topic = "language models that prove theorems in Lean with premises that are retrieved from a large library of proofs"
    ads = made(topic=long_topic).ads
    assert ads.x.startswith("Visit LeanDojo's poster and talk to us!\n7/28 Friday")
    assert long_topic in ads.linkedin
    result = made(name=None, title="A Title " * 30 + "Ends")
    assert next(p for p in result.problems if p.id == "P3").message == (
        f"the ad for x is {weighted_length(result.ads.x, 'x')} long with the facts alone, 280 fit; "
        "give name = ..., a short name of the work, instead of the title"
    )
    assert ("A Title " * 30 + "Ends") in result.ads.x


words = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=20)
phrase = st.lists(words, min_size=1, max_size=8).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(("title", "topic", "date", "weekday", "start", "end", "zone", "room", "event"), phrase)))
def test_facts_stand_in_the_ads_character_for_character(random_facts):
    """P1 for any facts, whatever characters they have."""
    known = {**random_facts, "authors": [random_facts["title"][::-1]]}
    ads = poster(PosterFacts.model_validate(known), "", today=TODAY).ads
    for field in ("date", "weekday", "start", "end", "zone", "room", "event"):
        assert all(random_facts[field] in text for text in (ads.x, ads.linkedin, ads.one_line)), field
    assert random_facts["title"] in ads.linkedin
    assert known["authors"][0] in ads.linkedin


def test_facts_files(tmp_path):
    path = tmp_path / "f.toml"

    def refused(text):
        path.write_text(text)
        with pytest.raises(AnnounceError) as caught:
            read_poster_facts(path)
        return str(caught.value)

    path.write_text('date = 2023-07-28\nstart = 11:45:00\nroom = "301"\nauthors = ["A B"]\n')
    known = read_poster_facts(path)
    assert (known.date, known.start, known.room, known.authors) == ("2023-07-28", "11:45", "301", ("A B",))
    fields = ", ".join(PosterFacts.model_fields)
    assert refused('rom = "301"') == f"facts '{path}': unknown key 'rom'; expected one of: {fields}; did you mean 'room'?"
    assert (
        refused("room = ") == f"facts '{path}' is not TOML (Invalid value (at end of document)); give lines such as: room = \"301\""
    )
    assert refused("room = 301") == f"facts '{path}': room is text in quotes: room = \"...\""
    one = "one line is expected, without spaces around it"
    assert refused('room = "301 "') == f"facts '{path}': room: {one}; correct the value"
    assert refused('title = "a\\nb"') == f"facts '{path}': title: {one}; correct the value"
    assert refused('title = "a\\u001b[2Jb"') == f"facts '{path}': title: {one}; correct the value"
    address = "an address is expected, https://... without spaces, backslashes or a full stop at its end"
    for bad in ("arxiv.org/abs/1", "https://a.org/x\\\\_y", "https://a.org/x.", "javascript:alert(1)"):
        assert refused(f'paper_url = "{bad}"') == f"facts '{path}': paper_url: {address}; correct the value"
    assert refused('[handles]\nA = "b"') == f"facts '{path}': handles.A: a handle is expected, such as @name; correct the value"
    assert refused('hashtags = ["a b"]') == (
        f"facts '{path}': hashtags.0: a hashtag is expected, such as #ICML2023; correct the value"
    )
    assert refused(f'room = "{"x" * 501}"').startswith(f"facts '{path}': room: String should have at most 500 characters")
    with pytest.raises(
        AnnounceError, match=r"^facts '.*none.toml': No such file or directory; give a TOML file with title, date, room and"
    ):
        read_poster_facts(tmp_path / "none.toml")


def test_a_hostile_draft_takes_no_long_time():
    long_title = " ".join(["Language Models"] * 30)
    for draft in (
        "@ " * 5000,
        "1/" * 5000,
        "a " * 5000,
        "Room " * 2000,
        "11:45 " * 1600,
        "https://a.b/" * 800,
        "**" * 5000,
        "talk to us about " * 600,
    ):
        begun = time.process_time()
        poster(facts(title=long_title), draft[:10_000], today=TODAY)
        assert time.process_time() - begun < 5, draft[:20]
