"""The plan: what comes in which order, which pictures share a post, what is left out and why."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE
from breadth.announce.facts import Facts
from breadth.announce.source import Item, Quote, Sentence
from breadth.announce.write.piece import overlap
from breadth.announce.write.plan import plan, room_of
from breadth.announce.write.units import SAME
from breadth.errors import AnnounceError

ORDER = ["title", "code", "context", "contribution", "item", "result", "implication", "limitation", "credits"]


def planned(source=SOURCE, facts=None, **counts):
    return plan(source, facts or Facts(), "x", **({"least": 8, "most": 13} | counts))


def with_sentences(source, *texts, section="3 Results", role="body", page=3):
    more = tuple(Sentence(len(source.sentences) + n, page, text, section, role, f"p. {page}") for n, text in enumerate(texts, 1))
    return replace(source, sentences=source.sentences + more), tuple(s.number for s in more)


def figure(number, caption, cited_by=(), page=3):
    return Item(f"Figure {number}", page, (0, 0, 1, 1), caption, 1.0, cited_by=cited_by)


def test_posts_stand_in_their_order_and_no_two_say_the_same():
    posts = planned().posts
    assert 8 <= len(posts) <= 13
    fixed = [ORDER.index(p.role) for p in posts if p.role not in ("item", "result")]
    assert fixed == sorted(fixed)
    pages = [p.items[0].page for p in posts if p.role == "item"]
    assert pages == sorted(pages)
    texts = [p.text for p in posts[1:]]
    assert all(overlap(a, b) <= SAME for n, a in enumerate(texts) for b in texts[n + 1 :])


def test_the_plan_is_deterministic_and_every_claim_has_evidence():
    assert planned() == planned()
    assert all(p.evidence for p in planned().posts if p.role != "code")


def test_every_figure_of_the_main_body_is_shown_or_left_out_with_a_reason():
    for most in (4, 6, 8, 13):
        made = planned(least=1, most=most)
        assert len(made.posts) <= most
        shown = {i.label for p in made.posts for i in p.items}
        left = dict(made.left_out)
        for item in SOURCE.items:
            if not item.appendix:
                assert (item.label in shown) != (item.label in left), item.label
        assert all(left.values())


def test_the_most_important_items_last_longest():
    source = replace(
        SOURCE,
        items=(
            figure(1, "Figure 1: Hyperparameter configuration of the models."),
            figure(2, "Figure 2: Lantern outperforms the dense baseline on all long documents.", cited_by=(17, 18)),
        ),
    )
    made = planned(source, least=1, most=5)
    assert {i.label for p in made.posts for i in p.items} == {"Figure 2"}
    assert made.left_out[0] == ("Figure 1", "it tells how things were set up")


def test_what_is_said_with_a_picture_comes_from_its_caption_or_who_cites_it():
    for post in planned().posts:
        if post.role == "item":
            numbers = {n for q in post.evidence for n in q.sentences}
            allowed = {n for i in post.items for n in i.cited_by}
            captions = {s.number for s in SOURCE.sentences if s.role == "caption" and any(i.caption == s.text for i in post.items)}
            beside = {n + 1 for n in allowed}
            assert numbers <= allowed | captions | beside, post


def test_a_pointer_opens_the_sentence_after_it():
    source, numbers = with_sentences(
        SOURCE, "Table 9 shows the scores of all models.", "Our router achieves higher accuracy than any other model."
    )
    item = Item("Table 9", 3, (0, 0, 1, 1), "Scores of all models.", 1.0, cited_by=numbers[:1])
    posts = planned(replace(source, items=(item,))).posts
    post = next(p for p in posts if p.items == (item,))
    assert post.text == "Our router achieves higher accuracy than any other model."


def test_a_caption_that_only_tells_how_to_read_the_picture_is_not_said_alone():
    source, numbers = with_sentences(SOURCE, "Accuracy rises with the number of experts on long documents (Figure 9).")
    item = figure(9, "Figure 9: Curves. Red lines denote Lantern.", cited_by=numbers)
    posts = planned(replace(source, items=(item,))).posts
    assert next(p for p in posts if p.items == (item,)).text.startswith(
        "Accuracy rises with the number of experts on long documents."
    )


def test_both_halves_of_a_caption_stay_together():
    item = figure(
        9, "Figure 9: Two views. Top: Lantern answers faster than the dense model. Bottom: The dense model needs more memory."
    )
    posts = planned(replace(SOURCE, items=(item,))).posts
    text = next(p for p in posts if p.items == (item,)).text
    assert text == "Top: Lantern answers faster than the dense model. Bottom: The dense model needs more memory."


def test_related_pictures_share_a_post_where_posts_would_not_last():
    words = ("letters", "novels", "poems", "songs", "laws", "maps", "tales", "plays", "codes", "notes", "hymns", "diaries")
    items = tuple(
        figure(n, f"Figure {n}: Lantern reads {w} faster than dense models read {w}.", page=n) for n, w in enumerate(words, 1)
    )
    made = planned(replace(SOURCE, items=items))
    shared = [p for p in made.posts if len(p.items) == 2]
    assert shared
    assert all(abs(a.page - b.page) <= 2 for a, b in (p.items for p in shared))
    assert all("\n\n" in p.text for p in shared)
    assert len({i.label for p in made.posts for i in p.items}) + len([w for w, _ in made.left_out if w.startswith("Figure")]) == 12


def test_a_finding_that_is_a_caption_brings_its_picture_into_the_first_post():
    item = figure(2, "Figure 2: Sparse routing helps small language models through long documents.")
    made = planned(replace(SOURCE, items=(item,), results=()))
    assert made.posts[0].items == (item,)
    assert made.posts[0].finding == "Sparse routing helps small language models through long documents."
    assert [p for p in made.posts[1:] if p.items] == []


def test_a_contribution_without_a_verb_is_introduced():
    source, numbers = with_sentences(
        SOURCE, "A reproducible router for small models.", "Insights into the routing of long documents."
    )
    quotes = tuple(Quote(3, source.sentence(n).text, (n,)) for n in numbers)
    texts = [p.text for p in planned(replace(source, contributions=quotes)).posts if p.role == "contribution"]
    assert texts == [
        "We contribute a reproducible router for small models.",
        "We contribute: Insights into the routing of long documents.",
    ]


def test_contributions_that_cannot_be_said_are_left_out_with_their_words():
    quote = Quote(2, "These results extend it.", (10,))
    assert ("These results extend it.", "it holds no sentence that fits a post") in planned(
        replace(SOURCE, contributions=(quote, *SOURCE.contributions))
    ).left_out


@pytest.mark.parametrize("platform, room", [("x", 273), ("bluesky", 293), ("mastodon", 493), ("linkedin", 228)])
def test_room(platform, room):
    assert room_of(platform, 13) == room


@pytest.mark.parametrize("most", [3, 4, 5])
def test_no_more_posts_than_were_asked_for(most):
    key = Quote(1, "Across 21 benchmarks, Lantern improves accuracy by 3.4 points over a model of the same cost.", (4,))
    source = replace(SOURCE, contributions=(key,), results=(key,))
    made = planned(source, Facts(finding="Routing works."), least=most, most=most)
    assert len(made.posts) == most
    assert ((key.text, "no room in so few posts") in made.left_out) == (most == 3)


@pytest.mark.parametrize("most", [1, 2])
def test_fewer_posts_than_must_be_are_refused(most):
    with pytest.raises(AnnounceError) as told:
        planned(least=1, most=most)
    assert str(told.value) == f"--posts asks for at most {most}; expected at least 3, for: title, code, limitation"


LONG = "A Title of Many Words That Tells All About the Routing of Tokens Through Small Models in Very Long Documents"


def test_authors_are_cut_before_the_venue_goes():
    names = ("Ada Wilhelmina Quill", "Bo Tanaka-Lindqvist", "Chiara Maria de Vries")
    made = planned(
        facts=Facts(title=LONG, authors=names, venue="Findings of NAACL 2031", finding="Routing works for long documents.")
    )
    assert "our Findings of NAACL 2031 paper" in made.posts[0].text
    assert "and 2 others" in made.posts[0].text
    assert not [what for what, _ in made.left_out if "venue" in what]


def test_a_venue_that_finds_no_room_is_said_to_be_left_out():
    venue = "the Workshop on " + "Very Long and Other Matters of Routing in " * 5 + "Models"
    made = planned(facts=Facts(title=LONG, venue=venue))
    assert venue not in made.posts[0].text
    assert (f"the venue '{venue}'", "no room in the first post") in made.left_out


def test_linkedin_names_all_authors_and_keeps_to_its_length():
    names = tuple(f"{first} {last}" for first in ("Ada", "Bo", "Chiara") for last in ("Quill", "Tanaka", "de Vries"))
    made = plan(SOURCE, Facts(title=LONG, authors=names), "linkedin", least=8, most=13)
    assert f"By {', '.join(names[:-1])} & {names[-1]}" in made.posts[0].text
    assert sum(len(p.text) + len("\n\n") for p in made.posts) <= 3000
