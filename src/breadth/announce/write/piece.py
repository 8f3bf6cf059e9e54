"""One thing that a post says, with the words of the source that it was taken from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from breadth.announce.check.words import content
from breadth.announce.read.cues import is_readable
from breadth.announce.source import Quote, Sentence, Source
from breadth.announce.write.clean import clean
from breadth.announce.write.trim import best_fit, dangling

__all__ = ["ANY", "FINDINGS", "Piece", "held", "numbers_in", "overlap", "piece_of", "sentences_in"]

FINDINGS = r"(?:These|Our) (?:findings|results)\b"
ANY = r"(?=.)"
_NUMBER = re.compile(r"(?<![\w.,+-])[+-]?\d+(?:[.,]\d+)*(?:\s?[%×]|[xKMBT]\b)?(?!\w)(?<!\(\d)")
_MORE = re.compile(r"^(?P<sign>[<>])\s*(?=\d)")
_END = re.compile(r"(?<=[a-z)\]%][.!])\s+(?=[A-Z“\"(])")


@dataclass(frozen=True)
class Piece:
    """text: as it is said; quote: what it rests on, as printed; worth: among others that might be said, more is better."""

    text: str
    quote: Quote
    worth: float = 0.0


def numbers_in(text: str) -> frozenset[str]:
    """Return the numbers of a text as printed, without those in names ("GPT-2") and marks of a list ("(2)")."""
    return frozenset(m[0] for m in _NUMBER.finditer(text))


def overlap(a: str, b: str) -> float:
    """Return the share of the shorter text's content words that the other holds too; 0 where one holds fewer than four."""
    first, second = content(a), content(b)
    least = min(len(first), len(second))
    return len(first & second) / least if least >= 4 else 0.0


def piece_of(
    quote: Quote, length: Callable[[str], int], room: int, *, plain: bool = False, target: int = 150, leaning: str = ""
) -> Piece | None:
    """Return what a quote of one sentence says in at most ``room``, or None: nothing whole fits, or it leans on a sentence before it.

    plain: may lose "We find that"; leaning: a pattern of openings that may lean all the same, since what they lean on was just said.
    """
    said = clean(quote.text)
    if not said or not is_readable(said, longest=900):
        return None

    def stands(text: str) -> bool:
        return not dangling(text) or bool(leaning and re.match(leaning, text))

    # "> 92 %" at the head of a post would be a quotation in Markdown.
    said = _MORE.sub(lambda m: "More than " if m["sign"] == ">" else "Less than ", said)
    if quote.page is None:  # a finding's conditions and interval are all of it: whole or not at all
        return Piece(said, quote) if length(said) <= room else None
    fitted = best_fit(said, length, room, plain=plain, target=target, allowed=stands)
    return Piece(fitted, quote) if fitted else None


def held(a: str, b: str) -> float:
    """Return the share of a's content words that b holds; 0 where a has none."""
    mine = content(a)
    return len(mine & content(b)) / len(mine) if mine else 0.0


def sentences_in(source: Source, quote: Quote) -> tuple[Quote, ...]:
    """Return a quote of several sentences (an item of a list) as quotes of one each."""
    parts = [p for p in _END.split(quote.text) if p.strip()]
    if len(parts) == 1:
        return (quote,)
    return tuple(Quote(_page(source, quote, p), p, _within(source, quote, p)) for p in parts)


def _within(source: Source, quote: Quote, part: str) -> tuple[int, ...]:
    return tuple(n for n in quote.sentences if part.rstrip(".") in source.sentence(n).text) or quote.sentences


def _page(source: Source, quote: Quote, part: str) -> int | None:
    found: list[Sentence] = [source.sentence(n) for n in _within(source, quote, part)]
    return found[0].page if found else quote.page
