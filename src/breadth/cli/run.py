"""``breadth run``: train, measure and evaluate whatever a study still lacks, here or on a cluster."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from breadth.cli.options import AsJson, DataRoot, Device, Runs, StudyFile, duration, print_json, progress_bar, study_from
from breadth.errors import SpecError
from breadth.study.engine import Engine, Progress, run_all
from breadth.study.engines.local import default_workers, local
from breadth.study.engines.ray import RayEngine
from breadth.study.engines.slurm import SlurmEngine, slurm_options
from breadth.study.feasible import check_feasible
from breadth.study.fixed import fix
from breadth.study.plan import plan_study
from breadth.study.store import Store
from breadth.study.text_checks import repeats_of_text

__all__ = ["run"]

START_TIMEOUT = 90.0


def run(
    study: StudyFile,
    runs: Runs = Path("runs"),
    engine: Annotated[
        Literal["local", "ray", "slurm"], typer.Option("--engine", help="Where runs execute; see docs/engines.md.")
    ] = "local",
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers", min=1, help="Runs at once; default: one per core (per GPU on cuda); slurm: tasks of the array, 16."
        ),
    ] = None,
    data_root: DataRoot = None,
    device: Device = "cpu",
    ray_address: Annotated[
        str | None, typer.Option("--ray-address", help="HOST:PORT, ray://HOST:PORT or auto; default: a cluster on this machine.")
    ] = None,
    ray_start_timeout: Annotated[
        float, typer.Option("--ray-start-timeout", min=1, help="Seconds that Ray's own processes may take to start.")
    ] = START_TIMEOUT,
    slurm: Annotated[
        list[str] | None,
        typer.Option(
            "--slurm", metavar="KEY=VALUE", help="Option of the SLURM job, as in partition=gpu, time=2:00:00; repeatable."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run and how long it may take (slurm: print the script), and stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train, measure and evaluate whatever the study still lacks.

    Stopped at any instant (Ctrl-C, kill, power), the same command goes on from there to the same result. Given on several machines that
    share the folder of runs, it divides the work among them.

    \b
    Examples:
      breadth run studies/quickstart.toml
      breadth run studies/vision.toml --data-root ~/packs --dry-run
      breadth run studies/vision.toml --engine slurm --slurm partition=cpu --slurm time=2:00:00
    """
    _belongs("--ray-address", ray_address is not None, "ray", engine)
    _belongs("--ray-start-timeout", ray_start_timeout != START_TIMEOUT, "ray", engine)
    _belongs("--slurm", bool(slurm), "slurm", engine)
    options = slurm_options(slurm or [])
    plan = plan_study(study_from(study, data_root))
    check_feasible(plan, device)
    store = Store(runs)
    missing = [r for r in plan.runs if not store.is_done(r)]
    array = SlurmEngine(plan.study.name, options, say=lambda line: print(f"breadth: {line}", file=sys.stderr))
    count = array.tasks(len(missing), workers) if engine == "slurm" else workers or default_workers(device)
    seconds = sum(r.seconds for r in missing) / count
    kinds = Counter(r.kind for r in missing)
    summary = {
        "study": plan.study.name,
        "runs": len(plan.runs),
        "missing": len(missing),
        "by_kind": dict(kinds),
        "workers": count,
        "estimated_seconds": round(seconds),
    }
    if dry_run:
        for repeated in repeats_of_text(plan.study):
            print(f"breadth: note: {repeated}", file=sys.stderr)
        script = array.script(store, len(missing), workers=workers, device=device) if engine == "slurm" else None
        if as_json:
            print_json({**summary, "script": script} if script else summary)
        else:
            listing = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "nothing"
            unit = "task" if engine == "slurm" else "GPU" if device == "cuda" else "core"
            print(
                f"{'# ' if script else ''}{plan.study.name}: {len(missing)} of {len(plan.runs)} runs to do ({listing}); "
                f"about {duration(seconds)} on {count} {unit}{'' if count == 1 else 's'}"
            )
            if script:
                print(script)
        return
    engines: dict[str, Engine] = {"local": local, "ray": RayEngine(ray_address, ray_start_timeout), "slurm": array}
    with progress_bar(plan.study.name, quiet=as_json) as show:

        def on_progress(p: Progress) -> None:
            rate = "" if p.tokens_per_second is None else f", {p.tokens_per_second:,.0f} tokens/s"
            show(p.fraction, p.seconds_left, "; ".join((f"{p.done}/{p.total} runs{rate}", *p.running)))

        fix(plan.study, store)
        data = Path(plan.study.data_root)
        done = run_all(plan.runs, store, data, engine=engines[engine], workers=workers, device=device, report=on_progress)
    if as_json:
        print_json({**summary, "executed": done})
    else:
        print(f"{plan.study.name}: all {len(plan.runs)} runs done ({done} now)", file=sys.stderr)


def _belongs(option: str, given: bool, owner: str, engine: str) -> None:
    if given and engine != owner:
        raise SpecError(f"{option} given with --engine {engine}; it goes with --engine {owner}: leave one of them out")
