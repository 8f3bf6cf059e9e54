"""The first posts and the last ones, whose form is given: title with authors and one finding, code, credits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from breadth.announce.check.words import content
from breadth.announce.facts import Facts
from breadth.announce.read.cues import about_prior
from breadth.announce.source import Quote, Source
from breadth.announce.thread import Platform
from breadth.announce.write.piece import Piece, piece_of
from breadth.announce.write.planned import Planned

__all__ = ["authors_line", "code_post", "credits_post", "hook_post"]

_KEPT = 8  # an address takes so much more than the mark in its place
ELSEWHERE = 15.0  # what a finding costs that is of no abstract; twice that where it is no caption

TAGS = 3  # more hashtags in one post read as an advertisement
_URL_START = re.compile(
    r"\s*(?:at|on|here|from|via|in)?\s*:?\s*[(<]?\s*(?:https?://|www\.|git(?:hub|lab)\.\s?com|huggingface\.\s?co|bitbucket\.\s?org)"
)
_JARGON = re.compile(r"\b[A-Za-z]+[_\d][\w-]*|\b[A-Z]{2,}\b|[α-ωΑ-Ω]")
_ABOUT_CODE = re.compile(r"\b(?:code|implementation|repository|repo|software|library|package|open[- ]source[d]?)\b", re.IGNORECASE)


def hook_post(
    source: Source, facts: Facts, platform: Platform, findings: Iterable[Quote], length: Callable[[str], int], room: int
) -> Planned:
    """Return the first post: venue, title, authors, address, one finding; authors and venue are shortened until a finding fits.

    An unknown address is ``[FILL: paper url]``. The finding is the first of ``findings`` that fits, cut to clauses where it must be.
    """
    title, found = facts.title or source.title, tuple(findings)
    url = facts.paper_url or source.paper_url or ("[FILL: paper url]" if source.kind == "paper" else "")
    shown = f"**{title}**" if platform == "x" else title
    tags = " ".join(facts.hashtags[:TAGS])
    captions = frozenset(q for q in found if any(source.sentence(n).role == "caption" for n in q.sentences) or not q.sentences)
    best: tuple[float, str, Piece | None] | None = None
    for cost, opening, authors in _heads(source, facts):
        head = "\n\n".join(p for p in (opening, shown, authors, url) if p)
        left = (
            room
            - length("\n\n".join(p for p in (head, tags, ".") if p))
            + 1
            - _KEPT * (url not in (None, "") and url.startswith("["))
        )
        if left < 0:
            continue
        piece, worse = _finding(title, source.abstract, facts, found, captions, length, left)
        total = cost + worse
        if best is None or total < best[0]:
            best = (total, "\n\n".join(p for p in (head, piece.text if piece else "", tags) if p), piece)
    if best is None:  # a title that leaves no room for anything: it goes alone with its address, at whatever length
        best = (0.0, "\n\n".join(p for p in (shown, url) if p), None)
    own = source.kind == "paper" and facts.title is None
    evidence = [Quote(s.page, s.text) for s in source.sentences[:1] if own and s.role == "title"]
    piece = best[2]
    evidence += [piece.quote] if piece is not None else []
    return Planned("title", best[1], tuple(evidence), finding=piece.text if piece else "")


def _heads(source: Source, facts: Facts) -> Iterable[tuple[float, str, str]]:
    """(cost, opening line, authors' line), the fullest first."""
    venue = facts.venue or source.venue
    names = facts.authors or source.authors
    openings = [(0.0, f"Excited to share our {venue} paper:")] if venue and source.kind == "paper" else []
    no_venue = 2.0 * len(names) + 7.0 * min(3, len(names)) if openings else 0.0  # any list of authors is cut before the venue goes
    openings += [
        (no_venue + 12.0, "Excited to share our paper:") if source.kind == "paper" else (0.0, "Excited to share our study:"),
        (no_venue + 18.0, ""),
    ]
    for opening_cost, opening in openings:
        for shown in range(len(names), 0, -1):
            yield (
                opening_cost + 2.0 * (len(names) - shown) + 7.0 * max(0, min(3, len(names)) - shown),
                opening,
                authors_line(names, facts, shown),
            )
        if not names:
            yield opening_cost, opening, ""


def authors_line(names: tuple[str, ...], facts: Facts, shown: int) -> str:
    """Return "By A, B & C", or "By A, B and 4 others" for fewer ``shown``; a name with a handle in the facts gives the handle."""
    said = [facts.handles.get(n, n) for n in names[:shown]]
    others = len(names) - len(said)
    if others:
        return f"By {', '.join(said)} and {others} other{'s' if others > 1 else ''}"
    return f"By {', '.join(said[:-1])} & {said[-1]}" if len(said) > 1 else f"By {said[0]}"


def _finding(
    title: str,
    abstract: tuple[int, ...],
    facts: Facts,
    findings: tuple[Quote, ...],
    captions: frozenset[Quote],
    length: Callable[[str], int],
    left: int,
) -> tuple[Piece | None, float]:
    """The finding that fits best, with what its lateness, length and distance from the title cost; 300 where none fits.

    What the abstract says is the authors' own choice, and goes before.
    """
    if facts.finding:
        return (Piece(facts.finding, Quote(None, facts.finding)), 0.0) if length(facts.finding) <= left else (None, 300.0)
    best: tuple[Piece | None, float] = (None, 300.0)
    for rank, quote in enumerate(findings):
        piece = piece_of(quote, length, left, plain=True, target=110)
        if piece is None or re.match(r"(?:If|Suppose|Given|Let|Assum\w+|For instance|Top|Bottom|Left|Right|Middle)\b", piece.text):
            continue
        if quote.page is None:  # a study's findings come in their order of weight
            return piece, 100.0 * rank
        cost = (
            5.0 * rank + 0.3 * max(0, len(piece.text) - 110) + 0.5 * max(0, 60 - len(piece.text)) + 25.0 * about_prior(piece.text)
        )
        cost += 11.0 * max(0, 4 - len(content(title) & content(piece.text))) + 9.0 * len(_JARGON.findall(piece.text))
        cost += 0 if set(quote.sentences) & set(abstract) else ELSEWHERE * (1 if quote in captions else 2)
        if cost < best[1]:
            best = (piece, cost)
    return best


def code_post(source: Source, facts: Facts) -> Planned | None:
    """Return the post with the code's address, ``[FILL: code url]`` where none is known, None where the facts say there is no code."""
    if facts.no_code:
        return None
    url = facts.code_url or source.code_url
    if url is None:
        return Planned("code", "Try our code and build on it:\n\n[FILL: code url]", ())
    sentence = next(
        (s for s in source.sentences if s.role != "reference" and _ABOUT_CODE.search(s.text) and _URL_START.search(s.text)), None
    )
    if sentence is None or facts.code_url not in (None, source.code_url):
        return Planned("code", f"Try our code and build on it:\n\n{url}", ())
    before = sentence.text[: _URL_START.search(sentence.text).start()].rstrip(" ,;:(")  # type: ignore[union-attr]
    plain = 4 <= len(before.split()) <= 25 and before.count("(") == before.count(")")
    text = f"{before}:" if plain else "Try our code and build on it:"
    return Planned("code", f"{text}\n\n{url}", (Quote(sentence.page, sentence.text, (sentence.number,)),))


def credits_post(facts: Facts) -> Planned | None:
    """Return the post with thanks that the facts give, None without."""
    return Planned("credits", facts.credits, ()) if facts.credits else None
