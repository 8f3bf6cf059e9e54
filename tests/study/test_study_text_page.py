"""docs/study_text.md is true: its study runs as it stands, and its tables have every key that a study of text may have, with its default."""

import gzip
import json
import re
import tomllib
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from breadth.study.analysis import analyse
from breadth.study.control import audit_study
from breadth.study.feasible import check_feasible
from breadth.study.fixed import fix
from breadth.study.plan import plan_study
from breadth.study.run import execute
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.tables import (
    ControlSpec,
    DataSpec,
    DesignSpec,
    EvaluationSpec,
    HypothesisSpec,
    MeasureSpec,
    SmallestEffectSpec,
    TrainingSpec,
    TrainSpec,
)
from breadth.study.text_checks import _IMAGES
from breadth.study.text_tables import TEXT_CONTROLS, LanguageSpec, TextProbeSpec, TextSpec
from breadth.study.toml import read_study
from study.text_small import documents_of

PAGE = (Path(__file__).parents[2] / "docs" / "study_text.md").read_text(encoding="utf-8")
TABLES = {
    "[hypothesis]": ("hypothesis", HypothesisSpec),
    "[text]": ("text", TextSpec),
    "[data.NAME]": ("data", DataSpec),
    "[training]": ("training", TrainingSpec),
    "[design]": ("design", DesignSpec),
    "[[train]]": ("train", TrainSpec),
    "[[learner]]": ("learner", LanguageSpec),
    "[[probe]]": ("probe", TextProbeSpec),
    "[measure]": ("measure", MeasureSpec),
    "[evaluation]": ("evaluation", EvaluationSpec),
    "[controls]": ("controls", ControlSpec),
}
# Keys that the tables leave open and a study of text must have.
NEEDED = {"data.load", "training.tokens", "evaluation.documents", "evaluation.bytes", "hypothesis.outcome"}


def keys_of(title):
    """Key -> default as the page has them in the table under a title."""
    (section,) = re.findall(rf"^### {re.escape(title)}\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^\| `([^`]+)` \| (.*?) \|", section, re.MULTILINE))


def default_of(name, field):
    if name in NEEDED or field.is_required():
        return "needed"
    if name == "controls.equal":
        return list(TEXT_CONTROLS)
    assert field.default is not PydanticUndefined
    return list(field.default) if isinstance(field.default, tuple) else field.default


def told(cell):
    return {"needed": "needed", "none": None}[cell] if cell in ("needed", "none") else tomllib.loads(f"x = {cell}")["x"]


@pytest.mark.parametrize("title", TABLES)
def test_every_key_stands_on_the_page_with_its_default(title):
    table, model = TABLES[title]
    fields = {k: f for k, f in model.model_fields.items() if k not in (_IMAGES.get(table) or ())}
    if table == "hypothesis":
        del fields["smallest_effect"]
        fields["smallest_effect.loss"] = SmallestEffectSpec.model_fields["loss"]
    assert {k: told(cell) for k, cell in keys_of(title).items()} == {k: default_of(f"{table}.{k}", f) for k, f in fields.items()}


def test_every_table_stands_on_the_page():
    titles = set(re.findall(r"^### (\[.*)$", PAGE, re.MULTILINE))
    assert titles == set(TABLES)
    of_text = {k for k in Study.model_fields if _IMAGES.get(k, ()) is not None}
    top = keys_of("Top of the file")
    assert {table for table, _ in TABLES.values()} | set(top) | {"file"} == of_text
    assert {k: told(cell) for k, cell in top.items()} == {k: default_of(k, Study.model_fields[k]) for k in top}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The study of the page, with texts under the names that it gives them."""
    desk = tmp_path_factory.mktemp("page")
    (block,) = re.findall(r"^```toml\n# text\.toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (desk / "text.toml").write_text(block, encoding="utf-8")
    texts = desk / "texts"
    for folder in ("letters", "code"):
        (texts / folder).mkdir(parents=True)
    written = {name: documents_of(name, 130) for name in ("news", "reviews", "letters", "code", "stories")}
    (texts / "news.txt.gz").write_bytes(gzip.compress("\n".join(written["news"]).encode(), mtime=0))
    (texts / "reviews.jsonl").write_text("\n".join(json.dumps({"id": 1, "body": t}) for t in written["reviews"]))
    for i in (0, 1):
        (texts / "letters" / f"{i}.txt").write_text("\n\n".join(written["letters"][i::2]))
        (texts / "code" / f"{i}.txt").write_text("\n".join(written["code"][i::2]))
    (texts / "stories.txt").write_text("\n".join(written["stories"]))
    return desk / "text.toml"


def test_the_study_of_the_page_runs_as_it_stands(study, tmp_path):
    plan = plan_study(read_study(study))
    check_feasible(plan)
    store = Store(tmp_path)
    fix(plan.study, store)
    for run in plan.runs:
        store.begin(run)
        execute(run, store, Path(plan.study.data_root), device="cpu", report=lambda done, total: None)
    assert [r.control for r in audit_study(plan, store) if r.violation] == []
    first = analyse(plan, store).series[0]
    assert (first.primary, first.learner, first.metric, first.condition, first.unit) == (
        True,
        "LM",
        "loss",
        "bits-per-byte",
        "bits per byte",
    )
    assert len(first.points) == 8
    (learner,) = plan.study.learner
    assert learner.tokens == 2 * plan.study.training.tokens  # as the page says
