"""Statements turned round without a wrong number: each is refused, with and without the post's evidence; other true words pass."""

import pytest

from announce.sources import SOURCE, edited, quote
from breadth.announce.check.markdown import as_thread, write_markdown
from breadth.announce.check.numbers import amount_in, amounts_of
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts

IMPLICATION = "These findings suggest that small routed models might replace larger dense models on long documents."
CORRELATION, WINS, AVERAGE = "The correlation", "Lantern outperforms", "Across 21"
NOWHERE = "is neither in the source nor in the facts; leave it out, or add it to urls in the facts"


def said(level, text, *starts):
    """What the checks say of a post with this text on the evidence of the sentences that start so: with that, and without."""
    written = edited(10, IMPLICATION, text, evidence=tuple(map(quote, starts)))
    by_hand = as_thread(write_markdown(written), SOURCE, Facts(), "x")
    found = [check_thread(thread, SOURCE, Facts()) for thread in (written, by_hand)]
    return [
        {(p.id, p.message.partition("; the source says (")[0]) for p in ps if p.post == 10 and p.level == level} for ps in found
    ]


# text, start of its evidence, check, message
FALSE = {
    "opposite": (
        "The correlation between route entropy and accuracy is low, with an R2 of 0.87.",
        CORRELATION,
        "F3",
        "says 'low' where the source says 'high'",
    ),
    "other end": (
        "Most errors occur at the end of a document.",
        "We find that most",
        "F3",
        "says 'end' where the source says 'start'",
    ),
    "prefix": (
        "The anti-correlation between route entropy and accuracy is high, with an R2 of 0.87.",
        CORRELATION,
        "F3",
        "says 'anti-correlation' where the source says 'correlation'",
    ),
    "another verb of winning": (
        "DenseNet-Q beats Lantern on 17 of 21 benchmarks.",
        WINS,
        "F3",
        "exchanges the sides of 'beats'",
    ),
    "unlike": (
        "Unlike the router, DenseNet-Q does not need a second forward pass.",
        "Unlike",
        "F3",
        "exchanges what stands behind 'unlike'",
    ),
    "negation in other words": ("Most users can run large models.", "Large models such", "F3", "drops 'cannot'"),
    "from and to": (
        "Routing errors fall from 4.8% to 12.5% on average after the second stage of training.",
        "On average",
        "F3",
        "turns 'from 12.5 to 4.8' round",
    ),
    "part for the whole": (
        "Lantern outperforms DenseNet-Q on 21 benchmarks.",
        WINS,
        "F3",
        "says '21' where the source says '17 of 21'",
    ),
    "what is counted": (
        "It can be trained on a single GPU in 16,464 hours.",
        "We propose a router",
        "F3",
        "says '16,464 hours' where the source says '16,464 steps'",
    ),
    "what a range counts": (
        "The benefit is largest for documents of 8k to 32k sentences.",
        "The benefit",
        "F3",
        "says '8k sentences' where the source says '8k tokens'",
    ),
    "rough amount": (
        "We release LanternBench, a collection of hundreds of thousands of long documents in 7 languages.",
        "We release",
        "F1",
        "'hundreds of thousands' stands in no sentence that says this",
    ),
    "factor of ten": (
        "Lantern needs an order of magnitude less energy per answer.",
        "Energy per answer",
        "F1",
        "'order of magnitude' stands in no sentence that says this",
    ),
    "can for might": (
        "These findings show that small routed models can replace larger dense models on long documents.",
        "These findings",
        "F4",
        "drops 'suggest'",
    ),
    "cause": (
        "Lantern causes accuracy gains of 3.4 points on average on every task.",
        AVERAGE,
        "F4",
        "says 'causes', which the source does not",
    ),
    "best ever": (
        "Lantern is the best router ever, improving accuracy by 3.4 points on average.",
        AVERAGE,
        "F4",
        "says 'best router ever', which the source does not",
    ),
    "huge": ("Huge gains: 3.4 points on average.", AVERAGE, "F4", "says 'huge', which the source does not"),
    "name in small letters": (
        "Lantern outperforms llama on 17 of 21 benchmarks.",
        WINS,
        "F5",
        "says 'llama' where the source says 'DenseNet-Q'",
    ),
    "address": ("Details at bit.ly/lantern", AVERAGE, "K1", f"the address 'bit.ly/lantern' {NOWHERE}"),
    "repository": ("Code: github.com/evil/repo", AVERAGE, "K1", f"the address 'github.com/evil/repo' {NOWHERE}"),
    "e-mail": ("Contact: ada@evil.org", AVERAGE, "K1", f"the e-mail address 'ada@evil.org' {NOWHERE}"),
}

# text, start of its evidence, check, message of the warning
DOUBTFUL = {
    "another noun": (
        "The correlation between route entropy and energy is high, with an R2 of 0.87.",
        CORRELATION,
        "F0",
        "says 'energy' where the source says 'accuracy', which may not be the same",
    ),
    "word of nowhere": (
        "Energy per answer in kilowatts: Lantern needs 1.6-2.4 times less.",
        "Figure 3: Energy",
        "F0",
        "says 'kilowatts', which the source nowhere says",
    ),
    "own comparison": (
        "On CodeTrail, Lantern beats DenseNet-Q.",
        "On CodeTrail",
        "F3",
        "'beats' compares what the source does not compare in words: look whether its numbers do",
    ),
}

TRUE = (
    ("DenseNet-Q trails Lantern on 17 of 21 benchmarks.", WINS),
    ("Lantern beats DenseNet-Q on 17 of 21 tasks.", WINS),
    ("It can be trained on a single GPU in 16,464 updates.", "We propose a router"),
    ("We release LanternBench: thousands of long documents in 7 languages.", "We release"),
    ("Large models answer well, yet most users can't run them.", "Large models such"),
    ("On average, routing errors fall to 4.8% from 12.5%.", "On average"),
    ("Code: github.com/quill-lab/sparse_lanterns", "Code is available"),
)


@pytest.mark.parametrize("name", FALSE)
def test_what_is_turned_round_is_refused(name):
    text, start, *problem = FALSE[name]
    written, by_hand = said("error", text, start)
    assert tuple(problem) in written
    assert tuple(problem) in by_hand


@pytest.mark.parametrize("name", DOUBTFUL)
def test_what_is_doubtful_is_told(name):
    text, start, *problem = DOUBTFUL[name]
    assert said("warning", text, start) == [{tuple(problem)}, {tuple(problem)}]
    assert said("error", text, start) == [set(), set()]


@pytest.mark.parametrize(("text", "start"), TRUE)
def test_the_same_in_other_words_passes(text, start):
    assert said("error", text, start) == [set(), set()]


def test_a_short_claim_without_ground_is_told():
    written, by_hand = said("error", "It cures cancer.", AVERAGE)
    assert (written, by_hand) == ({("F0", "'It cures cancer.' says much that its evidence does not")}, set())
    words = "'It cures cancer.' says much that the source does not; no sentence of the source is near it"
    assert said("warning", "It cures cancer.", AVERAGE)[1] == {("F0", words)}


def test_no_author_is_made_of_two():
    with_names = "with Ada Quill, Bo Tanaka and Chiara de Vries"
    mixed = check_thread(edited(1, with_names, "with Ada Tanaka, Bo Quill & Chiara de Vries"), SOURCE, Facts())
    assert [p.message for p in mixed if p.level == "error"] == [
        "names 'Ada Tanaka', who is none of the authors",
        "names 'Bo Quill', who is none of the authors",
    ]
    other = edited(1, with_names, "with Chiara Vries & Ada Quill")
    assert [p.message for p in check_thread(other, SOURCE, Facts()) if p.level == "error"] == []


@pytest.mark.parametrize(
    ("text", "amount", "evidence", "stands"),
    [
        ("We ran dozens of models.", "dozens", "We ran 48 models.", True),
        ("We ran dozens of models.", "dozens", "We ran 8 models.", False),
        ("Hundreds of thousands of pages", "Hundreds of thousands", "It has 230,000 pages.", True),
        ("Hundreds of thousands of pages", "Hundreds of thousands", "It has 1,200 pages.", False),
        ("two orders of magnitude", "orders of magnitude", "It is 120 times faster.", True),
        ("two orders of magnitude", "orders of magnitude", "It is 3 times faster.", False),
    ],
)
def test_rough_amounts(text, amount, evidence, stands):
    assert amounts_of(text) == (amount,)
    assert amount_in(amount, evidence) is stands
