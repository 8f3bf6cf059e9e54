"""A sentence that the next one takes back ("However, ..."): it is said with that one where there is room."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from breadth.announce.source import Quote, Source
from breadth.announce.write.clean import lowered
from breadth.announce.write.piece import ANY, held, piece_of
from breadth.announce.write.planned import Planned
from breadth.announce.write.told import plain_words
from breadth.announce.write.verbs import finite

__all__ = ["taken_back", "with_adverse"]

_ROLES = ("contribution", "item", "result", "implication")  # a problem (context) is what the paper goes on to take back
_BACK = re.compile(r"(?:However|Nevertheless|Nonetheless|But|Yet|On the other hand),?\s")
_SAID = 0.6  # share of a paragraph's words that are its quote's own


def taken_back(source: Source, quote: Quote) -> Quote | None:
    """Return the sentence of the same section right behind a quote that begins with "However" or the like; None where there is none."""
    after = max(quote.sentences, default=len(source.sentences)) + 1
    if quote.page is None or after > len(source.sentences):
        return None
    here, there = source.sentence(after - 1), source.sentence(after)
    same = (here.section, here.role) == (there.section, there.role) and there.role in ("abstract", "body", "list")
    return Quote(there.page, there.text, (after,)) if same and _BACK.match(there.text) else None


def with_adverse(post: Planned, source: Source, length: Callable[[str], int], room: int) -> Planned:
    """Return a post with the sentence that takes back the last one that it says, cut to clauses, where that fits."""
    last = post.evidence[-1] if post.evidence and post.role in _ROLES else None
    adverse = taken_back(source, last) if last is not None else None
    if last is None or adverse is None or held(post.text.rpartition("\n\n")[2], last.text) < _SAID:
        return post
    opening = _BACK.match(adverse.text)
    head = opening[0] if opening else ""
    rest = adverse.text[len(head) :]
    stated = replace(adverse, text=rest[:1].upper() + rest[1:])
    piece = piece_of(stated, length, room - length(post.text) - len(head) - 1, leaning=ANY)
    if piece is None or not finite(piece.text):
        return post
    said = head + lowered(piece.text, plain_words(source))
    return replace(post, text=f"{post.text} {said}", evidence=(*post.evidence, adverse))
