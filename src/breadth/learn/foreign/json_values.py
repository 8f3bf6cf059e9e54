"""From what a pickle holds to what JSON can hold: settings as plain values, objects as their names; bounded in depth and number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from breadth.nets.pickled import Name, Stub, TensorSpec

__all__ = ["array_of", "plain", "settings_of"]

_DEPTH = 4
_ITEMS = 200
_NODES = 5_000
_TEXT = 300
_NUMBERS = {f"{kind}{size}" for kind, sizes in (("f", "248"), ("i", "1248"), ("u", "1248"), ("b", "1")) for size in sizes}


def plain(value: Any) -> Any:
    """Return ``value`` as numbers, texts, lists and dicts; long texts are cut, deep or long containers end in "..."."""
    return _plain(value, _DEPTH, [_NODES])


def settings_of(value: Any) -> dict[str, Any]:
    """Return the settings in a dict or in an ``argparse.Namespace`` (a stub with attributes), plain, by name; {} for anything else."""
    fields = value.attributes if isinstance(value, Stub) else value
    if not isinstance(fields, dict):
        return {}
    left = [_NODES]
    return {k: _plain(v, _DEPTH, left) for k, v in fields.items() if isinstance(k, str)}


def _plain(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0:
        return "..."
    if value is None or isinstance(value, bool | int):
        return value if not isinstance(value, int) or abs(value) < 2**63 else "<a huge number>"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return value if len(value) <= _TEXT else value[:_TEXT] + "..."
    if isinstance(value, list | tuple | dict):
        return _container(value, depth, left)
    return _object(value, depth, left)


def _container(value: list[Any] | tuple[Any, ...] | dict[Any, Any], depth: int, left: list[int]) -> Any:
    if depth == 0:
        return "..."
    if isinstance(value, dict):
        pairs = list(zip(value.items(), range(_ITEMS), strict=False))
        out = {str(_plain(k, 1, left)): _plain(v, depth - 1, left) for (k, v), _ in pairs}
        return {**out, "...": "..."} if len(value) > _ITEMS else out
    return [_plain(v, depth - 1, left) for v in value[:_ITEMS]] + (["..."] if len(value) > _ITEMS else [])


def _object(value: Any, depth: int, left: list[int]) -> Any:
    array = array_of(value)
    if array is not None:
        return _plain(array.tolist(), depth, left)
    if isinstance(value, Name):
        return str(value)[:_TEXT]
    name = str(value.name) if isinstance(value, Stub) and value.name is not None else ""
    if name.startswith("pathlib.") and all(isinstance(a, str) for a in value.args):
        return "/".join(value.args)[:_TEXT].replace("//", "/")
    if name == "torch.device":
        return ":".join(str(a)[:20] for a in value.args if isinstance(a, str | int))
    return f"<tensor {list(value.size)}>" if isinstance(value, TensorSpec) else f"<{name[:_TEXT] or type(value).__name__}>"


def array_of(value: Any) -> np.ndarray | None:
    """Return the numpy number or array that a stub stands for, rebuilt from its bytes; None for other objects and other types."""
    if not isinstance(value, Stub) or value.name is None or not value.name.module.startswith("numpy."):
        return None
    if value.name.name == "scalar" and len(value.args) == 2:
        shape: tuple[Any, ...] = ()
        dtype, content = value.args
    elif value.name.name == "_reconstruct" and isinstance(value.state, tuple) and len(value.state) == 5:
        _, shape, dtype, fortran, content = value.state
        if fortran is not False or not isinstance(shape, tuple):
            return None
    else:
        return None
    if not (isinstance(dtype, Stub) and dtype.args and dtype.args[0] in _NUMBERS and isinstance(content, bytes)):
        return None
    order = dtype.state[1] if isinstance(dtype.state, tuple) and len(dtype.state) > 1 and dtype.state[1] in ("<", ">") else "<"
    kind = np.dtype(f"{order}{dtype.args[0]}")
    if not all(isinstance(n, int) and n >= 0 for n in shape) or math.prod(shape) * kind.itemsize != len(content):
        return None
    return np.frombuffer(content, kind).reshape(shape)
