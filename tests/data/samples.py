"""What the tests of the sources share: twelve small images of three classes, their encodings, and a check of refusals."""

import io

import numpy as np
import pytest
from PIL import Image

from breadth.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (12, 5, 6, 3)).astype(np.uint8)
LABELS = [0, 1, 2] * 4
NAMES = ("auk", "emu", "wren")


def png(image, **options):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", **options)
    return buffer.getvalue()


def refused(act):
    with pytest.raises(DataError) as error:
        act()
    message = str(error.value)
    assert "\n" not in message
    return message


def assert_same(found, names=NAMES):
    """The twelve images came through without a changed pixel or label."""
    np.testing.assert_array_equal(found.inputs, IMAGES)
    assert (found.labels.tolist(), found.class_names) == (LABELS, names)
