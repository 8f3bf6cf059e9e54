"""Where runs are kept: ``runs/<run_id>/``, written so that a killed process never leaves a half result that looks whole.

A run folder holds ``spec.json``, whatever files the run made, and last of all ``record.json``, whose existence means the run is done.
``record.json`` names the SHA-256 of each file and holds one of itself, so that damage is seen and said instead of used. It says what
made the run, too, since numbers agree to the last bit only on the same machine architecture with the same versions.
"""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import platform
import secrets
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from breadth.errors import StoreError
from breadth.study.plan import RunSpec
from breadth.version import __version__

__all__ = ["Store", "write_json", "write_json_once", "write_text"]


_ESTIMATE = ("value", "low", "high", "level", "n", "method")
# What the result of a run of each kind holds; beneath a name, what is read from it. "*" stands for every entry.
_HELD: dict[str, dict[str, tuple[str, ...]]] = {
    "probe": {},
    "measure": {"diversity": _ESTIMATE, "floor": _ESTIMATE, "complexity": _ESTIMATE, "doubt": (), "protocol": ()},
    "train": {"suite": (), "scores": ("*", "accuracy", "loss"), "cost": ("images",), "stopped": (), "history": ()},
    "import": {"suite": (), "scores": ("*", "accuracy", "loss"), "checkpoint": ("architecture", "tensors_sha256")},
    "baseline": {"suite": (), "scores": ("*", "accuracy", "loss")},
    "overlap": {"pairs": ("*", "train", "evaluation", "exact", "near", "names", "n_train", "n_evaluation", "same_source")},
    "text-probe": {"size": ()},
    "text-measure": {"diversity": _ESTIMATE, "floor": _ESTIMATE, "complexity": _ESTIMATE, "doubt": (), "protocol": ()},
    "text-train": {"suite": (), "scores": ("*", "loss"), "cost": ("tokens",), "stopped": (), "history": (), "parameters": ()},
    "text-baseline": {"suite": (), "scores": ("*", "loss")},
    "text-overlap": {"overlap": ("exact", "near", "ngram_share", "jaccard"), "tokens": (), "documents": ()},
}


def _sync(path: Path) -> None:
    """Wait until a file, or the list of files of a folder, is on the disk and would outlast a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a file so that at any instant, a power cut included, it is either the old one or the whole new one."""
    # Machines that share a folder may have processes of the same number.
    partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(partial, path)
    _sync(path.parent)


def _finite(value: Any) -> Any:
    """Return ``value`` with nan and infinities as None: JSON has no word for them."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {k: _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys in the given order, numbers in full; nan becomes null. A list has one element a line."""
    if isinstance(value, list):
        lines = ",\n".join(json.dumps(_finite(v), allow_nan=False) for v in value)
        write_text(path, f"[\n{lines}\n]\n")
    else:
        write_text(path, json.dumps(_finite(value), indent=1, allow_nan=False) + "\n")


def write_json_once(path: Path, value: Any) -> None:
    """Write JSON as ``write_json`` does, unless there is such a file: of many writers at once, the first one's stays."""
    mine = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.mine")
    write_json(mine, value)
    try:
        os.link(mine, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        if not path.exists():
            os.replace(mine, path)
    finally:
        mine.unlink(missing_ok=True)
    _sync(path.parent)


def _seal(record: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a record without its seal."""
    # Once through JSON, so that what is hashed is what a reader of the file gets.
    content = json.loads(json.dumps(_finite({k: v for k, v in record.items() if k != "sha256"})))
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _lacking(kind: str, result: Any) -> str | None:
    """Return the first name that the result of a run of this kind should hold and does not."""
    if not isinstance(result, dict):
        return "result"
    for name, inner in _HELD.get(kind, {}).items():
        if name not in result:
            return name
        every, names = inner[:1] == ("*",), inner[inner[:1] == ("*",) :]
        value = result[name]
        entries = (list(value.values()) if isinstance(value, dict) else value) if every else [value]
        if not isinstance(entries, list):
            return name
        for entry in entries:
            for wanted in names:
                if not isinstance(entry, dict) or wanted not in entry:
                    return f"{name}: {wanted}"
    return None


class Store:
    """The folder of run folders. device: where the runs that this process finishes are computed, for the record.

    before_record: called right before a record is written; raises where this process may no longer write it.
    """

    def __init__(self, root: str | Path, *, device: str = "unknown", before_record: Callable[[], None] = lambda: None) -> None:
        self.root = Path(root)
        self.device = device
        self._before_record = before_record
        self._records: dict[str, dict[str, Any]] = {}  # those whose checksums were found right

    def folder(self, run: RunSpec | str) -> Path:
        """Return the folder of a run (which may not exist yet)."""
        return self.root / (run if isinstance(run, str) else run.run_id)

    def begin(self, run: RunSpec) -> Path:
        """Make the folder of a run and write its specification. Raises StoreError where the folder belongs to something else."""
        folder = self.folder(run)
        spec = {"kind": run.kind, "body": run.body, "needs": list(run.needs)}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "spec.json"
        if path.exists():
            if self._read(path) != spec:
                raise StoreError(f"{folder}: holds another run than its name says; move the folder away and run again")
        else:
            write_json(path, spec)
            _sync(self.root)
        return folder

    def finish(self, run: RunSpec, result: dict[str, Any], files: tuple[str, ...] = ()) -> None:
        """Write ``record.json``: the result and the checksums of the files it goes with. From now on the run is done.

        The files are on the disk before the record that vouches for them, and the record before the checkpoint goes.
        """
        folder = self.folder(run)
        for name in files:
            _sync(folder / name)
        _sync(folder)
        sums = {name: _checksum(folder / name) for name in files}
        record = {"run_id": run.run_id, "kind": run.kind, "result": result, "files": sums, "made_by": _made_by(self.device)}
        self._before_record()
        write_json(folder / "record.json", {**record, "sha256": _seal(record)})
        self._records.pop(run.run_id, None)
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)

    def is_done(self, run: RunSpec | str) -> bool:
        """Say whether a run has its record."""
        return (self.folder(run) / "record.json").is_file()

    def result(self, run: RunSpec | str) -> dict[str, Any]:
        """Return the result of a done run. Raises StoreError where it is missing or damaged.

        The checksums of a run are computed when it is first asked for; from then on this object knows its result.
        """
        return dict(copy.deepcopy(self._record(run)["result"]))

    def made_by(self, run: RunSpec | str) -> dict[str, Any]:
        """Return versions, device, machine architecture and threads that made a done run; empty where its record is older than these.

        Raises StoreError as ``result`` does.
        """
        return dict(self._record(run).get("made_by", {}))

    def check(self, run: RunSpec) -> None:
        """Raise StoreError where a done run is damaged: its record, a file of it, or its specification."""
        self._record(run)
        self.begin(run)

    def _record(self, run: RunSpec | str) -> dict[str, Any]:
        expected = run if isinstance(run, str) else run.run_id
        if expected not in self._records:
            self._records[expected] = self._verified(run, expected)
        return self._records[expected]

    def _verified(self, run: RunSpec | str, expected: str) -> dict[str, Any]:
        folder = self.folder(run)
        again = f"delete the folder {folder} and run the study again"
        if not self.is_done(run):
            raise StoreError(f"{folder}: no record; run the study first")
        record = self._read(folder / "record.json")
        if not isinstance(record, dict) or record.get("run_id") != expected or "result" not in record:
            raise StoreError(f"{folder}/record.json: not the record of run {expected}; delete the folder and run the study again")
        # Records that are older than the seal have neither of these entries.
        if not {"sha256", "made_by"}.isdisjoint(record) and record.get("sha256") != _seal(record):
            raise StoreError(f"{folder}/record.json: changed since it was written; {again}")
        lacking = _lacking(expected.rpartition("-")[0], record["result"])
        if lacking is None and not isinstance(record.get("files", {}), dict):
            lacking = "files"
        if lacking is not None:
            raise StoreError(f"{folder}/record.json: lacks '{lacking}'; {again}")
        for name, checksum in record.get("files", {}).items():
            path = folder / name
            if not path.is_file() or _checksum(path) != checksum:
                raise StoreError(f"{path}: missing or changed since it was written; {again}")
        return record

    def spec(self, run_id: str) -> dict[str, Any]:
        """Return the body of the specification of a run that was begun. Raises StoreError where it is missing or damaged."""
        path = self.folder(run_id) / "spec.json"
        spec = self._read(path)
        if not isinstance(spec, dict) or not isinstance(spec.get("body"), dict):
            raise StoreError(f"{path}: not a specification; delete the folder {path.parent} and run the study again")
        return dict(spec["body"])

    @staticmethod
    def _read(path: Path) -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise StoreError(f"{path}: damaged ({error}); delete the folder {path.parent} and run the study again") from None


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _made_by(device: str) -> dict[str, Any]:
    """What numbers depend on to the last bit; nothing that names a machine or a person."""
    torch = sys.modules.get("torch")  # loaded wherever a run is computed, never by this module
    if device == "cuda" and torch is not None and torch.cuda.is_available():
        device = f"cuda ({torch.cuda.get_device_name()})"
    return {
        "breadth": __version__,
        "torch": metadata.version("torch"),
        "numpy": metadata.version("numpy"),
        "python": platform.python_version(),
        "device": device,
        "machine": platform.machine(),
        "threads": torch.get_num_threads() if torch is not None else "unknown",
    }
