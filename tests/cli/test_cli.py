"""The command line as a person or a program meets it: help with examples, promised JSON, one clear line for whatever cannot be used."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from study.small import as_toml

VERBS = ("measure", "run", "status", "audit", "report")


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
        assert set(s) == {"name", "diversity", "floor", "protocol"}
        assert is_estimate(s["diversity"])
        assert is_estimate(s["floor"])
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
        assert set(f) == {"name", "statement", "verdict", "estimate", "points", "caveats", "run_ids"}
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
    assert "0 of " in breadth("run", "small.toml", "--dry-run", cwd=study).stdout


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
         "Invalid value for '--tasks': Input should be greater than or equal to 3; breadth measure --help shows what is allowed"),
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
