"""What the next sentence takes back is said with that one, or another is said; a limitation is a weakness, not a boast."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE
from breadth.announce.facts import Facts
from breadth.announce.source import Quote, Sentence
from breadth.announce.write.adverse import taken_back, with_adverse
from breadth.announce.write.plan import plan
from breadth.announce.write.planned import Planned
from breadth.announce.write.told import limitation_post

FIRST = "Lantern transfers well to the speech of 12 distant languages."


def paper(behind, section="4 Transfer"):
    """The invented paper with FIRST and a sentence behind it, and the quote of FIRST."""
    n = len(SOURCE.sentences)
    more = (Sentence(n + 1, 4, FIRST, "4 Transfer", "body", "p. 4"), Sentence(n + 2, 4, behind, section, "body", "p. 4"))
    return replace(SOURCE, sentences=SOURCE.sentences + more), Quote(4, FIRST, (n + 1,))


@pytest.mark.parametrize(
    "behind, said",
    [
        ("However, this does not extend to its tones.", "However, this does not extend to its tones."),
        ("On the other hand, the tones are lost.", "On the other hand, the tones are lost."),
        ("But the tones of its many vowels are lost in the noise.", "But the tones of its many vowels are lost in the noise."),
    ],
)
def test_a_sentence_that_is_taken_back_is_said_with_what_takes_it_back(behind, said):
    source, quote = paper(behind)
    post = with_adverse(Planned("result", FIRST, (quote,)), source, len, 200)
    assert post.text == f"{FIRST} {said}"
    assert [q.text for q in post.evidence] == [FIRST, behind]
    short = Planned("result", FIRST, (quote,))
    assert with_adverse(short, source, len, len(FIRST) + 20) == short


@pytest.mark.parametrize(
    "behind, section", [("The tones are kept.", "4 Transfer"), ("However, the tones are lost.", "5 Discussion")]
)
def test_what_is_not_taken_back_stays(behind, section):
    source, quote = paper(behind, section)
    assert taken_back(source, quote) is None
    post = Planned("result", FIRST, (quote,))
    assert with_adverse(post, source, len, 200) == post


def test_another_result_is_said_before_one_that_is_taken_back_at_length():
    source, quote = paper(
        "However, this does not extend to its tones, " + "which no router of any of the many kinds ever keeps " * 6 + "."
    )
    n = len(source.sentences)
    other = Sentence(n + 1, 4, "Clay probes of the rivers are off by 3 points in the summer.", "4 Transfer", "body", "p. 4")
    source = replace(source, sentences=(*source.sentences, other), items=(), contributions=(), abstract=())
    source = replace(source, results=(quote, Quote(4, other.text, (n + 1,))))
    made = plan(source, Facts(finding="Routing works.", limitation="We tested one model."), "x", least=4, most=4)
    assert [p.text for p in made.posts if p.role == "result"] == [other.text]


def test_a_boast_is_no_limitation_but_what_it_concedes_is():
    boast = Quote(5, "The clusters admittedly are not excellent, but are significantly better than those of others.", (1,))
    weak = Quote(5, "We could only test one model.", (2,))
    post, quote = limitation_post(replace(SOURCE, limitations=(weak, boast)), Facts(), len, 250)
    assert (post.text, quote) == ("Limitation: We could only test one model.", weak)
    post, quote = limitation_post(replace(SOURCE, limitations=(boast,)), Facts(), len, 250)
    assert (post.text, quote) == ("Limitation: The clusters admittedly are not excellent.", boast)
    praise = Quote(5, "The other methods are old, but ours is better than all of them.", (1,))
    post, quote = limitation_post(replace(SOURCE, limitations=(praise,)), Facts(), len, 250)
    assert (post.text, quote) == ("Limitation: [FILL: limitation]", None)
