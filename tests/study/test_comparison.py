"""PT against MAML on a finished study: which head, which level, how d is averaged, and what is said of seeds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from breadth.stats.association import holm
from breadth.stats.effect import cohen_d, shared_difference, tost
from breadth.stats.interval import Estimate
from breadth.study.comparison import MARGIN, _corrected, _decided, _finding, _judged, _Made, _verdict, compare
from breadth.study.engine import run_all
from breadth.study.finding import Comparison
from breadth.study.plan import plan_study
from breadth.study.readings import Readings, Scored
from breadth.study.spec import Study
from breadth.study.store import Store
from study.small import SMALL

# The hypothesis is no part of a run's identity: the same records answer under another one.
MAML_FIRST = {"learner": "MAML", "condition": "maml2/support", "probe": "random"}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    made = Store(tmp_path_factory.mktemp("runs"))
    run_all(plan_study(Study.model_validate(SMALL)).runs, made, Path("."), workers=2)
    return made


def compared(store, **hypothesis):
    plan = plan_study(Study.model_validate({**SMALL, "hypothesis": {**SMALL["hypothesis"], **hypothesis}}))
    readings = Readings(plan, store)
    return readings, *compare(plan, readings)


@pytest.mark.parametrize(
    ("hypothesis", "head"),
    [({"condition": "centroid/support"}, "centroid"), ({"condition": "logistic/support"}, "logistic"), (MAML_FIRST, "logistic")],
)
def test_the_head_is_that_of_the_hypothesis_where_it_is_about_pt(store, hypothesis, head):
    _, comparisons, _ = compared(store, **hypothesis)
    assert [c.condition for c in comparisons] == [
        f"PT {head} against MAML {k} steps, {mode} batch norm" for k in (2, 3) for mode in ("support", "transductive")
    ]


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_interval_and_equivalence_know_shared_domains_and_the_alpha_of_the_study(store, alpha):
    readings, comparisons, findings = compared(store, alpha=alpha)
    pt, maml = (readings.scored(n, c, "accuracy") for n, c in (("PT", "logistic/support"), ("MAML", "maml2/support")))
    expected = shared_difference(pt.means - maml.means, readings.membership(pt.sets), 1 - alpha)
    c = comparisons[0]
    assert c.difference == expected.estimate == findings[0].estimate
    assert c.difference.method == "training sets, paired, mixed model with domain effects"
    assert (c.p_equivalence, c.equivalent) == (tost(expected, MARGIN, alpha).p, tost(expected, MARGIN, alpha).equivalent)
    assert c.difference.level == 1 - alpha


def test_published_d_is_of_single_networks_averaged(store):
    readings, comparisons, _ = compared(store)
    pt, maml = (readings.scored(n, c, "accuracy") for n, c in (("PT", "logistic/support"), ("MAML", "maml2/support")))
    assert pt.values.shape[:2] == (len(pt.sets), 2)
    single = [cohen_d(pt.values[s, i], maml.values[s, 0]) for s in range(len(pt.sets)) for i in range(2)]
    assert comparisons[0].cohen_d == pytest.approx(np.mean(single))
    averaged = np.mean([cohen_d(a.mean(0), b.mean(0)) for a, b in zip(pt.values, maml.values, strict=True)])
    assert comparisons[0].cohen_d != pytest.approx(averaged)


def test_the_statement_says_that_numbers_of_seeds_differ_and_where_the_margin_comes_from(store):
    _, _, findings = compared(store)
    assert findings[0].statement.endswith(" Numbers of seeds a training set differ: PT 2 seeds, MAML 1 seed.")
    assert "equivalent means within 0.01, the published threshold and a constant of the software" in findings[0].caveats


# several meta-learners

SECOND = {**SMALL["learner"][1], "name": "MAML second order", "order": 2, "test_steps": [2]}
ANIL = {**SMALL["learner"][1], "kind": "anil", "name": "ANIL", "test_steps": [2, 3]}


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    plan = plan_study(Study.model_validate({**SMALL, "learner": [*SMALL["learner"], SECOND, ANIL]}))
    made = Store(tmp_path_factory.mktemp("several"))
    run_all(plan.runs, made, Path("."), workers=2)
    readings = Readings(plan, made)
    return readings, *compare(plan, readings)


def test_every_meta_learner_is_compared_with_pt_and_described_beside_the_others(several):
    _, comparisons, findings = several
    assert [f.name for f in findings] == [
        "PT against MAML, 2 steps",
        "PT against MAML, 3 steps",
        "PT against MAML second order, 2 steps",
        "PT against ANIL, 2 steps",
        "PT against ANIL, 3 steps",
    ]
    assert [(c.condition, c.described) for c in comparisons[::2]] == [
        ("PT logistic against MAML 2 steps, support batch norm", False),
        ("PT logistic against MAML 3 steps, support batch norm", False),
        ("PT logistic against MAML second order 2 steps, support batch norm", False),
        ("PT logistic against ANIL 2 steps, support batch norm", False),
        ("PT logistic against ANIL 3 steps, support batch norm", False),
        ("MAML second order 2 steps against MAML 2 steps, support batch norm", True),
        ("ANIL 2 steps against MAML 2 steps, support batch norm", True),
        ("ANIL 3 steps against MAML 3 steps, support batch norm", True),
        ("ANIL 2 steps against MAML second order 2 steps, support batch norm", True),
    ]
    assert {c.winner for c in comparisons if c.described} == {"described"}
    assert all(c.p_difference_holm is None for c in comparisons if c.described)


def test_a_described_pair_is_the_difference_of_its_own_scores(several):
    readings, comparisons, _ = several
    c = next(c for c in comparisons if c.condition == "ANIL 3 steps against MAML 3 steps, transductive batch norm")
    a, b = (readings.scored(n, w, "accuracy") for n, w in (("ANIL", "anil3/transductive"), ("MAML", "maml3/transductive")))
    assert c.difference == shared_difference(a.means - b.means, readings.membership(a.sets), 0.95).estimate
    assert (c.first, c.second) == ("ANIL", "MAML")


def test_p_values_are_corrected_within_a_mode_and_decide(several):
    _, comparisons, findings = several
    for mode in ("support", "transductive"):
        judged = [c for c in comparisons if not c.described and mode in c.condition]
        for raw, adjusted in (("p_difference", "p_difference_holm"), ("p_equivalence", "p_equivalence_holm")):
            expected = holm({c.condition: getattr(c, raw) for c in judged})
            assert {c.condition: getattr(c, adjusted) for c in judged} == expected
    for c in comparisons:
        if not c.described:
            better = c.first if c.difference.value > 0 else c.second
            side = better if c.p_difference_holm < 0.05 else "undecided"
            assert c.winner == ("equivalent" if c.p_equivalence_holm < 0.05 else side)
    assert any("one of 5 comparisons with a pre-trained learner, corrected together (Holm): p under support: of" in s
               for s in findings[0].caveats)  # fmt: skip


def differing(value, spread, names=("PT", "MAML"), sets=12):
    """A comparison of made-up differences around ``value``."""
    d = shared_difference(value + spread * np.linspace(-1, 1, sets), np.ones((sets, 1)), 0.95)
    c = Comparison("c", d.estimate, 0.0, "no difference", False, tost(d, MARGIN).p, "undecided", *names, p_difference=d.p)
    return _decided(c, d.p, c.p_equivalence, 0.05)


def corrected(*comparisons):
    made = [_Made(None, ["support"], [c], None, None, None, []) for c in comparisons]
    return [m.found[0] for m in _corrected(made, 0.05)]


def test_a_winner_alone_may_be_none_among_several():
    """A difference with p between alpha / 5 and alpha wins alone, and not as one of five."""
    weak = differing(0.03, 0.06)
    assert 0.01 < weak.p_difference < 0.05
    assert weak.winner == "PT"
    assert corrected(weak) == [weak]
    none = differing(0.0, 0.3)
    assert [c.winner for c in corrected(weak, none, none, none, none)] == ["undecided"] * 5
    sure = differing(-0.2, 0.05, ("PT", "ANIL"))
    assert [c.winner for c in corrected(sure, none)] == ["ANIL", "undecided"]
    same = differing(0.001, 0.002)
    assert [c.winner for c in corrected(same, none)] == ["equivalent", "undecided"]


def test_other_precisions_are_said():
    learner = [{**SMALL["learner"][0], "precision": "bf16"}, SMALL["learner"][1]]
    plan = plan_study(Study.model_validate({**SMALL, "learner": learner, "architecture": {"kind": "conv", "filters": 4}}))
    assert "PT was trained in bf16, MAML in float32" in _caveats_of(plan)


def _caveats_of(plan):
    """Caveats of a comparison of made-up scores under ``plan``."""

    class Made:
        def run_ids(self, learner, probe):
            return ()

    sets = plan.sets[:3]
    scored = Scored(sets, (0,), np.random.default_rng(0).uniform(size=(3, 1, 4)))
    pair = _judged(plan)[0]
    xs = [Estimate(0.1, 0.1, 0.1, 0.95, 5, "made up")] * 3
    made = _Made(pair, ["support"], [differing(0.0, 0.1)], scored, scored, np.ones((3, 1)), xs)
    return _finding(made, plan, Made(), 1).caveats


def test_a_verdict_says_what_the_modes_say():
    same, better, none = differing(0.001, 0.002), differing(0.2, 0.05), differing(0.0, 0.3)
    assert _verdict([same, same], True) == ("supported", "equivalent to within 0.01 under every batch norm mode")
    assert _verdict([better, better], True) == ("supported", "PT is better under every batch norm mode")
    assert _verdict([none, none], True) == (
        "inconclusive",
        "no winner, and not equivalent to within 0.01, under any batch norm mode",
    )
    assert _verdict([none], False) == ("inconclusive", "no winner, and not equivalent to within 0.01")
    assert _verdict([better, none], True) == ("inconclusive", "the batch norm modes do not agree on a winner: c: PT, c: undecided")
    assert _verdict([better], True) == ("inconclusive", "compared under one batch norm mode only, so no winner is named")


def test_without_a_p_value_nothing_is_decided():
    unknown = replace(differing(0.2, 0.05), p_difference=None)
    assert [c.winner for c in corrected(unknown, unknown)] == ["undecided"] * 2
