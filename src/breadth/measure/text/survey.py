"""Measures sources of text: batches, noise, the scale, and the distances between every two sources, through one probe."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from itertools import combinations
from pathlib import Path
from typing import Any, Literal

import numpy as np

from breadth.data.text.batches import SEQUENCES, Batches, StreamBatches, TextSource
from breadth.data.text.generated import ConstantTokens, UniformTokens
from breadth.data.text.languages import RandomLanguages
from breadth.data.text.places import text_source
from breadth.errors import DataError, MeasureError, unknown_name
from breadth.measure.auto import LEAST_TASKS, until_narrow
from breadth.measure.correction import FARTHEST, corrected, distance_of_variance, variance_of_distance
from breadth.measure.distance import cross
from breadth.measure.diversity import alignment, complexity, cross_diversity, diversity_coefficient, floor_pairs, split_half
from breadth.measure.embeddings import Embeddings
from breadth.measure.memory import MEMORY
from breadth.measure.reference import Scale, position
from breadth.measure.rivals.panel import Rival
from breadth.measure.store import EmbeddingStore
from breadth.measure.text.default import cached_text_probe
from breadth.measure.text.embed import Text2Vec, embed_draws, protocol_of_text
from breadth.measure.text.head import STEPS
from breadth.measure.text.measurement import TextCross, TextMeasurement, TextScale, TextSourceMeasure, Value
from breadth.measure.text.probe import TextProbe
from breadth.measure.text.rivals.panel import text_rivals
from breadth.measure.text.rivals.states import mean_states, sentence_encoder
from breadth.stats.interval import Estimate, combined, mean

__all__ = [
    "FIRST",
    "TYPICAL",
    "TextSettings",
    "check_sources",
    "estimated_text_seconds",
    "measure_places",
    "measure_text",
    "noise",
    "value_of",
    "without_noise",
]

# (fraction done, seconds left, what is measured now)
Report = Callable[[float, float, str], None]
# (name, value): what the first batches of a source say.
First = Callable[[str, Value], None]
# Batches after which a first value can be told.
FIRST = 5
SCALE_TASKS = 8
# Batches that "auto" is taken to need where the time is estimated.
TYPICAL = 20
FEWEST_FOR_HALVES = 6


@dataclass(frozen=True)
class TextSettings:
    """How text is measured.

    tasks: batches of each source, or "auto": until the half-width of the interval of the coefficient, uncorrected, is ``precision``, or
    there are ``most``; sequences: of a batch; draws: backward passes a batch. Their noise, which falls as 1/draws, is known from
    several draws of each batch, or with 1 from a second draw of every fourth batch, at least 5: that takes 4/5 of the time of two draws and
    gives intervals two to four times as wide. head_steps: of tuning the head, 0 for the probe's own; scale: measure the references too;
    rivals: the other metrics of corpora too; encoder: what sees texts for the Vendi score, a model of sentence-transformers by name or
    folder, "" for mean states of the probe; seed: of the batches and of the estimator; memory: bytes for the working set of a pass;
    store: folder of finished embeddings, None for none.
    """

    tasks: int | Literal["auto"] = 20
    sequences: int = SEQUENCES
    draws: int = 2
    head_steps: int = STEPS
    scale: bool = True
    rivals: bool = True
    seed: int = 0
    memory: int = MEMORY
    store: Path | None = None
    precision: float = 0.01
    most: int = 500
    encoder: str = ""

    def __post_init__(self) -> None:
        lowest = (("tasks", 3), ("sequences", 1), ("draws", 1), ("head_steps", 0), ("memory", 1), ("most", LEAST_TASKS))
        for name, least in lowest:
            value = getattr(self, name)
            if name == "tasks" and value == "auto":
                continue
            if not isinstance(value, int) or value < least:
                or_auto = ', or "auto"' if name == "tasks" else ""
                raise MeasureError(f"{name} is {value!r}; expected a whole number of {least} or more{or_auto}")
        if not self.precision > 0:
            raise MeasureError(f"precision is {self.precision!r}; expected a positive half-width, e.g. 0.005")

    @property
    def fewest(self) -> int:
        """Batches that a source must hold."""
        return LEAST_TASKS if self.tasks == "auto" else self.tasks


class _Run:
    """One measurement under way: the probe twice over, with vocabulary rows and without, and the clock."""

    def __init__(self, probe: TextProbe, settings: TextSettings, sources: int, report: Report | None) -> None:
        store = None if settings.store is None else EmbeddingStore(settings.store)
        self.settings, self.report = settings, report
        # Both values come from one embedding: that with the rows holds the other.
        self.t2v = Text2Vec(
            replace(probe, vocabulary=True), settings.draws, settings.head_steps, settings.seed, settings.memory, store
        )
        self.bare = replace(self.t2v, probe=replace(probe, vocabulary=False))
        kept = {name for name, _ in self.bare.probe.layers}
        self.kept = np.concatenate([np.full(size, name in kept) for name, size in self.t2v.probe.layers])
        self.total, self.done, self.started = _embeddings(settings, sources), 0, time.perf_counter()
        # Loaded before anything is embedded: that it is missing is better known now than after the first source.
        self.encoder = sentence_encoder(settings.encoder) if settings.rivals and settings.encoder else None

    def step(self, now: str) -> None:
        self.done += 1
        if self.report is not None:
            fraction = min(self.done / self.total, 0.999)
            self.report(fraction, (time.perf_counter() - self.started) * (1 - fraction) / fraction, now)

    def without_rows(self, source: TextSource, e: Embeddings) -> Embeddings:
        s = self.settings
        how = protocol_of_text(source, self.bare, tasks=e.tasks, sequences=s.sequences, seed=s.seed)
        return replace(e, values=e.values[:, self.kept], protocol=how)

    def values(self, source: TextSource, e: Embeddings, draws: np.ndarray) -> tuple[Embeddings, Value, Value]:
        """Return the embeddings without vocabulary rows, and both values."""
        bare, k = self.without_rows(source, e), self.settings.draws
        return bare, value_of(bare, draws[:, :, self.kept], k), value_of(e, draws, k)

    def measured(self, source: TextSource, tasks: int | Literal["auto"], first: First | None) -> tuple[Embeddings, Value, Value]:
        """Return what ``values`` does of ``tasks`` batches; ``first`` is told what the first ones say."""
        batches = _BatchesOf(self, source)
        if tasks == "auto":
            most = _most(source, self.settings)
            e = until_narrow(batches.plain, precision=self.settings.precision, most=most).embeddings
            values = np.concatenate(batches.whole)
            whole = replace(e, values=values, protocol=batches.protocol(len(values)))
            return self.values(source, whole, np.concatenate(batches.draws))
        e = batches.embedded(0, min(FIRST, tasks), floor_pairs(tasks))
        if first is not None and tasks > FIRST:
            first(source.name, self.values(source, e, batches.draws[0])[1])
        if tasks > FIRST:
            e = _joined(e, batches.embedded(FIRST, tasks, floor_pairs(tasks)))
            e = replace(e, protocol=batches.protocol(tasks))
        return self.values(source, e, np.concatenate(batches.draws))


class _BatchesOf:
    """The batches of one source as they are embedded, range by range: those with vocabulary rows, and the draws that tell the noise."""

    def __init__(self, run: _Run, source: TextSource) -> None:
        self.run, self.source = run, source
        self.whole: list[np.ndarray] = []
        self.draws: list[np.ndarray] = []

    def protocol(self, tasks: int) -> dict[str, object]:
        s = self.run.settings
        return protocol_of_text(self.source, self.run.t2v, tasks=tasks, sequences=s.sequences, seed=s.seed)

    def embedded(self, start: int, stop: int, pairs: int) -> Embeddings:
        """Return batches ``start`` to ``stop - 1``, after which ``pairs`` batches have a second draw where they have but one."""
        run, s = self.run, self.run.settings
        e, draws = embed_draws(
            self.source,
            run.t2v,
            tasks=stop - start,
            sequences=s.sequences,
            seed=s.seed,
            start=start,
            again=pairs - sum(map(len, self.draws)),
            progress=lambda done, total: run.step(self.source.name),
        )
        self.whole.append(e.values)
        self.draws.append(draws)
        return e

    def plain(self, start: int, stop: int) -> Embeddings:
        """Return batches ``start`` to ``stop - 1`` without vocabulary rows."""
        return self.run.without_rows(self.source, self.embedded(start, stop, floor_pairs(stop)))


def _most(source: TextSource, settings: TextSettings) -> int:
    """Return how many batches ``source`` has, at most ``settings.most``; it has the fewest. Streams are not read ahead."""

    def holds(batches: int) -> bool:
        try:
            source.take((batches - 1) * settings.sequences, settings.sequences, settings.seed)
        except DataError:
            return False
        return True

    low, high = settings.fewest, settings.most
    if isinstance(source, StreamBatches) or holds(high):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _joined(a: Embeddings, b: Embeddings) -> Embeddings:
    arrays = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in ("values", "items", "loss", "doubt")}
    return Embeddings(**arrays, parts=a.parts + b.parts, protocol=a.protocol)


def _embeddings(settings: TextSettings, sources: int) -> int:
    return sources * _tasks(settings) + (3 * SCALE_TASKS if settings.scale else 0)


def _tasks(settings: TextSettings) -> int:
    return TYPICAL if settings.tasks == "auto" else settings.tasks


def value_of(e: Embeddings, draws: np.ndarray, averaged: int) -> Value:
    """The coefficient of e, each a mean of ``averaged`` draws, and its noise from the draws [m, k, D] of its first batches."""
    diversity, floor = diversity_coefficient(e), noise(draws, averaged)
    return Value(diversity, floor, without_noise(diversity, floor))


def noise(draws: np.ndarray, averaged: int) -> Estimate:
    """Return the distance of two embeddings of one batch, each a mean of ``averaged`` draws, from draws [m, k, D] of m batches, k > 1.

    Two single draws are at a distance whose variance of log ratios is twice that of a draw; that of two means of n is 1/n of it.
    Interval: t over batches, delta method.
    """
    single = mean(np.array([cross(batch, batch)[np.triu_indices(len(batch), 1)].mean() for batch in draws]))
    between = variance_of_distance(min(single.value, FARTHEST)) / averaged
    step = 1e-3 * max(single.value, 1e-6)
    ahead = variance_of_distance(min(single.value, FARTHEST - step) + step) / averaged
    slope = (distance_of_variance(ahead) - distance_of_variance(between)) / step
    method = f"batches of {draws.shape[1]} draws each, t interval"
    return combined(distance_of_variance(between), [(slope, single)], method)


def without_noise(distance: Estimate, *floors: Estimate) -> Estimate:
    """Return a mean distance of batches without the estimator's noise; floors: that of their source, or of both their sources."""
    # Each batch brings the noise of its own source: on average half of each.
    floor = (
        floors[0]
        if len(floors) == 1
        else combined(
            sum(f.value for f in floors) / len(floors), [(1 / len(floors), f) for f in floors], "mean noise of both sources"
        )
    )
    return corrected(_within(distance), _within(floor))


def _within(e: Estimate) -> Estimate:
    return replace(e, value=min(e.value, FARTHEST))


def _position(value: Value, floor: Value, ceiling: Value) -> Estimate | None:
    return position(value.corrected, Scale(floor.corrected, ceiling.corrected))


def _cross(a: TextSourceMeasure, b: TextSourceMeasure) -> TextCross:
    d = cross_diversity(a.embeddings, b.embeddings)
    return TextCross(a.name, b.name, d, without_noise(d, a.plain.floor, b.plain.floor), alignment(a.embeddings, b.embeddings))


def check_sources(sources: Sequence[TextSource], settings: TextSettings) -> None:
    """See before anything is trained or embedded that sources can be measured; streams are not read ahead.

    Raises MeasureError where two have one name or sequences of another length, DataError where one holds too few batches.
    """
    names = [s.name for s in sources]
    if not sources or len(set(names)) < len(names):
        raise MeasureError(f"the sources {names} were given; expected one or more, each with a name of its own")
    lengths = sorted({s.length for s in sources})
    if len(lengths) > 1:
        raise MeasureError(
            f"sources of sequences of {' and '.join(map(str, lengths))} tokens were given; expected one length, as the scale has: cut all alike"
        )
    for s in sources:
        if not isinstance(s, StreamBatches):
            s.take((settings.fewest - 1) * settings.sequences, settings.sequences, settings.seed)


def measure_text(
    sources: Sequence[TextSource],
    probe: TextProbe,
    settings: TextSettings = TextSettings(),
    *,
    report: Report | None = None,
    first: First | None = None,
) -> TextMeasurement:
    """Measure each source, with vocabulary rows and without, every two of them against each other, and the scale they stand on.

    The noise floor of text is the estimator's alone: the same batch embedded again with other signs. What is left when it is taken out is
    how far two batches of the source are apart, sequences drawn by chance included; it falls as 1/sequences where batches are drawn
    from one pool, and batches of different languages stay apart. first: called with (source, its value from ``FIRST`` batches). Raises
    DataError where a source is too small, MeasureError where two have one name, lengths differ or tokens do not fit the probe.
    """
    started = time.perf_counter()
    check_sources(sources, settings)
    run = _Run(probe, settings, len(sources), report)
    found = [_source(run, s, first) for s in sources]
    scale = _scale(run, sources[0].length, probe) if settings.scale else None
    if scale is not None:
        found = [
            replace(
                m,
                position=_position(m.plain, scale[0].floor, scale[0].ceiling),
                with_rows_position=_position(m.with_rows, scale[1].floor, scale[1].ceiling),
            )
            for m in found
        ]
    cross = tuple(_cross(a, b) for a, b in combinations(found, 2))
    about = {"name": probe.name, "fingerprint": run.bare.probe.fingerprint, "dimension": int(run.kept.sum())}
    return TextMeasurement(about, None if scale is None else scale[0], tuple(found), cross, time.perf_counter() - started)


def measure_places(places: Sequence[str], options: Mapping[str, Any]) -> TextMeasurement:
    """Measure corpora and generators by name through the default probe; options: fields of ``TextSettings`` by name.

    Raises MeasureError for a name that is no field, or where the default probe has not been trained yet.
    """
    known = [f.name for f in fields(TextSettings)]
    for name in options:
        if name not in known:
            raise MeasureError(unknown_name("setting of text", name, known))
    settings = TextSettings(**options)
    return measure_text([text_source(place) for place in places], cached_text_probe(), settings)


def _source(run: _Run, source: TextSource, first: First | None) -> TextSourceMeasure:
    e, plain, with_rows = run.measured(source, run.settings.tasks, first)
    halves = split_half(e, run.settings.seed) if e.tasks >= FEWEST_FOR_HALVES else None
    loss, doubt = float(e.loss.mean()), float(e.doubt.mean())
    rivals, without = _rivals(source, run) if run.settings.rivals else ((), "")
    return TextSourceMeasure(
        source.name, plain, with_rows, None, None, halves, complexity(e), loss, doubt, rivals, e, source, without
    )


def _rivals(source: TextSource, run: _Run) -> tuple[tuple[Rival, ...], str]:
    """The other metrics of a corpus, or why there are none; generated tokens and mixtures have no documents."""
    if not isinstance(source, Batches | StreamBatches):
        return (), ""
    try:
        # One embedder for all sources: its centre and width are of a reference of its own.
        embedder = run.encoder or mean_states(run.t2v.probe, source.tokeniser)
        return text_rivals(source.corpus.documents(), embedder, seed=run.settings.seed), ""
    except MeasureError as error:
        return (), str(error)


def _scale(run: _Run, length: int, probe: TextProbe) -> tuple[TextScale, TextScale]:
    """Return the references without vocabulary rows, and with them. The last token of the vocabulary is taken for the end."""
    tokens = probe.size.vocab_size
    references = (
        ConstantTokens(tokens, tokens - 1, length),
        RandomLanguages(tokens, length, run.settings.sequences),
        UniformTokens(tokens, length),
    )
    found = [run.measured(source, SCALE_TASKS, None)[1:3] for source in references]
    plain, with_rows = (TextScale(*values) for values in zip(*found, strict=True))
    return plain, with_rows


def estimated_text_seconds(sources: Sequence[TextSource], probe: TextProbe, settings: TextSettings) -> float:
    """Time the first source's second and third batch, one with a second draw, the first warms up; return the seconds of all (of one core)."""
    run = _Run(probe, replace(settings, store=None, rivals=False), len(sources), None)
    ends: list[float] = []
    embed_draws(
        sources[0],
        run.t2v,
        tasks=3,
        sequences=settings.sequences,
        seed=settings.seed,
        again=2,
        progress=lambda done, total: ends.append(time.perf_counter()),
    )
    twice, once = ends[1] - ends[0], ends[2] - ends[1]
    pairs = len(sources) * floor_pairs(_tasks(settings)) + (3 * floor_pairs(SCALE_TASKS) if settings.scale else 0)
    return once * run.total + max(0.0, twice - once) * pairs
