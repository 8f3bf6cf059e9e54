"""One load() for every kind of data: folders, archives, tables, Hugging Face data sets, or a source that needs no download."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from breadth.data.archives import read_npz
from breadth.data.arrays import from_arrays, from_pair, is_pair
from breadth.data.columns import Columns
from breadth.data.folders import is_hidden, read_folder
from breadth.data.images import LabeledSet, prepare
from breadth.data.items import some_rows
from breadth.data.patterns import files_of, is_pattern
from breadth.data.torchset import from_torch, is_dataset
from breadth.errors import DataError, unknown_name

__all__ = ["from_arrays", "from_torch", "is_built_in", "load", "options_of"]

ACCEPTED = (
    "a folder (class folders of images, parquet files, tar shards, a saved Hugging Face data set), a file (.npz, .npy, .parquet, .csv, "
    ".tsv, .tar), a pattern of such files, hf:USER/NAME, or one of digits, gaussian, glyphs"
)

_Reader = Callable[[str], object]


@dataclass(frozen=True)
class _Asked:
    """What load() was asked beside the source."""

    size: int | None
    max_bytes: int
    said: Columns
    split: str | None
    revision: str | None
    offline: bool
    limit: int | None

    def refuse(self, shown: str, *options: str) -> None:
        """Raise DataError where one of these options was given, for a source that has no such thing."""
        given = {
            "image_col": self.said.image,
            "label_col": self.said.label,
            "group_col": self.said.group,
            "split": self.split,
            "revision": self.revision,
        }
        for option in options:
            if given[option] is not None:
                raise DataError(f"{option}='{given[option]}' does not apply to {shown}; leave it out")


def is_built_in(source: str) -> bool:
    """Return whether ``source`` names a labelled set that needs no file."""
    return source.split(":", 1)[0] in _SOURCES


def load(
    source: str | Path | LabeledSet | Any,
    *,
    size: int | None = None,
    max_bytes: int = 2 * 1024**3,
    image_col: str | None = None,
    label_col: str | None = None,
    group_col: str | None = None,
    split: str | None = None,
    revision: str | None = None,
    offline: bool = False,
    limit: int | None = None,
) -> LabeledSet:
    """Return the labelled set that ``source`` names.

    source:

    - a folder of class folders (PNG, JPEG, WebP, BMP), of parquet files, of tar shards, or written by a Hugging Face ``save_to_disk``;
    - a file: .npz (``images`` and ``labels``, or ``features``), .npy, .parquet, .csv or .tsv (a line of names, then numbers), .tar
      (WebDataset: ``0001.jpg`` beside ``0001.cls`` or ``0001.json``; also .tar.gz);
    - a pattern of parquet or tar files: ``"part-*.parquet"``, ``"shard-{000..003}.tar"``;
    - ``"hf:USER/NAME:config@revision#split"``, the last three where needed: a data set of the Hugging Face Hub, streamed; or
      ``"hf:FOLDER"``, a local one;
    - a source that needs no download: ``"digits"`` (scikit-learn's 8x8 handwritten digits), ``"glyphs"``, ``"gaussian"``, the last two with
      options, as in ``"glyphs:scripts=latin+greek,classes=200"`` or ``"gaussian:sigma=10"``. These names win over a folder of the same
      name: write "./digits";
    - an object: arrays as a tuple (inputs, labels), a
      Hugging Face data set, any torch Dataset (see ``from_torch``), or a labelled set (returned as it is, resized if asked).

    size: resize images to ``size`` x ``size`` pixels. Without it, images keep their size, except where images differ in size: these
    become 84 x 84, the customary size of few-shot benchmarks. max_bytes: refuse data that would need more memory.
    image_col, label_col, group_col: columns of a table (arrays of an .npz; entries and endings in a shard) where they are not clear;
    items of one group belong together. split, revision: of a Hugging Face data set; split also of parquet files, and of a folder
    that holds a folder for each split. offline: never use the network. limit: at most so many items: a fixed draw, or the first
    ones of a stream or shard. Data without labels form the one class "unlabelled", of which no task can be drawn.

    No code in the data is run. Raises DataError where the source is unknown, missing, damaged, or not what it claims to be.
    """
    if size is not None and size < 1:
        raise DataError(f"size={size} was asked for; expected at least 1 pixel")
    if limit is not None and limit < 1:
        raise DataError(f"limit={limit} was asked for; expected at least 1 item")
    asked = _Asked(size, max_bytes, Columns(image_col, label_col, group_col), split, revision, offline, limit)
    if not isinstance(source, (str, Path)):
        found = _of_object(source, asked)
    elif isinstance(source, str) and is_built_in(source):
        asked.refuse(f"the generated source '{source}'", *_TABLE_OPTIONS, "split", "revision")
        found = _some(_generate(source, max_bytes), limit)
    else:
        try:
            found = _read_text(source, asked) if isinstance(source, str) else _read_path(source, asked)
        except OSError as error:  # a folder on the way that may not be entered, a name too long
            raise DataError(f"{source} cannot be read ({error.strerror or error}); check the path and its permissions") from error
    return prepare(found, size=size, channels=found.inputs.shape[3]) if size is not None and found.is_images else found


_TABLE_OPTIONS = ("image_col", "label_col", "group_col")


def _some(found: LabeledSet, limit: int | None) -> LabeledSet:
    return found if limit is None or limit >= found.n_items else found.select(some_rows(found.n_items, limit))


def _of_object(source: Any, asked: _Asked) -> LabeledSet:
    shown = f"an object of type {type(source).__name__}"
    if isinstance(source, LabeledSet):
        asked.refuse(shown, *_TABLE_OPTIONS, "split", "revision")
        return _some(source, asked.limit)
    if is_pair(source):
        asked.refuse(shown, *_TABLE_OPTIONS, "split", "revision")
        return _some(from_pair(source), asked.limit)
    if type(source).__module__.split(".")[0] == "datasets" and hasattr(source, "select_columns"):
        from breadth.data.hub import from_datasets

        asked.refuse(shown, "split", "revision")
        return from_datasets(
            source, _name_of(source), said=asked.said, size=asked.size, max_bytes=asked.max_bytes, limit=asked.limit
        )
    if not is_dataset(source):
        raise DataError(f"{shown} names no data; expected {ACCEPTED}")
    asked.refuse(shown, *_TABLE_OPTIONS, "split", "revision")
    return from_torch(source, type(source).__name__, limit=asked.limit, size=asked.size, max_bytes=asked.max_bytes)


def _name_of(dataset: Any) -> str:
    """Return the name of a Hugging Face data set in memory, where it has one."""
    return str(getattr(getattr(dataset, "info", None), "dataset_name", None) or type(dataset).__name__)


def _read_text(source: str, asked: _Asked) -> LabeledSet:
    if source == "":
        raise DataError(f"the empty text names no data; expected {ACCEPTED}")
    if source.startswith("hf:"):
        from breadth.data.hub import is_saved, parse_hub, read_hub

        place = parse_hub(source, split=asked.split, revision=asked.revision)
        if place.is_local and is_saved(Path(place.name)):
            return _read_folder(Path(place.name), replace(asked, split=place.split, revision=None))
        return read_hub(
            place, said=asked.said, offline=asked.offline, size=asked.size, max_bytes=asked.max_bytes, limit=asked.limit
        )
    if is_pattern(source):
        asked.refuse(source, "revision")
        return _read_files(files_of(source), source, Path(source).name, asked)
    return _read_path(Path(source), asked, typed=source)


def _read_path(path: Path, asked: _Asked, typed: str | None = None) -> LabeledSet:
    if path.is_dir():
        asked.refuse(f"the folder {path}", "revision")
        return _read_folder(path, asked)
    if path.is_file():
        asked.refuse(f"the file {path}", "revision")
        return _read_file(path, asked)
    if typed is not None and not set("/\\.") & set(typed):
        message = unknown_name("data source", typed.split(":", 1)[0], _SOURCES)
        raise DataError(f"{message} (or a folder, a file, or hf:USER/NAME)")
    raise DataError(f"{path} does not exist; expected {ACCEPTED}")


def _read_folder(folder: Path, asked: _Asked) -> LabeledSet:
    from breadth.data.hub import is_saved, read_saved
    from breadth.data.parquet import parquet_files

    if is_saved(folder):
        return read_saved(folder, split=asked.split, said=asked.said, size=asked.size, max_bytes=asked.max_bytes, limit=asked.limit)
    for files in (parquet_files(folder), _shards(folder)):
        if files:
            return _read_files(files, str(folder), folder.resolve().name, asked)
    asked.refuse(f"the folder {folder} of class folders", *_TABLE_OPTIONS)
    if asked.split is None:
        return read_folder(folder, size=asked.size, max_bytes=asked.max_bytes, limit=asked.limit)
    inner = folder / asked.split
    if not inner.is_dir():
        raise DataError(f"{folder} has no folder '{asked.split}'; expected one folder for each split, or leave split out")
    found = read_folder(inner, size=asked.size, max_bytes=asked.max_bytes, limit=asked.limit)
    return replace(found, name=f"{folder.resolve().name}#{asked.split}")


def _shards(folder: Path) -> list[Path]:
    held = [p for p in sorted(folder.iterdir()) if not is_hidden(p.name)]
    found = [p for p in held if p.is_file() and _ending(p) == ".tar"]
    if found and any(p.is_dir() for p in held):
        raise DataError(f"{folder} holds tar shards and folders; expected one kind: name the shards by a pattern, or move them")
    return found


def _read_file(path: Path, asked: _Asked) -> LabeledSet:
    ending = _ending(path)
    if ending in (".parquet", ".tar"):
        return _read_files([path], str(path), path.name, asked)
    asked.refuse(f"the file {path}", "split")
    if ending == ".npz":
        return read_npz(path, max_bytes=asked.max_bytes, said=asked.said, limit=asked.limit)
    from breadth.data.features import read_csv, read_npy

    if ending == ".npy":
        asked.refuse(f"the array {path}", *_TABLE_OPTIONS)
        return read_npy(path, max_bytes=asked.max_bytes, limit=asked.limit)
    if ending in (".csv", ".tsv"):
        return read_csv(path, said=asked.said, max_bytes=asked.max_bytes, limit=asked.limit)
    raise DataError(f"{path} is a file of another kind; expected {ACCEPTED}")


def _ending(path: Path) -> str:
    """Return the ending that tells the kind of a file; a compressed shard is a shard."""
    name = path.name.lower()
    return ".tar" if name.endswith((".tar", ".tar.gz", ".tgz")) else path.suffix.lower()


def _read_files(files: list[Path], shown: str, name: str, asked: _Asked) -> LabeledSet:
    """Read parquet files or shards, all of one kind, as one set."""
    endings = {_ending(path) for path in files}
    if endings == {".parquet"}:
        from breadth.data.parquet import read_parquet

        return read_parquet(
            files,
            name=name.removesuffix(".parquet") + (f"#{asked.split}" if asked.split else ""),
            shown=shown,
            said=asked.said,
            split=asked.split,
            size=asked.size,
            max_bytes=asked.max_bytes,
            limit=asked.limit,
        )
    if endings != {".tar"}:
        raise DataError(
            f"{shown} names files that end in {', '.join(sorted(e or 'nothing' for e in endings))}; expected .parquet or .tar"
        )
    from breadth.data.shards import read_shards

    asked.refuse(f"the shards {shown}", "split")
    for ending in (".tar", ".tar.gz", ".tgz"):
        name = name.removesuffix(ending)
    return read_shards(
        files, name=name, shown=shown, said=asked.said, size=asked.size, max_bytes=asked.max_bytes, limit=asked.limit
    )


def _generate(text: str, max_bytes: int) -> LabeledSet:
    name, _, tail = text.partition(":")
    make, readers = _SOURCES[name]
    options = options_of(name, tail, readers)
    sizes = [value for key, power in _SIZES for value in [options.get(key)] * power if isinstance(value, int)]
    if min(sizes, default=1) > 0 and math.prod(sizes) > max_bytes:
        raise DataError(
            f"'{text}' needs at least {min(math.prod(sizes), 10**300):.3g} bytes, more than the limit of {max_bytes:,}; ask for less"
        )
    return replace(make(options), name=text)


def options_of(source: str, tail: str, readers: Mapping[str, _Reader]) -> dict[str, object]:
    """Return the options that ``tail``, "KEY=VALUE,KEY=VALUE", gives a source that needs no download. Raises DataError for any other."""
    options: dict[str, object] = {}
    for item in filter(None, tail.split(",")):
        key, equals, value = (part.strip() for part in item.partition("="))
        if key not in readers:
            if not readers:
                raise DataError(f"'{source}' takes no options; got '{item}'")
            raise DataError(unknown_name(f"option of '{source}'", key, readers))
        if not equals or not value:
            raise DataError(f"option '{key}' of '{source}' has no value; expected {key}=VALUE")
        if key in options:
            raise DataError(f"option '{key}' of '{source}' is given twice; expected it once")
        try:
            options[key] = readers[key](value)
        except ValueError:
            raise DataError(f"option '{key}' of '{source}' is '{value}'; expected {_EXPECTED[readers[key]]}") from None
    return options


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError
    return value


def _count(text: str) -> int | None:
    return None if text == "all" else int(text)


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("+"))


# The options that say how much is made, and how often each enters: at least one byte a pixel or number.
_SIZES = (("classes", 1), ("per_class", 1), ("size", 2))

_EXPECTED: dict[_Reader, str] = {
    int: "a whole number",
    _count: "a whole number or all",
    _number: "a finite number",
    _names: "names joined by +",
    str: "a name",
}


def _digits(_options: dict[str, object]) -> LabeledSet:
    """8x8 grey images of handwritten digits (UCI optical recognition test set), 0..16 stretched to 0..255."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)
    return from_arrays(images, bunch.target, [str(d) for d in range(10)], name="digits")


def _glyphs(options: dict[str, object]) -> LabeledSet:
    from breadth.data.glyphs import glyphs

    return glyphs(**options)  # type: ignore[arg-type]


def _gaussian(options: dict[str, object]) -> LabeledSet:
    from breadth.data.gaussian import gaussian

    return gaussian(**options)  # type: ignore[arg-type]


_SOURCES: dict[str, tuple[Callable[[dict[str, object]], LabeledSet], dict[str, _Reader]]] = {
    "digits": (_digits, {}),
    "glyphs": (_glyphs, {"scripts": _names, "styles": _names, "classes": _count, "per_class": int, "size": int, "seed": int}),
    "gaussian": (
        _gaussian,
        {
            "sigma": _number,
            "sigma_s": _number,
            "mu": _number,
            "mu_s": _number,
            "classes": int,
            "per_class": int,
            "split": str,
            "seed": int,
        },
    ),
}
