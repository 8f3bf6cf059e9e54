"""The small study, a way to change any part of it, and its TOML text."""

import pytest

from breadth.study.spec import Study
from study.small import SMALL


@pytest.fixture
def make_study():
    """Return make(**parts): the small study with the given top-level parts replaced."""

    def make(**parts):
        plain = {k: v.model_dump(exclude_none=True) if hasattr(v, "model_dump") else v for k, v in parts.items()}
        return Study.model_validate({**SMALL, **plain})

    return make


@pytest.fixture
def small_toml():
    """Return the small study as TOML text."""

    def table(value):
        if isinstance(value, dict):
            return "{" + ", ".join(f"{k} = {table(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(table(v) for v in value) + "]"
        return f'"{value}"' if isinstance(value, str) else str(value)

    lines = []
    for key, value in SMALL.items():
        if isinstance(value, dict):
            lines += [f"[{key}]", *(f"{k} = {table(v)}" for k, v in value.items())]
        elif isinstance(value, list):
            for item in value:
                lines += [f"[[{key}]]", *(f"{k} = {table(v)}" for k, v in item.items())]
        else:
            lines.insert(0, f"{key} = {table(value)}")
    return "\n".join(lines) + "\n"
