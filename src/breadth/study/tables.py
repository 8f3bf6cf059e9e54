"""The tables of a study file as frozen values: what each key means, what it may be, what it is when left out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "ArchitectureSpec",
    "BaselineSpec",
    "ControlSpec",
    "DataSpec",
    "DesignSpec",
    "EvaluationSpec",
    "HypothesisSpec",
    "ImagesSpec",
    "LearnerSpec",
    "MamlSpec",
    "MeasureSpec",
    "PretrainSpec",
    "ProbeSpec",
    "Strict",
    "TrainSpec",
    "TrainingSpec",
]

Positive = Annotated[int, Field(gt=0)]
Control = Literal[
    "architecture", "optimiser", "stopping", "images seen", "classes", "images per class", "pixels", "evaluation", "overlap"
]
BatchNorm = Literal["running", "support", "transductive"]
Head = Literal["logistic", "logistic-raw", "centroid"]


class Strict(BaseModel):
    """Frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SmallestEffectSpec(Strict):
    """Smallest change worth caring about, per standard deviation of the diversity coefficient: accuracy in 0..1, loss in nats."""

    accuracy: Annotated[float, Field(gt=0)] = 0.01
    loss: Annotated[float, Field(gt=0)] = 0.03


class HypothesisSpec(Strict):
    """What is tested, fixed before any run: one primary outcome, the smallest effect of interest, the error level."""

    learner: str
    outcome: Literal["accuracy", "loss"] = "accuracy"
    condition: str
    probe: str
    smallest_effect: SmallestEffectSpec = SmallestEffectSpec()
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05


class DataSpec(Strict):
    """One named labelled set. load: anything ``breadth.data.formats.load`` takes (paths relative to ``data_root``).

    held_out: classes of the same kind to evaluate on, used only where ``evaluation.data = "own"``.
    """

    load: str
    held_out: str | None = None


class ImagesSpec(Strict):
    """The one pixel pipeline of probe, training and evaluation: every image becomes size x size x channels."""

    size: Positive = 32
    channels: Literal[1, 3] = 3


class TrainSpec(Strict):
    """One training set: classes shared as equally as possible among its domains, the same number of images of each class."""

    name: str
    domains: tuple[str, ...] = Field(min_length=1)
    classes: Positive | None = None
    images: Positive | None = None

    @model_validator(mode="after")
    def _domains_differ(self) -> Self:
        if len(set(self.domains)) != len(self.domains):
            raise ValueError(f"training set '{self.name}' names a domain twice; give each once")
        return self


class DesignSpec(Strict):
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
        if len(set(self.levels)) != len(self.levels):
            raise ValueError("a level is named twice; use replicates for more sets of one level")
        if max(self.levels) > len(self.domains):
            raise ValueError(f"level {max(self.levels)} asks for more domains than the {len(self.domains)} named")
        if isinstance(self.replicates, tuple) and len(self.replicates) != len(self.levels):
            raise ValueError(
                f"{len(self.replicates)} replicates for {len(self.levels)} levels; give one number, or one for each level"
            )
        return self


class TrainingSpec(Strict):
    """What every training set has: number of classes, images of each, how tasks are drawn from several domains, the seed of the draw."""

    classes: Positive
    images: Positive
    convention: Literal["source-then-classes", "pooled-classes"] = "source-then-classes"
    seed: int = 0


class ArchitectureSpec(Strict):
    """The network that every learner trains. filters: width (hidden width for mlp)."""

    kind: Literal["conv", "conv-stride", "resnet12", "resnet18", "resnet34", "mlp"] = "conv-stride"
    filters: Positive = 32


class PretrainSpec(Strict):
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


class MamlSpec(Strict):
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


class ProbeSpec(Strict):
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


class MeasureSpec(Strict):
    """Tasks for the diversity coefficient: how many, how large, how the Fisher is computed. ridge: of the head; None: the default."""

    tasks: Annotated[int, Field(ge=3)] = 40
    ways: Positive = 5
    per_class: Positive = 15
    estimator: Literal["exact", "rademacher", "monte_carlo", "empirical"] = "exact"
    ridge: Annotated[float, Field(gt=0)] | None = None
    seed: int = 0


class EvaluationSpec(Strict):
    """The one fixed suite: identical, paired episodes for every model. data: named sets, or "own" for each set's held-out classes."""

    data: tuple[str, ...] | Literal["own"]
    ways: Positive = 5
    shots: Positive = 5
    queries: Positive = 15
    episodes: Annotated[int, Field(ge=2)] = 300
    seed: int = 0
    batch_norm: tuple[BatchNorm, ...] = Field(("support", "transductive"), min_length=1)
    heads: tuple[Head, ...] = Field(("logistic", "centroid"), min_length=1)

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        for what in ("data", "batch_norm", "heads"):
            given = getattr(self, what)
            if given != "own" and len(set(given)) != len(given):
                raise ValueError(f"{what} names something twice; give each once")
        return self


class BaselineSpec(Strict):
    """Reference arms: a network with random weights, nearest centroid on pixels."""

    random_network: bool = True
    pixels: bool = True


class ControlSpec(Strict):
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
