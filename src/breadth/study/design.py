"""Training sets of a study: which domains, how many classes of each; balanced over levels of breadth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from breadth.errors import SpecError
from breadth.study.arms import set_name
from breadth.study.recipes import recipe
from breadth.study.spec import Study
from breadth.study.tables import DesignSpec, LiteralSpec, TrainSpec

__all__ = ["Share", "TrainingSet", "balanced_rings", "training_sets"]


@dataclass(frozen=True)
class Share:
    """What one domain gives to a training set: ``classes`` classes with ``images`` images each, drawn under ``seed`` and the set's name.

    Both None: all that it has, which only the data can say (``Readings.counts``). tokens: of text, instead, not drawn twice.
    """

    domain: str
    classes: int | None
    images: int | None
    tokens: int | None = None


@dataclass(frozen=True)
class TrainingSet:
    """One arm of a study. replicate: 0 for [[train]] tables and the first ring of a design.

    published: a diversity value that stands in for a measurement; recipes: the published unions that it was asked for by; trained: whether
    learners train on it, or only checkpoints name it as their data; known: whether its data are
    known; where they are not, its one share is a name for them, a domain of its own.
    """

    name: str
    shares: tuple[Share, ...]
    replicate: int = 0
    published: LiteralSpec | None = None
    recipes: tuple[str, ...] = ()
    trained: bool = True
    known: bool = True

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


def _equal(total: int, parts: int) -> list[int]:
    base, extra = divmod(total, parts)
    return [base + (k < extra) for k in range(parts)]


def _shares(domains: tuple[str, ...], classes: int, images: int, tokens: int | None) -> tuple[Share, ...]:
    if tokens is not None:
        return tuple(Share(d, None, None, n) for d, n in zip(domains, _equal(tokens, len(domains)), strict=True))
    return tuple(Share(d, n, images) for d, n in zip(domains, _equal(classes, len(domains)), strict=True))


def _designed(design: DesignSpec, classes: int, images: int, tokens: int | None) -> list[TrainingSet]:
    counts = design.replicates if isinstance(design.replicates, tuple) else (design.replicates,) * len(design.levels)
    sets = []
    for level, replicates in zip(design.levels, counts, strict=True):
        for k, ring in enumerate(balanced_rings(design.domains, level, replicates)):
            replicate, place = divmod(k, len(design.domains))
            shares = _shares(ring, classes, images, tokens)
            sets.append(TrainingSet(f"{level}x-{design.domains[place]}-{replicate + 1}", shares, replicate))
    return sets


def _given(study: Study, s: TrainSpec) -> TrainingSet:
    domains, t = study.domains_of(s), study.training
    whole = tuple(Share(d, None, None) for d in domains)
    # Where no number is given the set is whole; the study checks that.
    shares = whole if s.whole else _shares(domains, s.classes or t.classes or 0, s.images or t.images or 0, t.tokens)
    named = (study.data[d].recipe for d in s.domains)
    return TrainingSet(s.name, shares, published=s.diversity, recipes=tuple(recipe(r).name for r in named if r is not None))


def _of_checkpoints(study: Study) -> list[TrainingSet]:
    """Sets that only checkpoints name: a [data.*] table as a whole, and one for each checkpoint whose data are unknown."""
    sets = []
    for name in study.sets_of_checkpoints():
        union = study.data[name].recipe
        shares = tuple(Share(part, None, None) for part in study.parts_of(name))
        sets.append(TrainingSet(name, shares, recipes=(recipe(union).name,) if union else (), trained=False))
    for c in study.checkpoint or ():
        if c.diversity is not None:
            name = set_name(c)
            sets.append(TrainingSet(name, (Share(name, None, None),), published=c.diversity, trained=False, known=False))
    return sets


def training_sets(study: Study) -> tuple[TrainingSet, ...]:
    """Return all training sets of a study, [[train]] tables first. Raises SpecError where a domain would get no class."""
    t = study.training
    sets = [_given(study, s) for s in study.train]
    if study.design is not None:
        sets += _designed(study.design, t.classes or 0, t.images or 0, t.tokens)
    sets += _of_checkpoints(study)
    names = [s.name for s in sets]
    for name in names:
        if names.count(name) > 1:
            raise SpecError(f"training set '{name}' is defined by [[train]] and by [design]; give the [[train]] table another name")
    for s in sets:
        empty = [share.domain for share in s.shares if share.classes == 0]
        if empty:
            raise SpecError(
                f"training set '{s.name}': {sum(x.classes or 0 for x in s.shares)} classes cannot be shared among {s.level} domains; "
                "raise training.classes or lower the level"
            )
    return tuple(sets)
