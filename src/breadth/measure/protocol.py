"""The protocol of a measurement: everything that changes the number, under one short fingerprint that travels with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from breadth.data.task import TaskSource
from breadth.errors import MeasureError
from breadth.version import __version__

if TYPE_CHECKING:  # which loads torch; reading a stored protocol does not need it
    from breadth.measure.task2vec import Task2Vec

__all__ = ["SAMPLING", "Protocol", "described_differences", "differences", "protocol_of", "require_comparable"]

# What may differ between two sets of tasks that are compared task by task: how many were drawn and how, not what a task is.
SAMPLING = ("convention", "estimator_seed", "seed", "tasks", "version")


@dataclass(frozen=True)
class Protocol:
    """How tasks were drawn and embedded.

    probe: its name; probe_fingerprint: SHA-256 of its architecture and weights; size, channels: of the inputs it takes; estimator,
    draws, estimator_seed, precision: see ``Task2Vec``; head, ridge: how the head was fitted; published: settings of the "awslabs"
    estimator as JSON, "" for any other; convention: how a union draws classes; tasks, ways, per_class, seed: the tasks drawn; version:
    of this package. draws is 1 where the estimator draws nothing.
    """

    probe: str
    probe_fingerprint: str
    size: int
    channels: int
    estimator: str
    draws: int
    estimator_seed: int
    precision: str
    head: str
    ridge: float
    published: str
    convention: str
    tasks: int
    ways: int
    per_class: int
    seed: int
    version: str

    @property
    def fingerprint(self) -> str:
        """Return 12 hex digits of the SHA-256 of all fields but the probe's name, which says nothing that its fingerprint does not."""
        return self._hash(("probe",))

    @property
    def comparable(self) -> str:
        """Return 12 hex digits that two protocols share where their values may be compared: ``fingerprint`` without ``SAMPLING``."""
        return self._hash(("probe", *SAMPLING))

    def _hash(self, ignore: Sequence[str]) -> str:
        counted = {name: value for name, value in self.as_dict().items() if name not in ignore}
        return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:12]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields under their names, JSON-able."""
        return asdict(self)

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Protocol:
        """Return the protocol stored beside embeddings; a field that an older file lacks is "unknown"."""
        return cls(**{field.name: stored.get(field.name, "unknown") for field in fields(cls)})


def protocol_of(source: TaskSource, t2v: Task2Vec, *, tasks: int, ways: int, per_class: int, seed: int) -> Protocol:
    """Return the protocol under which ``tasks`` tasks of ``source`` are embedded by ``t2v``."""
    probe = t2v.probe
    return Protocol(
        probe=probe.name,
        probe_fingerprint=probe.fingerprint,
        size=probe.size,
        channels=probe.channels,
        estimator=t2v.estimator,
        draws=t2v.counted_draws,
        estimator_seed=t2v.seed,
        precision=t2v.precision,
        head=t2v.head,
        ridge=t2v.ridge,
        published=json.dumps(asdict(t2v.published), sort_keys=True) if t2v.estimator == "awslabs" else "",
        convention=source.convention,
        tasks=tasks,
        ways=ways,
        per_class=per_class,
        seed=seed,
        version=__version__,
    )


def differences(a: Protocol, b: Protocol) -> tuple[str, ...]:
    """Return the names of the fields in which ``a`` and ``b`` differ, in order; the probe's name does not count."""
    return tuple(f.name for f in fields(Protocol) if f.name != "probe" and getattr(a, f.name) != getattr(b, f.name))


def _shown(p: Protocol, name: str) -> str:
    return f"{p.probe_fingerprint[:12]} ({p.probe})" if name == "probe_fingerprint" else str(getattr(p, name))


def described_differences(a: Protocol, b: Protocol, ignore: Sequence[str] = ()) -> str:
    """Return the fields in which ``a`` and ``b`` differ, with both values, as a list in words; "" where there is none."""
    found = [name for name in differences(a, b) if name not in ignore]
    return ", ".join(f"{name} ({_shown(a, name)} and {_shown(b, name)})" for name in found)


def require_comparable(
    a: Protocol, b: Protocol, *, override: bool = False, ignore: Sequence[str] = (), names: tuple[str, str] = ("a", "b")
) -> None:
    """Raise MeasureError where two protocols differ in a field that is not in ``ignore``; ``override`` compares all the same.

    names: of the two sources, for the message.
    """
    listed = "" if override else described_differences(a, b, ignore)
    if listed:
        raise MeasureError(
            f"'{names[0]}' and '{names[1]}' were measured under protocols that differ in {listed}; expected one protocol: "
            "embed both in the same way, or compare them all the same with override=True"
        )
