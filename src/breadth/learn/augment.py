"""Augmentation of stored images: small shifts."""

from __future__ import annotations

from typing import Literal

import numpy as np

__all__ = ["Augmentation", "augmented"]

Augmentation = Literal["none", "shift"]
_REACH = 2


def augmented(inputs: np.ndarray, augmentation: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Return uint8 images [n, height, width, channels], each shifted by up to 2 pixels in both directions if "shift".

    The border repeats the outermost pixels. Vectors are returned unchanged, for they have no position.
    """
    if augmentation == "none" or inputs.ndim != 4:
        return inputs
    n, height, width, _ = inputs.shape
    wide = np.pad(inputs, ((0, 0), (_REACH, _REACH), (_REACH, _REACH), (0, 0)), mode="edge")
    y, x = rng.integers(0, 2 * _REACH + 1, (n, 2)).T
    windows = np.lib.stride_tricks.sliding_window_view(wide, (height, width), (1, 2))  # [n, 5, 5, channels, height, width]
    shifted: np.ndarray = np.moveaxis(windows, 3, 5)[np.arange(n), y, x]
    return shifted
