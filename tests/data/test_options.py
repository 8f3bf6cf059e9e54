"""What load() is asked beside the source: options that do not apply, a limit, the split of a folder."""

import numpy as np
from PIL import Image

from breadth.data.formats import ACCEPTED, load
from data.samples import IMAGES, LABELS, refused


def test_options_that_a_source_cannot_have_are_refused(tmp_path):
    assert refused(lambda: load("digits", split="train")) == (
        "split='train' does not apply to the generated source 'digits'; leave it out"
    )
    assert refused(lambda: load("digits", limit=0)) == "limit=0 was asked for; expected at least 1 item"
    assert (
        refused(lambda: load(load("digits"), label_col="y"))
        == "label_col='y' does not apply to an object of type LabeledSet; leave it out"
    )
    np.savez(tmp_path / "a.npz", images=IMAGES, labels=LABELS)
    assert refused(lambda: load(tmp_path / "a.npz", revision="main")) == (
        f"revision='main' does not apply to the file {tmp_path / 'a.npz'}; leave it out"
    )
    assert refused(lambda: load(3)) == f"an object of type int names no data; expected {ACCEPTED}"


def test_a_limit_is_one_fixed_draw_that_keeps_sorted_classes(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.repeat(IMAGES[:4], 25, axis=0), labels=np.repeat([0, 1], 50))
    some = load(tmp_path / "a.npz", limit=20)
    assert (some.n_items, some.n_classes) == (20, 2)
    assert some.digest == load(tmp_path / "a.npz", limit=20).digest == load(load(tmp_path / "a.npz"), limit=20).digest
    assert load(tmp_path / "a.npz", limit=100).digest == load(tmp_path / "a.npz").digest
    assert (load("digits", limit=50).n_items, load("digits", limit=5000).n_items) == (50, 1797)


def test_a_folder_of_splits_and_a_limit_on_it(tmp_path):
    for split in ("train", "test"):
        for c in ("auk", "wren"):
            (tmp_path / "birds" / split / c).mkdir(parents=True)
            for i in range(4):
                Image.fromarray(IMAGES[i]).save(tmp_path / "birds" / split / c / f"{i}.png")
    birds = load(tmp_path / "birds", split="train")
    assert (birds.name, birds.n_items, birds.class_names) == ("birds#train", 8, ("auk", "wren"))
    assert load(tmp_path / "birds", split="test", limit=1).n_classes == 1
    assert refused(lambda: load(tmp_path / "birds", split="val")) == (
        f"{tmp_path / 'birds'} has no folder 'val'; expected one folder for each split, or leave split out"
    )
