"""One unit of work: a canonical specification whose hash is its identity."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from breadth.data.digest import source_digest
from breadth.errors import DataError, SpecError
from breadth.study.place import source_place
from breadth.study.spec import Study

__all__ = ["RUN_FORMAT", "Kind", "RunSpec", "hashed_source", "named_source"]

Kind = Literal[
    "probe",
    "measure",
    "train",
    "import",
    "baseline",
    "overlap",
    "text-probe",
    "text-measure",
    "text-train",
    "text-baseline",
    "text-overlap",
]

# Raised whenever the same specification would give other numbers, so that old runs are not mistaken for new ones.
RUN_FORMAT = 1


@dataclass(frozen=True)
class RunSpec:
    """One unit of work. body: everything its result depends on (JSON values); needs: run ids whose results it reads.

    label: for people and for grouping in the analysis; it does not enter the identity. seconds: a rough cost estimate on one core.
    """

    kind: Kind
    label: str
    body: dict[str, Any]
    needs: tuple[str, ...] = ()
    seconds: float = 1.0

    @cached_property
    def run_id(self) -> str:
        """Kind and the first 16 hexadecimal digits of the SHA-256 of the canonical specification."""
        canonical = json.dumps({"format": RUN_FORMAT, "kind": self.kind, "body": self.body, "needs": self.needs}, sort_keys=True)
        return f"{self.kind}-{hashlib.sha256(canonical.encode()).hexdigest()[:16]}"


def hashed_source(study: Study, load: str, digests: dict[str, str]) -> dict[str, Any]:
    """Return a source by the name it is loaded under and by what it holds. digests: those computed before, by place; added to."""
    place = source_place(load, study.data_root)
    if place not in digests:
        digests[place] = source_digest(place)
    return {"load": load, "digest": digests[place]}


def named_source(study: Study, name: str, load: str, digests: dict[str, str]) -> dict[str, Any]:
    """Return a ``hashed_source`` under the name that the study gives it. Raises SpecError with that name where it cannot be read."""
    try:
        return {"name": name, **hashed_source(study, load, digests)}
    except DataError as error:
        raise SpecError(f"data.{name}: {error}") from None
