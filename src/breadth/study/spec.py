"""A study as its author writes it: the tables of a study file as frozen values, checked against each other."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from breadth.errors import did_you_mean

__all__ = [
    "ArchitectureSpec",
    "DataSpec",
    "DesignSpec",
    "EvaluationSpec",
    "LearnerSpec",
    "MamlSpec",
    "MeasureSpec",
    "PretrainSpec",
    "ProbeSpec",
    "Study",
    "TrainSpec",
]

Positive = Annotated[int, Field(gt=0)]
Control = Literal[
    "architecture", "optimiser", "stopping", "images seen", "classes", "images per class", "pixels", "evaluation", "overlap"
]
BatchNorm = Literal["running", "support", "transductive"]
Head = Literal["logistic", "logistic-raw", "centroid"]


class _Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SmallestEffectSpec(_Strict):
    """Smallest change worth caring about, per standard deviation of the diversity coefficient: accuracy in 0..1, loss in nats."""

    accuracy: Annotated[float, Field(gt=0)] = 0.01
    loss: Annotated[float, Field(gt=0)] = 0.03


class HypothesisSpec(_Strict):
    """What is tested, fixed before any run: one primary outcome, the smallest effect of interest, the error level."""

    learner: str
    outcome: Literal["accuracy", "loss"] = "accuracy"
    condition: str
    probe: str
    smallest_effect: SmallestEffectSpec = SmallestEffectSpec()
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05


class DataSpec(_Strict):
    """One named labelled set. load: anything ``breadth.data.formats.load`` takes (paths relative to ``data_root``).

    held_out: classes of the same kind to evaluate on, used only where ``evaluation.data = "own"``.
    """

    load: str
    held_out: str | None = None


class ImagesSpec(_Strict):
    """The one pixel pipeline of probe, training and evaluation: every image becomes size x size x channels."""

    size: Positive = 32
    channels: Literal[1, 3] = 3


class TrainSpec(_Strict):
    """One training set: classes shared as equally as possible among its domains, the same number of images of each class."""

    name: str
    domains: tuple[str, ...] = Field(min_length=1)
    classes: Positive | None = None
    images: Positive | None = None


class DesignSpec(_Strict):
    """Training sets from one domain to many, every domain equally often at each level.

    levels: numbers of domains; replicates: how many times the whole ring of domains is used at each level (one number for all).
    """

    domains: tuple[str, ...] = Field(min_length=2)
    levels: tuple[Positive, ...] = Field(min_length=1)
    replicates: tuple[Positive, ...] | Positive = 1

    @model_validator(mode="after")
    def _levels_fit(self) -> Self:
        if len(set(self.domains)) != len(self.domains):
            raise ValueError("a domain is named twice")
        if max(self.levels) > len(self.domains):
            raise ValueError(f"level {max(self.levels)} asks for more domains than the {len(self.domains)} named")
        if isinstance(self.replicates, tuple) and len(self.replicates) != len(self.levels):
            raise ValueError(
                f"{len(self.replicates)} replicates for {len(self.levels)} levels; give one number, or one for each level"
            )
        return self


class TrainingSpec(_Strict):
    """What every training set has: number of classes, images of each, how tasks are drawn from several domains, the seed of the draw."""

    classes: Positive
    images: Positive
    convention: Literal["source-then-classes", "pooled-classes"] = "source-then-classes"
    seed: int = 0


class ArchitectureSpec(_Strict):
    """The network that every learner trains. filters: width (hidden width for mlp)."""

    kind: Literal["conv", "conv-stride", "resnet12", "resnet18", "resnet34", "mlp"] = "conv-stride"
    filters: Positive = 32


class PretrainSpec(_Strict):
    """Supervised pre-training (PT). images: budget of images processed; with ``stop = "converged"`` it is the upper limit.

    replicates: train on the first replicates of a design only.
    """

    kind: Literal["pretrain"]
    name: str = "PT"
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    images: Positive = 40_000
    optimizer: Literal["adam", "adamw"] = "adamw"
    batch: Positive = 128
    lr: Annotated[float, Field(gt=0)] = 6e-3
    schedule: Literal["onecycle", "cosine", "constant"] = "onecycle"
    stop: Literal["budget", "converged"] = "budget"
    augmentation: Literal["none", "shift"] = "shift"
    replicates: Positive | None = None

    @model_validator(mode="after")
    def _stop_can_be_seen(self) -> Self:
        if self.stop == "converged" and self.schedule != "constant":
            raise ValueError('stop = "converged" needs schedule = "constant": an annealed loss flattens by itself')
        return self


class MamlSpec(_Strict):
    """Model-agnostic meta-learning. order: 1 or 2; tasks: budget; replicates: train on the first replicates of a design only.

    schedule of the outer rate and clip (largest norm of the meta-gradient): None for the learner's own default.
    """

    kind: Literal["maml"]
    name: str = "MAML"
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    order: Literal[1, 2] = 1
    tasks: Positive = 2000
    meta_batch: Positive = 4
    inner_lr: Annotated[float, Field(gt=0)] = 0.1
    steps: Positive = 5
    lr: Annotated[float, Field(gt=0)] = 2e-3
    ways: Positive = 5
    shots: Positive = 5
    queries: Positive = 5
    test_steps: tuple[Positive, ...] = (5, 10)
    schedule: Literal["onecycle", "cosine", "constant"] | None = None
    clip: Annotated[float, Field(gt=0)] | None = None
    replicates: Positive | None = None


LearnerSpec = Annotated[PretrainSpec | MamlSpec, Field(discriminator="kind")]


class ProbeSpec(_Strict):
    """A probe network. weights: "random", "trained" (here, once, on ``data``), or a file of weights in the architecture's layout.

    kind "line" is the random network for one-dimensional inputs of ``breadth.measure.probe.line_probe``.
    """

    name: str
    kind: Literal["conv", "conv-stride", "resnet12", "resnet18", "resnet34", "mlp", "line"] = "resnet18"
    filters: Positive = 64
    weights: str = "random"
    data: tuple[str, ...] = ()
    images: Positive = 40_000
    seed: int = 0

    @model_validator(mode="after")
    def _trained_names_data(self) -> Self:
        if (self.weights == "trained") != bool(self.data):
            raise ValueError('a probe with weights = "trained" names its data, and no other probe does')
        if self.kind == "line" and self.weights != "random":
            raise ValueError('a probe of kind "line" has weights = "random"')
        return self


class MeasureSpec(_Strict):
    """Tasks for the diversity coefficient: how many, how large, how the Fisher is computed. ridge: of the head; None: the default."""

    tasks: Annotated[int, Field(ge=3)] = 40
    ways: Positive = 5
    per_class: Positive = 15
    estimator: Literal["exact", "rademacher", "monte_carlo", "empirical"] = "exact"
    ridge: Annotated[float, Field(gt=0)] | None = None
    seed: int = 0


class EvaluationSpec(_Strict):
    """The one fixed suite: identical, paired episodes for every model. data: named sets, or "own" for each set's held-out classes."""

    data: tuple[str, ...] | Literal["own"]
    ways: Positive = 5
    shots: Positive = 5
    queries: Positive = 15
    episodes: Annotated[int, Field(ge=2)] = 300
    seed: int = 0
    batch_norm: tuple[BatchNorm, ...] = ("support", "transductive")
    heads: tuple[Head, ...] = ("logistic", "centroid")


class BaselineSpec(_Strict):
    """Reference arms: a network with random weights, nearest centroid on pixels."""

    random_network: bool = True
    pixels: bool = True


class ControlSpec(_Strict):
    """Which controls must be equal over all arms; a difference is a violation and makes the verdict "confounded"."""

    equal: tuple[Control, ...] = (
        "architecture",
        "optimiser",
        "stopping",
        "images seen",
        "classes",
        "images per class",
        "pixels",
        "evaluation",
        "overlap",
    )


class Study(_Strict):
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
        if self.evaluation.data == "own":
            for t in self.train:
                for d in t.domains:
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

    def canonical_hypothesis(self) -> dict[str, Any]:
        """Everything that must stand before the first run (hypothesis, controls, evaluation), for the hash in every report."""
        return {
            "hypothesis": self.hypothesis.model_dump(mode="json"),
            "controls": self.controls.model_dump(mode="json"),
            "evaluation": self.evaluation.model_dump(mode="json"),
        }
