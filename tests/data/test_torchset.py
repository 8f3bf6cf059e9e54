"""Torch datasets: every kind of image they yield comes through unchanged; torch is not needed; refusals with their whole message."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, IterableDataset, Subset, TensorDataset

from breadth.data.formats import from_torch, load
from data.samples import IMAGES, LABELS, NAMES, assert_same, refused


class Birds(torch.utils.data.Dataset):
    """Map-style, as torchvision's image folders are."""

    classes = NAMES

    def __init__(self, view, labels=LABELS):
        self.view, self.labels = view, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, i):
        return self.view(IMAGES[i]), self.labels[i]


class Stream(IterableDataset):
    def __iter__(self):
        return iter(Birds(Image.fromarray))


VIEWS = {
    "pillow": Image.fromarray,
    "array": lambda x: x,
    "array channels first": lambda x: x.transpose(2, 0, 1),
    "tensor": lambda x: torch.from_numpy(x).permute(2, 0, 1),
    "tensor channels last": torch.from_numpy,
    "float32 tensor": lambda x: torch.from_numpy(x).permute(2, 0, 1).float() / 255,
    "float64 array": lambda x: x / 255,
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_every_kind_of_image_comes_through(view):
    assert_same(from_torch(Birds(view), "birds"))


def test_labels_as_tensors_arrays_and_texts():
    for labels in (torch.tensor(LABELS), np.array(LABELS), [NAMES[c] for c in LABELS]):
        assert_same(from_torch(Birds(Image.fromarray, labels), "birds"))
    tensors = TensorDataset(torch.from_numpy(IMAGES).permute(0, 3, 1, 2), torch.tensor(LABELS))
    found = load(tensors)
    assert_same(found, ("0", "1", "2"))
    assert (found.name, load(tensors, size=3).inputs.shape) == ("TensorDataset", (12, 3, 3, 3))


def test_subsets_keep_the_names_and_streams_are_read_from_the_start():
    some = from_torch(Subset(Birds(Image.fromarray), [1, 2, 4]), "some")
    assert (some.class_names, some.labels.tolist()) == (("emu", "wren"), [0, 1, 0])
    np.testing.assert_array_equal(some.inputs, IMAGES[[1, 2, 4]])
    assert_same(from_torch(Stream(), "stream"), ("0", "1", "2"))
    assert from_torch(Stream(), "stream", limit=4).labels.tolist() == LABELS[:4]
    assert from_torch(Birds(Image.fromarray), "birds", limit=4).n_items == 4


def test_grey_images_vectors_and_mixed_sizes():
    assert from_torch([(IMAGES[0, ..., 0], 0), (IMAGES[1, ..., :1], 0)], "grey").inputs.shape == (2, 5, 6, 1)
    vectors = from_torch([(torch.ones(3), 0), (np.arange(3), 1)], "vectors")
    assert vectors.inputs.tolist() == [[1, 1, 1], [0, 1, 2]]
    assert from_torch([(IMAGES[0], 0), (IMAGES[0][:3], 0)], "mixed").inputs.shape == (2, 84, 84, 3)


def test_a_tensor_whose_both_ends_could_be_channels_has_them_first():
    image = np.arange(9 * 2, dtype=np.uint8).reshape(3, 2, 3)
    assert from_torch([(torch.from_numpy(image), 0)], "x").inputs[0].tolist() == image.transpose(1, 2, 0).tolist()
    assert from_torch([(image, 0)], "x").inputs[0].tolist() == image.tolist()


class Broken(Birds):
    def __getitem__(self, i):
        if i == 5:
            raise RuntimeError("disk\non fire")
        return super().__getitem__(i)


ONE = IMAGES[0]


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        (DataLoader(Birds(Image.fromarray)), "'x' is a DataLoader, which yields batches; give its dataset, loader.dataset"),
        (3, "'x' is a int; expected a dataset with items by number or by iteration"),
        ([], "'x' holds no items; expected at least one"),
        ([ONE], "'x', item 0 is a ndarray; expected (image or vector, label)"),
        (
            [(ONE / 127.5 - 1, 0)],
            f"'x', item 0 has float64 pixels from {(ONE / 127.5 - 1).min():g} to {(ONE / 127.5 - 1).max():g}; expected uint8, or floats "
            "in 0..1: leave normalisation out of the dataset's transform",
        ),
        (
            [(np.full((2, 2), np.nan), 0)],
            "'x', item 0 has float64 pixels from nan to nan; expected uint8, or floats in 0..1: "
            "leave normalisation out of the dataset's transform",
        ),
        ([(ONE[..., :2], 0)], "'x', item 0 has the shape [5, 6, 2]; expected 1 or 3 channels, first or last"),
        (
            [("a.png", 0)],
            "'x', item 0 is <U5 of shape []; expected a Pillow image, pixels of two or three dimensions, or a vector",
        ),
        ([(ONE, 1.5)], "'x', item 0 has a label of type float; expected one whole number or a text"),
        ([(ONE, [0, 1])], "'x', item 0 has a label of type list; expected one whole number or a text"),
        ([(ONE, torch.tensor([0, 1]))], "'x', item 0 has a label of type Tensor; expected one whole number or a text"),
        (
            [(ONE, 0), (ONE, "auk")],
            "'x', item 1 has the label 'auk', 'x', item 0 0; expected a number for every item, or a name for every item",
        ),
        ([(ONE, 0), (np.ones(3), 1)], "'x' holds images and vectors; expected one kind"),
        (
            Birds(Image.fromarray, [7] * 12),
            "'x', item 0 has the label 7, but 'x' names the classes 0 to 2; remove it, or take a split that has labels",
        ),
        (Broken(Image.fromarray), "'x' could not be read after item 4 (RuntimeError: disk); repair the dataset"),
    ],
)
def test_what_is_refused(dataset, message):
    assert refused(lambda: from_torch(dataset, "x")) == message


def test_memory_is_bounded():
    assert refused(lambda: from_torch(Stream(), "x", max_bytes=1000)) == (
        "'x' needs more than the limit of 1,000 bytes in memory, reached at 'x', item 3; "
        "ask for fewer items with limit, or raise max_bytes"
    )
    assert refused(lambda: from_torch(Stream(), "x", limit=0)) == "limit=0 was asked for; expected at least 1 item"


def test_torch_is_not_loaded():
    code = (
        "import sys, numpy as np, breadth.data.formats as f; f.from_torch([(np.ones(3), 0)], 'x'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
