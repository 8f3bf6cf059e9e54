"""Seeded corruptions of a true thread, one at a time: what a checker must refuse. Imported by the tests and by benchmarks/announce.py.

Each kind is what goes wrong when people or models write about papers: a digit, an address, a name, a date, a dropped hedge, a figure in
another's place, a figure that is gone, posts out of order, a wrong count.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from random import Random

from breadth.announce.source import Source
from breadth.announce.thread import Post, Thread

__all__ = ["KINDS", "corrupt"]

_URL = re.compile(r"https?://\S+")
_HEDGES = {
    "may": "",
    "might": "",
    "could": "",
    "likely": "",
    "suggest that": "prove that",
    "suggests that": "proves that",
    "suggest": "prove",
    "suggests": "proves",
    "indicate": "prove",
    "on average": "",
    "up to": "",
    "at least": "",
    "at most": "",
    "approximately": "",
    "about": "",
    "roughly": "",
    "nearly": "",
    "almost": "",
    "most": "all",
    "some": "all",
    "often": "always",
    "usually": "always",
    "generally": "always",
    "typically": "always",
    "partially": "",
    "partly": "",
    "slightly": "",
    "seems to": "does",
    "can": "always",
    "≥": "",
}
_MONTHS = ["January", "February", "March", "April", "June", "July", "August", "September", "October", "November", "December"]
_DATE = re.compile(rf"(?<![\d.,])(?:19|20|21)\d\d(?![\d%])|\b(?:{'|'.join(_MONTHS)})\b")
_NAME = re.compile(
    r"(?<![\w@#/.-])(?:[A-Z][a-z]+[A-Z]\w*|[A-Z]{2,}\w*|[A-Za-z]+-\d\w*|[A-Z]\w*\d\w*|(?<=[a-z,] )[A-Z][a-z]{2,})(?![\w/])"
)
_NO_NAME = re.compile("|".join(["FILL|Figure|Table|Limitation|Our|We|The|By", *_MONTHS]))


def corrupt(thread: Thread, source: Source, kind: str, rng: Random) -> Thread | None:
    """Return the thread with one corruption of a kind of `KINDS`; None where it holds nothing of that kind."""
    return KINDS[kind](thread, source, rng)


def _places(thread: Thread, pattern: re.Pattern[str], *, urls: bool = False) -> list[tuple[int, re.Match[str]]]:
    """(post, match) of each match outside addresses, FILL marks and the last line; urls: in them too."""
    found = []
    for n, post in enumerate(thread.posts):
        body = post.text.rpartition("\n")[0]
        hidden = [m.span() for p in (re.compile(r"\[FILL:[^\]]*\]"), *(() if urls else (_URL,))) for m in p.finditer(body)]
        found += [(n, m) for m in pattern.finditer(body) if not any(a <= m.start() < b for a, b in hidden)]
    return found


def _written(thread: Thread, n: int, m: re.Match[str], new: str) -> Thread:
    text = thread.posts[n].text
    text = text[: m.start()] + new + text[m.end() :]
    if not new:
        text = re.sub(r"(?<=\S)  +", " ", text).replace("\n ", "\n").replace(" ,", ",").lstrip(" ,")
    return _with(thread, n, replace(thread.posts[n], text=text))


def _with(thread: Thread, n: int, post: Post) -> Thread:
    return replace(thread, posts=(*thread.posts[:n], post, *thread.posts[n + 1 :]))


def _digit(thread: Thread, source: Source, rng: Random) -> Thread | None:
    title = {m.start() for m in re.finditer(r"\d", source.title)}
    digits = re.compile(r"(?<![A-Za-z][-\d])(?<![A-Za-z\d])\d+(?:[.,]\d+)*")
    labels = re.compile(r"(?:Figure|Fig\.|Table|Section|Appendix)\s$")
    places = [
        (n, m)
        for n, m in _places(thread, digits)
        if not labels.search(thread.posts[n].text[: m.start()]) and not _DATE.fullmatch(m[0]) and not (title and n == 0)
    ]
    if not places:
        return None
    n, m = rng.choice(places)
    k = rng.choice([k for k, c in enumerate(m[0]) if c.isdigit()])
    other = rng.choice([d for d in "0123456789" if d != m[0][k] and not (d == "0" and k == 0)])
    return _written(thread, n, m, m[0][:k] + other + m[0][k + 1 :])


def _url(thread: Thread, source: Source, rng: Random) -> Thread | None:
    places = _places(thread, _URL, urls=True)
    if not places:
        return None
    n, m = rng.choice(places)
    url = m[0]
    k = rng.choice([k for k, c in enumerate(url) if c.isalnum() and k > url.find("//") + 2])
    other = rng.choice([c for c in ("0123456789" if url[k].isdigit() else "abcdefghijklmnopqrstuvwxyz") if c != url[k].lower()])
    changes = [url[:k] + other + url[k + 1 :], url[:k] + url[k + 1 :], url + ".", url.replace("_", "\\_"), url[:-1]]
    return _written(thread, n, m, rng.choice([c for c in changes if c != url]))


def _name(thread: Thread, source: Source, rng: Random) -> Thread | None:
    places = [(n, m) for n, m in _places(thread, _NAME) if not _NO_NAME.fullmatch(m[0]) and not _DATE.fullmatch(m[0])]
    if not places:
        return None
    n, m = rng.choice(places)
    name = m[0]
    others = sorted(
        {x[0] for s in source.sentences for x in _NAME.finditer(s.text) if not _NO_NAME.fullmatch(x[0])} - {name, name + "s"}
    )
    k = rng.choice([k for k, c in enumerate(name) if c.isalnum()])
    letter = rng.choice("2345679" if name[k].isdigit() else "bdfgklmpqtvwxz")
    letter = letter.upper() if name[k].isupper() else letter
    changed = name[:k] + (letter if letter != name[k] else "j") + name[k + 1 :]
    return _written(thread, n, m, rng.choice([rng.choice(others), changed] if others else [changed]))


def _date(thread: Thread, source: Source, rng: Random) -> Thread | None:
    places = _places(thread, _DATE)
    if not places:
        return None
    n, m = rng.choice(places)
    new = str(int(m[0]) + rng.choice((-3, -2, -1, 1, 2, 3))) if m[0].isdigit() else rng.choice([x for x in _MONTHS if x != m[0]])
    return _written(thread, n, m, new)


def _hedge(thread: Thread, source: Source, rng: Random) -> Thread | None:
    words = re.compile(
        rf"(?<![\w@#-])(?:{'|'.join(map(re.escape, sorted(_HEDGES, key=len, reverse=True)))})(?![\w-])", re.IGNORECASE
    )
    title = len(source.title)
    places = [
        (n, m)
        for n, m in _places(thread, words)
        if not re.search(r"(?:the|our|its|their|at)\s$", thread.posts[n].text[: m.start()], re.IGNORECASE)
        and not (
            n == 0 and source.title in thread.posts[0].text and 0 <= m.start() - thread.posts[0].text.find(source.title) < title
        )
        and not (m[0].lower() in ("about", "around") and not re.match(r"\s(?:\d|half)", thread.posts[n].text[m.end() :]))
        and not (m[0].lower() == "most" and re.match(r"\s\w+(?:ed|ive|ful|al|ant|ent|ous|ly)\b", thread.posts[n].text[m.end() :]))
    ]
    if not places:
        return None
    n, m = rng.choice(places)
    return _written(thread, n, m, _HEDGES[m[0].lower()])


def _swapped(thread: Thread, source: Source, rng: Random) -> Thread | None:
    """Two posts' pictures exchanged, or only the file of one."""
    with_picture = [n for n, p in enumerate(thread.posts) if len(p.pictures) == 1]
    if len(with_picture) < 2:
        return None
    a, b = rng.sample(with_picture, 2)
    first, second = thread.posts[a], thread.posts[b]
    if rng.random() < 0.5:
        return _with(thread, a, replace(first, pictures=(replace(first.pictures[0], file=second.pictures[0].file),)))
    return _with(_with(thread, a, replace(first, pictures=second.pictures)), b, replace(second, pictures=first.pictures))


def _dropped(thread: Thread, source: Source, rng: Random) -> Thread | None:
    with_picture = [n for n, p in enumerate(thread.posts) if p.pictures]
    if not with_picture:
        return None
    n = rng.choice(with_picture)
    return _with(thread, n, replace(thread.posts[n], pictures=thread.posts[n].pictures[:-1]))


def _order(thread: Thread, source: Source, rng: Random) -> Thread | None:
    a, b = rng.sample(range(len(thread.posts)), 2)
    return _with(_with(thread, a, thread.posts[b]), b, thread.posts[a])


def _count(thread: Thread, source: Source, rng: Random) -> Thread | None:
    n = rng.randrange(len(thread.posts))
    post, posts = thread.posts[n], thread.posts
    body, _, last = post.text.rpartition("\n")
    mine, _, count = last.partition("/")
    return rng.choice(
        (
            replace(thread, posts=posts[:n] + posts[n + 1 :]),
            replace(thread, posts=posts[: n + 1] + posts[n:]),
            _with(thread, n, replace(post, text=f"{body}\n{mine}/{int(count) + rng.choice((-1, 1))}")),
            _with(thread, n, replace(post, text=f"{body}\n{int(mine) + 1}/{count}")),
            _with(thread, n, replace(post, text=body.rstrip())),
        )
    )


KINDS: dict[str, Callable[[Thread, Source, Random], Thread | None]] = {
    "digit": _digit,
    "url": _url,
    "name": _name,
    "date": _date,
    "hedge": _hedge,
    "figure swapped": _swapped,
    "figure dropped": _dropped,
    "order": _order,
    "count": _count,
}
