"""A thread as Markdown: what was written reads back exactly, and what people write is read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from announce.sources import SOURCE
from breadth.announce.check.markdown import as_thread, read_left_out, read_markdown, write_markdown
from breadth.announce.facts import Facts
from breadth.announce.thread import Picture, Post, Thread
from breadth.errors import AnnounceError

NASTY = st.text(st.sampled_from("a1 \n\\|][#-`.é→*:/"), max_size=30) | st.sampled_from(
    ["# - tweet 2", "[image: a.png | alt: b]", "[FILL: code url]", "```", "# - left out", "\\", "1/8", "alt: x", " [note] ", "| a"]
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
        "# - tweet 1\nHello\n\n1/2\n[image: figures/figure-2.png | alt: A plot [a\\|b\\].\\nTwo lines]\n\n"
        "# - tweet 2\n\\# - tweet 9\n\n[FILL: code url]\n\n2/2\n\n"
        "# - left out\n- Figure 5 | no room: 8 posts\n"
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
