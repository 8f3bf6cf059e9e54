"""Which evidence goes into which post: hook, code, problem, contributions, figures and tables, what follows, limitation, credits.

Deterministic. The room is given first to what must be there, then to contributions and to figures and tables by importance, then to
further results; what finds none is named with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

from breadth.announce.check.length import LIMITS, weighted_length
from breadth.announce.facts import Facts
from breadth.announce.read.cues import is_claim
from breadth.announce.source import Item, Quote, Source
from breadth.announce.thread import Platform, PostRole
from breadth.announce.write.clean import clean
from breadth.announce.write.hook import code_post, credits_post, hook_post
from breadth.announce.write.piece import Piece, held, overlap, piece_of
from breadth.announce.write.planned import Plan, Planned
from breadth.announce.write.shown import READING, VALUE, caption_quotes, continued, importance, is_set_up, related, sayings
from breadth.announce.write.told import context_posts, contribution_piece, implication_posts, limitation_post, plain_words
from breadth.announce.write.verbs import finite

__all__ = ["plan", "room_of"]

SAME = 0.6  # above this share of the shorter one's content words two posts say the same
SAID = 0.5  # a contribution that a picture's post says to this share needs no post of its own
GOOD = 3.0  # worth below which a saying is no better than one that was said before
SHORT = 190  # a post's words below this leave room for a second sentence with a number
_HALF = re.compile(r"(?:Top|Bottom|Left|Right|Middle|Center|Upper|Lower)\b[^:]{0,20}:")
_NUMBERED = "\n\n99/99"


@dataclass
class _Unit:
    """Pictures that share a post, with what is said."""

    items: list[Item]
    pieces: list[Piece] = field(default_factory=list)


def room_of(platform: Platform, most: int) -> int:
    """Return how much a post may hold beside its numbering; LinkedIn's one text is shared by all posts."""
    limit = LIMITS[platform] // most - 2 if platform == "linkedin" else LIMITS[platform]
    return limit - len(_NUMBERED)


def plan(source: Source, facts: Facts, platform: Platform, *, least: int, most: int) -> Plan:
    """Return the posts in their order and what was left out, for ``least`` to ``most`` posts (fewer only where the source is too poor)."""

    def length(text: str) -> int:
        return weighted_length(text, platform)

    room = room_of(platform, most)
    hook = _with_picture(hook_post(source, facts, platform, _findings(source), length, room), source)
    ending, limitation = limitation_post(source, facts, length, room)
    fixed = [p for p in (hook, code_post(source, facts), ending, credits_post(facts)) if p is not None]
    free = most - len(fixed)
    said = [hook.text.replace(facts.title or source.title, ""), ending.text]

    units, left_out = _units(source, hook.items, length, room, free, said)
    contributed, more = _contributions(source, length, room, free - len(units), [*said, *_words(units)])
    left_out += more
    shown = [_shown(u, length, room, [*said, *_words(units), *(p.text for p in contributed)]) for u in units]
    said += [p.text for p in (*shown, *contributed)]
    left = free - len(shown) - len(contributed)
    results = _results(source, length, room, said, min(1, left))
    follows = _first(implication_posts(source, length, room), "implication", said, min(1, left - len(results)))
    results += _results(source, length, room, said, min(1, left - len(results) - len(follows)))
    context = _first(context_posts(source, length, room), "context", said, min(1, left - len(results) - len(follows)))
    results += _results(source, length, room, said, left - len(results) - len(follows) - len(context))
    posts = [*context, *contributed, *sorted([*shown, *results], key=_place), *follows]
    if len(posts) + len(fixed) < least:
        posts += _fillers(source, length, room, said, least - len(posts) - len(fixed))
    ends = [p for p in (ending, credits_post(facts)) if p is not None]
    return Plan((*[p for p in fixed if p not in ends], *posts, *ends), tuple(left_out), limitation)


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


def _words(units: list[_Unit]) -> list[str]:
    return [" ".join(p.text for p in u.pieces) for u in units]


def _fresh(text: str, said: list[str], same: float = SAME) -> bool:
    return all(overlap(text, other) <= same for other in said)


def _with_picture(hook: Planned, source: Source) -> Planned:
    """The first post with the figure or table whose caption its finding was taken from, or that a study's finding is drawn in."""
    for item in source.items if hook.finding else ():
        quote = hook.evidence[-1]
        drawn = quote.page is None and bool(set(quote.sentences) & set(item.cited_by))
        if not item.appendix and (drawn or quote in caption_quotes(item, source)):
            return replace(hook, items=(item,))
    return hook


def _units(
    source: Source, gone: tuple[Item, ...], length: Callable[[str], int], room: int, free: int, said: list[str]
) -> tuple[list[_Unit], list[tuple[str, str]]]:
    """The figures and tables of the main body, each with what is said of it; related ones share a post where posts would not last."""
    main = sorted(
        (i for i in source.items if not i.appendix and i not in gone), key=lambda i: (-importance(i, source), source.items.index(i))
    )
    units = [_Unit([i]) for i in main]
    left_out: list[tuple[str, str]] = []
    beside = min(len(source.contributions), 3)
    while len(units) > free - beside - min(3, len(source.results)) and (units and is_set_up(units[-1].items[0])):
        left_out.append((units.pop().items[0].label, "it tells how things were set up, and the posts are few"))
    while len(units) > free - beside and _pair(units, source):
        pass
    while len(units) > max(min(1, free - 1), free - min(beside, 2)):
        left_out += [(i.label, "others matter more, and the posts are few") for i in units.pop().items]
    taken = list(said)
    for unit in units:
        unit.pieces = _best(unit, source, length, room, taken)
        taken.append(" ".join(p.text for p in unit.pieces))
    for unit in [u for u in units if not u.pieces]:
        units.remove(unit)
        left_out += [(i.label, "neither its caption nor a sentence that cites it can be said in a post") for i in unit.items]
    return units, left_out


def _pair(units: list[_Unit], source: Source) -> bool:
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
    units[a] = _Unit(joined)
    del units[b]
    return True


def _best(unit: _Unit, source: Source, length: Callable[[str], int], room: int, said: list[str]) -> list[Piece]:
    """What is said of each picture of a unit: the best that nothing said before repeats, else the best."""
    share = room if len(unit.items) == 1 else (room - 2) // 2
    pieces: list[Piece] = []
    for item in unit.items:
        options = sayings(item, source, length, share)
        others = [*said, *(p.text for p in pieces)]
        chosen = next((p for p in options if _fresh(p.text, others) and p.worth >= GOOD), None)
        chosen = chosen or (options[0] if options else None)
        if chosen is not None:
            told = (
                [chosen] if len(unit.items) > 1 else _with_more(chosen, options, caption_quotes(item, source), length, room, others)
            )
            pieces += continued(chosen, item, source, length, share) if len(told) == 1 else told
    return pieces


def _with_more(
    chosen: Piece, options: tuple[Piece, ...], caption: tuple[Quote, ...], length: Callable[[str], int], room: int, said: list[str]
) -> list[Piece]:
    """A short sentence with those that complete it: its other half ("Top: ... Bottom: ..."), and those with numbers."""
    pieces = [chosen]
    for other in options:
        text = " ".join(p.text for p in pieces)
        half = bool(_HALF.match(chosen.text) and _HALF.match(other.text))
        leans = bool(re.match(r"(?:The|Its|Their)\b", other.text)) and other.quote not in caption
        value = len(text) <= SHORT and bool(VALUE.search(other.text)) and finite(other.text) and not leans
        both = f"{text} {other.text}"
        repeats = overlap(other.text, text) > 0.85 or not _fresh(both, said)
        if other is chosen or not (half or value) or length(both) > room or repeats:
            continue
        pieces.append(other)
    order = {p.quote: n for n, p in enumerate(sorted(options, key=lambda p: p.quote.sentences))}
    return sorted(pieces, key=lambda p: order[p.quote])


def _shown(unit: _Unit, length: Callable[[str], int], room: int, said: list[str]) -> Planned:
    joint = "\n\n" if len(unit.items) > 1 else " "
    text = joint.join(p.text for p in unit.pieces)
    return Planned("item", text, tuple(dict.fromkeys(p.quote for p in unit.pieces)), tuple(unit.items))


def _contributions(
    source: Source, length: Callable[[str], int], room: int, free: int, said: list[str]
) -> tuple[list[Planned], list[tuple[str, str]]]:
    """The contributions in the order of print; two share a post where posts would not last; those said with a picture need none."""
    plain = plain_words(source)
    told: list[tuple[Quote, tuple[Piece, ...]]] = []
    left_out: list[tuple[str, str]] = []
    for quote in source.contributions:
        pieces = contribution_piece(source, quote, plain, length, room)
        text = " ".join(p.text for p in pieces)
        if not pieces:
            left_out.append((quote.text, "it holds no sentence that fits a post"))
        elif not told or all(held(text, other) < SAID for other in [*said, *(" ".join(p.text for p in ps) for _, ps in told)]):
            told.append((quote, pieces))
    posts = [_planned("contribution", pieces) for _, pieces in told]
    while len(posts) > max(1, free):
        joined = _join(posts, length, room)
        if joined is None:
            break
        posts = joined
    for post in posts[max(0, free) :]:
        left_out.append((post.text, "no room in so few posts"))
    return posts[: max(0, free)], left_out


def _join(posts: list[Planned], length: Callable[[str], int], room: int) -> list[Planned] | None:
    """The posts with two neighbours joined, the shortest pair; None where none fits."""
    pairs = [(length(f"{a.text}\n\n{b.text}"), i) for i, (a, b) in enumerate(pairwise(posts))]
    fitting = [p for p in pairs if p[0] <= room]
    if not fitting:
        return None
    i = min(fitting)[1]
    both = replace(posts[i], text=f"{posts[i].text}\n\n{posts[i + 1].text}", evidence=posts[i].evidence + posts[i + 1].evidence)
    return [*posts[:i], both, *posts[i + 2 :]]


def _planned(role: PostRole, pieces: tuple[Piece, ...]) -> Planned:
    return Planned(role, " ".join(p.text for p in pieces), tuple(dict.fromkeys(p.quote for p in pieces)))


def _first(pieces: list[Piece], role: PostRole, said: list[str], most: int) -> list[Planned]:
    """The first pieces that say something new, as posts; ``said`` grows by them."""
    found: list[Planned] = []
    for piece in pieces:
        if len(found) >= most:
            break
        # Findings of a study differ in a learner or a metric only, and each is one.
        if _fresh(piece.text, said, SAME if piece.quote.page is not None else 0.9):
            found.append(_planned(role, (piece,)))
            said.append(piece.text)
    return found


def _results(source: Source, length: Callable[[str], int], room: int, said: list[str], most: int) -> list[Planned]:
    """Further results, those with numbers first."""
    pieces = [p for q in source.results if (p := piece_of(q, length, room)) is not None and finite(p.text)]
    pieces.sort(key=lambda p: (not VALUE.search(p.text), "et al" in p.text))
    return _first([p for p in pieces if not _told_already(p.text, said)], "result", said, most)


def _told_already(text: str, said: list[str]) -> bool:
    """Whether one post holds all numbers of a text and much of its words."""
    numbers = set(re.findall(r"\d+(?:\.\d+)?", text))
    return bool(numbers) and any(numbers <= set(re.findall(r"\d+(?:\.\d+)?", s)) and overlap(text, s) > 0.35 for s in said)


def _fillers(source: Source, length: Callable[[str], int], room: int, said: list[str], most: int) -> list[Planned]:
    """Where the main body does not fill the thread: pictures of an appendix, and what a study says beside its findings."""
    beside = [Quote(None, s.text, (s.number,)) for s in source.sentences if s.role == "finding"]
    pieces_beside = [p for q in beside if (p := piece_of(q, length, room)) is not None]
    found = _first(pieces_beside, "result", said, most)
    for item in source.items:
        pieces = [p for p in sayings(item, source, length, room) if _fresh(p.text, said)] if item.appendix else []
        if pieces and len(found) < most:
            found.append(Planned("item", pieces[0].text, (pieces[0].quote,), (item,)))
            said.append(pieces[0].text)
    return found


def _place(post: Planned) -> tuple[int, int]:
    """Where a post stands among the others: by the page of its picture, else of its words."""
    page = post.items[0].page if post.items else (post.evidence[0].page or 0)
    return page, 0 if post.items else 1
