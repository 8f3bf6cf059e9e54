"""A thread as the Markdown that its author edits: ``# - tweet 2``, the text with its ``2/13``, ``[image: FILE | alt: WORDS]``.

What was written reads back exactly. A backslash stands before every sign of a post that Markdown or HTML would act on, so that words of a
paper are words wherever the file is shown; addresses, hashtags, ``[FILL: ...]`` and a line in ``**bold**`` stay as they are.
What people write is read too: ``# tweet4``, ``# img 11 - ground truth``, notes such as ``[img tweet 5 - table 1]``, which are pictures
without a file, and a fence around the whole. What stands before the first post, under a heading of its own behind a post's ``n/N`` or
what was left out, and in ``<!-- ... -->`` is the author's and no post.
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
_HEADING: Final = re.compile(r"#{1,6}(?:[ \t].*)?")
_COMMENT: Final = re.compile(
    r"^[ \t]*<!--(?:(?!<!--).)*?-->[ \t]*\n(?:[ \t]*\n)?|(?<!\\)<!--(?:(?!<!--).)*?-->", re.DOTALL | re.MULTILINE
)
_FENCE: Final = re.compile(r"(?:`{3,}|~{3,})\w*\s*")
_NUMBERING: Final = re.compile(r"\d+ */ *\d+")
_NOTE: Final = re.compile(r"\[(?!FILL\b)(.+)\]")
_OF_A_PICTURE: Final = re.compile(r"(?:put )?(?:img|image|picture|photo|screenshot|figure|fig|table|plot)\b", re.IGNORECASE)
_ENTITY: Final = r"&(?=#?\w+;)"
_IN_URL: Final = rf"(?:(?!{_ENTITY})[^\s\\<>\[\]`|*])*"  # up to what would act, which is escaped there too
_FILL: Final = r"\[FILL: [^][\n\\<`|*&_~]*\](?![(\[:])"
_ACTS: Final = re.compile(
    rf"(https?://{_IN_URL}|{_FILL})|[\\<\[`|*]|{_ENTITY}|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~"  # what group 1 holds stays
)
_BEGINS: Final = re.compile(  # a heading, a quote, a list, a rule, and the line under a heading
    r"((?:^|\r)[ \t]*\d{1,9}(?=[.)](?:\s|$))|(?:^|\r)[ \t]*(?=#{1,6}(?:\s|$)|>|[-+](?:\s|$)|(?:-[-\s]*|=+[ \t]*)(?:\r|$)))"
)
_INDENTED: Final = re.compile(r" {0,3}\t| {4}")
_BOLD: Final = re.compile(r"([ \t]*\*\*)([^*\n]*[^*\s])(\*\*[ \t]*)")
# An escaped underscore in an address is a person's slip, which the checks are to see: it stays.
_ADDRESS: Final = rf"(https?://{_IN_URL}(?:\\_{_IN_URL})*)"
_SIGNS: Final = r"\]\[\\<`|*&_~#>+=.)-"
_ESCAPED: Final = re.compile(rf"{_ADDRESS}|^\\(?=\s|$)|\\([{_SIGNS}])")
_ESCAPED_IN_NOTE: Final = re.compile(rf"{_ADDRESS}|\\([nr{_SIGNS}])")


def write_markdown(thread: Thread) -> str:
    """Return the thread as Markdown: its posts, and below them what was left out and why."""
    parts = [f"# - tweet {n}\n{_protected(post.text)}\n{_pictures(post)}" for n, post in enumerate(thread.posts, 1)]
    if thread.left_out:
        lines = "".join(f"- {_begun(_escaped(what.strip()))} | {_escaped(why)}\n" for what, why in thread.left_out)
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
    now: list[str] = []  # what stands before the first post, or under another heading, is no post's
    ended = True  # whether such a heading may come
    for line in _COMMENT.sub("", text.removeprefix("\ufeff").replace("\r\n", "\n")).split("\n"):
        if _POST.fullmatch(line):
            now, ended = [], False
            posts.append(now)
        elif _LEFT_OUT.fullmatch(line):
            now, ended = left_out, True
        elif ended and _HEADING.fullmatch(line):
            now = []
        elif not _FENCE.fullmatch(line):
            now.append(line)
            ended = ended or bool(_NUMBERING.fullmatch(line.strip()))
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
    text = "\n".join(_ESCAPED.sub(lambda m: m[1] or m[2] or "", line) for line in words)
    return Post(text=text, pictures=tuple(pictures))


def _picture(note: str) -> Picture:
    """``image: FILE | alt: WORDS``, or the words of a note about a picture that a person will add."""
    given = re.match(r"image: *", note, re.IGNORECASE)
    if not given:
        return Picture(file="", alt=_unescaped(note))
    file, _, alt = _at_bar(note[given.end() :])
    return Picture(file=_unescaped(file).strip(), alt=_unescaped(re.sub(r"^ ?alt: ?", "", alt)))


def _pictures(post: Post) -> str:
    return "".join(
        f"[image: {_escaped(p.file)} | alt: {_escaped(p.alt)}]\n" if p.file else f"[{_escaped(p.alt)}]\n" for p in post.pictures
    )


def _protected(text: str) -> str:
    """The text with a backslash before what would act, and before each line that would be read as something else."""
    lines = text.split("\n")
    filled = [k for k, line in enumerate(lines) if line.strip()]
    first, last = (filled[0], filled[-1]) if filled else (len(lines), -1)
    return "\n".join(
        "\\" + _line(line) if not first <= k <= last or _INDENTED.match(line) else _line(line) for k, line in enumerate(lines)
    )


def _line(line: str) -> str:
    bold = _BOLD.fullmatch(line)
    if bold:
        return bold[1] + _inert(bold[2]) + bold[3]
    return _begun(_inert(line))


def _begun(line: str) -> str:
    """The line with a backslash before what acts at its start."""
    return _BEGINS.sub(r"\1\\", line)


def _inert(text: str) -> str:
    """The text with a backslash before each sign that acts within a line."""
    return _ACTS.sub(lambda m: m[1] or "\\" + m[0], text)


def _at_bar(text: str) -> tuple[str, str, str]:
    """The text parted at the first bar that is not escaped."""
    parted = re.match(r"((?:[^\\|]|\\.)*)\|(.*)", text)
    return (parted[1], "|", parted[2]) if parted else (text, "", "")


def _escaped(text: str) -> str:
    """Words of one line for a note in brackets or an entry of a list."""
    return _inert(text).replace("]", "\\]").replace("\n", "\\n").replace("\r", "\\r")


def _unescaped(text: str) -> str:
    return _ESCAPED_IN_NOTE.sub(lambda m: m[1] or {"n": "\n", "r": "\r"}.get(m[2], m[2]), text)
