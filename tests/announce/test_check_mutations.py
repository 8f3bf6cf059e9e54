"""Corruptions of true threads, of nine kinds: the checker refuses nearly all of them, and no true thread."""

import runpy
from pathlib import Path
from random import Random

import pytest

from announce.sources import SOURCE, THREAD, edited, quote
from breadth.announce.check.markdown import as_thread, write_markdown
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.read.paper import read_paper
from breadth.announce.source import Quote
from breadth.announce.thread import Post, Thread
from breadth.announce.write.extractive import write_thread

ROOT = Path(__file__).parents[2]
PAPERS = ROOT.parent / "shared" / "papers"
# By its path: as a folder of modules, benchmarks would hide the folders of tests of the same names.
CORRUPTIONS = runpy.run_path(str(ROOT / "benchmarks" / "corruptions.py"))
KINDS, corrupt = CORRUPTIONS["KINDS"], CORRUPTIONS["corrupt"]

DATED = edited(
    10,
    "These findings suggest that small routed models might replace larger dense models on long documents.",
    "All models were trained in June 2031 on the Willow corpus.\n\nWe find that most errors occur at the start of a document.",
    evidence=(quote("All models"), quote("We find that most")),
)


def forms(thread, source, facts):
    """The thread with its evidence, and read back from Markdown without."""
    return thread, as_thread(write_markdown(thread), source, facts, thread.platform)


def errors(thread, source, facts):
    return {(p.id, p.post, p.message) for p in check_thread(thread, source, facts) if p.level == "error"}


def caught(cases, each, seed):
    """{kind: [tried, caught with evidence, caught without]} of up to ``each`` different corruptions a kind."""
    found = {}
    for kind in KINDS:
        rng, seen, count = Random(f"{seed} {kind}"), set(), [0, 0, 0]
        for _ in range(20 * each):
            thread, source, facts = cases[rng.randrange(len(cases))]
            bad = corrupt(thread, source, kind, rng)
            if bad is None or bad == thread or write_markdown(bad) in seen or count[0] == each:
                continue
            seen.add(write_markdown(bad))
            count[0] += 1
            for k, form in enumerate(forms(bad, source, facts), 1):
                count[k] += bool(errors(form, source, facts))
        found[kind] = count
    return found


@pytest.mark.parametrize("thread", [THREAD, DATED])
def test_true_threads_are_accepted(thread):
    assert [errors(form, SOURCE, Facts()) for form in forms(thread, SOURCE, Facts())] == [set(), set()]


def test_corruptions_of_the_invented_papers_threads_are_refused():
    found = caught([(THREAD, SOURCE, Facts()), (DATED, SOURCE, Facts())], 4, 1)
    assert {kind: count[0] for kind, count in found.items()} == dict.fromkeys(KINDS, 4)
    assert {kind: count[1:] for kind, count in found.items()} == {kind: [4, 4] for kind in KINDS}


def test_a_kind_that_a_thread_does_not_hold_is_none():
    bare = edited(1, "#NeurIPS2031 paper at NeurIPS 2031", "paper")
    assert corrupt(bare, SOURCE, "date", Random(0)) is None


def told_of_its_own_sentences(source, evidence):
    """(post, error of truth) of posts that each are one sentence of the source, with that as their evidence or without any."""
    own = [x for x in source.sentences if x.role in ("abstract", "body", "list", "caption") and 40 < len(x.text) < 260]
    posts = [Post(f"{x.text}\n\n1/1", (), (Quote(x.page, x.text, (x.number,)),) if evidence else ()) for x in own]
    thread = Thread(source.title, source.authors, "x", (Post("A title"), *posts), None, None, source.items)
    found = check_thread(thread, source, Facts(), most=len(posts) + 1)
    return len(own), [
        (own[p.post - 2].text, p.message) for p in found if p.level == "error" and p.id in ("F0", "F1", "F2", "F3", "F4", "F5")
    ]


@pytest.mark.parametrize("evidence", [True, False])
def test_what_the_invented_paper_says_is_true(evidence):
    assert told_of_its_own_sentences(SOURCE, evidence) == (36, [])


@pytest.mark.slow  # some two minutes
@pytest.mark.parametrize("evidence", [True, False])
def test_what_real_papers_say_is_true(evidence):
    paths = sorted(PAPERS.glob("*.pdf"))
    if not paths:
        pytest.skip(f"no papers in {PAPERS}")
    counts, wrong = zip(*(told_of_its_own_sentences(read_paper(path), evidence) for path in paths), strict=True)
    assert sum(counts) > 500
    assert [x for found in wrong for x in found] == []


@pytest.mark.slow  # some five minutes
def test_200_corruptions_of_real_threads_are_refused():
    paths = sorted(PAPERS.glob("*.pdf"))
    if not paths:
        pytest.skip(f"no papers in {PAPERS}")
    cases = []
    for source in map(read_paper, paths):
        known = Facts(
            venue=source.venue or "ICML 2023",
            paper_url="https://arxiv.org/abs/2304.15004",
            code_url=source.code_url or "https://github.com/a-b/my_code",
            hashtags=("#ICML2023",),
        )
        cases += [(write_thread(source, facts, "x"), source, facts) for facts in (known, Facts())]
    for case in cases:
        assert [errors(form, *case[1:]) for form in forms(*case)] == [set(), set()]
    found = caught(cases, 23, 7)
    assert sum(count[0] for count in found.values()) >= 200
    for form in (1, 2):
        assert sum(count[form] for count in found.values()) >= 0.98 * sum(count[0] for count in found.values()), found
        assert all(count[form] >= 0.9 * count[0] for count in found.values()), found
