"""``breadth poster`` as a person or a program meets it: what it prints, writes and refuses, and its exit codes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from announce.poster_facts import EXAMPLE, GIVEN
from breadth.cli.app import main

LINES = [f"{k} = {json.dumps(v)}" for k, v in GIVEN.items() if isinstance(v, str | list)]


class Done:
    """What the command said, run in this process: its code, standard output and standard error."""

    def __init__(self, returncode, captured):
        self.returncode, self.stdout, self.stderr = returncode, captured.out, captured.err


@pytest.fixture
def breadth(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["breadth", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code, capsys.readouterr())

    return run


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "facts.toml").write_text("\n".join(LINES))
    (tmp_path / "draft.md").write_text(EXAMPLE)
    (tmp_path / "empty.md").write_text("")
    return tmp_path


def test_whole_facts_make_an_ad(breadth, folder):
    done = breadth("poster", "facts.toml", "--draft", "draft.md", "--out", "ad")
    assert (done.returncode, done.stderr) == (0, "")
    x = (
        "Visit LeanDojo's poster and talk to us about LLMs for theorem proving!\n7/28 Friday, 11:45 AM – 12:15 PM, room 301,\n"
        f"@ {GIVEN['event']}\nhttps://arxiv.org/abs/2306.15626\n#ICML2023\nCode: https://github.com/lean-dojo/LeanDojo\n"
    )
    assert done.stdout.startswith(f"--- X (265 of 280)\n{x}--- LinkedIn (")
    assert done.stdout.endswith(
        "warning  P2  date '7/28' has no year, so that the weekday cannot be checked\n"
        "feedback on the draft: it has an invitation, what it is about, the day, the time, the room, the event; it lacks a link\n"
        "  nothing to change in its wording\nwritten to ad\n"
    )
    assert (folder / "ad/poster.md").read_text().startswith(f"# - X\n{x}\n# - LinkedIn\nVisit ")
    assert json.loads((folder / "ad/poster.json").read_text())["ads"]["x"] == {"text": x.rstrip(), "length": 265}


def test_the_empty_draft_of_the_wish_asks_for_everything(breadth, folder):
    done = breadth("poster", "--draft", "empty.md", "--json")
    assert (done.returncode, done.stderr) == (3, "")
    content = json.loads(done.stdout)
    assert content["missing"] == ["title", "authors", "topic", "date", "start", "end", "room", "event", "paper_url"]
    assert content["ads"]["x"]["text"].startswith("Visit our poster [FILL: title] and talk to us about [FILL: topic]!")
    assert (content["feedback"], content["from_draft"], content["note"]) == ([], {}, None)
    shown = breadth("poster", "--draft", "empty.md")
    assert shown.returncode == 3
    assert shown.stdout.endswith("to fill in: title, authors, topic, date, start, end, room, event, paper_url\n")


def test_a_draft_that_changes_a_fact_writes_no_ad(breadth, folder):
    (folder / "draft.md").write_text(EXAMPLE.replace("301", "302").replace("Visit", "Come to the amazing"))
    done = breadth("poster", "facts.toml", "--draft", "draft.md", "--out", "ad")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "no ad: settle first what differs\n"
        "error    P1  the draft changes the room: instead of “302” say “301”: so say the facts; correct them if the draft is right\n"
        "warning  P2  date '7/28' has no year, so that the weekday cannot be checked\n"
        "feedback on the draft: it has an invitation, what it is about, the day, the time, the room, the event; it lacks a link\n"
        "  “amazing” praises the work instead of saying what it is; readers trust what they can check; "
        "take it out, or say the one finding that made you write it\n"
    )
    assert not (folder / "ad").exists()


def test_what_only_the_draft_says_is_told(breadth, folder):
    done = breadth("poster", "--draft", "draft.md")
    assert done.returncode == 3
    assert 'read from the draft: room = "301"\n' in done.stdout
    assert done.stdout.endswith(
        "feedback on the draft: it has an invitation, what it is about, the day, the time, the room, the event; it lacks a link\n"
        "  nothing to change in its wording\nto fill in: title, authors, paper_url\n"
    )


def test_facts_that_are_missing_do_not_silence_the_feedback(breadth, folder):
    (folder / "draft.md").write_text("Excited to share our novel poster!\n")
    done = breadth("poster", "--draft", "draft.md")
    assert done.returncode == 3
    assert "feedback on the draft: it has nothing of an ad; it lacks an invitation, what it is about, the day, " in done.stdout
    assert "\n  “Excited to share” says how you feel" in done.stdout
    assert "\n  “novel” praises the work" in done.stdout
    assert done.stdout.endswith("to fill in: title, authors, topic, date, start, end, room, event, paper_url\n")


def test_a_model_s_words_and_a_command_that_fails(breadth, folder):
    (folder / "w.py").write_text("import sys; sys.stdin.read(); sys.exit('no model')")
    done = breadth("poster", "facts.toml", "--writer", "command", "--command", f"{sys.executable} w.py")
    assert done.returncode == 0
    assert (
        f"the facts' own words were taken: the model gave no answer (command '{sys.executable}' ended with code 1 (no model); "
        "run it by hand to see why)\n"
    ) in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no facts were given; expected a TOML file, or --draft: breadth poster FACTS.toml --draft draft.md"),
        (("none.toml",), "facts 'none.toml': No such file or directory; give a TOML file with title, date, room and the like"),
        (("facts.toml", "--draft", "none.md"), "draft 'none.md': No such file or directory; give a text file, which may be empty"),
        (("facts.toml", "--draft", "binary.md"), "draft 'binary.md' is not text in UTF-8; save it as UTF-8"),
        (("facts.toml", "--draft", "long.md"), "draft 'long.md' has 10001 characters, at most 10000 are read; an ad is shorter"),
        (
            ("facts.toml", "--model", "m"),
            "--model was given, but the extractive writer asks no model; name one: --writer openai, anthropic or command",
        ),
        (("facts.toml", "--writer", "openai"), "writer openai needs --model, the name of a model of that service"),
    ],
)
def test_what_cannot_be_used_is_one_line(breadth, folder, arguments, message):
    (folder / "binary.md").write_bytes(b"\xff\xfe")
    (folder / "long.md").write_text("x" * 10_001)
    done = breadth("poster", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"breadth: {message}\n")


def test_the_help_has_examples_and_a_process_has_the_exit_code(breadth, folder):
    assert "breadth poster poster.toml --draft draft.md --out ad" in breadth("poster", "--help").stdout
    command = [sys.executable, "-m", "breadth", "poster", "--draft", "empty.md"]
    assert subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 3


def test_the_page_of_the_docs_shows_what_is_printed(breadth, folder):
    page = (Path(__file__).parents[1] / "docs" / "poster.md").read_text()
    shown = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert [language for language, _ in shown] == ["toml", "markdown", "bash", "", ""]
    toml, draft, command, output, refused = (text for _, text in shown)
    (folder / "poster.toml").write_text(toml)
    (folder / "draft.md").write_text(draft)
    done = breadth(*command.split()[1:])
    assert (done.returncode, done.stdout) == (3, output)
    (folder / "draft.md").write_text(draft.replace("12:15", "12:45"))
    done = breadth(*command.split()[1:])
    assert done.returncode == 1
    assert done.stdout.startswith(refused)
