"""The scale beside the number: what the coefficient of a source is whose tasks are all one task, and of one of nothing but noise.

Both references go through the same probe, estimator and task shape as the source that is measured. They are references, not bounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from breadth.data.images import LabeledSet
from breadth.data.union import Union, single, union
from breadth.errors import MeasureError
from breadth.measure.diversity import diversity_coefficient
from breadth.measure.sampling import Progress, embed
from breadth.measure.task2vec import Task2Vec
from breadth.seeds import generator
from breadth.stats.interval import Estimate, combined

__all__ = ["Scale", "ceiling_source", "floor_source", "position", "scale"]

STYLES = 60
# Half-widths of the uniform vectors of a style are log-uniform between these.
SCALES = (0.1, 10.0)


@dataclass(frozen=True)
class Scale:
    """Coefficients of the floor and of the ceiling source under one protocol."""

    floor: Estimate
    ceiling: Estimate


def _set(name: str, one_a_class: np.ndarray, copies: int) -> LabeledSet:
    """A set of classes that each hold one input, ``copies`` times."""
    classes = len(one_a_class)
    labels = np.repeat(np.arange(classes, dtype=np.int64), copies)
    return LabeledSet(name, one_a_class.repeat(copies, 0), labels, tuple(str(c) for c in range(classes)))


def floor_source(shape: tuple[int, ...], *, ways: int, copies: int) -> Union:
    """Return a source whose tasks are all the same task: ``ways`` classes, each one constant input, ``copies`` times.

    shape: (height, width, channels) for flat grey images from black to white, (features,) for constant vectors from -1 to 1. The classes
    differ, or the probe would see nothing. Its coefficient is 0 under an exact estimator, else the noise of the estimator alone.
    """
    levels = np.linspace(0, 1, ways).reshape(ways, *(1 for _ in shape))
    if len(shape) == 1:
        return single(_set("floor", np.broadcast_to(2 * levels - 1, (ways, *shape)).astype(np.float32), copies))
    return single(_set("floor", np.broadcast_to(np.round(255 * levels), (ways, *shape)).astype(np.uint8), copies))


def _noise(shape: tuple[int, ...], classes: int, rng: np.random.Generator) -> np.ndarray:
    """Uniform noise of one style, one input a class."""
    if len(shape) == 1:
        low, high = np.log(SCALES)
        return np.asarray(np.exp(rng.uniform(low, high)) * rng.uniform(-1, 1, (classes, *shape)), dtype=np.float32)
    height, width, channels = shape
    grain = 2 ** int(rng.integers(max(height, width).bit_length()))
    low, high = rng.uniform(0, 255, 2)
    coarse = low + (high - low) * rng.random((classes, -(-height // grain), -(-width // grain), channels))
    return np.asarray(coarse.astype(np.uint8).repeat(grain, 1).repeat(grain, 2)[:, :height, :width])


def ceiling_source(shape: tuple[int, ...], *, ways: int, copies: int, seed: int = 0) -> Union:
    """Return a source of pure noise: 60 styles of 2 ``ways`` classes, a class one input of its style, ``copies`` times.

    The tasks of one style share the grain (1, 2, 4, ... pixels, at most the image) and the range of brightness, both drawn uniformly,
    within which the values of a class are uniform and independent; of vectors (shape (features,)) the half-width, log-uniform between
    0.1 and 10. A task is one style, so tasks differ in all that noise can differ in.

    It is a reference, not a bound: nothing keeps a source from being more diverse. Through random probes, "conv" with 64 filters and
    ResNet-18 (5 ways, 10 images of 32 px a class, 30 tasks), it is at 0.73 and 0.67; ten natural sources lie at 0.17 to 0.23 and 0.27
    to 0.32 with noise floors of 0.12 to 0.31, the union of eight of them at 0.39 and 0.53. Simpler noise does not serve: one image of a
    random grain a class is at 0.25 and 0.41, one random colour a class at 0.50 and 0.42, below that union. Independent uniform pixels
    under random labels, which suggest themselves, give no more than a noise floor: they are a null.
    """
    rng = generator(seed, "ceiling")
    styles = [_set(str(i), _noise(shape, 2 * ways, rng), copies) for i in range(STYLES)]
    return union(styles, name="ceiling")


def scale(
    t2v: Task2Vec,
    shape: tuple[int, ...],
    *,
    tasks: int = 20,
    ways: int = 5,
    per_class: int = 20,
    seed: int = 0,
    level: float = 0.95,
    progress: Progress | None = None,
) -> Scale:
    """Measure floor and ceiling of the scale for inputs of ``shape``: (height, width, channels) or (features,).

    The protocol should be that of the values to be read on the scale, but for the number of tasks. progress: called for both sources
    as ``embed`` does. Raises as ``embed``.
    """
    # Copies are told apart by their rows: as many more of them as tasks make different tasks certain.
    floor = floor_source(shape, ways=ways, copies=per_class + tasks)
    ceiling = ceiling_source(shape, ways=ways, copies=per_class, seed=seed)
    found = [
        embed(source, t2v, tasks=tasks, ways=ways, per_class=per_class, seed=seed, progress=progress) for source in (floor, ceiling)
    ]
    return Scale(diversity_coefficient(found[0], level), diversity_coefficient(found[1], level))


def position(value: Estimate, scale: Scale) -> Estimate:
    """Return where a coefficient lies between floor (0) and ceiling (1) of its scale; more than 1 above the ceiling.

    (value - floor) / (ceiling - floor), interval by the delta method over three independent estimates. Raises MeasureError where the
    ceiling is not above the floor.
    """
    width = scale.ceiling.value - scale.floor.value
    if not width > 0:
        raise MeasureError(
            f"a scale from {scale.floor.value:g} to {scale.ceiling.value:g} was given; expected a ceiling above the floor: use an "
            "estimator with less noise"
        )
    at = (value.value - scale.floor.value) / width
    terms = [(1 / width, value), (-(1 - at) / width, scale.floor), (-at / width, scale.ceiling)]
    return combined(at, terms, f"{value.method}; position between floor and ceiling sources, delta method")
