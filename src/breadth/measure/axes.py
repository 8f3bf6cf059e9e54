"""Which axis of a layer's input is the sample: the first, none (positions, the same for all samples), or an unknown one, an error.

Squares are taken sample by sample, so that a net which folds samples and positions into one axis, or puts positions first, would get
wrong numbers without any sign of it. Shapes of a second forward pass with another number of samples tell these cases apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from breadth.errors import MeasureError

__all__ = ["first_input", "input_shapes", "repeated", "sample_first", "second_batch"]


def first_input(args: tuple[Tensor, ...], kwargs: Mapping[str, Tensor]) -> Tensor:
    """Return what a layer was called with, by place or by name."""
    return args[0] if args else next(iter(kwargs.values()))


def second_batch(x: Tensor) -> Tensor:
    """Return a batch whose length differs from that of x [n, ...]: one sample, or two where x has one."""
    return x[:1] if len(x) > 1 else torch.cat([x, x])


def input_shapes(body: nn.Module, layers: Mapping[str, nn.Module], x: Tensor) -> dict[str, torch.Size]:
    """Return layer name -> shape of its input when ``body``, which should be in eval mode, sees x; nothing is left on the modules."""
    shapes: dict[str, torch.Size] = {}

    def watch(name: str) -> Any:
        def hook(layer: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]) -> None:
            shapes[name] = first_input(args, kwargs).shape

        return hook

    handles = [layer.register_forward_pre_hook(watch(name), with_kwargs=True) for name, layer in layers.items()]
    try:
        with torch.no_grad():
            body(x)
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def sample_first(name: str, given: Tensor, n: int, second: torch.Size, m: int) -> bool:
    """Return whether the first axis of ``given`` is the sample (True), or ``given`` is the same for every sample (False).

    n: samples of the pass that ``given`` belongs to; second: shape of the same input in a pass of m != n samples.
    Raises MeasureError for anything else.
    """
    if given.shape[:1] == (n,) and second[:1] == (m,):
        return True
    if given.shape == second and not given.requires_grad:
        return False
    raise MeasureError(
        f"layer '{name}' sees an input of shape {list(given.shape)} for {n} samples and {list(second)} for {m}; "
        "expected the samples on its first axis: keep batch and positions on axes of their own"
    )


def repeated(given: Tensor, output: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """Return input and output of a layer that are the same for every sample, [1, ...] or without such an axis, as [n, ...]."""
    if given.ndim == 1 or len(given) > 1:
        given, output = given[None], output[None]
    return given.expand(n, *given.shape[1:]), output.expand(n, *output.shape[1:])
