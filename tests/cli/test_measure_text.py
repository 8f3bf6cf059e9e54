"""``breadth measure`` of text as a person meets it: what is taken for text, every line of complaint, mixtures, page, JSON, store."""

import json
import sys

import numpy as np
import pytest

from breadth.cli import app
from breadth.nets.gpt2 import Gpt2Size, gpt2, save_gpt2
from breadth.report.words import number

SMALL = ("--text-probe", "probe", "--length", "16", "--sequences", "4", "--tasks", "6", "--no-rivals", "--no-scale")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with two corpora, a table, a probe, and files that are no text."""
    folder = tmp_path_factory.mktemp("text")
    rng = np.random.default_rng(0)
    for name, words in (("prose", ["red", "green", "blue"]), ("sums", ["12", "7", "+", "="])):
        (folder / f"{name}.txt").write_text("\n".join(" ".join(rng.choice(words, 40)) for _ in range(40)))
    (folder / "table.csv").write_text("id,body\n" + "".join(f"x{i},some words that say little {i}\n" for i in range(90)))
    (folder / "binary.txt").write_bytes(b"a\0b")
    (folder / "latin.txt").write_bytes("café au lait".encode("latin1"))
    (folder / "empty.txt").write_text("")
    save_gpt2(gpt2(Gpt2Size(vocab_size=257, n_positions=16, n_embd=8, n_layer=1, n_head=2, tied=False), 0), folder / "probe")
    save_gpt2(gpt2(Gpt2Size(vocab_size=5000, n_positions=16, n_embd=8, n_layer=1, n_head=2, tied=False), 0), folder / "large")
    return folder


@pytest.fixture
def breadth(desk, monkeypatch, capsys, tmp_path):
    """Runs the command in the folder and returns (exit code, standard output, standard error)."""
    monkeypatch.chdir(desk)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["breadth", "measure", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code, *capsys.readouterr()

    return run


def result_of(done):
    assert done[0] == 0, done[2]
    return json.loads(done[1])


def test_a_corpus_is_measured_and_told(breadth):
    code, said, beside = breadth("prose.txt", "sums.txt", *SMALL)
    assert code == 0
    lines = said.splitlines()
    assert [line.split()[0] for line in lines[:7]] == ["prose", "diversity", "with", "sums", "diversity", "with", "prose"]
    assert beside.startswith("first value of prose, from 5 batches: 0.")


def test_a_table_is_text_where_that_is_said(breadth):
    assert result_of(breadth("table.csv", "--text", "--text-col", "body", *SMALL, "--json"))["sources"][0]["name"] == "table"
    # A column of text says it too.
    assert result_of(breadth("table.csv", "--text-col", "body", *SMALL, "--json"))["sources"][0]["name"] == "table"
    code, _, beside = breadth("table.csv")
    assert code == 2
    assert beside.endswith("; if table.csv is a corpus of text, add --text\n")


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_a_table_of_text_that_was_read_as_vectors_with_classes_is_told_of_text(breadth, desk, options):
    (desk / "numbered.csv").write_text("text,id\n" + "".join(f"the line of number {i},{i}\n" for i in range(50)))
    code, _, beside = breadth("numbered.csv", *options, "--no-store")
    assert code == 2
    assert beside == (
        "breadth: class 'the line of number 0' of 'numbered' has 1 item; 10 are needed (and 49 more classes have too few): ask for fewer "
        "items a class or keep the larger classes with at_least(10); if numbered.csv is a corpus of text, add --text\n"
    )


def test_mixtures_by_batch_and_inside_batches(breadth, tmp_path):
    asked = ("prose.txt", "sums.txt", *SMALL, "--mixture", "prose=0.25,sums=0.75", "--json")
    by_batch = result_of(breadth(*asked, "--out", tmp_path))
    mixture = by_batch["mixture"]
    assert mixture["weights"] == {"prose": 0.25, "sums": 0.75}
    # Beside sources without noise, a mixture with it would look more diverse than it is.
    noise = mixture["diversity"]["value"] - mixture["corrected"]["value"]
    assert noise > 0.5 * min(s["diversity"]["value"] - s["corrected"]["value"] for s in by_batch["sources"])
    said = f": diversity {number(mixture['corrected']['value'])} ["
    assert said in (tmp_path / "index.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    told = breadth(*asked[:-1])[1].splitlines()
    assert told[-1 - ("more of" in told[-1])].startswith(f"  diversity    {mixture['corrected']['value']:.4f} [")
    inside = result_of(breadth(*asked, "--interleave"))
    assert [s["name"] for s in inside["sources"]] == ["prose", "sums", "25% prose + 75% sums"]


def test_page_numbers_and_store(breadth, desk, tmp_path):
    first = result_of(
        breadth("prose.txt", "sums.txt", *SMALL[:-1], "--store", tmp_path / "store", "--out", tmp_path / "page", "--json")
    )
    page = (tmp_path / "page" / "index.html").read_text()
    assert "without the noise of the estimator" in page
    assert "uniform random tokens (published upper bound)" in page
    assert "classes" not in page.split("<h2>Protocol")[0]
    stamps = {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*.safetensors")}
    again = result_of(breadth("prose.txt", "sums.txt", *SMALL[:-1], "--store", tmp_path / "store", "--json"))
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "store").rglob("*.safetensors")} == stamps
    assert again["sources"] == first["sources"]


def test_the_time_is_told(breadth):
    code, said, _ = breadth("prose.txt", *SMALL, "--dry-run")
    assert code == 0
    assert said.startswith("1 source of text, 6 batches each: about ")
    assert result_of(breadth("prose.txt", *SMALL, "--dry-run", "--json"))["sources"] == ["prose.txt"]


def test_the_time_is_told_without_training_the_default_probe(breadth, tmp_path):
    code, said, _ = breadth("prose.txt", *SMALL[2:], "--dry-run")
    assert code == 0
    assert said.startswith("1 source of text, 6 batches each, and the default probe trained first: about ")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_too_little_text_is_known_before_the_default_probe_is_trained(breadth, desk, tmp_path):
    (desk / "short.txt").write_text("twelve bytes")
    code, _, beside = breadth("short.txt", "--tasks", "3")
    assert (code, beside) == (
        2,
        "breadth: 'short' holds 1 sequence of 128 tokens; 192 were asked for: ask for fewer or smaller batches\n",
    )
    assert not (tmp_path / "cache").exists()


def test_too_little_text_for_the_other_metrics_is_a_note(breadth):
    code, said, _ = breadth("prose.txt", *(option for option in SMALL if option != "--no-rivals"))
    assert code == 0
    assert said.splitlines()[-1] == (
        "note: no other metrics of 'prose': the text has 1,600 tokens and 7,980 bytes; a sample takes 4,000 and 16,384: give more text, or "
        "a smaller budget for every corpus of the comparison"
    )


def test_two_draws_unless_told(breadth):
    assert [result_of(breadth("prose.txt", *SMALL, *more, "--json"))["sources"][0]["protocol"]["draws"]
            for more in ((), ("--draws", "1"))] == [2, 1]  # fmt: skip


def test_as_many_batches_as_needed(breadth):
    asked = ("prose.txt", *SMALL[:6], "--no-rivals", "--no-scale", "--tasks", "auto", "--precision")
    code, said, _ = breadth(*asked, "0.5")
    assert code == 0
    assert said.splitlines()[3].startswith("  note         10 batches for ±0.5, noise included; without it ±0.")
    said = breadth(*asked, "1e-9")[1]
    assert " batches and no more, the interval is still wider than ±1e-09, noise included" in said
    assert breadth(*asked, "0.5", "--dry-run")[1].startswith("1 source of text, 20 batches assumed of each: about ")


def test_idle_options_are_told(breadth):
    _, _, beside = breadth(
        "prose.txt", *SMALL, "--ways", "5", "--interleave", "--probe-seed", "3", "--precision", "0.1", "--encoder", "x"
    )
    assert [line for line in beside.splitlines() if "no effect" in line] == [
        "breadth: note: --ways has no effect here: the sources are text",
        "breadth: note: --probe-seed has no effect here: the probe has its weights",
        "breadth: note: --precision has no effect here: it belongs to --tasks auto",
        "breadth: note: --encoder has no effect here: it belongs to the other metrics",
        "breadth: note: --interleave has no effect here: it belongs to --mixture",
    ]
    _, _, beside = breadth("glyphs:classes=20,size=8", "--length", "16", "--dry-run", "--probe", "conv-stride", "--size", "8")
    assert "--length has no effect here: it belongs to text; --text says that the sources are text" in beside


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["binary.txt"], "binary.txt, line 1 holds a zero byte, so this is no UTF-8 text; give text, .jsonl, .csv or .parquet"),
        (["latin.txt"], "latin.txt, line 1 is not UTF-8 (byte 0xe9 at place 4); convert it, as in: iconv -f latin1 -t utf-8"),
        (["empty.txt"], "empty.txt holds no text; expected at least one document"),
        (["none.txt"], "none.txt does not exist; expected a text file, a folder of them, or hf:USER/NAME"),
        (["table.csv", "--text", "--text-col", "title"], "table.csv has no column 'title'; its columns: id, body"),
        (["prose.txt", "prose.txt"], "two sources are named 'prose'; expected different names: give each source once, or rename a file"),
        (
            ["prose.txt", "digits"],
            "'digits' is a source of images and was given as text, or beside it; expected text alone: measure it in a command of its own, or "
            "write ./digits for a file",
        ),
        (["prose.txt", "--tasks", "some"], "--tasks is 'some'; expected a whole number of 3 or more, or auto"),
        (["prose.txt", "--tasks", "auto", "--precision", "0"], "precision is 0.0; expected a positive half-width, e.g. 0.005"),
        (
            ["prose.txt", "--text-probe", "large"],
            "tokeniser 'bytes' has 257 tokens, probe 'GPT-2 (large)' 5,000; expected the tokeniser that the probe was trained with: name it "
            "by --tokenizer, or another --text-probe",
        ),
        (
            ["prose.txt", "--text-probe", "./none"],
            "probe './none' is no folder; expected one with config.json and model.safetensors of a GPT-2, a name on the Hub (USER/NAME), "
            "default or random",
        ),
        (
            ["prose.txt", "sums.txt", "--mixture", "best", "--interleave"],
            "--mixture best was given with --interleave; expected weights: the best ones are known for whole batches only",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_measured_is_one_line(breadth, arguments, message):
    asked = SMALL[2:] if "--text-probe" in arguments else SMALL
    code, said, beside = breadth(*asked, *arguments)
    assert (code, said) == (2, "")
    assert beside == f"breadth: {message}\n"
