"""From the data part of a text run's specification to tokens, to batches, and to the documents that models are scored on."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from breadth.data.digest import source_digest
from breadth.data.text.batches import TextBatch, TextSource
from breadth.data.text.corpus import Corpus, read_corpus
from breadth.data.text.mixture import Mixed
from breadth.data.text.packed import tokens_held, training_tokens
from breadth.data.text.tokens import Tokeniser, tokeniser
from breadth.errors import DataError, StoreError
from breadth.seeds import generator, integer
from breadth.study.place import source_place

__all__ = [
    "LEAST_BYTES",
    "Streams",
    "corpus_at",
    "documents_of",
    "evaluation_documents",
    "fingerprint_of",
    "packed_source",
    "streams",
    "tokeniser_of",
]

Streams = dict[str, np.ndarray]
# A document of fewer bytes says little of how well a model predicts.
LEAST_BYTES = 64


def corpus_at(part: dict[str, Any], data_root: Path) -> Corpus:
    """Return the corpus of a part. Raises StoreError where it is not the one that was planned, DataError where it cannot be read."""
    place = source_place(part["load"], data_root)
    if source_digest(place) != part["digest"]:
        raise StoreError(f"{place}: changed since the study was planned; run the study again")
    return read_corpus(place, by=part.get("by", "auto"), text_col=part.get("text_col"), name=part["name"])


def tokeniser_of(form: dict[str, Any], data_root: Path) -> Tokeniser:
    """Return the tokeniser that ``form`` (a run's ``text``) names. Raises StoreError where it is not the one that was planned."""
    found = tokeniser(source_place(form["tokeniser"], data_root))
    if found.fingerprint != form["fingerprint"]:
        raise StoreError(f"tokeniser '{form['tokeniser']}' changed since the study was planned; run the study again")
    return found


def streams(data: dict[str, Any], data_root: Path) -> Streams:
    """Return the tokens of each part by its name, int32: so many as it says, none of them twice, or all.

    Raises DataError for a corpus that has fewer tokens.
    """
    with_ends = tokeniser_of(data["text"], data_root)
    found: Streams = {}
    if "python" in data:
        from breadth.measure.text.probe import corpus_of_python  # loads torch, which plans need not

        if data["python"] != platform.python_version():
            raise StoreError(f"planned under Python {data['python']}, run under {platform.python_version()}; run the study again")
        found["python"] = corpus_of_python()[1]
    for part in data["parts"]:
        corpus = corpus_at(part, data_root)
        count = part.get("tokens") or tokens_held(corpus, with_ends)
        seed = integer(data["seed"], data.get("set", "whole"), part["name"])
        found[part["name"]] = training_tokens(corpus, with_ends, count, seed)
    return found


def documents_of(stream: np.ndarray, with_ends: Tokeniser) -> Iterator[str]:
    """Yield the documents of a stream of tokens as text; pieces of long ones lie end to end in it and count as one."""
    for tokens in np.split(stream, np.flatnonzero(stream == with_ends.end) + 1):
        kept = tokens[tokens != with_ends.end]
        if len(kept):
            yield with_ends.decode(kept)


@dataclass(frozen=True, eq=False)
class _Packed:
    """A stream cut into sequences as training cuts it, so that every batch has as many tokens as any other, none of them padding."""

    name: str
    digest: str
    vocabulary: int
    length: int
    stream: np.ndarray

    def take(self, start: int, count: int, seed: int) -> TextBatch:
        """Return a run of the order of ``seed``; see ``TextSource``."""
        held = len(self.stream) // self.length
        if start + count > held:
            raise DataError(
                f"'{self.name}' gives {held} sequences of {self.length} tokens; {start + count} were asked for: lower measure.tasks or "
                "text.sequences, or give it more tokens"
            )
        items = generator(seed, "packed text", held).permutation(held)[start : start + count]
        tokens = self.stream[: held * self.length].reshape(held, self.length)[items].astype(np.int32)
        return TextBatch(tokens, np.ones(tokens.shape, bool), items.astype(np.int64), self.name)


def packed_source(found: Streams, data: dict[str, Any], sequences: int) -> TextSource:
    """Return what batches of ``sequences`` sequences are drawn from: one stream, or equal shares of all, mixed as ``data`` says."""
    form = data["text"]
    made = []
    for name, stream in found.items():
        held = np.ascontiguousarray(stream, np.int32)
        sha = hashlib.sha256(f"{form['fingerprint']} {form['length']} ".encode() + held.tobytes()).hexdigest()
        made.append(_Packed(name, sha, form["vocabulary"], form["length"], held))
    return made[0] if len(made) == 1 else Mixed(made, how=data["mixture"], block=sequences)


def evaluation_documents(evaluation: dict[str, Any], data_root: Path) -> dict[str, tuple[str, ...]]:
    """Return the documents of each corpus that models are scored on: the same, in the same order, for every run of one specification.

    Each is cut to an equal share of the bytes, at the border of a character. Raises DataError for a corpus of fewer documents.
    """
    count, suite = evaluation["documents"], evaluation["suite"]
    share = evaluation["bytes"] // count
    if share < LEAST_BYTES:
        raise DataError(
            f"{evaluation['bytes']:,} bytes for {count} documents leave {share} for each; expected at least {LEAST_BYTES}: raise "
            "evaluation.bytes or lower evaluation.documents"
        )
    found = {}
    for part in suite["parts"]:
        corpus = corpus_at(part, data_root)
        held = [text for text in corpus.documents() if len(text.encode("utf-8", "replace")) >= LEAST_BYTES]
        if len(held) < count:
            raise DataError(
                f"'{part['name']}' holds {len(held)} documents of at least {LEAST_BYTES} bytes; {count} were asked for: lower "
                'evaluation.documents, or cut it by = "line"'
            )
        order = generator(evaluation["seed"], "evaluation documents", part["name"]).permutation(len(held))[:count]
        found[part["name"]] = tuple(held[i].encode("utf-8", "replace")[:share].decode("utf-8", "ignore") for i in order)
    return found


def fingerprint_of(documents: dict[str, tuple[str, ...]]) -> str:
    """Return a SHA-256 (hex) of all documents with their corpora, in order."""
    sha = hashlib.sha256()
    for name, texts in documents.items():
        for text in (name, *texts):
            held = text.encode("utf-8", "surrogatepass")
            sha.update(f"{len(held)} ".encode() + held)
    return sha.hexdigest()
