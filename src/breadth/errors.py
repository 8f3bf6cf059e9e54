"""What can go wrong, and how it is said: one line with what was given, what was expected and what to do.

BreadthError                    anything this package raises on purpose; the command line prints it and exits with code 2
├── DataError                   a file, folder or array that cannot be a labelled set, a task source or an episode
├── SpecError                   a study file that names something unknown, or asks for what cannot hold
├── CheckpointError             a checkpoint that is damaged, foreign or does not fit its architecture
├── FetchError                  a place that cannot be reached, or files that did not arrive as published
├── StoreError                  a run folder that is damaged, locked, or belongs to another study
├── MeasureError                a probe, task or embedding for which the asked quantity is undefined
└── AnnounceError               a paper, facts or thread that cannot be read, or a service that does not answer as it should
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "AnnounceError",
    "BreadthError",
    "CheckpointError",
    "DataError",
    "FetchError",
    "MeasureError",
    "SpecError",
    "StoreError",
    "did_you_mean",
    "printable",
    "unknown_name",
]


class BreadthError(Exception):
    """Any error that this package raises on purpose; its text is one line for a person."""


class DataError(BreadthError):
    """A file, folder or array that cannot be used as data."""


class SpecError(BreadthError):
    """A study file or option that names something unknown or asks for what cannot hold."""


class CheckpointError(BreadthError):
    """A checkpoint that is damaged, foreign, or does not fit its architecture."""


class FetchError(BreadthError):
    """A place that is unknown, closed or out of reach, or files that did not arrive as they were published."""


class StoreError(BreadthError):
    """A run folder that is damaged, locked, or belongs to another study."""


class MeasureError(BreadthError):
    """A probe, task or embedding for which the asked quantity is undefined."""


class AnnounceError(BreadthError):
    """A paper, facts, thread or draft that cannot be read, or a writer or service that does not answer as it should."""


def printable(text: str) -> str:
    """Return ``text`` as it is, or spelled out where it holds what steers a terminal: line ends, colours, the cursor."""
    return text if text.isprintable() else ascii(text)[1:-1]


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"`` for the nearest allowed name, or an empty string where none is near."""
    near = difflib.get_close_matches(given, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean '{near[0]}'?" if near else ""


def unknown_name(what: str, given: str, allowed: Iterable[str]) -> str:
    """Return the one-line message for an unknown name: what was given, what is allowed, the nearest match."""
    names = sorted(allowed)
    return f"unknown {what} '{given}'; expected one of: {', '.join(names)}{did_you_mean(given, names)}"
