"""The tables of a study file as frozen values: what each key means, what it may be, what it is when left out."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from breadth.errors import SpecError
from breadth.study.recipes import check_parts
from breadth.study.strict import Positive, Strict
from breadth.study.text_tables import LanguageSpec, TextControl, TextProbeSpec, of_probe

__all__ = [
    "AnilSpec",
    "AnyProbeSpec",
    "ArchitectureSpec",
    "BaselineSpec",
    "ControlSpec",
    "DataSpec",
    "DesignSpec",
    "EvaluationSpec",
    "HypothesisSpec",
    "ImagesSpec",
    "LearnerSpec",
    "LiteralSpec",
    "MamlSpec",
    "MeasureSpec",
    "Metric",
    "PretrainSpec",
    "ProbeSpec",
    "TrainSpec",
    "TrainingSpec",
]

Control = Literal[
    "architecture", "optimiser", "stopping", "images seen", "classes", "images per class", "pixels", "evaluation", "overlap"
]
Metric = Literal["accuracy", "loss"]
BatchNorm = Literal["running", "support", "transductive"]
Head = Literal["logistic", "logistic-raw", "centroid"]


class SmallestEffectSpec(Strict):
    """Smallest change worth caring about, per standard deviation of the diversity coefficient.

    accuracy: in 0..1; loss: in nats, for text in the unit of the condition (bits a byte, nats a token).
    """

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

    held_out: classes of the same kind to evaluate on, used only where ``evaluation.data = "own"``. Instead of load: recipe, a published
    union by name (``breadth.study.recipes``), with parts, the place of each of its components; a training set that names it gets the
    components as its domains. A corpus of text: by and text_col as ``breadth.data.text.corpus.read_corpus`` takes them.
    """

    later = frozenset({"recipe", "parts", "by", "text_col"})
    load: str | None = None
    held_out: str | None = None
    recipe: str | None = None
    parts: dict[str, str] | None = None
    by: Literal["line", "document"] | None = None
    text_col: str | None = None

    @model_validator(mode="after")
    def _one_way_to_get_it(self) -> Self:
        if (self.load is None) == (self.recipe is None):
            raise ValueError("give load, or recipe with parts" + (", not both" if self.load else ""))
        if (self.recipe is None) != (self.parts is None) or (self.recipe is not None and self.held_out is not None):
            raise ValueError("a recipe goes with parts, and without held_out")
        if self.recipe is not None:
            try:
                check_parts(self.recipe, self.parts or {})
            except SpecError as error:
                raise ValueError(str(error)) from None
        return self


class ImagesSpec(Strict):
    """The one pixel pipeline of probe, training and evaluation: every image becomes size x size x channels."""

    size: Positive = 32
    channels: Literal[1, 3] = 3


class LiteralSpec(Strict):
    """A published diversity value to be used as x of an arm instead of a measurement, with where it comes from.

    low, high: its interval at ``level`` as published, both or neither; probe: what it was measured through, in words; source: paper,
    table, file; tasks: how many it was measured over, where known.
    """

    value: Annotated[float, Field(ge=0)]
    low: float | None = None
    high: float | None = None
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    probe: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    tasks: Positive | None = None

    @model_validator(mode="after")
    def _interval_holds_value(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("one end of an interval is given; give low and high, or neither")
        if self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"value {self.value:g} lies outside its interval [{self.low:g}, {self.high:g}]")
        return self


class TrainSpec(Strict):
    """One training set: classes shared as equally as possible among its domains, the same number of images of each class.

    whole: every class and image of the domains instead, as they are; their numbers are then read from the data. diversity: a published
    value that stands in for a measurement.
    """

    later = frozenset({"whole", "diversity"})
    name: str
    domains: tuple[str, ...] = Field(min_length=1)
    classes: Positive | None = None
    images: Positive | None = None
    whole: Literal[True] | None = None
    diversity: LiteralSpec | None = None

    @model_validator(mode="after")
    def _domains_differ(self) -> Self:
        if len(set(self.domains)) != len(self.domains):
            raise ValueError(f"training set '{self.name}' names a domain twice; give each once")
        if self.whole and (self.classes or self.images):
            raise ValueError(f"training set '{self.name}' is whole, so it takes no classes or images; leave them out")
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
    """What every training set has: number of classes, images of each, how tasks are drawn from several domains, the seed of the draw.

    classes, images: not needed where every training set is whole. tokens: of text, instead; shared as equally as possible among the
    domains of a training set, none used twice in it.
    """

    later = frozenset({"classes", "images", "tokens"})
    classes: Positive | None = None
    images: Positive | None = None
    tokens: Positive | None = None
    convention: Literal["source-then-classes", "pooled-classes"] = "source-then-classes"
    seed: int = 0


class ArchitectureSpec(Strict):
    """The network that every learner trains. filters: width (hidden width for mlp)."""

    kind: Literal["conv", "conv-stride", "resnet12", "resnet18", "resnet34", "mlp"] = "conv-stride"
    filters: Positive = 32


class PretrainSpec(Strict):
    """Supervised pre-training (PT). images: budget of images processed; with ``stop = "converged"`` it is the upper limit.

    replicates: train on the first replicates of a design only. precision: of the network's passes; None: float32.
    """

    later = frozenset({"precision"})
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
    precision: Literal["float32", "bf16"] | None = None

    @model_validator(mode="after")
    def _stop_can_be_seen(self) -> Self:
        if self.stop == "converged" and self.schedule != "constant":
            raise ValueError('stop = "converged" needs schedule = "constant": an annealed loss flattens by itself')
        return self


class _Episodic(Strict):
    """What MAML and ANIL share. tasks: budget; replicates: train on the first replicates of a design only.

    schedule of the outer rate and clip (largest norm of the meta-gradient): None for the learner's own default. stop: "budget"
    (None), or "converged" with ``tasks`` as the upper limit: a plateau of ``patience`` windows of 25 meta-steps, of the training loss
    or of the loss on ``validation`` classes of each domain, which training then does not see. batch_norm: in training, queries are
    normalised by their own statistics ("transductive", None) or by those of the support set ("support").
    """

    later = frozenset({"stop", "patience", "validation", "batch_norm"})
    seeds: tuple[int, ...] = Field((0,), min_length=1)
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
    stop: Literal["budget", "converged"] | None = None
    patience: Positive | None = None
    validation: Positive | None = None
    batch_norm: Literal["transductive", "support"] | None = None

    @model_validator(mode="after")
    def _stop_can_be_seen(self) -> Self:
        converged = self.stop == "converged"
        if converged and self.schedule not in (None, "constant"):
            raise ValueError('stop = "converged" needs schedule = "constant": an annealed loss flattens by itself')
        if not converged and (self.patience is not None or self.validation is not None):
            raise ValueError('patience and validation are read with stop = "converged" only; give it, or leave them out')
        return self


class MamlSpec(_Episodic):
    """Model-agnostic meta-learning. order: 1 (first-order approximation) or 2 (through the inner steps): two different learners."""

    kind: Literal["maml"]
    name: str = "MAML"
    order: Literal[1, 2] = 1


class AnilSpec(_Episodic):
    """ANIL: the inner loop adapts the head alone, in training and at test time; always through all inner steps."""

    kind: Literal["anil"]
    name: str = "ANIL"


LearnerSpec = Annotated[PretrainSpec | MamlSpec | AnilSpec | LanguageSpec, Field(discriminator="kind")]


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


AnyProbeSpec = Annotated[Annotated[ProbeSpec, Tag("resnet18")] | Annotated[TextProbeSpec, Tag("gpt2")], Discriminator(of_probe)]


class MeasureSpec(Strict):
    """Tasks for the diversity coefficient: how many, how large, how the Fisher is computed. ridge: of the head; None: the default."""

    tasks: Annotated[int, Field(ge=3)] = 40
    ways: Positive = 5
    per_class: Positive = 15
    estimator: Literal["exact", "rademacher", "monte_carlo", "empirical"] = "exact"
    ridge: Annotated[float, Field(gt=0)] | None = None
    seed: int = 0


class EvaluationSpec(Strict):
    """The one fixed suite: identical, paired episodes for every model. data: named sets, or "own" for each set's held-out classes.

    Of text: so many documents of each corpus, drawn under ``seed``, each cut so that all of a corpus have at most ``bytes`` bytes.
    """

    later = frozenset({"documents", "bytes"})
    data: tuple[str, ...] | Literal["own"]
    ways: Positive = 5
    shots: Positive = 5
    queries: Positive = 15
    episodes: Annotated[int, Field(ge=2)] = 300
    seed: int = 0
    batch_norm: tuple[BatchNorm, ...] = Field(("support", "transductive"), min_length=1)
    heads: tuple[Head, ...] = Field(("logistic", "centroid"), min_length=1)
    documents: Annotated[int, Field(ge=2)] | None = None
    bytes: Positive | None = None

    @model_validator(mode="after")
    def _nothing_twice(self) -> Self:
        for what in ("data", "batch_norm", "heads"):
            given = getattr(self, what)
            if given != "own" and len(set(given)) != len(given):
                raise ValueError(f"{what} names something twice; give each once")
        return self


class BaselineSpec(Strict):
    """Reference arms: a network with random weights, nearest centroid on pixels. Those of text are no choice, see ``text_plan``."""

    random_network: bool = True
    pixels: bool = True


class ControlSpec(Strict):
    """Which controls must be equal over all arms; a difference is a violation and makes the verdict "confounded".

    mixed_diversity: whether x may be a published value for some arms and a measurement, or a value of another protocol, for others.
    """

    later = frozenset({"mixed_diversity"})
    mixed_diversity: bool | None = None
    equal: tuple[Control | TextControl, ...] = (
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
