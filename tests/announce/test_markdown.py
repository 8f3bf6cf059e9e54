"""A thread as Markdown: what was written reads back exactly, and what people write is read."""

import re
from html import unescape
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from announce.sources import SOURCE
from breadth.announce.check.markdown import as_thread, read_left_out, read_markdown, write_markdown
from breadth.announce.facts import Facts
from breadth.announce.thread import Picture, Post, Thread
from breadth.errors import AnnounceError

NASTY = st.text(st.sampled_from("a1 \n\t\\|][#-`.é→*:/<>&;_~=+)("), max_size=30) | st.sampled_from(
    [
        "https://x.org/a_b",
        "https://x.org/_a_?b=1&lt;<b>*",
        "**Bold**",
        "&amp;",
        "<b>",
        "[a](javascript:x)",
        "~~~",
        "===",
        "    code",
        "# - tweet 2",
        "[image: a.png | alt: b]",
        "[FILL: code url]",
        "```",
        "# - left out",
        "\\",
        "1/8",
        "alt: x",
        " [note] ",
        "| a",
    ]
)
TEXTS = st.lists(NASTY, min_size=1, max_size=4).map("\n".join)
WORDS = TEXTS.map(str.strip).filter(bool)


def thread(posts, left_out=()):
    return Thread("T", ("A",), "x", tuple(posts), None, None, (), tuple(left_out))


@given(st.lists(st.builds(Post, TEXTS, st.lists(st.builds(Picture, WORDS, TEXTS), max_size=2).map(tuple)), min_size=1, max_size=3))
def test_what_was_written_reads_back_exactly(posts):
    assert read_markdown(write_markdown(thread(posts))) == tuple(posts)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=3))
def test_what_was_left_out_reads_back_exactly(left_out):
    assert read_left_out(write_markdown(thread([Post("a")], left_out))) == tuple(left_out)


def test_the_written_form_is_the_wanted_one():
    posts = [
        Post("Hello\n\n1/2", (Picture("figures/figure-2.png", "A plot [a|b].\nTwo lines"),)),
        Post("# - tweet 9\n\n[FILL: code url]\n\n2/2"),
    ]
    assert write_markdown(thread(posts, [("Figure 5", "no room: 8 posts")])) == (
        "# - tweet 1\nHello\n\n1/2\n[image: figures/figure-2.png | alt: A plot \\[a\\|b\\].\\nTwo lines]\n\n"
        "# - tweet 2\n\\# - tweet 9\n\n[FILL: code url]\n\n2/2\n\n"
        "# - left out\n- Figure 5 | no room: 8 posts\n"
    )


HOSTILE = [
    "<script>alert(1)</script> <img src=x onerror=alert(2)> <!-- a",
    "**<b>A</b> [title](javascript:alert(1))**",
    "[a](https://evil.org) ![b](https://evil.org/b.png) [c][d] <https://evil.org>",
    "[d]: https://evil.org",
    "[FILL: a](https://evil.org)",
    "# Heading",
    "Heading\n===",
    "Heading\n---",
    "* a\n+ b\n- c\n1. d\n2) e",
    "> quoted",
    "a | b\n--- | ---\nc | d",
    "`code` ```\n~~~\nfence",
    "~~gone~~ *leaning* _leaning_ __bold__ a*b*c",
    "    code\n\tcode",
    "https://x.org/<script>alert(1)</script> https://x.org/`a`",
    "\\<b> \\\\<b> \\`a\\` a\\",
    "&lt;b&gt; &#60; &copy;",
]


def shown(text):
    """Return the HTML of Markdown as a page that allows HTML, tables and strikethrough shows it."""
    markdown_it = pytest.importorskip("markdown_it")
    return markdown_it.MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text)


@pytest.mark.parametrize("bad", [*HOSTILE, "\n\n".join(HOSTILE)])
def test_text_of_a_paper_is_shown_as_text(bad):
    posts = [Post(f"{bad}\n\n1/2", (Picture("a.png", bad), Picture("", bad))), Post(f"Hello.\n{bad} goes on\n\n{bad}\n\n2/2")]
    written = write_markdown(thread(posts, [(bad, bad)]))
    assert read_markdown(written) == tuple(posts)
    assert read_left_out(written) == ((bad.strip(), bad.strip()),)
    html = shown(written)
    assert set(re.findall(r"<[a-z][^>]*>", html)) <= {"<h1>", "<p>", "<ul>", "<li>", *(["<strong>"] if "**<b>" in bad else [])}
    assert html.count("<h1>") == 3
    assert html.count("<li>") == 1
    if "    code" not in bad:  # a backslash is seen before spaces that would make a line code
        assert " ".join(bad.replace("**", "").split()) in " ".join(
            unescape(re.sub(r"<[a-z/][^>]*>", "", html)).replace("**", "").split()
        )


def test_what_does_not_act_stays_as_it_is():
    text = (
        "New paper\n\n**Does it Help? A Look**\n\n#NLP #a_b 5 - 3 = 2, r_2 ~ 0.5 & more! (p > 0.05)\n\n"
        "https://x.org/a_b/_c_?d=e_&f=1#g_h~i\n\n[FILL: code url]\n\n1/1"
    )
    assert write_markdown(thread([Post(text)])) == f"# - tweet 1\n{text}\n"
    assert "<strong>Does it Help? A Look</strong>" in shown(write_markdown(thread([Post(text)])))


def test_an_underscore_that_a_person_escaped_in_an_address_is_seen():
    assert (
        read_markdown("# - tweet 1\nhttps://x.org/a\\_b and a\\_b \\alpha\n1/1")[0].text
        == "https://x.org/a\\_b and a_b \\alpha\n1/1"
    )


def test_what_people_write_is_read():
    text = (
        "my notes\n```markdown\n# tweet 1\nHello\n1/4\n[put image from poster]\r\n\n#  - Tweet 2 example 2\nTwo\n\n2/4\n[counts table]\n"
        "# tweet4\n#NLP #ML\n[a note in the text]\n3/4\n[img tweet4 - table 1]\n# img 12 - future work\nFour\n4/4\n```\n"
        "## Left out: these\n* Figure 5: no room\n"
    )
    assert read_markdown(text) == (
        Post("Hello\n1/4", (Picture("", "put image from poster"),)),
        Post("Two\n\n2/4", (Picture("", "counts table"),)),
        Post("#NLP #ML\n[a note in the text]\n3/4", (Picture("", "img tweet4 - table 1"),)),
        Post("Four\n4/4"),
    )
    assert read_left_out(text) == (("Figure 5", "no room"),)


def test_a_picture_without_words_for_it_is_read():
    assert read_markdown("# - tweet 1\nA\n[image: figures/fig2.png]") == (Post("A", (Picture("figures/fig2.png", ""),)),)


def test_no_post_is_told():
    with pytest.raises(AnnounceError) as caught:
        read_markdown("Hello\n1/8")
    assert str(caught.value) == (
        "this Markdown holds no post; write '# - tweet 1', the text, '1/8' as last line, then '# - tweet 2'"
    )


def test_as_a_thread_it_takes_title_and_items_from_the_source_and_facts_first():
    read = as_thread(
        "# - tweet 1\nA\n# - left out\n- Table 1 | small", SOURCE, Facts(title="Mine", code_url="https://a.org"), "bluesky"
    )
    assert read == Thread(
        "Mine", SOURCE.authors, "bluesky", (Post("A"),), "https://a.org", None, SOURCE.items, (("Table 1", "small"),)
    )
    assert as_thread("# tweet 1\nA", SOURCE, Facts(no_code=True), "x").code_url is None


def test_the_authors_own_thread_is_read():
    brief = Path(__file__).parents[3] / "shared" / "brief" / "thread_and_poster.md"
    if not brief.is_file():
        pytest.skip(f"no {brief}, which holds the author's own thread")
    posts = read_markdown(brief.read_text().rpartition("## Beyond Scale example tweet")[2])
    assert len(posts) == 13
    assert [p.text.rpartition("\n")[2] for p in posts] == [f"{n}/13" for n in range(1, 14)]
    assert posts[2].pictures == (Picture("", "img tweet3 - div eqn"),)
    assert [n for n, p in enumerate(posts, 1) if p.pictures] == [3, 4, 5, 6, 7, 8, 10, 11]
