"""A trained network: its architecture, weights, and the story of its training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from breadth.errors import CheckpointError
from breadth.learn import checkpoint
from breadth.learn.adam import Adam
from breadth.learn.loop import Outcome, Plan, Report, Step, adopt, train
from breadth.nets.body import Body
from breadth.nets.build import Architecture, build, load_body
from breadth.nets.head import Classifier, classifier

__all__ = ["Trained", "body_of", "classifier_of", "fit", "load_trained"]


@dataclass(frozen=True)
class Trained:
    """A network after training.

    weights: ``body.*`` and ``head.*`` on the CPU; history: one line a window with step, loss (nats, mean over the window),
    accuracy (0..1) and rate, and validation where held-out classes judge; cost: images (forward passes on new batches), tasks (0 for
    pre-training), steps, flops (by the formula of ``flops``), cpu_seconds; stopped: "budget" (all of it used) or "converged" (plateau
    of the training loss, or of the validation loss).
    """

    arch: Architecture
    weights: dict[str, Tensor]
    history: list[dict[str, float]]
    cost: dict[str, float]
    stopped: Literal["budget", "converged"]


def body_of(trained: Trained) -> Body:
    """Return the trained body, in eval mode, on the CPU."""
    body = load_body(build(trained.arch, 0), trained.weights)
    body.eval()
    return body


def classifier_of(trained: Trained) -> Classifier:
    """Return the trained body with its trained head, in eval mode, on the CPU."""
    net = classifier(build(trained.arch, 0), len(trained.weights["head.weight"]), 0)
    net.load_state_dict(trained.weights)
    net.eval()
    return net


def load_trained(folder: Path) -> Trained:
    """Return the finished network in ``folder``. Raises CheckpointError where it is absent, damaged or unfinished."""
    weights, meta = checkpoint.load(folder)
    if not meta.get("finished"):
        raise CheckpointError(
            f"checkpoint '{folder}' is unfinished (step {meta.get('step', 'unknown')}); run the same command to resume it"
        )
    return _from_meta(weights, meta)


def _from_meta(weights: dict[str, Tensor], meta: Mapping[str, Any]) -> Trained:
    return Trained(Architecture(**meta["arch"]), weights, meta["history"], meta["cost"], meta["stopped"])


def fit(
    arch: Architecture,
    net: Classifier,
    optimizer: Adam,
    step: Step,
    plan: Plan,
    *,
    folder: Path | None,
    report: Report | None,
    save_every: float,
    cost: Callable[[int], dict[str, float]],
) -> Trained:
    """Run the loop and keep the result in ``folder``; a finished result of the same run found there is returned without training.

    cost(steps) -> images and tasks that so many steps used.
    """
    found = adopt(folder, plan.identity) if folder else None
    if found and found[1]["finished"]:
        if report:
            report(plan.steps, plan.steps)
        return _from_meta(*found)
    outcome: Outcome = train(net, optimizer, step, plan, folder=folder, report=report, save_every=save_every)
    weights = {k: v.detach().cpu().contiguous() for k, v in net.state_dict().items()}
    spent = {**cost(outcome.steps), "steps": outcome.steps, "cpu_seconds": outcome.cpu_seconds}
    trained = Trained(arch, weights, outcome.history, spent, outcome.stopped)
    if folder:
        checkpoint.save(
            folder,
            weights,
            {
                "finished": True,
                "identity": dict(plan.identity),
                "arch": arch.as_dict(),
                "history": outcome.history,
                "cost": spent,
                "stopped": outcome.stopped,
            },
        )
    return trained
