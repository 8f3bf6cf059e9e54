"""Tokenisers: bytes, built in, and any tokeniser of the packages tokenizers and transformers by file, folder or name on the Hub."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from breadth.data.hub import told
from breadth.data.text.vocabularies import Vocabulary, from_hub, vocabulary_of
from breadth.errors import DataError

__all__ = ["BYTES", "Tokeniser", "tokeniser"]

_ENDS = ("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[SEP]")
# What tokenisers are known to lose of a text, and a text that tells. A letter comes first: a space before it may come and go.
_SAMPLES = {
    "capitals": "A Bird SANG",
    "accents": "naïve café, Ångström",
    "ligatures and powers": "a ﬁne x² of ½",
    "Greek and Cyrillic": "a κόσμε мир",
    "Chinese, Japanese and Korean": "a 漢字 かな 한국어",
    "emoji": "a 👩‍🚀 🎈",
    "tabs": "a\tb",
    "double spaces": "a  b",
    "spaces before signs": "a , b . c",
    "newlines": "a\n\nb\nc",
}


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

    @property
    def lost(self) -> tuple[str, ...]:
        """What of a text does not come back from its tokens, in words, as in ("capitals", "emoji"); empty where all of it does."""
        ...

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
    lost: tuple[str, ...] = ()

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
    _inner: Vocabulary

    @cached_property
    def lost(self) -> tuple[str, ...]:
        """See ``Tokeniser``. One character in two spellings of Unicode (NFC, NFD) is one here."""
        return tuple(what for what, text in _SAMPLES.items() if self.decode(self.encode(text)).removeprefix(" ") != text)

    def encode(self, text: str) -> np.ndarray:
        return np.array(self._inner.cut(text.encode("utf-8", "replace").decode()), np.int32)

    def decode(self, tokens: np.ndarray) -> str:
        return self._inner.joined(tokens.tolist())


def tokeniser(place: str = "bytes", *, offline: bool = False) -> Tokeniser:
    """Return a tokeniser: "bytes", a tokenizer.json, a folder, or a name on the Hugging Face Hub, as in "openai-community/gpt2".

    Folders and places on the Hub hold a tokenizer.json, or vocab.json and merges.txt as GPT-2's, or what transformers reads without code
    from elsewhere. The end of a document is the token that tokenizer_config.json or special_tokens_map.json name (eos_token, else
    sep_token), else one that is known for it, else a new one after the vocabulary. Marks inside a text that look like special tokens are
    text. Raises DataError where there is no such tokeniser, it is damaged, or a package for it is missing.
    """
    if place == "bytes":
        return BYTES
    path = Path(place)
    if not path.exists() and (path.suffix == ".json" or place.startswith((".", "/", "~"))):
        raise DataError(
            f"tokeniser '{place}': no file {path}; expected bytes, a tokenizer.json, a folder with one, or a name on the Hub"
        )
    with told(f"tokeniser '{place}'", "expected bytes, a tokenizer.json, a folder with one, or a name on the Hub"):
        inner = vocabulary_of(path if path.exists() else from_hub(place, offline), f"tokeniser '{place}'")
    size = max(len(inner.ids), 1 + max(inner.ids.values(), default=-1))
    known = next((inner.ids[name] for name in _ENDS if name in inner.ids), None)
    end = next((inner.ids[name] for name in inner.ends if name in inner.ids), known)
    if end is None:
        end, size = size, size + 1
    # Where another token than the known one is the end, streams of tokens are other ones.
    sha = inner.digest if end == known else hashlib.sha256(f"{inner.digest} end {end}".encode()).hexdigest()
    return _Trained(path.name if path.is_file() else place, sha, size, end, inner)
