"""As many tasks as a precision takes: the smallest step at which the interval is narrow enough, and the same as embedding them at once."""

import re

import numpy as np
import pytest

from breadth.data.union import single
from breadth.errors import MeasureError
from breadth.measure.auto import auto_tasks, narrow_enough
from breadth.measure.diversity import diversity_coefficient, embed
from breadth.measure.probe import probe
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture
from breadth.stats.interval import Estimate
from measure.embedded import gamma, made
from measure.toys import Toys

POOL = gamma(300, 40, shape=0.5)


def stored(start, stop):
    return made(POOL.values[start:stop], first=2 * start)


@pytest.mark.parametrize("precision", [0.05, 0.02, 0.01])
def test_it_stops_at_the_first_step_that_is_narrow_enough(precision):
    found = auto_tasks(None, None, precision=precision, most=300, step=5, embed_tasks=stored)
    sizes = [m for m in range(10, 301, 5) if narrow_enough(diversity_coefficient(stored(0, m)), precision)]
    assert found.reached
    assert found.embeddings.tasks == found.diversity.n == sizes[0]
    assert found.diversity == diversity_coefficient(found.embeddings)
    assert np.array_equal(found.embeddings.values, POOL.values[: sizes[0]])


def test_the_cap_ends_it_and_it_says_so():
    found = auto_tasks(None, None, precision=1e-6, most=23, step=10, embed_tasks=stored)
    assert (found.embeddings.tasks, found.reached) == (23, False)


def test_it_is_the_measurement_of_that_many_tasks():
    source, t2v, seen = single(Toys.images()), Task2Vec(probe(Architecture("conv-stride", 4, 1, 16))), []
    progress = lambda done, of: seen.append((done, of))  # noqa: E731
    found = auto_tasks(source, t2v, precision=1e-3, most=14, step=3, per_class=3, seed=2, progress=progress)
    whole = embed(source, t2v, tasks=14, per_class=3, seed=2)
    assert np.array_equal(found.embeddings.values, whole.values)
    assert found.embeddings.protocol == whole.protocol
    assert seen == [(i, 14) for i in range(1, 15)]


def test_settings_that_make_no_sense_are_refused():
    message = "a precision of 0 was asked for; expected a positive half-width, e.g. 0.01"
    with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
        auto_tasks(None, None, precision=0, embed_tasks=stored)
    for least, most, step in ((9, 50, 10), (20, 19, 10), (10, 20, 0)):
        message = (
            f"automatic numbers of tasks from {least} to {most} by {step} were asked for; expected at least 10 at first, no lower cap "
            "and steps of 1 or more"
        )
        with pytest.raises(MeasureError, match=f"^{re.escape(message)}$"):
            auto_tasks(None, None, precision=0.1, least=least, most=most, step=step, embed_tasks=stored)
    assert not narrow_enough(Estimate(1, np.nan, np.nan, 0.95, 2, ""), 0.1)
