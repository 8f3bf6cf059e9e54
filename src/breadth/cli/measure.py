"""``breadth measure``: the diversity coefficient of one or more sources, on a scale, with the other metrics and all distances."""

from __future__ import annotations

import math
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Literal

import typer

from breadth.cli.options import AsJson, Device, bytes_of, duration, print_json, progress_bar
from breadth.errors import MeasureError

__all__ = ["measure"]

ProbeKind = Literal["resnet18", "resnet34", "resnet12", "conv", "conv-stride", "mlp"]
FisherEstimator = Literal["exact", "rademacher", "monte_carlo", "empirical", "awslabs"]


def _tasks(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    if not text.isdecimal():
        raise MeasureError(f"--tasks is '{text}'; expected a whole number of 3 or more, or auto")
    return int(text)


def _tell_time(count: int, tasks: str, seconds: float, listed: list[str] | None) -> None:
    """Say how long ``count`` sources may take, nan where they have no tasks; as JSON where the sources are ``listed``."""
    if listed is not None:
        print_json({"sources": listed, "estimated_seconds": seconds if math.isnan(seconds) else round(seconds)})
    elif math.isnan(seconds):
        print("features without labels, hence no tasks: the other metrics alone take seconds")
    else:
        print(f"{count} source{'' if count == 1 else 's'}, {tasks} tasks each: about {duration(seconds)} on one core")


def measure(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, .npz, .npy, .parquet, .csv, .tar, hf:USER/NAME, or digits, glyphs:..., gaussian:...", metavar="SOURCE..."
        ),
    ],
    probe: Annotated[ProbeKind, typer.Option("--probe", help="Architecture of the probe network.")] = "resnet18",
    weights: Annotated[Path | None, typer.Option("--weights", help="Probe weights (.safetensors); default: random.")] = None,
    filters: Annotated[int, typer.Option("--filters", min=1, help="Width of conv, conv-stride and mlp probes.")] = 64,
    tasks: Annotated[str, typer.Option("--tasks", help="Tasks drawn from each source, or auto.")] = "20",
    precision: Annotated[
        float, typer.Option("--precision", help="With --tasks auto: half-width of the coefficient, uncorrected.")
    ] = 0.01,
    ways: Annotated[int, typer.Option("--ways", min=2, help="Classes of a task.")] = 5,
    per_class: Annotated[int, typer.Option("--per-class", min=1, help="Items of each class.")] = 10,
    size: Annotated[int, typer.Option("--size", min=8, help="Images become SIZE x SIZE pixels.")] = 32,
    channels: Annotated[int, typer.Option("--channels", help="1 or 3.")] = 3,
    estimator: Annotated[FisherEstimator, typer.Option("--estimator", help="How the expectation over labels is taken.")] = "exact",
    head: Annotated[Literal["ridge", "adam"], typer.Option("--head", help="How the head is fitted to a task.")] = "ridge",
    ridge: Annotated[float, typer.Option("--ridge", help="Of the ridge head: larger, less certain.")] = 0.1,
    draws: Annotated[int, typer.Option("--draws", min=1, help="Draws of rademacher and monte_carlo.")] = 1,
    arithmetic: Annotated[
        Literal["float32", "bf16", "tf32"], typer.Option("--arithmetic", help="Of the network's passes.")
    ] = "float32",
    memory: Annotated[str | None, typer.Option("--memory", help="Cap on what the process holds, e.g. 800M.")] = None,
    mixture: Annotated[str | None, typer.Option("--mixture", help="Also this mixture: NAME=0.7,NAME=0.3, or best.")] = None,
    scale: Annotated[bool, typer.Option("--scale/--no-scale", help="Floor and ceiling.")] = True,
    rivals: Annotated[bool, typer.Option("--rivals/--no-rivals", help="The other metrics.")] = True,
    image_col: Annotated[str | None, typer.Option("--image-col", help="Column of the images, where not clear.")] = None,
    label_col: Annotated[str | None, typer.Option("--label-col", help="Column of the labels, where not clear.")] = None,
    group_col: Annotated[str | None, typer.Option("--group-col", help="Column of what belongs together.")] = None,
    split: Annotated[str | None, typer.Option("--split", help="Of a Hugging Face data set.")] = None,
    revision: Annotated[str | None, typer.Option("--revision", help="Of a Hugging Face data set.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Never use the network.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="At most so many items of each source.")] = None,
    store: Annotated[
        Path | None, typer.Option("--store", help="Folder of finished embeddings; default: your cache folder.")
    ] = None,
    no_store: Annotated[bool, typer.Option("--no-store", help="Keep no embeddings.")] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for the page, its pictures and the numbers.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of the task draw.")] = 0,
    probe_seed: Annotated[int, typer.Option("--probe-seed", help="Seed of random probe weights.")] = 0,
    device: Device = "cpu",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how long it may take, and stop.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the diversity coefficient of each source: the expected distance between the Task2Vec embeddings of two of its tasks.

    Beside each value stand its noise floor (same classes, newly drawn items), the value without that noise, and where it lies between
    the floor and the ceiling of the scale. Intervals hold for tasks drawn from the given data. Finished embeddings are kept: the
    same command goes on after an interruption, and more tasks or sources cost only what is new.

    \b
    Examples:
      breadth measure digits
      breadth measure "glyphs:scripts=greek" "glyphs:scripts=greek+latin" --probe conv --tasks 50 --out greek
      breadth measure photos/ sketches.npz --weights resnet18.safetensors --tasks auto --precision 0.005
      breadth measure hf:USER/NAME#train photos/ --mixture best --json
    """
    # One thread: several would wait for each other as soon as anything else uses a core, which costs far more than they gain.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    from breadth.cli.idle import idle_options, tell_idle
    from breadth.cli.measured import as_dict, asked_weights, mixture_of, tell, tell_features, write_page
    from breadth.measure.settings import Reading, Settings  # loads torch
    from breadth.measure.sources import no_classes, read_sources
    from breadth.measure.store import default_store
    from breadth.measure.survey import estimated_seconds, survey
    from breadth.measure.unlabelled import measure_features

    settings = Settings(
        probe=probe,
        weights=weights,
        filters=filters,
        tasks=_tasks(tasks),
        precision=precision,
        ways=ways,
        per_class=per_class,
        size=size,
        channels=channels,
        estimator=estimator,
        head=head,
        ridge=ridge,
        draws=draws,
        arithmetic=arithmetic,
        memory=None if memory is None else bytes_of("--memory", memory, "800M or 2G"),
        scale=scale,
        rivals=rivals,
        seed=seed,
        probe_seed=probe_seed,
        device=device,
        store=None if no_store else store or default_store(),
        reading=Reading(image_col, label_col, group_col, split, revision, offline, limit),
    )
    sets = read_sources(sources, settings)
    bare = no_classes(sets)
    if bare and (out is not None or mixture is not None):
        raise MeasureError(
            f"'{sets[0].name}' has no labels, hence no tasks; expected labelled sources with --out or --mixture: leave these out, or "
            "name the labels with --label-col"
        )
    # By name: typer brings a click of its own.
    sources_of = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, where in sources_of.items() if where is not None and where.name == "COMMANDLINE"]
    tell_idle(idle_options(given, settings, sets, bare=bare))
    if dry_run:
        _tell_time(len(sets), tasks, float("nan") if bare else estimated_seconds(sets, settings), sources if as_json else None)
        return
    if bare:
        features = measure_features(sets, settings)
        if as_json:
            print_json({"sources": [f.as_dict() for f in features]})
        else:
            tell_features(features)
        return
    weights_asked = None if mixture is None else asked_weights(mixture, [s.name for s in sets])
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)  # where that cannot be, it is better known now than after the measurement
    with warnings.catch_warnings(record=True) as warned, progress_bar("measure", quiet=as_json) as show:
        result = survey(sets, settings, report=show)
    for warning in warned:
        print(f"breadth: warning: {warning.message}", file=sys.stderr)
    mixed = None if weights_asked is None else mixture_of(result, weights_asked)
    if out is not None:
        write_page(result, out, mixed)
    if as_json:
        print_json(as_dict(result, mixed))
        return
    tell(result, precision if tasks == "auto" else None)
    if mixed is not None:
        print(mixed)
    if out is not None:
        print(f"page: {out / 'index.html'}")
