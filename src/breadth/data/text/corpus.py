"""A corpus: documents of text, read again from their file whenever they are asked for, so that no corpus is held as a whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

from breadth.data.digest import source_digest
from breadth.data.hub import parse_hub
from breadth.data.text.documents import By, Rows, opened, rows_of_hub, rows_of_saved
from breadth.errors import DataError

__all__ = ["Corpus", "corpus_of", "read_corpus"]


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents under a name. digest: SHA-256 (hex) of the data and of how documents are cut; place: what it was read from."""

    name: str
    digest: str
    place: str
    _opened: Callable[[], Iterator[str]]

    def documents(self) -> Iterator[str]:
        """Yield every document that is not blank, in the same order every time. Raises DataError where the data are damaged."""
        empty = True
        for text in self._opened():
            if text.strip():
                empty = False
                yield text
        if empty:
            raise DataError(f"{self.place} holds no text; expected at least one document")


def corpus_of(documents: Sequence[str], name: str) -> Corpus:
    """Return documents that are in memory as a corpus."""
    sha = hashlib.sha256()
    for text in documents:
        # The length keeps ["ab", "c"] and ["a", "bc"] apart.
        held = text.encode("utf-8", "surrogatepass")
        sha.update(f"{len(held)} ".encode() + held)
    return Corpus(name, sha.hexdigest(), f"'{name}'", lambda: iter(documents))


def read_corpus(
    place: str | Path,
    *,
    by: Literal["auto", "line", "document"] = "auto",
    text_col: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    offline: bool = False,
    limit: int | None = None,
    name: str | None = None,
) -> Corpus:
    """Return the corpus that ``place`` names.

    place: a file, .txt or .txt.gz (by line, or by document: blocks between blank lines; "auto" takes documents where the first MiB has a
    blank line, else lines), .jsonl, .csv, .tsv (these also with .gz) or .parquet with a column of text; a folder of such files at any
    depth, in which each plain file is one document unless ``by`` says otherwise; a pattern of files; a folder that ``save_to_disk`` of a
    Hugging Face data set wrote; or "hf:USER/NAME:config@revision#split", streamed.

    text_col: where the column is not clear ("text", "content", or the only column of text). limit: the first documents only. Text is UTF-8.
    Nothing is read yet but what the digest needs, and a first document, so that what cannot be a corpus is refused here: DataError.
    """
    text = str(place)
    if limit is not None and limit < 1:
        raise DataError(f"limit={limit} was asked for; expected at least 1 document")
    found, called = _found(text, By(by, text_col), split, revision, offline)
    sha = hashlib.sha256(f"{source_digest(text)} {by} {text_col} {split} {revision} {limit}".encode()).hexdigest()

    def some() -> Iterator[str]:
        return islice(found(), limit)

    corpus = Corpus(name or called, sha, text, some)
    next(corpus.documents())
    return corpus


def _found(text: str, how: By, split: str | None, revision: str | None, offline: bool) -> tuple[Rows, str]:
    if text.startswith("hf:"):
        source = parse_hub(text, split=split, revision=revision)
        return partial(rows_of_hub, source, how, offline=offline), source.name.rsplit("/", 1)[-1]
    saved = rows_of_saved(Path(text), how, split)
    if saved is not None:
        return saved, Path(text).resolve().name
    for option, given in (("split", split), ("revision", revision)):
        if given is not None:
            raise DataError(f"{option}='{given}' does not apply to {text}; leave it out")
    return opened(text, how), _called(Path(text))


def _called(path: Path) -> str:
    """A file's name without its endings."""
    name = path.resolve().name
    for ending in (".gz", ".txt", ".jsonl", ".csv", ".tsv", ".parquet", ".json"):
        name = name.removesuffix(ending)
    return name
