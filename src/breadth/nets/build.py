"""From an architecture's name and sizes to a body with seeded weights, or with weights that were trained elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import torch
from torch import Tensor, nn

from breadth.errors import CheckpointError, SpecError, unknown_name
from breadth.nets.body import Body, initialise
from breadth.nets.resnet import ResNet, ResNet12
from breadth.nets.vision import ConvBody, MlpBody
from breadth.seeds import integer

__all__ = ["Architecture", "Kind", "build", "load_body"]

Kind = Literal["conv", "conv-stride", "resnet12", "resnet18", "resnet34", "mlp"]
_SCHEME: dict[Kind, str] = {"resnet12": "he-leaky", "resnet18": "he", "resnet34": "he"}
_SMALLEST: dict[Kind, int] = {"conv": 16, "resnet12": 16}
_HEADS = ("fc.", "head.", "classifier.", "cls.")


@dataclass(frozen=True)
class Architecture:
    """What a body is built from.

    kind: "conv-stride" (four stride-2 convolutions) and "conv" (the same with max pooling, the published 5CNN), "resnet12" (RFS),
    "resnet18", "resnet34" (torchvision), "mlp" (vectors). filters: channels of each convolution, or hidden width of the mlp; the
    ResNets ignore it. channels, size: of the input images in pixels; for the mlp ``size`` is the length of an input vector.
    eps: of batch norm, for networks from elsewhere; None: the kind's own.
    Raises SpecError for an unknown kind, a size below 1, an image too small for the kind, or an eps that is not between 0 and 1.
    """

    kind: Kind = "conv-stride"
    filters: int = 32
    channels: int = 3
    size: int = 32
    eps: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise SpecError(unknown_name("network kind", self.kind, get_args(Kind)))
        for name, value in (("filters", self.filters), ("channels", self.channels), ("size", self.size)):
            if value < 1:
                raise SpecError(f"network {name} is {value}; expected at least 1")
        if self.eps is not None and not 0 < self.eps < 1:
            raise SpecError(f"network eps is {self.eps}; expected a number between 0 and 1, as in 1e-5")
        if self.size < _SMALLEST.get(self.kind, 1):
            raise SpecError(
                f"network '{self.kind}' at size {self.size} has no pixels left after four halvings; "
                f"expected size {_SMALLEST[self.kind]} or more"
            )

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input: (size, size, channels) of an image, (size,) of a vector."""
        return (self.size,) if self.kind == "mlp" else (self.size, self.size, self.channels)

    def check_inputs(self, name: str, shape: tuple[int, ...]) -> None:
        """Raise SpecError where one input of the data called ``name`` has not the shape that the network takes."""
        if shape != self.input_shape:
            raise SpecError(
                f"'{name}' has inputs of shape {list(shape)}, the network '{self.kind}' takes {list(self.input_shape)}; "
                "prepare the data with the network's size and channels"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values by name; an eps that is the kind's own is left out, so that what was hashed before there was one stays."""
        return {k: v for k, v in asdict(self).items() if v is not None}


def _empty(arch: Architecture) -> Body:
    match arch.kind:
        case "conv" | "conv-stride":
            return ConvBody(arch.filters, arch.channels, arch.size, stride=arch.kind == "conv-stride")
        case "mlp":
            return MlpBody(arch.filters, arch.size)
        case "resnet12":
            return ResNet12(arch.channels)
        case "resnet18":
            return ResNet((2, 2, 2, 2), arch.channels)
        case "resnet34":
            return ResNet((3, 4, 6, 3), arch.channels)


def build(arch: Architecture, seed: int) -> Body:
    """Return the body of ``arch`` on the CPU; its weights are a pure function of ``arch`` and ``seed``.

    Convolutional nets and the mlp start as PyTorch does by default, ResNets as torchvision's and RFS's code do. No global
    generator is read or changed.
    """
    with torch.device("meta"):
        body = _empty(arch)
    if arch.eps is not None:
        for norm in body.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.eps = arch.eps
    body.to_empty(device="cpu")
    initialise(body, _SCHEME.get(arch.kind, "uniform"), torch.Generator().manual_seed(integer(seed, "weights")))
    return body


def load_body(body: Body, weights: Mapping[str, Tensor]) -> Body:
    """Copy ``weights`` into ``body`` in place and return it; strict on every parameter and running statistic of the body.

    Accepted: a body's own ``state_dict``, a classifier's (``body.*``, ``head.*``) and torchvision's (with ``fc.*``): heads are
    dropped. ``num_batches_tracked`` may be missing (files older than PyTorch 0.4.1). Raises CheckpointError naming the first key
    that is missing, unknown or of another shape.
    """
    given = {k.removeprefix("body."): v for k, v in weights.items() if not k.startswith(_HEADS)}
    own = body.state_dict()
    counters = {k for k in own if k.endswith("num_batches_tracked")}
    missing = [k for k in own if k not in given and k not in counters]
    extra = [k for k in given if k not in own]
    if missing:
        raise CheckpointError(
            f"weights lack {len(missing)} of the body's {len(own)} tensors, first '{missing[0]}'; "
            "give weights of the same architecture"
        )
    if extra:
        raise CheckpointError(
            f"weights hold {len(extra)} tensors that the body does not know, first '{extra[0]}'; "
            "give weights of the same architecture"
        )
    for key, value in given.items():
        if value.shape != own[key].shape:
            raise CheckpointError(f"weights '{key}' have shape {list(value.shape)}; the body expects {list(own[key].shape)}")
    body.load_state_dict({**{k: own[k] for k in counters}, **given})
    return body
