"""What cannot be drawn is said before anything is trained."""

import pytest

from breadth.errors import SpecError
from breadth.study.feasible import check_feasible
from breadth.study.plan import plan_study


def refused(study):
    with pytest.raises(SpecError) as error:
        check_feasible(plan_study(study))
    return str(error.value)


def test_the_small_study_is_feasible(make_study):
    check_feasible(plan_study(make_study()))


def test_more_classes_than_a_domain_has(make_study):
    assert refused(make_study(training={"classes": 13, "images": 10})) == (
        "training set '1x-latin-1': 'glyphs:scripts=latin,styles=sans,classes=12,per_class=12' has 12 of 12 classes with at least 10 items; "
        "13 are needed: ask for fewer classes or fewer items a class"
    )


def test_tasks_larger_than_the_training_sets(make_study):
    message = refused(make_study(measure={"tasks": 6, "ways": 3, "per_class": 11}))
    assert message.startswith("measure: tasks of 3 ways and 11 items a class of training set '1x-latin-1' cannot be drawn: class ")


def test_episodes_with_more_ways_than_any_part_has(make_study):
    study = make_study(training={"classes": 6, "images": 10})
    assert refused(study).startswith(
        "measure: tasks of 3 ways and 5 items a class of training set '3x-latin-1' cannot be drawn: no part of "
    )


def test_an_evaluation_suite_with_too_few_images(make_study):
    evaluation = {"data": ["cyrillic"], "ways": 3, "shots": 3, "queries": 10, "episodes": 4}
    assert refused(make_study(evaluation=evaluation)).startswith("evaluation: episodes cannot be drawn: class 'cyrillic/")
