"""Sources and settings so small that a whole measurement takes a fraction of a second."""

import numpy as np

from breadth.data.formats import from_arrays
from breadth.measure.settings import Settings

SMALL = Settings(probe="conv-stride", filters=4, tasks=6, ways=3, per_class=4, size=8, channels=1, items=30)
BARE = {"scale": False, "rivals": False}


def source(name, *, seed=0, classes=8, per_class=12, spread=40):
    """Grey images of 8 x 8 pixels; each class has a mean image of its own."""
    rng = np.random.default_rng(seed)
    centre = rng.integers(60, 195, (classes, 1, 8, 8, 1))
    images = np.clip(centre + rng.normal(0, spread, (classes, per_class, 8, 8, 1)), 0, 255).astype(np.uint8)
    return from_arrays(images.reshape(-1, 8, 8, 1), np.repeat(np.arange(classes), per_class), name=name)


def vectors(name, *, seed=0, classes=6, per_class=12, width=5):
    """Vectors of ``width`` numbers; each class has a mean of its own."""
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 2, (classes, 1, width)) + rng.normal(size=(classes, per_class, width))
    return from_arrays(x.reshape(-1, width).astype(np.float32), np.repeat(np.arange(classes), per_class), name=name)
