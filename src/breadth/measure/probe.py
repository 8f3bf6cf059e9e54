"""The probe network: a frozen body through which every task is seen, identified by a fingerprint of its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from breadth.measure.fisher import layer_sizes
from breadth.nets.build import Architecture, build, load_body

__all__ = ["ProbeNetwork", "probe"]


@dataclass(frozen=True, eq=False)
class ProbeNetwork:
    """A frozen body in eval mode. Two embeddings are comparable only if their probes have one fingerprint.

    feature_dim: features the body gives; size, channels: of the images it takes (size: length of the vectors it takes, for "mlp");
    fingerprint: SHA-256 (hex) of architecture and weights; layers: (name, filters) in the order of the embedding.
    """

    body: nn.Module
    feature_dim: int
    name: str
    fingerprint: str
    size: int
    channels: int
    layers: tuple[tuple[str, int], ...]

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
        body = deepcopy(self.body).to(device)
        return ProbeNetwork(body, self.feature_dim, self.name, self.fingerprint, self.size, self.channels, self.layers)


def _fingerprint(arch: Architecture, body: nn.Module) -> str:
    sha = hashlib.sha256(json.dumps(asdict(arch), sort_keys=True).encode())
    for key, value in sorted(body.state_dict().items()):
        # The batch counter plays no part in eval mode and old files lack it.
        if not key.endswith("num_batches_tracked"):
            sha.update(f"\n{key} {value.dtype} {list(value.shape)}\n".encode())
            sha.update(value.detach().cpu().contiguous().numpy().tobytes())
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
    fingerprint = _fingerprint(arch, body)
    return ProbeNetwork(body, body.feature_dim, name or f"{arch.kind} ({origin})", fingerprint, arch.size, arch.channels,
                        layer_sizes(body))
