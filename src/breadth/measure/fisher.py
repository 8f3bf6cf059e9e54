"""The diagonal Fisher information of a frozen body under a linear head, averaged inside each filter: exact, or unbiased and cheap.

For items x_n with weights w_n (equal within a class, equal sums over classes) and the model's own p_n = softmax(W f(x_n) + b),

    F = sum_n w_n sum_c p_nc (d log p_nc / d theta)^2                                       (arXiv 1902.03545, section 2)

and, with J_n = d logits_n / d theta, F = sum_n w_n diag(J_n^T (diag p_n - p_n p_n^T) J_n). Any S_n with S_n S_n^T =
diag p - p p^T turns this into squares of ordinary backward passes: F = sum_n w_n sum_k (J_n^T S_nk)^2. The columns
sqrt(p_k) (e_k - p) are such an S; the reflection that sends sqrt(p) to the first axis makes one of them vanish, so that C classes
need C - 1 passes:

    column k = sqrt(p_k) (e_k - p) - sqrt(p_k) / (1 + sqrt(p_1)) * sqrt(p_1) (e_1 - p),  k = 2 .. C.

Only gradients of activations are propagated; layers.py turns them into squared weight gradients, sample by sample. No parameter
needs a gradient, nothing is left on the modules, and batch normalisation uses its running statistics, so that samples do not
interact.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from breadth.errors import MeasureError, unknown_name
from breadth.measure.axes import first_input, input_shapes, repeated, sample_first, second_batch
from breadth.measure.backprop import linked, swift_layout
from breadth.measure.head import Head, softmax
from breadth.measure.memory import MEMORY, chunks, peak_bytes
from breadth.measure.precision import Precision, computing
from breadth.measure.rules.layers import layer_sizes, rule_for, weighted_layers
from breadth.measure.rules.rows import Squares
from breadth.nets.norm import evaluating
from breadth.seeds import generator

__all__ = [
    "ESTIMATORS",
    "Estimator",
    "Recording",
    "chunk_size",
    "features_of",
    "fisher_diagonal",
    "fisher_of",
    "layer_sizes",
    "passes",
    "record",
]

Estimator = Literal["exact", "rademacher", "monte_carlo", "empirical"]
ESTIMATORS: tuple[str, ...] = get_args(Estimator)
# Cotangents that one backward pass takes on a device where a pass costs more than its arithmetic.
STACK = 4
# body -> (what a sample's peak depends on) -> bytes.
_PEAKS: weakref.WeakKeyDictionary[nn.Module, dict[tuple[object, ...], int]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Recording:
    """One forward pass that can be asked for squared weight gradients.

    features: [n, d], attached to the graph; start: where the backward pass ends; squares: layer -> [n, out], of the last pass.
    """

    features: Tensor
    start: Tensor
    squares: dict[str, Tensor]

    def backward(self, cotangent: Tensor) -> dict[str, Tensor]:
        """Return layer -> [n, out]: mean squared gradient of ``(cotangent * features).sum()`` inside each filter, per sample."""
        self.squares.clear()
        torch.autograd.grad(self.features, self.start, cotangent, retain_graph=True, allow_unused=True)
        return dict(self.squares)

    def stacked(self, cotangents: Tensor) -> dict[str, Tensor]:
        """Return layer -> [k, n, out] for cotangents [k, n, d], in one backward pass."""
        if len(cotangents) == 1:
            return {name: squares[None] for name, squares in self.backward(cotangents[0]).items()}
        return dict(torch.func.vmap(self.backward)(cotangents))


def _rule_dtype(layer: nn.Module, output: Tensor) -> torch.dtype:
    """Convolutions take their rule in the precision they ran in; sums over positions elsewhere are worth single precision."""
    short = output.dtype in (torch.bfloat16, torch.float16)
    return torch.float32 if short and not isinstance(layer, nn.Conv2d) else output.dtype


def _fixed(layer: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output.detach()


def record(body: nn.Module, x: Tensor, passes: int, vocabulary: bool = True) -> Recording:
    """Run ``body`` on x [n, ...] in eval mode and keep what ``passes`` backward passes need; the modules are left as they were.

    vocabulary: whether embedding layers count. Raises MeasureError for a layer without a rule, called twice, or not called, whose
    input has no axis of samples or is changed in place afterwards, and for features that are not [n, d].
    """
    layers = weighted_layers(body, vocabulary)
    n, other = len(x), second_batch(x.detach())
    squares: dict[str, Tensor] = {}
    called: set[str] = set()
    start = torch.zeros((), device=x.device, requires_grad=True)
    seen: list[tuple[str, Tensor, int]] = []
    shapes: dict[str, torch.Size] = {}

    def watch(name: str) -> Any:
        rule = rule_for(name, layers[name])
        assert rule is not None

        def hook(layer: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Tensor], output: Tensor) -> Tensor | None:
            if name in called:
                raise MeasureError(f"layer '{name}' is called twice in one forward pass; expected every layer to be used once")
            called.add(name)
            given = first_input(args, kwargs)
            if not isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
                # The rule of batch normalisation keeps a copy; holding its input until the end would cost much memory.
                seen.append((name, given, given._version))
            if not sample_first(name, given, n, shapes.get(name, torch.Size()), len(other)):
                given, output = repeated(given, output, n)
                output = output.clone()
            kind = _rule_dtype(layer, output)
            with torch.no_grad(), torch.autocast(given.device.type, enabled=False):
                squared: Squares = rule(layer, given.detach().to(kind) if given.is_floating_point() else given, passes)

            def keep(delta: Tensor) -> None:
                with torch.no_grad():
                    squares[name] = squared(delta.to(kind))

            return linked(layer, given, output, keep, start)

        return hook

    handles: list[Any] = []
    try:
        # Attention by its definition: the gradients of the fused kernels do not stack under vmap.
        with evaluating(body), torch.enable_grad(), swift_layout(body), sdpa_kernel(SDPBackend.MATH):
            shapes.update(input_shapes(body, layers, other))
            handles += [layer.register_forward_hook(watch(name), with_kwargs=True) for name, layer in layers.items()]
            if not vocabulary:
                handles += [m.register_forward_hook(_fixed) for m in body.modules() if isinstance(m, nn.Embedding)]
            features = body(x.detach())
    finally:
        for handle in handles:
            handle.remove()
    if unused := [name for name in layers if name not in called]:
        raise MeasureError(f"layer '{unused[0]}' has a weight but is not called in the forward pass; expected every layer in use")
    if changed := [name for name, given, version in seen if given._version != version]:
        raise MeasureError(f"the input of layer '{changed[0]}' is changed in place after use; expected an operation that copies")
    if features.ndim != 2 or len(features) != n:
        raise MeasureError(f"the body gives features of shape {list(features.shape)}; expected [{n}, d]: flatten them")
    if not features.requires_grad:
        raise MeasureError("the features do not depend on any layer with a weight; expected no detach() in the body")
    return Recording(features, start, squares)


def features_of(body: nn.Module, x: Tensor) -> Tensor:
    """Return the features [n, d] that ``record`` would, without a graph."""
    with evaluating(body), torch.no_grad(), swift_layout(body):
        return body(x)  # type: ignore[no-any-return]


def _stack(x: Tensor, passes: int) -> int:
    return 1 if x.device.type == "cpu" else min(passes, STACK)


def chunk_size(body: nn.Module, x: Tensor, passes: int, memory: int | None = None, vocabulary: bool = True) -> int:
    """Return how many of the samples x [n, ...] fit into ``memory`` bytes (default 1 GB), at least 1.

    A pass over one sample with as many cotangents at once as the device takes tells what a sample needs; it is made once for a body.
    """
    found = _PEAKS.setdefault(body, {})
    key = (tuple(x.shape[1:]), x.dtype, x.device.type, passes, vocabulary, torch.is_autocast_enabled(x.device.type))
    if key not in found:

        def one() -> None:
            recording = record(body, x[:1], passes, vocabulary)
            recording.stacked(torch.ones_like(recording.features).expand(_stack(x, passes), -1, -1))

        try:
            found[key] = peak_bytes(one, [*body.parameters(), *body.buffers(), x])
        except MeasureError:
            return len(x)  # so that the message is about the samples that were given
    return max(1, (MEMORY if memory is None else memory) // found[key])


def passes(estimator: Estimator, ways: int, draws: int = 1) -> int:
    """Return the number of backward passes that an estimator takes. Raises MeasureError for an unknown name."""
    if estimator not in ESTIMATORS:
        raise MeasureError(unknown_name("Fisher estimator", estimator, ESTIMATORS))
    if draws < 1:
        raise MeasureError(f"the Fisher estimator was asked for {draws} draws; expected 1 or more")
    return {"exact": ways - 1, "rademacher": draws, "monte_carlo": draws, "empirical": 1}[estimator]


def _cotangents(
    p: np.ndarray, rows: np.ndarray, *, estimator: Estimator, labels: np.ndarray | None, draws: int, seed: int
) -> np.ndarray:
    """Return [passes, n, C] gradients at the logits p [n, C] whose squared backward passes add up to each item's Fisher."""
    ways = p.shape[1]
    if estimator == "empirical":
        if labels is None:
            raise MeasureError("the empirical Fisher was asked for without labels; pass labels=, or use estimator='exact'")
        return np.asarray((np.eye(ways)[labels[rows]] - p)[None])
    # Each sample has its own stream, so that the result does not depend on how the samples are cut into chunks.
    if estimator == "monte_carlo":
        uniform = np.stack([generator(seed, "monte_carlo", int(i)).random(draws) for i in rows], 1)
        drawn = np.minimum((uniform[..., None] > p.cumsum(1)).sum(2), ways - 1)
        return np.asarray((np.eye(ways)[drawn] - p) / np.sqrt(draws))
    root = np.sqrt(p)
    s = root[:, :, None] * (np.eye(ways) - p[:, None, :])
    reduced = s[:, 1:] - (root[:, 1:] / (1 + root[:, :1]))[:, :, None] * s[:, :1]
    if estimator == "exact":
        return np.asarray(reduced.transpose(1, 0, 2))
    signs = np.stack([generator(seed, "rademacher", int(i)).choice([-1.0, 1.0], (draws, ways - 1)) for i in rows], 1)
    return np.asarray(np.einsum("dnk,nkc->dnc", signs, reduced) / np.sqrt(draws))


def _weights(n: int, labels: np.ndarray | None) -> np.ndarray:
    """Equal weight for each class and for each item inside it; equal weights where no labels are known."""
    if labels is None:
        return np.full(n, 1 / n)
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(1 / (len(counts) * counts[place]))


def fisher_of(
    recordings: Iterable[Recording],
    n: int,
    head: Head,
    *,
    estimator: Estimator = "exact",
    labels: np.ndarray | None = None,
    draws: int = 1,
    seed: int = 0,
) -> dict[str, np.ndarray]:
    """As ``fisher_diagonal``, from recordings that together cover n items in order."""
    totals: dict[str, Tensor] = {}
    weights, start = _weights(n, labels), 0
    for recording in recordings:
        features = recording.features
        f = features.detach().double().cpu().numpy()
        if f.shape[1] != head.weight.shape[1]:
            raise MeasureError(f"the head takes {head.weight.shape[1]} features; the body gives {f.shape[1]}")
        rows = np.arange(start, start + len(f))
        start += len(f)
        p = softmax(f @ head.weight.T + head.bias)
        at_features = _cotangents(p, rows, estimator=estimator, labels=labels, draws=draws, seed=seed) @ head.weight
        # Unit gradients: a certain head would make squares too small for single precision. The scale comes back in float64.
        size = np.linalg.norm(at_features, axis=2, keepdims=True)
        unit = np.divide(at_features, size, out=np.zeros_like(at_features), where=size > 0)
        units = torch.from_numpy(unit).to(features)
        factors = torch.from_numpy(weights[rows] * size[:, :, 0] ** 2).to(features.device)
        step = _stack(features, len(units))
        for k in range(0, len(units), step):
            factor = factors[k : k + step].flatten()
            for name, squares in recording.stacked(units[k : k + step]).items():
                term = factor @ squares.flatten(0, 1).double()
                totals[name] = totals[name] + term if name in totals else term
        # Else this graph would live on while the next one is recorded.
        del recording, features
    return {name: total.cpu().numpy() for name, total in totals.items()}


def fisher_diagonal(
    body: nn.Module,
    head: Head,
    x: Tensor,
    *,
    estimator: Estimator = "exact",
    labels: np.ndarray | None = None,
    draws: int = 1,
    seed: int = 0,
    memory: int | None = None,
    precision: Precision = "float32",
    vocabulary: bool = True,
) -> dict[str, np.ndarray]:
    """Return layer name -> float64 [filters]: the diagonal Fisher of the layer's weight, averaged inside each filter.

    body: module from x [n, ...] to features [n, d]; head: C classes; labels: int [n], needed by "empirical", else used only to give
    classes equal weight (without them every item weighs 1/n). Layers come in the order of named_modules(), biases never.

    estimator: "exact" over the classes in C - 1 backward passes; "rademacher": ``draws`` passes with random signs over the same
    columns, unbiased, little noise; "monte_carlo": ``draws`` labels sampled from p, unbiased, noisy; "empirical": the given labels,
    which is not the Fisher but is often called so. Random ones depend on ``seed`` and the item's number only.

    memory: bytes for the working set of a chunk of items (default 1 GB; one item always runs); the result does not depend on it
    beyond rounding. precision: see ``computing``. vocabulary: whether embedding layers count. Raises MeasureError for an unknown
    estimator or precision and for bodies that ``record`` refuses.
    """
    count = passes(estimator, len(head.weight), draws)

    def recordings() -> Iterator[Recording]:
        for part in chunks(len(x), chunk_size(body, x, count, memory, vocabulary)):
            yield record(body, x[part], count, vocabulary)

    with computing(precision, x.device):
        found = fisher_of(recordings(), len(x), head, estimator=estimator, labels=labels, draws=draws, seed=seed)
    return {name: found[name] if name in found else np.zeros(size) for name, size in layer_sizes(body, vocabulary)}
