"""Training sets of a study: which domains, how many classes of each; balanced over levels of breadth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from breadth.errors import SpecError
from breadth.study.spec import Study
from breadth.study.tables import DesignSpec

__all__ = ["Share", "TrainingSet", "balanced_rings", "training_sets"]


@dataclass(frozen=True)
class Share:
    """What one domain gives to a training set: ``classes`` classes with ``images`` images each, drawn under ``seed`` and the set's name."""

    domain: str
    classes: int
    images: int


@dataclass(frozen=True)
class TrainingSet:
    """One arm of a study. level: number of domains; replicate: 0 for [[train]] tables and the first ring of a design."""

    name: str
    shares: tuple[Share, ...]
    replicate: int = 0

    @property
    def level(self) -> int:
        """Number of domains."""
        return len(self.shares)

    @property
    def domains(self) -> tuple[str, ...]:
        """Names of the domains, in drawing order."""
        return tuple(s.domain for s in self.shares)


def balanced_rings(domains: tuple[str, ...], level: int, replicates: int) -> list[tuple[str, ...]]:
    """Return replicates x len(domains) sets of ``level`` domains in which every domain occurs equally often.

    Domains stand on a ring; set (r, i) takes ``level`` of them from place i in steps of a number coprime to the ring's
    length, so that each replicate with another step pairs other domains (a cyclic design; John and Williams 1995, chapter 3). With
    more replicates than such steps, steps come again, with other classes.
    """
    n = len(domains)
    # Steps s and n - s give the same sets of domains.
    strides = [s for s in range(1, n // 2 + 1) if math.gcd(s, n) == 1] or [1]
    return [
        tuple(domains[(i + k * strides[r % len(strides)]) % n] for k in range(level)) for r in range(replicates) for i in range(n)
    ]


def _shares(domains: tuple[str, ...], classes: int, images: int) -> tuple[Share, ...]:
    base, extra = divmod(classes, len(domains))
    return tuple(Share(d, base + (k < extra), images) for k, d in enumerate(domains))


def _designed(design: DesignSpec, classes: int, images: int) -> list[TrainingSet]:
    counts = design.replicates if isinstance(design.replicates, tuple) else (design.replicates,) * len(design.levels)
    sets = []
    for level, replicates in zip(design.levels, counts, strict=True):
        for k, ring in enumerate(balanced_rings(design.domains, level, replicates)):
            replicate, place = divmod(k, len(design.domains))
            sets.append(TrainingSet(f"{level}x-{design.domains[place]}-{replicate + 1}", _shares(ring, classes, images), replicate))
    return sets


def training_sets(study: Study) -> tuple[TrainingSet, ...]:
    """Return all training sets of a study, [[train]] tables first. Raises SpecError where a domain would get no class."""
    t = study.training
    sets = [TrainingSet(s.name, _shares(s.domains, s.classes or t.classes, s.images or t.images)) for s in study.train]
    if study.design is not None:
        sets += _designed(study.design, t.classes, t.images)
    names = [s.name for s in sets]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"training set '{name}' is defined by [[train]] and by [design]; give the [[train]] table another name")
    for s in sets:
        empty = [share.domain for share in s.shares if share.classes == 0]
        if empty:
            raise SpecError(
                f"training set '{s.name}': {sum(x.classes for x in s.shares)} classes cannot be shared among {s.level} domains; "
                "raise training.classes or lower the level"
            )
    return tuple(sets)
