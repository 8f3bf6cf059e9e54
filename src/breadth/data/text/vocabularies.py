"""Tokenisers of the packages tokenizers and transformers, read from their files; no file's own code is run, whatever it asks for."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from breadth.data.items import need
from breadth.errors import DataError

__all__ = ["Vocabulary", "from_hub", "vocabulary_of"]

_WHOLE = "tokenizer.json"
_SETTINGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "config.json")
_PARTS = (
    "vocab.json", "merges.txt", "vocab.txt", "bpe.codes", "tokenizer.model", "spiece.model", "sentencepiece.model",
    "sentencepiece.bpe.model",
)  # fmt: skip
# Kinds of models whose vocab.json and merges.txt are those of GPT-2.
_AS_GPT2 = ("", "gpt2", "roberta", "bart")


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """A tokeniser as its files give it. cut: text -> ids, no special token among them; joined: ids -> text; ids: token -> id; digest:
    SHA-256 (hex) of what it does; ends: names of the token after a text, as its files say, the first best; some may not be in ids."""

    cut: Callable[[str], list[int]]
    joined: Callable[[list[int]], str]
    ids: dict[str, int]
    digest: str
    ends: tuple[str, ...]


def vocabulary_of(path: Path, shown: str) -> Vocabulary:
    """Read a file of tokenizers (beside tokenizer.json, what lies there is read for the end), or a folder as transformers keeps one.

    Raises DataError for a folder without a tokeniser or with one of its own code; whatever the packages raise for damaged files.
    """
    folder, file = (path, path / _WHOLE) if path.is_dir() else (path.parent, path)
    settings = {name: _table(folder / name) for name in _SETTINGS if file.name == _WHOLE}
    if file.is_file():
        return _fast(need("tokenizers", shown, "text").Tokenizer.from_file(str(file)), _ends(settings))
    if not any((folder / name).is_file() for name in (*_SETTINGS, *_PARTS)):
        raise DataError(
            f"{shown}: folder {folder} holds no tokeniser; expected {_WHOLE}, or vocab.json and merges.txt, or the files of a tokeniser of "
            "transformers"
        )
    if _is_gpt2(folder, settings):
        return _gpt2(folder, settings, shown)
    if "auto_map" in settings["tokenizer_config.json"]:
        raise DataError(
            f"{shown} is read by Python code that comes with it, which is not run; expected files alone: save it as {_WHOLE}"
        )
    return _by_transformers(folder, shown)


def from_hub(name: str, offline: bool) -> Path:
    """Return the folder of the local Hub cache with a tokeniser's files, fetched unless ``offline``; code is never fetched."""
    hub = need("huggingface_hub", f"tokeniser '{name}'")
    folder = Path(hub.snapshot_download(name, allow_patterns=[_WHOLE, *_SETTINGS], local_files_only=offline))
    if not (folder / _WHOLE).is_file():
        folder = Path(hub.snapshot_download(name, allow_patterns=[*_SETTINGS, *_PARTS], local_files_only=offline))
    return folder


def _table(path: Path) -> dict[str, Any]:
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    if not isinstance(held, dict):
        raise DataError(f"{path} is a JSON {type(held).__name__}; expected an object, as transformers writes it")
    return held


def _name(token: object) -> str | None:
    """Return the text of a token, which files write as a string or as an object that holds it."""
    held = token.get("content") if isinstance(token, dict) else token
    return held if isinstance(held, str) else None


def _ends(settings: dict[str, dict[str, Any]]) -> tuple[str, ...]:
    tables = [settings.get(name, {}) for name in ("tokenizer_config.json", "special_tokens_map.json")]
    found = (_name(table.get(key)) for key in ("eos_token", "sep_token") for table in tables)
    return tuple(name for name in found if name is not None)


def _fast(inner: Any, ends: tuple[str, ...]) -> Vocabulary:
    inner.no_padding()
    inner.no_truncation()
    inner.encode_special_tokens = True
    digest = hashlib.sha256(inner.to_str().encode()).hexdigest()
    return Vocabulary(partial(_cut, inner), partial(_joined, inner), inner.get_vocab(with_added_tokens=True), digest, ends)


def _cut(inner: Any, text: str) -> list[int]:
    found: list[int] = inner.encode(text, add_special_tokens=False).ids
    return found


def _joined(inner: Any, ids: list[int]) -> str:
    return str(inner.decode(ids, skip_special_tokens=False))


def _is_gpt2(folder: Path, settings: dict[str, dict[str, Any]]) -> bool:
    """Tell a byte-level vocabulary by what it says and by what it holds: others keep pieces of words in files of the same names."""
    if not ((folder / "vocab.json").is_file() and (folder / "merges.txt").is_file()):
        return False
    config = settings["tokenizer_config.json"]
    kind = str(config.get("tokenizer_class") or settings["config.json"].get("model_type") or "")
    ids, added = _table(folder / "vocab.json"), config.get("added_tokens_decoder", {})
    names = {*settings["added_tokens.json"], *map(_name, added.values() if isinstance(added, dict) else ())}
    # Bytes as GPT-2 writes them: the printable ones as themselves, the others as U+0100 and the letters after it.
    in_print = {*range(33, 127), *range(161, 173), *range(174, 256)}
    alphabet = {*map(chr, in_print), *(chr(256 + i) for i in range(256 - len(in_print)))}
    return (
        kind.removesuffix("Fast").removesuffix("Tokenizer").lower() in _AS_GPT2
        and alphabet <= ids.keys()
        and not any(c + "</w>" in ids for c in alphabet)
        and names <= ids.keys()
    )


def _gpt2(folder: Path, settings: dict[str, dict[str, Any]], shown: str) -> Vocabulary:
    tokenizers = need("tokenizers", shown, "text")
    inner = tokenizers.Tokenizer(tokenizers.models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    space = settings["tokenizer_config.json"].get("add_prefix_space") is True
    inner.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=space)
    inner.decoder = tokenizers.decoders.ByteLevel()
    return _fast(inner, _ends(settings))


def _by_transformers(folder: Path, shown: str) -> Vocabulary:
    transformers = need("transformers", shown, "text")
    held = {name: folder / name for name in (*_SETTINGS, *_PARTS) if (folder / name).is_file()}
    with TemporaryDirectory() as place:
        # Nothing else is shown to it: no code, and no pickle, which some classes of transformers would open.
        for name, path in held.items():
            shutil.copyfile(path, Path(place) / name)
        inner = transformers.AutoTokenizer.from_pretrained(place, trust_remote_code=False, local_files_only=True)
    if not inner.get_vocab().keys() - set(inner.all_special_tokens):
        raise DataError(
            f"{shown}: {type(inner).__name__} finds no token in {', '.join(held)}; expected the file with its vocabulary beside them"
        )
    ends = tuple(name for name in (inner.eos_token, inner.sep_token) if name is not None)
    if inner.is_fast:
        return _fast(inner.backend_tokenizer, ends)
    sha = hashlib.sha256(f"{type(inner).__name__} transformers {transformers.__version__}".encode())
    for name, path in held.items():
        sha.update(f" {name} {path.stat().st_size} ".encode() + path.read_bytes())
    return Vocabulary(partial(_slow_cut, inner), partial(_slow_joined, inner), inner.get_vocab(), sha.hexdigest(), ends)


def _slow_cut(inner: Any, text: str) -> list[int]:
    found: list[int] = inner.encode(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
    return found


def _slow_joined(inner: Any, ids: list[int]) -> str:
    return str(inner.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False))
