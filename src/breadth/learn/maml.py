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
from breadth.learn.inner import Order, accuracy, meta_gradient, one_task, stack, tasks_of_mlp
from breadth.learn.loop import Plan, Report
from breadth.learn.pretrain import Stop
from breadth.learn.schedule import Plateau, Schedule, learning_rate
from breadth.learn.trained import Trained, fit
from breadth.nets.build import Architecture, build
from breadth.nets.head import classifier
from breadth.nets.norm import bn_train
from breadth.seeds import generator, integer

__all__ = ["MamlSettings", "meta_train"]


@dataclass(frozen=True)
class MamlSettings:
    """How to meta-train.

    order: 1 (first order) or 2 (gradient through the inner steps); inner_lr, steps: of the inner loop; tasks: budget, or upper
    limit with stop "converged" (``patience`` windows of the query loss without improvement; "constant" schedule only);
    meta_batch: tasks a meta-step; lr: of the outer Adam; clip: largest norm of the meta-gradient; window: meta-steps averaged
    into one line of the history. Batch norm uses batch statistics, for support and query apart ("transductive"), as published; the
    running ones are gathered on support sets with the weights that adaptation starts from.
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

    def __post_init__(self) -> None:
        if self.order not in get_args(Order):
            raise SpecError(f"MAML order is {self.order}; expected 1 (first order) or 2 (second order)")
        for name, kind in (("schedule", Schedule), ("stop", Stop), ("augmentation", Augmentation)):
            if getattr(self, name) not in get_args(kind):
                raise SpecError(unknown_name(name, getattr(self, name), get_args(kind)))
        for name in ("inner_lr", "steps", "tasks", "meta_batch", "lr", "clip", "shots", "queries", "patience", "window"):
            if not getattr(self, name) > 0:
                raise SpecError(f"MAML {name} is {getattr(self, name)}; expected more than 0")
        if self.ways < 2:
            raise SpecError(f"MAML ways is {self.ways}; expected at least 2")
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
    per_class, task_seed = settings.shots + settings.queries, integer(seed, "tasks")
    shape = task(source, 0, ways=settings.ways, per_class=per_class, seed=task_seed).inputs.shape[1:]
    expected = (arch.size,) if arch.kind == "mlp" else (arch.size, arch.size, arch.channels)
    if shape != expected:
        raise SpecError(
            f"'{source.name}' has inputs of shape {list(shape)}, the network '{arch.kind}' takes {list(expected)}; "
            "prepare the data with the network's size and channels"
        )
    steps = -(-settings.tasks // settings.meta_batch)
    net = classifier(build(arch, integer(seed, "body")), settings.ways, integer(seed, "head")).to(device)
    params: dict[str, Tensor] = dict(net.named_parameters())
    gradient_of = partial(meta_gradient, steps=settings.steps, lr=settings.inner_lr, order=settings.order)
    # The stored statistics are those of the weights that adaptation starts from; the inner loop's own go to these copies, unread.
    forward = one_task(net, {k: v.clone() for k, v in net.named_buffers()})

    def tasks_of(t: int) -> list[list[Tensor]]:
        numbers = range(t * settings.meta_batch, (t + 1) * settings.meta_batch)
        return [
            _split(
                task(source, i, ways=settings.ways, per_class=per_class, seed=task_seed),
                settings,
                generator(seed, "augment", i),
                device,
            )
            for i in numbers
        ]

    def step_batched(t: int) -> tuple[Tensor, Tensor]:
        sx, sy, qx, qy = (torch.stack(parts) for parts in zip(*tasks_of(t), strict=True))
        stacked = stack(params, settings.meta_batch)
        gradient, loss, logits = gradient_of(tasks_of_mlp, stacked, (sx, sy), (qx, qy))
        for name, p in params.items():
            p.grad = gradient[name].mean(0)
        return loss / settings.meta_batch, accuracy(logits, qy)

    def step_one_by_one(t: int) -> tuple[Tensor, Tensor]:
        losses, accuracies = [], []
        with bn_train(net):
            for sx, sy, qx, qy in tasks_of(t):
                with torch.no_grad():
                    net(sx)
                gradient, loss, logits = gradient_of(forward, params, (sx, sy), (qx, qy))
                losses.append(loss)
                accuracies.append(accuracy(logits, qy))
                for name, p in params.items():
                    share = gradient[name] / settings.meta_batch
                    p.grad = share if p.grad is None else p.grad.add_(share)
        return torch.stack(losses).mean(), torch.stack(accuracies).mean()

    plateau = Plateau(settings.window, settings.patience) if settings.stop == "converged" else None
    identity = {"learner": "maml", "arch": asdict(arch), "settings": asdict(settings), "seed": seed, "data": source.digest}
    rate = partial(learning_rate, settings.schedule, settings.lr, steps=steps)
    plan = Plan(steps, rate, settings.clip, plateau, settings.window, identity)
    tasks = settings.meta_batch
    return fit(
        arch,
        net,
        Adam(),
        step_batched if arch.kind == "mlp" else step_one_by_one,
        plan,
        folder=folder,
        report=report,
        save_every=save_every,
        cost=lambda n: {"tasks": n * tasks, "images": n * tasks * settings.ways * per_class},
    )
