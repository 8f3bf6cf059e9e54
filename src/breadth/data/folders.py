"""A folder of class folders of images as a labelled set."""

from __future__ import annotations

import os
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from breadth.data.images import LabeledSet
from breadth.errors import DataError

__all__ = ["is_hidden", "read_folder"]

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_MIXED_SIZE = 84
_ORIENTATION = 0x0112
_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")


def is_hidden(name: str) -> bool:
    """Say whether a file or folder of this name is no data: hidden, or a note that a desktop leaves in every folder it shows."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _printable(name: str) -> str:
    """Return a file name as text that can be shown and stored; bytes that are no UTF-8 are spelled out, as in "caf\\xe9"."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def read_folder(folder: Path, *, size: int | None, max_bytes: int) -> LabeledSet:
    """Return the images of a folder that holds one folder per class, named after the folder; both are sorted by name.

    Images are PNG, JPEG, WebP or BMP, told by content. Hidden files are skipped, and bytes of a
    name that are no UTF-8 are spelled out. EXIF orientation is applied, transparent pixels
    become white, 16-bit grey is scaled to 8 bits. The set has 1 channel where all images are grey, else 3. Images of different
    sizes become ``size`` x ``size`` (84 x 84 if None), without keeping the aspect ratio.

    Raises DataError for loose files, nested folders, an empty class folder, a file that is no image or is damaged, an image of more
    pixels than Pillow's decompression-bomb limit, or a set that needs more than ``max_bytes``.
    """
    classes = _classes(folder)
    files = [path for _, paths in classes for path in paths]
    forms = [_form(path) for path in files]
    sizes = {shape for shape, _ in forms}
    channels = 1 if all(grey for _, grey in forms) else 3
    width, height = (size, size) if size is not None else sizes.pop() if len(sizes) == 1 else (_MIXED_SIZE, _MIXED_SIZE)
    needed = len(files) * width * height * channels
    if needed > max_bytes:
        raise DataError(
            f"{folder} needs {needed:,} bytes in memory, more than the limit of {max_bytes:,}; "
            "ask for a smaller size or raise max_bytes"
        )
    images = np.empty((len(files), height, width, channels), np.uint8)
    for i, path in enumerate(files):
        images[i] = _pixels(path, (width, height), channels)
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(paths) for _, paths in classes])
    return LabeledSet(_printable(folder.resolve().name), images, labels, tuple(_printable(name) for name, _ in classes))


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


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    """Open an image; whatever goes wrong while it is open and read becomes one DataError that names the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                yield image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = f"{Image.MAX_IMAGE_PIXELS:,}" if Image.MAX_IMAGE_PIXELS else "the set number of"
        raise DataError(
            f"{path} has more than {limit} pixels, which may be a decompression bomb; make it smaller or remove it"
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(f"{path} is not a PNG, JPEG, WebP or BMP image; remove or convert it") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} is a damaged image ({reason}); replace or remove it") from error


def _form(path: Path) -> tuple[tuple[int, int], bool]:
    """Return (width, height) as seen, and whether the image is grey, from the header alone."""
    with _opened(path) as image:
        width, height = image.size
        turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        return ((height, width) if turned else (width, height)), image.mode in _GREY_MODES


def _pixels(path: Path, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return uint8 [height, width, channels]."""
    with _opened(path) as image:
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):
            upright = Image.fromarray((np.asarray(upright).astype(np.uint32) // 257).astype(np.uint8))
        if upright.has_transparency_data:
            layer = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        plain = upright.convert("L" if channels == 1 else "RGB")
        if plain.size != size:
            plain = plain.resize(size, Image.Resampling.BILINEAR)
        return np.asarray(plain).reshape(size[1], size[0], channels)
