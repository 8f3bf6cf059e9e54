"""The version, in one place; part of every protocol fingerprint."""

__version__ = "0.1.0"
