"""Arrays without a container: feature vectors (or images) in an .npy file, and numbers in a CSV file."""

from __future__ import annotations

import csv
import math
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from breadth.data.archives import DAMAGE, header_bytes
from breadth.data.arrays import from_arrays
from breadth.data.columns import LABEL_NAMES, Column, Columns, pick
from breadth.data.images import LabeledSet
from breadth.data.items import UNLABELLED, one_line, some_rows
from breadth.errors import DataError

__all__ = ["read_csv", "read_npy"]

# Most who meet a text here have a list of image files.
TEXT = ": a CSV holds numbers only, for images use a folder, Parquet or a Hugging Face data set"


def read_npy(path: Path, *, max_bytes: int, limit: int | None) -> LabeledSet:
    """Return the array of an .npy file as one class, "unlabelled": vectors [n, features] or uint8 images. An .npz file can hold labels.

    limit: a fixed draw of at most this many rows. Raises DataError for damage, pickled objects, or more than ``max_bytes`` announced.
    """
    with path.open("rb") as stream:
        needed = header_bytes(stream, f"{path}")
        if needed > max_bytes:
            raise DataError(
                f"{path} announces {needed:,} bytes, more than the limit of {max_bytes:,}; raise max_bytes if it is trusted"
            )
        stream.seek(0)
        try:
            values = np.lib.format.read_array(stream, allow_pickle=False)
        except DAMAGE as error:
            raise DataError(f"{path} is damaged ({one_line(error)}); write the file again with numpy.save") from error
    if values.ndim and limit is not None:
        values = values[some_rows(len(values), limit)]
    return from_arrays(values, np.zeros(len(values) if values.ndim else 0, np.int64), [UNLABELLED], name=path.stem)


def read_csv(path: Path, *, said: Columns, max_bytes: int, limit: int | None) -> LabeledSet:
    """Return the vectors in a CSV file, or a TSV file by its ending, with one line of column names above the numbers.

    The label column is the one said, else the only one with a customary name (label, class, target, y), else the only one that is not
    of numbers, else none: then all rows form the class "unlabelled". A group column must be said. All others must be finite numbers.
    limit: a fixed draw of at most this many rows. Raises DataError, with the line, for what is not so, and beyond ``max_bytes``.
    """
    if said.image is not None:
        raise DataError(
            f"{path} holds one number a column; image_col does not apply: every column but label and group is a feature"
        )
    lines = _lines(path)
    header = next(lines, (0, []))[1]
    if not any(header):
        raise DataError(f"{path} is empty; expected a line of column names and lines of numbers")
    if len(set(header)) < len(header):
        twice = next(h for i, h in enumerate(header) if h in header[:i])
        raise DataError(f"{path} has two columns named '{twice}'; expected one different name per column")
    if all(_is_number(h) for h in header):
        raise DataError(f"{path} begins with numbers; expected a line of column names first")
    label, group = _places(path, header, said)
    places = [i for i in range(len(header)) if i not in (label, group)]
    if not places:
        raise DataError(f"{path} has no column of numbers beside the label; expected at least one")
    numbers = array("f")
    labels: list[str] = []
    groups: list[str] = []
    for n, row in lines:
        if len(row) != len(header):
            raise DataError(f"{path}, line {n} has {len(row)} fields; expected {len(header)}, as in the first line")
        for i in places:
            if not _is_number(row[i]):
                raise DataError(
                    f"{path}, line {n} has '{row[i][:40]}' in column '{header[i]}'; expected a finite number{_hint(row[i])}"
                )
        numbers.extend(float(row[i]) for i in places)
        labels.append(UNLABELLED if label is None else row[label])
        groups.append("" if group is None else row[group])
        # Two copies of the numbers for a moment, and what Python keeps for the texts of a row.
        if 2 * 4 * len(numbers) + 200 * len(labels) > max_bytes:
            raise DataError(
                f"{path} needs more than the limit of {max_bytes:,} bytes in memory, reached at line {n}; raise max_bytes"
            )
    if not labels:
        raise DataError(f"{path} has a line of column names and nothing below; expected lines of numbers")
    rows = some_rows(len(labels), limit)
    vectors = np.frombuffer(numbers, np.float32).reshape(len(labels), len(places))
    names = sorted({labels[r] for r in rows}, key=_by_number)
    place = {name: c for c, name in enumerate(names)}
    keys = None if group is None else [groups[r] for r in rows]
    return from_arrays(vectors[rows], [place[labels[r]] for r in rows], names, name=path.stem, groups=keys)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, fields) of the lines that are not empty."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter="\t" if path.suffix.lower() == ".tsv" else ",", strict=True)
            for row in reader:
                if row:
                    yield reader.line_num, [field.strip() for field in row]
    except (csv.Error, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a readable CSV file ({one_line(error)}); write it again as UTF-8") from error


def _places(path: Path, header: list[str], said: Columns) -> tuple[int | None, int | None]:
    """Return where label and group stand; the first 100 lines tell which columns are text."""
    sample = [row for _, row in islice(_lines(path), 1, 101) if len(row) == len(header)]
    text = [any(not _is_number(row[i]) for row in sample) for i in range(len(header))]
    columns = [
        Column(h, "text" if text[i] or h.lower() in LABEL_NAMES or h in (said.label, said.group) else "number")
        for i, h in enumerate(header)
    ]
    vector = Column("all others", "vector")
    choice = pick([*columns, vector], Columns(None, said.label, said.group), str(path))
    at = {h: i for i, h in enumerate(header)}
    return (None if choice.label is None else at[choice.label.name]), (None if choice.group is None else at[choice.group.name])


def _hint(text: str) -> str:
    return TEXT if text.strip("+-").lower() not in ("", "nan", "inf", "infinity") else ""


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _by_number(name: str) -> tuple[float, str]:
    """Sort labels that are numbers by their value, before those that are text."""
    return (float(name) if _is_number(name) else math.inf), name
