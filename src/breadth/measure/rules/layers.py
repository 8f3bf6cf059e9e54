"""One rule a layer type: the mean squared weight gradient inside each filter, from a layer's input and the gradient at its output."""

from __future__ import annotations

from math import prod

from torch import Tensor, nn

from breadth.errors import MeasureError
from breadth.measure.rules.convolution import conv1d, conv2d
from breadth.measure.rules.embedding import embedding
from breadth.measure.rules.linear import linear, linear_by_columns
from breadth.measure.rules.normalisation import batch_norm, group_norm, instance_norm, layer_norm, rms_norm
from breadth.measure.rules.rows import Rule

__all__ = ["RULES", "TRANSFORMERS", "layer_sizes", "rule_for", "units", "weighted_layers"]

RULES: dict[type[nn.Module], Rule] = {
    nn.Conv1d: conv1d,
    nn.Conv2d: conv2d,
    nn.Linear: linear,
    nn.Embedding: embedding,
    nn.BatchNorm1d: batch_norm,
    nn.BatchNorm2d: batch_norm,
    nn.GroupNorm: group_norm,
    nn.InstanceNorm1d: instance_norm,
    nn.InstanceNorm2d: instance_norm,
    nn.LayerNorm: layer_norm,
    nn.RMSNorm: rms_norm,
}
# Layers of the transformers package, known by name so that nothing needs the package.
TRANSFORMERS: dict[str, Rule] = {"Conv1D": linear_by_columns}


def _by_columns(layer: nn.Module) -> bool:
    return type(layer).__name__ in TRANSFORMERS and type(layer).__module__.startswith("transformers.")


def _computes_as(kind: type[nn.Module], known: type[nn.Module]) -> bool:
    """Whether ``kind`` is ``known`` or changes nothing of what it computes."""
    return issubclass(kind, known) and all(
        getattr(kind, method, None) is getattr(known, method, None) for method in ("forward", "_conv_forward")
    )


def _unfit(layer: nn.Module) -> str | None:
    """Why a layer of a known type has no Fisher that is a sum over samples, if so."""
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.running_mean is None:
        return "has no running statistics, so that samples interact; expected track_running_stats=True"
    if isinstance(layer, nn.Embedding) and layer.max_norm is not None:
        return "changes its weight in the forward pass; expected max_norm=None"
    if isinstance(layer, nn.Embedding) and layer.scale_grad_by_freq:
        return "has gradients that depend on the other samples; expected scale_grad_by_freq=False"
    return None


def rule_for(name: str, layer: nn.Module) -> Rule | None:
    """Return the rule of a layer, None where it holds no parameter but a bias; children count for themselves.

    Raises MeasureError where it holds a parameter and no rule exists, or where samples interact.
    """
    kind = type(layer)
    held = [key for key, value in layer.named_parameters(recurse=False) if value is not None]
    if not held:
        return None
    who = f"layer '{name}' ({kind.__name__})" if name else f"the body ({kind.__name__})"
    if why := _unfit(layer):
        raise MeasureError(f"{who} {why}")
    rule = TRANSFORMERS[kind.__name__] if _by_columns(layer) else next((r for k, r in RULES.items() if _computes_as(kind, k)), None)
    if rule is not None and set(held) <= {"weight", "bias"}:
        return rule if "weight" in held else None
    base = next((known.__name__ for known in RULES if issubclass(kind, known)), None)
    what = f"holds {', '.join(held[:3])}{', ...' if len(held) > 3 else ''}" + (f" and changes what {base} computes" if base else "")
    known = ", ".join([*(known.__name__ for known in RULES), *(f"{key} of transformers" for key in TRANSFORMERS)])
    raise MeasureError(
        f"{who} {what}, but has no Fisher rule; expected one of: {known}: build it from these, or make fixed parameters buffers"
    )


def weighted_layers(body: nn.Module, vocabulary: bool = True) -> dict[str, nn.Module]:
    """Return name -> layer with a weight, in the order of named_modules(); without ``vocabulary``, embedding layers are left out.

    Raises MeasureError for parameters without a rule, shared weights, and where no layer is left.
    """
    found: dict[str, nn.Module] = {}
    owners: dict[int, str] = {}
    for name, layer in body.named_modules():
        if (isinstance(layer, nn.Embedding) and not vocabulary) or rule_for(name, layer) is None:
            continue
        owner = owners.setdefault(id(layer.weight), name)
        if owner != name:
            raise MeasureError(f"layers '{owner}' and '{name}' share one weight; expected every layer to have its own")
        found[name] = layer
    if not found:
        raise MeasureError("the body has no layer with a weight; expected a convolution, linear layer or batch normalisation")
    return found


def units(layer: nn.Module) -> tuple[int, int]:
    """Return (filters, weights in each filter) of a layer that has a rule."""
    weight = layer.weight
    assert isinstance(weight, Tensor)
    if _by_columns(layer):
        return weight.shape[1], weight.shape[0]
    return weight.shape[0], prod(weight.shape[1:])


def layer_sizes(body: nn.Module, vocabulary: bool = True) -> tuple[tuple[str, int], ...]:
    """Return (layer name, number of filters) in the order of the embedding; ``vocabulary``: see ``weighted_layers``."""
    return tuple((name, units(layer)[0]) for name, layer in weighted_layers(body, vocabulary).items())
