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


def test_a_domain_with_fewer_classes_than_ways_would_be_missing_from_x(make_study):
    study = make_study(training={"classes": 8, "images": 10})
    assert refused(study) == (
        "measure: tasks of 3 ways and 5 items a class of training set '3x-latin-1' would never come from 'arrows', which gives 2 classes; "
        'give every domain at least 3 classes, or use convention = "pooled-classes"'
    )


def test_a_probe_trained_on_an_arm_under_another_name(make_study):
    data = {**make_study().model_dump()["data"], "alias": {"load": "glyphs:scripts=greek,styles=sans,classes=12,per_class=12"}}
    probe = [{"name": "random", "kind": "conv-stride", "filters": 4, "weights": "trained", "data": ["alias"]}]
    with pytest.raises(SpecError) as error:
        plan_study(make_study(data=data, probe=probe))
    assert str(error.value) == (
        "probe 'random' would be trained on 'alias', which holds the same data as 'greek'; "
        "train a probe on data outside all arms and the evaluation"
    )


def test_probe_weights_that_are_not_there(make_study):
    probe = [{"name": "random", "kind": "conv-stride", "filters": 4, "weights": "imagenet.safetensors"}]
    with pytest.raises(SpecError) as error:
        plan_study(make_study(probe=probe))
    assert str(error.value) == "probe 'random': weights 'imagenet.safetensors' given; expected random, trained, or a file in ."
