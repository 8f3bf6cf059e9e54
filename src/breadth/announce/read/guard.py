"""A look through a PDF in a process of its own: what hangs, crashes or eats memory there is refused before it is read here.

pdfium cannot be interrupted while it parses or draws a page, and a few lines of a hostile file can ask for years of work.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

__all__ = ["A_PAGE", "MEMORY", "SECONDS", "fault_of"]

SECONDS = 120.0  # pages full of vector graphics take some 0.04 each, and 500 are read
A_PAGE = 10  # seconds, whole ones
MEMORY = 4 << 30  # bytes of address space
SCALE, SIDE = 1.25, 2000  # pixels a point, and of a page's longer side: as small as a page is drawn to look for figures
WIDEST = 5000.0  # points: a larger page is refused later


def fault_of(path: Path, longest: int, *, seconds: float = SECONDS, a_page: int = A_PAGE) -> str | None:
    """Parse and draw every page of a PDF of at most ``longest`` pages in another process; return what is wrong, in words, or None.

    seconds: for the whole; a_page: for one page (whole seconds; on Windows only the whole is bounded).
    """
    command = [sys.executable, "-P", __file__, str(path), str(longest), str(a_page)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"takes more than {seconds:.0f} s to parse and draw; save the PDF anew from its source"
    if sys.platform != "win32" and done.returncode == -signal.SIGALRM:
        return f"has a page that takes more than {a_page} s to parse and draw; save the PDF anew from its source"
    return None if done.returncode == 0 else "makes the PDF library fail or run out of memory; save the PDF anew from its source"


def look(path: str, longest: int, a_page: int) -> None:
    """Parse and draw every page, in bounded memory; what cannot be opened, or is too long, is left to who asked."""
    import pypdfium2

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError):  # Windows has no such limit, macOS may refuse it
        pass
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError:
        return
    for number in range(len(document) if len(document) <= longest else 0):
        if sys.platform != "win32":
            signal.alarm(a_page)  # nobody handles it, so it ends this process, also in the midst of pdfium's work
        page = document[number]
        page.get_textpage().close()
        if 0 < max(page.get_size()) <= WIDEST:
            page.render(scale=min(SCALE, SIDE / max(page.get_size())), grayscale=True, may_draw_forms=False).close()
        page.close()


if __name__ == "__main__":
    look(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
