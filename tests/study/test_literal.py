"""A published diversity value as x of an arm: never without its source, never silently beside measurements, marked wherever it is shown."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from matplotlib.colors import to_rgba
from pydantic import ValidationError

from breadth.report import page, table
from breadth.report.figure import draw, svg
from breadth.report.style import PAPER
from breadth.stats.interval import t_quantile
from breadth.study.analysis import analyse
from breadth.study.plan import plan_study
from breadth.study.readings import Readings
from breadth.study.run import execute
from breadth.study.series import evidence_of
from breadth.study.spec import Study
from breadth.study.store import Store
from breadth.study.toml import read_study
from study.small import SMALL

SOURCE = "arXiv 2208.01545"
MI = {"value": 0.117, "low": 0.1169, "high": 0.1171, "probe": "resnet18 pre-trained", "source": SOURCE, "tasks": 500}
CIFAR = {"value": 0.1, "probe": "resnet18 pre-trained", "source": SOURCE}


def study(train, **parts):
    return Study.model_validate({**SMALL, "design": None, "train": train, **parts})


def arms(*given):
    names = ("latin", "greek", "arrows", "latin", "greek", "arrows")
    return [
        {"name": f"arm{i}", "domains": [names[i]], "classes": 6 + i % 3, **({"diversity": d} if d else {})}
        for i, d in enumerate(given)
    ]


def finish(tmp_path, train, **parts):
    learner = [{"kind": "pretrain", "name": "PT", "seeds": [0], "images": 120, "batch": 30}]
    controls = {"equal": ["architecture"], **parts}
    plan = plan_study(study(train, learner=learner, controls=controls))
    store = Store(tmp_path / "runs")
    for run in plan.runs:
        store.begin(run)
        execute(run, store, Path("."), device="cpu", report=lambda done, total: None)
    return plan, analyse(plan, store), Readings(plan, store)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("mixed"), arms(MI, CIFAR, None, None, None, None), mixed_diversity=True)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    values = [{**MI, "value": v, "low": v - 1e-4, "high": v + 1e-4} for v in (0.117, 0.1, 0.108, 0.12, 0.09)]
    return finish(tmp_path_factory.mktemp("published"), arms(*values))


@pytest.mark.parametrize(
    ("train", "controls", "message"),
    [
        (
            arms(None, MI),
            {},
            "train.1.diversity is a published value, but other training sets are measured; numbers of different protocols do not compare: "
            "use one protocol, or set controls.mixed_diversity = true and the verdict will say so",
        ),
        (
            arms(MI, {**MI, "probe": "resnet34 random"}),
            {"mixed_diversity": False},
            "train.0.diversity is a published value, but the published values come from 2 probes; numbers of different protocols do not "
            "compare: use one protocol, or set controls.mixed_diversity = true and the verdict will say so",
        ),
        (arms({**MI, "high": None}), {}, "one end of an interval is given; give low and high, or neither"),
        (arms({**MI, "value": 0.2}), {}, "value 0.2 lies outside its interval [0.1169, 0.1171]"),
        (arms({"value": 0.1, "probe": "resnet18"}), {}, "Field required"),
    ],
)
def test_what_is_refused(train, controls, message):
    with pytest.raises(ValidationError) as error:
        study(train, controls=controls)
    assert error.value.errors()[0]["msg"].removeprefix("Value error, ") == message


def test_a_study_file_names_the_line(tmp_path, small_toml):
    text = (
        small_toml
        + '[[train]]\nname = "mi"\ndomains = ["latin"]\ndiversity = { value = 0.117, probe = "r18", source = "a paper" }\n'
    )
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(Exception, match=r"line 58: train\.0\.diversity is a published value, but other training sets are measured"):
        read_study(tmp_path / "s.toml")
    (tmp_path / "s.toml").write_text(text + "[controls]\nmixed_diversity = true\n")
    assert read_study(tmp_path / "s.toml").train[0].diversity.source == "a paper"


def test_nothing_is_measured_for_a_published_value(mixed):
    plan, analysis, _ = mixed
    assert {s for s, _ in plan.measures} == {"arm2", "arm3", "arm4", "arm5"}
    assert ("arm0", "PT", 0) in plan.scores
    points = {p.train: p for p in analysis.series[0].points}
    assert (points["arm0"].x, points["arm0"].x_low, points["arm0"].x_high) == (0.117, 0.1169, 0.1171)
    assert points["arm0"].published == "arXiv 2208.01545; probe: resnet18 pre-trained"
    assert math.isnan(points["arm1"].x_low)
    assert points["arm2"].published == ""


def test_errors_of_the_measured_count_beside_values_that_are_exact(mixed):
    _, _, readings = mixed
    ev = evidence_of(readings, readings.scored("PT", "logistic/support", "accuracy"), "random", ())
    assert ev.x_se[1] == 0
    assert ev.x_se[0] == pytest.approx(1e-4 / t_quantile(0.975, 499))
    assert all(ev.x_se[2:] > 0)


def test_mixing_is_said_in_verdict_finding_audit_and_caveats(mixed):
    _, analysis, _ = mixed
    said = (
        "x is a published value for 2 of 6 training sets and measured for the rest: numbers of different protocols share one axis, so their "
        "difference can look like an effect or hide one; a value without an interval counts as exact"
    )
    assert said in analysis.reasons
    assert all(said in f.caveats for f in analysis.findings)
    assert f"{said[0].upper()}{said[1:]}." in analysis.caveats
    row = next(r for r in analysis.audit if r.control == "protocol of diversity")
    assert row.status == "differs"
    assert row.detail == (
        "published for 2 of 6 training sets, measured for the rest: arm0 0.117 (arXiv 2208.01545; probe: resnet18 pre-trained); "
        "arm1 0.1 (arXiv 2208.01545; probe: resnet18 pre-trained); 1 of 2 without an interval, so they count as exact"
    )


def test_what_was_not_measured_is_unknown_and_not_adjusted_for(mixed):
    _, analysis, _ = mixed
    robust = analysis.findings[0].robustness
    assert robust.unknown == ("complexity", "alignment")
    assert robust.given == ("classes",)  # images are 10 times as many
    assert robust.sentence.endswith("Nothing is adjusted for complexity, alignment, not known for every training set.")
    assert "complexity" not in " ".join(analysis.series[0].estimates)
    t = table.measures_table(analysis.measures)
    assert t.rows[0] == (
        "arm0",
        "random",
        "1",
        "0.117000 [0.116900, 0.117100] (published)",
        "unknown",
        "unknown",
        "unknown",
        "unknown",
    )
    assert "arm1: arXiv 2208.01545; probe: resnet18 pre-trained" in t.note


def test_marks_are_hollow_and_every_page_names_the_source(mixed):
    _, analysis, _ = mixed
    figure = draw(analysis)
    marks = next(c for c in figure.axes[0].collections if c.get_gid() == "PT-accuracy-points")
    hollow = [tuple(f) == to_rgba(PAPER) for f in marks.get_facecolors()]
    assert hollow == [True, True, False, False, False, False]
    text = svg(figure)
    assert "hollow: published, not measured here" in text
    html = page.render(analysis, text)
    assert re.search(r"Hollow marks: x is a published value, not measured here, for arm0 \(arXiv 2208.01545; probe: resnet18", html)
    assert "0.117000 [0.116900, 0.117100] (published)" in html
    for said in (table.markdown(analysis), table.latex(analysis)):
        assert "published value, not measured here, for arm0 (arXiv 2208.01545" in said
    measured = replace(
        analysis,
        series=tuple(replace(s, points=tuple(replace(p, published="") for p in s.points)) for s in analysis.series),
    )
    assert "hollow" not in svg(draw(measured))


def test_one_published_protocol_for_all_needs_no_flag_and_is_unknown(published):
    plan, analysis, _ = published
    assert plan.measures == {}
    row = next(r for r in analysis.audit if r.control == "protocol of diversity")
    assert row.status == "unknown"
    assert row.detail.startswith("published for all training sets, how is known only from the sources: arm0 0.117 (")
    assert "x is a published value for all 5 training sets, taken on trust with its protocol" in analysis.reasons
    assert [m.published != "" for m in analysis.measures] == [True] * 5 + [False]  # the suite is measured
    assert "hollow: published, not measured here)" in svg(draw(analysis))


def test_studies_without_one_are_written_and_hashed_as_before():
    """The new keys leave no trace where they are not used, so that older studies keep their runs and what was fixed."""
    small = Study.model_validate({**SMALL, "train": [{"name": "t", "domains": ["latin"]}]})
    assert small.fixed()["train"] == [{"name": "t", "domains": ["latin"], "classes": None, "images": None}]
    assert set(small.fixed()["data"]["latin"]) == {"load", "held_out"}
    assert set(small.fixed()["controls"]) == {"equal"}
    ids = [run.run_id for run in plan_study(Study.model_validate(SMALL)).runs]
    assert ids[:2] == ["probe-ca4bda76693b4d17", "measure-c644c014bc17f827"]
    assert len(ids) == 35
