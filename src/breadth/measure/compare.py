"""Stored measurements side by side: which source is more diverse, by how much, and whether the intervals can tell. Needs no torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

from breadth.errors import MeasureError, printable
from breadth.measure.correction import corrected_difference
from breadth.measure.protocol import SAMPLING, Protocol, described_differences
from breadth.stats.interval import Estimate, combined

__all__ = ["Comparison", "Stored", "classes_note", "compare", "compare_all", "read_stored", "told_difference"]

SCHEMA = 1
# Equal data, drawn by equal rules from one seed: task i of one is task i of the other.
SAME_DRAW = ("source_digest", "seed", "ways", "per_class", "convention")


@dataclass(frozen=True)
class Stored:
    """One source of a stored measurement; ``name`` is what tells it apart from all others of a comparison."""

    name: str
    diversity: Estimate
    floor: Estimate
    classes: int
    protocol: Mapping[str, Any]


@dataclass(frozen=True)
class Comparison:
    """Source ``a`` minus source ``b``.

    diversity, corrected: difference of the coefficients, and of those without noise; None where both are of the same tasks.
    differs: protocol fields that differ, with both values, "" for one protocol; classes: of both.
    """

    a: str
    b: str
    diversity: Estimate | None
    corrected: Estimate | None
    differs: str
    classes: tuple[int, int]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, JSON-able but for nan."""
        found = {
            name: None if e is None else e.as_dict() for name, e in (("diversity", self.diversity), ("corrected", self.corrected))
        }
        return {"a": self.a, "b": self.b, **found, "differs": self.differs, "classes": list(self.classes)}

    def __str__(self) -> str:
        a, b = printable(self.a), printable(self.b)
        if self.diversity is None or self.corrected is None:
            return f"{a} against {b}\n  note         the same tasks of the same data: nothing to compare"
        lines = [
            f"{a} against {b}",
            f"  diversity    {told_difference(a, b, self.diversity)}",
            f"  corrected    {told_difference(a, b, self.corrected)}",
        ]
        if note := classes_note(self.classes):
            lines.append(f"  note         {note}")
        return "\n".join(lines)


def classes_note(classes: Sequence[int]) -> str:
    """Return what to know of sources of these numbers of classes, "" where all are equal."""
    counts = [str(n) for n in sorted(set(classes))]
    if len(counts) < 2:
        return ""
    return f"of {', '.join(counts[:-1])} and {counts[-1]} classes: more classes alone raise the coefficient"


def told_difference(a: str, b: str, e: Estimate) -> str:
    """Return in words what the difference ``e`` of source ``a`` minus source ``b`` says."""
    if not (math.isfinite(e.low) and math.isfinite(e.high)):
        return f"cannot be told apart: {a} minus {b} is {e.value:.4f}, without an interval"
    if e.low <= 0 <= e.high:
        return f"cannot be told apart: {a} minus {b} is {e.value:.4f} [{e.low:.4f}, {e.high:.4f}], which holds 0"
    more, low, high = (a, e.low, e.high) if e.low > 0 else (b, -e.high, -e.low)
    return f"{more} is more diverse by {abs(e.value):.4f} [{low:.4f}, {high:.4f}]; the interval excludes 0"


def _estimate(given: Mapping[str, Any]) -> Estimate:
    """JSON has no nan: it is null there."""
    value, low, high = (math.nan if given[key] is None else float(given[key]) for key in ("value", "low", "high"))
    return Estimate(value, low, high, float(given["level"]), int(given["n"]), str(given["method"]))


def _json(path: str | Path) -> Path:
    return Path(path) / "measurement.json" if Path(path).is_dir() else Path(path)


def read_stored(path: str | Path) -> tuple[Stored, ...]:
    """Return the sources of a measurement.json, or of the folder that ``breadth measure --out`` wrote it to.

    Raises MeasureError where the file is missing, damaged, or something else.
    """
    place = _json(path)
    if not place.is_file():
        raise MeasureError(f"{place}: no such measurement; give a file that breadth measure --out or --json > FILE has written")
    try:
        found = json.loads(place.read_text(encoding="utf-8"))
        if found["schema"] != SCHEMA:
            raise ValueError(f"schema {found['schema']}")
        sources = tuple(
            Stored(str(s["name"]), _estimate(s["diversity"]), _estimate(s["floor"]), int(s["classes"]), dict(s["protocol"]))
            for s in found["sources"]
        )
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError) as error:
        why = str(error) if isinstance(error, ValueError) and str(error).startswith("schema") else type(error).__name__
        raise MeasureError(
            f"{place}: no measurement of this version ({why}); give a file that breadth measure --out or --json > FILE has written"
        ) from None
    if not sources:
        raise MeasureError(f"{place}: a measurement of no source; expected one or more")
    return sources


def compare(a: Stored, b: Stored, *, override: bool = False) -> Comparison:
    """Return source ``a`` minus source ``b``, of tasks drawn independently.

    Intervals by Welch-Satterthwaite from the intervals of both, see ``breadth.stats.interval.combined``. Raises MeasureError where,
    without ``override``, the protocols differ in more than the sampling, or where the intervals are at different levels.
    """
    differs = described_differences(Protocol.of(a.protocol), Protocol.of(b.protocol), SAMPLING)
    if differs and not override:
        raise MeasureError(
            f"'{a.name}' and '{b.name}' were measured under protocols that differ in {differs}; expected one protocol: measure both "
            "in the same way, or compare them all the same with --override (override=True)"
        )
    classes = (a.classes, b.classes)
    known = a.protocol.get("source_digest", "unknown") != "unknown"
    if known and not differs and all(a.protocol.get(key) == b.protocol.get(key) for key in SAME_DRAW):
        return Comparison(a.name, b.name, None, None, differs, classes)
    method = "difference of two coefficients of tasks drawn from the given finite data, Welch-Satterthwaite"
    plain = combined(a.diversity.value - b.diversity.value, [(1.0, a.diversity), (-1.0, b.diversity)], method)
    clean = corrected_difference((a.diversity, a.floor), (b.diversity, b.floor))
    return Comparison(a.name, b.name, plain, clean, differs, classes)


def compare_all(first: str | Path, second: str | Path | None = None, *, override: bool = False) -> tuple[Comparison, ...]:
    """Return every source of ``first`` against every source of ``second``, or every two sources of one measurement.

    Each two sources are compared once, also where both files hold both; one file given twice is one measurement. Sources of one name
    in both files are told apart by the files' names. Raises as ``read_stored`` and ``compare``, and for a single
    source without a second file.
    """
    here = read_stored(first)
    there = here if second is None else read_stored(second)
    if second is None or _json(first).samefile(_json(second)):
        if len(here) < 2:
            raise MeasureError(
                f"{first} holds the source '{here[0].name}' alone; expected two or more sources, or a second measurement"
            )
        return tuple(compare(a, b, override=override) for a, b in combinations(here, 2))
    twice = {s.name for s in here} & {s.name for s in there}
    here, there = _told_apart(here, twice, first), _told_apart(there, twice, second)
    pairs: dict[frozenset[str], tuple[Stored, Stored]] = {}
    for a, b in product(here, there):
        pairs.setdefault(frozenset((_identity(a), _identity(b))), (a, b))
    return tuple(compare(a, b, override=override) for a, b in pairs.values())


def _identity(s: Stored) -> str:
    """What one stored source is wherever it is stored: its numbers, data and protocol."""
    return repr((s.diversity, s.floor, sorted((key, repr(value)) for key, value in s.protocol.items())))


def _told_apart(sources: Sequence[Stored], twice: set[str], file: str | Path) -> tuple[Stored, ...]:
    return tuple(replace(s, name=f"{s.name} ({file})") if s.name in twice else s for s in sources)
