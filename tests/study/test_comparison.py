"""PT against MAML on a finished study: which head, which level, how d is averaged, and what is said of seeds."""

from pathlib import Path

import numpy as np
import pytest

from breadth.stats.effect import cohen_d, shared_difference, tost
from breadth.study.comparison import MARGIN, compare
from breadth.study.engine import run_all
from breadth.study.plan import plan_study
from breadth.study.readings import Readings
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
