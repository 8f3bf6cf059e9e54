"""The small study, a way to change any part of it, and its TOML text."""

import pytest

from breadth.study.spec import Study
from study.small import SMALL, as_toml


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

    return as_toml()
