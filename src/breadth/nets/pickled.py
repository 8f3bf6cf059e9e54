"""What a PyTorch pickle may hold: plain values, names, descriptions of tensors, and stubs of everything else."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from breadth.errors import CheckpointError

__all__ = ["Name", "StorageRef", "Stub", "TensorSpec", "call", "checked_key", "persistent"]

_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "UntypedStorage": torch.uint8,
}


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the file names; never looked up."""

    module: str
    name: str

    def __post_init__(self) -> None:
        if len(str(self)) > 300 or not str(self).isprintable():
            raise CheckpointError("damaged pickle: a name that is none")

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(eq=False, slots=True, repr=False)
class Stub:
    """An object that the file asks to make: what it is called, and what it was given. It has no behaviour.

    args: of the call that would have made it; attributes: its fields; items: what would have been appended or set by key
    (key, value); state: a state that is no set of fields.
    """

    name: Name | None
    args: tuple[Any, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)
    items: list[Any] = field(default_factory=list)
    state: Any = None


@dataclass(frozen=True, slots=True)
class StorageRef:
    """A run of numbers elsewhere in the file: its key, type and length."""

    key: str
    dtype: torch.dtype
    numel: int

    @property
    def nbytes(self) -> int:
        """Bytes."""
        return self.numel * self.dtype.itemsize


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Where a tensor lies in its storage (offset and strides in elements); checked to lie inside, and to hold no element twice over."""

    storage: StorageRef
    dtype: torch.dtype
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


_PLAIN = str | int | float | bytes | None


def checked_key(key: Any) -> Any:
    """A dict's key: plain, a tuple of plain values, or an object by identity. Hashing deep tuples would overflow the C stack."""
    if isinstance(key, _PLAIN | Stub | Name):
        return key
    if isinstance(key, tuple) and len(key) <= 16 and all(isinstance(part, _PLAIN) for part in key):
        return key
    raise CheckpointError(f"a {type(key).__name__} as the key of a dict")


def call(made: Any, args: Any) -> Any:
    """What ``made(*args)`` stands for, without calling it."""
    if not isinstance(args, tuple):
        raise CheckpointError(f"damaged pickle: a call with a {type(args).__name__} of arguments")
    known = _REBUILT.get(str(made)) if isinstance(made, Name) else None
    return known(*args) if known else Stub(made if isinstance(made, Name) else None, args)


def _ordered(pairs: Any = ()) -> dict[Any, Any]:
    return {checked_key(k): v for k, v in pairs}


def _typed(made: Any, _type: Any, args: Any, _state: Any) -> Any:
    # Tensors of a subclass of Tensor; anything else that is called through this is a stub.
    return call(made, args) if str(made).startswith("torch._utils._rebuild_") else Stub(None, (made, args))


def _items(values: Any = ()) -> tuple[Any, ...]:
    # Of a text, a tuple would hold every character: many times the memory of the file.
    if not isinstance(values, list | tuple):
        raise CheckpointError(f"damaged pickle: the items of a {type(values).__name__}")
    return tuple(values)


def _bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise CheckpointError(f"damaged pickle: a byte string in the encoding {encoding}")
    return text.encode("latin1")


def persistent(value: Any) -> Any:
    """What ``torch.save`` puts outside of the pickle: storages, and (in files without zip) the source code of modules, left unread."""
    if isinstance(value, tuple) and len(value) == 4 and value[0] == "module" and isinstance(value[1], Name):
        return value[1]
    if not (isinstance(value, tuple) and len(value) in (5, 6) and value[0] == "storage"):
        raise CheckpointError("a reference to something that is neither a storage nor a module")
    kind, key, numel = value[1], value[2], value[4]
    if len(value) == 6 and value[5] is not None:
        raise CheckpointError("a storage that is a view of another, as PyTorch wrote before 0.4")
    if not (isinstance(kind, Name) and kind.module.split(".")[0] == "torch" and kind.name in _STORAGES):
        raise CheckpointError(f"a storage of unknown type {str(kind)[:60]}")
    if not isinstance(key, str) or not _count(numel):
        raise CheckpointError("a storage without a key or a length")
    return StorageRef(key, _STORAGES[kind.name], numel)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_rest: Any, dtype: Any = None) -> TensorSpec:
    kind = getattr(torch, dtype.name, None) if isinstance(dtype, Name) and dtype.module == "torch" else None
    if not isinstance(storage, StorageRef) or (dtype is not None and not isinstance(kind, torch.dtype)):
        raise CheckpointError("a tensor without a storage, or of an unknown type")
    if not (
        isinstance(size, tuple)
        and isinstance(stride, tuple)
        and len(size) == len(stride) <= 16
        and all(map(_count, (offset, *size, *stride)))
    ):
        raise CheckpointError("a tensor whose shape, strides or offset are no whole numbers of at least 0")
    spec = TensorSpec(storage, kind or storage.dtype, offset, size, stride)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if math.prod(size):
        outside = max(last + 1, math.prod(size)) * spec.dtype.itemsize > storage.nbytes
    else:  # of an empty tensor, PyTorch multiplies the lengths that are not 0
        outside = not _count(math.prod(max(n, 1) for n in size))
    if outside:
        raise CheckpointError(f"a tensor of shape {list(size)} in a storage of {storage.nbytes:,} bytes")
    return spec


_REBUILT: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,  # requires_grad and hooks follow
    "torch._utils._rebuild_tensor_v3": lambda *a: _tensor(*a[:4], dtype=a[6]),
    "torch._utils._rebuild_parameter": lambda data, *_: data,
    "torch._utils._rebuild_parameter_with_state": lambda data, *_: data,
    "torch._tensor._rebuild_from_type_v2": _typed,
    "torch.Size": _items,
    "_codecs.encode": _bytes,  # how protocol 2 writes a byte string
    "builtins.set": lambda *a: list(_items(*a)),
    "__builtin__.set": lambda *a: list(_items(*a)),
    "builtins.frozenset": _items,
    "__builtin__.frozenset": _items,
}
