"""The probe network: a frozen body through which every task is seen, identified by a fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from breadth.measure.headless import without_head
from breadth.measure.rules.layers import layer_sizes
from breadth.nets.build import Architecture, build, load_body
from breadth.seeds import generator

__all__ = ["ProbeNetwork", "line_probe", "probe", "probe_of"]


@dataclass(frozen=True, eq=False)
class ProbeNetwork:
    """A frozen body in eval mode. Two embeddings are comparable only if their probes have one fingerprint.

    feature_dim: features the body gives; size, channels: of the images it takes (size: length of the vectors it takes, for "mlp");
    fingerprint: SHA-256 (hex) of architecture and weights; layers: (name, filters) in the order of the embedding; vocabulary: whether
    embedding layers count.
    """

    body: nn.Module
    feature_dim: int
    name: str
    fingerprint: str
    size: int
    channels: int
    layers: tuple[tuple[str, int], ...]
    vocabulary: bool = True

    @property
    def embedding_dim(self) -> int:
        """Length of a task embedding: one number a filter; 9,600 for ResNet-18, 17,024 for ResNet-34."""
        return sum(filters for _, filters in self.layers)

    @property
    def device(self) -> torch.device:
        """Where the weights lie; tasks are moved there."""
        return next(self.body.parameters()).device

    def to(self, device: str) -> ProbeNetwork:
        """Return the same probe on another device ("cpu", "cuda"); this one stays where it is."""
        return replace(self, body=deepcopy(self.body).to(device))


def _fingerprint(structure: object, state: Mapping[str, Tensor]) -> str:
    sha = hashlib.sha256(json.dumps(structure, sort_keys=True).encode())
    for key, value in sorted(state.items()):
        # The batch counter plays no part in eval mode and old files lack it.
        if not key.endswith("num_batches_tracked"):
            sha.update(f"\n{key} {value.dtype} {list(value.shape)}\n".encode())
            # As bytes, since numpy knows no bfloat16.
            sha.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def probe(arch: Architecture, seed: int = 0, weights: Mapping[str, Tensor] | None = None, name: str | None = None) -> ProbeNetwork:
    """Return a probe on the CPU with the given weights, or with random ones that depend on ``arch`` and ``seed`` only.

    weights: a state dict of the body, of a classifier around it, or of torchvision's network of that layout (heads are dropped).
    Raises SpecError for an unknown architecture and CheckpointError for weights that do not fit it.
    """
    body = build(arch, seed)
    if weights is not None:
        load_body(body, weights)
    body.eval().requires_grad_(False)
    origin = f"random, seed {seed}" if weights is None else "given weights"
    fingerprint = _fingerprint(arch.as_dict(), body.state_dict())
    return ProbeNetwork(
        body, body.feature_dim, name or f"{arch.kind} ({origin})", fingerprint, arch.size, arch.channels, layer_sizes(body)
    )


def probe_of(
    module: nn.Module, head: str = "fc", *, size: int, channels: int, name: str | None = None, vocabulary: bool = True
) -> ProbeNetwork:
    """Return a probe whose body is a frozen copy of ``module`` up to the input of its ``head``; ``module`` stays as it is.

    head: dotted name of the submodule, of any type, whose input are the features [n, d]; it and all that runs after it play no part.
    size, channels: the body takes images [n, channels, size, size] where it has a convolution on images; otherwise integers
    [n, size] where it has an embedding layer; otherwise vectors [n, size]. vocabulary: whether embedding layers count. The
    fingerprint covers the weights and the kinds and settings of all modules, but not the code that connects them.

    Raises MeasureError for an unknown head, one that is not reached, features that are not [n, d], modules that cannot be copied or
    do not run on such inputs, and layers without a rule.
    """
    body, feature_dim = without_head(module, head, size=size, channels=channels)
    structure = [[key, type(m).__qualname__, m.extra_repr()] for key, m in body.named_modules()]
    # Heads and vocabulary=True leave no trace, so that one body under two heads is one probe.
    about = [structure, size, channels, *([] if vocabulary else ["no vocabulary"])]
    fingerprint = _fingerprint(about, body.state())
    sizes = layer_sizes(body, vocabulary)
    return ProbeNetwork(
        body, feature_dim, name or f"{type(module).__name__} (given module)", fingerprint, size, channels, sizes, vocabulary
    )


def line_probe(seed: int = 0, *, width: int = 128, finest: float = 0.1, widest: float = 100.0) -> ProbeNetwork:
    """Return a random probe for numbers on a line (vectors of length 1), such as the Gaussian benchmark of arXiv 2208.01545.

    The published network, two hidden layers of ``width`` ReLU units, where unit i of the first is max(0, +-(x - k_i)): signs are
    random, the kinks k_i have a random sign and log |k_i| is uniform between ``finest`` and ``widest``. Every decade of the line
    then has equally many, and tasks whose classes lie 0.1 or 100 apart are seen with the same resolution. Under PyTorch's own
    initialisation most kinks lie within +-1 and everything beyond is one straight line.
    """
    arch = Architecture("mlp", width, channels=1, size=1)
    weights = {key: value.clone() for key, value in build(arch, seed).state_dict().items()}
    rng = generator(seed, "line probe")
    slope, side = rng.choice([-1.0, 1.0], width), rng.choice([-1.0, 1.0], width)
    kink = side * np.exp(rng.uniform(np.log(finest), np.log(widest), width))
    weights["features.linear1.weight"] = torch.from_numpy(slope[:, None]).float()
    weights["features.linear1.bias"] = torch.from_numpy(-slope * kink).float()
    return probe(arch, weights=weights, name=f"mlp with kinks of all sizes (random, seed {seed})")
