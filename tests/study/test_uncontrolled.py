"""The page on uncontrolled checkpoints is what its script prints and follows from it; the report never says more than the verdict."""

import importlib.util
import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from breadth.report import page, table
from breadth.report.checklist import checklist
from breadth.report.figure import draw, svg
from breadth.seeds import generator
from breadth.stats.association import mixed_slope
from breadth.stats.interval import Estimate
from breadth.study.finding import Analysis, Finding, Fit, Point, Series
from breadth.study.robustness import robustness_of
from breadth.study.verdict import Evidence

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "uncontrolled.md").read_text()


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("uncontrolled_script", DOCS / "uncontrolled.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def row(script, number, n, draws):
    return script.run(script.SCENARIOS[number - 1], n, draws)


@pytest.mark.slow
def test_every_row_of_the_page_is_what_the_script_prints(script):
    rows = [script.run(s, n) for s in script.SCENARIOS for n in s.sizes]
    assert script.table(rows) in PAGE
    assert f"plain least squares has {100 * script.without_domains():.0f} %" in PAGE


def test_what_the_page_says_holds_and_misleads_does(script):
    recorded, proxy, hidden, through = (row(script, k, 21, 40) for k in (2, 5, 6, 8))
    near = 4 * 0.007 / math.sqrt(40)  # four standard errors of a mean over 40 studies
    assert recorded.bias[0] > 0.006
    assert abs(recorded.bias[1]) < near
    assert hidden.bias[1] > 0.006
    assert 0.003 < proxy.bias[1] < recorded.bias[0]
    assert abs(through.bias[0]) < near
    assert through.bias[1] < -0.015
    assert recorded.supported == 0


def test_twelve_sets_never_support(script):
    assert row(script, 1, 12, 40).supported == 0
    assert row(script, 10, 21, 20).supported == 0


def test_the_planted_confounder_is_as_strong_as_the_page_says(script):
    """36 % of diversity, 39 % of what diversity leaves of accuracy."""
    r, g, noise = script.MOVES, script.EFFECT, script.NOISE
    rest = g**2 * (1 - r**2)
    assert f"explains {100 * r**2:.0f} % of diversity and {100 * rest / (rest + noise**2):.0f} % of the rest" in PAGE


def study(slope=0.5, confounding=0.0, n=24, seed=0):
    rng = generator(seed, "robustness")
    z = rng.normal(size=n)
    x = confounding * z + rng.normal(size=n)
    y = slope * x + 0.4 * z + 0.3 * rng.normal(size=n)
    return Evidence(x, y, rng.dirichlet(np.ones(3), size=n), None, {"images": z, "complexity": rng.normal(size=n)})


def test_raw_and_adjusted_are_those_of_the_mixed_model():
    ev = study(confounding=0.5)
    r = robustness_of(ev, "accuracy", "supported", (), 0.05, None)
    assert r.raw == mixed_slope(ev.x, ev.y, ev.membership).estimate
    assert r.adjusted == mixed_slope(ev.x, ev.y, ev.membership, ev.covariates).estimate
    assert r.given == ("images", "complexity")
    assert r.strongest == "images"
    assert 0 < r.value_alpha < r.value < 1


STRONG = ("supports", "supported", "proves", "shows that", "demonstrates", "because of diversity", "causes")


@pytest.mark.parametrize("verdict", ["supported", "refuted", "inconclusive", "confounded"])
def test_words_never_go_beyond_the_verdict(verdict):
    said = robustness_of(study(), "accuracy", verdict, (), 0.05, None).sentence
    if verdict == "supported":
        assert said.endswith("The data cannot exclude such a confounder.")
    else:
        assert said.endswith(f"The verdict stays {verdict}: this is about the association as estimated, not a sign of an effect.")
    assert not any(word in said for word in STRONG)


def test_the_sentence_holds_the_stored_numbers():
    r = robustness_of(study(), "loss", "supported", ("alignment",), 0.1, None)
    assert re.fullmatch(
        rf"An unmeasured confounder would have to explain {100 * r.value:.0f} % of the rest of both diversity and loss to undo the adjusted "
        rf"slope, and {100 * r.value_alpha:.0f} % for its 90 % interval to reach 0; the strongest recorded covariate, {r.strongest}, explains "
        r"[\d.]+ % of diversity and [\d.]+ % of loss, given the others; another as strong would leave at least \d+ % of the slope\. The data "
        r"cannot exclude such a confounder\. Nothing is adjusted for alignment, not known for every training set\.",
        r.sentence,
    )
    assert r.left > 0


def test_a_slope_against_the_hypothesis_leaves_one_of_its_own_sign():
    r = robustness_of(study(slope=-0.5), "accuracy", "refuted", (), 0.05, None)
    assert r.adjusted.value < r.left < 0


@pytest.mark.parametrize(
    ("ev", "why", "start"),
    [
        (
            study(slope=0, seed=3),
            None,
            "The interval of the adjusted slope holds 0: there is no effect that a confounder would have to undo.",
        ),
        (study(), "no data", "Nothing is estimated (no data), so nothing can be said of an unmeasured confounder."),
        (
            Evidence(study().x, study().y, np.ones((24, 1))),
            None,
            "An unmeasured confounder would have to explain",
        ),
        (
            replace(study(), covariates={"images": 2 * np.asarray(study().x)}),
            None,
            "No adjusted slope can be estimated, so nothing can be said of an unmeasured confounder.",
        ),
    ],
)
def test_what_cannot_be_said_is_not_said(ev, why, start):
    r = robustness_of(ev, "accuracy", "inconclusive", (), 0.05, why)
    assert r.sentence.startswith(start)
    if not ev.covariates:
        assert "slope (no covariate varies)" in r.sentence
        assert "no recorded covariate varies, so there is no yardstick for that" in r.sentence


def test_a_covariate_too_near_to_diversity_is_no_comfort():
    ev = study(confounding=3.0)
    said = robustness_of(ev, "accuracy", "confounded", (), 0.05, None).sentence
    assert "another as close to diversity could undo any slope" in said or "holds 0" in said


@pytest.fixture
def analysis():
    ev = study(confounding=0.3)
    r = robustness_of(ev, "accuracy", "inconclusive", ("alignment",), 0.05, None)
    points = tuple(
        Point(f"s{i}", "PT", None, float(x), math.nan, math.nan, float(y), math.nan, math.nan)
        for i, (x, y) in enumerate(zip(ev.x, ev.y, strict=True))
    )
    e = Estimate(0.1, 0.0, 0.2, 0.95, 24, "t")
    series = Series("PT", "accuracy", "random", "logistic/support", points, Fit((), (), (), ()), {"Pearson r": e}, {}, primary=True)
    findings = (
        Finding("primary", "PT changes", "inconclusive", e, points, (), (), r),
        Finding("PT against MAML", "no winner", "inconclusive", e, points, (), ()),
    )
    return Analysis("s", "Title", "Question?", "inconclusive", (), findings, (series,), (), (), (), (), ())


def test_page_tables_and_checklist_show_it(analysis):
    r = analysis.findings[0].robustness
    made = {t.name: t for t in table.tables(analysis)}["robustness"]
    assert len(made.rows) == 1  # a finding that is not about x and y has none
    assert made.rows[0][0] == "primary"
    assert made.rows[0][3] == "images, complexity"
    assert made.rows[0][4:6] == (f"{100 * r.value:.0f} %", f"{100 * r.value_alpha:.0f} %")
    assert made.note.endswith("Not adjusted for: alignment, not known for every training set.")
    html = page.render(analysis, svg(draw(analysis)))
    assert f'<p id="robustness-sentence">{r.sentence}</p>' in html
    assert "How strong an unmeasured cause would have to be" in table.markdown(analysis)
    assert r"\label{tab:robustness}" in table.latex(analysis)
    answer = next(a for a in checklist(analysis) if a.question == "Could something that nobody recorded undo it?")
    assert (answer.status, answer.detail) == ("depends", r.sentence)
    assert analysis.as_dict()["findings"][0]["robustness"]["value"] == r.value
    assert analysis.as_dict()["findings"][1]["robustness"] is None
    without = replace(analysis, findings=analysis.findings[1:])
    assert "robustness-sentence" not in page.render(without, svg(draw(without)))
