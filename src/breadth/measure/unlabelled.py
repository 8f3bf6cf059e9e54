"""Features without classes: no tasks can be drawn from them, so they have no coefficient, but the other metrics need none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from breadth.data.images import LabeledSet
from breadth.errors import MeasureError
from breadth.measure.rivals.kernel import median_distance
from breadth.measure.rivals.panel import SCALES, Rival, rivals
from breadth.measure.settings import Settings
from breadth.seeds import generator

__all__ = ["FeatureMeasure", "measure_features"]


@dataclass(frozen=True)
class FeatureMeasure:
    """The other metrics of ``items`` rows of one array of features."""

    name: str
    items: int
    rivals: tuple[Rival, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return all fields, JSON-able."""
        return {
            "name": self.name,
            "items": self.items,
            "rivals": [r.as_dict() for r in self.rivals],
        }


def measure_features(sets: Sequence[LabeledSet], settings: Settings) -> tuple[FeatureMeasure, ...]:
    """Return the other metrics of equally many rows of every set, with one kernel width for all of them."""
    widths = {s.inputs.shape[1] for s in sets}
    if len(widths) > 1:
        raise MeasureError(f"the sources have {', '.join(map(str, sorted(widths)))} features; expected one number for all")
    n = min(settings.items, *(s.n_items for s in sets))
    rows = [s.inputs[generator(settings.seed, "rows", k).permutation(s.n_items)[:n]] for k, s in enumerate(sets)]
    width = median_distance(np.concatenate(rows).astype(np.float64))
    scales = [t / width for t in SCALES]
    return tuple(
        FeatureMeasure(s.name, n, rivals(x, sigma=width, scales=scales, seed=settings.seed))
        for s, x in zip(sets, rows, strict=True)
    )
