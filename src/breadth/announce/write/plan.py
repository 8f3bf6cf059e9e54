"""Which evidence goes into which post: hook, code, problem, contributions, figures and tables, what follows, limitation, credits.

Deterministic. The room is given first to what must be there, then to contributions and to figures and tables by importance, then to
further results; what finds none is named with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import zip_longest

from breadth.announce.check.length import LIMITS, weighted_length
from breadth.announce.facts import Facts
from breadth.announce.read.cues import is_claim, set_up
from breadth.announce.source import Item, Quote, Source
from breadth.announce.thread import FURTHER, Platform, PostRole
from breadth.announce.write.abbreviations import written_out
from breadth.announce.write.adverse import taken_back, with_adverse
from breadth.announce.write.clean import clean
from breadth.announce.write.contributed import contributed_posts
from breadth.announce.write.hook import authors_line, code_post, credits_post, hook_post
from breadth.announce.write.piece import Piece, numbers_in, overlap, piece_of
from breadth.announce.write.planned import Plan, Planned
from breadth.announce.write.shown import READING, VALUE, caption_quotes, importance, is_set_up, sayings
from breadth.announce.write.told import context_posts, implication_posts, limitation_post
from breadth.announce.write.units import Unit, fresh, pair, said_of
from breadth.announce.write.verbs import finite
from breadth.errors import AnnounceError

__all__ = ["plan", "room_of"]

LONGEST = 273  # no post but the first is longer where a platform would allow it
NAMED = 300  # characters of title and authors for which LinkedIn's first post may be longer than the others
BOTH = 200  # two sentences with numbers that stand together in print share a post up to this length
BEHIND = 100_000  # a page behind every paper
RANKED = 12  # results without a number are said only from so many of the first
_NUMBERED = "\n\n99/99"
_MEANS = re.compile(
    r"(?:These|Our) (?:\w+ )?(?:findings|results) (?:suggest|support|imply|highlight)\b"
)  # what follows, not what was found
_PARALLEL = re.compile(r"(?:For|On|In|With) [^,]{2,30}, ")


def room_of(platform: Platform, most: int) -> int:
    """Return how much a post may hold beside its numbering; LinkedIn's one text is shared by all its parts, which have none."""
    return LIMITS[platform] // most - 2 if platform == "linkedin" else LIMITS[platform] - len(_NUMBERED)


def plan(source: Source, facts: Facts, platform: Platform, *, least: int, most: int) -> Plan:
    """Return the posts in their order and what was left out, for ``least`` to ``most`` posts; fewer where the source is too poor, and that
    is among what was left out."""

    @cache  # counting as X does takes milliseconds
    def length(text: str) -> int:
        return weighted_length(text, platform)

    room = room_of(platform, most)
    # LinkedIn's posts share one text: title and authors get room of their own, which the other posts give.
    names = facts.authors or source.authors
    head = f"{facts.title or source.title}{authors_line(names, facts, len(names))}" if names else ""
    named = min(length(head), NAMED) if platform == "linkedin" else 0
    hook = _with_picture(hook_post(source, facts, platform, _findings(source), length, room + named), source)
    room = min(room - -(-named // max(1, most - 1)), LONGEST)
    ending, limitation = limitation_post(source, facts, length, room)
    fixed = [p for p in (hook, code_post(source, facts), ending, credits_post(facts)) if p is not None]
    free = most - len(fixed)
    if free < 0:
        roles = ", ".join(p.role for p in fixed)
        raise AnnounceError(f"--posts asks for at most {most}; expected at least {len(fixed)}, for: {roles}")
    said = [hook.text.replace(facts.title or source.title, ""), ending.text]

    units, left_out = _units(source, hook.items, length, room, (free, least - len(fixed)), said)
    key = _key(source, length, room, said)
    told = [*said, *(u.text for u in units), *(p.text for p in key)]
    beside = len(_results(source, length, room, list(told), 1, numbered=True))
    beside += len(_first(implication_posts(source, length, room), "implication", told, 1))
    hook, pictured, posts, more = contributed_posts(source, hook, units, key, length, room, (free, beside))
    left_out += more
    said += [p.text for p in (*pictured, *posts)]
    left = free - len(posts) - len(pictured)
    results = _results(source, length, room, said, min(1, left))
    follows = _first(implication_posts(source, length, room), "implication", said, min(1, left - len(results)))
    results += _results(source, length, room, said, min(1, left - len(results) - len(follows)))
    context = _first(context_posts(source, length, room), "context", said, min(1, left - len(results) - len(follows)))
    results += _results(source, length, room, said, left - len(results) - len(follows) - len(context))
    posts = [*context, *pictured, *sorted([*posts, *results], key=_place), *follows]
    if len(posts) + len(fixed) < least:
        posts += _fillers(source, length, room, said, least - len(posts) - len(fixed))
    posts = [with_adverse(p, source, length, room) for p in posts]
    ends = [p for p in (ending, credits_post(facts)) if p is not None]
    begins = [hook, *[p for p in fixed[1:] if p not in ends]]
    spoken = written_out([*posts, ending], source, facts.title or source.title, length, room)
    made = (*begins, *spoken, *ends[1:])
    if source.kind == "paper" and facts.venue and facts.venue not in hook.text:
        left_out.append((f"the venue '{facts.venue}'", "no room in the first post"))
    if len(made) < least:
        used = len({q.text for p in made for q in p.evidence} - {source.title})
        what = f"the {source.kind} has only {used} sentence{'' if used == 1 else 's'} that can be posted"
        left_out.append((FURTHER, what))
    return Plan(made, tuple(left_out), limitation)


def _findings(source: Source) -> list[Quote]:
    """What the first post may say was found: the main results, and the first claim of each caption, in turns."""
    captions = []
    for item in sorted(source.items, key=lambda i: -importance(i, source)):
        claims = [
            q for q in caption_quotes(item, source) if is_claim(q.text) and finite(clean(q.text)) and not READING.search(q.text)
        ]
        captions += claims[:1] if not item.appendix else []
    pairs = zip_longest(source.results[:10], captions[:10])
    return [q for pair in pairs for q in pair if q is not None]


def _with_picture(hook: Planned, source: Source) -> Planned:
    """The first post with the figure or table whose caption its finding was taken from, or that a study's finding is drawn in."""
    for item in source.items if hook.finding else ():
        quote = hook.evidence[-1]
        drawn = quote.page is None and bool(set(quote.sentences) & set(item.cited_by))
        if not item.appendix and (drawn or quote in caption_quotes(item, source)):
            return replace(hook, items=(item,))
    return hook


def _units(
    source: Source, gone: tuple[Item, ...], length: Callable[[str], int], room: int, counts: tuple[int, int], said: list[str]
) -> tuple[list[Unit], list[tuple[str, str]]]:
    """The figures and tables of the main body, each with what is said of it; related ones share a post where posts would not last.

    counts: how many posts there may be at most, and must be at least. What tells how things were set up comes only where else there would
    be too few. A bare heading gives way to a result that the picture is about.
    """
    free, least = counts
    main = sorted(
        (i for i in source.items if not i.appendix and i not in gone), key=lambda i: (-importance(i, source), source.items.index(i))
    )
    units = [Unit([i]) for i in main]
    left_out: list[tuple[str, str]] = []
    beside = min(len(source.contributions), 3)
    wanted = min(free - beside - min(3, len(source.results)), least - len(source.contributions) - min(4, len(source.results)))
    while len(units) > wanted and units and (why := _spare(units[-1].items[0])):
        left_out.append((units.pop().items[0].label, why))
    while len(units) > free - beside and pair(units, source):
        pass
    while units and len(units) > max(min(1, free - 1), free - min(beside, 2)):
        left_out += [(i.label, "others matter more, and the posts are few") for i in units.pop().items]
    taken = list(said)
    # Those of which the least can be said choose first.
    for unit in sorted(units, key=lambda u: sum(len(sayings(i, source, length, room)) for i in u.items)):
        unit.pieces = said_of(unit, source, length, room, taken)
        taken += [] if unit.bare else [unit.text]
    for unit in [u for u in units if not u.pieces]:
        units.remove(unit)
        left_out += [(i.label, "neither its caption nor a sentence that cites it can be said in a post") for i in unit.items]
    return units, left_out


def _spare(item: Item) -> str:
    """Why an item is of less use to a reader: how things were set up, by its caption, or, of a study, no finding; "" for any other."""
    if item.file is not None:
        return "" if item.cited_by else "no finding is drawn in it"
    return "it tells how things were set up" if is_set_up(item) else ""


def _key(source: Source, length: Callable[[str], int], room: int, said: list[str]) -> list[Planned]:
    """The abstract's own result where it holds two numbers or more, as a post."""
    for quote in source.results:
        piece = piece_of(quote, length, room) if set(quote.sentences) & set(source.abstract) else None
        if piece is not None and finite(piece.text) and len(numbers_in(piece.text)) > 1 and fresh(piece.text, said):
            return [_planned("result", (piece,))]
    return []


def _planned(role: PostRole, pieces: tuple[Piece, ...]) -> Planned:
    return Planned(role, " ".join(p.text for p in pieces), tuple(dict.fromkeys(p.quote for p in pieces)))


def _first(pieces: list[Piece], role: PostRole, said: list[str], most: int) -> list[Planned]:
    """The first pieces that say something new, as posts; ``said`` grows by them."""
    found: list[Planned] = []
    for piece in pieces:
        if len(found) >= most:
            break
        # Findings of a study differ in a learner or a metric only, and each with numbers of its own is one.
        if fresh(piece.text, said) if piece.quote.page is not None else not numbers_in(piece.text) <= numbers_in(" ".join(said)):
            found.append(_planned(role, (piece,)))
            said.append(piece.text)
    return found


def _results(
    source: Source, length: Callable[[str], int], room: int, said: list[str], most: int, *, numbered: bool = False
) -> list[Planned]:
    """Further results, those with numbers first, each with the one printed right after it where that goes on with numbers."""
    found: list[Planned] = []
    pieces = [p for q in source.results if (p := piece_of(q, length, room, plain=True)) is not None and finite(p.text)]
    pieces = [p for p in pieces if p.quote.page is None or not (READING.search(p.text) or set_up(p.text) or _MEANS.match(p.text))]
    kept = [p for n, p in enumerate(pieces) if VALUE.search(p.text) or (n < RANKED and not numbered)]
    for piece in sorted(kept, key=lambda p: (not VALUE.search(p.text), "et al" in p.text)):
        alone = _planned("result", (piece,))
        if taken_back(source, piece.quote) is not None and with_adverse(alone, source, length, room) == alone:
            continue  # half of what is said there
        before = _beside(piece, source, -1)
        if _PARALLEL.match(piece.text) and before is not None and VALUE.search(before.text):
            continue  # "For B, it is ..." goes on from "For A, ...", and means little without it
        after = _beside(piece, source, 1) if VALUE.search(piece.text) else None
        more = piece_of(after, length, BOTH - length(piece.text) - 1) if after is not None else None
        with_more = (piece, more) if more is not None and VALUE.search(more.text) and finite(more.text) else (piece,)
        text = " ".join(p.text for p in with_more)
        if len(found) < most and not _told_already(text, said) and (new := _first([piece], "result", said, 1)):
            found += [_planned("result", with_more)] if len(with_more) > 1 else new
            said[-1] = text
    return found


def _beside(piece: Piece, source: Source, by: int) -> Quote | None:
    """The sentence of the text that is printed right before or after a piece of one sentence, in the same section."""
    numbers = piece.quote.sentences
    at = (numbers[0] if numbers else 0) + by
    if piece.quote.page is None or len(numbers) != 1 or not 1 <= at <= len(source.sentences):
        return None
    here, there = source.sentence(numbers[0]), source.sentence(at)
    return Quote(there.page, there.text, (at,)) if (here.section, here.role) == (there.section, there.role) and there.text else None


def _told_already(text: str, said: list[str]) -> bool:
    """Whether one post holds all numbers of a text and much of its words."""
    numbers = set(re.findall(r"\d+(?:\.\d+)?", text))
    return bool(numbers) and any(numbers <= set(re.findall(r"\d+(?:\.\d+)?", s)) and overlap(text, s) > 0.25 for s in said)


def _fillers(source: Source, length: Callable[[str], int], room: int, said: list[str], most: int) -> list[Planned]:
    """Where the main body does not fill the thread: pictures of an appendix, and what a study says beside its findings."""
    beside = [Quote(None, s.text, (s.number,)) for s in source.sentences if s.role == "finding"]
    pieces_beside = [p for q in beside if (p := piece_of(q, length, room)) is not None]
    found = _first(pieces_beside, "result", said, most)
    for item in source.items:
        pieces = [p for p in sayings(item, source, length, room) if fresh(p.text, said)] if item.appendix else []
        if pieces and len(found) < most:
            found.append(Planned("item", pieces[0].text, (pieces[0].quote,), (item,)))
            said.append(pieces[0].text)
    return found


def _place(post: Planned) -> tuple[int, int]:
    """Where a post stands among the others: by the page of its picture, else of its words."""
    study = any(i.file for i in post.items) or (bool(post.evidence) and post.evidence[0].page is None)
    # Beside a paper a study's findings come behind the paper's own.
    page = post.items[0].page if post.items else (post.evidence[0].page or 0)
    return BEHIND if study else page, 0 if post.items else 1
