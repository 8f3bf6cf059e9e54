"""``breadth measure`` of images and vectors: read, measured, told."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from breadth.cli.idle import idle_options, tell_idle
from breadth.cli.measured import asked_weights, finish, tell, tell_features
from breadth.cli.options import duration, print_json, progress_bar
from breadth.data.text.places import may_be_text
from breadth.errors import DataError, MeasureError
from breadth.measure.settings import Settings
from breadth.measure.sources import no_classes, read_sources
from breadth.measure.survey import estimated_seconds, survey
from breadth.measure.unlabelled import measure_features

__all__ = ["measure_sets"]


def _tell_time(count: int, tasks: str, seconds: float, listed: list[str] | None) -> None:
    """Say how long ``count`` sources may take, nan where they have no tasks; as JSON where the sources are ``listed``."""
    if listed is not None:
        print_json({"sources": listed, "estimated_seconds": seconds if math.isnan(seconds) else round(seconds)})
    elif math.isnan(seconds):
        print("features without labels, hence no tasks: the other metrics alone take seconds")
    else:
        print(f"{count} source{'' if count == 1 else 's'}, {tasks} tasks each: about {duration(seconds)} on one core")


@contextmanager
def _may_be_text(sources: list[str]) -> Iterator[None]:
    """Say, where the data do not fit, that one of ``sources`` could be a corpus."""
    try:
        yield
    except DataError as error:
        if unclear := next((s for s in sources if may_be_text(s)), None):
            raise DataError(f"{error}; if {unclear} is a corpus of text, add --text") from None
        raise


def measure_sets(
    sources: list[str],
    settings: Settings,
    given: Collection[str],
    *,
    mixture: str | None,
    out: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Measure ``sources`` and tell what was found; given: options of the command line, by parameter name."""
    with _may_be_text(sources):
        sets = read_sources(sources, settings)
    bare = no_classes(sets)
    if bare and (out is not None or mixture is not None):
        raise MeasureError(
            f"'{sets[0].name}' has no labels, hence no tasks; expected labelled sources with --out or --mixture: leave these out, or "
            "name the labels with --label-col"
        )
    tell_idle(idle_options(given, settings, sets, bare=bare))
    if dry_run:
        with _may_be_text(sources):
            seconds = float("nan") if bare else estimated_seconds(sets, settings)
        _tell_time(len(sets), str(settings.tasks), seconds, sources if as_json else None)
        return
    if bare:
        features = measure_features(sets, settings)
        if as_json:
            print_json({"sources": [f.as_dict() for f in features]})
        else:
            tell_features(features)
        return
    weights_asked = None if mixture is None else asked_weights(mixture, [s.name for s in sets])
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # where that cannot be, it is better known now than after the measurement
    with warnings.catch_warnings(record=True) as warned, progress_bar("measure", quiet=as_json) as show, _may_be_text(sources):
        result = survey(sets, settings, report=show)
    for warning in warned:
        print(f"breadth: warning: {warning.message}", file=sys.stderr)
    precision = settings.precision if settings.tasks == "auto" else None
    finish(result, weights_asked, out=out, as_json=as_json, told=lambda: tell(result, precision))
