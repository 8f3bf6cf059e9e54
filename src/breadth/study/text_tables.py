"""The tables that only a study of text has: its tokens, its learner and its probe."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from breadth.study.strict import Positive, Strict

__all__ = ["PYTHON", "TEXT_CONTROLS", "LanguageSpec", "TextControl", "TextProbeSpec", "TextSpec", "of_probe"]

TextControl = Literal["tokens seen", "training tokens", "tokeniser"]
# What must be equal over all arms of a study of text where it does not say.
TEXT_CONTROLS = (
    "architecture",
    "optimiser",
    "stopping",
    "tokens seen",
    "training tokens",
    "tokeniser",
    "evaluation",
    "overlap",
)
# The corpus that every Python has: its own documentation and library.
PYTHON = "python"


class TextSpec(Strict):
    """The one form of all text: probe, training and evaluation see the same tokens.

    tokeniser: "bytes", or a file, folder or Hub name that ``breadth.data.text.tokens.tokeniser`` takes; length: tokens of a sequence, the
    longest that a network sees; sequences: of a batch, which is a task of the diversity coefficient; mixture: of a training set of several
    domains a task comes from one of them ("concat", as tasks of images do) or from all ("interleave").
    """

    tokeniser: Annotated[str, Field(min_length=1)] = "bytes"
    length: Annotated[int, Field(ge=8)] = 128
    sequences: Positive = 64
    mixture: Literal["concat", "interleave"] = "concat"


class _Sized(Strict):
    """Numbers of a GPT-2; its longest sequence is ``text.length`` and its vocabulary the tokeniser's."""

    n_embd: Positive = 128
    n_layer: Positive = 4
    n_head: Positive = 4

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd is {self.n_embd} and n_head {self.n_head}; give an n_embd that is a multiple of n_head")
        return self

    @property
    def weights_of_blocks(self) -> int:
        """Number of weights of its matrices between embedding and head."""
        return 12 * self.n_embd**2 * self.n_layer


class LanguageSpec(_Sized):
    """A language model of the GPT-2 family from scratch. tokens: budget of tokens to predict, repeats counted; batch: sequences a step.

    replicates: train on the first replicates of a design only.
    """

    kind: Literal["language"]
    name: str = "LM"
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    tokens: Positive = 1_000_000
    batch: Positive = 16
    lr: Annotated[float, Field(gt=0)] = 3e-3
    precision: Literal["float32", "bf16"] = "float32"
    replicates: Positive | None = None


class TextProbeSpec(_Sized):
    """A GPT-2 as probe. weights: "random", "trained" (here, once, on ``data``), or a folder as the Hub serves GPT-2.

    data: corpora outside all arms, or "python", the documentation and library that every Python has; tokens: budget of the training. A
    network from a folder has its own numbers; keys that would change nothing are refused.
    """

    name: str
    kind: Literal["gpt2"]
    weights: str = "random"
    data: tuple[str, ...] | Literal["python"] = ()
    tokens: Positive = 1_000_000
    seed: int = 0

    @model_validator(mode="after")
    def _trained_names_data(self) -> Self:
        if (self.weights == "trained") != bool(self.data):
            raise ValueError('a probe with weights = "trained" names its data, and no other probe does')
        return self

    @model_validator(mode="after")
    def _nothing_is_idle(self) -> Self:
        given = self.model_fields_set
        if self.weights != "trained" and "tokens" in given:
            raise ValueError(f"tokens is for weights = \"trained\", and weights is '{self.weights}'; leave it out")
        own = next((key for key in ("n_embd", "n_layer", "n_head", "seed") if key in given), None)
        if self.weights not in ("random", "trained") and own:
            raise ValueError(f"{own} is for a network that is made here, and weights is the folder '{self.weights}'; leave it out")
        return self


def of_probe(table: Any) -> str:
    """Return a kind that tells which table of a probe this is: a GPT-2, or the kind that a probe of images has when it says none."""
    kind = table.get("kind") if isinstance(table, dict) else getattr(table, "kind", None)
    return "gpt2" if kind == "gpt2" else "resnet18"
