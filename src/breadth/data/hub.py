"""Hugging Face data sets: by id (streamed), from a folder that their library opens or has saved, or as an object in memory."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from breadth.data.columns import Choice, Column, Columns, Kind, item_of, pick
from breadth.data.images import LabeledSet
from breadth.data.items import Item, assemble, gather, need, some_rows
from breadth.errors import DataError

__all__ = ["HubId", "from_datasets", "is_saved", "opened_hub", "parse_hub", "read_hub", "read_saved", "split_of", "told"]

_ID = re.compile(r"(?P<name>[\w.-]+(/[\w.-]+)?)(:(?P<config>[\w.+-]+))?(@(?P<revision>[\w./+-]+))?(#(?P<split>[\w.-]+))?")


@dataclass(frozen=True)
class HubId:
    """What "hf:USER/NAME:config@revision#split" says; the last three may be None. For a local folder, name is its path."""

    name: str
    config: str | None = None
    revision: str | None = None
    split: str | None = None

    @property
    def is_local(self) -> bool:
        """True for a folder, False for an id on the Hub."""
        return os.path.isdir(self.name)

    def __str__(self) -> str:
        marked = ((":", self.config), ("@", self.revision), ("#", self.split))
        shown = Path(self.name).resolve().name if self.is_local else self.name
        return shown + "".join(mark + part for mark, part in marked if part)


def parse_hub(text: str, *, split: str | None = None, revision: str | None = None) -> HubId:
    """Return the parts of "hf:USER/NAME[:config][@revision][#split]" or "hf:FOLDER[#split]"; split and revision fill what is not said.

    Raises DataError for a text of another form, a folder that does not exist, or a part that is said twice and differs.
    """
    rest = text.removeprefix("hf:")
    folder, _, folder_split = rest.partition("#")
    if folder and os.path.isdir(folder):
        found = HubId(folder, split=folder_split or None)
    elif folder.startswith((".", "/", "~")):
        raise DataError(f"{folder} does not exist; expected a folder, or an id as in hf:USER/NAME")
    else:
        match = _ID.fullmatch(rest)
        if match is None:
            raise DataError(
                f"'{text}' is no Hugging Face id; expected hf:USER/NAME, with :config, @revision and #split where needed"
            )
        found = HubId(match["name"], match["config"], match["revision"], match["split"])
    for what, inside, beside in (("split", found.split, split), ("revision", found.revision, revision)):
        if inside and beside and inside != beside:
            raise DataError(f"'{text}' says the {what} '{inside}', and {what}='{beside}' was given too; say it once")
    if found.is_local and revision:
        raise DataError(f"{found.name} is a folder, which has no revisions; leave the revision out")
    return HubId(found.name, found.config, found.revision or revision, found.split or split)


def is_saved(folder: Path) -> bool:
    """Say whether a folder was written by the ``save_to_disk`` of a Hugging Face data set."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def read_hub(source: HubId, *, said: Columns, offline: bool, size: int | None, max_bytes: int, limit: int | None) -> LabeledSet:
    """Return a data set of the Hub, streamed, or of a local folder that the ``datasets`` library opens without a script.

    Columns are found as ``breadth.data.columns.pick`` says. offline: no network; the data must be in the local cache of the Hub already. A
    folder is always read offline, and only files inside it are. limit: the first items of the stream. ``max_bytes`` bounds what is kept;
    what the library buffers on the way comes on top. No code of the data set runs.

    Raises DataError where the package, data set, configuration, split or revision is missing, a column is in doubt, or data are damaged.
    """
    with opened_hub(source, offline=offline) as (stream, full, owner):
        return from_datasets(stream, str(full), said=said, size=size, max_bytes=max_bytes, limit=limit, owner=owner)


@contextmanager
def opened_hub(source: HubId, *, offline: bool) -> Iterator[tuple[Any, HubId, str | None]]:
    """Open a data set as a stream of rows, for as long as the context lasts: (stream, its full id, its owner on the Hub if any).

    Offline as ``read_hub``. Raises DataError where the package, data set, configuration, split or revision is missing.
    """
    shown = f"hf:{source.name}"
    datasets = need("datasets", shown)
    hub = need("huggingface_hub", shown)
    with _quiet(datasets, hub, offline or source.is_local) as offline_now:
        folder = source.name if source.is_local else _cached(hub, source) if offline_now else None
        if folder is not None:
            _check_card(hub, Path(folder), shown)
        with told(shown, "check the id, the configuration and the connection"):
            if folder is None:
                builder = datasets.load_dataset_builder(source.name, source.config, revision=source.revision)
            else:
                builder = datasets.load_dataset_builder(os.path.abspath(folder), source.config)
        if folder is not None:
            _check_inside(builder, Path(folder), shown)
        with told(shown, "check the connection and the data"):
            streams = builder.as_streaming_dataset()
        split = split_of(streams, source.split, shown)
        yield streams[split], HubId(source.name, source.config, source.revision, split), None if folder is not None else source.name


def read_saved(
    folder: Path, *, split: str | None, said: Columns, size: int | None, max_bytes: int, limit: int | None
) -> LabeledSet:
    """Return the data set that ``save_to_disk`` wrote to a folder. limit: a fixed draw of at most this many items."""
    datasets = need("datasets", str(folder))
    with told(str(folder), "save the data set again"):
        found = datasets.load_from_disk(str(folder))
    name = folder.resolve().name
    if isinstance(found, Mapping):
        split = split_of(found, split, str(folder))
        found, name = found[split], f"{name}#{split}"
    elif split is not None:
        raise DataError(f"{folder} holds one data set without splits; leave the split '{split}' out")
    return from_datasets(found, name, said=said, size=size, max_bytes=max_bytes, limit=limit)


def from_datasets(
    dataset: Any,
    name: str,
    *,
    said: Columns | None = None,
    size: int | None = None,
    max_bytes: int = 2 * 1024**3,
    limit: int | None = None,
    owner: str | None = None,
) -> LabeledSet:
    """Return a ``datasets.Dataset`` or ``IterableDataset`` as a labelled set.

    Images are decoded by this package. An image that is held as a path is read from a local file, and from the Hub only where it lies in
    the data set ``owner``. limit: a fixed draw of at most this many items from a Dataset, the first ones of an IterableDataset.
    Raises DataError as ``read_hub`` does.
    """
    datasets = need("datasets", name)
    shown = f"'{name}'"
    with told(shown, "check the data"):
        columns, dataset = _columns(dataset)
    choice = pick(columns, said or Columns(), shown)
    streamed = not hasattr(dataset, "__len__")
    numbers: list[int] | None = None
    with told(shown, "check the data"):
        dataset = dataset.select_columns(choice.names).with_format(None)
        if choice.image.kind == "image" and type((dataset.features or {}).get(choice.image.name)).__name__ == "Image":
            dataset = dataset.cast_column(choice.image.name, datasets.Image(decode=False))
        if not streamed:
            numbers = some_rows(len(dataset), limit)
            dataset = dataset.select(numbers)
    items = gather(
        _items(datasets, dataset, numbers, choice, shown, max_bytes, owner), shown=shown, max_bytes=max_bytes, limit=limit
    )
    names = choice.label.names if choice.label else None
    return assemble(items, name=name, shown=shown, class_names=names, size=size, max_bytes=max_bytes)


def _items(
    datasets: Any, dataset: Any, numbers: list[int] | None, choice: Choice, shown: str, max_bytes: int, owner: str | None
) -> Iterator[Item]:
    rows = iter(dataset)
    at = 0
    while True:
        with told(shown, f"damage begins after {at} items"):
            row = next(rows, None)
            if row is None:
                return
            place = f"{shown}, row {at if numbers is None else numbers[at]}"
            value = row.get(choice.image.name)
            if choice.image.kind == "image" and isinstance(value, dict) and value.get("bytes") is None and value.get("path"):
                row = {**row, choice.image.name: _file(datasets, str(value["path"]), owner, max_bytes, place)}
        yield item_of(row, choice, place)
        at += 1


def _file(datasets: Any, path: str, owner: str | None, max_bytes: int, shown: str) -> Path | bytes:
    """Return an image that a row names by its path: a local file, or a file of the data set itself on the Hub."""
    if "://" not in path:
        if not os.path.isfile(path):
            raise DataError(f"{shown} names the image file {path}, which does not exist; save the data set with its images inside")
        return Path(path)
    if owner is None or not re.match(rf"hf://datasets/{re.escape(owner)}[@/]", path.rsplit("::", maxsplit=1)[-1]):
        raise DataError(f"{shown} names the image {path}, which lies outside the data set; expected images inside it")
    with datasets.utils.file_utils.xopen(path, "rb") as stream:
        content: bytes = stream.read(max_bytes + 1)
    return content


def _columns(dataset: Any) -> tuple[list[Column], Any]:
    """Return the columns of a data set, and the data set; where a stream does not know them, its first row tells."""
    if dataset.features is not None:
        return [_column(name, feature) for name, feature in dataset.features.items()], dataset
    first = next(iter(chain(dataset.take(1), [{}])))
    return [Column(name, _kind_of(value)) for name, value in first.items()], dataset


def _column(name: str, feature: Any) -> Column:
    kind = type(feature).__name__
    if kind == "ClassLabel":
        return Column(name, "class", tuple(feature.names))
    if kind == "Image":
        return Column(name, "image")
    if kind in ("List", "LargeList", "Sequence"):
        return Column(name, "vector" if re.match("u?int|float", getattr(feature.feature, "dtype", "")) else "other")
    dtype = str(getattr(feature, "dtype", "")) if kind == "Value" else ""
    kinds: dict[str, Kind] = {"int": "integer", "uint": "integer", "string": "text", "large_string": "text", "binary": "image"}
    return Column(name, kinds.get(re.sub(r"\d+$", "", dtype), "other"))


def _kind_of(value: Any) -> Kind:
    if isinstance(value, bytes) or (isinstance(value, dict) and {"bytes", "path"} >= value.keys() != set()):
        return "image"
    if isinstance(value, list) and value and all(isinstance(v, (int, float)) for v in value):
        return "vector"
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return "integer"
    return "text" if isinstance(value, str) else "other"


def split_of(held: Mapping[Any, Any], split: str | None, shown: str) -> str:
    """Return the split to read. Raises DataError where there are several and none is named, or the named one is not there."""
    names = [str(name) for name in held]
    if split is None and len(names) == 1:
        return names[0]
    if split is None:
        raise DataError(f"{shown} has the splits {', '.join(sorted(names))}; choose one with split")
    if split not in names:
        raise DataError(f"{shown} has no split '{split}'; it holds {', '.join(sorted(names))}")
    return split


def _cached(hub: Any, source: HubId) -> str:
    """Return the folder of the local Hub cache that holds the data set."""
    try:
        return str(hub.snapshot_download(source.name, repo_type="dataset", revision=source.revision, local_files_only=True))
    except Exception as error:
        at = f" --revision {source.revision}" if source.revision else ""
        raise DataError(
            f"hf:{source.name}{' at ' + source.revision if source.revision else ''} is not in the local cache, and the network is not to be "
            f"used (offline); run once with a connection: hf download {source.name} --repo-type dataset{at}"
        ) from error


def _check_card(hub: Any, folder: Path, shown: str) -> None:
    """Refuse a data set whose card names files on the network: the library would look for them at once, offline or not."""
    yaml = need("yaml", shown)
    with told(shown, "repair its README.md or .huggingface.yaml"):
        card, more = folder / "README.md", folder / ".huggingface.yaml"
        notes = [hub.metadata_load(card)] if card.is_file() else []
        notes += [yaml.safe_load(more.read_text(encoding="utf-8"))] if more.is_file() else []
    waiting = [note.get("configs") for note in notes if isinstance(note, dict)]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str) and ("://" in value or "::" in value):
            raise DataError(f"{shown} names the file {value}, which lies outside it; expected files inside the data set only")
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []


def _check_inside(builder: Any, folder: Path, shown: str) -> None:
    """Refuse a data set whose card names files outside its folder."""
    root = os.path.abspath(folder) + os.sep
    for files in (builder.config.data_files or {}).values():
        for name in files:
            if not os.path.abspath(name).startswith(root):
                raise DataError(f"{shown} names the file {name}, which lies outside it; expected files inside the data set only")


@contextmanager
def _quiet(datasets: Any, hub: Any, offline: bool) -> Iterator[bool]:
    """Switch the two libraries offline if asked (they decide at import and have no argument for it), and download counts off; then back.

    Yields whether they are offline, by this or by the user's HF_HUB_OFFLINE."""
    settings = (
        (datasets.config, "HF_HUB_OFFLINE"),
        (hub.constants, "HF_HUB_OFFLINE"),
        (datasets.config, "HF_UPDATE_DOWNLOAD_COUNTS"),
    )
    before = [getattr(holder, name) for holder, name in settings]
    offline = offline or bool(before[0]) or bool(before[1])
    try:
        for (holder, name), value in zip(settings, (offline, offline, False), strict=True):
            setattr(holder, name, value)
        yield offline
    finally:
        for (holder, name), value in zip(settings, before, strict=True):
            setattr(holder, name, value)


@contextmanager
def told(shown: str, advice: str) -> Iterator[None]:
    """Turn whatever the library raises into one DataError."""
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300].rstrip(".") or "no reason given"
        raise DataError(f"{shown} cannot be read ({type(error).__name__}: {reason}); {advice}") from error
