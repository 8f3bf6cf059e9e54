"""``breadth measure``: the diversity coefficient of one or more sources, on a scale, with the other metrics and all distances."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from breadth.cli.options import AsJson, Device, bytes_of
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


def measure(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            help="Folders, .npz, .npy, .parquet, .csv, .tar, hf:USER/NAME, or digits, glyphs:..., gaussian:...; of text: .txt, .jsonl, "
            "ginc:..., and with --text any table, folder or hf:USER/NAME.",
            metavar="SOURCE...",
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
    draws: Annotated[
        int | None, typer.Option("--draws", min=1, help="Draws of rademacher and monte_carlo (1 unless given), and of text (2).")
    ] = None,
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
    text: Annotated[bool, typer.Option("--text", help="The sources are text, where their names do not say so.")] = False,
    text_col: Annotated[str | None, typer.Option("--text-col", help="Text: its column, where not clear.")] = None,
    by: Annotated[Literal["auto", "line", "document"], typer.Option("--by", help="Text: how plain text is cut.")] = "auto",
    tokenizer: Annotated[str, typer.Option("--tokenizer", help="Text: bytes, tokenizer.json, a folder or a Hub name.")] = "bytes",
    length: Annotated[int, typer.Option("--length", min=8, help="Text: tokens of a sequence.")] = 128,
    sequences: Annotated[int, typer.Option("--sequences", min=1, help="Text: sequences of a batch, which is a task.")] = 64,
    text_probe: Annotated[
        str, typer.Option("--text-probe", help="Text: default, random, a folder with a GPT-2, or a name on the Hub.")
    ] = "default",
    encoder: Annotated[
        str, typer.Option("--encoder", help="Text: a model of sentence-transformers for the Vendi score; default: the probe.")
    ] = "",
    interleave: Annotated[bool, typer.Option("--interleave", help="Text: --mixture inside every batch, measured anew.")] = False,
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
      breadth measure corpus.txt news.jsonl --mixture corpus=0.5,news=0.5 --interleave
      breadth measure table.csv --text --text-col body
    """
    # One thread: several would wait for each other as soon as anything else uses a core, which costs far more than they gain.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # By name: typer brings a click of its own.
    sources_of = {name: context.get_parameter_source(name) for name in context.params}
    given = [name for name, where in sources_of.items() if where is not None and where.name == "COMMANDLINE"]
    from breadth.cli.measure_sets import measure_sets
    from breadth.data.text.places import TextReading, is_text
    from breadth.data.text.tokens import BYTES
    from breadth.measure.memory import MEMORY, working_set
    from breadth.measure.settings import Reading, Settings  # loads torch
    from breadth.measure.store import default_store
    from breadth.measure.text.survey import TextSettings

    limit_bytes = None if memory is None else bytes_of("--memory", memory, "800M or 2G")
    folder = None if no_store else store or default_store()
    if text or text_col is not None or any(is_text(s) for s in sources):
        from breadth.cli.measure_text import TextAsked, measure_corpora

        how = TextSettings(
            tasks=_tasks(tasks),
            sequences=sequences,
            draws=draws or TextSettings.draws,
            scale=scale,
            rivals=rivals,
            seed=seed,
            memory=MEMORY if limit_bytes is None else working_set(limit_bytes, 0),
            store=folder,
            precision=precision,
            encoder=encoder,
        )
        asked = TextAsked(tokenizer, text_probe, probe_seed, device, interleave, given)
        reading = TextReading(BYTES, length, by, text_col, split, revision, offline, limit)
        measure_corpora(sources, reading, how, asked, mixture=mixture, out=out, dry_run=dry_run, as_json=as_json)
        return
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
        draws=draws or Settings.draws,
        arithmetic=arithmetic,
        memory=limit_bytes,
        scale=scale,
        rivals=rivals,
        seed=seed,
        probe_seed=probe_seed,
        device=device,
        store=folder,
        reading=Reading(image_col, label_col, group_col, split, revision, offline, limit),
    )
    measure_sets(sources, settings, given, mixture=mixture, out=out, dry_run=dry_run, as_json=as_json)
