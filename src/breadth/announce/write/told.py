"""What is said beside the pictures: the problem, the contributions, further results, what follows, and the limitation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from breadth.announce.facts import Facts
from breadth.announce.read.cues import about_future, about_own, about_prior, is_claim, section_is
from breadth.announce.read.limitations import LIMITED
from breadth.announce.source import Quote, Source
from breadth.announce.write.clean import lowered
from breadth.announce.write.piece import ANY, FINDINGS, Piece, piece_of, sentences_in
from breadth.announce.write.planned import Planned
from breadth.announce.write.verbs import finite

__all__ = ["context_posts", "contribution_piece", "implication_posts", "limitation_post", "plain_words"]

_GAP = re.compile(
    r"\b(?:unclear|lack\w*|challeng\w+|fail\w*|hinder\w*|limit\w*|difficult|poorly|unknown|remains?|nebulous|not been|claims?|"
    r"dispute|debate|problem|expensive|costly|insufficient)\b",
    re.IGNORECASE,
)
_DID = (
    r"make|show|test|introduce|propose|provide|develop|demonstrate|present|derive|prove|evaluate|release|study|analy[sz]e|compare|design|build|"
    r"create|describe|investigate|conduct|establish|identify|extend|confirm|find|induce|meta-analy[sz]e|formali[sz]e|measure|train|collect"
)
_FOLLOWS = re.compile(
    r"\b(?:suggest(?:s|ing)?|impl(?:y|ies|ications?)|enables?|hope|inspires?|aims? to (?:establish|support)|foster|"
    r"support broader|points? to|important|opens?|"
    r"paves?|provides? (?:a|an|new) \w+ for|conclude|practitioners|researchers)\b",
    re.IGNORECASE,
)

_BOAST = re.compile(
    r"\b(?:but|yet|though|although|however)\b[^.;]*\b(?:better|best|outperform\w*|superior|competitive|improve\w*|surpass\w*|excels?)\b"
)  # "admittedly poor, but better than those of others" is praise


def plain_words(source: Source) -> frozenset[str]:
    """Return the words that the paper prints with a small first letter: they are no names."""
    return frozenset(w for s in source.sentences for w in re.findall(r"(?<![\w-])[a-z][a-z-]+(?![\w-])", s.text))


def contribution_piece(
    source: Source, quote: Quote, plain: frozenset[str], length: Callable[[str], int], room: int
) -> tuple[Piece, ...]:
    """Return what a contribution says: its first sentence, with the next one where the first is only a heading; () where none fits."""
    pieces: list[Piece] = []
    for part in sentences_in(source, quote):
        left = room - sum(length(p.text) + 1 for p in pieces)
        piece = piece_of(part, length, left, leaning=ANY if pieces else "")
        if piece is None and not pieces:
            continue
        if piece is None or (pieces and not finite(piece.text)):
            break
        pieces.append(piece)
        if finite(piece.text):
            break
    if pieces and not finite(pieces[0].text):
        first = lowered(pieces[0].text, plain)
        head = "We contribute " if first[0].islower() else "We contribute: "
        head = "We " if re.match(rf"(?:{_DID})\b", first) else head  # "we (1) make ..., (2) show ...": each is what we did
        if length(head) + sum(length(p.text) + 1 for p in pieces) <= room:
            pieces[0] = Piece(head + first, pieces[0].quote)
    return tuple(pieces)


def context_posts(source: Source, length: Callable[[str], int], room: int) -> list[Piece]:
    """Return sentences of the abstract before the authors speak of their own work, those that name the problem first."""
    before: list[tuple[bool, int, Piece]] = []
    for n in source.abstract:
        s = source.sentence(n)
        if about_own(s.text) or (s.text.startswith("To ") and len(before) > 0):
            break
        piece = piece_of(Quote(s.page, s.text, (n,)), length, room)
        if piece is not None and finite(piece.text):
            before.append((not _GAP.search(s.text), n, piece))
    before.sort(key=lambda b: b[:2])
    return [p for _, _, p in before]


def implication_posts(source: Source, length: Callable[[str], int], room: int) -> list[Piece]:
    """Return what follows from the work, by its own words: of the conclusion, the impact statement and the abstract's end."""
    found: list[tuple[float, int, Piece]] = []
    last = source.abstract[-2:]
    for s in source.sentences:
        end = section_is(s, "conclusion", "discussion", "impact", "implication", "summary") and s.role in ("body", "list")
        if not (end or s.number in last) or section_is(s, "related work", "limitation") or not _FOLLOWS.search(s.text):
            continue
        if len(s.text.split()) < 8 or about_prior(s.text) or (about_future(s.text) and not re.search(r"\bhope\b", s.text)):
            continue
        if not about_own(s.text) and not re.match(r"(?:These|Our) (?:findings|results)\b|By \w+ing\b", s.text):
            continue
        piece = piece_of(Quote(s.page, s.text, (s.number,)), length, room, leaning=FINDINGS)
        if piece is not None and finite(piece.text):
            score = 1.0 * end + 1.0 * section_is(s, "conclusion", "impact") - 0.5 * is_claim(s.text) - len(piece.text) / 300
            score += 1.0 * bool(re.search(r"\b(?:enables?|suggests?|impl(?:y|ies)|hope|inspires?|aim to)\b", s.text))
            found.append((-score, s.number, piece))
    found.sort(key=lambda f: f[:2])
    return [p for _, _, p in found]


def limitation_post(source: Source, facts: Facts, length: Callable[[str], int], room: int) -> tuple[Planned, Quote | None]:
    """Return the post with the limitation, of the facts or the paper's own, ``[FILL: limitation]`` where neither names one."""
    if facts.limitation:
        return Planned("limitation", _headed(facts.limitation), (Quote(None, facts.limitation),)), Quote(None, facts.limitation)
    best: tuple[float, Piece, Quote] | None = None
    for rank, quote in enumerate(source.limitations):
        piece = piece_of(_without_boast(quote), length, room - len("Limitation: "))
        if piece is None or not finite(piece.text) or _BOAST.search(piece.text):
            continue
        cost = 20.0 * rank + 0.5 * max(0, len(piece.text) - 150)
        if best is None or cost < best[0]:
            best = (cost, piece, quote)
    if best is not None:
        return Planned("limitation", _headed(best[1].text), (best[2],)), best[2]
    return Planned("limitation", "Limitation: [FILL: limitation]", ()), None


def _without_boast(quote: Quote) -> Quote:
    """Return a quote without the praise that it ends on, where what comes before speaks against the work by itself."""
    boast = _BOAST.search(quote.text)
    before = quote.text[: boast.start()].rstrip(" ,;:–—(") if boast else ""
    return replace(quote, text=f"{before}.") if LIMITED.search(before) else quote


def _headed(text: str) -> str:
    return text if re.search(r"\blimit(?:ation|ed)\w*\b", text, re.IGNORECASE) else f"Limitation: {text}"
