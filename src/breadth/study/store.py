"""Where runs are kept: ``runs/<run_id>/``, written so that a killed process never leaves a half result that looks whole.

A run folder holds ``spec.json``, whatever files the run made, and last of all ``record.json``, whose existence means the run is done.
``record.json`` names the SHA-256 of each file, so that damage is seen and said instead of used.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from breadth.errors import StoreError
from breadth.study.plan import RunSpec

__all__ = ["Store", "write_json", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a file so that at any instant it is either the old one or the whole new one."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with partial.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(path)


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
    """Write JSON atomically, keys in the given order, numbers in full; nan becomes null."""
    write_text(path, json.dumps(_finite(value), indent=1, allow_nan=False) + "\n")


class Store:
    """The folder of run folders."""

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)

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
        return folder

    def finish(self, run: RunSpec, result: dict[str, Any], files: tuple[str, ...] = ()) -> None:
        """Write ``record.json``: the result and the checksums of the files it goes with. From now on the run is done."""
        folder = self.folder(run)
        sums = {name: _checksum(folder / name) for name in files}
        write_json(folder / "record.json", {"run_id": run.run_id, "kind": run.kind, "result": result, "files": sums})
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)

    def is_done(self, run: RunSpec | str) -> bool:
        """Say whether a run has its record."""
        return (self.folder(run) / "record.json").is_file()

    def result(self, run: RunSpec | str) -> dict[str, Any]:
        """Return the result of a done run. Raises StoreError where it is missing or damaged."""
        folder = self.folder(run)
        if not self.is_done(run):
            raise StoreError(f"{folder}: no record; run the study first")
        record = self._read(folder / "record.json")
        expected = run if isinstance(run, str) else run.run_id
        if not isinstance(record, dict) or record.get("run_id") != expected or "result" not in record:
            raise StoreError(f"{folder}/record.json: not the record of run {expected}; delete the folder and run the study again")
        for name, checksum in record.get("files", {}).items():
            path = folder / name
            if not path.is_file() or _checksum(path) != checksum:
                raise StoreError(
                    f"{path}: missing or changed since it was written; delete the folder {folder} and run the study again"
                )
        return dict(record["result"])

    def spec(self, run_id: str) -> dict[str, Any]:
        """Return the body of the specification of a run that was begun. Raises StoreError where it is missing or damaged."""
        return dict(self._read(self.folder(run_id) / "spec.json")["body"])

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep two processes from running in the same folder; released when the process ends, however it ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StoreError(
                    f"{self.root}: another process runs here; wait for it, or give another folder with --runs"
                ) from None
            yield

    @staticmethod
    def _read(path: Path) -> Any:
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(f"{path}: damaged ({error}); delete the folder {path.parent} and run the study again") from None


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
