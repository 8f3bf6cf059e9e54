"""A thread as the Markdown that its author edits: ``# - tweet 2``, the text with its ``2/13``, ``[image: FILE | alt: WORDS]``.

What was written reads back exactly. What people write is read too: ``# tweet4``, ``# img 11 - ground truth``, notes such as
``[img tweet 5 - table 1]``, which are pictures without a file, and a fence around the whole.
"""

from __future__ import annotations

import re
from typing import Final

from breadth.announce.facts import Facts
from breadth.announce.source import Source
from breadth.announce.thread import Picture, Platform, Post, Thread
from breadth.errors import AnnounceError

__all__ = ["as_thread", "read_left_out", "read_markdown", "write_markdown"]

_POST: Final = re.compile(r"#{1,6} +(?:[-–—0] *)?(?:(?:img|image) +)?(?:tweet|post|img|image) *\d+(?!\w).*", re.IGNORECASE)
_LEFT_OUT: Final = re.compile(r"#{1,6} +(?:[-–—] *)?left out\b.*", re.IGNORECASE)
_FENCE: Final = re.compile(r"(?:`{3,}|~{3,})\w*\s*")
_NUMBERING: Final = re.compile(r"\d+ */ *\d+")
_NOTE: Final = re.compile(r"\[(?!FILL\b)(.+)\]")
_OF_A_PICTURE: Final = re.compile(r"(?:put )?(?:img|image|picture|photo|screenshot|figure|fig|table|plot)\b", re.IGNORECASE)
_ESCAPES: Final = {"\\": "\\", "n": "\n", "r": "\r", "|": "|", "]": "]"}


def write_markdown(thread: Thread) -> str:
    """Return the thread as Markdown: its posts, and below them what was left out and why."""
    parts = [f"# - tweet {n}\n{_protected(post.text)}\n{_pictures(post)}" for n, post in enumerate(thread.posts, 1)]
    if thread.left_out:
        lines = "".join(f"- {_escaped(what)} | {_escaped(why)}\n" for what, why in thread.left_out)
        parts.append(f"# - left out\n{lines}")
    return "\n".join(parts)


def read_markdown(text: str) -> tuple[Post, ...]:
    """Return the posts of Markdown; AnnounceError where there is none."""
    posts = [_post(block) for block in _blocks(text)[0]]
    if not posts:
        raise AnnounceError("this Markdown holds no post; write '# - tweet 1', the text, '1/8' as last line, then '# - tweet 2'")
    return tuple(posts)


def read_left_out(text: str) -> tuple[tuple[str, str], ...]:
    """Return (what, why) of each line under ``# - left out``: ``- Figure 5 | no room`` or ``- Figure 5: no room``."""
    found = []
    for line in _blocks(text)[1]:
        entry = re.match(r"[-*] +(.*)", line)
        if entry:
            what, bar, why = (_unescaped(part) for part in _at_bar(entry[1]))
            if not bar:
                what, _, why = what.partition(":")
            found.append((what.strip(), why.strip()))
    return tuple(found)


def as_thread(text: str, source: Source, facts: Facts, platform: Platform) -> Thread:
    """Return Markdown as a thread about the source: posts without evidence, for `check_thread` to look for it."""
    return Thread(
        title=facts.title or source.title,
        authors=facts.authors or source.authors,
        platform=platform,
        posts=read_markdown(text),
        code_url=None if facts.no_code else facts.code_url or source.code_url,
        limitation=None,
        items=source.items,
        left_out=read_left_out(text),
    )


def _blocks(text: str) -> tuple[list[list[str]], list[str]]:
    """The lines of each post, and those under "left out"."""
    posts: list[list[str]] = []
    left_out: list[str] = []
    now: list[str] = []  # what stands before the first post is nobody's
    for line in text.replace("\r\n", "\n").split("\n"):
        if _POST.fullmatch(line):
            now = []
            posts.append(now)
        elif _LEFT_OUT.fullmatch(line):
            now = left_out
        elif not _FENCE.fullmatch(line):
            now.append(line)
    return posts, left_out


def _post(lines: list[str]) -> Post:
    words: list[str] = []
    pictures: list[Picture] = []
    numbered = False
    for line in lines:
        note = _NOTE.fullmatch(line.strip())
        if note and (numbered or _OF_A_PICTURE.match(note[1])):
            pictures.append(_picture(note[1]))
        else:
            words.append(line)
            numbered = numbered or bool(_NUMBERING.fullmatch(line.strip()))
    while words and not words[0].strip():
        del words[0]
    while words and not words[-1].strip():
        del words[-1]
    text = "\n".join(line[1:] if line.startswith("\\") else line for line in words)
    return Post(text=text, pictures=tuple(pictures))


def _picture(note: str) -> Picture:
    """``image: FILE | alt: WORDS``, or the words of a note about a picture that a person will add."""
    given = re.match(r"image: *", note, re.IGNORECASE)
    if not given:
        return Picture(file="", alt=note)
    file, _, alt = _at_bar(note[given.end() :])
    return Picture(file=_unescaped(file).strip(), alt=_unescaped(re.sub(r"^ ?alt: ?", "", alt)))


def _pictures(post: Post) -> str:
    return "".join(f"[image: {_escaped(p.file)} | alt: {_escaped(p.alt)}]\n" if p.file else f"[{p.alt}]\n" for p in post.pictures)


def _protected(text: str) -> str:
    """The text with a backslash before each line that would be read as something else."""
    lines = text.split("\n")
    filled = [k for k, line in enumerate(lines) if line.strip()]
    first, last = (filled[0], filled[-1]) if filled else (len(lines), -1)
    return "\n".join(
        "\\" + line
        if not first <= k <= last
        or line.startswith("\\")
        or any(p.fullmatch(line) for p in (_POST, _LEFT_OUT, _FENCE))
        or _NOTE.fullmatch(line.strip())
        else line
        for k, line in enumerate(lines)
    )


def _at_bar(text: str) -> tuple[str, str, str]:
    """The text parted at the first bar that is not escaped."""
    parted = re.match(r"((?:[^\\|]|\\.)*)\|(.*)", text)
    return (parted[1], "|", parted[2]) if parted else (text, "", "")


def _escaped(text: str) -> str:
    for plain in ("\\", "|", "]"):
        text = text.replace(plain, "\\" + plain)
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _unescaped(text: str) -> str:
    return re.sub(r"\\([\\nr|\]])", lambda m: _ESCAPES[m[1]], text)
