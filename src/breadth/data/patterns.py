"""Several files named by one text: a glob, "part-*.parquet", or braces, "shard-{000..003}.tar" and "{train,val}.tar"."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from breadth.errors import DataError

__all__ = ["files_of", "is_pattern"]

_MOST = 100_000
_STARS = re.compile(r"[*?]")
_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*,[^{}]*)\}")


def is_pattern(text: str) -> bool:
    """Say whether a text names files by a pattern; a file or folder of exactly this name wins."""
    return bool(_BRACES.search(text) or _STARS.search(text)) and not Path(text).exists()


def files_of(text: str) -> list[Path]:
    """Return the files that a pattern names: braces in their order (each must exist), then what each glob matches, sorted.

    Numbers in braces keep their leading zeros. Raises DataError for a file that is missing, a glob without a match, a range that runs
    backwards or names more than 100,000 files.
    """
    found: list[Path] = []
    for name in _expanded(text, text):
        if _STARS.search(name):
            matches = sorted(Path(match) for match in glob.glob(name, recursive=True) if Path(match).is_file())
            if not matches:
                raise DataError(f"{name} matches no file; check the pattern and the folder")
            found += matches
        elif not Path(name).is_file():
            raise DataError(f"{name}, named by {text}, does not exist; check the range")
        else:
            found.append(Path(name))
    return found


def _expanded(text: str, whole: str) -> list[str]:
    braces = _BRACES.search(text)
    if braces is None:
        return [text]
    first, last, listed = braces.groups()
    if listed is not None:
        middles = listed.split(",")
    else:
        low, high = int(first), int(last)
        if high < low:
            raise DataError(f"{whole} counts from {first} down to {last}; write the smaller number first")
        if high - low >= _MOST:
            raise DataError(f"{whole} names {high - low + 1:,} files; at most {_MOST:,} can be read as one set")
        middles = [str(i).zfill(len(first)) for i in range(low, high + 1)]
    tails = _expanded(text[braces.end() :], whole)
    if len(middles) * len(tails) > _MOST:
        raise DataError(f"{whole} names {len(middles) * len(tails):,} files; at most {_MOST:,} can be read as one set")
    return [text[: braces.start()] + middle + tail for middle in middles for tail in tails]
