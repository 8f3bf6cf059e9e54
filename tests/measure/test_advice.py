"""What a reader is told beside the numbers: notes that stand in the way of a ranking, and one step a source to take next."""

import subprocess
import sys

import pytest

from breadth.measure.advice import Advised, advice, notes, tasks_for
from breadth.measure.compare import Stored
from breadth.stats.interval import Estimate
from measure.embedded import PROTOCOL

SHAPE = {"tasks": 20, "ways": 5, "per_class": 10, "probe": "conv (given weights)"}


def est(value, half, n=20):
    return Estimate(value, value - half, value + half, 0.95, n, "made")


def source(name="a", value=0.3, half=0.01, floor=0.05, *, classes=10, **protocol):
    return Stored(name, est(value, half), est(floor, 0.005), classes, {**PROTOCOL.as_dict(), **SHAPE, **protocol})


def step(s, doubt=0.2, items=1000, others=()):
    return advice([Advised(s, doubt, items), *(Advised(o, 0.2, 1000) for o in others)])[0].removeprefix("a: ")


def test_it_needs_no_torch():
    code = "import sys, breadth.measure.advice; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_clear_order_of_equal_classes_has_no_note():
    assert notes([source("a", 0.3), source("b", 0.2)]) == ()


def test_numbers_of_classes_that_differ_are_noted():
    (said,) = notes([source("a", 0.3, classes=43), source("b", 0.2), source("c", 0.12, classes=20)])
    assert said == "sources of 10, 20 and 43 classes: more classes alone raise the coefficient"


def test_neighbours_that_cannot_be_told_apart_are_named_in_their_corrected_order():
    (said,) = notes([source("b", 0.3, 0.02), source("far", 0.1), source("a", 0.301, 0.02)])
    assert said.startswith("corrected for noise, a and b cannot be told apart: a minus b is 0.00")
    assert said.endswith("], which holds 0")


def test_one_set_of_classes_is_no_diversity():
    (said,) = notes([source(classes=5)])
    assert said == "a: only one set of classes: there is no diversity of classes to measure"
    assert step(source(classes=5)) == (
        "measure with fewer --ways than its 5 classes, or add classes: its tasks differ in their items only"
    )


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({}, "nothing: its corrected value is known well enough to be compared"),
        ({"doubt": 1e-5}, "a larger --ridge: its heads are nearly certain of every label"),
        ({"s": source(half=0.1)}, "more tasks: about "),
        ({"s": source(value=0.06, floor=0.06)}, "more items a class (--per-class 20): most of its coefficient is noise"),
        ({"s": source(value=0.06, floor=0.06), "items": 100}, "more items a class from elsewhere: "),
        ({"s": source(value=0.06, floor=0.06, probe="conv (random, seed 0)"), "items": 100}, "a trained probe (--weights): through"),
        ({"s": source(value=0.3, floor=0.16, probe="conv (random, seed 0)")}, "a trained probe (--weights): through"),
        ({"s": source(classes=30), "others": [source("b")]}, "equalise classes before ranking: 10 of its 30, as many as"),
        # A source with one set of classes is no measure for the others.
        ({"s": source(classes=30), "others": [source("b", classes=5)]}, "nothing"),
    ],
)  # fmt: skip
def test_the_next_step(given, start):
    given = {"s": source(), **given}
    assert step(**given).startswith(start), step(**given)


def test_the_number_of_tasks_follows_from_the_half_width():
    from breadth.measure.correction import corrected

    s = source(half=0.1)
    clean = corrected(s.diversity, s.floor)
    wanted = 20 * ((clean.high - clean.low) / 2 / (0.2 * clean.value)) ** 2
    assert wanted <= tasks_for(s, 20) < wanted + 10
    assert tasks_for(source(), 20) == 20


def test_names_cannot_steer_the_terminal():
    assert "\x1b" not in "".join([*notes([source("\x1b[31m", classes=5)]), *advice([Advised(source("\x1b[31m"), 0.2, 9)])])
