"""What every measurement shares, of images or of text: its sources by name, their mixture, its JSON and its text."""

from __future__ import annotations

import html
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from breadth.errors import MeasureError, unknown_name
from breadth.measure.embeddings import Embeddings
from breadth.measure.mixture import Mixture, mixture
from breadth.measure.protocol import Protocol as MeasuringProtocol
from breadth.version import __version__

__all__ = ["SCHEMA", "Result"]

# Of the JSON object; goes up when a field changes its meaning.
SCHEMA = 1


class _Source(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def embeddings(self) -> Embeddings: ...
    @property
    def protocol(self) -> dict[str, Any]: ...
    def as_dict(self) -> dict[str, Any]: ...


class _Told(Protocol):
    def as_dict(self) -> dict[str, Any]: ...


S = TypeVar("S", bound=_Source)


def _finite(value: Any) -> Any:
    """Return a JSON-able value with null for nan and infinity, which JSON does not have."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def _shared_protocol(protocols: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all protocols share, with every fingerprint. comparable: what values to be compared share."""
    shared = dict(protocols[0])
    for p in protocols[1:]:
        shared = {key: value for key, value in shared.items() if p.get(key) == value}
    fingerprints = dict.fromkeys(str(p["fingerprint"]) for p in protocols)
    comparable = dict.fromkeys(MeasuringProtocol.of(p).comparable for p in protocols)
    return {**shared, "fingerprint": " ".join(fingerprints), "comparable": " ".join(comparable)}


class Result(ABC, Generic[S]):
    """All sources and all pairs of them, through one probe under one protocol. The frozen dataclasses that follow it add the fields."""

    probe: dict[str, Any]
    sources: tuple[S, ...]
    cross: tuple[_Told, ...]
    stability: tuple[_Told, ...]
    seconds: float

    @property
    @abstractmethod
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before ranking the sources."""

    @property
    @abstractmethod
    def advice(self) -> tuple[str, ...]:
        """What to do next, one sentence a source."""

    @property
    @abstractmethod
    def ends(self) -> dict[str, Any]:
        """The ends of the scale, JSON-able; each None without a scale."""

    @property
    def protocol(self) -> dict[str, Any]:
        """What all sources share; their numbers of tasks may differ under "auto". comparable: what values to be compared share."""
        return _shared_protocol([s.protocol for s in self.sources])

    @property
    def foot(self) -> str:
        """The line that says what all values rest on."""
        return f"probe {self.probe['name']}, protocol {self.protocol['comparable']}"

    def __getitem__(self, name: str) -> S:
        for s in self.sources:
            if s.name == name:
                return s
        raise MeasureError(unknown_name("source", name, [s.name for s in self.sources]))

    def mixture(self) -> Mixture:
        """Return what answers for any mixture whose tasks each come from one source: diversity by weights, what to add next."""
        return mixture([s.embeddings for s in self.sources])

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that ``breadth measure --json`` promises to other programs."""
        found = {
            "schema": SCHEMA,
            "version": __version__,
            "probe": self.probe,
            "protocol": self.protocol,
            "scale": self.ends,
            "sources": [s.as_dict() for s in self.sources],
            "cross": [c.as_dict() for c in self.cross],
            "stability": [s.as_dict() for s in self.stability],
            "notes": list(self.notes),
            "advice": list(self.advice),
            "seconds": self.seconds,
        }
        return dict(_finite(found))

    def to_json(self) -> str:
        """Return ``as_dict`` as indented JSON text."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __repr__(self) -> str:
        notes = (f"note: {note}" for note in self.notes)
        return "\n".join([*map(str, self.sources), *map(str, self.cross), *notes, self.foot])

    def html_table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """Return a table for notebooks, with the notes and the foot beneath; cells are escaped."""
        lines = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        foot = html.escape(". ".join([*self.notes, self.foot]))
        return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{lines}</table><small>{foot}</small>"
