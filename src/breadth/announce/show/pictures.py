"""Every figure and table of a thread as a PNG file, and small enough copies for the page and the contact sheet."""

from __future__ import annotations

import base64
import io
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from breadth.announce.read.render import opened
from breadth.announce.thread import Thread

__all__ = ["Small", "file_names", "greyed", "reduced", "small", "small_of", "write_png"]

_ALONE, _BESIDE = (1100, 960), (1100, 544)  # pixels: at most twice the room on the page, for screens of double density


@dataclass(frozen=True)
class Small:
    """A picture for the page. uri: its data; width, height: pixels."""

    uri: str
    width: int
    height: int


def file_names(thread: Thread) -> tuple[str, ...]:
    """Return the picture file of each item: the name that the posts use, else figures/LABEL.png; no two items share one."""
    used = {
        label: picture.file
        for post in thread.posts
        if len(post.items) == len(post.pictures)
        for label, picture in zip(post.items, post.pictures, strict=True)
    }
    names: list[str] = []
    for item in thread.items:
        stem = f"figures/{re.sub(r'[^a-z0-9]+', '-', item.label.lower()).strip('-') or 'item'}"
        name, n = used.get(item.label, f"{stem}.png"), 1
        while name in names:  # a supplement may count its figures from 1 again
            n += 1
            name = f"{stem}-{n}.png"
        names.append(name)
    return tuple(names)


def write_png(image: Image.Image, path: Path) -> None:
    """Write a picture; whoever reads sees the old file or the whole new one. Harder compression makes plots no smaller, only slower."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        image.save(partial, format="PNG", compress_level=3)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def greyed(image: Image.Image) -> Image.Image:
    """Return an RGB picture with one channel where it has no colour: the same picture, for a third of the work and of the bytes."""
    pixels = np.asarray(image)
    red, green, blue = (pixels[:, :, c] for c in range(3))
    return Image.fromarray(np.ascontiguousarray(red)) if (red == green).all() and (red == blue).all() else image


def reduced(image: Image.Image, room: tuple[int, int]) -> Image.Image:
    """Return a picture scaled to fit into ``room`` (width and height in pixels), where it is larger."""
    scale = min(room[0] / image.width, room[1] / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image if scale >= 1 else image.resize(size, Image.Resampling.LANCZOS)


def small(image: Image.Image, *, alone: bool) -> Small:
    """Return a picture scaled to what the page needs; alone: whether its post shows no other."""
    fitted, buffer = reduced(image, _ALONE if alone else _BESIDE), io.BytesIO()
    fitted.save(buffer, format="WEBP", quality=84, method=2)
    return Small(f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}", fitted.width, fitted.height)


def small_of(path: Path, *, alone: bool) -> Small:
    """Return a picture file as `small` does."""
    return small(greyed(opened(path)), alone=alone)
