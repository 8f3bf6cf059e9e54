"""A look through a PDF in a process of its own: what hangs, crashes or eats memory there is refused before it is read here.

pdfium cannot be interrupted while it parses a page, and a few lines of a hostile file can ask for years of work.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

__all__ = ["MEMORY", "SECONDS", "fault_of"]

SECONDS = 30.0  # a paper of 500 pages takes some 3
MEMORY = 4 << 30  # bytes of address space


def fault_of(path: Path, longest: int, *, seconds: float = SECONDS) -> str | None:
    """Parse every page of a PDF of at most ``longest`` pages in another process; return what is wrong, in words, or None."""
    command = [sys.executable, "-P", __file__, str(path), str(longest)]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"takes more than {seconds:.0f} s to parse; save the PDF anew from its source"
    return None if done.returncode == 0 else "makes the PDF library fail or run out of memory; save the PDF anew from its source"


def look(path: str, longest: int) -> None:
    """Parse every page, in bounded memory; what cannot be opened, or is too long, is left to who asked."""
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
        page = document[number]
        page.get_textpage().close()
        page.close()


if __name__ == "__main__":
    look(sys.argv[1], int(sys.argv[2]))
