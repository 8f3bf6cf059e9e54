"""Held-out training classes, on which the end of meta-training is judged."""

from __future__ import annotations

import numpy as np

from breadth.data.task import TaskSource
from breadth.data.union import Union
from breadth.errors import SpecError
from breadth.seeds import generator

__all__ = ["held_out"]


def held_out(source: TaskSource, classes: int, ways: int, seed: int) -> tuple[Union, Union]:
    """Return (training, validation): ``classes`` classes of each part, drawn by ``seed``, are taken out for validation.

    Raises SpecError where ``source`` is no union of labelled sets, or where either side of a part would have fewer than ``ways``
    classes.
    """
    if not isinstance(source, Union):
        raise SpecError(f"validation on held-out classes needs labelled sets; '{source.name}' draws its tasks without any")
    kept, taken = [], []
    for part in source.parts:
        if min(classes, part.n_classes - classes) < ways:
            raise SpecError(
                f"validation on {classes} of the {part.n_classes} classes of '{part.name}'; expected at least {ways} (ways) on both "
                "sides: change validation, or leave it out to judge the training loss"
            )
        chosen = generator(seed, "held out", part.name).choice(part.n_classes, classes, replace=False)
        out = np.isin(part.labels, chosen)
        kept.append(part.select(np.flatnonzero(~out)))
        taken.append(part.select(np.flatnonzero(out)))
    return Union(source.name, tuple(kept), source.convention), Union(source.name, tuple(taken), source.convention)
