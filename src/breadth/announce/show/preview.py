"""One HTML page that looks like the thread: posts, pictures, counts, what the checks say, and the evidence beside each post.

The page opens from disk and loads nothing; its policy (CSP) allows its own style and script by their hash and nothing else. Text of the
paper and of the posts reaches it through jinja2's escaping only.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from breadth.announce.check.length import LIMITS, weighted_length
from breadth.announce.show.fills import MARK, fills
from breadth.announce.show.pictures import Small, small_of
from breadth.announce.show.sheet import LOW
from breadth.announce.show.told import fine_print, shown_sentence
from breadth.announce.source import Item, Source
from breadth.announce.thread import Post, Problem, Thread

__all__ = ["pieces", "render"]

_NAMES = {"x": "X", "bluesky": "Bluesky", "mastodon": "Mastodon", "linkedin": "LinkedIn"}
_PIECES = re.compile(
    r"(?P<fill>\[FILL: [^\]\n]*\])|(?P<url>https?://[^\s<>\"]+[^\s<>\".,;:!?)\]'])|(?P<tag>(?<![\w&/])[#@]\w[\w.@-]*\w|(?<![\w&/])[#@]\w)"
)
MOST_LABELS = 3  # that the head of a post names
_RING = 2 * math.pi * 9  # circumference of the ring that shows how full a post is


@dataclass(frozen=True)
class _Shown:
    """A picture on the page. file: the full size beside the page; item: None where a person named the file."""

    small: Small
    file: str
    alt: str
    item: Item | None


def render(thread: Thread, source: Source, folder: Path, crops: Sequence[str], smalls: Mapping[str, Small]) -> str:
    """Return the page as HTML text.

    folder: where the pictures of the posts lie; crops: the picture file of each of ``thread.items``; smalls: pictures by their file, read
    from ``folder`` where they are missing. source: where the evidence stands.
    """
    by_file = dict(zip(crops, thread.items, strict=True))
    style, script = (
        _environment().get_template("preview.css.jinja").render(),
        _environment().get_template("preview.js.jinja").render(),
    )
    return (
        _environment()
        .get_template("preview.html.jinja")
        .render(
            t=thread,
            platform=_NAMES[thread.platform],
            limit=LIMITS[thread.platform],
            posts=[_post(n, p, thread, source, folder, by_file, smalls) for n, p in enumerate(thread.posts, 1)],
            initials=_initials(thread.authors),
            names=_names(thread.authors),
            overall=[p for p in thread.problems if p.post is None],
            errors=sum(p.level == "error" for p in thread.problems),
            warnings=sum(p.level == "warning" for p in thread.problems),
            unread=source.problems,
            fills=fills(thread),
            shown=shown_sentence(thread),
            low=[i for i in thread.items if i.confidence < LOW],
            style=Markup(style),
            script=Markup(script),
            policy=_policy(style, script),
        )
    )


def _post(
    n: int,
    post: Post,
    thread: Thread,
    source: Source,
    folder: Path,
    by_file: Mapping[str, Item],
    smalls: Mapping[str, Small],
) -> dict[str, Any]:
    """What the template needs of one post."""
    pictures = [
        _Shown(smalls.get(p.file) or small_of(folder / p.file, alone=len(post.pictures) == 1), p.file, p.alt, by_file.get(p.file))
        for p in post.pictures
        if p.file
    ]
    length, limit = weighted_length(post.text, thread.platform), LIMITS[thread.platform]
    problems = [p for p in thread.problems if p.post == n]
    ready = thread.platform == "x" and length <= limit and not MARK.search(post.text)
    return {
        "n": n,
        "pieces": pieces(post.text),
        "about": _about(post),
        "pictures": pictures,
        "length": length,
        "over": length > limit,
        "arc": f"{min(1.0, length / limit) * _RING:.2f} {_RING:.2f}",
        "problems": sorted(problems, key=_errors_first),
        "evidence": [(q, _context(q.sentences, q.text, source)) for q in post.evidence],
        "wanted": [p.alt for p in post.pictures if not p.file],
        "low": [p.item for p in pictures if p.item and p.item.confidence < LOW],
        "fine": [(p.item, words) for p in pictures if p.item and (words := fine_print(p.item))],
        # The one way to X without its paid interface: a page on which the author presses the button.
        "intent": f"https://x.com/intent/post?text={urllib.parse.quote(post.text, safe='')}" if ready else None,
    }


def _about(post: Post) -> str | None:
    """What the head of a post says of it: its figures and tables, how many where they are too many to name, else its kind."""
    if len(post.items) > MOST_LABELS:
        return f"{len(post.items)} figures and tables"
    return ", ".join(post.items) or post.role


def _errors_first(problem: Problem) -> bool:
    return problem.level != "error"


def _context(numbers: Sequence[int], quote: str, source: Source) -> str | None:
    """The whole sentences that a quote was taken from, where they say more than it."""
    whole = " ".join(source.sentence(n).text for n in numbers)
    return whole if len(whole) > len(quote) + 3 else None


def pieces(text: str) -> list[tuple[Literal["text", "fill", "url", "tag"], str]]:
    """Split a post into (kind, words): plain text, FILL marks, addresses, hashtags and handles; the words together are the post."""
    out: list[tuple[Any, str]] = []
    end = 0
    for match in _PIECES.finditer(text):
        out += [("text", text[end : match.start()]), (match.lastgroup, match[0])]
        end = match.end()
    return [(kind, words) for kind, words in [*out, ("text", text[end:])] if words]


def _initials(authors: Sequence[str]) -> str:
    words = [w for w in authors[0].split() if w[0].isalpha()] if authors else []
    return "".join(w[0] for w in (words[:1] + words[1:][-1:])).upper() or "?"


def _names(authors: Sequence[str]) -> str:
    """Authors as the head of a post shows them: the first, and how many more."""
    if not authors:
        return "Author"
    more = len(authors) - 1
    return authors[0] + (f" and {more} other{'s' if more > 1 else ''}" if more else "")


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return f"default-src 'none'; img-src data:; style-src {digest(style)}; script-src {digest(script)}; base-uri 'none'; form-action 'none'"


@cache
def _environment() -> Environment:
    """Where the templates come from: this folder, every value escaped, an unknown name an error."""
    return Environment(
        loader=PackageLoader("breadth.announce.show", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
