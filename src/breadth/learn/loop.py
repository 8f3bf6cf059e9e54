"""The one training loop: budget, convergence, checkpoints, resume. Pre-training and MAML differ only in the step they hand it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from breadth.errors import BreadthError, CheckpointError
from breadth.learn import checkpoint
from breadth.learn.adam import Adam, Moments
from breadth.learn.schedule import Plateau, windows_since_best

__all__ = ["Outcome", "Plan", "Report", "Step", "adopt", "train"]

Report = Callable[[int, int], None]
Step = Callable[[int], tuple[Tensor, Tensor]]
"""``step(t)``, a function of weights and t: leaves the gradient of batch t in ``.grad``, returns its loss and accuracy."""


@dataclass(frozen=True)
class Plan:
    """How long to train and how to write it down.

    steps: budget, or upper limit with a plateau; rate: learning rate of step t; clip: largest norm of the gradient, None for no
    limit; plateau: stop early on convergence, None to use the whole budget; window: steps that one line of the history averages;
    identity: JSON-able facts that tell this run from any other, checked before a checkpoint is resumed; judge: a loss that the weights
    alone decide, taken at the end of each window as the history's "validation", on which the plateau is then sought.
    """

    steps: int
    rate: Callable[[int], float]
    clip: float | None
    plateau: Plateau | None
    window: int
    identity: Mapping[str, Any]
    judge: Callable[[], float] | None = None


@dataclass(frozen=True)
class Outcome:
    """What happened: steps taken, a history line per window (step, loss in nats, accuracy 0..1, rate), CPU-s, why it ended."""

    steps: int
    history: list[dict[str, float]]
    cpu_seconds: float
    stopped: Literal["budget", "converged"]


def adopt(folder: Path, identity: Mapping[str, Any]) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Return the checkpoint in ``folder``, None where there is none. Raises CheckpointError if it belongs to another run."""
    if not checkpoint.exists(folder):
        return None
    weights, meta = checkpoint.load(folder)
    theirs = meta.get("identity", {})
    for key in sorted({*identity, *theirs}):
        if identity.get(key) != theirs.get(key):
            raise CheckpointError(
                f"checkpoint '{folder}' belongs to another run: its {key} is {theirs.get(key)}, this run's is "
                f"{identity.get(key)}; give another folder or delete this one"
            )
    return weights, meta


def _restore(net: nn.Module, moments: Moments, tensors: Mapping[str, Tensor]) -> None:
    net.load_state_dict({k.removeprefix("net."): v for k, v in tensors.items() if k.startswith("net.")})
    for name, moment in moments.items():
        moment.copy_(tensors[f"adam.{name}"])


def train(
    net: nn.Module,
    optimizer: Adam,
    step: Step,
    plan: Plan,
    *,
    folder: Path | None = None,
    report: Report | None = None,
    save_every: float = 15.0,
) -> Outcome:
    """Train ``net`` in place and return what happened.

    folder: where to checkpoint every ``save_every`` seconds; an unfinished checkpoint of the same run found there is resumed, and
    on the CPU the result is bitwise that of a run which was never interrupted (same thread count, same versions).
    report(done, total) is called after every step. Raises BreadthError where the loss stops being finite, CheckpointError for a
    foreign checkpoint.
    """
    start, spent, history, window = 0, 0.0, list[dict[str, float]](), list[tuple[Tensor, Tensor]]()
    params = dict(net.named_parameters())
    moments = optimizer.start(params)
    found = adopt(folder, plan.identity) if folder else None
    if found:
        tensors, meta = found
        _restore(net, moments, tensors)
        start, spent, history = meta["step"], meta["cpu_seconds"], meta["history"]
        window = [(torch.tensor(a), torch.tensor(b)) for a, b in meta["window"]]
    clock, saved = time.process_time(), time.monotonic()
    stopped: Literal["budget", "converged"] = "budget"
    done = start
    for t in range(start, plan.steps):
        rate = plan.rate(t)
        net.zero_grad()
        window.append(step(t))
        if plan.clip is not None:
            nn.utils.clip_grad_norm_(params.values(), plan.clip)
        optimizer.step(params, moments, t, rate)
        done = t + 1
        if done % plan.window == 0 or done == plan.steps:
            history.append(_line(done, window, rate))
            window = []
            if plan.judge:
                history[-1]["validation"] = plan.judge()
            losses = [h["validation" if plan.judge else "loss"] for h in history]
            if plan.plateau and windows_since_best(losses, plan.plateau.tolerance) >= plan.plateau.patience:
                stopped = "converged"
        if report:
            report(done, plan.steps)
        if stopped == "converged":
            break
        if folder and time.monotonic() - saved >= save_every:
            _check_finite(done, window)
            tensors = {**{f"net.{k}": v for k, v in net.state_dict().items()}, **{f"adam.{k}": v for k, v in moments.items()}}
            checkpoint.save(
                folder,
                tensors,
                {
                    "finished": False,
                    "identity": dict(plan.identity),
                    "step": done,
                    "history": history,
                    "window": [(a.item(), b.item()) for a, b in window],
                    "cpu_seconds": spent + time.process_time() - clock,
                },
            )
            saved = time.monotonic()
    return Outcome(done, history, spent + time.process_time() - clock, stopped)


def _line(done: int, window: list[tuple[Tensor, Tensor]], rate: float) -> dict[str, float]:
    _check_finite(done, window)
    loss, accuracy = (math.fsum(float(pair[i]) for pair in window) / len(window) for i in (0, 1))
    return {"step": done, "loss": loss, "accuracy": accuracy, "rate": rate}


def _check_finite(done: int, window: list[tuple[Tensor, Tensor]]) -> None:
    # A plain sum, unlike math.fsum, takes infinities of both signs.
    loss = sum(float(pair[0]) for pair in window)
    if not math.isfinite(loss):
        raise BreadthError(
            f"training diverged: the loss is {loss} in the {len(window)} steps before step {done}; "
            "lower the learning rate or the inner learning rate"
        )
