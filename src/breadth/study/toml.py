"""Reading a study file: every mistake in one line that names the file, the line, the key, what was given and what is allowed."""

from __future__ import annotations

import difflib
import math
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from breadth.errors import SpecError, did_you_mean
from breadth.study.spec import Study

__all__ = ["read_study"]

Place = tuple[str | int, ...]

# What was expected, in words of a study file, by the kind of a validator's error; a name in braces is of its context.
_EXPECTED = {
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("model_type", "dict_type"), "a table"),
    "string_type": "a text in quotes",
    "tuple_type": "a list",
    "greater_than": "more than {gt:g}",
    "greater_than_equal": "at least {ge:g}",
    "less_than": "less than {lt:g}",
    "too_short": "a list of at least {min_length}",
    "string_pattern_mismatch": "a text that matches {pattern}",
    "string_too_short": "a text of at least {min_length} character",
    "literal_error": "{expected}",
}


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
    return tuple(int(part) if part.isdigit() else part for part in message.split(" ", maxsplit=1)[0].split("."))


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


def _own_place(loc: Place, raw: Any, *, missing: bool) -> Place:
    """``loc`` without what is not in the file: names of types, and the tag of a union; the last part stays where it is missing."""
    place: Place = ()
    for i, part in enumerate(loc):
        held: dict[Any, Any] = raw if isinstance(raw, dict) else dict(enumerate(raw)) if isinstance(raw, list) else {}
        if part in held:
            raw = held[part]
        elif not (missing and i == len(loc) - 1):
            continue
        place = (*place, part)
    return place


def _shown(value: Any, most: int = 80) -> str:
    """``value`` as one piece of a line, of at most so many characters."""
    text = str(value)
    text = text if text.isprintable() else ascii(text)[1:-1]
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _where(path: Path, text: str, place: Place, key: str) -> str:
    lines = _lines(text)
    while place and place not in lines:
        place = place[:-1]
    return f"{path}" + (f", line {lines[place]}" if place else "") + (f": {key}" if key else "")


def _dotted(place: Place) -> str:
    return ".".join(_shown(p) for p in place)


def _no_numbers(value: Any, place: Place = ()) -> Iterator[tuple[Place, float, str]]:
    """Every number of a TOML document that nothing can be computed with, with its place and what was expected."""
    if isinstance(value, float) and not math.isfinite(value):
        yield place, value, "a finite number"
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:  # what TOML promises to hold
        yield place, value, "a whole number of at most 64 bits"
    elif isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _no_numbers(inner, (*place, part))


def _expected(errors: list[ErrorDetails]) -> str:
    """What was expected where a value was wrong in each of these ways, one for each type that it could have had."""
    said = [_EXPECTED[e["type"]].format(**e.get("ctx", {})) if e["type"] in _EXPECTED else "" for e in errors]
    return " or ".join(dict.fromkeys(said)) if all(said) else ""


def _message(path: Path, text: str, raw: dict[str, Any], error: ValidationError) -> str:
    errors = error.errors()
    first = errors[0]
    kind, given, message = first["type"], first["input"], str(first["msg"]).removeprefix("Value error, ")
    place = _own_place(first["loc"], raw, missing=kind == "missing")
    where = _where(path, text, place or _named_place(message), _dotted(place))
    alike = [e for e in errors if _own_place(e["loc"], raw, missing=e["type"] == "missing") == place and e["input"] == given]
    others = len(errors) - len(alike)
    more = f" (and {others} more)" if others else ""
    if kind == "extra_forbidden":
        allowed = _allowed_keys(first["loc"])
        near = difflib.get_close_matches(str(first["loc"][-1]), allowed, n=1, cutoff=0.5)
        hint = f"did you mean '{near[0]}'?" if near else f"allowed: {', '.join(allowed)}"
        return f"{where}: unknown key; {hint}{more}"
    if kind == "missing":
        return f"{where}: missing; add it{more}"
    if kind == "union_tag_not_found":
        return f"{where}.kind: missing; add it{more}"
    if kind == "value_error":
        return f"{where}: {message}{more}"
    if kind in ("literal_error", "union_tag_invalid"):
        context = first.get("ctx", {})
        expected = str(context.get("expected", context.get("expected_tags", "")))
        given = context.get("tag", given)
        names = re.findall(r"'([^']*)'", expected)
        return f"{where}: '{_shown(given)}' given; expected one of: {', '.join(names)}{did_you_mean(str(given), names)}{more}"
    expected = _expected(alike)
    wanted = f"expected {expected}" if expected else f"{message[0].lower()}{message[1:]}"
    return f"{where}: {_shown(repr(given))} given; {wanted}{more}"


def read_study(path: str | Path) -> Study:
    """Read a study from a TOML file. Raises SpecError naming file, line or key, what was given and what is allowed.

    A relative ``data_root`` is resolved against the file's folder.
    """
    path = Path(path)
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "no such study file"
            raise SpecError(f"{path}: {what}; give the path of a TOML file, for example studies/quickstart.toml")
        text = path.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except RecursionError:
        raise SpecError(f"{path}: not valid TOML: brackets nested too deeply") from None
    except OSError as error:
        raise SpecError(f"{path}: cannot be read ({error.strerror or error}); check the path and its permissions") from None
    except ValueError as error:  # of TOML, of UTF-8, and of numbers and dates that no machine holds
        raise SpecError(f"{path}: not valid TOML: {_shown(error, 200)}") from None
    for place, value, expected in _no_numbers(raw):
        raise SpecError(f"{_where(path, text, place, _dotted(place))}: {_shown(value)} given; expected {expected}")
    try:
        study = Study.model_validate(raw)
    except ValidationError as error:
        raise SpecError(_message(path, text, raw, error)) from None
    try:
        # An absolute data root stays what it is under "/".
        root = str((path.parent / study.data_root).resolve())
    except (OSError, ValueError, RuntimeError) as error:
        raise SpecError(f"{path}: data_root: '{_shown(study.data_root)}' given; no folder can have this name ({error})") from None
    return study.model_copy(update={"data_root": root, "file": path.as_posix()})
