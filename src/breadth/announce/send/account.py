"""Who posts: credentials come from the environment only and are never printed."""

from __future__ import annotations

import os

from breadth.errors import AnnounceError

__all__ = ["given"]


def given(name: str, example: str, *, default: str | None = None) -> str:
    """Return a variable of the environment. Raises AnnounceError where it is missing and has no default."""
    value = os.environ.get(name, "").strip() or default
    if not value:
        raise AnnounceError(f"{name} is not set; set it in the environment to {example}")
    return value
