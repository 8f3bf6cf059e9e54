"""Encoded images to one array of pixels, without trusting them: headers first, memory checked, then decoding."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from breadth.errors import DataError

__all__ = ["Picture", "stack"]

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
_MIXED_SIZE = 84
_ORIENTATION = 0x0112
_GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")


@dataclass(frozen=True, eq=False)
class Picture:
    """One image not yet decoded, or held by Pillow. shown: how messages name it."""

    shown: str
    content: Path | bytes | Image.Image


def stack(pictures: Sequence[Picture], *, shown: str, size: int | None, max_bytes: int, held: int = 0) -> np.ndarray:
    """Return uint8 [n, height, width, channels]: PNG, JPEG, WebP or BMP images, told by content.

    EXIF orientation is applied, transparent pixels become white, 16-bit grey is scaled to 8 bits. There is 1 channel where all images
    are grey, else 3. With ``size``, or where sizes differ, images become ``size`` x ``size`` (84 x 84 if None), without keeping the
    aspect ratio. held: bytes that the pictures themselves take, counted with the result.

    Raises DataError for a file that is no image or is damaged, an image of more pixels than Pillow's decompression-bomb limit, or
    where more than ``max_bytes`` are needed; headers tell that before any pixel is decoded.
    """
    forms = [_form(picture) for picture in pictures]
    sizes = {shape for shape, _ in forms}
    channels = 1 if all(grey for _, grey in forms) else 3
    width, height = (size, size) if size is not None else sizes.pop() if len(sizes) == 1 else (_MIXED_SIZE, _MIXED_SIZE)
    needed = held + len(pictures) * width * height * channels
    if needed > max_bytes:
        raise DataError(
            f"{shown} needs {needed:,} bytes in memory, more than the limit of {max_bytes:,}; "
            "ask for a smaller size or raise max_bytes"
        )
    images = np.empty((len(pictures), height, width, channels), np.uint8)
    for i, picture in enumerate(pictures):
        images[i] = _pixels(picture, (width, height), channels)
    return images


@contextmanager
def _opened(picture: Picture) -> Iterator[Image.Image]:
    """Open an image; whatever goes wrong while it is open and read becomes one DataError that names it."""
    shown, content = picture.shown, picture.content
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # remarks on odd metadata
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if isinstance(content, Image.Image):
                yield content
            else:
                with Image.open(io.BytesIO(content) if isinstance(content, bytes) else content, formats=_FORMATS) as image:
                    yield image
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        limit = f"{Image.MAX_IMAGE_PIXELS:,}" if Image.MAX_IMAGE_PIXELS else "the set number of"
        raise DataError(
            f"{shown} has more than {limit} pixels, which may be a decompression bomb; make it smaller or remove it"
        ) from error
    except UnidentifiedImageError as error:
        raise DataError(f"{shown} is not a PNG, JPEG, WebP or BMP image; remove or convert it") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{shown} is a damaged image ({reason}); replace or remove it") from error


def _form(picture: Picture) -> tuple[tuple[int, int], bool]:
    """Return (width, height) as seen, and whether the image is grey, from the header alone."""
    with _opened(picture) as image:
        width, height = image.size
        # Asked for the orientation of a PNG, Pillow decodes all of it, for a note may follow the pixels.
        turned = (image.format != "PNG" or _has_notes(image)) and image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        return ((height, width) if turned else (width, height)), image.mode in _GREY_MODES


def _has_notes(png: Image.Image) -> bool:
    """Say whether an open PNG file has a chunk, anywhere, that may tell an orientation."""
    stream = getattr(png, "fp", None)
    if stream is None:
        return True
    before = stream.tell()
    stream.seek(8)
    found = False
    while not found and len(head := stream.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        found = kind in (b"eXIf", b"tEXt", b"zTXt", b"iTXt")
        stream.seek(length + 4, 1)
    stream.seek(before)
    return found


def _pixels(picture: Picture, size: tuple[int, int], channels: int) -> np.ndarray:
    """Return uint8 [height, width, channels]."""
    with _opened(picture) as image:
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
