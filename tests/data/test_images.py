"""Labelled sets: selection, sampling, and the one pixel pipeline."""

import numpy as np
import pytest
from PIL import Image

from breadth.data.images import LabeledSet, prepare, to_float
from breadth.errors import DataError


def make(counts=(3, 4, 5), size=6, channels=3, name="toy", seed=0):
    rng = np.random.default_rng(seed)
    n = sum(counts)
    labels = rng.permutation(np.repeat(np.arange(len(counts)), counts)).astype(np.int64)
    images = rng.integers(0, 256, (n, size, size, channels)).astype(np.uint8)
    return LabeledSet(name, images, labels, tuple(f"c{i}" for i in range(len(counts))), tuple(f"g{i // 2}" for i in range(n)))


def test_rows_counts_and_sizes():
    toy = make()
    assert (toy.n_items, toy.n_classes, toy.is_images, toy.counts) == (12, 3, True, (3, 4, 5))
    for c in range(3):
        assert toy.rows_of(c).tolist() == np.flatnonzero(toy.labels == c).tolist()


def test_select_renumbers_classes_in_order_and_keeps_item_order():
    toy = make()
    rows = [int(toy.rows_of(2)[1]), int(toy.rows_of(0)[0]), int(toy.rows_of(2)[0])]
    part = toy.select(rows, "part")
    assert part.name == "part"
    assert part.class_names == ("c0", "c2")
    assert part.labels.tolist() == [1, 0, 1]
    assert part.labels.dtype == np.int64
    np.testing.assert_array_equal(part.inputs, toy.inputs[rows])
    assert part.groups == tuple(toy.groups[r] for r in rows)


def test_of_classes_and_at_least():
    toy = make()
    assert toy.of_classes([2, 0]).class_names == ("c0", "c2")
    assert toy.at_least(4).class_names == ("c1", "c2")
    assert toy.at_least(3) is toy


def test_sample_is_a_pure_function_of_seed_and_names():
    toy = make((9, 9, 9, 9, 2))
    one = toy.sample(3, 5, 7, "arm", 1)
    assert one.counts == (5, 5, 5)
    assert one.digest == toy.sample(3, 5, 7, "arm", 1).digest
    others = {toy.sample(3, 5, 7, "arm", i).digest for i in range(2, 8)} | {toy.sample(3, 5, 8, "arm", 1).digest}
    assert one.digest not in others
    assert len(others) == 7
    assert all("c4" not in toy.sample(4, 3, s).class_names for s in range(20))
    source = {toy.inputs[r].tobytes() for r in range(toy.n_items)}
    assert len({image.tobytes() for image in one.inputs}) == 15
    assert {image.tobytes() for image in one.inputs} <= source


def test_digest_changes_with_each_of_inputs_labels_and_class_names():
    toy = make()
    flipped = toy.inputs.copy()
    flipped[0, 0, 0, 0] ^= 1
    other_labels = toy.labels[::-1].copy()
    sets = [
        toy,
        LabeledSet("toy", flipped, toy.labels, toy.class_names),
        LabeledSet("toy", toy.inputs, other_labels, toy.class_names),
        LabeledSet("toy", toy.inputs, toy.labels, ("c0", "c1", "x")),
    ]
    assert len({s.digest for s in sets}) == 4
    assert LabeledSet("renamed", toy.inputs, toy.labels, toy.class_names).digest == toy.digest
    assert len(toy.digest) == 64


def test_prepare_is_free_where_nothing_is_to_do():
    toy = make(size=6, channels=3)
    assert prepare(toy, size=6, channels=3) is toy
    vectors = LabeledSet("v", np.zeros((2, 3), np.float32), np.arange(2, dtype=np.int64), ("a", "b"))
    assert prepare(vectors, size=9, channels=1) is vectors


@pytest.mark.parametrize("size", [4, 6, 11])
@pytest.mark.parametrize("have", [1, 3])
@pytest.mark.parametrize("want", [1, 3])
def test_prepare_agrees_with_pillow(size, have, want):
    toy = make(size=6, channels=have)
    out = prepare(toy, size=size, channels=want)
    assert out.inputs.shape == (12, size, size, want)
    assert out.inputs.dtype == np.uint8
    for image, got in zip(toy.inputs, out.inputs, strict=True):
        pil = Image.fromarray(image if have == 3 else image[..., 0])
        if want == 1:
            pil = pil.convert("L")
        pil = pil.resize((size, size), Image.Resampling.BILINEAR)
        expected = np.asarray(pil.convert("RGB") if want == 3 else pil).reshape(size, size, want)
        np.testing.assert_array_equal(got, expected)
    assert (out.labels is toy.labels, out.class_names, out.groups) == (True, toy.class_names, toy.groups)


def test_to_float_is_the_stated_map_with_channels_first():
    images = make(size=5).inputs
    out = to_float(images)
    assert (out.dtype, out.shape, out.flags.c_contiguous) == (np.float32, (12, 3, 5, 5), True)
    np.testing.assert_allclose(out, images.transpose(0, 3, 1, 2).astype(np.float64) / 127.5 - 1, atol=1e-6)
    assert to_float(np.array([[[[0]], [[255]]]], np.uint8)).reshape(-1).tolist() == [-1, 1]
    vectors = np.ones((2, 3), np.float32)
    assert to_float(vectors) is vectors


@pytest.mark.parametrize(
    "act, message",
    [
        (lambda s: s.rows_of(3), "'toy' has no class 3; its classes are numbered 0 to 2"),
        (lambda s: s.rows_of(-1), "'toy' has no class -1; its classes are numbered 0 to 2"),
        (lambda s: s.select([]), "a selection from 'toy' holds no rows; expected at least one"),
        (lambda s: s.select([0, 12]), "'toy' has no row 12; its rows are numbered 0 to 11"),
        (lambda s: s.select([-1]), "'toy' has no row -1; its rows are numbered 0 to 11"),
        (lambda s: s.at_least(6), "no class of 'toy' has 6 items; the largest, 'c2', has 5"),
        (
            lambda s: s.sample(3, 4, 0),
            "'toy' has 2 of 3 classes with at least 4 items; 3 are needed: ask for fewer classes or fewer items a class",
        ),
        (lambda s: s.sample(0, 4, 0), "a sample of 0 classes with 4 items each was asked for; expected at least 1 of both"),
        (
            lambda s: prepare(s, size=0, channels=3),
            "images of 0 px with 3 channels were asked for; expected 1 to 65535 px and 1 or 3 channels",
        ),
        (
            lambda s: prepare(s, size=8, channels=2),
            "images of 8 px with 2 channels were asked for; expected 1 to 65535 px and 1 or 3 channels",
        ),
        (
            lambda s: to_float(s.inputs[0]),
            "inputs are uint8 of shape [6, 6, 3]; expected uint8 images [n, height, width, channels] or float32 "
            "vectors [n, features]",
        ),
        (
            lambda s: LabeledSet("x", s.inputs.astype(float), s.labels, s.class_names),
            "'x' has float64 inputs of shape [12, 6, 6, 3]; expected uint8 images "
            "[n, height, width, channels] or float32 vectors [n, features]",
        ),
        (
            lambda s: LabeledSet("x", s.inputs, s.labels[:5], s.class_names),
            "'x' has int64 labels of shape [5] for 12 items; expected int64 labels of shape [12]",
        ),
        (
            lambda s: LabeledSet("x", s.inputs, s.labels, s.class_names, ("g",)),
            "'x' has 1 group keys for 12 items; expected one key per item",
        ),
    ],
)
def test_errors(act, message):
    with pytest.raises(DataError) as error:
        act(make())
    assert str(error.value) == message
