"""The last line of ``breadth audit``: nothing is promised of runs that they cannot tell."""

import pytest

from breadth.cli.audit import _open

KNOWN = "what is known of a training can be said in its [[checkpoint]] table"


@pytest.mark.parametrize(
    ("unknown", "pending", "checkpoints", "expected"),
    [
        (0, True, True, ""),
        (1, True, False, ", 1 required control unknown until the runs are done"),
        (5, True, True, f", 5 required controls unknown: the runs read the files, which tell some; {KNOWN}"),
        (4, False, True, f", 4 required controls unknown: no file tells; {KNOWN}"),
    ],
)
def test_what_may_become_of_unknown_controls(unknown, pending, checkpoints, expected):
    assert _open(unknown, pending, checkpoints) == expected
