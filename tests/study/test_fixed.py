"""What stands before the first run stays: a study changed afterwards is a violation, not a new hypothesis."""

import pytest

from breadth.study.fixed import fix, fixed_row, verdict_rule
from breadth.study.store import Store


def test_before_the_first_run_nothing_is_fixed(make_study, tmp_path):
    assert fixed_row(make_study(), Store(tmp_path)).status == "unknown"


def test_the_same_study_is_equal_and_an_older_writing_is_never_replaced(make_study, tmp_path):
    store = Store(tmp_path)
    fix(make_study(), store)
    before = (tmp_path / "small.fixed.json").read_bytes()
    assert fixed_row(make_study(), store).status == "equal"
    fix(make_study(question="another question", title="another title"), store)
    assert (tmp_path / "small.fixed.json").read_bytes() == before
    assert fixed_row(make_study(title="another title"), store).status == "equal"


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ({"hypothesis": {"learner": "PT", "condition": "centroid/support", "probe": "random"}}, "study.hypothesis.condition"),
        ({"measure": {"tasks": 7, "ways": 3, "per_class": 5}}, "study.measure.tasks"),
        ({"controls": {"equal": ["classes"]}}, "study.controls.equal"),
    ],
)
def test_a_change_after_the_first_run_is_a_violation(make_study, tmp_path, part, key):
    store = Store(tmp_path)
    fix(make_study(), store)
    row = fixed_row(make_study(**part), store)
    assert (row.status, row.violation) == ("differs", True)
    assert row.detail == f"changed after the first run: {key}"


def test_a_smaller_effect_changes_the_rule(make_study, tmp_path):
    store = Store(tmp_path)
    fix(make_study(), store)
    hypothesis = {"learner": "PT", "condition": "logistic/support", "probe": "random", "smallest_effect": {"accuracy": 0.0001}}
    changed = make_study(hypothesis=hypothesis)
    assert (
        fixed_row(changed, store).detail == "changed after the first run: rules.accuracy, study.hypothesis.smallest_effect.accuracy"
    )
    assert verdict_rule(changed, "accuracy").smallest_effect == 0.0001
    assert verdict_rule(changed, "loss").direction == "down"


def test_a_damaged_writing_is_not_taken_for_equal(make_study, tmp_path):
    (tmp_path / "small.fixed.json").write_text("{")
    assert fixed_row(make_study(), Store(tmp_path)).violation
