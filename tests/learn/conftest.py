"""Digits split by class, the same for every test; one thread."""

import numpy as np
import pytest
import torch

from breadth.data.formats import load

torch.set_num_threads(1)  # resumed and uninterrupted runs are the same bits under one thread count


@pytest.fixture(scope="session")
def digits():
    """(training set: digits 0-4, test set: digits 5-9), 8 x 8 pixels, grey."""
    everything = load("digits")
    return (
        everything.select(np.flatnonzero(everything.labels < 5), "digits 0-4"),
        everything.select(np.flatnonzero(everything.labels >= 5), "digits 5-9"),
    )
