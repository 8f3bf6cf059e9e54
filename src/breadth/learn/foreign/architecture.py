"""Which of this package's networks a set of tensors belongs to, told by names and shapes, with the evidence in words.

The names of the published 5CNN (``model.features.conv1`` ...), of RFS's ResNet-12 and of torchvision's ResNet-18/34 are those of this
package's bodies once what stands before them is taken off; that prefix is found by looking for a name that each body must have.
learn2learn's CNN4 (``features.0.conv``, ``features.0.normalize``; "4CNN_l2l_cifarfs" among the published options) is the pooled network
under other names, with the eps that PyTorch has by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from breadth.errors import SpecError
from breadth.nets.build import Architecture, Kind

__all__ = ["Head", "Recognised", "recognise", "unusual_eps"]

_ANCHORS = ("features.conv1.weight", "layer1.0.conv1.weight", "features.linear1.weight")
_L2L = "features.0.conv.weight"
_TORCH_EPS = 1e-5
_HEADS = ("cls", "fc", "head", "classifier", "linear")
_DEPTHS: dict[tuple[int, ...], Kind] = {(2, 2, 2, 2): "resnet18", (3, 4, 6, 3): "resnet34"}
_USUAL: dict[Kind, int] = {"resnet12": 84, "resnet18": 224, "resnet34": 224}
_EPS: dict[Kind, float] = {"conv": 1e-3, "conv-stride": 1e-3}
_PUBLISHED = 84


@dataclass(frozen=True, eq=False)
class Head:
    """A linear layer on the features: name in the file, weight [classes, features], bias [classes] or None."""

    name: str
    weight: Tensor
    bias: Tensor | None


@dataclass(frozen=True, eq=False)
class Recognised:
    """architecture: None where none of this package's fits, or where the file does not say enough; evidence says why in either case.

    body: tensors by this package's names, without prefix and without heads; heads: those that differ; prefix: what was taken off the
    names; eps: of batch norm, where the file or its names tell it.
    """

    architecture: Architecture | None
    evidence: str
    prefix: str
    body: dict[str, Tensor]
    heads: tuple[Head, ...]
    notes: tuple[str, ...]
    eps: float | None = None


def recognise(
    state: Mapping[str, Tensor], *, option: str | None = None, hps: Mapping[str, Any] | None = None, text: str = ""
) -> Recognised:
    """Return what ``state`` is. option, hps: architecture's name and settings in the file; text: its printed layers, where known."""
    found = [(a, _before(state, a)) for a in (*_ANCHORS, _L2L)]
    anchor, prefixes = next(((a, p) for a, p in found if p), ("", [""]))
    prefix, notes = prefixes[0], list[str]()
    left_out = set[str]()
    for other in prefixes[1:]:
        copies = {k for k in state if k.startswith(other) and not k.startswith(prefix)} if not prefix.startswith(other) else set()
        twins = {k: prefix + k.removeprefix(other) for k in copies}
        if not copies or any(t not in state or not torch.equal(state[k], state[t]) for k, t in twins.items()):
            why = f"two networks, under '{prefix}' and '{other}'; save the one that is meant"
            return Recognised(None, why, "", dict(state), (), ())
        left_out |= copies
        notes.append(f"{len(copies)} tensors under '{other}' equal those under '{prefix}'")
    rest = {k: v for k, v in state.items() if k not in left_out}
    heads, of_heads = _heads(rest)
    body = {k.removeprefix(prefix): v for k, v in rest.items() if k not in of_heads}
    if prefix:
        notes.append(f"'{prefix}' taken off the names of {sum(k.startswith(prefix) for k in rest if k not in of_heads)} tensors")
    said = _Said(option or "", dict(hps or {}), text)
    of_l2l = anchor == _L2L
    if of_l2l:
        body, anchor = _renamed(body), _ANCHORS[0]
        notes.append("layers under learn2learn's names (features.0.conv, features.0.normalize)")
    eps = said.eps()
    eps = _TORCH_EPS if eps is None and of_l2l else eps
    arch: Architecture | None = None
    try:
        arch, evidence = _architecture(body, anchor, heads, said, eps)
    except _Unknown as reason:
        evidence = str(reason)
    return Recognised(arch, evidence, prefix, body, heads, tuple(notes), eps)


@dataclass(frozen=True)
class _Said:
    option: str
    hps: dict[str, Any]
    text: str

    def size(self) -> int | None:
        size = self.hps.get("image_size")
        return size if isinstance(size, int) and not isinstance(size, bool) and 0 < size <= 1024 else None

    def eps(self) -> float | None:
        printed = re.search(r"BatchNorm2d\([^)]*?eps=([0-9.e-]{1,20})", self.text)
        try:
            return float(self.hps["bn_eps"] if "bn_eps" in self.hps else printed[1] if printed else "")
        except (ValueError, TypeError):
            return None


def unusual_eps(kind: Kind, eps: float | None) -> float | None:
    """Return ``eps`` where it is told and not the kind's own."""
    return None if eps == _EPS.get(kind, _TORCH_EPS) else eps


def _before(state: Mapping[str, Tensor], anchor: str) -> list[str]:
    return sorted({k.removesuffix(anchor) for k in state if k == anchor or k.endswith("." + anchor)}, key=lambda p: (len(p), p))


def _renamed(body: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """learn2learn's names of layers as this package's; those of further layers stay, for ``load_body`` to name."""
    named = {"conv": "conv", "normalize": "norm"}
    out = dict[str, Tensor]()
    for key, value in body.items():
        found = re.fullmatch(r"features\.([0-3])\.(conv|normalize)\.(\w+)", key)
        out[f"features.{named[found[2]]}{int(found[1]) + 1}.{found[3]}" if found else key] = value
    return out


def _heads(state: Mapping[str, Tensor]) -> tuple[tuple[Head, ...], set[str]]:
    """Heads that differ from each other, and the names of all tensors of heads."""
    heads: list[Head] = []
    names = set[str]()
    for key, weight in state.items():
        parts = key.split(".")
        if len(parts) < 2 or parts[-1] != "weight" or parts[-2] not in _HEADS or weight.ndim != 2:
            continue
        name = key.removesuffix(".weight")
        bias = state.get(f"{name}.bias")
        names |= {key} | ({f"{name}.bias"} if bias is not None else set())
        if not any(_same(weight, h.weight) and _same(bias, h.bias) for h in heads):
            heads.append(Head(name, weight, bias))
    return tuple(heads), names


def _same(a: Tensor | None, b: Tensor | None) -> bool:
    return a is b or (a is not None and b is not None and a.shape == b.shape and torch.equal(a, b))


class _Unknown(Exception):
    """Its text says why the tensors are of none of this package's networks, or of which the file does not say."""


def _architecture(
    body: dict[str, Tensor], anchor: str, heads: tuple[Head, ...], said: _Said, eps: float | None
) -> tuple[Architecture, str]:
    if not anchor:
        first = next(iter(body), "none")
        if any(k.endswith("base.0.conv.weight") for k in body):
            raise _Unknown("learn2learn's network for Omniglot (base.0.conv), which averages its features over the image")
        raise _Unknown(f"no tensor has a name that one of this package's networks has (the first is '{first[:80]}')")
    weight = body[anchor]
    if weight.ndim < 2 or not weight.numel():
        raise _Unknown(f"'{anchor}' has shape {list(weight.shape)}, which is no layer's")
    if anchor == "features.linear1.weight":
        _expect(body, "features.linear2.weight", (len(weight), len(weight)))
        return Architecture("mlp", len(weight), size=weight.shape[-1]), f"features.linear1 takes {weight.shape[-1]} numbers"
    kind, evidence = _residual(body) if anchor.startswith("layer1") else _pooled_or_strided(body, heads, said)
    expected, other = _EPS.get(kind, _TORCH_EPS), unusual_eps(kind, eps)
    if said.hps.get("spp") or (kind == "resnet12" and said.hps.get("avg_pool") is False):
        raise _Unknown(f"{evidence}; but its settings say {'spp' if said.hps.get('spp') else 'avg_pool=False'}, another last layer")
    if other is not None:
        evidence += f"; eps of batch norm {other:g}, where this package's has {expected:g}"
    if eps is None:
        evidence += f"; eps of batch norm not in the file, {expected:g} taken"
    name, width, side = (
        (anchor, len(weight), 3) if kind in _EPS else (anchor, 64, 3) if kind == "resnet12" else ("conv1.weight", 64, 7)
    )
    conv = body[name]
    # What is built must not be larger than what the file holds.
    _expect(body, name, (width, conv.shape[1] if conv.ndim == 4 else 3, side, side))
    if kind in _EPS:
        _expect(body, "features.conv2.weight", (width, width, 3, 3))
    size, where = _size(kind, width, heads, said)
    try:
        return Architecture(kind, width if kind in _EPS else 32, conv.shape[1], size, other), f"{evidence}; {where}"
    except SpecError as error:
        raise _Unknown(f"{evidence}; {error}") from None


def _expect(body: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> None:
    if name not in body:
        raise _Unknown(f"'{name}' is missing")
    if tuple(body[name].shape) != shape:
        raise _Unknown(f"'{name}' has shape {list(body[name].shape)}; expected {list(shape)}")


def _residual(body: Mapping[str, Tensor]) -> tuple[Kind, str]:
    depths = tuple(len({k.split(".")[1] for k in body if k.startswith(f"layer{i}.")}) for i in range(1, 5))
    blocks = f"layer1-4 of {', '.join(map(str, depths))} blocks"
    third = body.get("layer1.0.conv3.weight")
    if third is not None and third.shape[-1:] == (3,):
        squeezed = any(".se." in k for k in body)
        if depths == (1, 1, 1, 1) and not squeezed:
            return "resnet12", f"{blocks} of three 3x3 convolutions (RFS)"
        what = f"{blocks} of three 3x3 convolutions{' with squeeze-and-excitation' if squeezed else ''}"
        raise _Unknown(f"{what} (RFS); only 1, 1, 1, 1 without squeeze-and-excitation is built here")
    if third is not None or depths not in _DEPTHS or "conv1.weight" not in body:
        raise _Unknown(f"a residual network ({blocks}) that is neither RFS's ResNet-12 nor torchvision's ResNet-18 or -34")
    return _DEPTHS[depths], f"{blocks} of two convolutions (torchvision)"


def _pooled_or_strided(body: Mapping[str, Tensor], heads: tuple[Head, ...], said: _Said) -> tuple[Kind, str]:
    """Both have the same tensors: the file's words decide, else the width of the head at the image size in its settings."""
    shape = body["features.conv1.weight"].shape
    what = f"features.conv1 has {shape[0]} filters on {shape[1]} channels"
    if said.option.startswith(("5CNN", "4CNN")):
        return "conv", f"model_option is {said.option[:80]}; {what}"
    if "MaxPool2d(" in said.text:
        return "conv", f"its layers hold MaxPool2d; {what}"
    if re.search(r"Conv2d\([^)]*?stride=\(2, 2\)", said.text):
        return "conv-stride", f"its convolutions have stride 2; {what}"
    size = said.size()
    fits = [k for k, n in _sides(size or 0) if any(h.weight.shape[1] == shape[0] * n * n for h in heads)]
    if size and len(fits) == 1:
        return fits[0], f"its head takes what {fits[0]} gives at image_size {size}; {what}"
    raise _Unknown(f"{what}; conv (pooled) and conv-stride have the same tensors, and the file does not say which it is")


def _sides(size: int) -> Iterator[tuple[Kind, int]]:
    yield "conv", size // 16
    yield "conv-stride", -(-size // 16)


def _size(kind: Kind, filters: int, heads: tuple[Head, ...], said: _Said) -> tuple[int, str]:
    size = said.size()
    if size:
        return size, f"image_size {size} in its settings"
    if kind in _USUAL:
        return _USUAL[kind], f"image size not in the file; its weights fit any, {_USUAL[kind]} taken"
    sides = {round((h.weight.shape[1] / filters) ** 0.5) for h in heads}
    side = sides.pop() if len(sides) == 1 else 0
    if side < 1 or not any(h.weight.shape[1] == filters * side * side for h in heads):
        raise _Unknown("neither an image size nor a head that tells it is in the file")
    size = _PUBLISHED if kind == "conv" and side == _PUBLISHED // 16 else 16 * side
    return size, f"the head takes {filters} x {side} x {side} features: size {size} taken, of those that give as many"
