"""What a post says goes with its picture: also a sentence that goes on from where the picture is named, and what is said for the blind."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE, problems, with_post
from breadth.announce.source import Quote, Sentence

POINTS = (
    "Figure 3 shows the energy.",
    "Batteries last long.",
    "Nobody expected that every lamp in the hall would shine for a week.",
)
SAID = POINTS[2]


def source_with(*texts, cites=("Figure 3", 0)):
    """The invented paper with a paragraph more, of which one sentence names an item."""
    at = SOURCE.sentences[-1].number + 1
    more = tuple(Sentence(at + n, 4, text, "4 Energy", "body", "p. 4") for n, text in enumerate(texts))
    label, n = cites
    items = tuple(replace(i, cited_by=(*i.cited_by, at + n)) if i.label == label else i for i in SOURCE.items)
    return replace(SOURCE, sentences=SOURCE.sentences + more, items=items)


def told(n, source, *, markdown):
    """What F6 says of post n with SAID in it, whose picture stays."""
    number = next(s.number for s in source.sentences if s.text == SAID)
    thread = replace(with_post(n, text=f"{SAID}\n\n{n}/11", evidence=(Quote(4, SAID, (number,)),)), items=source.items)
    return [(p.level, p.message) for p in problems(thread, source=source, markdown=markdown) if (p.id, p.post) == ("F6", n)]


@pytest.mark.parametrize("markdown", [False, True])
def test_what_goes_on_from_a_pointer_to_the_picture_is_about_it(markdown):
    assert told(8, source_with(*POINTS), markdown=markdown) == []


def test_what_is_of_no_picture_is_told_so():
    source = source_with("Nothing is shown.", *POINTS[1:], cites=("Figure 3", 0))
    message = "what it says stands neither in the caption of Figure 3 nor where that is named"
    assert told(8, source, markdown=False) == [("warning", message)]
    other = source_with(POINTS[0], "Table 2 is small.", POINTS[1], SAID)
    assert told(8, other, markdown=False) == [("warning", message)]


@pytest.mark.parametrize("markdown", [False, True])
def test_with_another_picture_it_is_refused(markdown):
    caption = "Figure 3: Energy per answer in joules. Lantern needs 1.6-2.4 times less energy than DenseNet-Q."
    message = f"shows Figure 1, but what it says is of Figure 3: '{caption}'"
    assert told(5, source_with(*POINTS), markdown=markdown) == [("error", message)]


@pytest.mark.parametrize("markdown", [False, True])
def test_but_not_where_that_picture_is_named_nearby(markdown):
    after = source_with(*POINTS, "As we saw in Figure 1, tokens travel.", cites=("Figure 3", 0))
    at = after.sentences[-1].number
    items = tuple(replace(i, cited_by=(*i.cited_by, at)) if i.label == "Figure 1" else i for i in after.items)
    assert [level for level, _ in told(5, replace(after, items=items), markdown=markdown) if level == "error"] == []
