"""Reads the sources of a measurement: whatever load() takes, brought to one form, under different names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from breadth.data.formats import load
from breadth.data.images import LabeledSet, prepare
from breadth.errors import MeasureError
from breadth.measure.settings import Settings, pixels

__all__ = ["Source", "no_classes", "read_sources"]

# Whatever ``breadth.data.formats.load`` takes, data sets in memory included.
Source = str | Path | LabeledSet | Any


def read_sources(places: Sequence[Source], settings: Settings) -> list[LabeledSet]:
    """Return the labelled sets that ``places`` name, images in the pixel form of ``settings``; a labelled set is not read again.

    Raises MeasureError for no place or one name twice, DataError as ``load``.
    """
    if not places:
        raise MeasureError("no source was given; expected one or more, e.g. 'digits'")
    how = asdict(settings.reading)
    size, channels = pixels(settings)
    found: list[LabeledSet] = []
    for place in places:
        given = place if isinstance(place, LabeledSet) else load(place, **how)
        if isinstance(place, tuple) and (taken := sum(isinstance(p, tuple) for p in places[: len(found)])):
            given = replace(given, name=f"{given.name} {taken + 1}")
        if given.name in [s.name for s in found]:
            raise MeasureError(
                f"two sources are named '{given.name}'; expected different names: give each source once, or rename a folder"
            )
        found.append(prepare(given, size=size, channels=channels))
    return found


def no_classes(sets: Sequence[LabeledSet]) -> bool:
    """Return whether the sets are vectors without labels. Raises MeasureError where only some are."""
    bare = [s.n_classes == 1 and not s.is_images for s in sets]
    if any(bare) and not all(bare):
        raise MeasureError(
            f"'{sets[bare.index(True)].name}' has no classes and '{sets[bare.index(False)].name}' has; expected sources of one kind: "
            "measure features without labels apart"
        )
    return all(bare)
