"""The runs of a study of text: bodies of the same shape as those of images, with tokens where those have classes and pixels."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from breadth.data.patterns import is_pattern
from breadth.data.text.tokens import Tokeniser, tokeniser
from breadth.errors import DataError, SpecError
from breadth.study.arms import CheckpointSpec
from breadth.study.design import TrainingSet
from breadth.study.place import source_place
from breadth.study.runspec import RunSpec, hashed_source, named_source
from breadth.study.spec import Study
from breadth.study.tables import AnyProbeSpec, LearnerSpec
from breadth.study.text_tables import PYTHON, LanguageSpec, TextProbeSpec

__all__ = ["TRIGRAMS", "UNIFORM", "TextPlanner"]

# Reference arms: a trigram model of each training set's own tokens, and the uniform distribution over tokens.
TRIGRAMS, UNIFORM = "trigram model", "uniform"
# Draws of the estimator a batch: of two, each batch tells how much of its distance to others is noise.
DRAWS = 2


def _seconds(weights: int, tokens: float) -> float:
    """Of one core for training on so many tokens; measured at 0.22 and 0.98 million weights of blocks: 29 and 91 s a million tokens."""
    return (11 + 81e-6 * weights) * tokens / 1e6


class TextPlanner:
    """Builds runs of text; holds only the digests and the tokeniser it has already read."""

    def __init__(self, study: Study) -> None:
        assert study.text is not None
        self.study, self.text = study, study.text
        self.digests: dict[str, str] = {}
        place = study.text.tokeniser
        try:
            self.tokeniser: Tokeniser = tokeniser(source_place(place, study.data_root))
        except DataError as error:
            raise SpecError(f"text.tokeniser: {error}; files are looked for in {study.data_root}, then here") from None
        if self.tokeniser.lost:
            raise SpecError(
                f"text.tokeniser: '{place}' loses {', '.join(self.tokeniser.lost)}, so that bits a byte would flatter every model; expected "
                "one that gives all text back: take bytes, or one of bytes, as GPT-2's is"
            )
        self.form = {
            "tokeniser": place,
            "fingerprint": self.tokeniser.fingerprint,
            "vocabulary": self.tokeniser.vocabulary,
            "length": study.text.length,
        }

    def named(self, name: str) -> dict[str, Any]:
        """A corpus by its name, what it is loaded under and what it holds."""
        data = self.study.data[name]
        assert data.load is not None  # the study's own validation
        place = source_place(data.load, self.study.data_root)
        if not (place.startswith("hf:") or is_pattern(place) or Path(place).exists()):
            raise SpecError(
                f"data.{name}: load is '{data.load}', which is neither in {self.study.data_root} nor here; give a text file or a folder of "
                "them, relative to data_root, or hf:USER/NAME"
            )
        how = {k: v for k, v in (("by", data.by), ("text_col", data.text_col)) if v is not None}
        return {**named_source(self.study, name, data.load, self.digests), **how}

    def training_data(self, s: TrainingSet) -> dict[str, Any]:
        """So many tokens of each domain, drawn under the seed and the set's name."""
        parts = [{**self.named(x.domain), "tokens": x.tokens} for x in s.shares]
        return {
            "set": s.name,
            "parts": parts,
            "seed": self.study.training.seed,
            "mixture": self.text.mixture,
            "text": self.form,
        }

    def suite_data(self, s: TrainingSet | None) -> dict[str, Any]:
        """The corpora that models are evaluated on, as a whole: the same for every training set."""
        e = self.study.evaluation
        return {"parts": [self.named(name) for name in e.data], "seed": e.seed, "mixture": self.text.mixture, "text": self.form}

    def evaluation(self) -> dict[str, Any]:
        """Which documents every model is scored on."""
        e = self.study.evaluation
        return {"documents": e.documents, "bytes": e.bytes, "seed": e.seed, "suite": self.suite_data(None)}

    def probe(self, p: AnyProbeSpec) -> RunSpec:
        """Train a GPT-2, draw one, or take one from a folder."""
        assert isinstance(p, TextProbeSpec)
        body: dict[str, Any] = p.model_dump(mode="json", exclude={"data", "name", "weights"})
        parts = [] if p.data == PYTHON else [self.named(d) for d in p.data]
        data: dict[str, Any] = {"parts": parts, "seed": p.seed, "mixture": self.text.mixture, "text": self.form}
        if p.data == PYTHON:
            data["python"] = platform.python_version()
        weights = p.weights
        if weights not in ("random", "trained"):
            if not (Path(self.study.data_root) / weights).is_dir():
                raise SpecError(
                    f"probe '{p.name}': weights '{weights}' given; expected random, trained, or a folder in {self.study.data_root}"
                )
            body["folder"] = p.weights
            weights = "folder " + hashed_source(self.study, p.weights, self.digests)["digest"]
        seconds = 2 + (_seconds(p.weights_of_blocks, p.tokens) if p.data else 0)
        return RunSpec("text-probe", p.name, {**body, "weights": weights, "data": data}, seconds=seconds)

    def measure(self, label: str, data: dict[str, Any], probe: RunSpec, suite: RunSpec | None) -> RunSpec:
        """Embed batches of a training set, or of the evaluation corpora."""
        m = self.study.measure
        needs = (probe.run_id,) if suite is None else (probe.run_id, suite.run_id)
        body = {"data": data, "tasks": m.tasks, "sequences": self.text.sequences, "draws": DRAWS, "seed": m.seed}
        weights = 12 * probe.body["n_embd"] ** 2 * probe.body["n_layer"]
        # Measured: 1.4 s for a batch of 64 x 128 tokens at 0.79 million weights of blocks.
        per_task = 1.4 * self.text.sequences * self.text.length / 8192 * (0.1 + 0.9 * weights / 786_432)
        return RunSpec("text-measure", label, body, needs, seconds=2 + m.tasks * per_task)

    def train(self, s: TrainingSet, learner: LearnerSpec, seed: int) -> RunSpec:
        """Train one language model on one training set, and score it."""
        assert isinstance(learner, LanguageSpec)
        settings = learner.model_dump(mode="json", exclude={"name", "seeds", "replicates"}, exclude_none=True)
        body = {"data": self.training_data(s), "learner": settings, "seed": seed, "evaluation": self.evaluation()}
        # A forward pass is a third of a step, and windows of evaluation overlap by half.
        tokens = learner.tokens + 2 / 3 * (self.study.evaluation.bytes or 0) * len(self.study.evaluation.data)
        seconds = 2 + _seconds(learner.weights_of_blocks, tokens)
        return RunSpec("text-train", f"{s.name} {learner.name} seed {seed}", body, seconds=seconds)

    def imported(self, s: TrainingSet, learner: LearnerSpec, c: CheckpointSpec) -> RunSpec:
        """Networks that were trained elsewhere are of images; a study of text names none."""
        raise SpecError(f"checkpoint '{c.name}' is for images, and the study has a [text] table; leave it out")

    def baselines(self, sets: tuple[TrainingSet, ...], seeds: list[int]) -> dict[str, tuple[RunSpec, ...]]:
        """Count trigrams of every training set; the uniform distribution needs none."""
        counted = tuple(
            RunSpec(
                "text-baseline",
                f"{TRIGRAMS} {s.name}",
                {"name": TRIGRAMS, "data": self.training_data(s), "evaluation": self.evaluation()},
                seconds=3,
            )
            for s in sets
        )
        uniform = RunSpec("text-baseline", UNIFORM, {"name": UNIFORM, "evaluation": self.evaluation()}, seconds=1)
        return {TRIGRAMS: counted, UNIFORM: (uniform,)}

    def overlap(self, s: TrainingSet) -> RunSpec:
        """Compare a training set with the documents of the evaluation."""
        body = {"data": self.training_data(s), "evaluation": self.evaluation()}
        return RunSpec("text-overlap", s.name, body, seconds=2)
