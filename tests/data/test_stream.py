"""Tasks from a stream: right labels, disjoint windows, one pass, memory of one window."""

import re

import numpy as np
import pytest

from breadth.data.stream import StreamTasks
from breadth.data.task import TaskSource, task
from breadth.errors import DataError

NAMES = ("ant", "bee", "cat")


class Numbers:
    """A stream of vectors [place, class] that counts what is read from it."""

    def __init__(self, n=200):
        self.n, self.opened, self.read = n, 0, 0

    def __call__(self):
        self.opened += 1
        classes = np.random.default_rng(0).integers(0, 3, self.n)
        for place, c in enumerate(classes.tolist()):
            self.read += 1
            yield np.array([place, c], np.float32), NAMES[c]


def test_tasks_have_their_classes_and_places():
    source = StreamTasks("numbers", Numbers(), window=40)
    assert isinstance(source, TaskSource)
    for i in range(5):
        t = task(source, i, ways=2, per_class=4, seed=1)
        assert t.items.min() >= 40 * i
        assert t.items.max() < 40 * (i + 1)
        assert np.array_equal(t.inputs[:, 0], t.items)
        assert [len(set(t.inputs[t.labels == k, 1])) for k in (0, 1)] == [1, 1]
        assert t.inputs[0, 1] != t.inputs[-1, 1]
        assert len(set(t.items.tolist())) == 8
    assert (source.convention, source.digest, t.part) == ("windows of 40", "unknown", "")


def test_tasks_in_order_read_the_stream_once_and_an_earlier_one_again():
    stream = Numbers()
    source = StreamTasks("numbers", stream, window=40)
    first = [task(source, i, ways=2, per_class=4) for i in range(3)]
    assert (stream.opened, stream.read) == (1, 120)
    again = task(source, 1, ways=2, per_class=4)
    assert (stream.opened, stream.read) == (2, 200)
    assert np.array_equal(again.inputs, first[1].inputs)
    assert not np.array_equal(task(source, 1, ways=2, per_class=4, seed=9).items, again.items)
    assert stream.opened == 2
    skipped = task(StreamTasks("numbers", Numbers(), window=40), 2, ways=2, per_class=4)
    assert np.array_equal(skipped.items, first[2].items)


def test_one_window_is_held():
    source = StreamTasks("numbers", Numbers(), window=40)
    task(source, 4, ways=2, per_class=4)
    assert len(source._inputs) == 40


def refused(message, stream, *, window=40, i=0, ways=2, per_class=4):
    with pytest.raises(DataError, match=f"^{re.escape(message)}$"):
        task(StreamTasks("numbers", stream, window=window), i, ways=ways, per_class=per_class)


def test_what_cannot_be_drawn_is_refused():
    refused(
        "the stream 'numbers' ended after 200 items, 5 full windows of 40; window 5 was asked for: ask for fewer tasks or a smaller window",
        Numbers(),
        i=5,
    )
    refused(
        "window 0 of the stream 'numbers' has 3 classes with 4 items; 4 are needed: use a window of more than 40 items, or shuffle a "
        "stream that comes class by class",
        Numbers(),
        ways=4,
    )
    refused("windows of 0 items of the stream 'numbers' were asked for; expected 1 or more", Numbers(), window=0)
    refused("a task of 0 ways with 4 items each was asked for; expected at least 1 of both", Numbers(), ways=0)
    refused(
        "the stream 'numbers' gave a float64 input of shape [2]; expected a uint8 image [height, width, channels] or a float32 vector "
        "[features]",
        lambda: [(np.zeros(2), 0)],
    )
    shapes = [(np.zeros(2, np.float32), 0), (np.zeros(3, np.float32), 1)]
    refused(
        "the stream 'numbers' gave inputs of shapes [2] and [3]; expected one shape: resize the images first",
        lambda: shapes,
    )
    source = StreamTasks("numbers", Numbers(), window=40)
    for row in (0, 39, 80):
        with pytest.raises(
            DataError, match=r"^items of the stream 'numbers' outside window -?\d were asked for; expected those of the"
        ):
            source.rows(np.array([row]))
        source.draw(1, 2, 4, 0)


def test_the_end_of_the_stream_spoils_nothing():
    source = StreamTasks("numbers", Numbers(), window=40)
    with pytest.raises(DataError, match=r"^the stream 'numbers' ended"):
        source.draw(5, 2, 4, 0)
    assert np.array_equal(task(source, 0, ways=2, per_class=4).inputs[:, 0], task(source, 0, ways=2, per_class=4).items)
