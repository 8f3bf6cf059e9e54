"""Checks of truth: each fires on a false statement, with and without the post's own evidence, and its message says what the source says."""

from dataclasses import replace

import pytest

from announce.sources import PAPER_URL, SOURCE, THREAD, edited, problems, quote, with_post
from breadth.announce.check.markdown import as_thread
from breadth.announce.facts import Facts
from breadth.announce.source import Quote
from breadth.announce.thread import Picture

WIKI = "the source says (p. 3): 'On WikiLong, Lantern reaches an accuracy of 71.2%, compared to 64.9% for DenseNet-Q.'"
ENERGY = "the source says (p. 4): 'Energy per answer is 1.6-2.4 times lower than for DenseNet-Q, as Figure 3 shows.'"
MIGHT = (
    "the source says (p. 5): 'These findings suggest that small routed models might replace larger dense models on long documents.'"
)
STEPS = "the source says (p. 2): 'We propose a router without labels that can be trained on a single GPU in 16, 464 steps.'"
AVERAGE = "the source says (p. 4): 'On average, routing errors fall from 12.5% to 4.8% after the second stage of training.'"
BENCH = "the source says (p. 2): 'We release LanternBench, a collection of 1,200 long documents in 7 languages.'"
LIMITS = "the source says (p. 5): 'Our work has a limitation: we only evaluate models of up to 7B parameters.'"
HOOK = "the source says (p. 1): 'Across 21 benchmarks, Lantern improves accuracy by 3.4 points on average over a dense model of the same cost.'"
IMPLICATION = "These findings suggest that small routed models might replace larger dense models on long documents."
LIMIT = "we only evaluate models of up to 7B parameters."
RESULT = "On WikiLong, Lantern reaches an accuracy of 71.2%, compared to 64.9% for DenseNet-Q."


def said(text, *starts):
    """Post 10 says this, on the evidence of the sentences that start so."""
    return edited(10, IMPLICATION, text, evidence=tuple(quote(s) for s in starts))


# What was changed, and the check, post and message, once with the post's evidence and once without (None: as with it).
FALSE = {
    "digit": (edited(3, "16,464", "16,465"), "F1", 3, f"says '16,465' where the source says '16, 464'; {STEPS}", None),
    "end of a range": (
        edited(8, "1.6–2.4×", "1.6–2.5×"),
        "F1",
        8,
        f"'1.6-2.5×' does not stand in this post's evidence; {ENERGY}",
        f"'1.6-2.5×' stands in no sentence that says this; {ENERGY}",
    ),
    "range of another sentence": (
        edited(8, "1.6–2.4×", "0.9–1.2×"),
        "F1",
        8,
        f"says '0.9' where the source says '1.6'; {ENERGY}",
        None,
    ),
    "numbers exchanged": (
        edited(7, "71.2%, compared to 64.9%", "64.9%, compared to 71.2%"),
        "F1",
        7,
        f"says '64.9%' where the source says '71.2%'; {WIKI}",
        None,
    ),
    "unit": (
        edited(1, "3.4 points", "3.4x"),
        "F1",
        1,
        f"says '3.4x' where the source says '3.4'; {HOOK}",
        None,
    ),
    "derived": (
        edited(7, RESULT, "On WikiLong, Lantern reaches 1.4x the accuracy (71.2% vs 64.9%) of DenseNet-Q."),
        "F2",
        7,
        "'1.4x' does not follow from 71.2% and 64.9%: compute it again",
        None,
    ),
    "authors": (
        edited(1, "with Ada Quill, Bo Tanaka and Chiara de Vries", "by Ada Quill and 3 others"),
        "F1",
        1,
        "says '3 others'; of 3 authors it names 1",
        None,
    ),
    "direction": (edited(8, "lower", "higher"), "F3", 8, f"says 'higher' where the source says 'lower'; {ENERGY}", None),
    "sides": (
        said("DenseNet-Q outperforms Lantern on 17 of 21 benchmarks.", "Lantern outperforms"),
        "F3",
        10,
        "exchanges the sides of 'outperforms'; the source says (p. 3): 'Lantern outperforms DenseNet-Q on 17 of 21 benchmarks.'",
        None,
    ),
    "negation dropped": (
        said("Unlike DenseNet-Q, the router does need a second forward pass.", "Unlike"),
        "F3",
        10,
        "drops 'not'; the source says (p. 2): 'Unlike DenseNet-Q, the router does not need a second forward pass.'",
        None,
    ),
    "negation added": (edited(10, "might replace", "might not replace"), "F3", 10, f"adds 'not'; {MIGHT}", None),
    "bound": (edited(11, "up to 7B", "at least 7B"), "F3", 11, f"turns the bound of '7B' round; {LIMITS}", None),
    "other words": (
        said("The number of experts decreases accuracy, which saturates at 8 experts.", "As shown in Figure 2"),
        "F3",
        10,
        "says less where the source says more; the source says (p. 3): 'As shown in Figure 2, accuracy increases with the number of "
        "experts and saturates at 8 experts.'",
        None,
    ),
    "might": (edited(10, "might replace", "replace"), "F4", 10, f"drops 'might'; {MIGHT}", None),
    "suggest": (edited(10, "suggest", "show"), "F4", 10, f"drops 'suggest'; {MIGHT}", None),
    "proves": (edited(10, "suggest", "prove"), "F4", 10, f"says 'prove', which the source does not; {MIGHT}", None),
    "on average, first": (edited(9, "On average, routing", "Routing"), "F4", 9, f"drops 'On average'; {AVERAGE}", None),
    "on average, last": (edited(1, " on average.", "."), "F4", 1, f"drops 'on average'; {HOOK}", None),
    "up to": (edited(11, "up to ", ""), "F4", 11, f"drops 'up to'; {LIMITS}", None),
    "most": (
        said("We find that errors occur at the start of a document.", "We find that most"),
        "F4",
        10,
        "drops 'most'; the source says (p. 4): 'We find that most errors occur at the start of a document.'",
        None,
    ),
    "all": (
        said("We find that all errors occur at the start of a document.", "We find that most"),
        "F4",
        10,
        "says 'all', which the source does not; the source says (p. 4): 'We find that most errors occur at the start of a document.'",
        None,
    ),
    "partially": (
        said("We show that routing errors explain the gap between small and large models.", "We show that routing"),
        "F4",
        10,
        "drops 'partially'; the source says (p. 2): 'We show that routing errors partially explain the gap between small and large models.'",
        None,
    ),
    "praise": (
        edited(4, "We release LanternBench,", "We release LanternBench, the first of its kind,"),
        "F4",
        4,
        f"says 'the first', which the source does not; {BENCH}",
        None,
    ),
    "state of the art": (
        edited(4, "a collection", "a state-of-the-art collection"),
        "F4",
        4,
        f"says 'state-of-the-art', which the source does not; {BENCH}",
        None,
    ),
    "model": (
        edited(7, "DenseNet-Q", "DenseNet-R"),
        "F5",
        7,
        f"the name 'DenseNet-R' stands neither in the source nor in the facts; {WIKI}",
        None,
    ),
    "first word": (
        said("Lantorn outperforms DenseNet-Q on 17 of 21 benchmarks.", "Lantern outperforms"),
        "F5",
        10,
        "says 'Lantorn' where the source says 'Lantern'; the source says (p. 3): 'Lantern outperforms DenseNet-Q on 17 of 21 benchmarks.'",
        None,
    ),
    "month": (
        said("All models were trained in July 2031 on the Willow corpus.", "All models"),
        "F5",
        10,
        "the date 'July' stands neither in the source nor in the facts; the source says (p. 2): 'All models were trained in June 2031 on the "
        "Willow corpus.'",
        None,
    ),
    "year": (
        said("All models were trained in June 2032 on the Willow corpus.", "All models"),
        "F1",
        10,
        "says '2032' where the source says '2031'; the source says (p. 2): 'All models were trained in June 2031 on the Willow corpus.'",
        None,
    ),
    "author": (
        edited(1, "Bo Tanaka", "Bo Tanako"),
        "F5",
        1,
        f"the name 'Tanako' stands neither in the source nor in the facts; {HOOK}",
        "the name 'Tanako' stands neither in the source nor in the facts",
    ),
    "an author who is another": (
        edited(1, "Bo Tanaka", "Bo Lin"),
        "F5",
        1,
        f"the name 'Lin' stands in the source, but not in what this post rests on; {HOOK}",
        "the name 'Lin' stands in the source, but not in what this post rests on",
    ),
    "prior work's limitation": (
        edited(11, LIMIT, "slow training and the need for labelled routes.", evidence=(quote("Two key"),)),
        "F7",
        11,
        "the limitation that it states is not one that the source states of this work; the source's own limitation is (p. 5): 'Our work has a "
        "limitation: we only evaluate models of up to 7B parameters.'; the source says (p. 1): 'Two key limitations of prior work are slow "
        "training and the need for labelled routes.'",
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("markdown", [False, True])
@pytest.mark.parametrize("what", FALSE)
def test_what_is_false_is_an_error(what, markdown):
    thread, id, post, message, without = FALSE[what]
    found = [p.message for p in problems(thread, markdown=markdown) if (p.id, p.level, p.post) == (id, "error", post)]
    wanted = without if markdown and without else message
    assert found
    assert wanted is None or wanted in found


FAKE = Quote(2, "We propose a router that wins.")
EVIDENCE = {
    "invented": (
        with_post(3, evidence=(FAKE,)),
        3,
        "its evidence 'We propose a router that wins.' does not stand in the source: quote the source's own words",
    ),
    "wrong page": (
        with_post(8, evidence=(replace(quote("Energy per"), page=2),)),
        8,
        "its evidence 'Energy per answer is 1.6-2.4 times lower than for DenseNet-Q, as Figure 3 shows.' stands on p. 4, not on p. 2: "
        "quote the source's own words",
    ),
    "none": (
        with_post(3, evidence=()),
        3,
        "says something of the source (contribution) without evidence: quote it or leave it out",
    ),
    "about something else": (
        edited(10, IMPLICATION, "Hospitals worldwide already deploy robots using quantum batteries."),
        10,
        f"'Hospitals worldwide already deploy robots using quantum batteries.' says much that its evidence does not; {MIGHT}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", EVIDENCE)
def test_evidence_stands_in_the_source(what):
    thread, post, message = EVIDENCE[what]
    assert ("F0", "error", post, message) in [(p.id, p.level, p.post, p.message) for p in problems(thread)]


TRUE = {
    "derived": edited(7, RESULT, "On WikiLong, Lantern reaches 1.1x the accuracy (71.2% vs 64.9%) of DenseNet-Q."),
    "rounded": edited(7, "71.2%", "about 71%"),
    "in words": edited(7, RESULT, "On WikiLong, DenseNet-Q reaches an accuracy of 64.9%; Lantern reaches an accuracy of 71.2%."),
    "trimmed": said("Small routed models might replace larger dense models on long documents.", "These findings"),
    "another hedge": edited(10, "might replace", "could replace"),
    "half of a sentence": said("On CodeTrail, Lantern reaches an accuracy of 58.3%.", "On CodeTrail"),
    "fewer authors": edited(1, "with Ada Quill, Bo Tanaka and Chiara de Vries", "by Ada Quill and 2 others"),
    "quotes and dashes": with_post(8, evidence=(Quote(4, "Energy  per answer is 1.6–2.4 times lower than for DenseNet‐Q"),)),
    "capitals": said("Small Routed models might replace larger dense models.", "These findings"),
    "a word within a word": said("Nevertheless, Lantern learns its routes from the loss alone.", "Lantern learns"),
    "not said there": said("Lantern learns its routes from the loss alone.", "Lantern learns"),
}


@pytest.mark.parametrize("what", TRUE)
def test_what_is_true_in_other_form_is_no_error(what):
    assert [p for p in problems(TRUE[what]) if p.level == "error"] == []


def test_an_acronym_of_words_of_the_evidence_is_a_name_that_it_holds():
    evidence = (quote("Small language"),)
    small = with_post(10, text="LLMs are what GPT users run.\n\n10/11", evidence=evidence)
    assert {p.message.split(";")[0] for p in problems(small) if p.id == "F5"} == {
        "the name 'LLMs' stands neither in the source nor in the facts",
        "the name 'GPT' stands in the source, but not in what this post rests on",
    }
    source = replace(SOURCE, sentences=tuple(replace(s, text=s.text.replace("GPT-9", "GPT-9 (LLMs)")) for s in SOURCE.sentences))
    large = with_post(
        10,
        text="LLMs such as GPT-9 answer well, yet most users cannot run them.\n\n10/11",
        evidence=(Quote(1, "Large models such as GPT-9 (LLMs) answer well, yet most users cannot run them."),),
    )
    assert [p for p in problems(large, source=source) if p.id == "F5"] == []


def test_a_name_may_have_an_ending():
    source = replace(
        SOURCE, sentences=tuple(replace(s, text=s.text.replace("GPT-9", "GPT-9-based ones")) for s in SOURCE.sentences)
    )
    text = "Large models such as GPT-9-based ones answer well, yet most users cannot run them."
    for name, wrong in (("GPT-9-based", False), ("GPT-9", False), ("GPT-8-based", True)):
        thread = with_post(10, text=f"{text.replace('GPT-9-based', name)}\n\n10/11", evidence=(Quote(1, text),))
        assert any(p.id == "F5" for p in problems(thread, source=source)) is wrong


def test_names_of_the_facts_may_be_used():
    thread = edited(4, "LanternBench,", "LanternBench (with Zanzibar),")
    assert [p.id for p in problems(thread) if p.level == "error"] == ["F5"]
    assert [p for p in problems(thread, Facts(names=("Zanzibar",))) if p.level == "error"] == []


def test_a_limitation_of_the_facts_is_the_authors_own():
    thread = with_post(11, text="Limitation: it was not tried on whales.\n\n11/11", evidence=())
    assert {p.id for p in problems(thread) if p.level == "error"} == {"F0", "F7"}
    own = "it was not tried on whales."
    thread = with_post(11, text=f"Limitation: {own}\n\n11/11", evidence=(Quote(None, own),))
    assert [p for p in problems(thread, Facts(limitation=own)) if p.level == "error"] == []


def test_a_number_said_of_something_narrower_is_told_with_the_one_that_is_meant():
    """The source gives two ranges, one of answers on long documents; a post by hand gives that one for answers."""
    text = "Energy per long answer is 3-5 times lower than for DenseNet-Q."
    plain = "Energy per answer is 1.6-2.4 times lower than for DenseNet-Q."
    sentences = tuple(
        replace(s, text=text)
        if s.text.startswith("The energy of training")
        else replace(s, text=plain)
        if s.text.startswith("Energy per answer")
        else s
        for s in SOURCE.sentences
    )
    source = replace(SOURCE, sentences=sentences)
    thread = edited(8, "Energy per answer is 1.6–2.4×", "The energy per answer gets 3-5x")
    assert [p.message for p in problems(thread, source=source, markdown=True) if p.id == "F1"] == [
        f"'3-5x' stands in no sentence that says this; the source says (p. 4): '{plain}'"
    ]
    thread = edited(8, "Energy per answer is 1.6–2.4×", "The energy per long answer gets 3-5x")
    assert [p.message for p in problems(thread, source=source, markdown=True) if p.id == "F1"] == []


def test_the_wanted_posts_of_the_wish_are_warned_about():
    """A first post that links another paper's arXiv number, and an address whose underscore is escaped twice, once for Markdown itself."""
    source = replace(SOURCE, paper_url="https://arxiv.org/abs/2306.13841", code_url=None, links=())
    text = (
        "# - tweet 1\n**Sparse Lanterns: Routing Tokens Through Small Language Models**\n\nJoint w/ @ada\n\n"
        "https://arxiv.org/abs/2306.13840\n\n1/2\n"
        "[put image from poster]\n# - tweet 2\nhttps://github.com/brando90/ultimate-utils/blob/master/diversity\\\\_tutorial.md\n\n2/2\n"
        "[counts table]"
    )
    facts = Facts(urls=("https://arxiv.org/abs/2306.13840",))
    found = [
        (p.level, p.post, p.message) for p in problems(as_thread(text, source, facts, "x"), facts, source=source) if p.id == "K1"
    ]
    assert found == [
        (
            "error",
            2,
            "the address 'https://github.com/brando90/ultimate-utils/blob/master/diversity\\_tutorial.md' holds a backslash, which breaks "
            "it: write 'https://github.com/brando90/ultimate-utils/blob/master/diversity_tutorial.md'",
        ),
        ("warning", 1, "links arXiv 2306.13840; this paper is arXiv 2306.13841: change it if it should be this one"),
    ]


def test_posts_without_numbers_pictures_and_title_are_told_so():
    """Posts as a language model wrote them: no n/N, no image, no title, three that say the same."""
    text = "\n".join(f"# - tweet {n}\nOn average, routing errors fall after the second stage of training." for n in range(1, 9))
    found = {(p.id, p.level) for p in problems(as_thread(text, SOURCE, Facts(), "x"))}
    assert {("T1", "error"), ("T2", "error"), ("T3", "error"), ("T4", "error"), ("T6", "error"), ("R1", "warning")} <= found


def test_a_picture_note_never_makes_an_error():
    thread = with_post(7, pictures=(Picture("", "table 2 of the paper"),), items=())
    assert [p for p in problems(thread, markdown=True) if p.level == "error" and p.post == 7] == []


def test_the_address_of_the_paper_is_known_from_the_source():
    assert not [p for p in problems(THREAD) if p.id == "K1"]
    assert [p.post for p in problems(THREAD, source=replace(SOURCE, paper_url=None)) if p.id == "K1" and p.level == "error"] == [1]
    assert not [p for p in problems(THREAD, Facts(paper_url=PAPER_URL), source=replace(SOURCE, paper_url=None)) if p.id == "K1"]
