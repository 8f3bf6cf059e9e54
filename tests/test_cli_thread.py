"""``breadth thread`` as a person or a program meets it: made, checked, shown before it is posted; one clear line for what cannot be used."""

import contextlib
import io
import json
import sys
from types import SimpleNamespace

import pytest
from PIL import Image

from announce.pdf_maker import Picture, Rule, Sheet, Text, pdf_bytes
from breadth.cli.app import main

TITLE = "Quiet Lanterns: Routing Tokens Between Small Experts"
ABSTRACT = (
    "Small models are cheap but often fail on long documents. We introduce Lantern, a router that sends each token to one of four experts. "
    "Across 21 benchmarks, Lantern improves accuracy by 3.4 points on average over a dense model of the same cost."
)
INTRODUCTION = (
    "Long documents are hard for small models. Our contributions are as follows. We propose a router that needs no labels and that can be "
    "trained on a single machine. We show that routing raises accuracy by 3.4 points on average over 21 benchmarks. "
    "We release a collection of 1,200 long documents in seven languages."
)
RESULTS = (
    "Figure 1 shows that the accuracy of Lantern rises with the number of experts. Lantern reaches an accuracy of 71.2 percent with four "
    "experts, while the dense model reaches 67.8 percent. Table 1 lists the accuracy of both models on long documents. "
    "Lantern needs 12 hours of training on one machine. Routing helps on most benchmarks, but not on all of them."
)
LIMITS = (
    "A limitation of our work is that we evaluate models of two sizes only. We could not test larger models because of their cost."
)
URLS = ("--paper-url", "https://example.org/p.pdf", "--code-url", "https://example.org/c")


def paper():
    """A small invented paper of two pages with a figure, a table and a limitation."""
    one, two = Sheet(), Sheet()
    one.centred(90, TITLE, 17, "Times-Bold")
    one.centred(125, "Ada Quill, Bo Tanaka", 11)
    one.centred(165, "Abstract", 12, "Times-Bold")
    y = one.paragraph(130, 185, 350, ABSTRACT)
    one.add(Text(90, y + 24, "1 Introduction", 12, "Times-Bold"))
    one.paragraph(90, y + 44, 432, INTRODUCTION)
    two.add(Picture(180, 80, 430, 220))
    two.paragraph(90, 245, 432, "Figure 1: Accuracy of Lantern on 21 benchmarks against the number of experts.", 9)
    two.add(Text(90, 290, "2 Results", 12, "Times-Bold"))
    y = two.paragraph(90, 310, 432, RESULTS)
    y = two.paragraph(90, y + 20, 432, "Table 1: Accuracy in percent of both models on long documents.", 9) + 4
    two.add(Rule(180, y, 430, y, 1.0), Text(190, y + 14, "Model"), Text(340, y + 14, "Accuracy"), Rule(180, y + 20, 430, y + 20))
    two.add(Text(190, y + 34, "Lantern"), Text(340, y + 34, "71.2"), Text(190, y + 48, "Dense"), Text(340, y + 48, "67.8"))
    two.add(Rule(180, y + 54, 430, y + 54, 1.0), Text(90, y + 90, "3 Limitations", 12, "Times-Bold"))
    two.paragraph(90, y + 110, 432, LIMITS)
    return pdf_bytes([one, two])


def breadth(*arguments, cwd="."):
    """What the command says and its exit code, without the cost of a new process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["breadth", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
    return SimpleNamespace(returncode=ended.value.code, stdout=out.getvalue(), stderr=err.getvalue())


def refused(*arguments, **options):
    """The one line with which the command refuses its input, without the leading "breadth: "."""
    done = breadth(*arguments, **options)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("breadth: ")
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.removeprefix("breadth: ").rstrip("\n")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with paper.pdf and the thread that was made of it, and what the command said."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "paper.pdf").write_bytes(paper())
    done = breadth("thread", "paper.pdf", "--out", "thread", "--posts", "4-13", cwd=folder)
    assert done.returncode == 0, done.stderr
    (folder / "said").write_text(done.stdout)
    return folder


def test_the_files_and_what_is_said(desk):
    names = {p.name for p in (desk / "thread").iterdir()}
    assert names == {"thread.md", "thread.json", "figures", "contact_sheet.png", "preview.html"}
    said = (desk / "said").read_text().splitlines()
    assert said[0] == TITLE
    assert said[1] == "2 of 2 figures and tables shown"
    assert "preview: thread/preview.html" in said
    assert said[said.index("to fill in:") + 1 :] == [
        "  [FILL: paper url] give --paper-url URL",
        "  [FILL: code url] give --code-url URL, or --no-code where there is none",
    ]


def test_what_was_read_is_in_the_json(desk):
    held = json.loads((desk / "thread/thread.json").read_text())
    assert held["title"] == TITLE
    assert held["authors"] == ["Ada Quill", "Bo Tanaka"]
    assert held["code_url"] is None
    assert held["limitation"]["page"] == 2
    assert [(i["label"], i["page"]) for i in held["items"]] == [("Figure 1", 2), ("Table 1", 2)]
    assert all((desk / "thread" / i["crop"]).is_file() for i in held["items"])
    assert [p["n"] for p in held["posts"]] == list(range(1, len(held["posts"]) + 1))
    assert all(p["text"].endswith(f"\n{p['n']}/{len(held['posts'])}") for p in held["posts"])
    assert [c for c in held["checks"] if c["level"] == "error"] == []


def test_a_dry_run_writes_nothing(desk, tmp_path):
    done = breadth("thread", desk / "paper.pdf", "--dry-run", "--json", "--no-code", "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)
    assert list(held) == [
        *("title", "authors", "code_url", "limitation", "items", "posts", "left_out", "checks", "platform", "edited"),
        *("fill", "files", "note"),
    ]
    assert held["files"] == {}
    assert list(tmp_path.iterdir()) == []
    done = breadth("thread", desk / "paper.pdf", "--dry-run", *URLS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# - tweet 1\n")
    assert "https://example.org/c" in done.stdout
    assert "to fill in:" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_true_thread_passes_the_check(desk):
    done = breadth("thread", "check", "thread/thread.md", "paper.pdf", "--posts", "4-13", "--json", cwd=desk)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["errors"] == 0


def test_a_false_number_is_found_in_its_post(desk, tmp_path):
    text = (desk / "thread/thread.md").read_text()
    assert "3.4" in text
    n = next(i for i, block in enumerate(text.split("# - tweet ")) if "3.4" in block)
    (tmp_path / "mine.md").write_text(text.replace("3.4", "8.4"))
    done = breadth("thread", "check", tmp_path / "mine.md", desk / "paper.pdf", "--posts", "4-13")
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(f"error    post {n}" in line and "F1" in line and "8.4" in line for line in done.stdout.splitlines()), done.stdout
    done = breadth("thread", "check", tmp_path / "mine.md", desk / "paper.pdf", "--posts", "4-13", "--json")
    checks = json.loads(done.stdout)["checks"]
    assert any(c["id"] == "F1" and c["level"] == "error" and c["post"] == n for c in checks)


def test_a_thread_of_another_paper_is_told_once(desk, tmp_path):
    note = "most sentences are not in this source: this may be another paper's PDF"
    posts = (
        "Copper wires bend without breaking below 300 kelvin.",
        "Annealing for two hours doubles ductility of thin rods.",
        "Grain boundaries absorb dislocations during slow loading.",
        "Limitation: corrosion in salt water was not examined.",
    )
    (tmp_path / "t.md").write_text("".join(f"# - tweet {n}\n{p}\n\n{n}/4\n\n" for n, p in enumerate(posts, 1)))
    done = breadth("thread", "check", tmp_path / "t.md", desk / "paper.pdf", "--posts", "4-13")
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines()[0] == note
    assert done.stdout.count(note) == 1
    assert note not in breadth("thread", "check", "thread/thread.md", "paper.pdf", "--posts", "4-13", cwd=desk).stdout


def test_edits_are_kept_and_taken_over(desk):
    made = breadth("thread", "paper.pdf", "--out", "mine", "--posts", "4-13", "--platform", "mastodon", *URLS, cwd=desk)
    assert made.returncode == 0, made.stderr
    path = desk / "mine/thread.md"
    path.write_text(path.read_text().replace("https://example.org/c\n", "https://example.org/c\n\nHave a look!\n"))
    assert refused("thread", "paper.pdf", "--out", "mine", cwd=desk) == (
        "mine/thread.md was edited by hand, and a new thread would replace it; give another --out, or --force to lose the edits"
    )
    assert refused("thread", "post", "mine", "--to", "mastodon", cwd=desk) == (
        "mine/thread.md was edited after thread.json was written, which is what is posted; take the edits over first: "
        "breadth thread check THREAD.md PAPER.pdf --update"
    )
    arguments = ("paper.pdf", "--posts", "4-13", *URLS, "--update")
    done = breadth("thread", "check", "mine/thread.md", *arguments, cwd=desk)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Have a look!" in path.read_text()
    assert any("Have a look!" in p["text"] for p in json.loads((desk / "mine/thread.json").read_text())["posts"])
    assert "Have a look!" in (desk / "mine/preview.html").read_text()
    posted = breadth("thread", "post", "mine", "--to", "mastodon", cwd=desk)
    assert posted.returncode == 0, posted.stderr
    assert "Have a look!" in posted.stdout


def test_an_edited_thread_stays_protected_after_its_update(desk):
    make = ("thread", "paper.pdf", "--out", "kept", "--posts", "4-13", *URLS)
    assert breadth(*make, cwd=desk).returncode == 0
    check = ("thread", "check", "kept/thread.md", "paper.pdf", "--posts", "4-13", *URLS, "--update")
    assert breadth(*check, cwd=desk).returncode == 0  # nobody edited it
    assert breadth(*make, cwd=desk).returncode == 0
    path = desk / "kept/thread.md"
    path.write_text(path.read_text().replace("https://example.org/c\n", "https://example.org/c\n\nHave a look!\n"))
    mine = path.read_text()
    for _ in range(2):
        assert breadth(*check, cwd=desk).returncode == 0
        assert refused(*make, cwd=desk) == (
            "kept/thread.md was edited by hand, and a new thread would replace it; give another --out, or --force to lose the edits"
        )
        assert path.read_text() == mine
    (desk / "kept/other.md").write_text(mine.replace("Have a look!", "Look here!"))
    assert refused("thread", "check", "kept/other.md", *check[3:], cwd=desk) == (
        "kept/thread.md was edited by hand, and --update would replace it with kept/other.md; move one of them elsewhere"
    )
    assert path.read_text() == mine
    assert breadth(*make, "--force", cwd=desk).returncode == 0
    assert breadth("thread", "check", "kept/other.md", *check[3:], cwd=desk).returncode == 0  # thread.md is the tool's own again
    assert "Look here!" in path.read_text()
    assert "would replace it" in refused(*make, cwd=desk)


def test_a_check_counts_as_the_thread_beside_it_was_written(desk):
    make = ("thread", "paper.pdf", "--out", "blue", "--posts", "4-13", "--platform", "bluesky", *URLS)
    assert breadth(*make, cwd=desk).returncode == 0
    check = ("thread", "check", "blue/thread.md", "paper.pdf", "--posts", "4-13", *URLS, "--update")
    assert breadth(*check, cwd=desk).returncode == 0
    assert json.loads((desk / "blue/thread.json").read_text())["platform"] == "bluesky"
    assert breadth(*check, "--platform", "mastodon", cwd=desk).returncode == 0
    assert json.loads((desk / "blue/thread.json").read_text())["platform"] == "mastodon"


def test_handles_that_are_not_used_are_told(desk, tmp_path):
    facts = 'credits = "Thanks to @helper.org for the machines."\n[handles]\n"Ada Quill" = "adaquill"\n"Di Other" = "@di"\n'
    (tmp_path / "facts.toml").write_text(facts)
    done = breadth("thread", desk / "paper.pdf", "--dry-run", "--posts", "4-13", "--facts", "facts.toml", *URLS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "By @adaquill" in done.stdout
    assert "Thanks to @helper.org for the machines." in done.stdout
    assert [line for line in done.stdout.splitlines() if "unused" in line] == [
        "unused: @di of Di Other stands in no post (no author has this name; thank them in credits)"
    ]
    assert " K2 " not in done.stdout  # the author's own credits give that handle


def test_a_thread_to_fill_in_is_not_posted(desk):
    assert "still holds [FILL: paper url]" in refused("thread", "post", "thread", "--to", "bluesky", cwd=desk)


def test_a_crop_of_ones_own(desk):
    done = breadth("thread", "paper.pdf", "--crop", "Figure 1=p2:170,70,440,230", "--dry-run", "--json", cwd=desk)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["items"][0]["bbox"] == [170, 70, 440, 230]


def test_a_model_that_writes_nonsense_is_not_believed(desk):
    command = f"{sys.executable} -c 'print(7)'"
    done = breadth("thread", "paper.pdf", "--writer", "command", "--command", command, "--dry-run", "--json", cwd=desk)
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)
    assert held["note"].startswith(
        "the model's thread was still wrong after 2 rounds of repair (the answer is not of the asked form: "
    )
    without = breadth("thread", "paper.pdf", "--dry-run", "--json", cwd=desk)
    assert held["posts"] == json.loads(without.stdout)["posts"]
    told = breadth("thread", "paper.pdf", "--writer", "command", "--command", command, "--dry-run", cwd=desk)
    assert f"the paper's own sentences were taken: {held['note']}" in told.stdout.splitlines()


STATEMENT = (
    "PT accuracy (logistic/support) changes by +0.0083 accuracy [+0.0061, +0.0105] per standard deviation of the diversity coefficient "
    "(trained probe) over 54 training sets: inconclusive."
)


@pytest.fixture
def study(tmp_path):
    """Folder of a study's findings with its figure."""
    caveat = "A raw effect is there, but it is estimated below 0.01, and an effect of 0.01 is not excluded."
    finding = {"name": "PT accuracy", "statement": STATEMENT, "verdict": "inconclusive", "caveats": [caveat]}
    (tmp_path / "findings.json").write_text(json.dumps([finding]))
    Image.new("RGB", (200, 100), "white").save(tmp_path / "figure.png")
    return tmp_path


def test_a_study_needs_no_paper(study):
    done = breadth("thread", "--findings", "findings.json", "--out", "thread", "--no-code", "--posts", "2-13", cwd=study)
    assert done.returncode == 0, done.stderr
    held = json.loads((study / "thread/thread.json").read_text())
    assert any("+0.0083 accuracy [+0.0061, +0.0105]" in p["text"] for p in held["posts"])
    assert held["limitation"]["page"] is None
    assert (study / "thread" / held["items"][0]["crop"]).is_file()
    again = ("thread", "check", "thread/thread.md", "--findings", "findings.json", "--no-code", "--posts", "2-13")
    assert breadth(*again, cwd=study).returncode == 0
    path = study / "thread/thread.md"
    path.write_text(path.read_text().replace("0.0083", "0.0183"))
    done = breadth(*again, cwd=study)
    assert done.returncode == 1
    assert "0.0183" in done.stdout


def test_a_study_beside_a_paper(study, desk):
    done = breadth("thread", desk / "paper.pdf", "--findings", "findings.json", "--dry-run", "--json", cwd=study)
    assert done.returncode == 0, done.stderr
    held = json.loads(done.stdout)
    assert held["title"] == TITLE
    assert [i["label"] for i in held["items"]] == ["Figure 1", "Table 1", "Figure S1"]
    said = [p for p in held["posts"] if "+0.0083 accuracy [+0.0061, +0.0105]" in p["text"]]
    assert [[i["file"] for i in p["images"]] for p in said] == [["figures/figure-s1.png"]]
    assert "inconclusive" in said[0]["text"]


def test_help_shows_every_way():
    for arguments in (("thread", "--help"), ("thread",)):
        done = breadth(*arguments)
        assert done.returncode == 0
        for example in (
            "breadth thread paper.pdf --out thread\n",
            "breadth thread check thread/thread.md",
            "breadth thread post sky",
        ):
            assert example in done.stdout
    assert "--update" in breadth("thread", "check", "--help").stdout
    assert "--really" in breadth("thread", "post", "--help").stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--out", "o"),
            "no paper was given; expected a PDF, or --findings findings.json: breadth thread paper.pdf --out thread",
        ),
        (
            ("paper.pdf",),
            "--out is missing; expected the folder to write into: --out thread (--dry-run writes nothing)",
        ),
        (
            ("paper.pdf", "--out", "o", "--posts", "13-8"),
            "--posts is '13-8'; expected the fewest and the most posts, such as 8-13, or one number",
        ),
        (
            ("paper.pdf", "--out", "o", "--posts", "many"),
            "--posts is 'many'; expected the fewest and the most posts, such as 8-13, or one number",
        ),
        (
            ("paper.pdf", "--out", "o", "--code-url", "github"),
            "--code-url is 'github'; expected an address such as https://github.com/me/code",
        ),
        (
            ("paper.pdf", "--out", "o", "--code-url", "https://x.org", "--no-code"),
            "--code-url and --no-code were both given; expected one of them: leave one out",
        ),
        (
            ("paper.pdf", "--out", "o", "--crop", "Figure 1"),
            "crop 'Figure 1' has no '='; expected LABEL=pPAGE:x0,y0,x1,y1 in points from the top left, such as "
            "'Figure 2=p2:343,220,541,300'",
        ),
        (
            ("paper.pdf", "--out", "o", "--crop", "Table 7=p1:1,2,30,40"),
            "crop of Table 7: the paper has none; expected one of what was found: Figure 1, Table 1",
        ),
        (
            ("paper.pdf", "--out", "o", "--crop", "Figure 1=p2:180,80,614,220"),
            "crop of Figure 1: the box 180,80,614,220 reaches out of page 2, which measures 612 x 792 points; Figure 1 stands at "
            "p2:180,80,430,220 now; correct the box",
        ),
        (
            ("paper.pdf", "--out", "o", "--crop", "Figure 1=p9:180,80,430,220"),
            "crop of Figure 1: page 9 of a paper of 2 pages; Figure 1 stands at p2:180,80,430,220 now; correct the page",
        ),
        (
            ("paper.pdf", "--out", "o", "--model", "m"),
            "--model was given, but the extractive writer asks no model; name one: --writer openai, anthropic or command",
        ),
        (
            ("paper.pdf", "--out", "o", "--writer", "command"),
            "writer command needs --command, a program that reads the prompt and prints the answer",
        ),
        (
            ("paper.pdf", "--out", "o", "--frames"),
            "No such option: --frames (Possible options: --facts, --force); breadth thread --help shows what is allowed",
        ),
        (
            ("paper.pdf", "--out", "o", "--platform", "twitter"),
            "unknown platform 'twitter'; expected one of: x, bluesky, mastodon, linkedin; did you mean 'x'?",
        ),
        (
            ("check", "thread/thread.md", "paper.pdf", "--platform", "blue-sky"),
            "unknown platform 'blue-sky'; expected one of: x, bluesky, mastodon, linkedin; did you mean 'bluesky'?",
        ),
        (
            ("post", "thread", "--to", "x"),
            "--to is 'x', where breadth does not post; open preview.html and press 'Open in X' under each post",
        ),
        (
            ("post", "thread", "--to", "linkedin"),
            "--to is 'linkedin', where breadth does not post; write it with --platform linkedin, press 'Copy' in preview.html, paste it, "
            "and attach the pictures of figures/ in their order",
        ),
        (
            ("post", "thread", "--to", "threads"),
            "unknown service to post to 'threads'; expected one of: bluesky, mastodon",
        ),
        (
            ("check", "none.md", "paper.pdf"),
            "none.md: no such file or directory; check the path, its permissions and the free space",
        ),
        (
            ("check", "paper.pdf", "paper.pdf"),
            "paper.pdf is not text in UTF-8; give the thread's Markdown",
        ),
        (
            ("check", "thread/thread.md"),
            "no paper was given; expected a PDF, or --findings findings.json: breadth thread check thread.md paper.pdf",
        ),
    ],
)
def test_what_cannot_be_used_is_one_line(desk, arguments, said):
    assert refused("thread", *arguments, cwd=desk) == said
