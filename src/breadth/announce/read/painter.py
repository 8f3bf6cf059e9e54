"""What the guard runs in a process of its own: opens one PDF, then parses and draws the pages it is asked for. Needs pypdfium2 alone.

Arguments: the PDF, bytes of address space, seconds of work. Asked on stdin in lines of JSON, [page] (from 0) to parse it or
[page, scale, [left, bottom, right, top], grey] to draw it; answered on stdout by four numbers, rows, columns, bytes a row and
channels, and the pixels. The first answer comes unasked, when the PDF was opened or could not be.
"""

from __future__ import annotations

import json
import struct
import sys
from typing import Any


def bounded(memory: int, seconds: int) -> None:
    """Bound this process, so that it also ends when nobody waits for it any more."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    except (ImportError, ValueError):  # Windows has no such limits, macOS may refuse them
        pass


def answer(rows: int = 0, columns: int = 0, stride: int = 0, channels: int = 0, pixels: Any = b"") -> None:
    sys.stdout.buffer.write(struct.pack("<4i", rows, columns, stride, channels))
    sys.stdout.buffer.write(pixels)
    sys.stdout.buffer.flush()


def serve(path: str) -> None:
    """Open the PDF and answer until nobody asks any more; what is damaged is left to who asked."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        answer()
        return
    answer()
    page, last = None, -1  # what is drawn next often stands on the same page, which need not be parsed again
    for line in sys.stdin:
        number, *drawn = json.loads(line)
        if page is None or number != last:
            if page is not None:
                page.close()
            try:
                page, last = document[number], number
            except pypdfium2.PdfiumError:
                page = None
                answer()
                continue
        if drawn:
            scale, cut, grey = drawn
            bitmap = page.render(scale=scale, crop=cut, grayscale=grey, rev_byteorder=True, may_draw_forms=False)
            answer(bitmap.height, bitmap.width, bitmap.stride, bitmap.n_channels, bitmap.buffer)
            bitmap.close()
        else:
            page.get_textpage().close()
            answer()


if __name__ == "__main__":
    bounded(int(sys.argv[2]), int(sys.argv[3]))
    serve(sys.argv[1])
