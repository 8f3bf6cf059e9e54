"""Which program wrote a checkpoint, told from its keys, and where its weights and its settings lie.

"uutils"      the writers of the package ultimate-utils, used for arXiv 2306.13841: ``model_state_dict`` with ``model_option``
"uutils-old"  their forerunners: ``f_model_state_dict``, or a pickled meta-learner (``meta_learner``) beside ``args``
"rfs"         the training code of arXiv 2003.11539: ``model`` with ``opt`` or ``optimizer``
"wrapped"     a state dict under one name, as in ``{"state_dict": ...}``
"state-dict"  tensors by name and nothing else (torchvision, timm, safetensors)
"module"      a network pickled whole: its tensors are collected from the stubs of its modules
"breadth"     a checkpoint of this package
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from breadth.errors import CheckpointError
from breadth.learn.foreign.json_values import plain, settings_of
from breadth.nets.pickled import Name, Stub, TensorSpec

__all__ = ["Contents", "Layout", "Mode", "contents_of"]

Layout = Literal["uutils", "uutils-old", "rfs", "wrapped", "state-dict", "module", "breadth"]
Mode = Literal["PT", "MAML", "ANIL", "unknown"]
_NETWORKS = ("meta_learner", "agent", "mdl", "f", "model", "base_model", "net")
_STATES = ("state_dict", "model", "net", "params", "weights")
_DEEP = 50
_FIELDS = 100_000


@dataclass(frozen=True, eq=False)
class Contents:
    """What a file says. option, hps: name and settings of the architecture; text: its printed form, or the classes of its layers."""

    layout: Layout
    tensors: dict[str, TensorSpec]
    mode: Mode = "unknown"
    mode_evidence: str = "nothing in the file says how it was trained"
    iteration: int | None = None
    epoch: int | None = None
    option: str | None = None
    hps: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def contents_of(value: Any) -> Contents:
    """Return the weights and the story in what ``torch.save`` was given. Raises CheckpointError (a reason of a few words) without any."""
    if isinstance(value, Stub):
        tensors, text = _walk(value)
        return Contents("module", tensors, text=text, notes=(f"a whole {value.name} was pickled; only its tensors are used",))
    if not isinstance(value, dict):
        raise CheckpointError(f"it holds a {type(value).__name__}, not weights")
    keys = [k for k in value if isinstance(k, str)]
    if _is_state(value):
        return Contents("state-dict", dict(value))
    layout, tensors, text, notes = _weights(value, keys)
    settings = {
        **settings_of(value.get("args")),
        **settings_of(value.get("opt") if layout == "rfs" else None),
        **settings_of(value.get("args_dict")),
    }
    mode, evidence = _mode(value, layout, settings)
    option, printed = value.get("model_option", settings.get("model_option")), value.get("model_str")
    return Contents(
        layout,
        tensors,
        mode,
        evidence,
        _number(value.get("it", settings.get("it"))),
        _number(value.get("epoch_num", value.get("epoch", settings.get("epoch_num")))),
        option if isinstance(option, str) else None,
        settings_of(value.get("model_hps", settings.get("model_hps"))),
        text or (printed if isinstance(printed, str) else ""),
        {
            **settings,
            **{k: plain(value[k]) for k in ("training_mode", "opt_option", "scheduler_option", "accuracy", "arch") if k in value},
        },
        notes,
    )


def _weights(value: dict[Any, Any], keys: list[str]) -> tuple[Layout, dict[str, TensorSpec], str, tuple[str, ...]]:
    """Layout, tensors, text of the layers (of a pickled network) and notes of a dict that is more than a state dict."""
    for key in ("model_state_dict", "f_model_state_dict"):
        if _is_state(value.get(key)):
            old = key.startswith("f_") or "model_option" not in value
            missing = [k for k in ("model_option", "model_hps") if k not in value]
            notes = (
                (f"no {' and no '.join(missing)} in the file: the architecture is read from the tensors alone",) if missing else ()
            )
            return "uutils-old" if old else "uutils", dict(value[key]), "", notes
    if _is_state(value.get("model")) and {"opt", "optimizer", "accuracy"} & set(keys):
        return "rfs", dict(value["model"]), "", ()
    for key in _STATES:
        if _is_state(value.get(key)):
            return "wrapped", dict(value[key]), "", (f"weights under '{key}'",)
    for key in _NETWORKS:
        if isinstance(value.get(key), Stub):
            tensors, text = _walk(value[key])
            note = f"a whole {value[key].name} was pickled under '{key}'; only its tensors are used"
            return "uutils-old" if key in ("meta_learner", "agent", "f") else "module", tensors, text, (note,)
    names = ", ".join(f"'{k[:40]}'" for k in keys[:6])
    raise CheckpointError(f"no weights under a name that is known; its keys are {names or 'no texts'}")


def _is_state(value: Any) -> bool:
    return (
        isinstance(value, dict) and bool(value) and all(isinstance(k, str) and isinstance(v, TensorSpec) for k, v in value.items())
    )


def _number(value: Any) -> int | None:
    # -1 is what the published writers put where the other of iteration and epoch counts.
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _mode(value: dict[Any, Any], layout: Layout, settings: dict[str, Any]) -> tuple[Mode, str]:
    named = {
        "agent_type": value.get("agent_type"),
        "meta_learner": value.get("meta_learner"),
        "args.agent_opt": settings.get("agent_opt"),
        "args.agent": settings.get("agent"),
        "args.algorithm": settings.get("algorithm"),
        "args.method": settings.get("method"),
    }
    told = {where: _named(what) for where, what in named.items()}
    # ANIL first: it is MAML on the head, and programs run it through classes and options that are named after MAML.
    modes: tuple[tuple[str, Mode], ...] = (("(?<!v)anil", "ANIL"), ("maml", "MAML"), ("slagent", "PT"))  # "vanilla" is none
    for word, mode in modes:
        for where, text in told.items():
            if re.search(word, text.lower()):
                return mode, f"{where} is {text}"
    if layout == "uutils" and "agent_type" not in value:
        return "PT", "the keys of the supervised writer (the meta-learning writer adds agent_type)"
    if layout == "rfs":
        return "PT", "the keys of the supervised training of arXiv 2003.11539"
    return "unknown", "nothing in the file says how it was trained"


def _named(what: Any) -> str:
    """The name of a class, of an object's class, or a text itself."""
    name = what.name if isinstance(what, Stub) else what
    return (str(name) if isinstance(name, Name) else name if isinstance(name, str) else "")[:120]


def _walk(root: Stub) -> tuple[dict[str, TensorSpec], str]:
    """The state dict of a pickled module: parameters and buffers of its stub and of its modules' stubs, and the classes of its layers."""
    if "_modules" not in root.attributes:
        inner = next((root.attributes[k] for k in _NETWORKS if isinstance(root.attributes.get(k), Stub)), None)
        if inner is None or "_modules" not in inner.attributes:
            raise CheckpointError(f"it holds a {root.name}, which has no modules")
        root = inner
    tensors: dict[str, TensorSpec] = {}
    lines: list[str] = []
    todo, seen = [("", root, 0)], 0
    while todo:
        prefix, stub, depth = todo.pop()
        seen += 1 + sum(len(_fields(stub, kind)) for kind in ("_parameters", "_buffers", "_modules"))
        if depth > _DEEP or seen > _FIELDS:
            raise CheckpointError("modules that hold each other, or far too many of them")
        skipped = stub.attributes.get("_non_persistent_buffers_set")
        skip = [k for k in skipped if isinstance(k, str)] if isinstance(skipped, list | tuple) else []
        for kind in ("_parameters", "_buffers"):
            for key, value in _fields(stub, kind):
                if isinstance(value, TensorSpec) and not (kind == "_buffers" and key in skip):
                    tensors[prefix + key] = value
        lines.append(_layer(stub))
        children = [(f"{prefix}{k}.", v, depth + 1) for k, v in _fields(stub, "_modules") if isinstance(v, Stub)]
        todo += reversed(children)
    if not tensors:
        raise CheckpointError(f"it holds a {root.name} without a tensor")
    return tensors, "\n".join(lines)


def _fields(stub: Stub, kind: str) -> list[tuple[str, Any]]:
    found = stub.attributes.get(kind)
    return [(k, v) for k, v in found.items() if isinstance(k, str)] if isinstance(found, dict) else []


def _layer(stub: Stub) -> str:
    """A line as PyTorch prints a layer, as far as it tells networks of equal tensors apart."""
    name = stub.name.name.split(".")[-1] if stub.name else "?"
    shown = [f"{k}={v}" for k in ("stride", "eps") if isinstance(v := stub.attributes.get(k), int | float | tuple) and _small(v)]
    return f"{name}({', '.join(shown)})"


def _small(value: Any) -> bool:
    return not isinstance(value, tuple) or (len(value) <= 3 and all(isinstance(v, int) for v in value))
