"""What is said of figures, and which post states a contribution: with its figure, before it, as its evidence, or alone."""

from dataclasses import replace

import pytest

from announce.sources import SOURCE
from breadth.announce.facts import Facts
from breadth.announce.read.findings import merged
from breadth.announce.source import Item, Quote, Sentence
from breadth.announce.write.clean import clean
from breadth.announce.write.piece import numbers_in
from breadth.announce.write.plan import plan
from breadth.announce.write.trim import best_fit, variants
from breadth.announce.write.units import fits


def with_sentences(*texts, section="4 Results", role="body", page=3, source=SOURCE):
    """The source with more sentences, and their numbers."""
    more = tuple(Sentence(len(source.sentences) + n, page, text, section, role, f"p. {page}") for n, text in enumerate(texts, 1))
    return replace(source, sentences=source.sentences + more), tuple(s.number for s in more)


def figure(number, caption, cited_by=(), page=3, **more):
    return Item(f"Figure {number}", page, (0, 0, 1, 1), caption, 1.0, cited_by=cited_by, **more)


def posts_of(source, facts=None, least=8, most=13):
    return plan(source, facts or Facts(), "x", least=least, most=most).posts


def shown_with(source, item, **counts):
    return next(p for p in posts_of(replace(source, items=(item,)), **counts) if item in p.items)


def test_a_claim_and_its_numbers_right_behind_it_go_before_a_caption_without_any():
    source, numbers = with_sentences(
        "Figure 9 shows that more experts increase the accuracy of long answers.",
        "The slopes are high, with values 0.952 and 0.898.",
    )
    item = figure(9, "Figure 9: Accuracy of answers behaves as expected.", cited_by=numbers[:1])
    post = shown_with(source, item)
    assert post.text == "More experts increase the accuracy of long answers. The slopes are high, with values 0.952 and 0.898."
    assert {n for q in post.evidence for n in q.sentences} == set(numbers)


def test_two_sentences_with_numbers_go_before_the_heading_of_the_same_caption():
    caption = (
        "Routing matters for only a few of the many kinds of documents that we tried. Gains appear with at most 5 out of 39 kinds. "
        "More than 92% of the gains appear with one of two kinds: long letters and transcripts of spoken plays."
    )
    post = shown_with(SOURCE, figure(9, f"Figure 9: {caption}"))
    assert post.text == caption.partition("tried. ")[2]


def test_a_claim_some_sentences_behind_the_pointer_is_said_and_not_the_heading():
    source, numbers = with_sentences(
        "Figure 9 presents the scores of all settings.",
        "The red lines represent training on one machine.",
        "Routing accuracy consistently increases in each of the four settings.",
    )
    post = shown_with(source, figure(9, "Figure 9: Scores across models and settings.", cited_by=numbers[:1]))
    assert post.text == "Routing accuracy consistently increases in each of the four settings."


def test_how_to_read_a_table_is_not_said():
    item = figure(
        9, "Figure 9: Letters of Lantern and DenseNet-Q in seven languages. Bold marks the better model of each of the languages."
    )
    assert shown_with(SOURCE, item).text == "Letters of Lantern and DenseNet-Q in seven languages."


def test_a_contribution_goes_to_the_figure_of_which_only_a_heading_could_be_said():
    source, numbers = with_sentences(
        "We propose a transparent pipeline of four steps for routing letters.", section="1 Introduction"
    )
    quote = Quote(3, source.sentence(numbers[0]).text, numbers)
    item = figure(9, "Figure 9: Overview of the routing pipeline for letters.")
    post = shown_with(replace(source, contributions=(quote,)), item)
    assert post.role == "contribution"
    assert post.text == f"{quote.text}\n\nOverview of the routing pipeline for letters."
    assert [q.text for q in post.evidence] == [quote.text, item.caption]


def test_a_contribution_that_a_figure_says_already_becomes_its_evidence():
    source, numbers = with_sentences("We show that Lantern outperforms dense models on long letters.", section="1 Introduction")
    quote = Quote(3, source.sentence(numbers[0]).text, numbers)
    item = figure(9, "Figure 9: Lantern outperforms dense models on long letters and novels.")
    source = replace(source, contributions=(quote,), results=(), items=(item,))
    posts = [p for p in posts_of(source, Facts(finding="Routing helps.")) if quote in p.evidence]
    assert [(p.role, p.text) for p in posts] == [("item", "Lantern outperforms dense models on long letters and novels.")]


def test_where_posts_are_few_a_contribution_stands_before_its_figure():
    source, numbers = with_sentences(
        "We show that letters and novels are routed to separate experts, which saves memory.",
        "We release a collection of long plays in Latin.",
    )
    quotes = tuple(Quote(3, source.sentence(n).text, (n,)) for n in numbers)
    item = figure(9, "Figure 9: Letters are answered by two experts, novels by one other, in 9.5% of the time.")
    source = replace(source, contributions=quotes, items=(item,))
    texts = [p.text for p in posts_of(source, Facts(finding="Routing helps."), least=1, most=5)]
    assert texts[2:4] == [
        quotes[1].text,
        f"{quotes[0].text}\n\nLetters are answered by two experts, novels by one other, in 9.5% of the time.",
    ]


def test_two_results_that_stand_together_share_a_post_and_a_second_half_never_stands_alone():
    source, numbers = with_sentences(
        "On letters, routing improves accuracy by 1.35×, at most 1.76×.",
        "Similarly, on novels, routing improves accuracy by 1.36×, at most 1.51×.",
        "Even for the largest model, which is among the strongest of its kind in each of the many languages that were tried by anyone, "
        "routing improves accuracy by 3.5%.",
        "For plays, routing improves by 1.4%, up to 4.8%.",
    )
    quotes = tuple(Quote(3, source.sentence(n).text, (n,)) for n in (numbers[0], numbers[3]))
    source = replace(source, results=quotes, items=(), contributions=())
    texts = [p.text for p in posts_of(source, Facts(finding="Routing helps.")) if p.role == "result"]
    both = "On letters, routing improves accuracy by 1.35×, at most 1.76×. On novels, routing improves accuracy by 1.36×, at most 1.51×."
    assert both in texts
    assert not any(t.startswith("For plays") for t in texts)


def test_the_abstracts_result_with_its_counts_has_a_post():
    text = "We conduct experiments that demonstrate that routing helps, totaling 44 models of various sizes (51M to 7B)."
    source, numbers = with_sentences(text, section="Abstract", role="abstract", page=1)
    source = replace(source, abstract=(*SOURCE.abstract, *numbers), results=(Quote(1, text, numbers), *SOURCE.results))
    assert text in [p.text for p in posts_of(source, Facts(finding="Routing helps."))]


def test_a_study_beside_a_paper_says_its_primary_finding_with_its_figure():
    statement = "PT accuracy changes by +0.0083 accuracy per standard deviation over 54 training sets: inconclusive."
    sentence = Sentence(1, None, statement, "inconclusive", "finding", "findings.json: primary")
    drawn = figure(1, "Diversity coefficient against the score.", cited_by=(1,), page=1, file="figure.png")
    dose = figure(2, "Number of domains against the score.", page=1, file="figure-dose.png")
    study = replace(
        SOURCE, kind="study", sentences=(sentence,), results=(Quote(None, statement, (1,)),), limitations=(), items=(drawn, dose)
    )
    made = plan(merged(SOURCE, study), Facts(), "x", least=8, most=13)
    said = [p for p in made.posts if statement in p.text]
    assert [[i.label for i in p.items] for p in said] == [["Figure S1"]]
    assert said[0] is [p for p in made.posts if p.role in ("item", "result")][-1]
    assert ("Figure S2", "no finding is drawn in it") in made.left_out


def test_fits():
    item = figure(9, "Figure 9: Overview of the routing pipeline.")
    assert fits("We propose a pipeline for routing letters.", item, SOURCE) == pytest.approx(4 / 3)
    assert fits("We propose a collection of old plays.", item, SOURCE) == 0


def test_numbers_in():
    assert numbers_in("(2) GPT-2 of 51M to 7B, +0.0083 on 44 sets, 92% and 1.35×") == {"51M", "7B", "+0.0083", "44", "92%", "1.35×"}


@pytest.mark.parametrize(
    "text, shorter",
    [
        ("We conduct a comprehensive set of tests of the router.", "We conduct tests of the router."),
        ("Routing is an important aspect of cost that captures size.", "Routing is an important aspect of cost."),
        (
            "Routing reaches 0.79 when including all experts—all trained on one machine—and it is fast.",
            "Routing reaches 0.79 when including all experts and it is fast.",
        ),
        (
            "Routing reaches 0.79 when including all experts—and 0.7 when including some.",
            "Routing reaches 0.79 when including all experts.",
        ),
        ("We show high accuracy, by comparing them to the bounds.", "We show high accuracy."),
    ],
)
def test_more_cuts(text, shorter):
    assert shorter in variants(text)


@pytest.mark.parametrize(
    "text",
    [
        "Routing takes average time O(t logt) for all t.",
        "Routing brings mediocre improvements (or regressions) on letters.",
        "Routing helps on letters—and not on any of the novels.",
        "Routing is a method that may fail on long letters.",
        "We highlight one result, showing that routing helps.",
    ],
)
def test_what_is_never_cut(text):
    assert variants(text) == (text,)


def test_we_find_that_may_go_from_a_cut_sentence_too():
    text = "We compare Lantern with others, old and new, large and small, and demonstrate that our router is faster than each."
    assert best_fit(text, len, 40, plain=True) == "Our router is faster than each."


@pytest.mark.parametrize(
    "printed, said",
    [
        ("We also observe that routing helps.", "We observe that routing helps."),
        ("Estimates of sizes (black) closely match expressions (colored).", "Estimates of sizes closely match expressions."),
        ("Lantern (a) finds the routes and (b) has high accuracy.", "Lantern finds the routes and has high accuracy."),
        (
            "Routing is not the driver, raising the question of what is.",
            "Routing is not the driver, raising the question of what is.",
        ),
        ("Routing recovers the number of topics (8a).", "Routing recovers the number of topics."),
    ],
)
def test_more_that_points_elsewhere_goes(printed, said):
    assert clean(printed) == said
