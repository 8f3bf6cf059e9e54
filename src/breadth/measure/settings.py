"""How sources are measured: one value that holds every choice, with a default for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from breadth.errors import MeasureError, unknown_name
from breadth.measure.fisher import ESTIMATORS, Estimator
from breadth.measure.head import RIDGE
from breadth.measure.precision import Precision
from breadth.measure.probe import ProbeNetwork
from breadth.measure.task2vec import HeadKind
from breadth.nets.build import Kind

__all__ = ["Reading", "Settings", "pixels", "with_options"]


@dataclass(frozen=True)
class Reading:
    """What ``breadth.data.formats.load`` is told beside the place; None where it finds out by itself."""

    image_col: str | None = None
    label_col: str | None = None
    group_col: str | None = None
    split: str | None = None
    revision: str | None = None
    offline: bool = False
    limit: int | None = None


@dataclass(frozen=True)
class Settings:
    """How sources are measured.

    probe, weights, filters: the probe network; weights None: random ones of ``probe_seed``. A ``ProbeNetwork``, see ``probe_of``, is
    taken as it is, and images get its size and channels. tasks: of each source, or "auto": as many as
    bring the half-width of the interval to ``precision``, at most ``most``. pairs: pairs of tasks for the noise floor, None by the
    number of tasks. ways, per_class: shape of a task. size, channels: pixel form of every image. estimator, head, ridge, draws,
    arithmetic: see ``Task2Vec``. scale: measure floor and ceiling too. rivals: measure the other metrics on ``items`` items of each
    source. seed: of the task draw and of random estimators. memory: bytes that the whole process may hold, None for about 1 GB a pass.
    store: folder of finished embeddings, None for none. reading: columns, split and the like.
    """

    probe: Kind | ProbeNetwork = "resnet18"
    weights: Path | None = None
    filters: int = 64
    tasks: int | Literal["auto"] = 20
    precision: float = 0.01
    most: int = 500
    pairs: int | None = None
    ways: int = 5
    per_class: int = 10
    size: int = 32
    channels: int = 3
    estimator: Estimator | Literal["awslabs"] = "exact"
    head: HeadKind = "ridge"
    ridge: float = RIDGE
    draws: int = 1
    arithmetic: Precision = "float32"
    scale: bool = True
    rivals: bool = True
    items: int = 300
    seed: int = 0
    probe_seed: int = 0
    device: str = "cpu"
    memory: int | None = None
    store: Path | None = None
    reading: Reading = field(default_factory=Reading)

    def __post_init__(self) -> None:
        if self.tasks != "auto" and (not isinstance(self.tasks, int) or self.tasks < 3):
            raise MeasureError(f"{self.tasks} tasks were asked for; expected 3 or more, or 'auto'")
        for name, least in (("ways", 2), ("per_class", 1), ("draws", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise MeasureError(f"{name} is {value!r}; expected a whole number of {least} or more")
        if isinstance(self.probe, ProbeNetwork) and self.weights is not None:
            raise MeasureError(f"weights were given beside the probe '{self.probe.name}', which has its own; expected one of them")
        for what, given, allowed in (
            ("Fisher estimator", self.estimator, (*ESTIMATORS, "awslabs")),
            ("head", self.head, get_args(HeadKind)),
            ("precision", self.arithmetic, get_args(Precision)),
        ):
            if given not in allowed:
                raise MeasureError(unknown_name(what, given, allowed))
        if self.estimator == "awslabs" and self.arithmetic != "float32":
            raise MeasureError(
                f"arithmetic '{self.arithmetic}' was asked for with the awslabs estimator; expected float32, as published"
            )
        for name in ("pairs", "memory"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise MeasureError(f"{name} is {value}; expected 1 or more, or None")
        if not self.precision > 0:
            raise MeasureError(f"a precision of {self.precision:g} was asked for; expected a positive half-width, e.g. 0.01")
        if self.items < 20:
            raise MeasureError(f"{self.items} items were asked for the other metrics; expected 20 or more")


def pixels(settings: Settings) -> tuple[int, int]:
    """Return size and channels that images are brought to: those of the probe where one is handed in."""
    chosen = settings.probe if isinstance(settings.probe, ProbeNetwork) else settings
    return chosen.size, chosen.channels


def with_options(settings: Settings | None, options: Mapping[str, Any]) -> Settings:
    """Return ``settings`` (default: all defaults) with some fields replaced. Raises MeasureError for a name that is no field."""
    known = [f.name for f in fields(Settings)]
    for name in options:
        if name not in known:
            raise MeasureError(unknown_name("setting", name, known))
    return replace(settings or Settings(), **options)
