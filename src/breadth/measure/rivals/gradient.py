"""Gradient space: each item as the gradient of its own loss in a probe's weights, randomly projected to a few numbers.

Vendi on these features is G-Vendi (arXiv 2505.20161): exp entropy of the eigenvalues of the mean of g g^T for normalised gradients.
Task2Vec squares and averages the same gradients over a task; here every item keeps its own, with sign.

Per layer, the gradient of item n follows from the layer's input and the gradient at its output; it is projected at once and
forgotten. The projection adds every weight, with a random sign, to one of ``dim`` places: for gradients a, b it keeps
E[Pa . Pb] = a . b with standard deviation near sqrt((|a|^2 |b|^2 + (a . b)^2) / dim), as feature hashing does (arXiv 0902.2206).
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from breadth.errors import MeasureError
from breadth.measure.head import Head, softmax
from breadth.measure.memory import MEMORY
from breadth.measure.rivals.kernel import Floats
from breadth.seeds import integer

__all__ = ["gradient_features"]

# Bytes in use for each byte of an item's gradient in the largest layer: the gradient, its signs and places, and copies on the way.
COPIES = 8


def _layers(body: nn.Module) -> dict[str, nn.Module]:
    """Modules that own parameters. Raises MeasureError for batch statistics and where there is none."""
    found = {name: m for name, m in body.named_modules() if any(True for _ in m.parameters(recurse=False))}
    if not found:
        raise MeasureError("the body has no layer with weights; expected a network whose gradients can be taken")
    for name, m in found.items():
        if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.running_mean is None:
            raise MeasureError(
                f"layer '{name}' normalises by its batch, so items have no gradient of their own; use running statistics"
            )
    return found


class _Projection:
    """Random signs for each parameter, made once; ``add`` projects gradients [n, ...] of one parameter onto [n, dim].

    Weight number e of a parameter goes to place e + offset modulo dim, with one random offset a parameter. A matrix is read as if its
    rows were a little longer, of a length without a divisor in common with dim: one input of the layer, which may be large in every row
    of the gradient, then meets all places instead of few.
    """

    def __init__(self, dim: int, seed: int) -> None:
        self.dim, self.seed = dim, seed
        self.tables: dict[str, tuple[Tensor, int]] = {}

    def add(self, total: Tensor, name: str, gradients: Tensor) -> None:
        if gradients.ndim > 2:
            rows = gradients.flatten(2)
            width = next(w for w in itertools.count(rows.shape[2]) if math.gcd(w, self.dim) == 1)
            gradients = nn.functional.pad(rows, (0, width - rows.shape[2]))
        flat = gradients.flatten(1)
        n, length = flat.shape
        if name not in self.tables:
            g = torch.Generator().manual_seed(integer(self.seed, "gradient projection", name))
            signs = torch.randint(0, 2, (length,), generator=g).to(flat.dtype) * 2 - 1
            self.tables[name] = signs.to(flat.device), int(torch.randint(0, self.dim, (1,), generator=g))
        signs, offset = self.tables[name]
        signed, whole = flat * signs, length - length % self.dim
        places = signed[:, :whole].view(n, -1, self.dim).sum(1)
        places[:, : length - whole] += signed[:, whole:]
        total += places.roll(offset, 1).double()


def _own_gradients(layer: nn.Module, x: Tensor, delta: Tensor) -> dict[str, Tensor]:
    """Gradients [n, ...] of (output * delta).sum() in each of the layer's own parameters, item by item."""
    if type(layer) is nn.Conv2d and layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str):
        columns = nn.functional.unfold(x, layer.kernel_size, layer.dilation, layer.padding, layer.stride)
        found = {"weight": torch.bmm(delta.flatten(2), columns.transpose(1, 2))}
        return found if layer.bias is None else {**found, "bias": delta.flatten(2).sum(2)}
    # Any other layer: differentiate it once more by itself, which is slower but knows every kind.
    weights = {name: p.detach() for name, p in layer.named_parameters(recurse=False)}

    def one(w: dict[str, Tensor], xi: Tensor, di: Tensor) -> Tensor:
        out: Tensor = functional_call(layer, w, (xi[None],))
        return (out * di[None]).sum()

    result: dict[str, Tensor] = vmap(grad(one), in_dims=(None, 0, 0))(weights, x, delta)
    return result


def _project(body: nn.Module, layers: dict[str, nn.Module], x: Tensor, head: Head, labels: np.ndarray, p: _Projection) -> Floats:
    """One chunk: forward with hooks, backward from the unit gradient at the features, projection in the backward hooks."""
    total = torch.zeros(len(x), p.dim, dtype=torch.float64, device=x.device)
    leaves: list[Tensor] = []
    called: set[str] = set()
    quiet: list[bool] = []

    def watch(name: str) -> Any:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> Tensor | None:
            if quiet:
                return None
            if len(inputs) != 1 or not isinstance(inputs[0], Tensor) or not isinstance(output, Tensor):
                raise MeasureError(
                    f"layer '{name}' ({type(layer).__name__}) does not take one tensor to one; expected simple layers"
                )
            if len(output) != len(x):
                raise MeasureError(
                    f"layer '{name}' gives {len(output)} rows for {len(x)} items; expected items in the first dimension"
                )
            called.add(name)
            given = inputs[0].detach().clone()
            first = not inputs[0].requires_grad
            if first:
                # Nothing before this layer is differentiated. The clone keeps an in-place activation away from the leaf.
                leaves.append(output.detach().requires_grad_())
                output = leaves[-1].clone()

            def keep(delta: Tensor) -> None:
                quiet.append(True)
                try:
                    for key, gradients in _own_gradients(layer, given, delta.detach()).items():
                        p.add(total, f"{name}.{key}", gradients)
                finally:
                    quiet.pop()

            output.register_hook(keep)
            return output if first else None

        return hook

    handles = [layer.register_forward_hook(watch(name)) for name, layer in layers.items()]
    try:
        with torch.enable_grad():
            features = body(x.detach())
        if unused := [name for name in layers if name not in called]:
            raise MeasureError(
                f"layer '{unused[0]}' has weights but is not called in the forward pass; expected every layer in use"
            )
        if features.ndim != 2 or features.shape[1] != head.weight.shape[1]:
            raise MeasureError(
                f"the body gives features of shape {list(features.shape)}; the head takes [n, {head.weight.shape[1]}]"
            )
        z = features.detach().double().cpu().numpy()
        at_logits = softmax(z @ head.weight.T + head.bias) - np.eye(len(head.weight))[labels]
        at_features = at_logits @ head.weight
        # Unit gradients: a certain head would leave too few digits of single precision. The length comes back in float64.
        size = np.linalg.norm(at_features, axis=1, keepdims=True)
        unit = np.divide(at_features, size, out=np.zeros_like(at_features), where=size > 0)
        torch.autograd.grad(features, leaves, torch.from_numpy(unit).to(features), allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    return np.asarray(total.cpu().numpy() * size)


def gradient_features(
    body: nn.Module, head: Head, x: Tensor, labels: np.ndarray, *, dim: int = 1024, seed: int = 0, memory: int = MEMORY
) -> Floats:
    """Return float64 [n, dim]: each item's gradient of cross-entropy at its label in all parameters of ``body``, projected.

    body: module from x [n, ...] to features [n, d], run in eval mode, of layers that take one tensor to one; head: C classes, whose own
    weights are left out; labels: int [n] in 0..C-1. The projection depends on ``seed`` and the parameters' names: use one seed for
    all sets that are compared. memory: bytes of a pass, at least one item; the result does not depend on it beyond rounding.
    Rows are not normalised: ``vendi`` does that. Raises MeasureError for labels that do not fit and bodies it cannot follow.
    """
    y = np.asarray(labels)
    ways = len(head.weight)
    if y.shape != (len(x),) or y.dtype.kind not in "iu" or not ((y >= 0) & (y < ways)).all():
        raise MeasureError(
            f"the labels do not fit {len(x)} items and a head of {ways} classes; expected integers 0..{ways - 1}, one an item"
        )
    if dim < 1:
        raise MeasureError(f"gradients were to be projected to {dim} numbers; expected 1 or more, e.g. 1024")
    layers = _layers(body)
    largest = max(q.numel() * q.element_size() for m in layers.values() for q in m.parameters(recurse=False))
    step = max(1, memory // (COPIES * largest))
    projection = _Projection(dim, seed)
    modes = {m: m.training for m in body.modules()}
    try:
        body.eval()
        parts = [slice(i, i + step) for i in range(0, len(x), step)]
        return np.concatenate([_project(body, layers, x[s], head, y[s], projection) for s in parts])
    finally:
        for m, training in modes.items():
            m.training = training
