"""Documents out of files: plain text, tables and data sets, decoded strictly and with bounds, one document at a time."""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import IO, Any, Literal

from breadth.data.folders import is_hidden
from breadth.data.hub import HubId, is_saved, opened_hub, split_of, told
from breadth.data.items import need
from breadth.data.patterns import files_of, is_pattern
from breadth.errors import DataError

__all__ = ["LONGEST", "By", "Rows", "is_table", "is_text_file", "opened", "rows_of_hub", "rows_of_saved"]

LONGEST = 16 * 1024**2
"""Bytes of the longest document, or line of a table."""
_LOOK = 1024**2
_PLAIN = (".txt", ".text", ".md", ".rst", ".tex", ".py", ".log")
_TABLES = (".jsonl", ".csv", ".tsv", ".parquet")
_USUAL = ("text", "content")

Rows = Callable[[], Iterator[str]]


@dataclass(frozen=True)
class By:
    """How documents are cut ("whole": a file is one) and, in a table, which column holds them."""

    cut: Literal["auto", "line", "document", "whole"] = "auto"
    column: str | None = None


def opened(place: str, how: By) -> Rows:
    """Return what opens the documents of a file, a folder or a pattern of files. Raises DataError where there is nothing to open."""
    path = Path(place)
    if is_pattern(place):
        return _many(files_of(place), how)
    if path.is_dir():
        return _many(_files(path), By("whole", how.column) if how.cut == "auto" else how)
    if not path.is_file():
        raise DataError(f"{place} does not exist; expected a text file, a folder of them, or hf:USER/NAME")
    return lambda: _of_file(path, how)


def _many(files: Sequence[Path], how: By) -> Rows:
    return lambda: chain.from_iterable(_of_file(path, how) for path in files)


def _files(folder: Path) -> list[Path]:
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(is_hidden(part) for part in path.relative_to(folder).parts) and _kind(path) is not None
    )
    if not found:
        raise DataError(f"{folder} holds no text; expected files ending in {', '.join((*_PLAIN, *_TABLES))}, or these with .gz")
    return found


def _kind(path: Path) -> str | None:
    """The ending that says how a file is read, without .gz; None where it is no kind of text."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    return suffix if suffix in (*_PLAIN, *_TABLES) else None


def is_text_file(path: Path) -> bool:
    """Return whether the ending, with or without .gz, can be that of text alone; a table may hold anything."""
    return _kind(path) in (*_PLAIN, ".jsonl")


def is_table(path: Path) -> bool:
    """Return whether the ending is that of a table, which may hold text or something else."""
    return _kind(path) in (".csv", ".tsv", ".parquet")


def _of_file(path: Path, how: By) -> Iterator[str]:
    kind = _kind(path)
    if kind == ".parquet":
        return _parquet(path, how.column)
    if kind in (".jsonl", ".csv", ".tsv"):
        return (
            _texts(_json_lines(path), how.column) if kind == ".jsonl" else _csv(path, how.column, "\t" if kind == ".tsv" else ",")
        )
    if how.column is not None:
        raise DataError(f"text column '{how.column}' does not apply to {path}, which is plain text; leave it out")
    return _plain(path, how.cut)


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file, unpacked where it is gzip; damage and what the system says become one DataError."""
    try:
        with path.open("rb") as raw:
            packed = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            yield gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[misc]
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged gzip ({error}); get the file again") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check the path and its permissions") from None


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends. Raises DataError for binary data, another encoding, an endless line."""
    with _bytes(path) as stream:
        number = 0
        while line := stream.readline(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                raise DataError(
                    f"{path}, line {number} is longer than {LONGEST // 1024**2} MiB; expected documents as lines or blocks between blank "
                    "lines: break it up"
                )
            if b"\0" in line:
                raise DataError(
                    f"{path}, line {number} holds a zero byte, so this is no UTF-8 text; give text, .jsonl, .csv or .parquet"
                )
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise DataError(
                    f"{path}, line {number} is not UTF-8 (byte 0x{line[error.start]:02x} at place {error.start + 1}); convert it, as in: "
                    "iconv -f latin1 -t utf-8"
                ) from None
            yield text.rstrip("\r\n")


def _plain(path: Path, cut: str) -> Iterator[str]:
    if cut == "auto":
        with _bytes(path) as stream:
            start = stream.read(_LOOK).replace(b"\r\n", b"\n")
        cut = "document" if b"\n\n" in start.strip() else "line"
    if cut == "line":
        yield from _lines(path)
        return
    block: list[str] = []
    held = 0
    for number, line in enumerate(_lines(path), 1):
        if cut == "document" and not line.strip():
            if block:
                yield "\n".join(block)
            block, held = [], 0
            continue
        block.append(line)
        held += len(line) + 1
        if held > LONGEST:
            raise DataError(
                f"{path}: the document that ends at line {number} is longer than {LONGEST // 1024**2} MiB; cut by line, or put blank lines "
                "between documents"
            )
    if block:
        yield "\n".join(block)


def _column(columns: Sequence[str], texts: Sequence[str], said: str | None, shown: str) -> str:
    """Choose the column of the text among ``columns``, of which ``texts`` hold text."""
    listed = ", ".join(columns) or "none"
    if said is not None:
        if said not in columns:
            raise DataError(f"{shown} has no column '{said}'; its columns: {listed}")
        if said not in texts:
            raise DataError(f"{shown}: column '{said}' holds no text; columns of text: {', '.join(texts) or 'none'}")
    found = said or next((name for name in _USUAL if name in texts), texts[0] if len(texts) == 1 else None)
    if found is None:
        raise DataError(f"{shown}: the column of the text is not clear; name it with --text-col. Its columns: {listed}")
    if (times := list(columns).count(found)) > 1:
        raise DataError(f"{shown} has {times} columns named '{found}'; expected one: rename or remove the others")
    return found


def _column_of(row: Mapping[str, object], said: str | None, shown: str) -> str | None:
    """Choose the column of the text by a row; None where the row, empty in places, cannot tell."""
    usual = said or next((name for name in _USUAL if isinstance(row.get(name, 0), str | None)), None)
    if usual is not None and row.get(usual, "") is None:
        return usual
    texts = [name for name, value in row.items() if isinstance(value, str)]
    if said is None and not texts and None in row.values():
        return None
    return _column([*row], texts, said, shown)


def _texts(rows: Iterable[tuple[str, Mapping[str, object]]], said: str | None) -> Iterator[str]:
    """Yield the text of each row, given with where it stands; rows whose text is null are left out, every other must have one."""
    column: str | None = None
    before: dict[tuple[str, ...], str] = {}
    for shown, row in rows:
        if column is None:
            before.setdefault(tuple(row), shown)
            column = _column_of(row, said, shown)
            if column is None:
                continue
            for names, place in before.items():
                _require(column, names, place)
        _require(column, row, shown)
        value = row[column]
        if value is None:
            continue
        if not isinstance(value, str):
            raise DataError(f"{shown}: column '{column}' holds {type(value).__name__}; expected text")
        yield value


def _require(column: str, names: Container[str], shown: str) -> None:
    if column not in names:
        raise DataError(
            f"{shown} has no '{column}', which other rows have; expected it in each, null where there is no text: mend the row"
        )


def _json_lines(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        shown = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{shown} is not JSON ({error}); expected one object a line") from None
        if not isinstance(row, dict):
            raise DataError(f"{shown} holds {type(row).__name__}; expected one JSON object a line")
        yield shown, row


def _csv(path: Path, said: str | None, between: str) -> Iterator[str]:
    reader = csv.reader((line + "\n" for line in _lines(path)), delimiter=between, strict=True)
    names: list[str] = []
    at = -1
    try:
        while (row := _next_row(reader)) is not None:
            if not names:
                names = [name.strip() for name in row]
                # In a table without types every column is text; the only one, or a usual name, or the one that is named.
                at = names.index(_column(names, names, said, str(path)))
            elif row:
                if len(row) != len(names):
                    raise DataError(
                        f"{path}, line {reader.line_num} has {len(row)} fields; expected {len(names)}, as in its first line"
                    )
                yield row[at]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num} is no valid row ({error}); check its quotes") from None


def _next_row(reader: Iterator[list[str]]) -> list[str] | None:
    # The limit is one for the whole process, and others rely on theirs.
    before = csv.field_size_limit(LONGEST)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _parquet(path: Path, said: str | None) -> Iterator[str]:
    pq = need("pyarrow.parquet", str(path))
    with told(str(path), "get the file again"):
        file = pq.ParquetFile(path)
        schema = file.schema_arrow
        texts = [field.name for field in schema if _is_string(field.type)]
    column = _column(list(schema.names), texts, said, str(path))
    with file:
        batches = file.iter_batches(256, columns=[column])
        while True:
            with told(str(path), "get the file again"):
                batch = next(batches, None)
            if batch is None:
                return
            yield from (value for value in batch.column(0).to_pylist() if value is not None)


def _is_string(kind: Any) -> bool:
    """Return whether a type of pyarrow is one of text, repeated values written once ("dictionary") or not."""
    plain = kind.value_type if str(kind).startswith("dictionary<") else kind
    return str(plain) in ("string", "large_string", "string_view")


def rows_of_hub(source: HubId, how: By, *, offline: bool) -> Iterator[str]:
    """Yield the texts of a data set of the Hub, streamed, or of a local folder that the library opens."""
    with opened_hub(source, offline=offline) as (stream, full, _):
        yield from _texts(_rows(stream, f"hf:{full}"), how.column)


def _rows(rows: Iterable[Mapping[str, object]], shown: str) -> Iterator[tuple[str, Mapping[str, object]]]:
    reader = iter(rows)
    for number in count():
        with told(shown, f"damage begins after {number} rows"):
            row = next(reader, None)
        if row is None:
            return
        yield f"{shown}, row {number}", row


def rows_of_saved(folder: Path, how: By, split: str | None) -> Rows | None:
    """Return what opens the texts of a data set that ``save_to_disk`` wrote; None where the folder is no such thing."""
    if not (folder.is_dir() and is_saved(folder)):
        return None
    datasets = need("datasets", str(folder))
    with told(str(folder), "save the data set again"):
        found = datasets.load_from_disk(str(folder))
    if isinstance(found, dict):
        found = found[split_of(found, split, str(folder))]
    elif split is not None:
        raise DataError(f"{folder} holds one data set without splits; leave the split '{split}' out")
    return lambda: _texts(_rows(found, str(folder)), how.column)
