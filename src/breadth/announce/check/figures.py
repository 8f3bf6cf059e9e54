"""T6, F6 and R3: every figure and table is shown or listed as left out, a post shows what it speaks of, and each picture has words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from breadth.announce.check.case import Case, Claim, View, clipped, label_of_file
from breadth.announce.check.library import Passage
from breadth.announce.check.numbers import number_in, numbers_of
from breadth.announce.check.spoken import spoken
from breadth.announce.check.words import content, plain
from breadth.announce.source import Item
from breadth.announce.thread import Level, Problem

__all__ = ["f6_pictures", "r3_alt", "t6_items"]

_ALT = 1000
_NEAR = 6  # sentences
_LABEL = re.compile(r"\b(fig(?:ure)?|tab(?:le)?)s?\.?[\s~]([A-Z]?\.?\d+|[IVX]+)\b", re.IGNORECASE)


def t6_items(case: Case) -> Iterator[Problem]:
    """T6: each figure and table of the main text has a post with its picture, or stands in the list of what was left out."""
    shown = {label for v in case.views for label in v.shows}
    left_out = {what.casefold() for what, _ in case.thread.left_out}
    missing = [i.label for i in case.source.items if not i.appendix and i.label not in shown and i.label.casefold() not in left_out]
    if all(p.file for v in case.views for p in v.post.pictures):
        for label in missing:
            why = f"{label} is in no post: show it, or write it under '# - left out' with the reason"
            yield case.problem("T6", "error", None, why)
    elif missing:
        why = (
            "as far as the notes on pictures tell; write [image: figures/figure-1.png | alt: ...] or list them under '# - left out'"
        )
        yield case.problem("T6", "warning", None, f"{', '.join(missing)} are in no post, {why}")


def f6_pictures(case: Case) -> Iterator[Problem]:
    """F6: a post shows the figure that it is about; label, file, words for the picture and text agree."""
    for view in case.views:
        yield from _promised(case, view)
        for item in (case.items[label.casefold()] for label in view.shows):
            yield from _words_for_it(case, view, item)
        if view.shows:
            yield from _about(case, view)


def _promised(case: Case, view: View) -> Iterator[Problem]:
    """What the post says it shows is what its files show."""
    for label in view.post.items:
        if label not in view.shows:
            yield case.problem("F6", "error", view.n, f"is the post of {label}, but its picture is {_list(view.shows)}")
    for label in view.shows if view.post.items else ():
        if label not in view.post.items:
            yield case.problem("F6", "error", view.n, f"shows {label}, but is the post of {_list(view.post.items)}")
    for picture in view.post.pictures:
        named = label_of_file(picture.file)
        if named and named.casefold() not in case.items and not any(i.file for i in case.source.items):
            yield case.problem("F6", "error", view.n, f"shows {picture.file}; the source has no {named}")
    for label in dict.fromkeys(_labels(view.prose)):
        if label in case.items and view.shows and case.items[label].label not in view.shows:
            yield case.problem("F6", "error", view.n, f"speaks of {case.items[label].label}, but shows {_list(view.shows)}")
        if label not in case.items and case.items:
            yield case.problem("F6", "error", view.n, f"speaks of {label.title()}, which the source does not have")


def _words_for_it(case: Case, view: View, item: Item) -> Iterator[Problem]:
    """The words for a picture name its own label and speak of its caption rather than another's."""
    for picture in view.post.pictures:
        if label_of_file(picture.file) != item.label:
            continue
        named = [label for label in _labels(picture.alt) if label in case.items]
        if named and item.label.casefold() not in named:
            yield case.problem(
                "F6", "error", view.n, f"shows {item.label}, but the words for the picture are of {case.items[named[0]].label}"
            )
            continue
        words = content(picture.alt)
        if len(words) < 4:
            continue
        own = case.library.coverage(words, _of(case, item))
        best = max(case.source.items, key=lambda i: case.library.coverage(words, _of(case, i)))
        if case.library.coverage(words, _of(case, best)) > own + 0.25:
            yield case.problem(
                "F6",
                "error",
                view.n,
                f"shows {item.label}, but the words for the picture fit {best.label}: '{clipped(picture.alt, 80)}'",
            )


def _about(case: Case, view: View) -> Iterator[Problem]:
    """What a post says comes from the caption of what it shows, from a sentence that names it, or from one beside or behind that."""
    stems = frozenset(s for c in view.claims for s in c.stems)
    if len(stems) < 3:
        return
    rests = [p for c in view.claims for p in _rests(view, c)]
    shown = [case.items[label.casefold()] for label in view.shows]
    captions = [i for i in case.source.items if _rests_on(case, rests, i, caption=True)]
    if any(i in captions or _rests_on(case, rests, i) for i in shown):
        return
    if not captions and any(_rests_on(case, rests, i, near=True) for i in shown):
        return
    goes_on = [i for i in case.source.items if _goes_on_from(case, view, i)]
    if any(i in goes_on for i in shown):
        return
    score = {i.label: case.library.coverage(stems, _of(case, i)) for i in case.source.items}
    mine = max(score[i.label] for i in shown)
    others = [
        i
        for i in case.source.items
        if i.label not in view.shows
        and (
            i in captions
            or _rests_on(case, rests, i)
            or (_rests_on(case, rests, i, near=True) and score[i.label] > mine + 0.1)
            or score[i.label] > mine + 0.2
            or (i in goes_on and not any(_named_near(case, view, s) for s in shown))
        )
    ]
    if others:
        files = all(p.file for p in view.post.pictures)  # a note's words may mean another picture
        sure = files and (bool(view.post.evidence) or any(c.coverage >= 0.75 for c in view.claims))
        other = max(others, key=lambda i: score[i.label])
        about = f"{other.label}: '{clipped(other.caption, 120)}'"
        level: Level = "error" if sure else "warning"
        yield case.problem("F6", level, view.n, f"shows {_list(view.shows)}, but what it says is of {about}")
    elif view.post.role == "item":
        yield case.problem(
            "F6", "warning", view.n, f"what it says stands neither in the caption of {_list(view.shows)} nor where that is named"
        )


def _rests(view: View, claim: Claim) -> tuple[Passage, ...]:
    """The passages that a claim was written from, or, where that is not told, most likely was."""
    if view.post.evidence:
        return claim.passages
    verbatim = claim.best is not None and claim.best.verbatim
    return (claim.nearest,) if verbatim and claim.nearest else claim.passages[:2]


def _rests_on(case: Case, passages: list[Passage], item: Item, *, near: bool = False, caption: bool = False) -> bool:
    """Whether passages are of an item's caption or name it; near: or stand beside such a sentence; caption: only of its caption."""
    numbers = case.library.caption(item) if caption else case.library.material(item, near=near)
    return any(p.number in numbers if p.number is not None else p.where == f"the caption of {item.label}" for p in passages)


def _goes_on_from(case: Case, view: View, item: Item) -> bool:
    """Whether each sentence of a post is, nearly word for word, one of those that go on from where an item is named."""
    own = [c.nearest.number if c.best and c.best.verbatim and c.nearest else None for c in view.claims]
    return bool(own) and set(own) <= case.library.opened(item)


def _named_near(case: Case, view: View, item: Item) -> bool:
    """Whether an item is named a few sentences before or behind what a post says, where the text may be about both."""
    own = [c.nearest.number for c in view.claims if c.nearest and c.nearest.number is not None]
    return any(abs(n - k) <= _NEAR for n in own for k in item.cited_by)


def r3_alt(case: Case) -> Iterator[Problem]:
    """R3: each picture file has words for who cannot see it, at most 1000 characters, which say no more than the source of it."""
    for view in case.views:
        for picture in view.post.pictures:
            if not picture.file:
                continue
            if not picture.alt.strip():
                yield case.problem("R3", "warning", view.n, f"{picture.file} has no words for who cannot see it: add 'alt: ...'")
            if len(picture.alt) > _ALT:
                yield case.problem(
                    "R3", "warning", view.n, f"the words for {picture.file} have {len(picture.alt)} characters; at most {_ALT}"
                )
            item = case.items.get((label_of_file(picture.file) or "").casefold())
            if item is None:
                continue
            about = [
                case.source.sentence(n).text
                for n in sorted(case.library.material(item, near=True))
                if 1 <= n <= len(case.source.sentences)
            ]
            yield from spoken(case, view.n, picture, item)
            there = plain(" \n ".join([item.caption, *about, *(q.text for q in view.post.evidence)]))
            for number in numbers_of(plain(picture.alt)):
                if not number_in(number, there):
                    yield case.problem(
                        "F1", "error", view.n, f"'{number.text}' in the words for {picture.file} stands nowhere about {item.label}"
                    )


def _of(case: Case, item: Item) -> frozenset[str]:
    """The words about an item: its caption, and the sentences that name it."""
    return content(item.caption) | frozenset(s for n in item.cited_by for s in content(case.source.sentence(n).text))


def _labels(text: str) -> list[str]:
    return [f"{'figure' if m[1].lower().startswith('fig') else 'table'} {m[2].casefold()}" for m in _LABEL.finditer(text)]


def _list(labels: tuple[str, ...]) -> str:
    return " and ".join(labels) if labels else "none"
