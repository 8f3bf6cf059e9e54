"""Files of ``torch.save``, the zip form and the plain form before it (PyTorch 1.5 and older): opened without executing anything.

``read_archive`` reads the pickle alone; tensors are read by ``Archive.read``, those asked for and no others, so that the state of an
optimizer costs nothing. What a file declares is checked against what it holds before memory is taken.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from breadth.errors import CheckpointError
from breadth.nets.pickled import StorageRef, TensorSpec
from breadth.nets.unpickle import BYTES, unpickle

__all__ = ["LARGEST", "Archive", "read_archive"]

LARGEST = 16 * 2**30
_DIRECTORY = 16 * 2**20
_MAGIC = 0x1950A86A20F9469CFC6C
_ADVICE = "nothing in it was executed; save model.state_dict() alone, best as .safetensors"


@dataclass(frozen=True, eq=False)
class Archive:
    """value: what was saved, tensors as ``TensorSpec``, unknown objects as ``Stub``; size: bytes of the file."""

    path: Path
    value: Any
    size: int
    _zipped: str | None
    _places: Mapping[str, int]

    def read(self, specs: Mapping[str, TensorSpec]) -> dict[str, Tensor]:
        """Return the tensors by name, on the CPU; tensors of one storage share it. Raises CheckpointError where the file is damaged."""
        needed = {s.storage.key: s.storage for s in specs.values()}
        shown = sum(math.prod(s.size) * s.dtype.itemsize for s in specs.values())
        if shown > 16 * self.size:  # a few names for one tensor are common, thousands are not
            raise _bad(self.path, f"declares {shown:,} bytes of tensors in {self.size:,} bytes of file")
        buffers = self._from_zip(needed) if self._zipped is not None else self._from_plain(needed)
        return {name: _view(buffers[s.storage.key], s) for name, s in specs.items()}

    def _from_zip(self, needed: Mapping[str, StorageRef]) -> dict[str, bytearray]:
        buffers = {}
        try:
            with zipfile.ZipFile(self.path) as archive:
                for key, storage in needed.items():
                    info = archive.getinfo(f"{self._zipped}/data/{key}")
                    if info.file_size != storage.nbytes:
                        raise _bad(self.path, f"storage '{key}' has {info.file_size:,} bytes; {storage.nbytes:,} are declared")
                    with archive.open(info) as stream:
                        buffers[key] = _filled(stream, storage.nbytes)  # type: ignore[arg-type]  # a stream that reads
        except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
            raise _bad(self.path, f"damaged: {_short(error)}") from None
        return buffers

    def _from_plain(self, needed: Mapping[str, StorageRef]) -> dict[str, bytearray]:
        buffers = {}
        with self.path.open("rb") as stream:
            for key, storage in needed.items():
                if key not in self._places:
                    raise _bad(self.path, f"damaged: storage '{key}' is not in the file")
                stream.seek(self._places[key])
                numel = struct.unpack("<q", stream.read(8))[0]
                if numel != storage.numel:
                    raise _bad(self.path, f"storage '{key}' has {numel:,} numbers; {storage.numel:,} are declared")
                buffers[key] = _filled(stream, storage.nbytes)
        return buffers


def read_archive(path: str | Path, *, largest: int = LARGEST) -> Archive:
    """Return what ``torch.save`` wrote to ``path``, without executing any of it.

    largest: bytes of file beyond which it is refused unread. Refused as well: compressed entries (``torch.save`` writes none, so a
    small file that unpacks to a huge one is no file of weights), TorchScript, tar files of PyTorch before 0.1.10 and pickles that
    ``torch.save`` did not write. Raises CheckpointError in one line.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; give a file of trained weights")
    size = path.stat().st_size
    if size > largest:
        raise CheckpointError(
            f"{path}: {size:,} bytes, more than the limit of {largest:,}; raise the limit, or give a smaller file"
        )
    with path.open("rb") as stream:
        head = stream.read(512)
        stream.seek(0)
        if head[:4] == b"PK\3\4":
            return _zip(path, size)
        if head[257:262] == b"ustar":
            raise _bad(
                path, "a tar file, as PyTorch wrote before 0.1.10, or an archive; unpack it, or save it anew with a newer PyTorch"
            )
        if head[:1] != b"\x80":
            raise _bad(path, f"neither a zip file nor a pickle (it begins with {head[:4]!r})" if head else "an empty file")
        try:
            return _plain(path, size, stream)
        except CheckpointError as error:
            raise error if str(error).startswith(str(path)) else _bad(path, str(error)) from None


def _zip(path: Path, size: int) -> Archive:
    if _directory(path, size) > _DIRECTORY:
        raise _bad(path, f"a zip file whose list of entries has more than {_DIRECTORY:,} bytes")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            names = [i.filename for i in infos]
            if any(i.compress_type != zipfile.ZIP_STORED for i in infos) or sum(i.file_size for i in infos) > size:
                unpacked = sum(i.file_size for i in infos)
                raise _bad(path, f"a compressed zip file ({size:,} bytes that declare {unpacked:,}), which torch.save never writes")
            if any(n.endswith(("/constants.pkl", "/version.txt")) or "/code/" in n for n in names):
                raise _bad(path, "a TorchScript program")
            roots = [n.removesuffix("/data.pkl") for n in names if n.endswith("/data.pkl") and n.count("/") == 1]
            if len(roots) != 1 or len(set(names)) != len(names):
                raise _bad(path, "a zip file that torch.save did not write (it has no single data.pkl)")
            if f"{roots[0]}/byteorder" in names and archive.read(f"{roots[0]}/byteorder") != b"little":
                raise _bad(path, "written on a big-endian machine")
            info = archive.getinfo(f"{roots[0]}/data.pkl")
            if info.file_size > BYTES:
                raise _bad(path, f"a pickle of {info.file_size:,} bytes beside its tensors; at most {BYTES:,} are read")
            try:
                value = unpickle(io.BytesIO(archive.read(info)))
            except CheckpointError as error:
                raise _bad(path, str(error)) from None
    except (KeyError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError, struct.error) as error:
        raise _bad(path, f"damaged: {_short(error)}") from None
    return Archive(path, value, size, roots[0], {})


def _directory(path: Path, size: int) -> int:
    """Bytes of the list of entries, as the end of the file states them: ``zipfile`` would read all of it at once."""
    with path.open("rb") as stream:
        stream.seek(max(0, size - 2**17))
        tail = stream.read()
    sizes = [0]
    for mark, form, at in ((b"PK\5\6", "<L", 12), (b"PK\6\6", "<Q", 40)):
        place = tail.rfind(mark)
        if place >= 0 and place + at + 8 <= len(tail):
            sizes.append(struct.unpack_from(form, tail, place + at)[0])
    return max(n for n in sizes if n != 0xFFFFFFFF)  # which stands for "see the larger form"


def _plain(path: Path, size: int, stream: BinaryIO) -> Archive:
    """Magic number, protocol, machine, value, keys of the storages: five pickles; then each storage, its length before it."""
    if unpickle(stream) != _MAGIC:
        raise _bad(path, "a pickle that torch.save did not write")
    unpickle(stream)
    system = unpickle(stream)
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise _bad(path, "written on a big-endian machine")
    storages: dict[str, StorageRef] = {}
    value = unpickle(stream, storages)
    keys = unpickle(stream)
    if not isinstance(keys, list) or not all(isinstance(k, str) for k in keys):
        raise _bad(path, "damaged: no list of storages")
    places, at = {}, stream.tell()
    for key in keys:
        places[key] = at
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            raise _bad(path, "damaged: it ends before its tensors do")
        if key not in storages:
            raise _bad(path, f"damaged: storage '{key}' belongs to no tensor")
        at += 8 + struct.unpack("<q", head)[0] * storages[key].dtype.itemsize
        if not places[key] < at <= size:
            raise _bad(path, "damaged: it ends before its tensors do")
    return Archive(path, value, size, None, places)


def _filled(stream: BinaryIO, size: int) -> bytearray:
    buffer = bytearray(size)
    done = 0
    with memoryview(buffer) as view:
        while done < size:
            n = stream.readinto(view[done:])  # type: ignore[attr-defined]  # BinaryIO names it not, every binary stream has it
            if not n:
                raise EOFError("it ends before its tensors do")
            done += n
    return buffer


def _view(buffer: bytearray, spec: TensorSpec) -> Tensor:
    if not buffer:
        return torch.empty(spec.size, dtype=spec.dtype)
    flat = torch.frombuffer(buffer, dtype=spec.dtype, count=len(buffer) // spec.dtype.itemsize)
    return flat.as_strided(spec.size, spec.stride, spec.offset)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _bad(path: Path, reason: str) -> CheckpointError:
    said = reason if reason.isprintable() else ascii(reason)[1:-1]
    return CheckpointError(f"{path}: not usable as weights: {said}; {_ADVICE}")
