"""From a foreign file to a body, and to a classifier where its head is wanted (MAML); strict on every tensor of the body."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from breadth.errors import CheckpointError, SpecError
from breadth.learn import checkpoint
from breadth.learn.foreign.architecture import Head, Recognised, recognise, unusual_eps
from breadth.learn.foreign.json_values import settings_of
from breadth.learn.foreign.layouts import Contents, Layout, Mode, contents_of
from breadth.nets.archive import LARGEST, read_archive
from breadth.nets.body import Body
from breadth.nets.build import Architecture, build, load_body
from breadth.nets.head import Classifier, classifier
from breadth.nets.weights import read_weights

__all__ = ["ForeignCheckpoint", "body_from", "classifier_from", "read_foreign"]


@dataclass(frozen=True, eq=False)
class ForeignCheckpoint:
    """A checkpoint and everything that its file says.

    layout: see ``layouts``; mode: "PT", "MAML", "ANIL" or "unknown", with its evidence; iteration, epoch: None where unknown; architecture:
    None where it is none of this package's or the file does not say enough, with its evidence; state: all tensors of the network by
    their names in the file; body: those without heads, without ``prefix``; heads: linear layers on the features that differ;
    option, hps, options: name and settings of the architecture, and settings of the training, as plain values; sha256: of the file's
    bytes (of ``meta.json``'s tensors for a folder of this package); tensors_sha256: of names, shapes, types and bytes of ``body``.
    """

    path: Path
    layout: Layout
    mode: Mode
    mode_evidence: str
    iteration: int | None
    epoch: int | None
    architecture: Architecture | None
    evidence: str
    state: dict[str, Tensor]
    body: dict[str, Tensor]
    heads: tuple[Head, ...]
    prefix: str
    option: str | None
    hps: dict[str, Any]
    options: dict[str, Any]
    sha256: str
    tensors_sha256: str
    notes: tuple[str, ...]

    @property
    def head_width(self) -> int | None:
        """Outputs of the head; None where there is none, or where several differ."""
        return len(self.heads[0].weight) if len(self.heads) == 1 else None


def read_foreign(path: str | Path, *, architecture: Architecture | None = None, largest: int = LARGEST) -> ForeignCheckpoint:
    """Return the checkpoint in ``path``: a file of ``torch.save`` or safetensors, or a folder that this package wrote.

    architecture: said by the caller instead of told from the file, for files that do not say enough; largest: bytes beyond which a
    file is refused unread. Nothing in the file is executed. Raises CheckpointError in one line where it is missing, damaged, holds
    no weights, or is no checkpoint at all.
    """
    path = Path(path)
    if path.is_dir() or (path.name.startswith("weights-") and checkpoint.exists(path.parent)):
        return _own(path if path.is_dir() else path.parent, architecture)
    if path.suffix == ".safetensors":
        if path.is_file() and path.stat().st_size > largest:
            raise CheckpointError(f"{path}: {path.stat().st_size:,} bytes, more than the limit of {largest:,}; raise the limit")
        state = read_weights(path)
        with safe_open(path, "pt") as file:
            options = settings_of(file.metadata())
        if not state:
            raise CheckpointError(f"{path}: holds no tensor; give a file of trained weights")
        return _made(path, Contents("state-dict", {}, options=options), state, _file_hash(path), architecture)
    archive = read_archive(path, largest=largest)
    try:
        contents = contents_of(archive.value)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}; give a file of trained weights") from None
    return _made(path, contents, archive.read(contents.tensors), _file_hash(path), architecture)


def _made(
    path: Path,
    c: Contents,
    state: dict[str, Tensor],
    sha256: str,
    architecture: Architecture | None,
    known: Architecture | None = None,
) -> ForeignCheckpoint:
    if not all(len(name) <= 300 and name.isprintable() for name in state):
        raise CheckpointError(f"{path}: its tensors have names that are no names of layers; give a file of trained weights")
    # Old files keep the settings of the architecture among those of the training.
    kept = () if c.hps else ("image_size", "bn_eps", "spp")
    hps: dict[str, Any] = {**{k: c.options[k] for k in kept if k in c.options}, **c.hps}
    found: Recognised = recognise(state, option=c.option, hps=hps, text=c.text)
    arch = architecture or known or found.architecture
    if architecture is not None and architecture.eps is None:
        try:
            arch = replace(architecture, eps=unusual_eps(architecture.kind, found.eps))
        except SpecError as error:
            raise CheckpointError(f"{path}: {error}; give a file of trained weights") from None
    evidence = "given by the caller" if architecture else "written beside the weights" if known else found.evidence
    notes = [*c.notes, *found.notes]
    bad = sum(not bool(v.isfinite().all()) for v in state.values() if v.is_floating_point())
    if bad:
        notes.append(f"{bad} tensors hold nan or infinity")
    if len(found.heads) > 1:
        shapes = ", ".join(f"'{h.name}' {list(h.weight.shape)}" for h in found.heads)
        notes.append(f"heads that differ: {shapes}; the body is used without any")
    elif not found.heads:
        notes.append("no head in the file")
    return ForeignCheckpoint(
        path,
        c.layout,
        c.mode,
        c.mode_evidence,
        c.iteration,
        c.epoch,
        arch,
        evidence,
        state,
        found.body,
        found.heads,
        found.prefix,
        c.option,
        hps,
        c.options,
        sha256,
        _tensors_hash(found.body),
        tuple(notes),
    )


def _own(folder: Path, architecture: Architecture | None) -> ForeignCheckpoint:
    state, meta = checkpoint.load(folder)
    identity, cost = ({**meta[k]} if isinstance(meta.get(k), dict) else {} for k in ("identity", "cost"))
    learner, settings = str(identity.get("learner", "unknown")), identity.get("settings")
    of_head = learner == "maml" and isinstance(settings, dict) and settings.get("adapts") == "head"
    modes: Mapping[str, Mode] = {"pretrain": "PT", "maml": "ANIL" if of_head else "MAML"}
    steps = cost.get("steps", meta.get("step"))
    contents = Contents(
        "breadth",
        {},
        modes.get(learner, "unknown"),
        f"its training is recorded as {learner}{' of the head alone' if of_head else ''}",
        int(steps) if isinstance(steps, int | float) else None,
        options={k: identity[k] for k in ("settings", "seed", "data") if k in identity},
        notes=() if meta.get("finished") else ("its training is unfinished",),
    )
    tensors = {k: v for k, v in state.items() if not k.startswith("adam.")}  # moments in a checkpoint of an unfinished training
    arch = meta.get("arch", identity.get("arch"))
    try:
        known = Architecture(**arch) if isinstance(arch, dict) else None
    except (TypeError, SpecError) as error:
        raise CheckpointError(f"{folder}: its architecture is {arch}, which this version cannot build ({error})") from None
    return _made(folder, contents, tensors, _tensors_hash(state), architecture, known)


def body_from(found: ForeignCheckpoint) -> Body:
    """Return the body with the file's weights, in eval mode, on the CPU.

    Raises CheckpointError where the architecture is unknown, where a tensor of the body is missing, unknown or of another shape (it
    is named), or where the head takes another number of features than the body gives.
    """
    arch = _known(found)
    body = build(arch, 0)
    for head in found.heads:
        if head.weight.shape[1] != body.feature_dim:
            raise CheckpointError(
                f"{found.path}: head '{head.name}' takes {head.weight.shape[1]} features, the body {arch.kind} at size {arch.size} gives "
                f"{body.feature_dim}; give the architecture or the image size that it was trained with"
            )
    try:
        load_body(body, found.body)
    except CheckpointError as error:
        raise CheckpointError(f"{found.path}: {error}") from None
    body.eval()
    return body


def classifier_from(found: ForeignCheckpoint) -> Classifier:
    """Return the body with the head of the file, in eval mode, on the CPU. Raises CheckpointError as ``body_from`` does, and without
    a single head with a bias."""
    body = body_from(found)
    heads = [(h.weight, h.bias) for h in found.heads if h.bias is not None]
    if len(heads) != 1 or len(found.heads) != 1:
        raise CheckpointError(
            f"{found.path}: {len(found.heads)} heads, {len(heads)} of them with a bias; expected one with a bias: use the body alone"
        )
    weight, bias = heads[0]
    net = classifier(body, len(weight), 0)
    with torch.no_grad():
        net.head.weight.copy_(weight)
        net.head.bias.copy_(bias)
    net.eval()
    return net


def _known(found: ForeignCheckpoint) -> Architecture:
    if found.architecture is None:
        raise CheckpointError(
            f"{found.path}: its network is not known: {found.evidence}; "
            "give kind, filters and size in its [[checkpoint]] table, where it is a network that breadth builds"
        )
    return found.architecture


def _file_hash(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _tensors_hash(tensors: Mapping[str, Tensor]) -> str:
    """Hash of names, types, shapes and bytes; counters of batches, which change no feature, are left out."""
    digest = hashlib.sha256()
    for name in sorted(n for n in tensors if not n.endswith("num_batches_tracked")):
        given = tensors[name].detach()
        # A copy laid out anew: a tensor of one number may say any stride, and be contiguous all the same.
        value = torch.empty(given.shape, dtype=given.dtype).copy_(given)
        digest.update(f"{name} {value.dtype} {list(value.shape)} ".encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
