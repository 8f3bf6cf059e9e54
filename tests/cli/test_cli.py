"""The command line as a person or a program meets it: help with examples, promised JSON, one clear line for whatever cannot be used."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from breadth.data.formats import ACCEPTED
from study.small import as_toml

VERBS = ("measure", "compare", "run", "status", "audit", "report")


def breadth(*arguments, **options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    environment.pop("BREADTH_DATA", None)
    return subprocess.run(
        [sys.executable, "-m", "breadth", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        **options,
    )


def refused(*arguments, **options):
    """The one line with which the command refuses its input, without the leading "breadth: "."""
    done = breadth(*arguments, **options)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("breadth: ")
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("breadth: ").rstrip("\n")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The small study, run: its file and the folder of its runs."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "small.toml").write_text(as_toml())
    done = breadth("run", "small.toml", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["executed"] == json.loads(done.stdout)["runs"] > 20
    return folder


def test_without_a_verb_the_help_is_shown():
    done = breadth()
    assert done.returncode == 0
    assert all(f"  {verb} " in done.stdout for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(verb):
    done = breadth(verb, "--help")
    assert done.returncode == 0
    assert f"  breadth {verb} " in done.stdout


def is_estimate(e):
    return set(e) == {"value", "low", "high", "level", "n", "method"} and e["low"] <= e["value"] <= e["high"]


def test_measure_prints_the_promised_json():
    done = breadth(
        "measure", "digits", "glyphs:scripts=greek,classes=10", "--probe", "conv-stride", "--filters", 8, "--tasks", 5, "--json"
    )
    result = json.loads(done.stdout)
    assert [s["name"] for s in result["sources"]] == ["digits", "glyphs:scripts=greek,classes=10"]
    for s in result["sources"]:
        assert set(s) == {
            "name", "diversity", "floor", "corrected", "position", "split_half", "complexity", "doubt", "reached", "tasks", "classes",
            "items", "rivals", "protocol",
        }  # fmt: skip
        assert all(is_estimate(s[name]) for name in ("diversity", "floor", "corrected", "position", "complexity"))
        assert s["rivals"]
        assert all(set(r) == {"name", "estimate", "size_bias", "note"} for r in s["rivals"])
        assert s["diversity"]["n"] == 5
        assert {"probe", "probe_fingerprint", "estimator", "ways", "per_class", "size", "seed", "version"} <= set(s["protocol"])
    (cross,) = result["cross"]
    assert (set(cross), cross["a"], cross["b"]) == ({"a", "b", "distance"}, "digits", "glyphs:scripts=greek,classes=10")
    assert is_estimate(cross["distance"])


def test_measure_says_beforehand_how_long_it_takes():
    done = breadth("measure", "digits", "--probe", "conv-stride", "--dry-run", "--json")
    assert json.loads(done.stdout)["estimated_seconds"] >= 0


def test_findings_have_the_promised_shape(study):
    done = breadth("report", "small.toml", "--out", "out", "--json", cwd=study)
    assert json.loads(done.stdout)["verdict"] == "inconclusive"
    findings = json.loads((study / "out" / "findings.json").read_text())
    assert findings[0]["name"] == "primary"
    for f in findings:
        assert set(f) == {"name", "statement", "verdict", "estimate", "points", "caveats", "run_ids", "robustness"}
        assert f["verdict"] in ("supported", "refuted", "inconclusive", "confounded")
        assert set(f["estimate"]) == {"value", "low", "high", "level", "n", "method"}
        assert all((study / "runs" / r / "record.json").is_file() for r in f["run_ids"])
        for p in f["points"]:
            assert {"train", "learner", "seed", "x", "x_low", "x_high", "y", "y_low", "y_high"} <= set(p)
    assert {p["seed"] for p in findings[0]["points"]} == {0, 1}


def test_status_and_a_second_run(study):
    status = json.loads(breadth("status", "small.toml", "--json", cwd=study).stdout)
    assert all(set(states) == {"done"} for states in status["runs"].values())
    assert json.loads(breadth("run", "small.toml", "--json", cwd=study).stdout)["executed"] == 0
    for options, places in (
        (["--workers", "1"], "1 core"),
        (["--workers", "3"], "3 cores"),
        (["--workers", "2", "--device", "cuda"], "2 GPUs"),
    ):
        said = breadth("run", "small.toml", "--dry-run", *options, cwd=study).stdout
        assert " 0 of " in said
        assert said.endswith(f" on {places}\n")


def test_audit_accepts_the_small_study(study):
    done = breadth("audit", "small.toml", cwd=study)
    assert done.returncode == 0
    assert "0 violations" in done.stdout


def test_audit_calls_an_arm_trained_on_the_suite_unfair(study, tmp_path):
    text = (study / "small.toml").read_text().replace('data = ["digits", "cyrillic"]', 'data = ["digits", "latin"]')
    (tmp_path / "unfair.toml").write_text(text)
    done = breadth("audit", "unfair.toml", cwd=tmp_path)
    assert done.returncode == 1
    (row,) = [line for line in done.stdout.splitlines() if line.startswith("VIOLATED")]
    assert row.startswith("VIOLATED  overlap: unfair: ")
    assert row.endswith("was trained on a set of the suite; 4 of 6 arms share data, the others do not")


def test_report_before_the_run_says_what_is_missing(study, tmp_path):
    message = refused("report", study / "small.toml", "--out", tmp_path / "out", "--runs", tmp_path / "none")
    assert "runs of study 'small' are missing in" in message
    assert message.endswith("run the study first: breadth run")


def test_a_damaged_record_stops_the_report_and_loses_nothing(study, tmp_path):
    shutil.copytree(study, tmp_path / "copy")
    record = next((tmp_path / "copy" / "runs").glob("train-*/record.json"))
    record.write_text(record.read_text()[:50])
    before = sorted((tmp_path / "copy" / "runs").rglob("*"))
    message = refused("report", "small.toml", "--out", "out", cwd=tmp_path / "copy")
    assert message.startswith(f"{record.relative_to(tmp_path / 'copy')}: damaged (")
    assert message.endswith(f"delete the folder {record.parent.relative_to(tmp_path / 'copy')} and run the study again")
    assert sorted((tmp_path / "copy" / "runs").rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mesure", "digits"], "No such command 'mesure'. Did you mean 'measure'?; breadth --help shows what is allowed"),
        (["measure"], "Missing argument 'SOURCE...'; breadth measure --help shows what is allowed"),
        (["measure", "digits", "--takss", "5"],
         "No such option: --takss (Possible options: --tasks, --ways); breadth measure --help shows what is allowed"),
        (["measure", "digits", "--tasks", "1"],
         "1 tasks were asked for; expected 3 or more, or 'auto'"),
        (["run", "none.toml"], "none.toml: no such study file; give the path of a TOML file, for example studies/quickstart.toml"),
    ],
)  # fmt: skip
def test_misuse_is_one_line(arguments, message):
    assert refused(*arguments) == message


def test_sources_that_cannot_be_used_are_one_line(tmp_path):
    (tmp_path / "text.npz").write_text("not an archive")
    np.savez(tmp_path / "code.npz", images=np.array([{"run": "me"}]), labels=np.zeros(1, int))
    (tmp_path / "photos" / "cats").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "photos" / "cats" / "a.png")
    (tmp_path / "photos" / "cats" / "b.png").write_bytes(b"\x89PNG nonsense")
    for source, part in (
        ("text.npz", "text.npz"),
        ("code.npz", "pickled objects"),
        ("code.npz", "pickled objects"),
        ("photos", "b.png"),
        ("nowhere", "nowhere"),
        ("digitz", "did you mean 'digits'?"),
    ):
        assert part in refused("measure", source, "--probe", "conv-stride", cwd=tmp_path)


FOLDER_NEEDED = "a file stands where a folder is needed; give another folder, or move the file away"


def test_folders_that_cannot_be_used_are_one_line(study, tmp_path):
    (tmp_path / "file").write_text("x")
    small = study / "small.toml"
    for verb in ("run", "audit"):
        assert refused(verb, small, "--runs", "file", cwd=tmp_path) == f"file: {FOLDER_NEEDED}"
        assert refused(verb, small, "--runs", "file/runs", cwd=tmp_path) == f"file/runs: {FOLDER_NEEDED}"
    message = refused("run", small, "--runs", "/proc/breadth")
    assert message == "/proc/breadth: no such file or directory; check the path, its permissions and the free space"
    assert refused("report", small, "--runs", study / "runs", "--out", "file", cwd=tmp_path) == f"file: {FOLDER_NEEDED}"
    message = refused("report", small, "--runs", study / "runs", "--out", "/proc/breadth")
    assert message == "/proc/breadth: no such file or directory; check the path, its permissions and the free space"


def test_a_disk_without_space_is_one_line(study, tmp_path):
    # The first picture in a cache folder lists the machine's fonts there, which this is not about.
    assert breadth("report", study / "small.toml", "--runs", study / "runs", "--out", tmp_path / "first").returncode == 0
    done = breadth(
        "report", study / "small.toml", "--runs", study / "runs", "--out", tmp_path / "out",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)),
    )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(r"breadth: .*: file too large; check the path, its permissions and the free space\n", done.stderr)


def test_an_output_that_nobody_reads_ends_quietly():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "breadth", "measure", "digits", "--dry-run"], check=False, stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_run_refuses_a_damaged_run_that_is_done(study, tmp_path):
    shutil.copytree(study, tmp_path / "copy")
    scores = next((tmp_path / "copy" / "runs").glob("train-*/scores.npz")).relative_to(tmp_path / "copy")
    with (tmp_path / "copy" / scores).open("r+b") as stream:
        stream.write(b"damage")
    assert refused("run", "small.toml", cwd=tmp_path / "copy") == (
        f"{scores}: missing or changed since it was written; delete the folder {scores.parent} and run the study again"
    )


def test_audit_before_the_run_says_what_is_still_unknown(study, tmp_path):
    done = breadth("audit", study / "small.toml", "--runs", "runs", "--data-root", tmp_path, cwd=tmp_path)
    assert done.returncode == 0
    unknown = [line for line in done.stdout.splitlines() if line.startswith("unknown")]
    assert unknown
    result = json.loads(breadth("audit", study / "small.toml", "--runs", "runs", "--json", cwd=tmp_path).stdout)
    n = result["unknown"]
    assert 0 < n <= len(unknown)
    s = "" if n == 1 else "s"
    assert done.stdout.splitlines()[-1] == f"0 violations, {n} required control{s} unknown until the runs are done"
    assert json.loads(breadth("audit", "small.toml", "--json", cwd=study).stdout)["unknown"] == 0
    assert breadth("audit", "small.toml", cwd=study).stdout.splitlines()[-1] == "0 violations"


def test_odd_sources_of_measure_are_one_line(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "w.pt").write_bytes(b"")
    small = ("--probe", "conv-stride", "--filters", "2", "--tasks", "3")
    assert refused("measure", "empty", *small, cwd=tmp_path) == "empty holds nothing; expected one folder of images per class"
    long = "x" * 300
    assert (
        refused("measure", f"./{long}", *small)
        == f"./{long} cannot be read (File name too long); check the path and its permissions"
    )
    assert refused("measure", "digits", "--weights", "w.pt", *small, cwd=tmp_path) == (
        "w.pt: not readable as plain weights (EOFError); save a state dict of tensors, best as .safetensors"
    )


def test_a_folder_whose_name_is_no_utf8_is_measured(tmp_path):
    root = os.fsencode(tmp_path) + b"/caf\xe9"
    for c in range(5):
        os.makedirs(root + b"/\xff%d" % c)
        for i in range(10):
            Image.fromarray(np.random.default_rng(10 * c + i).integers(0, 256, (8, 8)).astype(np.uint8)).save(
                os.fsdecode(root + b"/\xff%d/%d.png" % (c, i))
            )
    arguments = [
        "--size",
        "16",
        "--channels",
        "1",
        "--probe",
        "conv-stride",
        "--filters",
        "8",
        "--tasks",
        "3",
        "--per-class",
        "4",
        "--json",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "breadth", "measure", root, *arguments], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sources"][0]["name"].endswith(("caf\udce9", "caf\\xe9"))


def test_what_memory_does_not_hold_is_one_line():
    for arguments in (["--size", "65000"], ["--filters", "1000000"]):
        message = refused("measure", "digits", "--probe", "conv", *arguments)
        assert message.startswith("not enough memory (")
        assert message.endswith("; give less data, or a machine with more memory")


def test_a_message_cannot_steer_the_terminal():
    expected = f"a/\\x1b[2Jb does not exist; expected {ACCEPTED}"
    assert refused("measure", "a/\x1b[2Jb", "--probe", "conv") == expected
