"""What a person wants to know about checkpoints: which files there are, what each is, and which are the same network twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from breadth.errors import CheckpointError
from breadth.learn.foreign.rebuild import ForeignCheckpoint, body_from
from breadth.nets.body import Body
from breadth.seeds import integer

__all__ = ["SUFFIXES", "Description", "alike", "describe", "find_checkpoints"]

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin", ".tar", ".safetensors")
_DATA = ("data_option", "dataset", "data_set", "dataset_name", "data_name", "data", "data_path", "data_root")
_IMAGES = 4
_LARGEST_INPUT = 84
_LARGEST_LAYER = 2**26  # numbers in the widest layer of an image


@dataclass(frozen=True, eq=False)
class Description:
    """facts: JSON-able; features: float32 [4, feature_dim] of a fixed input, None where the body cannot be built (or is too large to try)."""

    facts: dict[str, Any]
    features: np.ndarray | None


def find_checkpoints(paths: Sequence[Path]) -> list[Path]:
    """Return the files in ``paths``, folders walked: files that end in ``SUFFIXES``, and folders that hold a checkpoint of this package.

    Raises CheckpointError for a folder without any.
    """
    found = list[Path]()
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        inside = list[Path]()
        for folder, folders, files in os.walk(path):
            folders.sort()
            own = "meta.json" in files and _is_own(Path(folder))
            inside += [Path(folder)] if own else []
            inside += [Path(folder, f) for f in sorted(files) if f.endswith(SUFFIXES) and not (own and f.startswith("weights-"))]
        if not inside:
            raise CheckpointError(f"{path}: no checkpoint in this folder; expected files that end in {', '.join(SUFFIXES)}")
        found += inside
    return list(dict.fromkeys(found))


def _is_own(folder: Path) -> bool:
    try:
        return "tensors" in json.loads((folder / "meta.json").read_text())
    except (ValueError, TypeError, RecursionError, OSError):
        return False


def describe(found: ForeignCheckpoint) -> Description:
    """Return the facts about a checkpoint, whether its body can be built and, if so, the features of a fixed seeded input."""
    body: Body | None = None
    problem: str | None = None
    try:
        body = body_from(found)
    except CheckpointError as error:
        problem = str(error).removeprefix(f"{found.path}: ")
    in_head = sum(h.weight.numel() + (0 if h.bias is None else h.bias.numel()) for h in found.heads)
    named = {k: found.options[k] for k in _DATA if isinstance(found.options.get(k), str) and found.options[k]}
    facts = {
        "path": str(found.path),
        "layout": found.layout,
        "mode": found.mode,
        "mode_evidence": found.mode_evidence,
        "iteration": found.iteration,
        "epoch": found.epoch,
        "architecture": found.architecture.as_dict() if found.architecture else None,
        "evidence": found.evidence,
        "usable": body is not None,
        "problem": problem,
        "parameters": None if body is None else sum(p.numel() for p in body.parameters()),
        "head_width": found.head_width,
        "head_parameters": in_head,
        "tensors": len(found.state),
        "data": next(iter(named.values()), "unknown"),
        "model_option": found.option,
        "model_hps": found.hps,
        "options": found.options,
        "notes": list(found.notes),
        "sha256": found.sha256,
        "tensors_sha256": found.tensors_sha256,
    }
    small = found.architecture is not None and found.architecture.filters * found.architecture.size**2 <= _LARGEST_LAYER
    return Description(facts, _features(found, body) if body is not None and small else None)


@torch.no_grad()
def _features(found: ForeignCheckpoint, body: Body) -> np.ndarray:
    arch = found.architecture
    assert arch is not None  # a body was built from it
    # Residual bodies take any size: a smaller one costs less. The others are tied to theirs.
    size = min(arch.size, _LARGEST_INPUT) if arch.kind.startswith("resnet") else arch.size
    shape = (_IMAGES, size) if arch.kind == "mlp" else (_IMAGES, arch.channels, size, size)
    x = torch.randn(shape, generator=torch.Generator().manual_seed(integer(0, "checkpoint", "features")))
    features: np.ndarray = torch.cat([body(x[i : i + 1]) for i in range(_IMAGES)]).numpy()
    return features


def alike(descriptions: Sequence[Description]) -> dict[str, list[list[str]]]:
    """Return groups of two paths or more: "content", the same tensors in the body; "output", the same features of the fixed input.

    Files that are the same by content are named under "content" only, unless a third differs from them in content but not in output.
    """

    def same_content(a: Description, b: Description) -> bool:
        return bool(a.facts["tensors_sha256"] == b.facts["tensors_sha256"])

    def same_output(a: Description, b: Description) -> bool:
        x, y = a.features, b.features
        if x is None or y is None or x.shape != y.shape or not (np.isfinite(x).all() and np.isfinite(y).all()):
            return False
        return bool(np.allclose(x, y, rtol=1e-4, atol=1e-5 * float(np.abs(x).max())))

    content, output = _groups(descriptions, same_content), _groups(descriptions, same_output)
    return {"content": content, "output": [g for g in output if g not in content]}


def _groups(descriptions: Sequence[Description], same: Callable[[Description, Description], bool]) -> list[list[str]]:
    groups: list[list[Description]] = []
    for d in descriptions:
        group = next((g for g in groups if same(g[0], d)), None)
        if group is None:
            groups.append([d])
        else:
            group.append(d)
    return [[d.facts["path"] for d in g] for g in groups if len(g) > 1]
