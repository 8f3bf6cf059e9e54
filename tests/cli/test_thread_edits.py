"""``breadth thread check --update`` keeps every byte that a person wrote; options that nothing would use are refused in one line."""

import json

import pytest

from breadth.announce.check.markdown import read_left_out, read_markdown
from test_cli_thread import URLS, breadth, paper, refused

HERE = "kept/thread.md was edited by hand, and a new thread would replace it; give another --out, or --force to lose the edits"
CHECK = ("thread", "check", "kept/thread.md", "paper.pdf", "--posts", "4-13", *URLS)
MAKE = ("thread", "paper.pdf", "--out", "kept", "--posts", "4-13", "--platform", "mastodon", *URLS)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with paper.pdf."""
    folder = tmp_path_factory.mktemp("edits")
    (folder / "paper.pdf").write_bytes(paper())
    return folder


@pytest.fixture
def written(desk):
    """The thread.md of a thread that was just made, and its text."""
    done = breadth(*MAKE, "--force", cwd=desk)
    assert done.returncode == 0, done.stderr
    path = desk / "kept/thread.md"
    return path, path.read_bytes().decode()


def held(desk):
    return [p["text"] for p in json.loads((desk / "kept/thread.json").read_text())["posts"]]


def test_notes_outside_the_posts_are_kept_byte_for_byte(desk, written):
    path, text = written
    posts = held(desk)
    second = text.index("# - tweet 2\n")
    noted = (
        "# Draft for Monday\n\nAsk *Bo* first_ <b>!\n\n"
        + text[:second]
        + "<!-- is this\nthe right order? -->\n\n## Notes\n\n- a list\n- 3/9\n[ ] ask Ada\n\n"
        + text[second:].rstrip("\n")
        + "\n\n\n## To do\n\n- Table 1 | mine\n  \nno end of line"
    )
    path.write_bytes(noted.encode())
    assert refused(*MAKE, cwd=desk) == HERE
    assert breadth("thread", "post", "kept", "--to", "mastodon", cwd=desk).returncode == 0  # the posts are those of thread.json
    for _ in range(2):
        done = breadth(*CHECK, "--update", cwd=desk)
        assert done.returncode == 0, done.stdout + done.stderr
        assert path.read_bytes().decode() == noted
        assert held(desk) == posts
        assert refused(*MAKE, cwd=desk) == HERE


def test_line_ends_and_a_mark_of_byte_order_are_kept(desk, written):
    path, text = written
    mine = ("\ufeff" + text).replace("\n", "\r\n").encode()
    path.write_bytes(mine)
    done = breadth(*CHECK, "--update", cwd=desk)
    assert done.returncode == 0, done.stdout + done.stderr
    assert path.read_bytes() == mine
    assert breadth("thread", "post", "kept", "--to", "mastodon", cwd=desk).returncode == 0


def test_an_edited_post_is_taken_over_and_the_notes_stay(desk, written):
    path, text = written
    edited = text.replace("https://example.org/c\n", "https://example.org/c\n\nHave a look!\n") + "\n## Notes\n\nlater\n"
    path.write_text(edited)
    assert refused("thread", "post", "kept", "--to", "mastodon", cwd=desk) == (
        "kept/thread.md was edited after thread.json was written, which is what is posted; take the edits over first: "
        "breadth thread check THREAD.md PAPER.pdf --update"
    )
    assert breadth(*CHECK, "--update", cwd=desk).returncode == 0
    assert path.read_text() == edited
    assert "Have a look!" in held(desk)[1]
    assert "later" not in "".join(held(desk))


def test_what_stands_under_a_heading_behind_a_post_is_no_post():
    text = "# - tweet 1\nA\n\n1/2\n## Why\nmine\n# - tweet 2\n## B\nC\n\n2/2\n# - left out\n- Table 1 | small\n# More\n- Table 2 | mine\n"
    assert [p.text for p in read_markdown(text)] == ["A\n\n1/2", "## B\nC\n\n2/2"]
    assert read_left_out(text) == (("Table 1", "small"),)


def test_comments_are_no_post():
    text = "# - tweet 1\nA <!-- b --> c\n<!-- d\n\n# - tweet 7 -->\n\n1/1\n<!-- e"
    assert [p.text for p in read_markdown(text)] == ["A  c\n1/1\n<!-- e"]
    assert [p.text for p in read_markdown("# - tweet 1\n\\<!-- a --> b\n\n1/1")] == ["<!-- a --> b\n\n1/1"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--findings", "findings.json", "--out", "o", "--crop", "Figure 1=p1:1,2,30,40"),
            "--crop was given without a paper, whose figures it places; give PAPER.pdf beside --findings, or leave it out",
        ),
        (
            ("paper.pdf", "--out", "o", "--timeout", "9"),
            "--timeout was given, but the extractive writer asks no model; name one: --writer openai, anthropic or command",
        ),
        (
            ("paper.pdf", "--out", "o", "--writer", "command", "--command", "cat", "--model", "m"),
            "--model was given, but the writer command takes --command and --timeout only; leave it out",
        ),
        (
            ("paper.pdf", "--out", "o", "--writer", "openai", "--model", "m", "--command", "cat"),
            "--command was given, but the writer openai takes --model, --base-url and --timeout only; leave it out",
        ),
        (
            ("paper.pdf", "--out", "o", "--facts", "both.toml"),
            "facts 'both.toml': code_url and no_code = true were both given; expected one of them: leave one out",
        ),
    ],
)
def test_what_nothing_would_use_is_refused(desk, arguments, said):
    (desk / "findings.json").write_text("[]")
    (desk / "both.toml").write_text('code_url = "https://example.org/c"\nno_code = true\n')
    assert refused("thread", *arguments, cwd=desk) == said


def test_an_option_goes_before_two_facts_that_exclude_each_other(desk):
    (desk / "both.toml").write_text('code_url = "https://example.org/c"\nno_code = true\n')
    done = breadth("thread", "paper.pdf", "--dry-run", "--json", "--facts", "both.toml", "--no-code", cwd=desk)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["code_url"] is None
