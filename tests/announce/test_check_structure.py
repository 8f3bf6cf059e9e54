"""Checks of number, order, parts, length, pictures, links and reading: each fires on a fault, with its message, and on no true thread."""

from dataclasses import replace

import pytest

from announce.sources import CODE_URL, NO_FACTS, PAPER_URL, SOURCE, THREAD, TITLE, edited, picture, problems, quote, with_post
from breadth.announce.facts import Facts
from breadth.announce.thread import FURTHER, Picture

POSTS = THREAD.posts


def swapped(a, b):
    posts = list(POSTS)
    posts[a - 1] = replace(POSTS[a - 1], pictures=POSTS[b - 1].pictures)
    posts[b - 1] = replace(POSTS[b - 1], pictures=POSTS[a - 1].pictures)
    return replace(THREAD, posts=tuple(posts))


@pytest.mark.parametrize("markdown", [False, True])
def test_a_true_thread_has_no_error(markdown):
    assert [p for p in problems(THREAD, markdown=markdown) if p.level == "error"] == []


@pytest.mark.parametrize("markdown", [False, True])
def test_a_true_thread_has_no_warning(markdown):
    assert problems(THREAD, markdown=markdown) == ()


def test_long_prose_is_told_where_it_is_not_the_sources_own():
    own = "These findings suggest that small routed models might replace larger dense models on long documents."
    long = f"{own} {THREAD.posts[7].text.split(chr(10))[0]}"
    assert len(long) > 150
    assert not [p for p in problems(edited(10, own, long, evidence=(quote("These"), quote("Energy")))) if p.id == "L1"]
    words = (
        "In plain words: small models with good routes might one day stand in for large ones, and whoever runs them would pay less."
    )
    thread = edited(10, own, f"{own} {words}", evidence=(quote("These"),))
    told = f"prose of more than 150 characters in posts 10 ({len(own) + 1 + len(words)}): shorter reads better"
    assert [(p.level, p.post, p.message) for p in problems(thread) if p.id == "L1"] == [("warning", None, told)]
    elsewhere = [p.id for p in problems(replace(thread, platform="bluesky")) if p.message == told]
    assert elsewhere == ["L2"]


def test_a_finding_that_aligns_with_something_is_a_finding_and_joint_work_with_someone_is_none():
    told = "Across 21 benchmarks, Lantern improves accuracy by 3.4 points on average."
    for words, expected in (
        ("Lantern aligns with routing of long documents.", []),
        ("Joint with Ada Quill of long documents.", [1]),
    ):
        thread = edited(1, told, words)
        assert [
            p.post for p in problems(thread) if (p.id, p.message) == ("T2", "tells no finding: add one in plain words")
        ] == expected


FAULTS = {
    "number": (edited(3, "3/11", "4/11"), "error", "T1", 3, "its last line must be '3/11'; it has '4/11'"),
    "no number": (edited(3, "\n\n3/11", ""), "error", "T1", 3, "its last line must be '3/11'; it has no number"),
    "two numbers": (
        edited(3, "We propose", "3/11\nWe propose"),
        "error",
        "T1",
        3,
        "holds the number '3/11' once more: keep only its last line '3/11'",
    ),
    "too few": (replace(THREAD, posts=POSTS[:7]), "error", "T1", None, "the thread has 7 posts; 8 to 13 are wanted"),
    "too many": (replace(THREAD, posts=(*POSTS, *POSTS[:3])), "error", "T1", None, "the thread has 14 posts; 8 to 13 are wanted"),
    "title": (edited(1, "Routing", "Steering"), "error", "T2", 1, f"does not hold the title; it is '{TITLE}'"),
    "capitals": (
        edited(1, "Routing", "routing"),
        "warning",
        "T2",
        1,
        f"writes the title with other capitals; the source has '{TITLE}'",
    ),
    "paper": (edited(1, PAPER_URL, ""), "warning", "T2", 1, f"does not link the paper: add {PAPER_URL}"),
    "no finding": (
        edited(1, "Across 21 benchmarks, Lantern improves accuracy by 3.4 points on average.", ""),
        "warning",
        "T2",
        1,
        "tells no finding: add one in plain words",
    ),
    "code": (
        edited(2, CODE_URL, ""),
        "error",
        "T3",
        2,
        f"the second post links no code: add {CODE_URL}, or say that there is none",
    ),
    "code late": (
        replace(THREAD, posts=(POSTS[0], POSTS[2], POSTS[1], *POSTS[3:])),
        "error",
        "T3",
        3,
        f"links the code ({CODE_URL}), which belongs into post 2",
    ),
    "no limitation": (
        with_post(11, text="Read the paper!\n\n11/11", role="implication"),
        "error",
        "T4",
        None,
        "no post states a limitation of the work: add one, or [FILL: limitation]",
    ),
    "early limitation": (
        replace(THREAD, posts=(*POSTS[:9], POSTS[10], POSTS[9])),
        "warning",
        "T4",
        10,
        "the limitation stands in post 10 of 11; it belongs at the end",
    ),
    "order of parts": (
        replace(THREAD, posts=(*POSTS[:9], POSTS[10], POSTS[9])),
        "warning",
        "T5",
        11,
        "a post of the kind 'implication' stands behind one of the kind 'limitation'",
    ),
    "contribution": (
        replace(THREAD, left_out=THREAD.left_out[:1]),
        "warning",
        "T5",
        None,
        "the contribution 'We show that routing errors partially explain the gap between small and large models.' is in no post: "
        "add it or list it as left out",
    ),
    "no contributions": (
        replace(THREAD, posts=tuple(replace(p, role="result") if p.role == "contribution" else p for p in POSTS)),
        "warning",
        "T5",
        None,
        "no post states a contribution",
    ),
    "item gone": (
        with_post(5, pictures=()),
        "error",
        "T6",
        None,
        "Figure 1 is in no post: show it, or write it under '# - left out' with the reason",
    ),
    "note": (
        with_post(5, pictures=(Picture("", "img of the overview"),), items=()),
        "warning",
        "T6",
        None,
        "Figure 1 are in no post, as far as the notes on pictures tell; write [image: figures/figure-1.png | alt: ...] or list them "
        "under '# - left out'",
    ),
    "outside": (
        with_post(5, pictures=(Picture("../x.png", "a"),)),
        "error",
        "T7",
        5,
        "the picture '../x.png' is not inside the thread's folder, such as figures/figure-2.png",
    ),
    "long": (
        edited(3, "We propose", "We propose " + "x" * 250),
        "error",
        "L1",
        3,
        "is 344 long by X's counting; at most 280: shorten it by 64",
    ),
    "long elsewhere": (
        replace(edited(3, "We propose", "We propose " + "x" * 250), platform="bluesky"),
        "error",
        "L2",
        3,
        "is 344 long in graphemes; at most 300: shorten it by 44",
    ),
    "other file": (
        with_post(5, pictures=(replace(POSTS[4].pictures[0], file="figures/figure-2.png"),)),
        "error",
        "F6",
        5,
        "shows Figure 2, but the words for the picture are of Figure 1",
    ),
    "pictures swapped": (
        swapped(5, 8),
        "error",
        "F6",
        5,
        "shows Figure 3, but what it says is of Figure 1: 'Figure 1: Overview of Lantern. Each token passes the router, which picks one of "
        "four experts.'",
    ),
    "promised": (with_post(5, pictures=()), "error", "F6", 5, "is the post of Figure 1, but its picture is none"),
    "names another": (edited(6, "Accuracy", "See Figure 3: accuracy"), "error", "F6", 6, "speaks of Figure 3, but shows Figure 2"),
    "names none": (
        edited(6, "Accuracy", "See Figure 9: accuracy"),
        "error",
        "F6",
        6,
        "speaks of Figure 9, which the source does not have",
    ),
    "file of none": (
        with_post(6, pictures=(picture("Figure 9", "a"),)),
        "error",
        "F6",
        6,
        "shows figures/figure-9.png; the source has no Figure 9",
    ),
    "words of another": (
        with_post(8, pictures=(replace(POSTS[7].pictures[0], alt="Routing errors by language in two stages of training"),)),
        "error",
        "F6",
        8,
        "shows Figure 3, but the words for the picture fit Table 2: 'Routing errors by language in two stages of training'",
    ),
    "no words": (
        with_post(5, pictures=(replace(POSTS[4].pictures[0], alt=" "),)),
        "warning",
        "R3",
        5,
        "figures/figure-1.png has no words for who cannot see it: add 'alt: ...'",
    ),
    "many words": (
        with_post(5, pictures=(replace(POSTS[4].pictures[0], alt="Figure 1 " + "a " * 500),)),
        "warning",
        "R3",
        5,
        "the words for figures/figure-1.png have 1009 characters; at most 1000",
    ),
    "number in words": (
        with_post(8, pictures=(replace(POSTS[7].pictures[0], alt="Figure 3: Energy, 5.5 joules."),)),
        "error",
        "F1",
        8,
        "'5.5' in the words for figures/figure-3.png stands nowhere about Figure 3",
    ),
    "address": (
        edited(1, PAPER_URL, PAPER_URL[:-1] + "5"),
        "error",
        "K1",
        1,
        f"the address '{PAPER_URL[:-1]}5' is neither linked in the source nor in the facts; did you mean '{PAPER_URL}'?; if it is right, "
        "add it to urls in the facts",
    ),
    "foreign arXiv number": (
        edited(3, "steps.", "steps, unlike https://arxiv.org/abs/2901.00017"),
        "warning",
        "K1",
        3,
        "links arXiv 2901.00017; this paper is arXiv 3104.01234: change it if it should be this one",
    ),
    "escaped underscore": (
        edited(2, "sparse_lanterns", "sparse\\_lanterns"),
        "error",
        "K1",
        2,
        f"the address 'https://github.com/quill-lab/sparse\\_lanterns' holds a backslash, which breaks it: write '{CODE_URL}'",
    ),
    "stop behind address": (
        edited(2, "sparse_lanterns", "sparse_lanterns."),
        "error",
        "K1",
        2,
        f"the address '{CODE_URL}.' ends in punctuation, which breaks it: write '{CODE_URL}' and a space",
    ),
    "placeholder": (
        edited(1, PAPER_URL, "https://openreview.net/forum?id=XXXX"),
        "error",
        "K1",
        1,
        "the address 'https://openreview.net/forum?id=XXXX' is a placeholder: give the real one",
    ),
    "tags": (edited(3, "steps.", "steps. #A #B #C #D"), "warning", "K2", 3, "has 4 hashtags; 3 are enough"),
    "year of tag": (
        edited(1, "#NeurIPS2031", "#NeurIPS2030"),
        "error",
        "K2",
        1,
        "the hashtag '#NeurIPS2030' has another year than the venue, 'NeurIPS 2031'",
    ),
    "venue of tag": (
        edited(1, "#NeurIPS2031", "#ICML2031"),
        "warning",
        "K2",
        1,
        "the hashtag '#ICML2031' names a venue that neither the source nor the facts give: set venue",
    ),
    "handle": (
        edited(2, "We release", "@ada and I release"),
        "error",
        "K2",
        2,
        "the handle '@ada' is not in the facts; only the author knows handles",
    ),
    "overlap": (
        with_post(4, text=POSTS[2].text.replace("3/11", "4/11"), evidence=POSTS[2].evidence),
        "warning",
        "R1",
        4,
        "says much of what post 3 says: gpu, label, router, singl, step, train",
    ),
    "LaTeX": (edited(8, "Energy", "$E_{q}$ energy"), "warning", "R2", 8, "holds LaTeX: '$E_{q}$'"),
    "citation": (edited(8, "Energy", "Energy [12]"), "warning", "R2", 8, "holds a citation mark: '[12]'"),
    "open citation": (
        edited(8, "Energy", "Energy (?)"),
        "warning",
        "R2",
        8,
        "holds a citation that the paper leaves open: '(?)'",
    ),
    "bare figure": (
        edited(8, "Energy per answer is", "Figure 3 shows energy per answer is"),
        "warning",
        "R2",
        8,
        "begins with what a figure shows: say the finding itself",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_check_fires(fault):
    thread, level, id, post, message = FAULTS[fault]
    assert (level, id, post, message) in [(p.level, p.id, p.post, p.message) for p in problems(thread)]
    assert (level, id, post, message) not in [(p.level, p.id, p.post, p.message) for p in problems(THREAD)]


def ids(thread, facts=NO_FACTS, **options):
    return {(p.id, p.level, p.post) for p in problems(thread, facts, **options)}


def test_the_wanted_number_of_posts_is_an_option():
    assert ("T1", "error", None) in ids(THREAD, least=12)
    assert ("T1", "error", None) not in ids(THREAD, most=11)
    assert ("T1", "error", None) in ids(THREAD, most=10)


def test_too_few_posts_are_no_error_where_the_thread_says_why():
    short = replace(THREAD, posts=POSTS[:7], left_out=(*THREAD.left_out, (FURTHER, "the paper has only 7 sentences")))
    said = [(p.level, p.message) for p in problems(short) if p.id == "T1" and p.post is None]
    assert said == [("warning", "the thread has 7 posts; 8 to 13 are wanted, but the paper has only 7 sentences")]
    long = replace(THREAD, posts=(*POSTS, *POSTS[:3]), left_out=short.left_out)
    assert ("T1", "error", None) in {(p.id, p.level, p.post) for p in problems(long)}


def test_without_code_none_is_wanted():
    without = edited(
        2,
        f"We release our code:\n\n{CODE_URL}",
        "Lantern learns its routes from the loss alone.",
        evidence=(quote("Lantern learns"),),
    )
    assert ("T3", "error", 2) in ids(without)
    assert ("T3", "error", 2) not in ids(without, Facts(no_code=True))


def test_a_repository_that_the_paper_only_cites_is_not_its_code():
    unknown = replace(SOURCE, code_url=None)
    cited = edited(2, CODE_URL, "https://github.com/other/densenet-q")
    assert ("T3", "error", 2) in ids(cited, source=unknown)
    assert ("T3", "error", 2) not in ids(cited, Facts(urls=("https://github.com/other/densenet-q",)), source=unknown)


def test_marks_to_fill_stand_for_code_and_limitation():
    unknown = replace(SOURCE, code_url=None)
    filled = edited(2, CODE_URL, "[FILL: code url]")
    assert ("T3", "error", 2) not in ids(filled, source=unknown)
    assert ("T3", "error", 2) in ids(edited(2, CODE_URL, ""), source=unknown)
    assert not {i for i in ids(with_post(11, text="[FILL: limitation]\n\n11/11", evidence=())) if i[1] == "error"}


def test_facts_go_before_the_source():
    facts = Facts(
        title="Many Lanterns", code_url="https://github.com/quill-lab/other", urls=("https://lanterns.org",), venue="ICML 2033"
    )
    assert {("T2", "error", 1), ("T3", "error", 2)} <= ids(THREAD, facts)
    assert ("K1", "error", 3) in ids(edited(3, "steps.", "steps https://lanterns.org"))
    assert ("K1", "error", 3) not in ids(edited(3, "steps.", "steps https://lanterns.org"), facts)


def test_a_handle_of_the_facts_is_right_and_one_near_it_is_told():
    facts = Facts(handles={"Ada Quill": "@adaquill", "Bo Tanaka": "bo@mastodon.org"})
    assert ("K2", "error", 2) not in ids(edited(2, "We release", "@adaquill, @bo@mastodon.org and I release"), facts)
    found = [p.message for p in problems(edited(2, "We release", "@adaq and I release"), facts) if p.id == "K2"]
    assert found == ["the handle '@adaq' is not in the facts; did you mean '@adaquill'?; only the author knows handles"]


def test_a_handle_that_an_author_wrote_by_hand_is_a_warning():
    thread = edited(2, "We release", "@ada and I release")
    assert {p.level for p in problems(thread, markdown=True) if p.id == "K2"} == {"warning"}


def test_thanks_may_follow_the_limitation():
    posts = (*POSTS[:9], POSTS[10], replace(POSTS[9], text="Thanks to all readers!\n\n11/11", evidence=(), role="credits"))
    assert ("T4", "warning", 10) not in ids(replace(THREAD, posts=posts))


def test_items_left_out_and_those_of_the_appendix_need_no_post():
    gone = replace(with_post(5, pictures=(), items=()), left_out=(*THREAD.left_out, ("Figure 1", "no room")))
    assert not {i for i in ids(gone) if i[0] == "T6"}
