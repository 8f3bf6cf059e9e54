"""What is added to a true sentence, or turned in it without a number: riders, praise, opposites, names; and the words for pictures."""

import re
from dataclasses import replace

import pytest

from announce.sources import SOURCE, THREAD, edited, problems, quote, with_post

IMPLICATION = "These findings suggest that small routed models might replace larger dense models on long documents."
LIMIT = "we only evaluate models of up to 7B parameters."
WIKI = "On WikiLong, Lantern reaches an accuracy of 71.2%, compared to 64.9% for DenseNet-Q."
BETTER = replace(
    SOURCE,
    sentences=tuple(
        replace(s, text="On whole books Lantern has a better accuracy, which its authors had hoped for, at a higher price.")
        if s.text.startswith("Routing has not been")
        else s
        for s in SOURCE.sentences
    ),
)


def said(thread, n, level, *, markdown=False, source=SOURCE):
    """(check, message up to what the source says) of a level for post n."""
    found = problems(thread, markdown=markdown, source=source)
    return [(p.id, re.split(r"; (?:the source says|no sentence)", p.message)[0]) for p in found if p.post == n and p.level == level]


RIDERS = {
    "which": (LIMIT[:-1] + ", which hardly matters.", "hardly"),
    "though": (LIMIT[:-1] + ", though this is of little practical importance.", "of little practical importance"),
    "alone": (LIMIT + " That is not a problem.", "is not a problem"),
    "easily": (LIMIT + " It can easily be fixed.", "easily be fixed"),
}


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize("rider", RIDERS)
def test_a_limitation_is_not_made_light_of(rider, markdown):
    text, words = RIDERS[rider]
    told = ("F4", f"makes light of what the source says, with '{words}', which it does not say")
    assert told in said(edited(11, LIMIT, text), 11, "error", markdown=markdown)


@pytest.mark.parametrize("markdown", [False, True])
def test_a_result_is_not_made_light_of_behind_its_sentence(markdown):
    thread = edited(7, WIKI, WIKI[:-1] + ", which is irrelevant.")
    told = ("F4", "makes light of what the source says, with 'irrelevant', which it does not say")
    assert told in said(thread, 7, "error", markdown=markdown)


@pytest.mark.parametrize("markdown", [False, True])
def test_another_clause_is_told(markdown):
    thread = edited(7, WIKI, WIKI[:-1] + ", which makes users happy.")
    assert ("F4", "adds 'which makes users happy', which the source does not say there") in said(
        thread, 7, "warning", markdown=markdown
    )
    assert not [p for p in said(thread, 7, "error", markdown=markdown) if p[0] == "F4"]


def test_what_the_source_says_lightly_may_be_said():
    light = replace(
        SOURCE,
        sentences=tuple(
            replace(s, text=f"{s.text[:-1]}, which hardly matters.") if s.text.startswith("Our work has") else s
            for s in SOURCE.sentences
        ),
    )
    own = next(s for s in light.sentences if s.text.startswith("Our work has"))
    thread = edited(11, LIMIT, LIMIT[:-1] + ", which hardly matters.", evidence=(replace(quote("Our work"), text=own.text),))
    assert said(thread, 11, "error", source=light) == []


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize(
    ("n", "old", "new", "told"),
    [
        (4, "a collection", "the largest collection", ("F4", "says 'the largest', which the source does not")),
        (4, "a collection", "an unmatched collection", ("F4", "says 'unmatched', which the source does not")),
        (
            9,
            "routing errors",
            "Willow errors",
            ("F5", "the name 'Willow' stands in the source, but not in what this post rests on"),
        ),
        (7, "DenseNet-Q", "Routing", ("F5", "says 'Routing' where the source says 'DenseNet-Q'")),
        (10, "long documents", "short documents", ("F3", "says 'short' where the source says 'long'")),
        (10, "might replace", "might not not replace", ("F3", "adds 'not'")),
    ],
)
def test_a_word_that_changes_all_is_refused(n, old, new, told, markdown):
    assert told in said(edited(n, old, new), n, "error", markdown=markdown)


@pytest.mark.parametrize("markdown", [False, True])
def test_a_comparison_of_a_thing_is_kept_in_other_words(markdown):
    start = "On whole books"
    text = next(s.text for s in BETTER.sentences if s.text.startswith(start))
    number = next(s.number for s in BETTER.sentences if s.text == text)
    evidence = (replace(quote("Our work"), text=text, sentences=(number,)),)
    for word, wrong in (("worse", True), ("better", False)):
        words = f"Its authors had hoped: Lantern reaches a {word} accuracy on whole books, but the price is higher."
        thread = edited(10, IMPLICATION, words, evidence=evidence)
        told = ("F3", "says 'worse accuracy' where the source says 'better accuracy'")
        assert (told in said(thread, 10, "error", markdown=markdown, source=BETTER)) is wrong
        assert bool([p for p in said(thread, 10, "error", markdown=markdown, source=BETTER) if p[0] == "F3"]) is wrong


def alt(words):
    """The true thread with other words for the picture of post 8."""
    return with_post(8, pictures=(replace(THREAD.posts[7].pictures[0], alt=words),))


@pytest.mark.parametrize("markdown", [False, True])
def test_the_words_for_a_picture_keep_to_the_source(markdown):
    turned = alt("Figure 3: Energy per answer in joules. Lantern needs 1.6-2.4 times more energy than DenseNet-Q.")
    assert ("F3", "in the words for figures/figure-3.png: says 'more' where the source says 'less'") in said(
        turned, 8, "error", markdown=markdown
    )
    praised = alt("Figure 3: Energy per answer in joules. Lantern always needs 1.6-2.4 times less energy than DenseNet-Q.")
    assert ("F4", "in the words for figures/figure-3.png: says 'always', which the source does not") in said(
        praised, 8, "error", markdown=markdown
    )


@pytest.mark.parametrize("markdown", [False, True])
def test_what_only_the_picture_may_show_is_a_warning(markdown):
    thread = alt("Figure 3, a bar chart: energy per answer in joules for Lantern, DenseNet-Q and MegaRouter.")
    told = "in the words for figures/figure-3.png: the name 'MegaRouter' stands neither in the source nor in the facts"
    assert ("F5", told) in said(thread, 8, "warning", markdown=markdown)
    assert said(thread, 8, "error", markdown=markdown) == []
