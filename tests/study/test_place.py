"""Names in a study file mean the same from wherever the command is given: data_root first."""

import pytest
from text_small import small_text, write_corpora

from breadth.data.text.tokens import BYTES
from breadth.errors import SpecError
from breadth.study.place import source_place
from breadth.study.plan import plan_study
from breadth.study.spec import Study
from breadth.study.text_sources import documents_of, streams


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """Return a data folder with texts, and one with others where the command is given."""
    root, here = tmp_path / "root", tmp_path / "here"
    for folder in (root / "many", here / "many"):
        folder.mkdir(parents=True)
    for name in "ab":
        (root / "many" / f"{name}.txt").write_text(name)
    (here / "many" / "z.txt").write_text("z")
    (here / "only").mkdir()
    (here / "only" / "y.txt").write_text("y")
    monkeypatch.chdir(here)
    return root


def test_data_root_comes_before_the_working_directory(elsewhere):
    root = elsewhere
    for name in ("many", "many/a.txt", "many/*.txt", "many/{a,b}.txt"):
        assert source_place(name, root) == f"{root}/{name}"
    assert source_place("hf:many", root) == f"hf:{root}/many"
    assert source_place("hf:many#train", root) == f"hf:{root}/many#train"


def test_what_is_only_here_is_taken_from_here(elsewhere):
    for name in ("only", "only/y.txt", "only/*.txt", "hf:only", "hf:user/name@main", "digits", "glyphs:scripts=greek,classes=10"):
        assert source_place(name, elsewhere) == name


def test_what_is_nowhere_is_missed_in_data_root(elsewhere):
    assert source_place("none/*.txt", elsewhere) == f"{elsewhere}/none/*.txt"


def test_a_study_of_patterns_runs_from_anywhere(tmp_path, monkeypatch):
    root = tmp_path / "data"
    root.mkdir()
    tables = write_corpora(root)
    tables["north"] = {"load": "nort*.txt", "by": "line"}
    (tmp_path / "north of here.txt").write_text("another text")
    monkeypatch.chdir(tmp_path)
    plan = plan_study(Study.model_validate(small_text(root, tables)))
    taken = documents_of(streams(plan.overlaps["1x-north-1"].body["data"], root)["north"], BYTES)
    held = (root / "north.txt").read_text()
    assert {text in held for text in taken} == {True}
    tables["north"] = {"load": "sorth*.txt"}
    with pytest.raises(SpecError) as e:
        plan_study(Study.model_validate(small_text(root, tables)))
    assert str(e.value) == f"data.north: {root}/sorth*.txt matches no file; check the pattern and the folder"
