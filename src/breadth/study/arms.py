"""Arms that were trained elsewhere: what a study must say of its checkpoints, and which learners take checkpoints instead of training."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from breadth.errors import did_you_mean
from breadth.study.strict import Positive, Strict
from breadth.study.tables import LearnerSpec, LiteralSpec

if TYPE_CHECKING:
    from breadth.study.spec import Study

__all__ = ["UNKNOWN", "CheckpointSpec", "check_checkpoints", "is_imported", "of_learner", "set_name", "stated_learner"]

UNKNOWN = "unknown"
# The keys of a learner that mean something where its networks were trained elsewhere.
_AT_TEST: dict[str, tuple[str, ...]] = {
    "pretrain": ("kind", "name"),
    "maml": ("kind", "name", "ways", "test_steps", "inner_lr"),
    "anil": ("kind", "name", "ways", "test_steps", "inner_lr"),
}


class CheckpointSpec(Strict):
    """One network that was trained elsewhere: its file, the learner whose series it belongs to, and what is known of its training.

    file: relative to ``data_root``. data: the [[train]] or [data.*] table that it was trained on, by name, or "unknown", which needs
    diversity, a published value. kind, filters, channels, size: the architecture, for files that do not say enough. inner_lr: of the
    adaptation of MAML or ANIL, where the file does not hold it. images (processed in training), steps, optimizer, converged: facts of
    the training; None: unknown, unless the file says.
    """

    name: Annotated[str, Field(min_length=1)]
    file: Annotated[str, Field(min_length=1)]
    learner: str
    data: str
    diversity: LiteralSpec | None = None
    kind: Literal["conv", "conv-stride", "resnet12", "resnet18", "resnet34", "mlp"] | None = None
    filters: Positive | None = None
    channels: Literal[1, 3] | None = None
    size: Positive | None = None
    inner_lr: Annotated[float, Field(gt=0)] | None = None
    images: Positive | None = None
    steps: Positive | None = None
    optimizer: Annotated[str, Field(min_length=1)] | None = None
    converged: bool | None = None

    @model_validator(mode="after")
    def _said_completely(self) -> Self:
        if (self.data == "unknown") != (self.diversity is not None):
            raise ValueError(
                f"checkpoint '{self.name}' "
                + (
                    'has data = "unknown"; give diversity, a published value'
                    if self.diversity is None
                    else 'takes diversity only with data = "unknown"; give it in the [[train]] table'
                )
            )
        if self.kind is None and (self.filters or self.channels or self.size):
            raise ValueError(f"checkpoint '{self.name}' gives filters, channels or size without kind; give the kind with them")
        if self.kind in ("conv", "conv-stride", "mlp") and self.filters is None:
            raise ValueError(f"checkpoint '{self.name}' is of kind {self.kind}, whose width varies; give filters")
        return self


def set_name(c: CheckpointSpec) -> str:
    """Return the name of the training set that a checkpoint belongs to; unknown data are a set of their own."""
    return f"unknown data of {c.name}" if c.data == UNKNOWN else c.data


def is_imported(study: Study, learner: str) -> bool:
    """Return whether the networks of a learner are checkpoints."""
    return any(c.learner == learner for c in study.checkpoint or ())


def of_learner(study: Study, learner: str) -> Iterator[tuple[str, int, CheckpointSpec]]:
    """Yield (training set, place, checkpoint) of a learner; place: 0, 1, ... among its checkpoints of one set, as seeds are."""
    counts: dict[str, int] = {}
    for c in study.checkpoint or ():
        if c.learner == learner:
            name = set_name(c)
            yield name, counts.setdefault(name, 0), c
            counts[name] += 1


def stated_learner(study: Study, learner: LearnerSpec) -> dict[str, Any]:
    """Return a learner's settings as JSON values; of one whose networks are checkpoints only those that are used, for it trains nothing."""
    if not is_imported(study, learner.name):
        return learner.model_dump(mode="json")
    # A rate that nobody gave is a default of the training here, not what the checkpoints were trained with.
    unsaid = {"inner_lr"} - learner.model_fields_set
    stated = learner.model_dump(mode="json", include=set(_AT_TEST[learner.kind]) - unsaid)
    return {**stated, "checkpoints": sum(c.learner == learner.name for c in study.checkpoint or ())}


def check_checkpoints(study: Study) -> None:
    """Raise ValueError where checkpoints name what does not exist, or cannot make up the series that they are to belong to."""
    given = study.checkpoint or ()
    trains = [t.name for t in study.train]
    learners = [x.name for x in study.learner]
    for i, c in enumerate(given):
        where = f"checkpoint '{c.name}'"
        if any(c.name == other.name for other in given[:i]):
            raise ValueError(f"{where} is defined twice; give each its own name")
        if c.learner not in learners:
            raise ValueError(
                f"{where} names learner '{c.learner}', expected one of: {', '.join(learners)}{did_you_mean(c.learner, learners)}"
            )
        known = [*trains, *study.data]
        if c.data != UNKNOWN and c.data not in known:
            raise ValueError(
                f"{where} names data '{c.data}', which no [[train]] or [data.*] table defines; "
                f'where it is not known, write data = "{UNKNOWN}" and give diversity{did_you_mean(c.data, known)}'
            )
        if c.data == UNKNOWN and study.evaluation.data == "own":
            raise ValueError(
                f'{where} has unknown data, which have no held-out classes; evaluation.data = "own" needs data by name'
            )
        if c.inner_lr is not None and next(x for x in study.learner if x.name == c.learner).kind == "pretrain":
            raise ValueError(f"{where} gives inner_lr, but its learner '{c.learner}' adapts nothing; leave it out")
    for x in study.learner:
        if given and is_imported(study, x.name):
            _takes_checkpoints(study, x)
    if given and all(is_imported(study, name) for name in learners):
        if study.design is not None:
            raise ValueError(
                "design makes training sets, but every learner takes checkpoints, so none is trained; leave [design] out"
            )
        unused = sorted(set(trains) - {c.data for c in given})
        if unused:
            raise ValueError(f"train '{unused[0]}' is the data of no checkpoint, and every learner takes checkpoints; leave it out")


def _takes_checkpoints(study: Study, x: LearnerSpec) -> None:
    if x.kind not in _AT_TEST:
        raise ValueError(f"learner '{x.name}' is of kind {x.kind}; checkpoints go under a learner of kind {' or '.join(_AT_TEST)}")
    idle = sorted(x.model_fields_set - set(_AT_TEST[x.kind]))
    if idle:
        raise ValueError(
            f"learner '{x.name}' takes its networks from checkpoints, so {', '.join(idle)} would change nothing; leave it out, and give "
            "facts of the training in [[checkpoint]]"
        )
    counts: dict[str, int] = {}
    for name, _, _ in of_learner(study, x.name):
        counts[name] = counts.get(name, 0) + 1
    few, many = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[few] != counts[many]:
        raise ValueError(
            f"learner '{x.name}' has {counts[many]} checkpoints of '{many}' and {counts[few]} of '{few}'; give as many of each, or put "
            "the others under a learner of their own"
        )
