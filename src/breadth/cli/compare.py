"""``breadth compare``: which source of stored measurements is more diverse, and whether the intervals can tell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from breadth.cli.options import AsJson, print_json
from breadth.errors import printable

__all__ = ["compare"]


def compare(
    first: Annotated[Path, typer.Argument(help="A measurement.json, or the folder that holds it.", metavar="A")],
    second: Annotated[Path | None, typer.Argument(help="Another; without it, all sources of A.", metavar="B")] = None,
    override: Annotated[bool, typer.Option("--override", help="Compare values of different protocols all the same.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compare the sources of two measurements, each of A with each of B, or every two sources of one measurement.

    Shown are the difference of the diversity coefficients and that of the coefficients corrected for noise, with intervals over tasks.
    Values of different protocols (another probe, estimator or shape of a task) are refused.

    \b
    Examples:
      breadth compare greek/measurement.json
      breadth compare before.json after.json --json
    """
    from breadth.measure.compare import compare_all

    found = compare_all(first, second, override=override)
    for c in found:
        if c.differs:
            print(
                f"breadth: warning: '{printable(c.a)}' and '{printable(c.b)}' were measured under protocols that differ in {c.differs}; "
                "what differs between them may come from that alone",
                file=sys.stderr,
            )
    if as_json:
        print_json({"comparisons": [c.as_dict() for c in found]})
        return
    for c in found:
        print(c)
    if len(found) > 1:
        levels = dict.fromkeys(f"{c.diversity.level:.0%}" for c in found if c.diversity is not None)
        print(f"{len(found)} pairs, {' and '.join(levels)} intervals for one pair each: some exclude 0 by chance", file=sys.stderr)
