"""Any network without its head: a frozen copy that runs up to the head's input and no further."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from breadth.errors import MeasureError, did_you_mean
from breadth.measure.axes import first_input
from breadth.nets.norm import evaluating

__all__ = ["Headless", "without_head"]


class _Reached(Exception):
    """The head has been called; ``features`` is what it was given."""

    def __init__(self, features: Tensor) -> None:
        super().__init__("the head has been reached")
        self.features = features


class _Stop(nn.Module):
    """Stands where the head was and ends the forward pass."""

    def forward(self, *args: Tensor, **kwargs: Tensor) -> Tensor:
        raise _Reached(first_input(args, kwargs))


class Headless(nn.Module):
    """A network whose head is a ``_Stop``: inputs -> what the head would be given. Modules keep the names they have in the network."""

    def __init__(self, whole: nn.Module) -> None:
        super().__init__()
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        try:
            self.whole(x)
        except _Reached as reached:
            return reached.features
        raise MeasureError("the head is not reached in the forward pass; expected a module that every input passes through")

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Modules of the network under their own names."""
        yield from self.whole.named_modules(memo, prefix, remove_duplicate)

    def state(self) -> dict[str, Tensor]:
        """Return the network's state dict."""
        return {key: value for key, value in self.whole.state_dict().items() if isinstance(value, Tensor)}


def _example(whole: nn.Module, size: int, channels: int) -> tuple[Tensor, str]:
    """Return one input of zeros of the kind the network takes, and what to call it."""
    weight = next((p for p in whole.parameters() if p.is_floating_point()), None)
    if weight is None:
        raise MeasureError(f"the module ({type(whole).__name__}) has no weights; expected a network")
    if any(isinstance(m, nn.Conv2d) for m in whole.modules()):
        shape, what = [1, channels, size, size], "images"
    else:
        shape, what = [1, size], "integers" if any(isinstance(m, nn.Embedding) for m in whole.modules()) else "vectors"
    dtype = torch.int64 if what == "integers" else weight.dtype
    return torch.zeros(shape, dtype=dtype, device=weight.device), f"{what} {shape}"


def _run(body: Headless, x: Tensor, what: str, head: str) -> tuple[Tensor, set[nn.Module]]:
    """Return the features of x and the modules that ran before the head."""
    called: set[nn.Module] = set()

    def note(module: nn.Module, args: Any) -> None:
        called.add(module)

    handles = [module.register_forward_pre_hook(note) for module in body.modules()]
    try:
        with evaluating(body), torch.enable_grad():
            features = body(x)
    except MeasureError:
        raise MeasureError(
            f"the head '{head}' is not called when the module sees {what}; expected a submodule that every input passes through"
        ) from None
    except Exception as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise MeasureError(
            f"the module does not run on {what} without its head '{head}' ({first}); expected it to: check size, channels and head"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != 1:
        given = f"shape {list(features.shape)}" if isinstance(features, Tensor) else f"type {type(features).__name__}"
        raise MeasureError(f"the head '{head}' is given features of {given} for {what}; expected [1, d]: name a head after pooling")
    return features, called


def _drop_unused(whole: nn.Module, features: Tensor, called: set[nn.Module]) -> None:
    """Take layers out of ``whole`` that play no part in the features: neither they ran before the head nor any of their weights did."""
    weights = [p for p in whole.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(features.sum(), weights, allow_unused=True) if features.requires_grad else [None] * len(weights)
    used = {id(p) for p, g in zip(weights, gradients, strict=True) if g is not None}
    dropped: list[str] = []
    for path, module in list(whole.named_modules()):
        inside = any(path.startswith(f"{other}.") for other in dropped)
        holds = any(True for _ in module.parameters(recurse=False))
        plays = any(m in called for m in module.modules()) or any(id(p) in used for p in module.parameters())
        if path and holds and not plays and not inside:
            whole.set_submodule(path, nn.Identity())
            dropped.append(path)


def without_head(module: nn.Module, head: str, *, size: int, channels: int) -> tuple[Headless, int]:
    """Return (frozen copy of ``module`` up to the input of ``head``, number of features); see ``breadth.measure.probe.probe_of``."""
    paths = [path for path, _ in module.named_modules() if path]
    if head not in paths:
        example = f", e.g. '{paths[-1]}'" if paths else ""
        raise MeasureError(
            f"the module ({type(module).__name__}) has no submodule '{head}'; expected the dotted name of its head{example}"
            f"{did_you_mean(head, paths)}"
        )
    try:
        whole = deepcopy(module)
    except RuntimeError as error:
        raise MeasureError(
            f"the module cannot be copied ({str(error).splitlines()[0]}); expected one that deepcopy takes"
        ) from error
    x, what = _example(whole, size, channels)
    whole.set_submodule(head, _Stop())
    whole.zero_grad(set_to_none=True)
    for parameter in whole.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    body = Headless(whole)
    features, called = _run(body, x, what, head)
    _drop_unused(whole, features, called)
    body.eval().requires_grad_(False)
    return body, features.shape[1]
