"""A folder of class folders of images as a labelled set."""

from __future__ import annotations

import os
from pathlib import Path

from breadth.data.images import LabeledSet
from breadth.data.items import Item, assemble, some_rows
from breadth.errors import DataError

__all__ = ["is_hidden", "read_folder"]


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of this name is no data: hidden, or a note that a desktop leaves in every folder it shows."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _printable(name: str) -> str:
    """Return a file name as text that can be shown and stored; bytes that are no UTF-8 are spelled out, as in "caf\\xe9"."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_folder(folder: Path, *, size: int | None, max_bytes: int, limit: int | None = None) -> LabeledSet:
    """Return the images of a folder that holds one folder per class, named after the folder; both are sorted by name.

    Images are read as by ``breadth.data.pictures.stack``. Hidden files are skipped, and bytes of a name that are no UTF-8 are spelled
    out. limit: a fixed draw of at most this many images; classes that lose all of theirs go.

    Raises DataError for loose files, nested folders, an empty class folder, a file that is no image or is damaged, an image of more
    pixels than Pillow's decompression-bomb limit, or a set that needs more than ``max_bytes``.
    """
    classes = _classes(folder)
    files = [(path, c) for c, (_, paths) in enumerate(classes) for path in paths]
    items = [Item(str(files[row][0]), files[row][0], files[row][1]) for row in some_rows(len(files), limit)]
    names = [_printable(name) for name, _ in classes]
    return assemble(
        items, name=_printable(folder.resolve().name), shown=str(folder), class_names=names, size=size, max_bytes=max_bytes
    )


def _classes(folder: Path) -> list[tuple[str, list[Path]]]:
    entries = _visible(folder)
    class_folders = [path for path in entries if path.is_dir()]
    if not class_folders:
        held = f"{len(entries)} files and no folder" if entries else "nothing"
        raise DataError(f"{folder} holds {held}; expected one folder of images per class")
    for path in entries:
        if not path.is_dir():
            raise DataError(f"{path} lies beside the class folders; expected every image inside a class folder: move or remove it")
    out = []
    for class_folder in class_folders:
        files = _visible(class_folder)
        for path in files:
            if path.is_dir():
                raise DataError(
                    f"{path} is a folder inside a class folder; expected images only: give the folder that holds the class folders"
                )
        if not files:
            raise DataError(f"class folder {class_folder} is empty; expected at least one image: fill or remove it")
        out.append((class_folder.name, files))
    return out


def _visible(folder: Path) -> list[Path]:
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if not is_hidden(name)]
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror}); expected a folder that may be read") from error
