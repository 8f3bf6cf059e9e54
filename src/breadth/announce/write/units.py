"""Figures and tables as they are posted: one or two related ones with what is said of them, from their captions and who cites them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from breadth.announce.check.words import content
from breadth.announce.read.cues import is_claim, set_up
from breadth.announce.source import Item, Quote, Source
from breadth.announce.write.piece import Piece, numbers_in, overlap, piece_of
from breadth.announce.write.planned import Planned
from breadth.announce.write.shown import VALUE, caption_quotes, continued, importance, related, sayings, unlabelled
from breadth.announce.write.verbs import finite

__all__ = ["SAME", "Unit", "fits", "fresh", "pair", "said_of", "shown"]

SAME = 0.6  # above this share of the shorter one's content words two posts say the same
GOOD = 3.0  # worth below which a saying is no better than one that was said before
SHORT = 200  # a post's words below this leave room for a second sentence with a number
NUMBERS = 4.0  # how much more a claim with its numbers right behind it is worth
NEAR = 3  # content words, those of the caption twice, that a text shares with a figure that it is about
_HALF = re.compile(r"(?:Top|Bottom|Left|Right|Middle|Center|Upper|Lower)\b[^:]{0,20}:")


@dataclass
class Unit:
    """Pictures that share a post, with what is said."""

    items: list[Item]
    pieces: list[Piece] = field(default_factory=list)

    @property
    def text(self) -> str:
        """What is said, related pictures apart."""
        return ("\n\n" if len(self.items) > 1 else " ").join(p.text for p in self.pieces)

    @property
    def bare(self) -> bool:
        """Whether nothing but a heading is said of a single picture of the paper."""
        single = len(self.items) == 1 and self.items[0].file is None  # a study's figure is of its own findings only
        return single and bool(self.pieces) and not finite(self.pieces[0].text)


def fresh(text: str, said: list[str], same: float = SAME) -> bool:
    """Return whether no text said before holds most of this one's words."""
    return all(overlap(text, other) <= same for other in said)


def pair(units: list[Unit], source: Source) -> bool:
    """Join the two that are most related, unimportant ones first; False where no two are."""
    best: tuple[float, int, int] | None = None
    for a in range(len(units)):
        for b in range(a + 1, len(units)):
            if len(units[a].items) + len(units[b].items) > 2:
                continue
            score = related(units[a].items[0], units[b].items[0], source)
            if score < 0.9:
                continue
            score -= 0.05 * (importance(units[a].items[0], source) + importance(units[b].items[0], source))
            if best is None or score > best[0]:
                best = (score, a, b)
    if best is None:
        return False
    _, a, b = best
    joined = sorted([*units[a].items, *units[b].items], key=source.items.index)
    units[a] = Unit(joined)
    del units[b]
    return True


def said_of(unit: Unit, source: Source, length: Callable[[str], int], room: int, said: list[str]) -> list[Piece]:
    """Return what is said of each picture of a unit: the best that nothing said before repeats, else the best."""
    share = room if len(unit.items) == 1 else (room - 2) // 2
    pieces: list[Piece] = []
    for item in unit.items:
        options = sayings(item, source, length, share)
        others = [*said, *(p.text for p in pieces)]
        chosen = next((p for p in options if fresh(p.text, others) and p.worth >= GOOD), None)
        chosen = chosen or (options[0] if options else None)
        numbers = _with_its_numbers(chosen, options, item, length, share) if chosen is not None else []
        if numbers:
            pieces += numbers
        elif chosen is not None:
            told = (
                [chosen] if len(unit.items) > 1 else _with_more(chosen, options, caption_quotes(item, source), length, room, others)
            )
            pieces += continued(chosen, item, source, length, share) if len(told) == 1 else told
    return pieces


def _with_its_numbers(
    chosen: Piece, options: tuple[Piece, ...], item: Item, length: Callable[[str], int], room: int
) -> list[Piece]:
    """A claim that cites the picture with the sentence right behind it that has its numbers, where the best saying has none."""
    if numbers_in(chosen.text):
        return []
    for claim in (p for p in options if is_claim(p.text) and finite(p.text) and p.worth + NUMBERS > chosen.worth):
        for n in set(claim.quote.sentences) & set(item.cited_by):
            for p in options:
                near = p.quote.sentences and n < p.quote.sentences[0] <= n + 2
                if (
                    near
                    and len(numbers_in(p.text)) > 1
                    and not set_up(p.text)
                    and length(f"{claim.text} {p.text}") <= min(room, SHORT)
                ):
                    return [claim, p]
    return []


def _with_more(
    chosen: Piece, options: tuple[Piece, ...], caption: tuple[Quote, ...], length: Callable[[str], int], room: int, said: list[str]
) -> list[Piece]:
    """A short sentence with those that complete it: its other half ("Top: ... Bottom: ..."), and those with numbers.

    Where a sentence without a number leaves no room for a second one of the same caption with numbers, the numbers are said.
    """
    pieces = [chosen]
    left: list[Piece] = []
    for other in sorted(options, key=lambda p: p.quote not in caption):
        if other is chosen:
            continue
        text = " ".join(p.text for p in pieces)
        half = bool(_HALF.match(chosen.text) and _HALF.match(other.text))
        value = bool(VALUE.search(other.text)) and finite(other.text) and not _leans(other, pieces, caption)
        repeats = overlap(other.text, text) > 0.85 or not fresh(f"{text} {other.text}", said)
        if not (half or value) or repeats:
            continue
        wanted = room if half else min(room, SHORT + 73 * (len(pieces) == 1 and len(text) < 120))
        shorter = piece_of(other.quote, length, wanted - length(text) - 1) if value and not half else other
        if shorter is not None and finite(shorter.text) and length(f"{text} {shorter.text}") <= wanted and _keeps(other, shorter):
            pieces.append(shorter)
        elif value and other.quote in caption:
            left.append(other)
    told = [p for p in pieces if VALUE.search(p.text) and p.quote in caption]
    if left and told and len(told) < len(pieces) and length(" ".join(p.text for p in [*told, left[0]])) <= min(room, SHORT + 30):
        pieces = [*told, left[0]]
    order = {p.quote: n for n, p in enumerate(sorted(options, key=lambda p: p.quote.sentences))}
    first = [p for p in pieces if p.quote in caption]
    return sorted(first, key=lambda p: order[p.quote]) + sorted((p for p in pieces if p not in first), key=lambda p: order[p.quote])


def _leans(piece: Piece, pieces: list[Piece], caption: tuple[Quote, ...]) -> bool:
    """Whether a sentence of the text speaks of something named before ("The R2 is ..."), which was not said right before it."""
    if piece.quote in caption or not re.match(r"(?:The|Its|Their)\b", piece.text):
        return False
    before = pieces[-1].quote.sentences
    return not (before and 0 < piece.quote.sentences[0] - before[-1] <= 2)


def _keeps(whole: Piece, cut: Piece) -> bool:
    return bool(VALUE.search(cut.text)) or not VALUE.search(whole.text)


def shown(unit: Unit) -> Planned:
    """Return a unit as a post."""
    return Planned("item", unit.text, tuple(dict.fromkeys(p.quote for p in unit.pieces)), tuple(unit.items))


def fits(text: str, item: Item, source: Source) -> float:
    """Return how much a text is about an item by its caption (twice) and who cites it, a share of the text's content words.

    0 where it is not. The item's caption or heading has to stand beside the text, so that nobody takes the picture for its proof.
    """
    words = content(text)
    named = len(words & content(unlabelled(item.caption)))
    score = len(words & _about(item, source)) + named
    return score / len(words) if named and score >= NEAR else 0.0


def _about(item: Item, source: Source) -> frozenset[str]:
    cites = [source.sentence(n) for n in item.cited_by]
    return content(unlabelled(item.caption)) | frozenset(w for s in cites if s.role != "caption" for w in content(s.text))
