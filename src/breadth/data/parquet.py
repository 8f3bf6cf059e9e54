"""Parquet files of images or vectors, as Hugging Face and others write them; read column-wise, a bounded part at a time."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from breadth.data.columns import Choice, Column, Columns, Kind, item_of, pick
from breadth.data.folders import is_hidden
from breadth.data.images import LabeledSet
from breadth.data.items import Item, assemble, gather, need, one_line, some_rows
from breadth.errors import DataError

__all__ = ["parquet_files", "read_parquet"]

_BATCH = 256
_NUMBERED = re.compile(r"(.+?)-\d+-of-\d+")


def parquet_files(folder: Path) -> list[Path]:
    """Return the parquet files of a folder at any depth, sorted by path; hidden files and folders do not count.

    Raises DataError where images lie among them: which of the two is the data set cannot be told.
    """
    endings: dict[str, list[Path]] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in names:
            if not is_hidden(name):
                endings.setdefault(os.path.splitext(name)[1].lower(), []).append(Path(place, name))
    found = sorted(endings.get(".parquet", []))
    images = next((endings[e][0] for e in (".png", ".jpg", ".jpeg", ".webp", ".bmp") if e in endings), None)
    if found and images is not None:
        raise DataError(
            f"{folder} holds parquet files ({found[0].name}) and images ({images.name}); expected one kind: move the others"
        )
    return found


def _of_split(files: Sequence[Path], split: str | None, shown: str) -> list[Path]:
    """Return the files of one split: train-00000-of-00002.parquet, train.parquet and train/0.parquet belong to the split train."""
    named: dict[str, list[Path]] = {}
    for path in files:
        numbered = _NUMBERED.fullmatch(path.stem)
        common = next((w for w in ("train", "validation", "test") if w in (path.stem, path.parent.name)), "")
        named.setdefault(numbered[1] if numbered else common, []).append(path)
    if split is None and len(named) == 1:
        return list(files)
    if split is not None and split in named:
        return named[split]
    held = ", ".join(sorted(name or "files of no split" for name in named))
    if split is None:
        raise DataError(f"{shown} has the splits {held}; choose one with split")
    raise DataError(f"{shown} has no split '{split}'; it holds {held}")


def read_parquet(
    files: Sequence[Path],
    *,
    name: str,
    shown: str,
    said: Columns,
    split: str | None,
    size: int | None,
    max_bytes: int,
    limit: int | None,
) -> LabeledSet:
    """Return the labelled set in parquet files of one schema, in the order of the files.

    An image column is binary, or a struct of ``bytes`` and ``path`` (the bytes must be inside); a vector column is a list of numbers. Names
    of classes come from the "huggingface" entry of the schema where there is one. limit: a fixed draw of at most this many rows.
    Raises DataError for damage, a column that is missing or in doubt, files of different columns, and beyond ``max_bytes``.
    """
    pq = need("pyarrow.parquet", shown)
    files = _of_split(files, split, shown)
    counts: list[int] = []
    columns: list[Column] = []
    for path in files:
        with _opened(pq, path) as table:
            counts.append(int(table.metadata.num_rows))
            held = _columns(table.schema_arrow)
            columns = columns or held
            if held != columns:
                raise DataError(f"{path} has other columns than {files[0]}; expected files of one table")
    choice = pick(columns, said, shown)
    rows = some_rows(sum(counts), limit)
    items = gather(_items(pq, files, counts, choice, rows, max_bytes), shown=shown, max_bytes=max_bytes)
    names = choice.label.names if choice.label else None
    return assemble(items, name=name, shown=shown, class_names=names, size=size, max_bytes=max_bytes)


@contextmanager
def _opened(pq: Any, path: Path) -> Iterator[Any]:
    """Open a parquet file; whatever arrow finds wrong while it is open becomes one DataError that names it."""
    pa = need("pyarrow", str(path))
    try:
        with pq.ParquetFile(path) as table:
            yield table
    except DataError:
        raise
    except (pa.ArrowException, OSError, ValueError, KeyError, IndexError, OverflowError, MemoryError) as error:
        raise DataError(f"{path} is not a readable parquet file ({one_line(error)}); write it again") from error


def _items(
    pq: Any, files: Sequence[Path], counts: Sequence[int], choice: Choice, rows: Sequence[int], max_bytes: int
) -> Iterator[Item]:
    """Yield the rows of these numbers, counted over all files; no more than ``max_bytes`` of one file is in memory at once."""
    wanted = set(rows) if len(rows) < sum(counts) else None
    start = 0
    for path, count in zip(files, counts, strict=True):
        if wanted is None or not wanted.isdisjoint(range(start, start + count)):
            with _opened(pq, path) as table:
                yield from _file_items(table, path, choice, wanted, start, max_bytes)
        start += count


def _file_items(table: Any, path: Path, choice: Choice, wanted: set[int] | None, start: int, max_bytes: int) -> Iterator[Item]:
    first = 0
    for g in range(table.metadata.num_row_groups):
        group = table.metadata.row_group(g)
        n = int(group.num_rows)
        if wanted is None or not wanted.isdisjoint(range(start + first, start + first + n)):
            chunks = [group.column(c) for c in range(group.num_columns)]
            needed = sum(int(c.total_uncompressed_size) for c in chunks if c.path_in_schema.split(".")[0] in choice.names)
            if needed > max_bytes:
                raise DataError(
                    f"{path} announces {needed:,} bytes in one row group, more than the limit of {max_bytes:,}; "
                    "write it in smaller row groups, or raise max_bytes"
                )
            # One value of a dictionary can stand in every row: no batch may unfold to more than the limit.
            size = max(1, min(_BATCH, max_bytes // max(1, needed)))
            at = first
            for batch in table.iter_batches(batch_size=size, row_groups=[g], columns=choice.names):
                for i, row in enumerate(batch.to_pylist()):
                    if wanted is None or start + at + i in wanted:
                        yield item_of(row, choice, f"{path}, row {at + i}")
                at += batch.num_rows
        first += n


def _columns(schema: Any) -> list[Column]:
    features = _features(schema.metadata or {})
    return [_column(field, features.get(field.name)) for field in schema]


def _features(metadata: dict[bytes, bytes]) -> dict[str, Any]:
    """Return what the Hugging Face library noted about the columns; nothing where the note is absent or not understood."""
    try:
        found = json.loads(metadata[b"huggingface"])["info"]["features"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _column(field: Any, note: Any) -> Column:
    pa = need("pyarrow", field.name)
    types = pa.types
    note = note if isinstance(note, dict) else {}
    names = note.get("names")
    kind: Kind = "other"
    if types.is_integer(field.type):
        if note.get("_type") == "ClassLabel" and isinstance(names, list) and all(isinstance(n, str) for n in names):
            return Column(field.name, "class", tuple(names))
        kind = "integer"
    elif types.is_string(field.type) or types.is_large_string(field.type):
        kind = "text"
    elif types.is_dictionary(field.type):
        kind = "text" if types.is_string(field.type.value_type) else "other"
    elif types.is_binary(field.type) or types.is_large_binary(field.type):
        kind = "image"
    elif types.is_struct(field.type):
        inner = {field.type.field(i).name: field.type.field(i).type for i in range(field.type.num_fields)}
        kind = "image" if inner.get("bytes") in (pa.binary(), pa.large_binary()) else "other"
    elif types.is_list(field.type) or types.is_large_list(field.type) or types.is_fixed_size_list(field.type):
        value = field.type.value_type
        kind = "vector" if types.is_floating(value) or types.is_integer(value) else "other"
    return Column(field.name, kind)
