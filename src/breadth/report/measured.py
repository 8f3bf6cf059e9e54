"""A measurement as the report reads it: the JSON object of ``breadth measure``, checked once and then plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from breadth.errors import DataError
from breadth.stats.interval import Estimate

__all__ = ["SCHEMA", "Measured", "Rival", "Source", "checked_distances", "read_measurement", "shortened"]

SCHEMA = 1
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Rival:
    """Another diversity measure of the same source. size_bias: how it moves with the number of items alone, in words."""

    name: str
    estimate: Estimate
    size_bias: str
    note: str


@dataclass(frozen=True)
class Source:
    """One measured source.

    diversity: coefficient; floor: noise floor (same classes, new items); corrected: coefficient without that noise; position: where the
    coefficient lies between floor (0) and ceiling (1) of the scale; doubt: mean 1 - max p of the fitted heads, nan where not stored;
    reached: False where tasks ended at their cap before the asked precision.
    """

    name: str
    diversity: Estimate
    floor: Estimate
    corrected: Estimate
    position: Estimate | None
    split_half: Estimate | None
    complexity: Estimate
    tasks: int
    classes: int
    items: int
    rivals: tuple[Rival, ...]
    doubt: float
    reached: bool


@dataclass(frozen=True)
class Measured:
    """All sources of one measurement.

    cross: mean distances between sources [S, S], coefficients on the diagonal, nan where not measured; comparable: the fingerprint that
    measurements to be compared share; notes, advice: what stands in the way of a ranking, and what to do next, in sentences; mixture:
    the one that was asked for, None without.
    """

    version: str
    comparable: str
    probe: Mapping[str, Any]
    protocol: Mapping[str, Any]
    floor: Estimate | None
    ceiling: Estimate | None
    sources: tuple[Source, ...]
    cross: Floats
    stability: tuple[Mapping[str, Any], ...]
    seconds: float
    notes: tuple[str, ...]
    advice: tuple[str, ...]
    mixture: Mapping[str, Any] | None

    @property
    def of_text(self) -> bool:
        """Whether tasks are batches of text, which have no classes."""
        return self.protocol.get("measure") == "Task2Vec of text"

    @property
    def names(self) -> list[str]:
        """Names of the sources in their order."""
        return [s.name for s in self.sources]


def read_measurement(result: Mapping[str, Any]) -> Measured:
    """Return the measurement held by the JSON object ``result``. Raises DataError where it is of another schema or misses a field."""
    if result.get("schema") != SCHEMA:
        raise DataError(
            f"the measurement has schema {result.get('schema')!r}; expected {SCHEMA}: measure again with this version, or report with the other"
        )
    try:
        sources = tuple(_source(s) for s in result["sources"])
        scale, protocol = result["scale"], result["protocol"]
        names = [s.name for s in sources]
        if not sources or len(set(names)) < len(names):
            raise DataError(f"the measurement holds the sources {names}; expected one or more, each with a name of its own")
        return Measured(
            str(result["version"]), str(protocol.get("comparable", protocol["fingerprint"])), result["probe"], protocol,
            _maybe(scale["floor"]), _maybe(scale["ceiling"]), sources, _matrix(sources, result["cross"]),
            tuple(result["stability"]), _number(result["seconds"]), tuple(map(str, result.get("notes", ()))),
            tuple(map(str, result.get("advice", ()))), result.get("mixture"),
        )  # fmt: skip
    except KeyError as error:
        raise DataError(f"the measurement has no {error}; expected what breadth measure --json prints: measure again") from None


def checked_distances(m: Measured, distances: Mapping[str, npt.ArrayLike]) -> dict[str, Floats]:
    """Return the distance matrices [M, M] of the sources as float64, in the order of the sources.

    Raises DataError where a source has none, where a name is no source, or where a matrix is not square and finite.
    """
    if sorted(distances) != sorted(m.names):
        raise DataError(f"distances of {sorted(distances)} were given; expected one matrix for each of {sorted(m.names)}")
    made = {name: np.asarray(distances[name], dtype=np.float64) for name in m.names}
    for name, d in made.items():
        if d.ndim != 2 or d.shape[0] != d.shape[1] or len(d) < 2 or not np.isfinite(d).all():
            raise DataError(f"distances of '{name}' have shape {d.shape}; expected a finite square matrix of two tasks or more")
    return made


def shortened(names: Sequence[str], limit: int) -> list[str]:
    """Return the names on one line of at most ``limit`` characters each, the middle left out, still different from each other.

    Both ends are kept because names of data sets often differ in a suffix; a number tells apart what would become equal.
    """
    made: list[str] = []
    for name in names:
        line = " ".join("".join(c if c.isprintable() else " " for c in name).split()) or "unnamed"
        kept = (limit - 1) // 2
        short = line if len(line) <= limit else f"{line[: limit - 1 - kept].rstrip()}…{line[len(line) - kept :].lstrip()}"
        count = 2
        while short in made:
            mark = f" ({count})"
            short, count = f"{line[: limit - len(mark) - 1]}…{mark}", count + 1
        made.append(short)
    return made


def _number(value: object) -> float:
    """JSON has no nan: it is null there."""
    return math.nan if value is None else float(value)  # type: ignore[arg-type]


def _estimate(given: Mapping[str, Any]) -> Estimate:
    value, low, high, level = (_number(given[key]) for key in ("value", "low", "high", "level"))
    return Estimate(value, low, high, level, int(given["n"]), str(given["method"]))


def _maybe(given: Mapping[str, Any] | None) -> Estimate | None:
    return None if given is None else _estimate(given)


def _source(s: Mapping[str, Any]) -> Source:
    rivals = tuple(
        Rival(str(r["name"]), _estimate(r["estimate"]), str(r["size_bias"] or ""), str(r["note"] or "")) for r in s["rivals"]
    )
    return Source(
        str(s["name"]), _estimate(s["diversity"]), _estimate(s["floor"]), _estimate(s["corrected"]), _maybe(s["position"]),
        _maybe(s["split_half"]), _estimate(s["complexity"]), int(s["tasks"]), int(s["classes"]), int(s["items"]), rivals,
        _number(s.get("doubt")), bool(s.get("reached", True)),
    )  # fmt: skip


def _matrix(sources: Sequence[Source], cross: Sequence[Mapping[str, Any]]) -> Floats:
    at = {s.name: k for k, s in enumerate(sources)}
    matrix = np.full((len(sources), len(sources)), np.nan)
    np.fill_diagonal(matrix, [s.diversity.value for s in sources])
    for pair in cross:
        if pair["a"] not in at or pair["b"] not in at:
            raise DataError(
                f"a distance between '{pair['a']}' and '{pair['b']}' is stored; expected names of measured sources: {list(at)}"
            )
        a, b = at[pair["a"]], at[pair["b"]]
        matrix[a, b] = matrix[b, a] = _number(pair["distance"]["value"])
    return matrix
