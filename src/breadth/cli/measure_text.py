"""``breadth measure`` of text: corpora and generators of tokens, their mixtures, through a GPT-2 probe that is trained once."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from breadth.cli.idle import tell_idle
from breadth.cli.measured import asked_weights, finish
from breadth.cli.options import duration, print_json, progress_bar
from breadth.data.formats import is_built_in
from breadth.data.text.batches import TextSource
from breadth.data.text.mixture import Mixed
from breadth.data.text.places import TextReading, is_generated, text_source
from breadth.data.text.tokens import tokeniser
from breadth.errors import MeasureError, printable
from breadth.measure.auto import narrow_enough
from breadth.measure.text.default import TRAINING_SECONDS, default_place
from breadth.measure.text.measurement import TextMeasurement, Value
from breadth.measure.text.probe import TextProbe, random_text_probe, text_probe
from breadth.measure.text.survey import FIRST, TYPICAL, TextSettings, check_sources, estimated_text_seconds, measure_text
from breadth.study.text_probe import default_text_probe

__all__ = ["TextAsked", "measure_corpora"]

# What images and vectors have and text has not.
_OF_IMAGES = (
    "arithmetic", "channels", "estimator", "filters", "group_col", "head", "image_col", "label_col", "per_class", "probe", "ridge",
    "size", "ways", "weights",
)  # fmt: skip
# A probe's vocabulary may be padded up to a round number, not more.
_PADDED = 1024


@dataclass(frozen=True)
class TextAsked:
    """What was asked beside the settings. probe: "default", "random", a folder or a name on the Hub; given: options, by parameter name."""

    tokeniser: str
    probe: str
    probe_seed: int
    device: str
    interleave: bool
    given: Collection[str]


def _idle(asked: TextAsked, settings: TextSettings, mixture: str | None) -> dict[str, str]:
    """Option -> why it has no effect, for those given that have none for text."""
    why = dict.fromkeys(_OF_IMAGES, "the sources are text")
    if asked.probe != "random":
        why["probe_seed"] = "the probe has its weights"
    if settings.tasks != "auto":
        why["precision"] = "it belongs to --tasks auto"
    if not settings.rivals:
        why["encoder"] = "it belongs to the other metrics"
    if mixture is None:
        why["interleave"] = "it belongs to --mixture"
    return {name: why[name] for name in why if name in asked.given}


def measure_corpora(
    places: Sequence[str],
    how: TextReading,
    settings: TextSettings,
    asked: TextAsked,
    *,
    mixture: str | None,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Measure ``places`` and tell what was found; the tokeniser of ``asked`` takes the place of that of ``how``."""
    tell_idle(_idle(asked, settings, mixture))
    how = replace(how, tokeniser=tokeniser(asked.tokeniser, offline=how.offline))
    sources = _sources(places, how)
    check_sources(sources, settings)
    weights = None if mixture is None else asked_weights(mixture, [s.name for s in sources])
    if weights is not None and asked.interleave:
        sources.append(_interleaved(sources, weights))
        weights = None
    if out is not None and not dry_run:
        out.mkdir(parents=True, exist_ok=True)  # where that cannot be, it is better known now than after the measurement
    untrained = asked.probe == "default" and not default_place()[0].is_dir()
    # A network of the same size takes as long, and need not be trained first.
    probe = _probe(replace(asked, probe="random") if dry_run and untrained else asked, how.offline, quiet=as_json)
    _check_tokens(how, probe, all(is_generated(p) for p in places))
    if dry_run:
        seconds = estimated_text_seconds(sources, probe, settings) + (TRAINING_SECONDS if untrained else 0)
        if as_json:
            print_json({"sources": list(places), "estimated_seconds": round(seconds)})
        else:
            count = f"{len(sources)} source{'' if len(sources) == 1 else 's'} of text"
            tasks = f"{TYPICAL} batches assumed of" if settings.tasks == "auto" else f"{settings.tasks} batches"
            first = ", and the default probe trained first" if untrained else ""
            print(f"{count}, {tasks} each{first}: about {duration(seconds)} on one core")
        return
    with progress_bar("measure", quiet=as_json) as show:
        result = measure_text(sources, probe, settings, report=show, first=None if as_json else _tell_first)
    finish(result, weights, out=out, as_json=as_json, told=lambda: _tell(result, settings))


def _sources(places: Sequence[str], how: TextReading) -> list[TextSource]:
    sources: list[TextSource] = []
    for place in places:
        if is_built_in(place):
            raise MeasureError(
                f"'{place}' is a source of images and was given as text, or beside it; expected text alone: measure it in a command of "
                f"its own, or write ./{place} for a file"
            )
        found = text_source(place, how)
        if found.name in [s.name for s in sources]:
            raise MeasureError(
                f"two sources are named '{found.name}'; expected different names: give each source once, or rename a file"
            )
        sources.append(found)
    return sources


def _interleaved(sources: Sequence[TextSource], weights: list[float] | Literal["best"]) -> Mixed:
    if weights == "best":
        raise MeasureError(
            "--mixture best was given with --interleave; expected weights: the best ones are known for whole batches only"
        )
    used = [(s, w) for s, w in zip(sources, weights, strict=True) if w]
    mixed = Mixed([s for s, _ in used], [w for _, w in used])
    mixed.name = " + ".join(f"{100 * w:.3g}% {s.name}" for s, w in used)
    return mixed


def _probe(asked: TextAsked, offline: bool, *, quiet: bool) -> TextProbe:
    if asked.probe == "random":
        return random_text_probe(seed=asked.probe_seed, device=asked.device)
    if asked.probe != "default":
        return text_probe(asked.probe, device=asked.device, offline=offline)
    started = time.perf_counter()
    with progress_bar("train the default probe, once", quiet=quiet) as show:
        return default_text_probe(
            report=lambda done, total: show(
                done / total, (time.perf_counter() - started) * (total - done) / max(done, 1), "tokens"
            ),
            device=asked.device,
        )


def _check_tokens(how: TextReading, probe: TextProbe, generated: bool) -> None:
    """Tokens of another tokeniser would be taken for the probe's own, and measured as nonsense without a word."""
    known, used = probe.size.vocab_size, how.tokeniser.vocabulary
    if not generated and not used <= known < used + _PADDED:
        raise MeasureError(
            f"tokeniser '{how.tokeniser.name}' has {used:,} tokens, probe '{probe.name}' {known:,}; expected the tokeniser that the probe "
            "was trained with: name it by --tokenizer, or another --text-probe"
        )


def _tell_first(name: str, value: Value) -> None:
    c = value.corrected
    print(
        f"first value of {printable(name)}, from {FIRST} batches: {c.value:.4f} [{c.low:.4f}, {c.high:.4f}]",
        file=sys.stderr,
        flush=True,
    )


def _tell(result: TextMeasurement, settings: TextSettings) -> None:
    for s in result.sources:
        print(s)
        if settings.tasks == "auto":
            c, reached = s.plain.corrected, narrow_enough(s.plain.diversity, settings.precision)
            how = "for" if reached else "and no more, the interval is still wider than"
            print(f"  note         {s.embeddings.tasks} batches {how} ±{settings.precision:g}, noise included; "
                  f"without it ±{(c.high - c.low) / 2:.4f}")  # fmt: skip
    for line in result.cross:
        print(line)
    for note in result.notes:
        print(f"note: {note}")
    if result.scale is not None:
        for what, value in (
            ("floor, one constant token", result.scale.floor),
            ("uniform random tokens, the published upper bound", result.scale.uniform),
            ("ceiling, a random language a batch", result.scale.ceiling),
        ):
            print(f"{what}: {value.corrected.value:.4f}")
    tasks = " or ".join(dict.fromkeys(str(s.embeddings.tasks) for s in result.sources))
    print(
        f"diversity without the estimator's noise; 95% intervals over {tasks} batches drawn from the given data; probe "
        f"{result.probe['name']}; protocol {result.protocol['comparable']}: compare values of one protocol only"
        + ("; other metrics: --out FOLDER or --json" if settings.rivals else ""),
        file=sys.stderr,
    )
