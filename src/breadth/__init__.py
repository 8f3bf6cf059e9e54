"""Measure how diverse a data set is, test under control what that diversity buys, and tell people truthfully."""

from breadth.version import __version__

__all__ = ["__version__"]
