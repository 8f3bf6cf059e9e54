"""The published unions hdb1 to hdb21 by name: what they are made of, how many classes were published, and how to build them from one's data.

Components and class counts: arXiv 2306.13841 and its authors' public loaders (github.com/brando90/ultimate-utils,
github.com/brando90/diversity-for-predictive-success-of-meta-learning). The data themselves come from the user. A count here is a record of
what was published, never used to build anything: the published 34 classes of aircraft, for one, are most likely the families whose name
equals a variant, kept by a loader that mixed up the two lists, and a loader without that fault gives 70.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from breadth.data.formats import load
from breadth.data.images import LabeledSet, prepare
from breadth.data.union import Convention, Union, union
from breadth.errors import SpecError, did_you_mean, unknown_name

__all__ = ["PUBLISHED_CLASSES", "RECIPES", "SOURCE", "Recipe", "build", "check_parts", "compared", "recipe", "twins"]

SOURCE = "arXiv 2306.13841 and its authors' public loaders"

# Training classes of each component in the public loaders.
PUBLISHED_CLASSES: dict[str, int] = {
    "mini-imagenet": 64,
    "cifar-fs": 64,
    "omniglot": 1100,
    "delaunay": 34,
    "flower": 71,
    "aircraft": 34,
    "dtd": 33,
    "cubirds": 140,
    "fc100": 60,
    "tiered-imagenet": 351,
}


@dataclass(frozen=True)
class Recipe:
    """A published union. parts: names of its components; also: its other published name; note: what a user of it must know."""

    name: str
    parts: tuple[str, ...]
    also: str = ""
    note: str = ""

    @property
    def classes(self) -> dict[str, int]:
        """Published number of training classes of each component."""
        return {part: PUBLISHED_CLASSES[part] for part in self.parts}


_MI, _CIFAR, _OMNI, _DEL = "mini-imagenet", "cifar-fs", "omniglot", "delaunay"
_FLOWER, _AIR, _DTD, _BIRDS, _FC, _TIERED = "flower", "aircraft", "dtd", "cubirds", "fc100", "tiered-imagenet"
_ONE_POOL = "cifar-fs and fc100 are both CIFAR-100, divided otherwise"

RECIPES: dict[str, Recipe] = {
    r.name: r
    for r in (
        Recipe("hdb1", (_MI, _OMNI), "mio"),
        Recipe("hdb2", (_CIFAR, _OMNI), "cifo"),
        Recipe("hdb3", (_MI, _OMNI, _DEL), "miod", "components read from the name; no class count was published"),
        Recipe("hdb4", (_MI, _CIFAR, _OMNI, _DEL), "micod"),
        Recipe("hdb5", (_FLOWER, _AIR), "vggair"),
        Recipe("hdb6", (_AIR, _FLOWER, _DEL, _OMNI), "afdo"),
        Recipe("hdb7", (_AIR, _FLOWER, _DTD, _OMNI), "afto"),
        Recipe("hdb8", (_BIRDS, _AIR, _DTD, _OMNI), "cado"),
        Recipe("hdb9", (_BIRDS, _AIR, _FLOWER, _DTD, _OMNI), "cavdo"),
        Recipe("hdb10", (_MI, _CIFAR, _OMNI, _FLOWER, _AIR), "micova"),
        Recipe(
            "hdb11",
            (_OMNI, _MI, _TIERED, _CIFAR, _FC, _FLOWER, _AIR, _DTD, _BIRDS, _DEL),
            "",
            f"published total 2945 classes, its named components have 1951 (the rest of 994 is the published count of fungi); {_ONE_POOL}; "
            "mini-imagenet and tiered-imagenet share ImageNet classes",
        ),
        Recipe("hdb12", (_AIR, _FLOWER, _FC, _OMNI)),
        Recipe("hdb13", (_MI, _CIFAR, _FC, _OMNI), "", _ONE_POOL),
        Recipe("hdb14", (_DTD, _BIRDS, _MI, _OMNI)),
        Recipe("hdb15", (_FLOWER, _AIR, _CIFAR, _OMNI)),
        Recipe("hdb16", (_DTD, _FC, _MI, _OMNI)),
        Recipe("hdb17", (_AIR, _BIRDS, _DEL, _OMNI)),
        Recipe("hdb18", (_FC, _DTD, _DEL, _OMNI)),
        Recipe("hdb19", (_MI, _CIFAR, _DEL, _OMNI)),
        Recipe("hdb20", (_CIFAR, _DTD, _DEL, _OMNI)),
        Recipe("hdb21", (_FLOWER, _BIRDS, _DEL, _OMNI)),
    )
}


def recipe(name: str) -> Recipe:
    """Return the recipe called ``name``, its number (hdb4) or its other published name (micod). Raises SpecError for any other."""
    named = {**RECIPES, **{r.also: r for r in RECIPES.values() if r.also}}
    if name not in named:
        raise SpecError(unknown_name("recipe", name, named))
    return named[name]


def twins(name: str) -> tuple[str, ...]:
    """Return the names of the other recipes with the same components: the same union under two numbers (hdb19 is hdb4)."""
    mine = recipe(name)
    return tuple(r.name for r in RECIPES.values() if r.name != mine.name and set(r.parts) == set(mine.parts))


def check_parts(name: str, given: Mapping[str, object]) -> None:
    """Raise SpecError unless ``given`` names a place for every component of the recipe and for nothing else."""
    r = recipe(name)
    for part in given:
        if part not in r.parts:
            raise SpecError(f"recipe '{name}' has no part '{part}'; its parts: {', '.join(r.parts)}{did_you_mean(part, r.parts)}")
    missing = [part for part in r.parts if part not in given]
    if missing:
        raise SpecError(
            f"recipe '{name}' lacks a place for {', '.join(missing)}; parts must name one for each of: {', '.join(r.parts)}"
        )


def build(
    name: str,
    parts: Mapping[str, str | Path | LabeledSet],
    *,
    size: int,
    channels: int,
    convention: Convention = "source-then-classes",
) -> Union:
    """Return the union of the recipe ``name`` from places (anything ``load`` takes) or labelled sets, every image size x size x channels.

    The convention of the public loaders picks a set, then classes inside it; ``breadth.data.union.pooled`` of the result is what a
    pre-trained network sees. Raises SpecError where a part is missing or unknown, DataError where a place cannot be read.
    """
    check_parts(name, parts)
    found = []
    for part in recipe(name).parts:
        given = parts[part]
        whole = prepare(given if isinstance(given, LabeledSet) else load(str(given)), size=size, channels=channels)
        found.append(LabeledSet(part, whole.inputs, whole.labels, whole.class_names, whole.groups))
    return union(found, convention, name=recipe(name).name)


def compared(name: str, seen: Mapping[str, int]) -> str:
    """Say in one line how the class counts ``seen`` in the data differ from the published ones; empty where they do not."""
    published = recipe(name).classes
    unlike = [f"{part} {seen[part]} (published {n})" for part, n in published.items() if part in seen and seen[part] != n]
    return ", ".join(unlike)
