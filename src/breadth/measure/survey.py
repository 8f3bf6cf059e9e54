"""From sources to their diversity coefficients, floors and mutual distances, all under one protocol: what ``breadth measure`` prints."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from breadth.data.formats import load
from breadth.data.images import prepare
from breadth.data.union import Union, single
from breadth.errors import MeasureError
from breadth.measure.diversity import cross_diversity, diversity_coefficient, embed, noise_floor
from breadth.measure.embeddings import Embeddings
from breadth.measure.fisher import Estimator
from breadth.measure.probe import ProbeNetwork, probe
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture, Kind
from breadth.nets.device import check_device
from breadth.nets.weights import read_weights
from breadth.stats.interval import Estimate

__all__ = ["CrossMeasure", "Settings", "SourceMeasure", "Survey", "estimated_seconds", "survey"]

Report = Callable[[float, float, str], None]


@dataclass(frozen=True)
class Settings:
    """How sources are measured. pairs: pairs of tasks for the floor; size, channels: pixel form of every image."""

    probe: Kind = "resnet18"
    weights: Path | None = None
    filters: int = 64
    tasks: int = 20
    pairs: int = 5
    ways: int = 5
    per_class: int = 10
    size: int = 32
    channels: int = 3
    estimator: Estimator = "exact"
    seed: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class SourceMeasure:
    """Diversity coefficient and noise floor of one source, with the protocol they were measured under."""

    name: str
    diversity: Estimate
    floor: Estimate
    protocol: dict[str, Any]


@dataclass(frozen=True)
class CrossMeasure:
    """Mean distance of a task of source ``a`` to a task of source ``b``."""

    a: str
    b: str
    distance: Estimate


@dataclass(frozen=True)
class Survey:
    """All sources and all pairs of them, through one probe."""

    probe: str
    sources: tuple[SourceMeasure, ...]
    cross: tuple[CrossMeasure, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape that ``breadth measure --json`` promises to other programs."""
        return {
            "sources": [
                {"name": s.name, "diversity": s.diversity.as_dict(), "floor": s.floor.as_dict(), "protocol": s.protocol}
                for s in self.sources
            ],
            "cross": [{"a": c.a, "b": c.b, "distance": c.distance.as_dict()} for c in self.cross],
        }


def _probe(settings: Settings, source: Union) -> ProbeNetwork:
    shape = source.input_shape
    kind: Kind = settings.probe if source.is_images else "mlp"
    arch = Architecture(kind, settings.filters, shape[2] if source.is_images else 1, shape[0])
    weights = None if settings.weights is None else read_weights(settings.weights)
    made = probe(arch, settings.seed, weights)
    return made if settings.device == "cpu" else made.to(settings.device)


def _loaded(places: Sequence[str | Path], settings: Settings) -> list[Union]:
    found = [single(prepare(load(place), size=settings.size, channels=settings.channels)) for place in places]
    for s in found[1:]:
        if s.input_shape != found[0].input_shape:
            raise MeasureError(
                f"'{found[0].name}' holds inputs of shape {list(found[0].input_shape)}, '{s.name}' of shape {list(s.input_shape)}; "
                "expected inputs of one kind: measure images and vectors apart"
            )
    return found


def _measured(s: Union, t2v: Task2Vec, settings: Settings, show: Callable[[str, float], None]) -> tuple[Embeddings, SourceMeasure]:
    """Embed the tasks of one source and of its floor; ``show`` takes what is done now and the fraction of this source done."""
    ways, per_class, seed = settings.ways, settings.per_class, settings.seed
    steps = settings.tasks + 2 * settings.pairs
    e = embed(
        s, t2v, tasks=settings.tasks, ways=ways, per_class=per_class, seed=seed, progress=lambda k, _: show(s.name, k / steps)
    )
    floor = noise_floor(
        s,
        t2v,
        pairs=settings.pairs,
        ways=ways,
        per_class=per_class,
        seed=seed,
        progress=lambda k, _: show(f"{s.name}, floor", (settings.tasks + 2 * k) / steps),
    )
    protocol = {**e.protocol, "floor_pairs": settings.pairs}
    return e, SourceMeasure(s.name, diversity_coefficient(e), floor, protocol)


def survey(places: Sequence[str | Path], settings: Settings | None = None, *, report: Report | None = None) -> Survey:
    """Measure each source and the distance between every two of them.

    places: whatever ``breadth.data.formats.load`` takes. Images are seen through ``settings.probe``, vectors through an mlp probe.
    report: called with (fraction done, seconds left, what is measured now). Raises DataError or MeasureError where a source cannot be used.
    """
    settings = settings or Settings()
    check_device(settings.device)
    sources = _loaded(places, settings)
    t2v = Task2Vec(_probe(settings, sources[0]), estimator=settings.estimator, seed=settings.seed)
    results: list[tuple[Embeddings, SourceMeasure]] = []
    started = time.perf_counter()

    def show(now: str, fraction: float) -> None:
        if report:
            done = (len(results) + fraction) / len(sources)
            report(done, (time.perf_counter() - started) * (1 - done) / done if done > 0 else float("nan"), now)

    for s in sources:
        results.append(_measured(s, t2v, settings, show))
    cross = tuple(CrossMeasure(a.name, b.name, cross_diversity(ea, eb)) for (ea, a), (eb, b) in combinations(results, 2))
    return Survey(t2v.probe.name, tuple(m for _, m in results), cross)


def estimated_seconds(places: Sequence[str | Path], settings: Settings) -> float:
    """Time one task of the first source and return the seconds that all sources would take (CPU time of one core)."""
    sources = _loaded(places, settings)
    t2v = Task2Vec(_probe(settings, sources[0]), estimator=settings.estimator, seed=settings.seed)
    started = time.perf_counter()
    embed(sources[0], t2v, tasks=1, ways=settings.ways, per_class=settings.per_class, seed=settings.seed)
    return (time.perf_counter() - started) * len(sources) * (settings.tasks + 2 * settings.pairs)
