"""How long a post is by each platform's own way of counting.

X counts by the rules of twitter-text 3: most letters of European scripts 1, all else 2, an address 23, an emoji 2. Bluesky counts
graphemes (and at most 3000 bytes). Mastodon counts graphemes with every address as 23 and of ``@name@server`` only ``@name``.
LinkedIn takes one text of 3000 characters, so there the whole thread is one post.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from types import ModuleType
from typing import Final

from breadth.announce.thread import Platform, Post
from breadth.errors import AnnounceError

__all__ = ["BLUESKY_BYTES", "LIMITS", "PROSE", "prose_length", "too_long", "weighted_length"]

LIMITS: Final[dict[Platform, int]] = {"x": 280, "bluesky": 300, "mastodon": 500, "linkedin": 3000}
BLUESKY_BYTES: Final = 3000
PROSE: Final = 150
"""What the prose of a post should not exceed, as a matter of taste: without addresses, tags, handles and numbering."""

_URL_LENGTH = 23
_UNITS: dict[Platform, str] = {
    "x": "by X's counting",
    "bluesky": "in graphemes",
    "mastodon": "by Mastodon's counting",
    "linkedin": "characters",
}


def weighted_length(text: str, platform: Platform) -> int:
    """Return the length of ``text`` as the platform counts it; AnnounceError where the package that counts is not installed."""
    if platform == "x":
        return _x_length()(text)
    if platform == "linkedin":
        return len(text)
    if platform == "mastodon":
        text = re.sub(r"https?://\S+", "x" * _URL_LENGTH, text)
        text = re.sub(r"(?<![\w/])(@\w[\w.-]*)@[\w.-]*\w", r"\1", text)
    return _graphemes(text)


def prose_length(prose: str) -> int:
    """Return the graphemes of the prose of a post, which `breadth.announce.check.words.prose_of` gives."""
    return _graphemes(prose)


def too_long(posts: tuple[Post, ...], platform: Platform) -> list[tuple[int | None, str]]:
    """Return (post, why) for each text above its platform's limit; for LinkedIn, whose text is the whole thread, (None, why)."""
    limit = LIMITS[platform]
    if platform == "linkedin":
        length = weighted_length("\n\n".join(p.text for p in posts), platform)
        return [(None, f"the whole text has {length} characters; LinkedIn takes {limit}: shorten it")] if length > limit else []
    found: list[tuple[int | None, str]] = []
    for n, post in enumerate(posts, 1):
        length = weighted_length(post.text, platform)
        if length > limit:
            found.append((n, f"is {length} long {_UNITS[platform]}; at most {limit}: shorten it by {length - limit}"))
        if platform == "bluesky" and len(post.text.encode()) > BLUESKY_BYTES:
            found.append((n, f"has {len(post.text.encode())} bytes; Bluesky takes {BLUESKY_BYTES}: shorten it"))
    return found


def _graphemes(text: str) -> int:
    try:
        import regex
    except ImportError as error:
        raise AnnounceError(
            "counting graphemes needs the package regex; it is not installed: pip install 'breadth[paper]'"
        ) from error
    return len(regex.findall(r"\X", text))


@cache
def _x_length() -> Callable[[str], int]:
    """The counting of twitter-text 3.

    twitter-text-parser 3.0 reads its list of emojis through pkg_resources, which setuptools no longer has; while it is imported, a
    stand-in with the one function that it calls takes that place.
    """
    stand_in = ModuleType("pkg_resources")
    stand_in.resource_string = lambda package, name: (  # type: ignore[attr-defined]
        files(package.rpartition(".")[0]).joinpath(name).read_bytes()
    )
    real = sys.modules.get("pkg_resources")
    sys.modules["pkg_resources"] = stand_in
    try:
        from twitter_text import parse_tweet
    except ImportError as error:
        raise AnnounceError(
            "counting as X does needs the package twitter-text-parser; it is not installed: pip install 'breadth[paper]'"
        ) from error
    finally:
        if real is None:
            del sys.modules["pkg_resources"]
        else:
            sys.modules["pkg_resources"] = real
    return lambda text: int(parse_tweet(text).weightedLength)
