"""LinkedIn takes one text, not a thread: its parts are made and checked like posts, and then joined into one post with all pictures."""

from __future__ import annotations

import re
from dataclasses import replace

from breadth.announce.check.length import LIMITS, weighted_length
from breadth.announce.check.parts import MOST_PICTURES
from breadth.announce.facts import Facts
from breadth.announce.thread import Picture, Platform, Post, Thread
from breadth.announce.write.hook import TAGS

__all__ = ["joined", "platform_of_parts"]


def platform_of_parts(platform: Platform) -> Platform:
    """Return whose rules the parts of a thread keep to before they are joined: Mastodon's plain text for LinkedIn, else the platform's own."""
    return "mastodon" if platform == "linkedin" else platform


def joined(thread: Thread, facts: Facts, platform: Platform) -> Thread:
    """Return the thread as the platform takes it: for LinkedIn its numbered posts as one text, for others as it is.

    The numbers go, the address of the code stands behind the words for it, and the hashtags come last. Behind what is said of a picture
    stands which one it is, since LinkedIn shows them all below the text. The one post keeps its parts, so that each is still held against
    its own evidence. Pictures above what one post takes are left out, and that is told.
    """
    if platform != "linkedin":
        return thread
    tags = " ".join(facts.hashtags[:TAGS])
    parts = [replace(p, text=_plain(p.text, tags)) for p in thread.posts]
    if tags:
        parts[-1] = replace(parts[-1], text=f"{parts[-1].text}\n\n{tags}")
    pictures = list(dict.fromkeys(x for p in parts for x in p.pictures))
    spare = {x.file for x in pictures[MOST_PICTURES:]}
    shown = {label: x.file for p in parts for label, x in zip(p.items, p.pictures, strict=True)}
    gone = tuple((label, f"one post on LinkedIn takes {MOST_PICTURES} pictures") for label, file in shown.items() if file in spare)
    lost = {label for label, _ in gone}
    kept = tuple(
        replace(
            p,
            pictures=tuple(x for x in p.pictures if x.file not in spare),
            items=tuple(label for label in p.items if label not in lost),
        )
        for p in parts
    )
    places = {x: n for n, x in enumerate(pictures[:MOST_PICTURES], 1)}
    plain, marked = ("\n\n".join(texts) for texts in ([p.text for p in kept], [_marked(p, places) for p in kept]))
    whole = Post(
        text=marked if weighted_length(marked, platform) <= LIMITS[platform] else plain,
        pictures=tuple(pictures[:MOST_PICTURES]),
        evidence=tuple(dict.fromkeys(q for p in kept for q in p.evidence)),
        items=tuple(dict.fromkeys(label for p in kept for label in p.items)),
        parts=kept,
    )
    return replace(thread, platform=platform, posts=(whole,), left_out=(*thread.left_out, *gone))


def _marked(part: Post, places: dict[Picture, int]) -> str:
    """The text of a part with the places of its pictures: "... (picture 2)"; the opening's picture is the first that is seen."""
    numbers = [str(places[x]) for x in part.pictures]
    if not numbers or part.role == "title":
        return part.text
    return f"{part.text} (picture{'s' if len(numbers) > 1 else ''} {' and '.join(numbers)})"


def _plain(text: str, tags: str) -> str:
    """The text of a part without its number and hashtags, an address on the line of the words that lead to it."""
    body = re.sub(r"\n\n\d+/\d+$", "", text)
    body = body.removesuffix(f"\n\n{tags}") if tags else body
    body = re.sub(r"^\*\*(.+)\*\*$", r"\1", body, flags=re.MULTILINE)  # a model's bold title, which LinkedIn would not show as bold
    return re.sub(r":\n\n(https?://\S+|\[FILL: [^\]\n]*\])(?=\n|$)", r": \1", body)
