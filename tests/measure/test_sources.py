"""Sources of a measurement: read once, in one pixel form, under different names; vectors without labels apart from the rest."""

import re

import numpy as np
import pytest

from breadth.data.formats import from_arrays, load
from breadth.errors import DataError, MeasureError
from breadth.measure.settings import Reading, Settings
from breadth.measure.sources import no_classes, read_sources
from breadth.measure.unlabelled import measure_features
from measure.small import SMALL, source, vectors


def bare(name, n=40, width=5, seed=0):
    return from_arrays(np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32), np.zeros(n, int), name=name)


def test_images_take_the_form_of_the_settings():
    (found,) = read_sources(["digits"], Settings(size=12, channels=3))
    assert found.inputs.shape[1:] == (12, 12, 3)
    assert found.name == "digits"


def test_a_set_in_memory_is_not_read_again(monkeypatch):
    given = source("first")
    monkeypatch.setattr("breadth.measure.sources.load", lambda *a, **k: pytest.fail("read again"))
    (found,) = read_sources([given], SMALL)
    np.testing.assert_array_equal(found.inputs, given.inputs)
    assert read_sources([found], SMALL)[0].inputs is found.inputs


def test_what_load_is_told_reaches_it(tmp_path):
    rng = np.random.default_rng(0)
    np.savez(
        tmp_path / "two.npz", a=rng.integers(0, 255, (9, 8, 8)).astype(np.uint8), b=rng.integers(0, 255, (9, 8, 8)).astype(np.uint8),
        kind=np.arange(9) % 3,
    )  # fmt: skip
    for column in ("a", "b"):
        (found,) = read_sources([tmp_path / "two.npz"], Settings(size=8, channels=1, reading=Reading(column, "kind", limit=6)))
        assert found.n_items == 6
        whole = load(tmp_path / "two.npz", image_col=column, label_col="kind", limit=6)
        np.testing.assert_array_equal(found.inputs, whole.inputs)


@pytest.mark.parametrize(
    ("places", "error", "message"),
    [
        ([], MeasureError, "no source was given; expected one or more, e.g. 'digits'"),
        (["digits", "digits"], MeasureError,
         "two sources are named 'digits'; expected different names: give each source once, or rename a folder"),
        (["digitz"], DataError, None),
    ],
)  # fmt: skip
def test_places_that_cannot_be_read(places, error, message):
    with pytest.raises(error, match="did you mean 'digits'" if message is None else f"^{re.escape(message)}$"):
        read_sources(places, SMALL)


def test_only_vectors_of_one_class_are_bare():
    assert no_classes([bare("x"), bare("y")])
    assert not no_classes([vectors("v")])
    assert not no_classes([source("one", classes=1)])  # images: a task of them is refused with a reason
    message = "'x' has no classes and 'v' has; expected sources of one kind: measure features without labels apart"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        no_classes([vectors("v"), bare("x")])


def test_features_without_labels_have_the_other_metrics_at_one_size():
    found = measure_features([bare("x", 60), bare("y", 40, seed=1)], SMALL)
    assert [(f.name, f.items) for f in found] == [("x", 30), ("y", 30)]
    for f in found:
        assert {r.estimate.n for r in f.rivals} == {30}
        assert f.as_dict()["rivals"][0]["name"] == f.rivals[0].name
        assert all(r.estimate.low <= r.estimate.value <= r.estimate.high for r in f.rivals)
    assert [f.items for f in measure_features([bare("x", 60), bare("y", 25)], SMALL)] == [25, 25]


def test_features_of_different_width_are_refused():
    message = "the sources have 5, 6 features; expected one number for all"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        measure_features([bare("x"), bare("y", width=6)], SMALL)
