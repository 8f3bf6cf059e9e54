"""``breadth measure``: the diversity coefficient of one or more sources, with its floor and the distances between them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from breadth.cli.options import AsJson, Device, duration, print_json, progress_bar

__all__ = ["measure"]

ProbeKind = Literal["resnet18", "resnet34", "resnet12", "conv", "conv-stride", "mlp"]
FisherEstimator = Literal["exact", "rademacher", "monte_carlo", "empirical"]


def measure(
    sources: Annotated[
        list[str],
        typer.Argument(help="Folders of class folders, .npz files, or digits, glyphs:..., gaussian:...", metavar="SOURCE..."),
    ],
    probe: Annotated[ProbeKind, typer.Option("--probe", help="Architecture of the probe network.")] = "resnet18",
    weights: Annotated[Path | None, typer.Option("--weights", help="Probe weights (.safetensors); default: random.")] = None,
    tasks: Annotated[int, typer.Option("--tasks", min=3, help="Tasks drawn from each source.")] = 20,
    ways: Annotated[int, typer.Option("--ways", min=2, help="Classes of a task.")] = 5,
    per_class: Annotated[int, typer.Option("--per-class", min=1, help="Items of each class.")] = 10,
    size: Annotated[int, typer.Option("--size", min=8, help="Images become SIZE x SIZE pixels.")] = 32,
    channels: Annotated[int, typer.Option("--channels", help="1 or 3.")] = 3,
    filters: Annotated[int, typer.Option("--filters", min=1, help="Width of conv, conv-stride and mlp probes.")] = 64,
    estimator: Annotated[FisherEstimator, typer.Option("--estimator", help="How the expectation over labels is taken.")] = "exact",
    seed: Annotated[int, typer.Option("--seed", help="Seed of the task draw and of random probe weights.")] = 0,
    device: Device = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how long it may take, and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the diversity coefficient of each source: the expected distance between the Task2Vec embeddings of two of its tasks.

    Beside each value stands its floor (same classes, newly drawn items). Intervals hold for tasks drawn from the given data.

    \b
    Examples:
      breadth measure digits
      breadth measure "glyphs:scripts=greek" "glyphs:scripts=greek+latin" --probe conv --tasks 50
      breadth measure photos/ sketches.npz --probe resnet18 --weights resnet18.safetensors --json
    """
    # One thread: several would wait for each other as soon as anything else uses a core, which costs far more than they gain.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from breadth.measure.survey import Settings, estimated_seconds, survey  # loads torch

    settings = Settings(
        probe=probe,
        weights=weights,
        filters=filters,
        tasks=tasks,
        ways=ways,
        per_class=per_class,
        size=size,
        channels=channels,
        estimator=estimator,
        seed=seed,
        device=device,
    )
    if dry_run:
        seconds = estimated_seconds(sources, settings)
        if as_json:
            print_json({"sources": sources, "estimated_seconds": round(seconds)})
        else:
            print(f"{len(sources)} sources, {tasks} tasks each: about {duration(seconds)} on one core")
        return
    with progress_bar("measure", quiet=as_json) as show:
        result = survey(sources, settings, report=show)
    if as_json:
        print_json(result.as_dict())
        return
    for s in result.sources:
        print(f"{s.name}\n  diversity  {s.diversity}\n  floor      {s.floor}")
        if s.floor.value >= s.diversity.value:
            print("  note       not above its floor: this source shows no diversity of classes under this protocol")
    for c in result.cross:
        print(f"{c.a} to {c.b}\n  distance   {c.distance}")
    print(f"probe {result.probe}; compare values of the same probe and protocol only", file=sys.stderr)
