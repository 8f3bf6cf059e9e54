"""Slow, obvious twin of the exact overlap: compare every pair of images, as colour."""

import numpy as np


def exact(a, b):
    """Number of images of ``a`` whose pixels, grey repeated to colour, equal those of some image of ``b``."""

    def colour(image):
        return np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image

    return sum(any(np.array_equal(colour(x), colour(y)) for y in b.inputs) for x in a.inputs)
