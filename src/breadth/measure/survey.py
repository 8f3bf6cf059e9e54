"""Measure one or more sources and everything between them, in one call, under one protocol."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations

import torch

from breadth.data.union import Union, single
from breadth.errors import MeasureError, printable
from breadth.measure.auto import auto_tasks
from breadth.measure.correction import corrected
from breadth.measure.diversity import (
    complexity,
    cross_diversity,
    diversity_coefficient,
    embed,
    floor_pairs,
    noise_floor,
    split_half,
)
from breadth.measure.embeddings import Embeddings
from breadth.measure.head import SATURATED, SaturatedHeadWarning
from breadth.measure.items import chosen_rows, rival_panels
from breadth.measure.measurement import CrossMeasure, Measurement, SourceMeasure, Stability
from breadth.measure.memory import working_set
from breadth.measure.probe import ProbeNetwork, probe
from breadth.measure.reference import Scale, position, scale
from breadth.measure.settings import Settings
from breadth.measure.sources import Source, read_sources
from breadth.measure.stability import flip_by_tasks
from breadth.measure.store import EmbeddingStore
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture, Kind
from breadth.nets.device import check_device
from breadth.nets.weights import read_weights

__all__ = ["Report", "estimated_seconds", "survey", "task2vec_of"]

# (fraction done, seconds left, what is measured now)
Report = Callable[[float, float, str], None]
# Tasks of floor and ceiling; both sources are made by us and vary little.
SCALE_TASKS = 20
# Redraws for the chance that an order turns.
REDRAWS = 500
# Tasks that "auto" is taken to need where the time is estimated.
TYPICAL = 40
FEWEST_FOR_HALVES = 6


def _probe(settings: Settings, source: Union) -> ProbeNetwork:
    if isinstance(settings.probe, ProbeNetwork):
        return settings.probe if settings.device == "cpu" else settings.probe.to(settings.device)
    shape = source.input_shape
    kind: Kind = settings.probe if source.is_images else "mlp"
    arch = Architecture(kind, settings.filters, shape[2] if source.is_images else 1, shape[0])
    weights = None if settings.weights is None else read_weights(settings.weights)
    made = probe(arch, settings.probe_seed, weights)
    return made if settings.device == "cpu" else made.to(settings.device)


def _unions(places: Sequence[Source], settings: Settings) -> list[Union]:
    sets = read_sources(places, settings)
    for s in sets[1:]:
        if s.inputs.shape[1:] != sets[0].inputs.shape[1:]:
            raise MeasureError(
                f"'{sets[0].name}' holds inputs of shape {list(sets[0].inputs.shape[1:])}, '{s.name}' of shape "
                f"{list(s.inputs.shape[1:])}; expected inputs of one kind: measure images and vectors apart"
            )
    return [single(s) for s in sets]


def task2vec_of(source: Union, settings: Settings, data: int = 0) -> Task2Vec:
    """Return what embeds the tasks of ``source`` under ``settings``: the probe is built or loaded for its inputs.

    data: bytes of all inputs in memory, which count where ``settings.memory`` limits the process.
    """
    return Task2Vec(
        _probe(settings, source),
        estimator=settings.estimator,
        head=settings.head,
        ridge=settings.ridge,
        draws=settings.draws,
        seed=settings.seed,
        memory=None if settings.memory is None else working_set(settings.memory, data),
        precision=settings.arithmetic,
        store=None if settings.store is None else EmbeddingStore(settings.store),
    )


class _Clock:
    """Turns embeddings done into a fraction and a time left, whose speed is that of this run so far."""

    def __init__(self, total: int, report: Report | None) -> None:
        self.total, self.report, self.done, self.started = max(total, 1), report, 0, time.perf_counter()

    def step(self, now: str, done: int = 1) -> None:
        self.done += done
        if self.report is not None:
            fraction = min(self.done / self.total, 0.999)
            self.report(fraction, (time.perf_counter() - self.started) * (1 - fraction) / fraction, now)


def _tasks(settings: Settings) -> int:
    return TYPICAL if settings.tasks == "auto" else settings.tasks


def _embeddings_needed(settings: Settings, sources: int) -> int:
    pairs = floor_pairs(_tasks(settings)) if settings.pairs is None else settings.pairs
    return sources * (_tasks(settings) + 2 * pairs) + (2 * SCALE_TASKS if settings.scale else 0)


def _embedded(s: Union, t2v: Task2Vec, settings: Settings, clock: _Clock) -> tuple[Embeddings, bool]:
    ways, per_class, seed = settings.ways, settings.per_class, settings.seed

    def progress(done: int, total: int) -> None:
        clock.step(s.name)

    if settings.tasks == "auto":
        found = auto_tasks(
            s,
            t2v,
            precision=settings.precision,
            most=settings.most,
            ways=ways,
            per_class=per_class,
            seed=seed,
            progress=progress,
        )
        return found.embeddings, found.reached
    return embed(s, t2v, tasks=settings.tasks, ways=ways, per_class=per_class, seed=seed, progress=progress), True


def _measured(s: Union, t2v: Task2Vec, settings: Settings, ends: Scale | None, clock: _Clock) -> SourceMeasure:
    e, reached = _embedded(s, t2v, settings, clock)
    floor = noise_floor(
        s,
        t2v,
        pairs=floor_pairs(e.tasks) if settings.pairs is None else settings.pairs,
        ways=settings.ways,
        per_class=settings.per_class,
        seed=settings.seed,
        progress=lambda done, total: clock.step(f"{s.name}, noise floor", 2),
    )
    value = diversity_coefficient(e)
    return SourceMeasure(
        s.name,
        value,
        floor,
        corrected(value, floor),
        None if ends is None else position(value, ends),
        split_half(e, settings.seed) if e.tasks >= FEWEST_FOR_HALVES else None,
        complexity(e),
        float(e.doubt.mean()),
        reached,
        (),
        e,
        s,
    )


def _order(a: SourceMeasure, b: SourceMeasure, seed: int) -> Stability:
    tasks = min(a.embeddings.tasks, b.embeddings.tasks)
    if a.diversity.value == b.diversity.value:
        return Stability(a.name, b.name, 0.5, tasks, 0)
    turned = flip_by_tasks(a.embeddings, b.embeddings, tasks, repeats=REDRAWS, seed=seed)
    return Stability(a.name, b.name, turned.value, tasks, turned.n)


def _scale(t2v: Task2Vec, shape: tuple[int, ...], settings: Settings, clock: _Clock) -> Scale:
    try:
        return scale(
            t2v,
            shape,
            tasks=SCALE_TASKS,
            ways=settings.ways,
            per_class=settings.per_class,
            seed=settings.seed,
            progress=lambda done, total: clock.step("the scale"),
        )
    except MeasureError as error:
        raise MeasureError(
            f"floor and ceiling of the scale cannot be measured: {error}; or leave the scale out (--no-scale, scale=False)"
        ) from None


def _warn_of_certain_heads(found: Sequence[SourceMeasure]) -> None:
    for m in found:
        if certain := int((m.embeddings.doubt < SATURATED).sum()):
            warnings.warn(
                f"the heads of {certain} of {m.embeddings.tasks} tasks of '{printable(m.name)}' are nearly certain of every label (mean "
                f"1 - max p < {SATURATED:.0e}): their Fisher information is close to zero; use a larger ridge (--ridge) with the ridge head",
                SaturatedHeadWarning,
                stacklevel=3,
            )


def survey(places: Sequence[Source], settings: Settings | None = None, *, report: Report | None = None) -> Measurement:
    """Measure each source, the distance between every two of them, the scale they stand on and the other metrics.

    places: whatever ``breadth.data.formats.load`` takes. Images are seen through ``settings.probe``, vectors through an mlp probe.
    With ``settings.store``, what was embedded before is not embedded again, and a killed measurement goes on from there.
    report: called with (fraction done, seconds left, what is measured now). Raises DataError or MeasureError where a source cannot be used.
    Warns SaturatedHeadWarning once a source, however many of its tasks have a head that is nearly certain.
    """
    settings = settings or Settings()
    check_device(settings.device)
    started = time.perf_counter()
    sources = _unions(places, settings)
    for s in sources:
        # A source too small for such a task is better known before the scale is measured than after.
        s.draw(0, settings.ways, settings.per_class, settings.seed)
    t2v = task2vec_of(sources[0], settings, sum(part.inputs.nbytes for s in sources for part in s.parts))
    clock = _Clock(_embeddings_needed(settings, len(sources)), report)
    with warnings.catch_warnings():
        # Said once a source below, not once a task, and also of stored tasks.
        warnings.simplefilter("ignore", SaturatedHeadWarning)
        ends = _scale(t2v, sources[0].input_shape, settings, clock) if settings.scale else None
        found = [_measured(s, t2v, settings, ends, clock) for s in sources]
    _warn_of_certain_heads(found)
    if settings.rivals:
        rows = chosen_rows([m.embeddings for m in found], settings.items, settings.seed)
        try:
            panels = rival_panels([s.parts[0] for s in sources], rows, t2v.probe, seed=settings.seed, memory=t2v.memory)
        except MeasureError as error:
            raise MeasureError(
                f"the other metrics cannot be measured: {error}; or leave the other metrics out (--no-rivals, rivals=False)"
            ) from None
        found = [replace(m, rivals=panel) for m, panel in zip(found, panels, strict=True)]
    pairs = list(combinations(found, 2))
    cross = tuple(CrossMeasure(a.name, b.name, cross_diversity(a.embeddings, b.embeddings)) for a, b in pairs)
    net = t2v.probe
    about = {
        "name": net.name,
        "fingerprint": net.fingerprint,
        "dimension": net.embedding_dim,
        "size": net.size,
        "channels": net.channels,
    }
    order = tuple(_order(a, b, settings.seed) for a, b in pairs)
    return Measurement(about, ends, tuple(found), cross, order, time.perf_counter() - started)


def estimated_seconds(places: Sequence[Source], settings: Settings) -> float:
    """Time the second task of the first source, the first warms up; return the seconds that all embeddings would take (of one core)."""
    sources = _unions(places, settings)
    # What is stored already would look as if it cost nothing.
    t2v = task2vec_of(sources[0], replace(settings, store=None))
    ends: list[float] = []
    with torch.no_grad():
        embed(
            sources[0],
            t2v,
            tasks=2,
            ways=settings.ways,
            per_class=settings.per_class,
            seed=settings.seed,
            progress=lambda done, total: ends.append(time.perf_counter()),
        )
    return (ends[1] - ends[0]) * _embeddings_needed(settings, len(sources))
