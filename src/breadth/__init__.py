"""Measure how diverse a data set is, test under control what that diversity buys, and tell people truthfully.

``breadth.measure("digits")`` measures; torch is loaded when it is called, not before.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from breadth.version import __version__

if TYPE_CHECKING:
    from breadth import measure
    from breadth.measure.probe import probe_of

__all__ = ["__version__", "measure", "probe_of"]


def __getattr__(name: str) -> Any:
    if name == "measure":
        return import_module("breadth.measure")
    if name == "probe_of":
        return import_module("breadth.measure.probe").probe_of
    raise AttributeError(f"module 'breadth' has no attribute '{name}'")
