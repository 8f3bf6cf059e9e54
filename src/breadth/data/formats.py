"""One load() for every kind of data: a folder of class folders, an .npz file, or a source that needs no download."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from breadth.data.archives import read_npz
from breadth.data.arrays import from_arrays
from breadth.data.images import LabeledSet, prepare
from breadth.errors import DataError, unknown_name

__all__ = ["from_arrays", "load"]

ACCEPTED = "a folder of class folders, an .npz file, or one of digits, gaussian, glyphs"

_Reader = Callable[[str], object]


def load(source: str | Path | LabeledSet, *, size: int | None = None, max_bytes: int = 2 * 1024**3) -> LabeledSet:
    """Return the labelled set that ``source`` names.

    source: a folder of class folders (PNG, JPEG, WebP, BMP), an .npz file (``images``, ``labels``, optional ``class_names``,
    ``source_paths``), or a source that needs no download: ``"digits"`` (scikit-learn's 8x8 handwritten digits), ``"glyphs"``,
    ``"gaussian"``, the last two with options, as in ``"glyphs:scripts=latin+greek,classes=200"`` or ``"gaussian:sigma=10"``.
    A labelled set is returned as it is (resized if asked). These three names win over a folder of the same name: write "./digits".

    size: resize images to ``size`` x ``size`` pixels. Without it, images keep their size, except in a folder whose images differ in
    size: these become 84 x 84, the customary size of few-shot benchmarks. max_bytes: refuse data that would need more memory.

    Raises DataError where the source is unknown, missing, damaged, or not what it claims to be.
    """
    if size is not None and size < 1:
        raise DataError(f"size={size} was asked for; expected at least 1 pixel")
    if isinstance(source, LabeledSet):
        found = source
    elif isinstance(source, str) and source.split(":", 1)[0] in _SOURCES:
        found = _generate(source, max_bytes)
    else:
        try:
            found = _read_path(source, size, max_bytes)
        except OSError as error:  # a folder on the way that may not be entered, a name too long
            raise DataError(f"{source} cannot be read ({error.strerror or error}); check the path and its permissions") from error
    return prepare(found, size=size, channels=found.inputs.shape[3]) if size is not None and found.is_images else found


def _read_path(source: str | Path, size: int | None, max_bytes: int) -> LabeledSet:
    if source == "":
        raise DataError(f"the empty text names no data; expected {ACCEPTED}")
    path = Path(source)
    if path.is_dir():
        from breadth.data.folders import read_folder

        return read_folder(path, size=size, max_bytes=max_bytes)
    if path.is_file():
        if path.suffix.lower() != ".npz":
            raise DataError(f"{path} is a file of another kind; expected {ACCEPTED}")
        return read_npz(path, max_bytes=max_bytes)
    if isinstance(source, str) and not set("/\\.") & set(source):
        message = unknown_name("data source", source.split(":", 1)[0], _SOURCES)
        raise DataError(f"{message} (or a folder of class folders, or an .npz file)")
    raise DataError(f"{path} does not exist; expected {ACCEPTED}")


def _generate(text: str, max_bytes: int) -> LabeledSet:
    name, _, tail = text.partition(":")
    make, readers = _SOURCES[name]
    options = _options(name, tail, readers)
    sizes = [value for key, power in _SIZES for value in [options.get(key)] * power if isinstance(value, int)]
    if min(sizes, default=1) > 0 and math.prod(sizes) > max_bytes:
        raise DataError(
            f"'{text}' needs at least {min(math.prod(sizes), 10**300):.3g} bytes, more than the limit of {max_bytes:,}; ask for less"
        )
    return replace(make(options), name=text)


def _options(source: str, tail: str, readers: Mapping[str, _Reader]) -> dict[str, object]:
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
