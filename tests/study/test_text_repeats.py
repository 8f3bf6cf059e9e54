"""Text that a learner meets more than once is told of, before anything runs and in the audit."""

import json

import pytest

from breadth.cli import audit, run
from study.small import SMALL, as_toml
from study.text_small import small_text, write_corpora

NOTE = "breadth: note: learner deep predicts 30,000 tokens, and training sets hold 12,000: about 2.5 passes over the same text\n"


def written(folder, tables):
    path = folder / "s.toml"
    path.write_text(as_toml(tables), encoding="utf-8")
    return path


@pytest.fixture
def study(tmp_path):
    """A study of text in which one learner has 2.5 passes, and the other, with as many tokens as a training set holds, one."""
    tables = small_text(tmp_path, write_corpora(tmp_path))
    tables["learner"][0]["tokens"], tables["learner"][1]["tokens"] = 12_000, 30_000
    return written(tmp_path, tables)


def test_a_dry_run_says_how_many_passes_a_budget_is(study, tmp_path, capsys):
    run.run(study, tmp_path / "runs", dry_run=True, as_json=True)
    said = capsys.readouterr()
    assert said.err == NOTE
    assert json.loads(said.out)["missing"] == 61


def test_an_audit_says_how_many_passes_a_budget_is(study, tmp_path, capsys, monkeypatch):
    # Training sets are compared with the evaluation in processes of their own, which this needs not wait for.
    monkeypatch.setattr(audit, "run_all", lambda *given, **named: 0)
    audit.audit(study, tmp_path / "runs")
    said = capsys.readouterr()
    assert said.err == NOTE
    assert "0 violations, " in said.out


def test_a_study_in_which_nothing_comes_twice_says_nothing(tmp_path, capsys):
    run.run(written(tmp_path, small_text(tmp_path, write_corpora(tmp_path))), tmp_path / "runs", dry_run=True)
    run.run(written(tmp_path, SMALL), tmp_path / "runs", dry_run=True)
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.count("runs to do") == 2
