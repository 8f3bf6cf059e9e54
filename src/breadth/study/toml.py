"""Reading a study file: every mistake in one line that names the file, the line, the key, what was given and what is allowed."""

from __future__ import annotations

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from breadth.errors import SpecError, did_you_mean
from breadth.study.spec import Study

__all__ = ["read_study"]

Place = tuple[str | int, ...]


def _lines(text: str) -> dict[Place, int]:
    """Line number of each table and key of a TOML text, by its place, e.g. ("learner", 1, "tasks")."""
    places: dict[Place, int] = {}
    table: Place = ()
    counts: dict[Place, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*([A-Za-z0-9_.\-]+)\s*\]", line):
            table = tuple(header[2].split("."))
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            places.setdefault(table, number)
        elif key := re.match(r"\s*([A-Za-z0-9_.\-]+)\s*=", line):
            places[(*table, *key[1].split("."))] = number
    return places


def _named_place(message: str) -> Place:
    """The place that a message of the study's own checks begins with, e.g. "hypothesis.probe is ..." or "design names ..."."""
    return tuple(message.split(" ", maxsplit=1)[0].split("."))


def _models(annotation: Any) -> list[type[BaseModel]]:
    """All models inside an annotation such as ``tuple[A | B, ...]`` or ``dict[str, A]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in get_args(annotation) for m in _models(part)]


def _allowed_keys(place: Place) -> list[str]:
    """Names of the keys allowed in the table that holds the last key of ``place``."""
    models: list[type[BaseModel]] = [Study]
    for part in place[:-1]:
        fields = [m.model_fields[part] for m in models if isinstance(part, str) and part in m.model_fields]
        if fields:
            models = [found for f in fields for found in _models(f.annotation)]
        elif isinstance(part, str):  # the tag of a union of learners
            models = [m for m in models if part in get_args(getattr(m.model_fields.get("kind"), "annotation", None))] or models
    return [name for m in models for name in m.model_fields]


def _message(path: Path, text: str, error: ValidationError) -> str:
    first = error.errors()[0]
    kind, given, message = first["type"], first["input"], str(first["msg"]).removeprefix("Value error, ")
    tags = ("pretrain", "maml")
    place: Place = tuple(p for p in first["loc"] if p not in tags)
    lines = _lines(text)
    key = ".".join(str(p) for p in place)
    if not place:
        place, key = _named_place(message), ""
    while place and place not in lines:
        place = place[:-1]
    where = f"{path}" + (f", line {lines[place]}" if place else "") + (f": {key}" if key else "")
    more = "" if error.error_count() == 1 else f" (and {error.error_count() - 1} more)"
    if kind == "extra_forbidden":
        allowed = _allowed_keys(first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), allowed, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"allowed: {', '.join(allowed)}"
        return f"{where}: unknown key; {hint}{more}"
    if kind == "missing":
        return f"{where}: missing; add it{more}"
    if kind == "value_error":
        return f"{where}: {message}{more}"
    if kind in ("literal_error", "union_tag_invalid"):
        context = first.get("ctx", {})
        expected = str(context.get("expected", context.get("expected_tags", "")))
        given = context.get("tag", given)
        names = re.findall(r"'([^']*)'", expected)
        return f"{where}: '{given}' given; expected one of: {', '.join(names)}{did_you_mean(str(given), names)}{more}"
    return f"{where}: {given!r} given; {message[0].lower()}{message[1:]}{more}"


def read_study(path: str | Path) -> Study:
    """Read a study from a TOML file. Raises SpecError naming file, line or key, what was given and what is allowed.

    A relative ``data_root`` is resolved against the file's folder.
    """
    path = Path(path)
    if not path.is_file():
        raise SpecError(f"{path}: no such study file; give the path of a TOML file, for example studies/quickstart.toml")
    try:
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError(f"{path}: not valid TOML: {error}") from None
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise SpecError(_message(path, text, error)) from None
    # An absolute data root stays what it is under "/".
    return study.model_copy(update={"data_root": str((path.parent / study.data_root).resolve()), "file": path.as_posix()})
