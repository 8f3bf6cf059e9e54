"""Tokenisers: bytes, built in, and any tokeniser of the tokenizers package by file, folder or name on the Hub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from breadth.data.hub import told
from breadth.data.items import need
from breadth.errors import DataError

__all__ = ["BYTES", "Tokeniser", "tokeniser"]

_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")


class Tokeniser(Protocol):
    """Text -> tokens. vocabulary: number of tokens, ``end`` included; end: the token between documents; fingerprint: hash of what it does."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def end(self) -> int: ...

    def encode(self, text: str) -> np.ndarray:
        """Return the tokens of a text, int32 [t], without an end."""
        ...

    def decode(self, tokens: np.ndarray) -> str:
        """Return the text of tokens [t] without an end; where they are cut out of a text, its ends may be damaged."""
        ...


@dataclass(frozen=True)
class _Bytes:
    name: str = "bytes"
    fingerprint: str = "bytes-1"
    vocabulary: int = 257
    end: int = 256

    def encode(self, text: str) -> np.ndarray:
        # A lone half of a pair, which JSON may hold, has no UTF-8; it becomes "?".
        return np.frombuffer(text.encode("utf-8", "replace"), np.uint8).astype(np.int32)

    def decode(self, tokens: np.ndarray) -> str:
        return tokens.astype(np.uint8).tobytes().decode("utf-8", "replace")


BYTES: Tokeniser = _Bytes()
"""The bytes of UTF-8 text and a 257th token for the end of a document."""


@dataclass(frozen=True, eq=False)
class _Trained:
    name: str
    fingerprint: str
    vocabulary: int
    end: int
    _inner: Any

    def encode(self, text: str) -> np.ndarray:
        return np.array(self._inner.encode(text.encode("utf-8", "replace").decode(), add_special_tokens=False).ids, np.int32)

    def decode(self, tokens: np.ndarray) -> str:
        return str(self._inner.decode(tokens.tolist(), skip_special_tokens=False))


def tokeniser(place: str = "bytes", *, offline: bool = False) -> Tokeniser:
    """Return a tokeniser: "bytes", a tokenizer.json, a folder that holds one, or a name on the Hugging Face Hub, as in "openai-community/gpt2".

    The end of a document is the token that models of this kind use for it. Marks inside a text that look like special tokens are text.
    Raises DataError where there is no such tokeniser, it is damaged, or it has no token for the end.
    """
    if place == "bytes":
        return BYTES
    path = Path(place) / "tokenizer.json" if Path(place).is_dir() else Path(place)
    if not path.is_file() and (path.suffix == ".json" or Path(place).is_dir() or place.startswith((".", "/", "~"))):
        raise DataError(
            f"tokeniser '{place}': no file {path}; expected bytes, a tokenizer.json, a folder with one, or a name on the Hub"
        )
    tokenizers = need("tokenizers", f"tokeniser '{place}'")
    with told(f"tokeniser '{place}'", "expected bytes, a tokenizer.json, a folder with one, or a name on the Hub"):
        file = str(path) if path.is_file() else _from_hub(place, offline)
        inner = tokenizers.Tokenizer.from_file(file)
        inner.no_padding()
        inner.no_truncation()
        inner.encode_special_tokens = True
    end = next((i for i in map(inner.token_to_id, _ENDS) if i is not None), None)
    if end is None:
        raise DataError(f"tokeniser '{place}' has no token for the end of a document; expected one of: {', '.join(_ENDS)}")
    sha = hashlib.sha256(inner.to_str().encode()).hexdigest()
    return _Trained(Path(place).name if path.is_file() else place, sha, inner.get_vocab_size(with_added_tokens=True), end, inner)


def _from_hub(name: str, offline: bool) -> str:
    hub = need("huggingface_hub", f"tokeniser '{name}'")
    return str(hub.hf_hub_download(name, "tokenizer.json", local_files_only=offline))
