"""Everything a thread is made of, written into one folder; what a person has edited there is never lost silently."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from breadth.announce.check.length import LIMITS
from breadth.announce.check.markdown import read_left_out, read_markdown, write_markdown
from breadth.announce.read.pdf import open_pdf
from breadth.announce.read.render import crops
from breadth.announce.show import preview
from breadth.announce.show.pictures import Small, file_names, greyed, small, write_png
from breadth.announce.show.record import as_dict
from breadth.announce.show.sheet import Cell, contact_sheet, thumbnail
from breadth.announce.show.told import place
from breadth.announce.source import Source
from breadth.announce.thread import Picture, Platform, Post, Thread
from breadth.errors import AnnounceError
from breadth.study.store import write_json, write_text

__all__ = ["Exported", "export", "is_edited", "platform_of", "refuse_edited", "updated"]


@dataclass(frozen=True)
class Exported:
    """The files of a thread. crops: one for each of its items, in their order."""

    markdown: Path
    record: Path
    preview: Path
    contact_sheet: Path
    crops: tuple[Path, ...]


def export(
    thread: Thread,
    source: Source,
    pdf: Path | None,
    out: Path,
    *,
    force: bool = False,
    edited: bool = False,
    markdown: str | None = None,
    report: Callable[[int, int], None] | None = None,
) -> Exported:
    """Write thread.md, thread.json, figures/, contact_sheet.png and preview.html into ``out`` (made where missing); return the paths.

    pdf: the paper, None where every item has a file of its own; edited: whether a person has edited the posts, which thread.json then
    remembers; markdown: the text of thread.md where a person wrote it, kept to the letter; report: called with (done, all) after each
    item. Each file is written whole or not at all, thread.md last; other files of the folder stay. Raises AnnounceError where thread.md
    there was edited by hand and ``force`` is not set, or where a picture cannot be read.
    """
    if not force:
        refuse_edited(out)
    out.mkdir(parents=True, exist_ok=True)
    names = file_names(thread)
    alone = {p.file: len(post.pictures) == 1 for post in thread.posts for p in post.pictures}
    cells: list[Cell] = []
    smalls: dict[str, Small] = {}
    with nullcontext() if pdf is None else open_pdf(pdf) as paper:
        for n, (item, name, whole) in enumerate(zip(thread.items, names, crops(paper, thread.items), strict=True), 1):
            picture = greyed(whole)
            write_png(picture, out / name)
            if name in alone:
                smalls[name] = small(picture, alone=alone[name])
            cells.append(Cell(item, thumbnail(picture), place(item, thread)))
            if report is not None:
                report(n, len(names))
    paths = Exported(
        out / "thread.md", out / "thread.json", out / "preview.html", out / "contact_sheet.png", tuple(out / n for n in names)
    )
    write_png(contact_sheet(thread.title, cells), paths.contact_sheet)
    write_text(paths.preview, preview.render(thread, source, out, names, smalls))
    write_json(paths.record, as_dict(thread, names, edited=edited))
    write_text(paths.markdown, write_markdown(thread) if markdown is None else markdown)
    return paths


def is_edited(folder: Path) -> bool:
    """Whether the posts of a folder's thread.md, or what it lists as left out, are others than those of the thread.json beside it; True
    where that cannot be told."""
    return _differs(folder, lambda text, held: (read_markdown(text), read_left_out(text)) != (held.posts, held.left_out))


def updated(
    thread: Thread, source: Source, pdf: Path | None, markdown: Path, report: Callable[[int, int], None] | None = None
) -> Exported:
    """Write the thread that was read from ``markdown`` into its folder, as `export` does, and remember there that a person edited it.

    Raises AnnounceError where ``markdown`` is another file than the folder's thread.md, and that holds edits of its own.
    """
    folder, place = markdown.parent, markdown.parent / "thread.md"
    if place.exists() and not place.samefile(markdown) and _is_a_persons(folder):
        raise AnnounceError(
            f"{place} was edited by hand, and --update would replace it with {markdown}; move one of them elsewhere"
        )
    text = markdown.read_bytes().decode()  # line ends as they are
    edited = _is_a_persons(folder) or not place.exists() or place.read_bytes().decode() != text
    return export(thread, source, pdf, folder, force=True, edited=edited, markdown=text, report=report)


def platform_of(folder: Path) -> Platform | None:
    """Return the platform that the thread of a folder was written for, None where thread.json does not say."""
    named = _held(folder).get("platform")
    return next((p for p in LIMITS if p == named), None)


def _is_a_persons(folder: Path) -> bool:
    """Whether thread.md of a folder holds words of a person, outside the posts too, and also where thread.json has taken them over."""
    taken_over = (folder / "thread.md").exists() and _held(folder).get("edited") is True
    return taken_over or _differs(folder, lambda text, held: True)


def _differs(folder: Path, than: Callable[[str, Thread], bool]) -> bool:
    """Whether thread.md is other text than that of the thread in thread.json, and ``than`` holds for the two; False where there is none,
    True where either cannot be read."""
    try:
        text = (folder / "thread.md").read_bytes().decode()
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError):
        return True
    try:
        held = json.loads((folder / "thread.json").read_text(encoding="utf-8"))
        posts = tuple(Post(p["text"], tuple(Picture(i["file"], i["alt"]) for i in p["images"])) for p in held["posts"])
        left_out = tuple((e["label"], e["why"]) for e in held["left_out"])
        thread = Thread("", (), "x", posts, None, None, (), left_out)
        return write_markdown(thread) != text and than(text, thread)
    except (OSError, ValueError, KeyError, TypeError, AnnounceError):
        return True


def _held(folder: Path) -> dict[str, Any]:
    """The content of thread.json; empty where it cannot be read."""
    try:
        held = json.loads((folder / "thread.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return held if isinstance(held, dict) else {}


def refuse_edited(folder: Path) -> None:
    """Raise AnnounceError where ``folder`` is a file, or writing into it would lose what a person wrote into thread.md."""
    if folder.exists() and not folder.is_dir():
        raise AnnounceError(f"{folder} is a file; expected a folder to write into: give another --out")
    if _is_a_persons(folder):
        raise AnnounceError(
            f"{folder / 'thread.md'} was edited by hand, and a new thread would replace it; give another --out, or --force to lose the edits"
        )
