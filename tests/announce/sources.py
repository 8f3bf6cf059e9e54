"""An invented paper as a Source, and a true thread about it: for tests that need no PDF."""

from dataclasses import replace

from breadth.announce.check.markdown import as_thread, write_markdown
from breadth.announce.check.thread import check_thread
from breadth.announce.facts import Facts
from breadth.announce.source import Item, Link, Quote, Sentence, Source
from breadth.announce.thread import Picture, Post, Thread

TITLE = "Sparse Lanterns: Routing Tokens Through Small Language Models"
AUTHORS = ("Ada Quill", "Bo Tanaka", "Chiara de Vries")
PAPER_URL = "https://arxiv.org/abs/3104.01234"
CODE_URL = "https://github.com/quill-lab/sparse_lanterns"

# (page, section, role, sentences)
_TEXT = [
    (1, "", "title", [TITLE]),
    (
        1,
        "Abstract",
        "abstract",
        [
            "Small language models are cheap to run but often fail on long documents.",
            "We introduce Lantern, a router that sends each token to one of four small experts.",
            "Across 21 benchmarks, Lantern improves accuracy by 3.4 points on average over a dense model of the same cost.",
            "Our results suggest that routing may reduce the energy used per answer by up to 38%.",
            "Code is available at https://github.com/quill-lab/sparse_lanterns.",
        ],
    ),
    (
        1,
        "1 Introduction",
        "body",
        [
            "Large models such as GPT-9 answer well, yet most users cannot run them.",
            "Two key limitations of prior work are slow training and the need for labelled routes.",
            "Lantern learns its routes from the loss alone.",
        ],
    ),
    (
        2,
        "1 Introduction",
        "list",
        [
            "We propose a router without labels that can be trained on a single GPU in 16, 464 steps.",
            "We release LanternBench, a collection of 1,200 long documents in 7 languages.",
            "We show that routing errors partially explain the gap between small and large models.",
        ],
    ),
    (
        2,
        "2 Method",
        "body",
        [
            "The router of Lantern has 51M parameters and each expert has 1.3B parameters.",
            "Figure 1 shows how a token travels through the router to one expert.",
            "Unlike DenseNet-Q, the router does not need a second forward pass.",
            "All models were trained in June 2031 on the Willow corpus.",
        ],
    ),
    (
        3,
        "3 Results",
        "body",
        [
            "Lantern outperforms DenseNet-Q on 17 of 21 benchmarks.",
            "As shown in Figure 2, accuracy increases with the number of experts and saturates at 8 experts.",
            "On WikiLong, Lantern reaches an accuracy of 71.2%, compared to 64.9% for DenseNet-Q.",
            "On CodeTrail, Lantern reaches an accuracy of 58.3%, compared to 59.1% for DenseNet-Q.",
            "Table 1 lists the accuracy on all benchmarks.",
            "The benefit is largest for documents of 8k to 32k tokens.",
        ],
    ),
    (
        4,
        "3 Results",
        "body",
        [
            "Energy per answer is 1.6-2.4 times lower than for DenseNet-Q, as Figure 3 shows.",
            "The energy of training is 0.9-1.2 times that of DenseNet-Q.",
            "On average, routing errors fall from 12.5% to 4.8% after the second stage of training.",
            "Table 2 breaks the routing errors down by language.",
            "We find that most errors occur at the start of a document.",
            "The correlation between route entropy and accuracy is high, with an R2 of 0.87.",
        ],
    ),
    (
        5,
        "5 Discussion",
        "body",
        [
            "These findings suggest that small routed models might replace larger dense models on long documents.",
            "Our work has a limitation: we only evaluate models of up to 7B parameters.",
            "Routing has not been tested on speech.",
            "In future work we will study routers that change their mind.",
        ],
    ),
    (
        6,
        "A Further results",
        "appendix",
        ["Figure 4 repeats the main experiment with another seed, and the accuracy changes by at most 0.3 points."],
    ),
    (6, "References", "reference", ["Mei Lin. Routing without labels. In ICLR, 2029."]),
]

_CAPTIONS = {
    "Figure 1": (2, "Figure 1: Overview of Lantern. Each token passes the router, which picks one of four experts."),
    "Figure 2": (3, "Figure 2: Accuracy against the number of experts on WikiLong. More experts help until 8."),
    "Table 1": (3, "Table 1: Accuracy of Lantern and DenseNet-Q on all 21 benchmarks. Bold marks the better model."),
    "Figure 3": (4, "Figure 3: Energy per answer in joules. Lantern needs 1.6-2.4 times less energy than DenseNet-Q."),
    "Table 2": (4, "Table 2: Routing errors by language before and after the second stage of training."),
    "Figure 4": (6, "Figure 4: The main experiment repeated with another seed."),
}


def _source():
    sentences = []
    for page, section, role, texts in _TEXT:
        for text in texts:
            sentences.append(Sentence(len(sentences) + 1, page, text, section, role, f"p. {page}"))
    for page, text in _CAPTIONS.values():
        sentences.append(Sentence(len(sentences) + 1, page, text, "", "caption", f"p. {page}"))

    def quote(start):
        found = next(s for s in sentences if s.text.startswith(start))
        return Quote(found.page, found.text, (found.number,))

    items = tuple(
        Item(
            label,
            page,
            (100.0, 100.0, 400.0, 250.0),
            caption,
            0.95,
            cited_by=tuple(s.number for s in sentences if label in s.text and s.role in ("body", "appendix")),
            appendix=label == "Figure 4",
        )
        for label, (page, caption) in _CAPTIONS.items()
    )
    return Source(
        kind="paper",
        name="lanterns.pdf",
        title=TITLE,
        authors=AUTHORS,
        venue="NeurIPS 2031",
        abstract=(2, 3, 4, 5, 6),
        sentences=tuple(sentences),
        contributions=(quote("We propose a router"), quote("We release LanternBench"), quote("We show that routing errors")),
        results=(quote("Across 21"), quote("Lantern outperforms"), quote("Energy per answer")),
        limitations=(quote("Our work has a limitation"), quote("Routing has not been")),
        items=items,
        links=(
            Link(CODE_URL, 1, False, True),
            Link("https://github.com/other/densenet-q", 6, True, True),
            Link("https://arxiv.org/abs/2901.00017", 6, True, False),
        ),
        code_url=CODE_URL,
        paper_url=PAPER_URL,
    )


SOURCE = _source()


def quote(start, text=None):
    """The sentence of the invented paper that starts so, or the part ``text`` of it, as evidence."""
    found = next(s for s in SOURCE.sentences if s.text.startswith(start))
    assert text is None or text in found.text
    return Quote(found.page, text or found.text, (found.number,))


def picture(label, alt):
    return Picture(f"figures/{label.lower().replace(' ', '-')}.png", alt)


def _item(body, label, alt, *evidence):
    return Post(body, (picture(label, alt),), evidence, "item", (label,))


_POSTS = (
    Post(
        f"Excited to share our #NeurIPS2031 paper at NeurIPS 2031:\n\n{TITLE}\n\nwith Ada Quill, Bo Tanaka and Chiara de Vries\n\n"
        f"{PAPER_URL}\n\nAcross 21 benchmarks, Lantern improves accuracy by 3.4 points on average.",
        (),
        (quote("Across 21", "Across 21 benchmarks, Lantern improves accuracy by 3.4 points on average"),),
        "title",
    ),
    Post(f"We release our code:\n\n{CODE_URL}", (), (), "code"),
    Post(
        "We propose a router without labels that can be trained on a single GPU in 16,464 steps.",
        (),
        (quote("We propose"),),
        "contribution",
    ),
    Post(
        "We release LanternBench, a collection of 1,200 long documents in 7 languages.", (), (quote("We release"),), "contribution"
    ),
    _item(
        "The router of Lantern has 51M parameters and each expert has 1.3B parameters.\n\nEach token passes the router, which picks one "
        "of four experts.",
        "Figure 1",
        "Figure 1: Overview of Lantern. Each token passes the router, which picks one of four experts.",
        quote("The router of"),
        quote("Figure 1: Over"),
    ),
    _item(
        "Accuracy increases with the number of experts and saturates at 8 experts.",
        "Figure 2",
        "Figure 2: Accuracy against the number of experts on WikiLong. More experts help until 8.",
        quote("As shown in Figure 2"),
    ),
    _item(
        "On WikiLong, Lantern reaches an accuracy of 71.2%, compared to 64.9% for DenseNet-Q.",
        "Table 1",
        "Table 1: Accuracy of Lantern and DenseNet-Q on all 21 benchmarks.",
        quote("On WikiLong"),
        quote("Table 1: "),
    ),
    _item(
        "Energy per answer is 1.6–2.4× lower than for DenseNet-Q.",
        "Figure 3",
        "Figure 3: Energy per answer in joules. Lantern needs 1.6-2.4 times less energy than DenseNet-Q.",
        quote("Energy per"),
    ),
    _item(
        "On average, routing errors fall from 12.5% to 4.8% after the second stage of training.",
        "Table 2",
        "Table 2: Routing errors by language before and after the second stage of training.",
        quote("On average"),
        quote("Table 2: "),
    ),
    Post(
        "These findings suggest that small routed models might replace larger dense models on long documents.",
        (),
        (quote("These findings"),),
        "implication",
    ),
    Post("Limitation: we only evaluate models of up to 7B parameters.", (), (quote("Our work has"),), "limitation"),
)


def numbered(posts):
    """The posts with n/N at their ends."""
    return tuple(replace(p, text=f"{p.text}\n\n{n}/{len(posts)}") for n, p in enumerate(posts, 1))


def thread_of(posts, **changes):
    """A thread about the invented paper with these posts."""
    return replace(
        Thread(
            TITLE,
            AUTHORS,
            "x",
            tuple(posts),
            CODE_URL,
            SOURCE.limitations[0],
            SOURCE.items,
            (("Figure 4", "appendix"), (SOURCE.contributions[2].text, "no room")),
        ),
        **changes,
    )


THREAD = thread_of(numbered(_POSTS))
"""A true thread: no check has anything to say about it."""


NO_FACTS = Facts()


def edited(n, old, new, **changes):
    """The true thread with ``old`` replaced by ``new`` in the text of post n, and other changes of that post."""
    assert old in THREAD.posts[n - 1].text
    return with_post(n, text=THREAD.posts[n - 1].text.replace(old, new), **changes)


def with_post(n, **changes):
    """The true thread with changes of post n."""
    posts = list(THREAD.posts)
    posts[n - 1] = replace(posts[n - 1], **changes)
    return replace(THREAD, posts=tuple(posts))


def problems(thread, facts=NO_FACTS, *, markdown=False, source=SOURCE, **options):
    """What the checker says of a thread; markdown: of the same thread written as Markdown and read back, without its evidence."""
    if markdown:
        thread = as_thread(write_markdown(thread), source, facts, thread.platform)
    return check_thread(thread, source, facts, **options)
