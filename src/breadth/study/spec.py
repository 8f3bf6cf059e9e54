"""A study as its author writes it: all tables of a study file, checked against each other."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from breadth.errors import did_you_mean
from breadth.study.arms import CheckpointSpec, check_checkpoints, stated_learner
from breadth.study.recipes import recipe
from breadth.study.strict import Strict
from breadth.study.tables import (
    AnyProbeSpec,
    ArchitectureSpec,
    BaselineSpec,
    ControlSpec,
    DataSpec,
    DesignSpec,
    EvaluationSpec,
    HypothesisSpec,
    ImagesSpec,
    LearnerSpec,
    MeasureSpec,
    Metric,
    TrainingSpec,
    TrainSpec,
)
from breadth.study.text_checks import check_text, conditions_of_text, usual_controls, without_images
from breadth.study.text_tables import PYTHON, TextProbeSpec, TextSpec

__all__ = ["Study"]


def _corpora(p: AnyProbeSpec) -> tuple[str, ...]:
    """The [data.*] tables that a probe is trained on."""
    return () if isinstance(p, TextProbeSpec) and p.data == PYTHON else tuple(p.data)


def _short(place: str, most: int = 60) -> str:
    return place if len(place) <= most else f"{place[: most - 3]}..."


class Study(Strict):
    """A whole study. Relative data paths are resolved against ``data_root``; file: what it was read from, as it was given.

    text: where given, the study is of text: images, architecture and the keys of other tables that are about images have no meaning.
    """

    later = frozenset({"checkpoint", "text"})
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    title: str
    question: str = "Does the diversity of the training data explain performance on one fixed, diverse evaluation suite?"
    data_root: str = "."
    file: str = ""
    hypothesis: HypothesisSpec
    images: ImagesSpec = ImagesSpec()
    text: TextSpec | None = None
    data: dict[str, DataSpec]
    training: TrainingSpec = TrainingSpec()
    train: tuple[TrainSpec, ...] = ()
    design: DesignSpec | None = None
    checkpoint: Annotated[tuple[CheckpointSpec, ...], Field(min_length=1)] | None = None
    architecture: ArchitectureSpec = ArchitectureSpec()
    learner: tuple[LearnerSpec, ...] = Field(min_length=1)
    probe: tuple[AnyProbeSpec, ...] = Field(min_length=1)
    measure: MeasureSpec = MeasureSpec()
    evaluation: EvaluationSpec
    baselines: BaselineSpec = BaselineSpec()
    controls: ControlSpec = ControlSpec()

    @model_validator(mode="before")
    @classmethod
    def _usual_controls_of_text(cls, raw: Any) -> Any:
        return usual_controls(raw)

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        check_text(self)
        known = set(self.data)
        uses = [(f"train '{t.name}'", d) for t in self.train for d in t.domains]
        alone = [("design", d) for d in (self.design.domains if self.design else ())]
        alone += [(f"probe '{p.name}'", d) for p in self.probe for d in _corpora(p)]
        alone += [("evaluation", d) for d in self.evaluation.data] if self.evaluation.data != "own" else []
        for where, name in uses + alone:
            if name not in known:
                raise ValueError(f"{where} names data '{name}', which no [data.*] table defines{did_you_mean(name, known)}")
        for where, name in alone:
            if self.data[name].recipe:
                raise ValueError(f"{where} names data '{name}', a recipe of several sets; only [[train]] takes one: name its parts")
        self._sources_agree()
        if not self.train and self.design is None and not self.checkpoint:
            raise ValueError("no training sets; give [[train]] tables or one [design] table")
        self._sizes_are_given()
        if self.evaluation.data == "own":
            for d in self._arm_domains():
                if self.sources()[d].held_out is None:
                    raise ValueError(f'evaluation.data = "own" needs held_out in [data.{d}]')
        for what, given in (
            ("learner", [x.name for x in self.learner]),
            ("probe", [x.name for x in self.probe]),
            ("train", [x.name for x in self.train]),
        ):
            twice = sorted({n for n in given if given.count(n) > 1})
            if twice:
                raise ValueError(f"{what} '{twice[0]}' is defined twice; give each its own name")
        self._learners_fit()
        check_checkpoints(self)
        self._hypothesis_is_testable()
        self._probe_data_is_outside()
        self._one_protocol_of_x()
        return self

    def _learners_fit(self) -> None:
        """What a meta-learner must share with the evaluation, and what it cannot be asked for."""
        for i, x in enumerate(self.learner):
            if x.kind == "language":
                continue
            if x.kind != "pretrain" and x.ways != self.evaluation.ways:
                raise ValueError(
                    f"learner.{i}.ways is {x.ways}, evaluation.ways is {self.evaluation.ways}; a {x.kind.upper()} head has as many outputs as "
                    "it was trained with ways: give both the same number"
                )
            if x.kind != "pretrain" and x.batch_norm is not None and self.architecture.kind == "mlp":
                raise ValueError(f"learner.{i}.batch_norm is '{x.batch_norm}', but an mlp has no batch norm; leave it out")

    def _sizes_are_given(self) -> None:
        drawn = self.design is not None or any(not (t.whole or (t.classes and t.images)) for t in self.train)
        if self.text is None and drawn and not (self.training.classes and self.training.images):
            raise ValueError("training lacks classes or images; give both, or whole = true in every [[train]] table")

    def parts_of(self, name: str) -> tuple[str, ...]:
        """Return the domains that a named set stands for: itself, or the components of a recipe."""
        return recipe(self.data[name].recipe or "").parts if self.data[name].recipe else (name,)

    def sources(self) -> dict[str, DataSpec]:
        """Return every set by the name of its domain: the [data.*] tables with a place of their own, and the parts of recipes."""
        found = {name: d for name, d in self.data.items() if d.load is not None}
        for d in self.data.values():
            for part, place in (d.parts or {}).items():
                found.setdefault(part, DataSpec(load=place))
        return found

    def domains_of(self, arm: TrainSpec) -> tuple[str, ...]:
        """Return the domains of a training set, recipes taken apart."""
        return tuple(part for d in arm.domains for part in self.parts_of(d))

    def _arm_domains(self) -> list[str]:
        alone = [*(self.design.domains if self.design else ()), *(p for d in self.sets_of_checkpoints() for p in self.parts_of(d))]
        return [d for t in self.train for d in self.domains_of(t)] + alone

    def sets_of_checkpoints(self) -> list[str]:
        """The [data.*] tables that checkpoints name as their data, each once; a [[train]] table of that name goes before."""
        trains = {t.name for t in self.train}
        return list(dict.fromkeys(c.data for c in self.checkpoint or () if c.data in self.data and c.data not in trains))

    def _sources_agree(self) -> None:
        """One name, one place: a component that several recipes or tables name is the same domain, so it must be the same data."""
        places: dict[str, tuple[str, str]] = {name: (name, d.load) for name, d in self.data.items() if d.load is not None}
        for name, d in self.data.items():
            for part, place in (d.parts or {}).items():
                other, before = places.setdefault(part, (name, place))
                if place != before:
                    raise ValueError(
                        f"data.{name} takes {part} from '{_short(place)}', data.{other} from '{_short(before)}'; give one name one place"
                    )
        for t in self.train:
            names = self.domains_of(t)
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"train '{t.name}' holds '{twice[0]}' twice, by a recipe and by another name; give each set once")

    def _one_protocol_of_x(self) -> None:
        """Values of several protocols on one axis must be asked for; they are never compared silently."""
        given = [(f"train.{i}.diversity", t.diversity) for i, t in enumerate(self.train) if t.diversity is not None]
        measured = len(self.train) - len(given) + (1 if self.design else 0) + len(self.sets_of_checkpoints())
        given += [
            (f"checkpoint.{i}.diversity", c.diversity) for i, c in enumerate(self.checkpoint or ()) if c.diversity is not None
        ]
        if not given or self.controls.mixed_diversity:
            return
        protocols = {d.probe for _, d in given}
        if measured or len(protocols) > 1:
            what = "other training sets are measured" if measured else f"the published values come from {len(protocols)} probes"
            raise ValueError(
                f"{given[0][0]} is a published value, but {what}; numbers of different protocols do not compare: use one "
                "protocol, or set controls.mixed_diversity = true and the verdict will say so"
            )

    def _hypothesis_is_testable(self) -> None:
        h = self.hypothesis
        by_name: dict[str, LearnerSpec] = {x.name: x for x in self.learner}
        if h.learner not in by_name:
            raise ValueError(
                f"hypothesis.learner is '{h.learner}', expected one of: {', '.join(by_name)}{did_you_mean(h.learner, by_name)}"
            )
        probes = [p.name for p in self.probe]
        if h.probe not in probes:
            raise ValueError(
                f"hypothesis.probe is '{h.probe}', expected one of: {', '.join(probes)}{did_you_mean(h.probe, probes)}"
            )
        conditions = self.conditions(by_name[h.learner])
        if h.condition not in conditions:
            raise ValueError(
                f"hypothesis.condition is '{h.condition}', expected one of: {', '.join(conditions)}"
                f"{did_you_mean(h.condition, conditions)}"
            )

    def _probe_data_is_outside(self) -> None:
        arms = set(self._arm_domains())
        arms |= set(self.evaluation.data) if self.evaluation.data != "own" else set()
        for p in self.probe:
            inside = sorted(arms & set(_corpora(p)))
            if inside:
                raise ValueError(
                    f"probe '{p.name}' would be trained on '{inside[0]}', which is a training domain or evaluation set; "
                    "train a probe on data outside all arms and the evaluation"
                )

    def conditions(self, learner: LearnerSpec) -> tuple[str, ...]:
        """Names of the evaluation conditions of a learner: "head/batch norm" for PT, "maml<steps>/batch norm" for MAML, "anil..." for ANIL;
        of a language model see ``conditions_of_text``."""
        if learner.kind == "language":
            return conditions_of_text(self)
        ways = self.evaluation.heads if learner.kind == "pretrain" else tuple(f"{learner.kind}{s}" for s in learner.test_steps)
        return tuple(f"{w}/{b}" for w in ways for b in self.evaluation.batch_norm)

    def fixed(self) -> dict[str, Any]:
        """Everything that must stand before the first run: the whole study but names for people, places, and what it costs to run."""
        written = self.model_dump(mode="json", exclude={"title", "question", "data_root", "file"})
        written = {**written, "learner": [stated_learner(self, x) for x in self.learner]}
        return written if self.text is None else without_images(written)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What models are scored by."""
        return ("accuracy", "loss") if self.text is None else ("loss",)
