"""A study as its author writes it: all tables of a study file, checked against each other."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from breadth.errors import did_you_mean
from breadth.study.tables import (
    ArchitectureSpec,
    BaselineSpec,
    ControlSpec,
    DataSpec,
    DesignSpec,
    EvaluationSpec,
    HypothesisSpec,
    ImagesSpec,
    LearnerSpec,
    MamlSpec,
    MeasureSpec,
    PretrainSpec,
    ProbeSpec,
    Strict,
    TrainingSpec,
    TrainSpec,
)

__all__ = ["Study"]


class Study(Strict):
    """A whole study. Relative data paths are resolved against ``data_root``; file: what it was read from, as it was given."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
    title: str
    question: str = "Does the diversity of the training data explain performance on one fixed, diverse evaluation suite?"
    data_root: str = "."
    file: str = ""
    hypothesis: HypothesisSpec
    images: ImagesSpec = ImagesSpec()
    data: dict[str, DataSpec]
    training: TrainingSpec
    train: tuple[TrainSpec, ...] = ()
    design: DesignSpec | None = None
    architecture: ArchitectureSpec = ArchitectureSpec()
    learner: tuple[LearnerSpec, ...] = Field(min_length=1)
    probe: tuple[ProbeSpec, ...] = Field(min_length=1)
    measure: MeasureSpec = MeasureSpec()
    evaluation: EvaluationSpec
    baselines: BaselineSpec = BaselineSpec()
    controls: ControlSpec = ControlSpec()

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        known = set(self.data)
        uses = [(f"train '{t.name}'", d) for t in self.train for d in t.domains]
        uses += [("design", d) for d in (self.design.domains if self.design else ())]
        uses += [(f"probe '{p.name}'", d) for p in self.probe for d in p.data]
        uses += [("evaluation", d) for d in self.evaluation.data] if self.evaluation.data != "own" else []
        for where, name in uses:
            if name not in known:
                raise ValueError(f"{where} names data '{name}', which no [data.*] table defines{did_you_mean(name, known)}")
        if not self.train and self.design is None:
            raise ValueError("no training sets; give [[train]] tables or one [design] table")
        domains = [d for t in self.train for d in t.domains] + list(self.design.domains if self.design else ())
        if self.evaluation.data == "own":
            for d in domains:
                if self.data[d].held_out is None:
                    raise ValueError(f'evaluation.data = "own" needs held_out in [data.{d}]')
        for what, given in (
            ("learner", [x.name for x in self.learner]),
            ("probe", [x.name for x in self.probe]),
            ("train", [x.name for x in self.train]),
        ):
            twice = sorted({n for n in given if given.count(n) > 1})
            if twice:
                raise ValueError(f"{what} '{twice[0]}' is defined twice; give each its own name")
        for i, x in enumerate(self.learner):
            if x.kind == "maml" and x.ways != self.evaluation.ways:
                raise ValueError(
                    f"learner.{i}.ways is {x.ways}, evaluation.ways is {self.evaluation.ways}; a MAML head has as many outputs as it was "
                    "trained with ways: give both the same number"
                )
        self._hypothesis_is_testable()
        self._probe_data_is_outside()
        return self

    def _hypothesis_is_testable(self) -> None:
        h = self.hypothesis
        by_name: dict[str, PretrainSpec | MamlSpec] = {x.name: x for x in self.learner}
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
        arms = {d for t in self.train for d in t.domains} | set(self.design.domains if self.design else ())
        arms |= set(self.evaluation.data) if self.evaluation.data != "own" else set()
        for p in self.probe:
            inside = sorted(arms & set(p.data))
            if inside:
                raise ValueError(
                    f"probe '{p.name}' would be trained on '{inside[0]}', which is a training domain or evaluation set; "
                    "train a probe on data outside all arms and the evaluation"
                )

    def conditions(self, learner: PretrainSpec | MamlSpec) -> tuple[str, ...]:
        """Names of the evaluation conditions of a learner: "head/batch norm" for PT, "maml<steps>/batch norm" for MAML."""
        ways = self.evaluation.heads if learner.kind == "pretrain" else tuple(f"maml{s}" for s in learner.test_steps)
        return tuple(f"{w}/{b}" for w in ways for b in self.evaluation.batch_norm)

    def fixed(self) -> dict[str, Any]:
        """Everything that must stand before the first run: the whole study but names for people, places, and what it costs to run."""
        return self.model_dump(mode="json", exclude={"title", "question", "data_root", "file"})
