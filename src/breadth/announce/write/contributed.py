"""The contributions as posts: with the figure that each is about, said by another post already, before what a figure shows, or alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from breadth.announce.source import Quote, Source
from breadth.announce.write.piece import Piece, held, piece_of
from breadth.announce.write.planned import Planned
from breadth.announce.write.told import contribution_piece, plain_words
from breadth.announce.write.units import Unit, fits, shown
from breadth.announce.write.verbs import finite

__all__ = ["contributed_posts"]

SAID = 0.6  # a contribution that another post says to this share needs no post of its own
CLOSE = 0.3  # a contribution of which a figure's post says this share may stand before it
_OF_ALL = r"(?:(?:all|our|the|full|raw|every|each|complete|detailed|individual|exact|of|these|its)\s)*"
_NUMBERS = (
    rf"{_OF_ALL}(?:numbers?|results?|figures|plots|tables|scores|values|measurements)"
    rf"(?:(?:,|,?\sand)\s{_OF_ALL}(?:numbers|results|figures|plots|tables|scores|values|measurements))*"
)
_HANDED = re.compile(  # "We release all numbers with the paper.", "All results are publicly available."
    rf"(?:(?:we|this \w+)\s)?(?:(?:\w+ly|also|then|further)\s)*(?:releas|publish|shar|open-?sourc|mak)(?:e|es|ed|ing)?\s{_NUMBERS}"
    r"(?:\s(?:\w+ly\s)?(?:available|public)\b.*|\s(?:with|in|along\w*|together|online|beside|publicly)\b.*)?\W*"
    rf"|{_NUMBERS}\s(?:are|is|were|will\sbe)\s(?:(?:\w+ly|also|made)\s)*(?:available|public|released|published|shared)\b.*",
    re.IGNORECASE,
)
_MADE = re.compile(
    r"\b(?:codes?|code-?bases?|data|data-?sets?|data ?bases?|benchmarks?|corp(?:us|ora)|collections?|suites?|models?|weights|checkpoints?|"
    r"librar(?:y|ies)|packages?|tool\w*|software|frameworks?|implementations?|pipelines?|simulators?|environments?|demos?|prompts?|"
    r"annotations?|labels|recipes?|leaderboards?|generations|outputs|logs|scripts?|notebooks?|platforms?|systems?|programs?)\b",
    re.IGNORECASE,
)


def contributed_posts(
    source: Source,
    hook: Planned,
    units: list[Unit],
    key: list[Planned],
    length: Callable[[str], int],
    room: int,
    counts: tuple[int, int],
) -> tuple[Planned, list[Planned], list[Planned], list[tuple[str, str]]]:
    """Return the first post, the posts of contributions, those of figures and of ``key`` results, and what was left out with the reason.

    A contribution goes to the figure of which else only a heading could be said; one that another post says becomes its evidence; where
    posts would not last, it stands before what a related figure shows, or two share a post. In the order of print. counts: how many posts
    are free, and how many more are wished for beside.
    """
    free, more = counts
    plain = plain_words(source)
    handed = [q for q in source.contributions if _hands_over_numbers(q.text)]
    sayable = {q: contribution_piece(source, q, plain, length, room) for q in source.contributions if q not in handed}
    left_out = [(q.text, "that numbers come with the paper is no contribution") for q in handed]
    left_out += [(q.text, "it holds no sentence that fits a post") for q, pieces in sayable.items() if not pieces]
    told = {q: pieces for q, pieces in sayable.items() if pieces}
    pictured = _pictured(source, units, told, length, room)
    drawn = [shown(u) for u in units if not any(u.items[0] in p.items for p in pictured.values())]
    posts = drawn + key
    alone: dict[Quote, Planned] = {}
    for quote, pieces in told.items():
        if quote in pictured:
            alone[quote] = pictured[quote]
            continue
        text = " ".join(p.text for p in pieces)
        at, share = max(((n, held(text, t)) for n, t in enumerate([hook.finding, *(p.text for p in posts)])), key=lambda x: x[1])
        if share >= SAID and at == 0:
            hook = replace(hook, evidence=(*hook.evidence, quote))
        elif share >= SAID:
            posts[at - 1] = replace(posts[at - 1], evidence=(*posts[at - 1].evidence, quote))
        else:
            alone[quote] = Planned("contribution", text, tuple(dict.fromkeys(p.quote for p in pieces)))
    while len(alone) + len(posts) > free - more and _before_a_figure(alone, posts, length, room):
        pass
    made = list(alone.values())
    while len(made) + len(posts) > free and (joined := _join(made, length, room)) is not None:
        made = joined
    while len(made) + len(posts) > free and len(posts) > len(drawn):
        left_out += [(q.text, "no room in so few posts") for q in posts.pop().evidence if q in told]
    for post in [p for p in made if not p.items][max(0, free - len(posts) - len(pictured)) :]:
        made.remove(post)
        left_out.append((post.text, "no room in so few posts"))
    return hook, made, posts, left_out


def _hands_over_numbers(text: str) -> bool:
    """Whether a contribution only says that numbers or results come with the paper; code, data and models that are released are one."""
    return bool(_HANDED.fullmatch(text)) and not _MADE.search(text)


def _pictured(
    source: Source, units: list[Unit], told: dict[Quote, tuple[Piece, ...]], length: Callable[[str], int], room: int
) -> dict[Quote, Planned]:
    """The contributions that stand with a picture of which only a heading could be said, each with the one that it fits best."""
    found: dict[Quote, Planned] = {}
    scores = [
        (-fits(" ".join(p.text for p in pieces), unit.items[0], source), n, m, quote, unit)
        for n, (quote, pieces) in enumerate(told.items())
        for m, unit in enumerate(units)
        if unit.bare
    ]
    taken: list[Unit] = []
    for score, _, _, quote, unit in sorted(scores, key=lambda s: s[:3]):
        if score < 0 and quote not in found and unit not in taken:
            taken.append(unit)
            pieces = told[quote]
            text, heading = " ".join(p.text for p in pieces), unit.pieces[0]
            evidence = tuple(dict.fromkeys(p.quote for p in (*pieces, heading)))
            if length(f"{text}\n\n{heading.text}") <= room:
                found[quote] = Planned("contribution", f"{text}\n\n{heading.text}", evidence, tuple(unit.items))
    return found


def _before_a_figure(alone: dict[Quote, Planned], posts: list[Planned], length: Callable[[str], int], room: int) -> bool:
    """Put the contribution that is nearest to a figure's post before its words; False where none is near and short enough."""
    best: tuple[float, Quote, int, str] | None = None
    for quote, post in alone.items():
        for n, other in enumerate(posts):
            left = room - length(other.text) - 2
            piece = piece_of(quote, length, left) if len(other.items) == 1 and not post.items and "\n\n" not in other.text else None
            share = held(post.text, other.text)
            if piece is not None and finite(piece.text) and share >= CLOSE and (best is None or share > best[0]):
                best = (share, quote, n, piece.text)
    if best is None:
        return False
    _, quote, n, text = best
    posts[n] = replace(posts[n], text=f"{text}\n\n{posts[n].text}", evidence=(quote, *posts[n].evidence))
    del alone[quote]
    return True


def _join(posts: list[Planned], length: Callable[[str], int], room: int) -> list[Planned] | None:
    """The posts with two neighbours joined, the shortest pair; None where none fits."""
    pairs = [(length(f"{a.text}\n\n{b.text}"), i) for i, (a, b) in enumerate(pairwise(posts)) if not (a.items or b.items)]
    fitting = [p for p in pairs if p[0] <= room]
    if not fitting:
        return None
    i = min(fitting)[1]
    both = replace(posts[i], text=f"{posts[i].text}\n\n{posts[i + 1].text}", evidence=posts[i].evidence + posts[i + 1].evidence)
    return [*posts[:i], both, *posts[i + 2 :]]
