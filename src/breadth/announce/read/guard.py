"""A process of its own in which a PDF's pages are parsed and drawn: what hangs, crashes or eats memory there is ended and refused.

pdfium cannot be interrupted while it parses or draws a page, and a few lines of a hostile file can ask for years of work. Pages are
drawn there alone, and parsed there before they are parsed here; here come only pixels, as many as were asked for.
"""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from breadth.errors import AnnounceError, printable

__all__ = ["A_PAGE", "MEMORY", "SECONDS", "Guard"]

SECONDS = 120.0  # pages full of vector graphics take some 0.04 each, and 500 are read
A_PAGE = 30.0  # seconds: a real paper's page took 4 alone, and more than 10 beside other work
MEMORY = 4 << 30  # bytes of address space
PAINTER = Path(__file__).with_name("painter.py")
HEAD = struct.Struct("<4i")


class Guard:
    """The process beside an open PDF.

    seconds: for all that is asked of it; a_page: for opening the PDF, parsing a page or drawing one. Raises AnnounceError, one line, where
    that is not enough or the process dies, and then at once for all else.
    """

    def __init__(self, path: Path, *, seconds: float = SECONDS, a_page: float = A_PAGE) -> None:
        self.path = path
        self.seconds, self.left, self.a_page = seconds, seconds, a_page
        self.parsed: set[int] = set()
        self.fault = ""
        command = [sys.executable, "-P", str(PAINTER), str(path), str(MEMORY), str(math.ceil(seconds))]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        try:
            self._answer(None, 0, "open")
        except BaseException:
            self.close()
            raise

    def parse(self, number: int) -> None:
        """Parse a page, from 1, unless that was done."""
        if number not in self.parsed:
            self._answer([number - 1], 0, f"parse page {number}")
            self.parsed.add(number)

    def draw(
        self, number: int, scale: float, cut: tuple[float, float, float, float], size: tuple[float, float], *, grey: bool
    ) -> NDArray[np.uint8]:
        """Draw a page, from 1, at so many pixels a point; return rows x columns x channels, three or more (red, green, blue), grey one.

        cut: points that go away left, below, right and above; size: width and height, in points, of what is left.
        """
        most = (math.ceil(size[0] * scale) + 2) * (math.ceil(size[1] * scale) + 2) * 4
        (rows, columns, stride, channels), pixels = self._answer([number - 1, scale, cut, grey], most, f"draw page {number}")
        if min(rows, columns) < 1 or stride < columns * channels:
            raise self._refused("makes the PDF library fail or run out of memory")
        flat = np.frombuffer(pixels, dtype=np.uint8).reshape(rows, stride)
        return flat[:, : columns * channels].reshape(rows, columns, channels)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(OSError):  # what was asked last was not sent
                    pipe.close()
        self.process.wait()

    def _answer(self, asked: list[object] | None, most: int, doing: str) -> tuple[tuple[int, int, int, int], bytes]:
        """Ask for something (None: nothing, the first answer comes unasked); return its four numbers and pixels, at most ``most`` bytes."""
        if self.fault:
            raise self._refused(self.fault)
        late = threading.Event()

        def end() -> None:
            late.set()
            self.process.kill()  # what waits for its answer below then sees the end of it

        limit = min(self.a_page, self.left)
        timer, start = threading.Timer(limit, end), time.monotonic()
        timer.start()
        try:
            found = self._exchanged(asked, most)
        finally:
            timer.cancel()
            self.left -= time.monotonic() - start
        if found is not None and not late.is_set():
            return found
        if not late.is_set():
            raise self._refused("makes the PDF library fail or run out of memory")
        if limit < self.a_page:
            raise self._refused(f"takes more than {self.seconds:.0f} s to parse and draw")
        raise self._refused(f"takes more than {self.a_page:.0f} s to {doing}")

    def _exchanged(self, asked: list[object] | None, most: int) -> tuple[tuple[int, int, int, int], bytes] | None:
        """Return the answer, None where none comes or it is larger than what was asked for."""
        there, here = self.process.stdin, self.process.stdout
        assert there is not None
        assert here is not None
        try:
            if asked is not None:
                there.write(json.dumps(asked).encode() + b"\n")
                there.flush()
            head = here.read(HEAD.size)
            if len(head) < HEAD.size:
                return None
            rows, columns, stride, channels = HEAD.unpack(head)
            size = rows * stride
            if not 0 <= size <= most:
                return None
            pixels = here.read(size)
        except OSError:
            return None
        return ((rows, columns, stride, channels), pixels) if len(pixels) == size else None

    def _refused(self, fault: str) -> AnnounceError:
        self.fault = fault
        return AnnounceError(f"paper '{printable(str(self.path))}' {fault}; save the PDF anew from its source")
