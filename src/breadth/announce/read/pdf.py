"""A PDF, opened with bounds: what is no paper is refused in one line, pages are opened one by one, and nothing in it is run.

What may take for ever is done by the guard's process: each page is parsed there before it is parsed here, and drawn there only.
pdfium is used without its form and script parts, so that no script of a document runs. It is not thread-safe: one thread at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from breadth.announce.read.guard import Guard
from breadth.announce.source import Box
from breadth.errors import AnnounceError, printable

__all__ = ["LONGEST", "Page", "Pdf", "open_pdf"]

LONGEST = 500  # pages
WIDEST = 5000.0  # points: 1.76 m, more than any poster's short side
TAIL = 2048  # bytes in which the end mark must stand
SAMPLED = 30  # pages that are looked at before a document counts as one without text
PASSWORD, SECURITY = 4, 5  # pdfium's error numbers


@dataclass(frozen=True)
class Page:
    """An open page. number: from 1; width, height: points, as the page is shown (cropped and turned).

    raw: pypdfium2's page, whose coordinates are those of the file; ``box`` and ``point`` turn them into ours; guard: which draws it.
    """

    number: int
    width: float
    height: float
    raw: Any
    guard: Guard
    left: float
    bottom: float
    turned: int  # degrees clockwise: 0, 90, 180, 270

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return a point of the file (from the bottom left) as x, y in points from the top left of the page as it is shown."""
        x, y = x - self.left, y - self.bottom
        if self.turned == 90:
            return y, x
        if self.turned == 180:
            return self.width - x, y
        if self.turned == 270:
            return self.width - y, self.height - x
        return x, self.height - y

    def box(self, left: float, bottom: float, right: float, top: float) -> Box:
        """Return a rectangle of the file as a Box from the top left."""
        x0, y0 = self.point(left, bottom)
        x1, y1 = self.point(right, top)
        return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)

    def drawn(self, scale: float, box: Box | None = None, *, grey: bool = False) -> NDArray[np.uint8]:
        """Return the page, or a box of it, as rows x columns x channels: three or more (red, green, blue), or one grey; scale: pixels a point.

        Raises AnnounceError where that takes too long or too much memory.
        """
        x0, y0, x1, y1 = (0.0, 0.0, self.width, self.height) if box is None else box
        cut = (x0, self.height - y1, self.width - x1, y0)
        return self.guard.draw(self.number, scale, cut, (x1 - x0, y1 - y0), grey=grey)


class Pdf:
    """An open document: ``len(pdf)`` pages; ``with pdf.page(3) as page`` opens the third."""

    def __init__(self, path: Path, raw: Any, guard: Guard) -> None:
        self.path = path
        self.raw = raw
        self.guard = guard

    def __len__(self) -> int:
        return len(self.raw)

    @contextmanager
    def page(self, number: int) -> Iterator[Page]:
        """Open the page of that number, from 1; raises AnnounceError where it is damaged, of no sane size, or too much to parse."""
        import pypdfium2

        self.guard.parse(number)
        try:
            raw = self.raw[number - 1]
        except pypdfium2.PdfiumError as error:
            raise AnnounceError(f"{said(self.path)}: page {number} is damaged; save the PDF anew from its source") from error
        try:
            left, bottom, right, top = raw.get_bbox()
            width, height, turned = right - left, top - bottom, raw.get_rotation()
            if not (math.isfinite(width + height) and 0 < width <= WIDEST and 0 < height <= WIDEST):
                raise AnnounceError(
                    f"{said(self.path)}: page {number} measures {width:.0f} x {height:.0f} points; expected sides of at most "
                    f"{WIDEST:.0f}: give a paper's PDF"
                )
            if turned in (90, 270):
                width, height = height, width
            yield Page(number, width, height, raw, self.guard, left, bottom, turned)
        finally:
            raw.close()


def said(path: Path) -> str:
    return f"paper '{printable(str(path))}'"


@contextmanager
def open_pdf(path: Path) -> Iterator[Pdf]:
    """Open a paper's PDF, beside a process that guards it; raises AnnounceError, one line, where it cannot be read or holds no text."""
    import_pdfium()
    import pypdfium2

    check_bytes(path)
    with closing(Guard(path)) as guard:
        try:
            raw = pypdfium2.PdfDocument(path)
        except pypdfium2.PdfiumError as error:
            raise AnnounceError(f"{said(path)} {refusal(path, error.err_code)}") from error
        with closing(raw):
            pages = len(raw)
            if pages == 0:
                raise AnnounceError(f"{said(path)} {refusal(path, None)}")
            if pages > LONGEST:
                raise AnnounceError(f"{said(path)} has {pages:,} pages; at most {LONGEST} are read: give the paper alone")
            pdf = Pdf(path, raw, guard)
            if not holds_text(pdf):
                raise AnnounceError(f"{said(path)} holds no text (scanned pages?); run text recognition (OCR) on it first")
            yield pdf


def import_pdfium() -> None:
    """Raise AnnounceError with the command to run where pypdfium2 is missing."""
    try:
        import pypdfium2  # noqa: F401
    except ImportError as error:
        raise AnnounceError("reading a PDF needs pypdfium2, which is not installed; run: pip install 'breadth[paper]'") from error


def check_bytes(path: Path) -> None:
    """Raise AnnounceError where a file does not begin and end as a PDF does; reads some 3 kB."""
    try:
        with path.open("rb") as file:
            head = file.read(1024)
            file.seek(0, 2)
            file.seek(max(0, file.tell() - TAIL))
            tail = file.read()
    except OSError as error:
        raise AnnounceError(f"{said(path)}: {error.strerror}; give a PDF file") from error
    if not head:
        raise AnnounceError(f"{said(path)} is empty; give a PDF file")
    if b"%PDF-" not in head:
        start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        what = "is a web page (HTML)" if start.startswith((b"<!doctype html", b"<html", b"<?xml")) else "is no PDF"
        raise AnnounceError(f"{said(path)} {what}; give a PDF file")
    if b"%%EOF" not in tail and b"startxref" not in tail:
        raise AnnounceError(f"{said(path)} is cut off: its end mark is missing; fetch it again")


def refusal(path: Path, code: int | None) -> str:
    """Return why pdfium refused a file; its error number may be left over from an earlier file, so the file is asked too."""
    if code in (PASSWORD, SECURITY):
        with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as data:
            if data.find(b"/Encrypt") >= 0:
                return "is encrypted; save it without a password first"
    return "holds no pages that can be read (damaged?); fetch it again"


def holds_text(pdf: Pdf) -> bool:
    """Return whether any of the first pages shows letters."""
    for number in range(1, min(len(pdf), SAMPLED) + 1):
        with pdf.page(number) as page:
            text = page.raw.get_textpage()
            try:
                if any(c.isalpha() for c in text.get_text_range(0, min(text.count_chars(), 1000))):
                    return True
            finally:
                text.close()
    return False
