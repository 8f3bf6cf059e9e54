"""The end of meta-training: held-out classes, the plateau of their loss, what a study may ask for, and what a run cost."""

import numpy as np
import pytest
from pydantic import ValidationError

from breadth.data.union import single, union
from breadth.errors import SpecError
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.schedule import windows_since_best
from breadth.learn.validation import held_out
from breadth.nets.build import Architecture
from breadth.study.tables import AnilSpec, MamlSpec

ARCH = Architecture("conv-stride", 4, 1, 8)
CONVERGED = {"ways": 2, "shots": 3, "queries": 3, "stop": "converged", "patience": 2, "window": 3, "meta_batch": 2}


def test_held_out_classes_are_on_one_side_only(digits):
    source = union([digits[0], digits[1]], "pooled-classes")
    train, judge = held_out(source, 2, 2, 0)
    for part, a, b in zip(source.parts, train.parts, judge.parts, strict=True):
        assert (a.n_classes, b.n_classes) == (3, 2)
        assert sorted({*a.class_names, *b.class_names}) == sorted(part.class_names)
        assert a.n_items + b.n_items == part.n_items
    assert train.convention == judge.convention == "pooled-classes"
    chosen = {tuple(held_out(source, 2, 2, seed)[1].parts[0].class_names) for seed in range(8)}
    assert len(chosen) > 1
    assert held_out(source, 2, 2, 0)[1].digest == judge.digest


@pytest.mark.parametrize("classes", [1, 4])
def test_too_few_classes_on_a_side_are_refused(digits, classes):
    with pytest.raises(SpecError) as e:
        held_out(single(digits[0]), classes, 2, 0)
    assert str(e.value) == (
        f"validation on {classes} of the 5 classes of 'digits 0-4'; expected at least 2 (ways) on both sides: change validation, or "
        "leave it out to judge the training loss"
    )


def test_a_source_without_labelled_sets_is_refused():
    class Bare:
        name = "numbers"

    with pytest.raises(SpecError) as e:
        held_out(Bare(), 2, 2, 0)
    assert str(e.value) == "validation on held-out classes needs labelled sets; 'numbers' draws its tasks without any"


@pytest.mark.parametrize("adapts", ["all", "head"])
def test_training_ends_where_the_validation_loss_stays(digits, adapts):
    settings = MamlSettings(tasks=1200, lr=1e-9, validation=2, adapts=adapts, **CONVERGED)
    trained = meta_train(single(digits[0]), ARCH, settings, seed=0)
    judged = [h["validation"] for h in trained.history]
    assert trained.stopped == "converged"
    assert windows_since_best(judged, 0) == 2
    assert trained.cost["validation_tasks"] == 40 * len(judged)
    assert np.ptp(judged) < 1e-4 < np.ptp([h["loss"] for h in trained.history])  # the same tasks each time


def test_a_last_window_that_is_shorter_is_judged_and_counted(digits):
    trained = meta_train(single(digits[0]), ARCH, MamlSettings(tasks=8, validation=2, **CONVERGED), seed=0)
    assert [(h["step"], "validation" in h) for h in trained.history] == [(3, True), (4, True)]
    assert trained.cost["validation_tasks"] == 80


def test_an_interrupted_run_judges_to_the_same_bits(digits, tmp_path):
    settings = MamlSettings(tasks=24, validation=2, **CONVERGED)

    def stop(done, _total):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        meta_train(single(digits[0]), ARCH, settings, seed=0, folder=tmp_path, report=stop, save_every=0)
    resumed = meta_train(single(digits[0]), ARCH, settings, seed=0, folder=tmp_path)
    assert resumed.history == meta_train(single(digits[0]), ARCH, settings, seed=0).history


def test_the_training_loss_judges_without_validation(digits):
    trained = meta_train(single(digits[0]), ARCH, MamlSettings(tasks=2000, lr=1e-9, **CONVERGED), seed=0)
    assert trained.stopped == "converged"
    assert windows_since_best([h["loss"] for h in trained.history], 0) == 2
    assert "validation" not in trained.history[0]
    assert trained.cost["validation_tasks"] == 0


@pytest.mark.parametrize("given", [{"validation": 3}, {"validation": 0, "stop": "converged"}])
def test_validation_goes_with_the_plateau(given):
    with pytest.raises(SpecError) as e:
        MamlSettings(**given)
    assert str(e.value) == (
        f"MAML validation is {given['validation']} with stop '{given.get('stop', 'budget')}'; expected more than 0 classes, and stop "
        "'converged'"
    )


@pytest.mark.parametrize(
    "given, passes",
    [
        ({"order": 1}, 25 * 5 * 3 + 25 * 3),
        ({"order": 2}, 25 * 5 * 9 + 25 * 3),
        ({"adapts": "head"}, 25 * 3 + 25 * 3),
    ],
)
def test_flops_of_a_run(digits, given, passes):
    """8 px grey, 4 filters: 2 (16 4 9 + 4 4 36 + 4 36 + 4 36 + 4 5) operations a forward pass."""
    one = 2 * (16 * 4 * 9 + 4 * 4 * 36 + 4 * 36 + 4 * 36 + 4 * 5)
    trained = meta_train(single(digits[0]), ARCH, MamlSettings(tasks=4, **given), seed=0)
    assert {k: v for k, v in trained.cost.items() if k != "cpu_seconds"} == {
        "tasks": 4,
        "images": 200,
        "validation_tasks": 0,
        "flops": one * passes * 4,
        "steps": 1,
    }


def test_a_study_that_names_no_stop_is_written_as_before_there_was_one():
    assert not {"stop", "patience", "validation"} & set(MamlSpec(kind="maml").model_dump())
    assert MamlSpec(kind="maml", stop="converged", patience=3).model_dump(exclude_none=True)["patience"] == 3
    assert "order" not in AnilSpec(kind="anil").model_dump()


@pytest.mark.parametrize(
    "given, message",
    [
        ({"stop": "converged", "schedule": "cosine"}, 'stop = "converged" needs schedule = "constant": an annealed loss flattens by itself'),
        ({"patience": 3}, 'patience and validation are read with stop = "converged" only; give it, or leave them out'),
        ({"validation": 5, "stop": "budget"}, 'patience and validation are read with stop = "converged" only; give it, or leave them out'),
    ],
)  # fmt: skip
def test_a_study_whose_stop_cannot_be_seen_is_refused(given, message):
    with pytest.raises(ValidationError) as e:
        MamlSpec(kind="maml", **given)
    assert e.value.errors()[0]["msg"] == f"Value error, {message}"
