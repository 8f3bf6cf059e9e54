"""A checkpoint that was trained elsewhere as one run of a study: read, rebuilt, checked against the suite, and scored on it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from breadth.data.digest import source_digest
from breadth.data.episode import Episodes
from breadth.errors import CheckpointError, StoreError
from breadth.learn.evaluate import Scores, evaluate_maml, evaluate_pretrained
from breadth.learn.foreign.rebuild import ForeignCheckpoint, body_from, classifier_from, read_foreign
from breadth.learn.meta_step import Adapts
from breadth.nets.build import Architecture

__all__ = ["import_and_score"]

# Names that settings of a training go by in the files of the published programs, and in this package's own.
_RATES = ("inner_lr", "fast_lr")
_OPTIMISER = ("optimizer", "opt_option", "lr", "learning_rate", "scheduler_option", "schedule", "batch", "batch_size", "meta_batch")
_DATA = ("data_option", "dataset", "data_set", "dataset_name", "data_name", "data_path")


def import_and_score(
    body: dict[str, Any], suite: Episodes, data_root: Path, device: str
) -> tuple[dict[str, Scores], dict[str, Any]]:
    """Return the scores of the checkpoint of an import run on its suite, and what its file says, as JSON values.

    Raises CheckpointError in one line where the file is missing, is no network of the suite's image size or, for MAML and ANIL, has no head of
    the suite's ways or no known inner learning rate; StoreError where it is not the file that was planned.
    """
    asked, learner, evaluation = body["checkpoint"], body["learner"], body["evaluation"]
    path = data_root / asked["file"]
    given = asked.get("architecture")
    if not path.exists():
        raise CheckpointError(f"{path}: no such file; put it back, or name another in [[checkpoint]]")
    if source_digest(str(path)) != asked["digest"]:
        raise StoreError(f"{path}: changed since the study was planned; run the study again")
    arch = None if given is None else Architecture(given["kind"], given["filters"] or 32, given["channels"], given["size"])
    found = _of_this_size(read_foreign(path, architecture=arch), suite)
    modes = evaluation["batch_norm"]
    facts = _facts(found)
    if learner["kind"] == "pretrain":
        net = body_from(found)
        _fits(found, suite)
        return evaluate_pretrained(net, suite, heads=evaluation["heads"], batch_norm=modes, device=device), facts
    if not found.heads:
        raise CheckpointError(
            f"{path}: no head in the file; a network of {learner['kind'].upper()} is adapted from the head that it was trained with: give a "
            "file with it, or import the body under a learner of kind pretrain"
        )
    classifier = classifier_from(found)
    _fits(found, suite)
    if found.head_width != suite.ways:
        raise CheckpointError(
            f"{path}: its head has {found.head_width} outputs, the suite has {suite.ways} ways; set evaluation.ways = {found.head_width}, "
            "or import the body under a learner of kind pretrain"
        )
    rate, where = _inner_rate(found, learner)
    adapts: Adapts = "head" if learner["kind"] == "anil" else "all"
    scores = evaluate_maml(
        classifier, suite, inner_lr=rate, steps=learner["test_steps"], batch_norm=modes, adapts=adapts, device=device
    )
    return scores, {**facts, "inner_lr": rate, "inner_lr_from": where}


def _of_this_size(found: ForeignCheckpoint, suite: Episodes) -> ForeignCheckpoint:
    """A pooled or strided network whose file names no image size takes the suite's; its head says whether that can be."""
    arch = found.architecture
    if arch is None or not arch.kind.startswith("conv") or isinstance(found.hps.get("image_size"), int):
        return found
    return replace(found, architecture=replace(arch, size=suite[0].support_inputs.shape[1]))


def _fits(found: ForeignCheckpoint, suite: Episodes) -> None:
    """Residual networks take images of any size; the others have a last layer for one size only."""
    arch = found.architecture
    assert arch is not None  # a body was built from it
    shape = suite[0].support_inputs.shape[1:]
    size, channels = shape[0], shape[2] if len(shape) == 3 else 1
    if arch.kind != "mlp" and arch.channels != channels:
        raise CheckpointError(
            f"{found.path}: takes {arch.channels} channels, images.channels is {channels}; set it to {arch.channels}"
        )
    if not arch.kind.startswith("resnet") and arch.size != size:
        what = f"{arch.kind} for inputs of size {arch.size}"
        raise CheckpointError(
            f"{found.path}: is a {what}, images.size is {size}; set it to {arch.size}, or say its size in [[checkpoint]]"
        )


def _inner_rate(found: ForeignCheckpoint, learner: dict[str, Any]) -> tuple[float, str]:
    if "inner_lr" in learner:
        return float(learner["inner_lr"]), "the study, for this checkpoint"
    settings = _settings(found)
    for key in _RATES:
        value = settings.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value), f"{key} in the file"
    if "usual_inner_lr" in learner:
        return float(learner["usual_inner_lr"]), "the study, for the learner"
    raise CheckpointError(
        f"{found.path}: the inner learning rate is not in the file; give inner_lr in its [[checkpoint]] table, or in its [[learner]] table"
    )


def _settings(found: ForeignCheckpoint) -> dict[str, Any]:
    own = found.options.get("settings")
    return {**found.options, **(own if isinstance(own, dict) else {})}


def _facts(found: ForeignCheckpoint) -> dict[str, Any]:
    settings = _settings(found)

    def said(keys: tuple[str, ...]) -> dict[str, Any]:
        return {
            k: settings[k]
            for k in keys
            if isinstance(settings.get(k), str | int | float) and settings[k] != "" and not str(settings[k]).startswith("<")
        }

    size = found.hps.get("image_size")
    return {
        "layout": found.layout,
        "mode": found.mode,
        "mode_evidence": found.mode_evidence,
        "iteration": found.iteration,
        "epoch": found.epoch,
        "architecture": None if found.architecture is None else found.architecture.as_dict(),
        "evidence": found.evidence,
        "image_size": size if isinstance(size, int) else None,
        "head_width": found.head_width,
        "optimiser": said(_OPTIMISER),
        "data": next(iter(said(_DATA).values()), None),
        "notes": list(found.notes),
        "sha256": found.sha256,
        "tensors_sha256": found.tensors_sha256,
    }
