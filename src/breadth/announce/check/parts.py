"""T1, T3, L2 and R2 for LinkedIn's one text, and its parts, so that every other check holds each of them against its own evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from breadth.announce.check.case import clipped
from breadth.announce.check.length import too_long
from breadth.announce.check.words import NUMBERING, URL, plain
from breadth.announce.facts import Facts
from breadth.announce.source import Source
from breadth.announce.thread import Post, Problem, Thread

__all__ = ["MOST_PICTURES", "as_parts", "of_whole", "whole_text"]

MOST_PICTURES: Final = 20  # of one post on LinkedIn
_OPENING = 8  # paragraphs among which title, authors and address stand
_PICTURES = re.compile(r"[ \t]*\(pictures? \d+(?:(?:, | and )\d+)*\)")
_TAGS = re.compile(r"(?:#\w+\s*)+")


def whole_text(thread: Thread) -> Iterator[Problem]:
    """What is wrong with the text as a whole: more than one post, numbers of posts, length, pictures, bold."""
    if len(thread.posts) != 1:
        why = f"the thread has {len(thread.posts)} posts; LinkedIn takes one text: join them under '# - tweet 1', without n/N"
        yield Problem("T1", "error", None, why)
        return
    post = thread.posts[0]
    numbers = [line.strip() for line in post.text.split("\n") if NUMBERING.fullmatch(line.strip())]
    if numbers:
        yield Problem("T1", "error", 1, f"holds the number '{numbers[0]}'; one text needs none: take it out")
    for n, why in too_long(thread.posts, "linkedin"):
        yield Problem("L2", "error", n, why)
    if len(post.pictures) > MOST_PICTURES:
        yield Problem("L2", "error", 1, f"has {len(post.pictures)} pictures; one post on LinkedIn takes {MOST_PICTURES}")
    for number in (int(n) for m in _PICTURES.finditer(post.text) for n in re.findall(r"\d+", m[0])):
        if not 1 <= number <= len(post.pictures):
            yield Problem("F6", "error", 1, f"speaks of picture {number}; {len(post.pictures)} are attached: correct the number")
    if "**" in post.text:
        yield Problem("R2", "warning", 1, "holds '**', which LinkedIn shows as it stands: take it out")


def as_parts(thread: Thread, source: Source, facts: Facts) -> Thread:
    """Return the one post as numbered posts: the parts that it was joined from, else its paragraphs: opening with a finding, code, others.

    Pictures of an edited text belong to all of it, so they make a part of their own.
    """
    post = thread.posts[0]
    parts = post.parts or _split(post, source, facts)
    return replace(thread, posts=tuple(replace(p, text=f"{p.text}\n\n{n}/{len(parts)}", parts=()) for n, p in enumerate(parts, 1)))


def of_whole(problem: Problem, parts: Thread) -> Problem:
    """Return a problem of a part as one of the whole text, with the words that the part begins with."""
    message = re.sub(r"\bpost (\d+)", r"part \1", problem.message)
    if problem.id == "T3" and problem.post in (2, None):
        message = problem.message.replace("the second post links no code", "links no code")
    elif problem.id == "T3":  # where the code stands is taste in a text that is seen at once
        return replace(problem, post=1, level="warning", message="links the code late; it belongs right behind the opening")
    elif problem.post is not None and problem.post > 1:
        words = clipped(" ".join(parts.posts[problem.post - 1].text.rpartition("\n\n")[0].split()), 50)
        message = f"'{words}': {message}" if words else message
    return replace(problem, post=None if problem.post is None else 1, message=message)


def _split(post: Post, source: Source, facts: Facts) -> tuple[Post, ...]:
    blocks = [b.strip() for b in re.split(r"\n\s*\n", _PICTURES.sub("", post.text)) if b.strip()]
    texts = []
    opening = _opening(blocks, source, facts)
    if opening:
        texts.append("\n\n".join(blocks[:opening]))
    code = next(
        (k for k in range(opening, min(opening + 2, len(blocks))) if URL.search(blocks[k]) or "[FILL: code" in blocks[k]), None
    )
    if code is not None:  # the words that lead to the address, and it
        texts.append("\n\n".join(blocks[opening : code + 1]))
    for block in blocks[opening if code is None else code + 1 :]:
        if _TAGS.fullmatch(block) and texts:
            texts[-1] = f"{texts[-1]}\n\n{block}"
        else:
            texts.append(block)
    parts = [Post(t, evidence=post.evidence) for t in texts]
    if post.pictures:
        parts.insert(min(2, len(parts)), Post("", post.pictures, items=post.items))
    return tuple(parts)


def _opening(blocks: list[str], source: Source, facts: Facts) -> int:
    """How many paragraphs present the paper: up to its title, authors and address, and the finding behind them."""
    authors = facts.authors or source.authors
    marks = [facts.title or source.title, *authors, *facts.handles.values(), facts.paper_url or source.paper_url or "[FILL: paper"]
    marks = [plain(m).casefold() for m in marks if m]
    held = [k for k, b in enumerate(blocks[:_OPENING]) if any(m in plain(b).casefold() for m in marks)]
    end = max(held, default=0) + 1
    return end + 1 if end < len(blocks) and not URL.search(blocks[end]) and "[FILL: code" not in blocks[end] else end
