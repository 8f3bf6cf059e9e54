"""MAML (arXiv 1703.03400), first and second order: train a classifier so that a few gradient steps fit it to a new task."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from torch import Tensor

from breadth.data.images import to_float
from breadth.data.task import Task, TaskSource, task
from breadth.errors import SpecError, unknown_name
from breadth.learn.adam import Adam
from breadth.learn.augment import Augmentation, augmented
from breadth.learn.flops import GRADIENT, HESSIAN, forward_flops
from breadth.learn.inner import Order
from breadth.learn.loop import Plan, Report
from breadth.learn.meta_step import Adapts, Inner, QueryNorm, meta_step, query_loss
from breadth.learn.pretrain import Stop
from breadth.learn.schedule import Plateau, Schedule, learning_rate
from breadth.learn.trained import Trained, fit
from breadth.learn.validation import held_out
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.seeds import generator, integer

__all__ = ["MamlSettings", "meta_train"]

_VALIDATION_TASKS = 40
# Left out of a checkpoint's identity: checkpoints from before there was a choice are still those of the same run.
_UNSAID = (("adapts", "all"), ("validation", None), ("batch_norm", "transductive"))


@dataclass(frozen=True)
class MamlSettings:
    """How to meta-train.

    order: 1 (first order) or 2 (gradient through the inner steps); inner_lr, steps: of the inner loop; tasks: budget, or upper
    limit with stop "converged" (``patience`` windows of the query loss without improvement; "constant" schedule only): the loss on
    the training tasks, or on 40 fixed tasks of ``validation`` classes of each training set, which training then does not see;
    meta_batch: tasks a meta-step; lr: of the outer Adam; clip: largest norm of the meta-gradient; window: meta-steps averaged
    into one line of the history. batch_norm: support sets use their own statistics; query sets theirs ("transductive", as published), or
    those of the support set under the adapted weights ("support", task after task: slower). The running ones are gathered on support
    sets with the weights that adaptation starts from. adapts: "all" parameters, or the "head"
    alone (ANIL, arXiv 1909.09157: through all inner steps, ``order`` is not read).
    """

    order: Order = 1
    inner_lr: float = 0.1
    steps: int = 5
    tasks: int = 2000
    meta_batch: int = 4
    lr: float = 2e-3
    schedule: Schedule = "constant"
    clip: float = 10.0
    ways: int = 5
    shots: int = 5
    queries: int = 5
    stop: Stop = "budget"
    patience: int = 5
    window: int = 25
    augmentation: Augmentation = "none"
    adapts: Adapts = "all"
    validation: int | None = None
    batch_norm: QueryNorm = "transductive"

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise SpecError(f"MAML order is {self.order}; expected 1 (first order) or 2 (second order)")
        for name, kind in (
            ("schedule", Schedule),
            ("stop", Stop),
            ("augmentation", Augmentation),
            ("adapts", Adapts),
            ("batch_norm", QueryNorm),
        ):
            if getattr(self, name) not in get_args(kind):
                raise SpecError(unknown_name(name, getattr(self, name), get_args(kind)))
        for name in ("inner_lr", "steps", "tasks", "meta_batch", "lr", "clip", "shots", "queries", "patience", "window"):
            if not getattr(self, name) > 0:
                raise SpecError(f"MAML {name} is {getattr(self, name)}; expected more than 0")
        if self.ways < 2:
            raise SpecError(f"MAML ways is {self.ways}; expected at least 2")
        if self.validation is not None and not (self.validation > 0 and self.stop == "converged"):
            raise SpecError(
                f"MAML validation is {self.validation} with stop '{self.stop}'; expected more than 0 classes, and stop 'converged'"
            )
        if self.stop == "converged" and self.schedule != "constant":
            raise SpecError(
                f"stop 'converged' with schedule '{self.schedule}' would mistake the annealing for convergence; "
                "use schedule 'constant' or stop 'budget'"
            )


def _split(t: Task, settings: MamlSettings, rng: np.random.Generator, device: str) -> list[Tensor]:
    """Return support inputs and labels, query inputs and labels: of each class the first ``shots`` items are support."""
    images = torch.from_numpy(to_float(augmented(t.inputs, settings.augmentation, rng)))
    by_class = images.reshape(settings.ways, settings.shots + settings.queries, *images.shape[1:])
    classes = torch.arange(settings.ways)
    support = by_class[:, : settings.shots].flatten(0, 1), classes.repeat_interleave(settings.shots)
    query = by_class[:, settings.shots :].flatten(0, 1), classes.repeat_interleave(settings.queries)
    return [part.to(device) for part in (*support, *query)]


def meta_train(
    source: TaskSource,
    arch: Architecture,
    settings: MamlSettings = MamlSettings(),
    *,
    seed: int,
    folder: Path | None = None,
    report: Report | None = None,
    device: str = "cpu",
    save_every: float = 15.0,
) -> Trained:
    """Meta-train a classifier of ``arch`` on tasks of ``source`` and return it.

    Task *i* is a pure function of (seed, i); the result, on one CPU with one thread count, of source, arch, settings and seed.
    folder, report (in meta-steps): as in ``pretrain``. Raises DataError where the source cannot give such tasks, SpecError where
    its inputs do not fit arch, BreadthError where training diverges, CheckpointError for a folder of another run or a damaged one.
    """
    per_class = settings.shots + settings.queries
    first = task(source, 0, ways=settings.ways, per_class=per_class, seed=integer(seed, "tasks"))
    arch.check_inputs(source.name, first.inputs.shape[1:])
    steps = -(-settings.tasks // settings.meta_batch)
    net = classifier(build(arch, integer(seed, "body")), settings.ways, integer(seed, "head")).to(device)
    inner = Inner(settings.steps, settings.inner_lr, settings.order, settings.adapts, settings.batch_norm)
    train_on, judge_on = held_out(source, settings.validation, settings.ways, seed) if settings.validation else (source, None)
    meta = meta_step(arch, net, inner)

    def drawn(i: int, of: TaskSource, name: str) -> list[Tensor]:
        return _split(
            task(of, i, ways=settings.ways, per_class=per_class, seed=integer(seed, name)),
            settings,
            generator(seed, "augment", i),
            device,
        )

    def step(t: int) -> tuple[Tensor, Tensor]:
        return meta([drawn(i, train_on, "tasks") for i in range(t * settings.meta_batch, (t + 1) * settings.meta_batch)])

    def judge() -> float:
        assert judge_on is not None
        return query_loss(arch, net, inner, [drawn(i, judge_on, "validation") for i in range(_VALIDATION_TASKS)])

    plateau = Plateau(settings.window, settings.patience) if settings.stop == "converged" else None
    given = {k: v for k, v in asdict(settings).items() if (k, v) not in _UNSAID}
    identity = {"learner": "maml", "arch": arch.as_dict(), "settings": given, "seed": seed, "data": source.digest}
    rate = partial(learning_rate, settings.schedule, settings.lr, steps=steps)
    plan = Plan(steps, rate, settings.clip, plateau, settings.window, identity, judge if settings.validation else None)
    one, support = forward_flops(arch, net), settings.ways * settings.shots

    def cost(n: int) -> dict[str, float]:
        windows = -(-n // settings.window)  # the last one may be shorter, and is judged like the others
        tasks, judged = n * settings.meta_batch, windows * _VALIDATION_TASKS if settings.validation else 0
        return {
            "tasks": tasks,
            "images": tasks * settings.ways * per_class,
            "validation_tasks": judged,
            "flops": one * (tasks * _passes(settings, support) + judged * _passes_judged(settings, support)),
        }

    return fit(arch, net, Adam(), step, plan, folder=folder, report=report, save_every=save_every, cost=cost)


def _passes(settings: MamlSettings, support: int) -> int:
    """Forward passes of one image that the meta-gradient of one task is worth; the steps of a head alone count as nothing."""
    query = settings.ways * settings.queries
    if settings.adapts == "head":
        return GRADIENT * (support + query)
    read = query + (support if settings.batch_norm == "support" else 0)
    return support * settings.steps * (GRADIENT + (HESSIAN if settings.order == 2 else 0)) + GRADIENT * read


def _passes_judged(settings: MamlSettings, support: int) -> int:
    adapted = GRADIENT * settings.steps + (settings.batch_norm == "support") if settings.adapts == "all" else 1
    return support * adapted + settings.ways * settings.queries
