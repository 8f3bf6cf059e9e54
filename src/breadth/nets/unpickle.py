"""The pickle language without its power: values, names and descriptions of tensors; nothing is imported, called or executed.

A pickle is a program for a small stack machine, and Python's own machine imports and calls whatever the program names. The machine
here knows the same opcodes (``pickletools`` decodes them), but a name stays a ``Name``, a call of anything unknown becomes an inert
``Stub`` that remembers what it was called with, and only what ``pickled`` spells out is rebuilt: plain containers, tensors as
``TensorSpec`` (no byte of theirs is read here), byte strings of old protocols. Work and memory are bounded by ``OPCODES`` and
``BYTES``.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

from breadth.errors import CheckpointError
from breadth.nets.pickled import Name, StorageRef, Stub, TensorSpec, call, checked_key, persistent

__all__ = ["BYTES", "OPCODES", "unpickle"]

OPCODES = 2_000_000  # a checkpoint of 1,000 tensors with its optimizer has about 100,000; each opcode makes at most some 100 bytes
BYTES = 256 * 2**20
_LINE = 2**20
_BITS = 4096


class _Bounded:
    """A stream that gives ``BYTES`` at most, and lines that end: text opcodes read up to a newline, which a hostile file leaves out."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = BYTES

    def read(self, n: int) -> bytes:
        self._left -= n
        if self._left < 0:
            raise CheckpointError(f"a pickle of more than {BYTES:,} bytes beside its tensors")
        return self._stream.read(n)

    def readline(self) -> bytes:
        line = self._stream.readline(_LINE)
        self.read(0)
        self._left -= len(line)
        if len(line) == _LINE:
            raise CheckpointError(f"a line of more than {_LINE:,} bytes")
        return line


def unpickle(stream: BinaryIO, storages: dict[str, StorageRef] | None = None) -> Any:
    """Return the value of the pickle at the position of ``stream``, which is left behind its last opcode.

    storages: receives every storage that the pickle refers to, by key. Raises CheckpointError with a reason of a few words (no path:
    the caller knows it) where the pickle is damaged, too long, or asks for what a file of weights has no use for.
    """
    machine = _Machine({} if storages is None else storages)
    try:
        for done, (op, arg, _) in enumerate(pickletools.genops(_Bounded(stream))):  # type: ignore[arg-type]  # read, readline suffice
            if done >= OPCODES:
                raise CheckpointError(f"more than {OPCODES:,} pickle opcodes")
            machine.step(op.name, arg)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged program makes the machine stumble in as many ways as there are opcodes
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise CheckpointError(f"damaged pickle: {reason}") from None
    return machine.result()


class _Machine:
    """Stack, marks and memo; a method an opcode, called by its name."""

    def __init__(self, storages: dict[str, StorageRef]) -> None:
        self.storages = storages
        self.copied = 0
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.steps: dict[str, Callable[[Any], None]] = {
            name.removeprefix("op_"): getattr(self, name) for name in dir(self) if name.startswith("op_")
        }

    def result(self) -> Any:
        if self.marks or len(self.stack) != 1:
            raise CheckpointError("damaged pickle: it ends in the middle of a value")
        return self.stack[0]

    def step(self, name: str, arg: Any) -> None:
        if name in _LITERALS:
            if isinstance(arg, int) and arg.bit_length() > _BITS:
                raise CheckpointError(f"a number of more than {_BITS:,} bits")
            self.stack.append(arg)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in self.steps:
            self.steps[name](arg)
        elif name not in ("PROTO", "FRAME", "STOP"):
            raise CheckpointError(f"a pickle with the opcode {name}, which a file of weights has no use for")

    # stack and memo
    def op_MARK(self, _: Any) -> None:
        self.marks.append(self.stack)
        self.stack = []

    def _to_mark(self) -> list[Any]:
        items, self.stack = self.stack, self.marks.pop()
        return items

    def op_POP(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._to_mark()

    def op_POP_MARK(self, _: Any) -> None:
        self._to_mark()

    def op_DUP(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def op_PUT(self, arg: Any) -> None:
        self.memo[arg] = self.stack[-1]

    op_BINPUT = op_LONG_BINPUT = op_PUT

    def op_MEMOIZE(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def op_GET(self, arg: Any) -> None:
        if arg not in self.memo:
            raise CheckpointError("damaged pickle: it refers to a value that it does not hold")
        self.stack.append(self.memo[arg])

    op_BINGET = op_LONG_BINGET = op_GET

    # containers
    def op_EMPTY_LIST(self, _: Any) -> None:
        self.stack.append([])

    op_EMPTY_SET = op_EMPTY_LIST  # a set's members would be hashed, at a depth that the file chooses

    def op_EMPTY_DICT(self, _: Any) -> None:
        self.stack.append({})

    def op_TUPLE1(self, _: Any) -> None:
        self.stack[-1:] = [(self.stack[-1],)]

    def op_TUPLE2(self, _: Any) -> None:
        self.stack[-2:] = [(self.stack[-2], self.stack[-1])]

    def op_TUPLE3(self, _: Any) -> None:
        self.stack[-3:] = [(self.stack[-3], self.stack[-2], self.stack[-1])]

    def op_TUPLE(self, _: Any) -> None:
        items = self._to_mark()
        self.stack.append(tuple(items))

    op_FROZENSET = op_TUPLE

    def op_LIST(self, _: Any) -> None:
        items = self._to_mark()
        self.stack.append(items)

    def op_DICT(self, _: Any) -> None:
        items = self._to_mark()
        self.stack.append({})
        self._set(items)

    def op_APPEND(self, _: Any) -> None:
        item = self.stack.pop()
        self._extend([item])

    def op_APPENDS(self, _: Any) -> None:
        items = self._to_mark()
        self._extend(items)

    op_ADDITEMS = op_APPENDS

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, Stub):
            target.items += items
        elif isinstance(target, list):
            target += items
        else:
            raise CheckpointError(f"damaged pickle: appends to a {type(target).__name__}")

    def op_SETITEM(self, _: Any) -> None:
        items = self.stack[-2:]
        del self.stack[-2:]
        self._set(items)

    def op_SETITEMS(self, _: Any) -> None:
        items = self._to_mark()
        self._set(items)

    def _set(self, items: list[Any]) -> None:
        target, pairs = self.stack[-1], list(zip(items[::2], items[1::2], strict=True))
        if isinstance(target, Stub):
            target.items += pairs
        elif isinstance(target, dict):
            target.update((checked_key(k), v) for k, v in pairs)
        else:
            raise CheckpointError(f"damaged pickle: sets items of a {type(target).__name__}")

    # names and objects
    def op_GLOBAL(self, arg: Any) -> None:
        self.stack.append(Name(*arg.split(" ", 1)))

    def op_STACK_GLOBAL(self, _: Any) -> None:
        module, name = self.stack.pop(-2), self.stack.pop()
        if not (isinstance(module, str) and isinstance(name, str)):
            raise CheckpointError("damaged pickle: a name that is no text")
        self.stack.append(Name(module, name))

    def op_INST(self, arg: Any) -> None:
        args = self._to_mark()
        self.stack.append(Stub(Name(*arg.split(" ", 1)), tuple(args)))

    def op_OBJ(self, _: Any) -> None:
        made, *args = self._to_mark()
        self.stack.append(Stub(made if isinstance(made, Name) else None, tuple(args)))

    def op_REDUCE(self, _: Any) -> None:
        made, args = self.stack.pop(-2), self.stack.pop()
        if not isinstance(args, tuple):
            raise CheckpointError(f"damaged pickle: a call with a {type(args).__name__} of arguments")
        self._copying(*(a for a in args if isinstance(a, list | dict | tuple | str | bytes)))
        self.stack.append(call(made, args))

    def _copying(self, *values: Any) -> None:
        """Count what an opcode copies: one that copies a long value again and again would fill the memory with few opcodes."""
        self.copied += sum(len(v) // 64 if isinstance(v, str | bytes) else len(v) for v in values)
        if self.copied > OPCODES:
            raise CheckpointError(f"more than {OPCODES:,} copied items")

    op_NEWOBJ = op_REDUCE

    def op_NEWOBJ_EX(self, _: Any) -> None:
        named = self.stack.pop()
        self.op_REDUCE(None)
        if isinstance(self.stack[-1], Stub):
            self.stack[-1].state = named

    def op_BUILD(self, _: Any) -> None:
        state, target = self.stack.pop(), self.stack[-1]
        if isinstance(target, Stub):
            fields = state if isinstance(state, tuple) and len(state) == 2 else (state,)
            if all(isinstance(part, dict | None) for part in fields):
                self._copying(*(part for part in fields if part))
                for part in fields:
                    target.attributes.update((k, v) for k, v in (part or {}).items() if isinstance(k, str))
            else:
                target.state = state
        elif not isinstance(target, dict | TensorSpec):  # an ordered dict's or a parameter's attributes say nothing about weights
            raise CheckpointError(f"damaged pickle: gives a state to a {type(target).__name__}")

    def op_BINPERSID(self, _: Any) -> None:
        found = persistent(self.stack.pop())
        if isinstance(found, StorageRef) and self.storages.setdefault(found.key, found) != found:
            raise CheckpointError(f"storage '{found.key}' is declared twice, in two ways")
        self.stack.append(found)


_LITERALS = {
    *(
        "INT",
        "BININT",
        "BININT1",
        "BININT2",
        "LONG",
        "LONG1",
        "LONG4",
        "FLOAT",
        "BINFLOAT",
        "STRING",
        "BINSTRING",
        "SHORT_BINSTRING",
    ),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
