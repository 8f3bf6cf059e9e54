"""The story of one run: specification -> files and record. The one room of the study that loads torch.

Probe: train or draw a probe network. Measure: embed tasks of a data source with a frozen probe. Train: train one learner on one training
set and evaluate it on the suite. Import: evaluate a network that was trained elsewhere. Baseline: evaluate without training. Overlap:
compare a training set with the suite.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from breadth.data.episode import Episodes
from breadth.data.overlap import overlap
from breadth.data.union import Union, pooled
from breadth.errors import SpecError
from breadth.learn.evaluate import Scores, evaluate_maml, evaluate_pixels, evaluate_pretrained
from breadth.learn.maml import MamlSettings, meta_train
from breadth.learn.meta_step import Adapts
from breadth.learn.pretrain import PretrainSettings, pretrain
from breadth.learn.trained import Trained, body_of, classifier_of
from breadth.measure import diversity
from breadth.measure.head import RIDGE
from breadth.measure.probe import ProbeNetwork, line_probe, probe
from breadth.measure.task2vec import Task2Vec
from breadth.nets.build import Architecture, build
from breadth.nets.device import check_device
from breadth.nets.norm import batch_norms
from breadth.nets.weights import read_weights
from breadth.study.imported import import_and_score
from breadth.study.measured import finish_measured
from breadth.study.plan import RunSpec
from breadth.study.sources import evaluation_episodes, task_source
from breadth.study.store import Store
from breadth.study.text_run import TEXT_STEPS

__all__ = ["execute"]

Report = Callable[[int, int], None]
# One pair of tasks for the noise floor, which costs two embeddings, for so many tasks of the coefficient.
TASKS_PER_FLOOR_PAIR = 8


def execute(run: RunSpec, store: Store, data_root: Path, *, device: str, report: Report) -> None:
    """Carry out one run and write its record. Interrupted, the same call goes on from the run's last checkpoint."""
    check_device(device)
    torch.set_num_threads(1)
    steps = {"probe": _probe, "measure": _measure, "train": _train, "import": _import, "baseline": _baseline, "overlap": _overlap}
    {**steps, **TEXT_STEPS}[run.kind](run, store, data_root, device, report)


def _architecture(spec: dict[str, Any], source: Union) -> Architecture:
    shape = source.input_shape
    return Architecture(spec["kind"], spec["filters"], shape[2] if source.is_images else 1, shape[0])


def _probe(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body, folder = run.body, store.folder(run)
    spec = {"kind": body["kind"], "filters": body["filters"]}
    if body["weights"] == "trained":
        source = task_source(body["data"], data_root)
        settings = PretrainSettings(images=body["images"])
        trained = pretrain(
            pooled(source),
            _architecture(spec, source),
            settings,
            seed=body["seed"],
            folder=folder / "checkpoint",
            report=report,
            device=device,
        )
        weights = {k.removeprefix("body."): v for k, v in trained.weights.items() if k.startswith("body.")}
        result = {"cost": trained.cost, "history": trained.history[-1:]}
    elif body["weights"] == "random":
        weights, result = {}, {}
    else:
        weights, result = read_weights(data_root / body["file"]), {}
    save_file(weights, folder / "body.safetensors")
    store.finish(run, result, ("body.safetensors",))


def _probe_network(run_id: str, store: Store, source: Union, device: str) -> ProbeNetwork:
    spec, folder = store.spec(run_id), store.folder(run_id)
    store.result(run_id)  # checks that the weights are what was written
    weights = read_weights(folder / "body.safetensors")
    if spec["kind"] == "line":
        return line_probe(spec["seed"])
    made = probe(_architecture(spec, source), spec["seed"], weights or None)
    return made.to(device) if device != "cpu" else made


def _measure(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body = run.body
    source = task_source(body["data"], data_root)
    t2v = Task2Vec(
        _probe_network(run.needs[0], store, source, device),
        estimator=body["estimator"],
        ridge=body.get("ridge", RIDGE),
        seed=body["seed"],
    )
    n, ways, per_class, seed = body["tasks"], body["ways"], body["per_class"], body["seed"]
    pairs = max(n // TASKS_PER_FLOOR_PAIR, 3)
    total = n + 2 * pairs
    e = diversity.embed(
        source, t2v, tasks=n, ways=ways, per_class=per_class, seed=seed, progress=lambda done, _: report(done, total)
    )
    floor = diversity.noise_floor(
        source, t2v, pairs=pairs, ways=ways, per_class=per_class, seed=seed, progress=lambda done, _: report(n + 2 * done, total)
    )
    finish_measured(run, store, e, floor)


def _train(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body = run.body
    source = task_source(body["data"], data_root)
    suite = evaluation_episodes(body["evaluation"], data_root)
    arch = _architecture(body["architecture"], source)
    options = {k: v for k, v in body["learner"].items() if k not in ("kind", "test_steps")}
    checkpoint = store.folder(run) / "checkpoint"
    learner = body["learner"]
    if learner["kind"] == "pretrain":
        trained = pretrain(
            pooled(source), arch, PretrainSettings(**options), seed=body["seed"], folder=checkpoint, report=report, device=device
        )
    else:
        made = MamlSettings(**options, adapts=_adapts(learner))
        trained = meta_train(source, arch, made, seed=body["seed"], folder=checkpoint, report=report, device=device)
    _finish_scored(run, store, _scores(trained, body, suite, device), suite, trained)


def _import(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    suite = evaluation_episodes(run.body["evaluation"], data_root)
    scores, facts = import_and_score(run.body, suite, data_root, device)
    report(1, 1)
    _finish_scored(run, store, scores, suite, said={"checkpoint": facts})


def _adapts(learner: dict[str, Any]) -> Adapts:
    return "head" if learner["kind"] == "anil" else "all"


def _scores(trained: Trained, body: dict[str, Any], suite: Episodes, device: str) -> dict[str, Scores]:
    learner, evaluation = body["learner"], body["evaluation"]
    if learner["kind"] == "pretrain":
        return evaluate_pretrained(
            body_of(trained), suite, heads=evaluation["heads"], batch_norm=evaluation["batch_norm"], device=device
        )
    return evaluate_maml(
        classifier_of(trained),
        suite,
        inner_lr=learner["inner_lr"],
        steps=learner["test_steps"],
        batch_norm=evaluation["batch_norm"],
        adapts=_adapts(learner),
        device=device,
    )


def _finish_scored(
    run: RunSpec,
    store: Store,
    scores: dict[str, Scores],
    suite: Episodes,
    trained: Trained | None = None,
    said: dict[str, Any] | None = None,
) -> None:
    """Keep every episode's scores and the weights of what was trained here; the record holds the means, and what else is ``said``."""
    folder = store.folder(run)
    arrays = {f"{name}:{what}": getattr(s, what) for name, s in scores.items() for what in ("accuracy", "loss")}
    np.savez(folder / "scores.npz", **arrays)
    files = ["scores.npz"]
    result: dict[str, Any] = {
        "suite": suite.fingerprint(),
        "scores": {name: {"accuracy": float(s.accuracy.mean()), "loss": float(s.loss.mean())} for name, s in scores.items()},
        **(said or {}),
    }
    if trained is not None:
        save_file(trained.weights, folder / "weights.safetensors")
        files.append("weights.safetensors")
        result |= {"cost": trained.cost, "stopped": trained.stopped, "history": trained.history[-1:]}
    store.finish(run, result, tuple(files))


def _baseline(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    body = run.body
    suite = evaluation_episodes(body["evaluation"], data_root)
    if body["name"] == "pixels":
        scores = {"pixels": evaluate_pixels(suite)}
    elif body["name"] == "random network":
        evaluation = body["evaluation"]
        net = build(_architecture(body["architecture"], task_source(evaluation["suite"], data_root)), body["seed"])
        # Batch norm of a network that was never trained has no running statistics to use.
        modes = [m for m in evaluation["batch_norm"] if m != "running" or not batch_norms(net)]
        scores = evaluate_pretrained(net, suite, heads=evaluation["heads"], batch_norm=modes, device=device)
    else:
        raise SpecError(f"unknown baseline '{body['name']}'; expected one of: pixels, random network")
    report(1, 1)
    _finish_scored(run, store, scores, suite)


def _overlap(run: RunSpec, store: Store, data_root: Path, device: str, report: Report) -> None:
    train, suite = (task_source(run.body[part], data_root) for part in ("data", "suite"))
    # A training set and its own held-out classes go by one name, so each side has its own digests.
    ours, theirs = ({p["name"]: p["digest"] for p in run.body[part]["parts"]} for part in ("data", "suite"))
    pairs = []
    for a in train.parts:
        for b in suite.parts:
            found = overlap(a, b)
            pairs.append(
                {
                    "train": a.name,
                    "evaluation": b.name,
                    "exact": found.exact,
                    "near": found.near,
                    "names": list(found.names),
                    "n_train": found.n_a,
                    "n_evaluation": found.n_b,
                    "same_source": ours[a.name] == theirs[b.name],
                    "numbers": not a.is_images and a.inputs.shape[1] == 1,
                }
            )
            report(len(pairs), len(train.parts) * len(suite.parts))
    counts = {
        a.name: {"classes": a.n_classes, "images": a.n_items, "least": min(a.counts), "most": max(a.counts)} for a in train.parts
    }
    store.finish(run, {"pairs": pairs, "counts": counts})
