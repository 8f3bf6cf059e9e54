"""Which statistics batch norm uses at test time: an explicit mode, no module touched.

"running"       the statistics stored in training, for support and query alike
"support"       the statistics of the support batch, for support and query alike: a query is classified on its own
"transductive"  each batch by its own statistics: queries are classified together (arXiv 1803.02999, section 6.4)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call

from breadth.errors import SpecError, unknown_name

__all__ = ["BatchNorm", "batch_norms", "bn_train", "evaluating", "forward_with", "query_by_support", "state_of"]

BatchNorm = Literal["running", "support", "transductive"]


def batch_norms(net: nn.Module) -> dict[str, nn.BatchNorm2d]:
    """Return the batch norm layers of ``net`` by name, in module order."""
    return {name: m for name, m in net.named_modules() if isinstance(m, nn.BatchNorm2d)}


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """Return parameters and buffers of ``net`` by name, not copied and detached from no graph."""
    return {**dict(net.named_parameters()), **dict(net.named_buffers())}


@contextmanager
def _flags(net: nn.Module, *, bn: bool) -> Iterator[None]:
    before = {m: m.training for m in net.modules()}
    norms = set(batch_norms(net).values())
    for m in before:
        m.training = bn and m in norms
    try:
        yield
    finally:
        for m, flag in before.items():
            m.training = flag


@contextmanager
def bn_train(net: nn.Module) -> Iterator[None]:
    """Inside, batch norm uses batch statistics and everything else is in eval mode; all training flags are restored after.

    Running statistics would be updated by a plain forward inside: pass buffers of your own through ``functional_call``, as
    ``forward_with`` does, or keep the update where it is wanted.
    """
    with _flags(net, bn=True):
        yield


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Inside, the whole of ``net`` is in eval mode; all training flags are restored after."""
    with _flags(net, bn=False):
        yield


def forward_with(
    net: nn.Module, state: Mapping[str, Tensor], support_x: Tensor, query_x: Tensor, mode: BatchNorm
) -> tuple[Tensor, Tensor]:
    """Return ``(net(support_x), net(query_x))`` under parameters and buffers ``state``, batch norm as ``mode`` says.

    support_x [s, ...], query_x [q, ...] -> outputs [s, k], [q, k]. Neither ``net`` nor the tensors of ``state`` change. In mode
    "support" no gradient flows through the statistics that the query is normalised with. Raises SpecError for an unknown mode.
    """
    if mode not in get_args(BatchNorm):
        raise SpecError(unknown_name("batch norm mode", mode, get_args(BatchNorm)))
    if mode == "running":
        with evaluating(net):
            return functional_call(net, dict(state), (support_x,)), functional_call(net, dict(state), (query_x,))
    own = {k: v.clone() if k.endswith(("running_mean", "running_var", "num_batches_tracked")) else v for k, v in state.items()}
    if mode == "transductive":
        with bn_train(net):
            return functional_call(net, own, (support_x,)), functional_call(net, own, (query_x,))
    seen: dict[str, Tensor] = {}
    hooks = [m.register_forward_pre_hook(_remember(name, seen)) for name, m in batch_norms(net).items()]
    try:
        with bn_train(net):
            support_out = functional_call(net, own, (support_x,))
    finally:
        for hook in hooks:
            hook.remove()
    with evaluating(net):
        return support_out, functional_call(net, {**own, **seen}, (query_x,))


def _remember(name: str, seen: dict[str, Tensor]) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
    def hook(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        # Batch norm normalises by the biased variance but stores the unbiased one, so its own buffers cannot be used here.
        var, mean = torch.var_mean(inputs[0].detach(), dim=(0, 2, 3), correction=0)
        seen[f"{name}.running_mean"], seen[f"{name}.running_var"] = mean, var

    return hook


def query_by_support(net: nn.Module, state: Mapping[str, Tensor], support_x: Tensor, query_x: Tensor) -> tuple[Tensor, Tensor]:
    """Return ``forward_with`` in mode "support", but with gradients of the query's outputs through the support set's statistics.

    PyTorch's batch norm does not differentiate given statistics, so the query is normalised here:
    y = (x - mean_s) / sqrt(var_s + eps) * gamma + beta, the moments of the support batch (biased variance) being part of the graph.
    """
    own = {k: v.clone() if k.endswith(("running_mean", "running_var", "num_batches_tracked")) else v for k, v in state.items()}
    seen: dict[nn.Module, tuple[Tensor, Tensor]] = {}

    def remember(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[module] = torch.var_mean(inputs[0], dim=(0, 2, 3), correction=0, keepdim=True)

    def replace(module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> Tensor:
        assert isinstance(module, nn.BatchNorm2d)
        var, mean = seen[module]
        gamma, beta = module.weight[:, None, None], module.bias[:, None, None]
        return (inputs[0] - mean) * ((var + module.eps).rsqrt() * gamma) + beta

    norms = batch_norms(net).values()
    hooks = [m.register_forward_pre_hook(remember) for m in norms]
    try:
        with bn_train(net):
            support_out = functional_call(net, own, (support_x,))
        for hook in hooks:
            hook.remove()
        hooks = [m.register_forward_hook(replace) for m in norms]
        with evaluating(net):
            return support_out, functional_call(net, own, (query_x,))
    finally:
        for hook in hooks:
            hook.remove()
