"""Contributions, results and limitations: the forms in which papers print them, and the traps."""

import pytest

from breadth.announce.read.claims import contributions, limitations, results
from breadth.announce.source import Item, Sentence


def paper(*parts):
    """Sentences of (section, role, page, text...)."""
    out = []
    for section, role, page, *texts in parts:
        for text in texts:
            out.append(Sentence(len(out) + 1, page, text, section, role, f"p. {page}"))
    return tuple(out)


def texts(quotes):
    return [q.text for q in quotes]


FIRST = "We propose a router that needs no labels for its routes."
SECOND = "We release a collection of long documents in seven languages."
THIRD = "We show that routing errors explain most of the gap."


def test_a_numbered_list_whose_marks_stand_apart_and_that_a_caption_and_a_page_end_interrupt():
    told = paper(
        ("1 Introduction", "body", 2, "Long texts are hard.", "Hence, our key contributions are:"),
        ("1 Introduction", "list", 2, "1.", FIRST),
        ("1 Introduction", "caption", 3, "Figure 1: The router."),
        ("1 Introduction", "list", 3, "2.", SECOND, "For example, it holds novels of every kind.", "3.", THIRD),
        ("1 Introduction", "body", 3, "The rest of the paper is organised as follows."),
    )
    found = contributions(told)
    assert texts(found) == [FIRST, f"{SECOND} For example, it holds novels of every kind.", THIRD]
    assert [(q.page, q.sentences) for q in found] == [(2, (4,)), (3, (7, 8)), (3, (10,))]


def test_a_list_with_marks_in_the_text_and_bullets():
    for marks in (("1. ", "2. ", "3. "), ("(1) ", "(2) ", "(3) "), ("• ", "• ", "• "), ("- ", "- ", "- ")):
        told = paper(
            ("Introduction", "body", 1, "We then test our explanation in three complementary ways:"),
            ("Introduction", "list", 1, *(m + t for m, t in zip(marks, (FIRST, SECOND, THIRD), strict=True))),
        )
        assert texts(contributions(told)) == [FIRST, SECOND, THIRD]


def test_items_numbered_within_running_sentences():
    told = paper(
        (
            "1 Introduction",
            "body",
            2,
            "In this work, three core contributions are made: 1) A reproducible framework for long texts.",
            "Its pipeline has four steps. 2) A standard scheme of evaluation.",
            "The scheme captures how training goes. 3) Insights into length and reflection.",
            "Analysis reveals that both are coupled.",
        ),
        ("2 Method", "body", 2, "Data serves as the foundation of all that follows."),
    )
    found = contributions(told)
    assert texts(found) == [
        "A reproducible framework for long texts. Its pipeline has four steps",
        "A standard scheme of evaluation. The scheme captures how training goes",
        "Insights into length and reflection. Analysis reveals that both are coupled",
    ]
    assert [q.sentences for q in found] == [(1, 2), (2, 3), (3, 4)]


def test_items_numbered_within_one_sentence_of_the_abstract():
    told = paper(
        (
            "Abstract",
            "abstract",
            1,
            "We test it in two ways: we (1) confirm three predictions on arithmetic tasks; and (2) induce the ability in vision models.",
            "All of it supports the explanation.",
        )
    )
    assert texts(contributions(told)) == ["confirm three predictions on arithmetic tasks", "induce the ability in vision models"]


def test_prose_where_there_is_no_list_without_roadmap_prior_work_and_future():
    told = paper(
        (
            "1 Introduction",
            "body",
            1,
            "Wang et al. (2022) showed that routes can be learned.",
            "Recent work introduced many routers.",
            "In this paper, we construct an efficient router for streams.",
            "We then show that it is competitive with larger models.",
            "We hope to extend it to speech in future work.",
            "We detail our training in the appendix.",
        ),
        ("2 Method", "body", 2, "We propose to split the text into parts of equal length."),
    )
    assert texts(contributions(told)) == [
        "In this paper, we construct an efficient router for streams.",
        "We then show that it is competitive with larger models.",
    ]


def test_a_list_that_is_not_of_contributions_is_left_alone():
    told = paper(
        ("1 Introduction", "body", 1, "These quotations identify the two properties of emergence:"),
        (
            "1 Introduction",
            "list",
            1,
            "1. Sharpness, a sudden transition between levels",
            "2. Unpredictability, at scales that nobody can foresee",
        ),
        (
            "Author contributions",
            "list",
            9,
            "1. Ada wrote the code and the whole paper.",
            "2. Bo designed the study and all the figures.",
        ),
    )
    assert contributions(told) == ()


def test_limitations_under_their_heading_come_first_and_in_order():
    told = paper(
        ("4 Results", "body", 4, "Due to limited resources, we could only evaluate one model."),
        (
            "Limitations",
            "body",
            9,
            "This paper has several limitations.",
            "First, our experiments are limited because some models are private.",
            "We highly recommend larger models where resources allow.",
            "Second, our texts are limited to English.",
            "Prior work has the limitation that it needs labels.",
        ),
    )
    assert texts(limitations(told)) == [
        "First, our experiments are limited because some models are private.",
        "Second, our texts are limited to English.",
        "Due to limited resources, we could only evaluate one model.",
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        "Due to limited resources, we could only evaluate one model.",
        "One potential limitation of our method is the need for a data representation.",
        "Lantern recovers plausible routes, which admittedly aren't excellent, but better than those of the baselines.",
        "A drawback of the proposed router is its need for memory.",
        "Our experiments are restricted to English text.",
        "We do not claim to solve causality through our experiments.",
    ],
)
def test_a_sentence_about_this_work_is_a_limitation_without_a_heading(sentence):
    told = paper(("3 Method", "body", 3, "We propose a new router (Lantern) for text."), ("5 Discussion", "body", 8, sentence))
    assert texts(limitations(told)) == [sentence]


@pytest.mark.parametrize(
    "section, sentence",
    [
        ("1 Introduction", "However, inference algorithms for these models suffer from two key limitations."),
        ("1 Introduction", "These limitations make practical use of these models in the streaming setting difficult."),
        ("2 Related work", "A limitation of this line of work is that our setting is not covered."),
        ("3 Data", "The benchmark was made to evaluate the capabilities and limitations of language models."),
        ("5 Discussion", "To overcome this limitation, we suggest a multimodal embedding."),
        ("5 Discussion", "We reject the notion that the use of models is a limitation."),
        ("5 Discussion", "In future work, the framework will be further refined for improved usability."),
        ("5 Discussion", "We leave the limited case to future work."),
        ("4 Results", "We only applied the penalty and set its weight to zero."),
        ("4 Results", "Previous methods are limited to short texts."),
        ("5 Discussion", "What limits our method?"),
    ],
)
def test_prior_work_overcome_denied_announced_and_set_up_are_no_limitation(section, sentence):
    assert limitations(paper((section, "body", 5, sentence))) == ()


def test_results_come_from_the_abstract_first_and_numbers_go_before_words():
    told = paper(
        ("Abstract", "abstract", 1, "Routers have recently shown strong improvements.", "We find that Lantern beats dense models."),
        (
            "4 Results",
            "body",
            5,
            "Lantern outperforms all baselines.",
            "We found that Lantern improves accuracy by 3.4% over dense models.",
        ),
        ("2 Related work", "body", 3, "Our rivals achieve 3.0% more accuracy than dense models."),
        ("A Appendix", "appendix", 12, "We find that the seed changes accuracy by 0.1%."),
    )
    assert texts(results(told, ())) == [
        "We find that Lantern beats dense models.",
        "We found that Lantern improves accuracy by 3.4% over dense models.",
    ]


def test_a_sentence_that_shows_a_figure_of_the_main_body_counts_more():
    told = paper(
        ("4 Results", "body", 5, "We find higher accuracy for long texts.", "We find higher accuracy for short texts (Figure 2).")
    )
    item = Item("Figure 2", 5, (0, 0, 1, 1), "Figure 2: Accuracy.", 1.0, cited_by=(2,))
    assert [q.sentences for q in results(told, (item,))] == [(2,), (1,)]
    assert [q.sentences for q in results(told, ())] == [(1,), (2,)]


@pytest.mark.parametrize(
    "sentence",
    [
        "We set the learning rate to 0.001 and train for better results.",
        "Wang et al. (2022) found that routes improve accuracy by 3.4%.",
        "We expect that accuracy would increase by 3.4%.",
        "We find in future work that accuracy increases.",
        "lr 0.1 0.2 0.3 0.4 higher 0.5 0.6 0.7 0.8 we find 0.9",
        "Do we find that accuracy increases?",
    ],
)
def test_set_up_prior_work_prediction_future_and_cells_are_no_result(sentence):
    assert results(paper(("4 Results", "body", 5, sentence)), ()) == ()
