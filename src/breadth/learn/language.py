"""Language models of the GPT-2 family trained from scratch on a stream of tokens, to a budget of tokens, resumable to the bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import cos, pi
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.errors import SpecError, unknown_name
from breadth.learn import checkpoint
from breadth.learn.adam import Adam
from breadth.learn.flops import GRADIENT
from breadth.learn.loop import Plan, Report, adopt, train
from breadth.learn.pretrain import batches
from breadth.nets.gpt2 import Gpt2Size, LanguageModel, gpt2
from breadth.seeds import integer

__all__ = ["LanguageSettings", "TrainedLanguage", "language_model_of", "train_language"]

Precision = Literal["float32", "bf16"]


@dataclass(frozen=True)
class LanguageSettings:
    """How to train a language model.

    tokens: how many tokens to predict at most, repeats counted (the budget), in whole steps, at least one; batch: sequences of
    ``n_positions`` tokens a step; lr: peak rate of AdamW, reached after ``warmup`` of the steps and then lowered along a cosine to a
    tenth (Radford et al. 2018); clip: largest norm of the gradient; window: steps averaged into one line of the history; precision: of
    the network's passes, the loss is float32.
    """

    tokens: int = 1_000_000
    batch: int = 16
    lr: float = 3e-3
    warmup: float = 0.05
    weight_decay: float = 0.01
    clip: float = 1.0
    window: int = 25
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        for name in ("tokens", "batch", "lr", "clip", "window"):
            if not getattr(self, name) > 0:
                raise SpecError(f"language training {name} is {getattr(self, name)}; expected more than 0")
        if not 0 <= self.warmup < 1:
            raise SpecError(f"language training warmup is {self.warmup}; expected a part of the steps, from 0 to below 1")
        if self.precision not in get_args(Precision):
            raise SpecError(unknown_name("precision", self.precision, get_args(Precision)))

    def rate(self, t: int, steps: int) -> float:
        """Return the learning rate of step t of ``steps``."""
        rise = max(self.warmup * steps, 1.0)
        if t + 1 < rise:
            return self.lr * (t + 1) / rise
        return self.lr * (0.1 + 0.45 * (1 + cos(pi * (t + 1 - rise) / max(steps - rise, 1.0))))


@dataclass(frozen=True)
class TrainedLanguage:
    """A language model after training. weights: by the names of ``LanguageModel``; cost: tokens (predicted), steps, flops, cpu_seconds."""

    size: Gpt2Size
    weights: dict[str, Tensor]
    history: list[dict[str, float]]
    cost: dict[str, float]


def language_model_of(trained: TrainedLanguage) -> LanguageModel:
    """Return the model with its weights, on the CPU."""
    model = gpt2(trained.size, 0)
    model.load_state_dict(trained.weights)
    return model


def _flops(size: Gpt2Size) -> int:
    """Operations of a forward pass for one token: all matrices, the head's included, and attention over half a sequence on average."""
    d = size.n_embd
    return 2 * (12 * d * d * size.n_layer + d * size.vocab_size) + 2 * size.n_layer * d * size.n_positions


def train_language(
    stream: np.ndarray,
    size: Gpt2Size,
    settings: LanguageSettings = LanguageSettings(),
    *,
    seed: int,
    folder: Path | None = None,
    report: Report | None = None,
    device: str = "cpu",
    save_every: float = 15.0,
) -> TrainedLanguage:
    """Train a GPT-2 of ``size`` on ``stream``, tokens int [n], and return it.

    The stream is cut into sequences of n_positions tokens, each with the token that follows; documents lie end to end in it, and attention
    does not stop between them. Sequences come in a seeded order, all of them before any comes again. The result is a pure function of
    stream, size, settings and seed on one CPU with one thread count. folder: checkpoints and the result, resumed and reused by
    the same call. report(done, total) counts tokens. Raises SpecError for a stream of fewer tokens than one sequence or with tokens
    beyond the vocabulary, BreadthError where training diverges, CheckpointError for a folder of another run.
    """
    length = size.n_positions
    held = (len(stream) - 1) // length
    if held < 1:
        raise SpecError(
            f"a stream of {len(stream)} tokens was given; expected at least {length + 1}, one sequence and what follows it"
        )
    if int(stream.max()) >= size.vocab_size or int(stream.min()) < 0:
        raise SpecError(f"the stream holds tokens up to {int(stream.max())}; the model's vocabulary ends at {size.vocab_size - 1}")
    steps = max(settings.tokens // (settings.batch * length), 1)
    model = gpt2(size, integer(seed, "language")).to(device)
    rows = batches(held, settings.batch, integer(seed, "train"))
    each = np.arange(length + 1)

    def step(t: int) -> tuple[Tensor, Tensor]:
        at = torch.from_numpy(stream[rows(t)[:, None] * length + each].astype(np.int64)).to(device)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = model(at[:, :-1])
        logits, after = logits.float().flatten(0, 1), at[:, 1:].flatten()
        loss = F.cross_entropy(logits, after)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), (logits.detach().argmax(1) == after).float().mean()

    data = sha256(np.ascontiguousarray(stream, np.int32).tobytes()).hexdigest()
    identity = {"learner": "language", "size": asdict(size), "settings": asdict(settings), "seed": seed, "data": data}
    found = adopt(folder, identity) if folder else None
    per_step = settings.batch * length
    if found and found[1]["finished"]:
        if report:
            report(steps * per_step, steps * per_step)
        return TrainedLanguage(size, found[0], found[1]["history"], found[1]["cost"])
    plan = Plan(steps, lambda t: settings.rate(t, steps), settings.clip, None, settings.window, identity)
    told = None if report is None else lambda done, total: report(done * per_step, total * per_step)
    outcome = train(
        model, Adam(settings.weight_decay, decoupled=True), step, plan, folder=folder, report=told, save_every=save_every
    )
    weights = {k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}
    tokens = outcome.steps * per_step
    cost = {"tokens": tokens, "steps": outcome.steps, "flops": tokens * GRADIENT * _flops(size), "cpu_seconds": outcome.cpu_seconds}
    if folder:
        meta: Mapping[str, Any] = {"finished": True, "identity": identity, "history": outcome.history, "cost": cost}
        checkpoint.save(folder, weights, meta)
    return TrainedLanguage(size, weights, outcome.history, cost)
