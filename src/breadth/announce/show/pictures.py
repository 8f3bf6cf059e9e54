"""Every figure and table of a thread as a PNG file, and small enough copies for the page and the contact sheet."""

from __future__ import annotations

import base64
import io
import os
import re
import secrets
from pathlib import Path

from PIL import Image

from breadth.announce.read.render import opened
from breadth.announce.thread import Thread

__all__ = ["file_names", "small_uri", "write_png"]

_PAGE_WIDTH = 1100  # pixels of a picture on the page: twice its width there, for screens of double density


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
    """Write a picture; whoever reads sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        image.save(partial, format="PNG")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def small_uri(path: Path) -> tuple[str, int, int]:
    """Return a picture file as a data URI, scaled to what a page needs, with its width and height in pixels."""
    picture = opened(path)
    if picture.width > _PAGE_WIDTH:
        picture = picture.resize(
            (_PAGE_WIDTH, max(1, round(picture.height * _PAGE_WIDTH / picture.width))), Image.Resampling.LANCZOS
        )
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=84, method=4)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}", picture.width, picture.height
