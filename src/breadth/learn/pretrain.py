"""Supervised pre-training: one classifier over all classes of a labelled set; its body is what is kept (arXiv 2003.11539)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from breadth.data.images import LabeledSet, to_float
from breadth.errors import SpecError, unknown_name
from breadth.learn.adam import Adam
from breadth.learn.augment import Augmentation, augmented
from breadth.learn.flops import GRADIENT, forward_flops
from breadth.learn.loop import Plan, Report
from breadth.learn.schedule import Plateau, Schedule, learning_rate
from breadth.learn.trained import Trained, fit
from breadth.nets.build import Architecture, Kind, build
from breadth.nets.head import classifier
from breadth.seeds import generator, integer

__all__ = ["PretrainSettings", "check_precision", "pretrain"]

Optimizer = Literal["adam", "adamw"]
Stop = Literal["budget", "converged"]
Precision = Literal["float32", "bf16"]
# Largest images at which a convolution of stride 2 meets a single pixel. The gradient of its weights in bf16 is then partly memory that
# nobody wrote (PyTorch 2.13 on a CPU: the taps that see only padding), up to infinite.
_ONE_PIXEL: dict[Kind, int] = {"conv-stride": 8, "resnet18": 16, "resnet34": 16}


@dataclass(frozen=True)
class PretrainSettings:
    """How to pre-train.

    images: how many images to process, repeats counted (the budget; the upper limit with stop "converged"); stop: "budget", or
    "converged" (plateau of the training loss: ``patience`` windows without improvement; needs the "constant" schedule, as an
    annealed one flattens by itself). lr: peak learning rate. window: steps averaged into one line of the history. precision: of
    the network's passes; under "bf16" weights, moments, batch norm statistics and the loss stay float32.
    The published recipe (arXiv 2306.13841) is adam, lr 1e-3, constant, converged; the default reaches its plateau in fewer images.
    """

    optimizer: Optimizer = "adamw"
    lr: float = 6e-3
    weight_decay: float = 1e-2
    schedule: Schedule = "onecycle"
    batch: int = 128
    images: int = 70_000
    stop: Stop = "budget"
    patience: int = 5
    window: int = 50
    augmentation: Augmentation = "shift"
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        for name, kind in (
            ("optimizer", Optimizer),
            ("schedule", Schedule),
            ("stop", Stop),
            ("augmentation", Augmentation),
            ("precision", Precision),
        ):
            if getattr(self, name) not in get_args(kind):
                raise SpecError(unknown_name(name, getattr(self, name), get_args(kind)))
        for name in ("lr", "batch", "images", "patience", "window"):
            if not getattr(self, name) > 0:
                raise SpecError(f"pre-training {name} is {getattr(self, name)}; expected more than 0")
        if self.stop == "converged" and self.schedule != "constant":
            raise SpecError(
                f"stop 'converged' with schedule '{self.schedule}' would mistake the annealing for convergence; "
                "use schedule 'constant' or stop 'budget'"
            )


def check_precision(arch: Architecture, precision: Precision, device: str) -> None:
    """Raise SpecError where ``arch`` cannot be trained in ``precision`` on ``device``."""
    least = _ONE_PIXEL.get(arch.kind, 0) + 1
    if precision == "bf16" and torch.device(device).type == "cpu" and arch.size < least:
        raise SpecError(
            f"bf16 on a CPU has wrong gradients for the network '{arch.kind}' at size {arch.size}; "
            f"use size {least} or more, or precision 'float32'"
        )


def batches(n: int, batch: int, seed: int) -> Callable[[int], np.ndarray]:
    """Return t -> rows [batch] of batch ``t``: consecutive pieces of an endless row of seeded permutations of 0 .. n-1."""

    @lru_cache(maxsize=4)
    def order(epoch: int) -> np.ndarray:
        return generator(seed, "epoch", epoch).permutation(n)

    def rows(t: int) -> np.ndarray:
        places = np.arange(t * batch, (t + 1) * batch)
        return np.concatenate([order(e)[places[places // n == e] - e * n] for e in np.unique(places // n).tolist()])

    return rows


def pretrain(
    data: LabeledSet,
    arch: Architecture,
    settings: PretrainSettings = PretrainSettings(),
    *,
    seed: int,
    folder: Path | None = None,
    report: Report | None = None,
    device: str = "cpu",
    save_every: float = 15.0,
) -> Trained:
    """Train a classifier of ``arch`` on all classes of ``data`` and return it.

    data: inputs of the size and channels that ``arch`` names. The result is a pure function of data, arch, settings and seed on one
    CPU with one thread count. folder: checkpoints and the result, resumed and reused by the same call; report(done, total) in
    steps. Raises SpecError where data and arch differ in shape or bf16 cannot train arch, BreadthError where training diverges,
    CheckpointError for a folder that belongs to another run or is damaged.
    """
    arch.check_inputs(data.name, data.inputs.shape[1:])
    check_precision(arch, settings.precision, device)
    steps = -(-settings.images // settings.batch)
    net = classifier(build(arch, integer(seed, "body")), data.n_classes, integer(seed, "head")).to(device)
    # Measured: of the wide float32 convolutions of a ResNet, a CPU makes more a second in PyTorch's own layout.
    wide = arch.kind.startswith("resnet") and settings.precision == "float32" and torch.device(device).type == "cpu"
    layout = torch.channels_last if data.is_images and not wide else torch.contiguous_format
    net.to(memory_format=layout)  # type: ignore[call-overload]
    net.train()
    optimizer = Adam(settings.weight_decay, decoupled=settings.optimizer == "adamw")
    rows = batches(data.n_items, settings.batch, integer(seed, "train"))

    def step(t: int) -> tuple[Tensor, Tensor]:
        at = rows(t)
        images = to_float(augmented(data.inputs[at], settings.augmentation, generator(seed, "augment", t)))
        x = torch.from_numpy(images).to(device=device, memory_format=layout)
        y = torch.from_numpy(data.labels[at]).to(device)
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=settings.precision == "bf16"):
            logits = net(x)
        logits = logits.float()
        loss = F.cross_entropy(logits, y)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach(), (logits.detach().max(1).indices == y).float().mean()

    plateau = Plateau(settings.window, settings.patience) if settings.stop == "converged" else None
    told = asdict(settings)
    if settings.precision == "float32":
        del told["precision"]  # checkpoints from before there was a choice are still those of the same run
    identity = {"learner": "pretrain", "arch": arch.as_dict(), "settings": told, "seed": seed, "data": data.digest}
    rate = partial(learning_rate, settings.schedule, settings.lr, steps=steps)
    one = forward_flops(arch, net)
    plan = Plan(steps, rate, None, plateau, settings.window, identity)
    return fit(
        arch,
        net,
        optimizer,
        step,
        plan,
        folder=folder,
        report=report,
        save_every=save_every,
        cost=lambda n: {"images": n * settings.batch, "tasks": 0, "flops": n * settings.batch * GRADIENT * one},
    )
