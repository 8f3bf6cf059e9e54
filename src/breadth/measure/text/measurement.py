"""What a measurement of text found: frozen values that print themselves and become the same JSON as a measurement of images."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from breadth.data.text.batches import StreamBatches, TextSource
from breadth.errors import printable
from breadth.measure.advice import unresolved
from breadth.measure.compare import Stored
from breadth.measure.embeddings import Embeddings
from breadth.measure.mixture import Mixture
from breadth.measure.result import Result
from breadth.measure.rivals.panel import Rival
from breadth.stats.interval import Estimate

__all__ = ["TextCross", "TextMeasurement", "TextScale", "TextSourceMeasure", "Value"]


@dataclass(frozen=True)
class Value:
    """A coefficient. diversity: as it is; floor: distance of a batch to itself under other signs; corrected: without that noise."""

    diversity: Estimate
    floor: Estimate
    corrected: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, JSON-able."""
        return {name: getattr(self, name).as_dict() for name in ("diversity", "floor", "corrected")}

    def __str__(self) -> str:
        d, f, c = self.diversity, self.floor, self.corrected
        return f"{c.value:.4f} [{c.low:.4f}, {c.high:.4f}]   plain {d.value:.4f}, of which noise {f.value:.4f}"


@dataclass(frozen=True)
class TextScale:
    """Three references under one protocol.

    floor: one constant token, the published lower bound; ceiling: a random language a batch (``RandomLanguages``); uniform: uniform
    random tokens, the published upper bound: their batches are one and the same task, so that with few tokens they are near the floor.
    """

    floor: Value
    ceiling: Value
    uniform: Value


@dataclass(frozen=True, eq=False)
class TextSourceMeasure:
    """One source.

    plain: without vocabulary rows; with_rows: with them, as published; position, with_rows_position: of the corrected values between floor
    (0) and ceiling (1); split_half: a null, 0 is expected; loss: mean cross-entropy of the tuned heads, nats a token; without: why a
    corpus has no rivals that were asked for, "" where it has.
    """

    name: str
    plain: Value
    with_rows: Value
    position: Estimate | None
    with_rows_position: Estimate | None
    split_half: Estimate | None
    complexity: Estimate
    loss: float
    doubt: float
    rivals: tuple[Rival, ...]
    embeddings: Embeddings
    source: TextSource
    without: str = ""

    @property
    def distances(self) -> np.ndarray:
        """Distances of all pairs of batches [M, M], without vocabulary rows."""
        return self.embeddings.distances

    @property
    def protocol(self) -> dict[str, Any]:
        """How the embeddings were made, with its fingerprint."""
        return self.embeddings.protocol

    @property
    def stored(self) -> Stored:
        """What comparisons need of it; text has no classes, its batches are all of one."""
        return Stored(self.name, self.plain.diversity, self.plain.floor, 1, self.protocol)

    @property
    def place(self) -> str:
        """Where the corrected coefficient lies on the scale, with its interval, in words; "" without a scale."""
        if self.position is None:
            return ""
        p = self.position
        return f"{p.value:.0%} [{p.low:.0%}, {p.high:.0%}] of the way from floor to ceiling"

    def as_dict(self) -> dict[str, Any]:
        """Return all fields but the embeddings, JSON-able."""
        maybe = {
            "position": self.position,
            "with_rows_position": self.with_rows_position,
            "split_half": self.split_half,
        }
        return {
            "name": self.name,
            **self.plain.as_dict(),
            "with_rows": self.with_rows.as_dict(),
            **{name: None if e is None else e.as_dict() for name, e in maybe.items()},
            "complexity": self.complexity.as_dict(),
            "loss": self.loss,
            "doubt": self.doubt,
            "tasks": self.embeddings.tasks,
            "classes": 1,
            "items": int(self.embeddings.items.size),
            "rivals": [r.as_dict() for r in self.rivals],
            "protocol": self.protocol,
        }

    def __str__(self) -> str:
        lines = [f"{printable(self.name)}", f"  diversity    {self.plain}"]
        if self.place:
            lines.append(f"               {self.place}")
        lines.append(f"  with words   {self.with_rows}")
        return "\n".join(lines)


@dataclass(frozen=True)
class TextCross:
    """Mean distance of a batch of ``a`` to one of ``b``; corrected: without noise; alignment: 1 - distance, as published."""

    a: str
    b: str
    distance: Estimate
    corrected: Estimate
    alignment: Estimate

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, JSON-able."""
        values = {name: getattr(self, name).as_dict() for name in ("distance", "corrected", "alignment")}
        return {"a": self.a, "b": self.b, **values}

    def __str__(self) -> str:
        d, c = self.distance, self.corrected
        return (
            f"{printable(self.a)} to {printable(self.b)}\n"
            f"  distance     {c.value:.4f} [{c.low:.4f}, {c.high:.4f}]   plain {d.value:.4f}, alignment {self.alignment.value:.4f}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class TextMeasurement(Result[TextSourceMeasure]):
    """All sources of text, all pairs of them and the scale, through one probe under one protocol."""

    probe: dict[str, Any]
    scale: TextScale | None
    sources: tuple[TextSourceMeasure, ...]
    cross: tuple[TextCross, ...]
    seconds: float
    # How often an order turns is not simulated for text.
    stability: tuple[()] = field(default=(), init=False)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before ranking the sources: neighbours that cannot be told apart, streams of which only the head was
        seen, corpora too short for the other metrics."""
        heads = []
        for s in self.sources:
            if isinstance(s.source, StreamBatches):
                window = s.source.window
                seen = -(-s.embeddings.items.size // window) * window
                heads.append(f"'{printable(s.name)}' was read as a stream: batches come from its first {seen:,} sequences at most")
        short = [f"no other metrics of '{printable(s.name)}': {s.without}" for s in self.sources if s.without]
        return (*unresolved([s.stored for s in self.sources]), *heads, *short)

    def mixture_without_noise(self) -> Mixture:
        """Return ``mixture()`` with every distance less what noise adds to the mean of its block, so that weights are not judged by noise.

        Intervals are over batches; what noise adds is taken for known.
        """
        plain = self.mixture()
        within = [
            d - (1 - np.eye(len(d))) * (s.plain.diversity.value - s.plain.corrected.value)
            for d, s in zip(plain.within, self.sources, strict=True)
        ]
        between = {
            pair: d - (c.distance.value - c.corrected.value) for (pair, d), c in zip(plain.between.items(), self.cross, strict=True)
        }
        return replace(plain, within=tuple(within), between=between)

    @property
    def advice(self) -> tuple[str, ...]:
        """None is given for text."""
        return ()

    @property
    def ends(self) -> dict[str, Any]:
        """Floor, ceiling and uniform tokens without noise, and plain, JSON-able; None without a scale."""
        if self.scale is None:
            return {"floor": None, "ceiling": None}
        whole = {name: getattr(self.scale, name) for name in ("floor", "ceiling", "uniform")}
        corrected = {name: value.corrected.as_dict() for name, value in whole.items()}
        return {**corrected, "plain": {name: value.diversity.as_dict() for name, value in whole.items()}}

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        head = ("source", "diversity without noise", "plain", "noise floor", "with vocabulary rows", "floor to ceiling")
        rows = []
        for s in self.sources:
            estimates = (s.plain.corrected, s.plain.diversity, s.plain.floor, s.with_rows.corrected)
            said = [f"{e.value:.4f} [{e.low:.4f}, {e.high:.4f}]" for e in estimates]
            rows.append([s.name, *said, s.place.removesuffix(" of the way from floor to ceiling")])
        return self.html_table(head, rows)
