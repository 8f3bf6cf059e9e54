"""From what a person types to a source of text: a corpus in files or on the Hub, or a generator by name."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from breadth.data.formats import options_of
from breadth.data.hub import parse_hub
from breadth.data.text.batches import LENGTH, Batches, StreamBatches, TextSource
from breadth.data.text.corpus import read_corpus
from breadth.data.text.documents import is_table, is_text_file
from breadth.data.text.generated import ConstantTokens, Ginc, UniformTokens
from breadth.data.text.tokens import BYTES, Tokeniser

__all__ = ["TextReading", "is_generated", "is_text", "may_be_text", "text_source"]

_GENERATED = ("ginc", "constant-tokens", "uniform-tokens")


@dataclass(frozen=True)
class TextReading:
    """How places are read, see ``read_corpus``, and cut into sequences of ``length`` tokens of ``tokeniser``."""

    tokeniser: Tokeniser = BYTES
    length: int = LENGTH
    by: Literal["auto", "line", "document"] = "auto"
    text_col: str | None = None
    split: str | None = None
    revision: str | None = None
    offline: bool = False
    limit: int | None = None


def is_generated(place: str) -> bool:
    """Return whether ``place`` names a generator of tokens, as in "ginc:concepts=5,vocabulary=50"."""
    return place.partition(":")[0] in _GENERATED


def is_text(place: str) -> bool:
    """Return whether ``place`` can be nothing but text: a generator of tokens, or a file or pattern whose ending says so.

    Tables, folders and data sets of the Hub may hold either; whoever gives them says so.
    """
    return is_generated(place) or (not place.startswith("hf:") and is_text_file(Path(place)))


def may_be_text(place: str) -> bool:
    """Return whether ``place`` is a table, a data set of the Hub or a folder that holds files of text, which could be a corpus."""
    path = Path(place)
    return place.startswith("hf:") or is_table(path) or (os.path.isdir(path) and any(is_text_file(p) for p in path.rglob("*")))


def text_source(place: str | Path, how: TextReading = TextReading()) -> TextSource:
    """Return the source that ``place`` names: what ``read_corpus`` takes, or a generator of tokens.

    Generators: "ginc" with concepts, vocabulary, permutations and language; "constant-tokens", one token; "uniform-tokens", of equal odds.
    Sequences of files are drawn from all that they hold, those of a data set of the Hub, whose end nobody may wait for, from windows of
    500,000 as it comes, hence the first ones; the source's digest says so. Raises DataError where there is no such source.
    """
    text = str(place)
    if is_generated(text):
        return _generated(text, how)
    corpus = read_corpus(
        place,
        by=how.by,
        text_col=how.text_col,
        split=how.split,
        revision=how.revision,
        offline=how.offline,
        limit=how.limit,
    )
    if text.startswith("hf:") and not parse_hub(text).is_local:
        return StreamBatches(corpus, how.tokeniser, how.length)
    return Batches(corpus, how.tokeniser, how.length)


def _generated(text: str, how: TextReading) -> TextSource:
    name, _, tail = text.partition(":")
    dials = ("concepts", "vocabulary", "language", "permutations") if name == "ginc" else ()
    options = options_of(name, tail, dict.fromkeys(dials, int))
    if name == "ginc":
        return Ginc(length=how.length, **options)  # type: ignore[arg-type]
    if name == "constant-tokens":
        return ConstantTokens(how.tokeniser.vocabulary, how.tokeniser.end, how.length)
    return UniformTokens(how.tokeniser.vocabulary, how.length)
