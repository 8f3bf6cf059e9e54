"""What all checks share: each post's claims, and for each claim the words of the source that it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from breadth.announce.check.align import Alignment, align
from breadth.announce.check.library import Library, Passage, spelled
from breadth.announce.check.words import claims_of, content, plain, prose_of
from breadth.announce.facts import Facts
from breadth.announce.source import Item, Source
from breadth.announce.thread import Level, Post, Problem, Thread

__all__ = ["Case", "Claim", "View", "clipped", "label_of_file"]

_LABEL_OF_FILE = re.compile(r"(fig|tab)(?:ure|le)?s?[-_ .]*([a-z]?[-_.]?\d+|[ivx]+\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Claim:
    """One sentence of a post. passages: of the source, that it rests on, best first; quotes: the words that the post gives as its
    evidence, None where it gives none and the passages were looked for; coverage: how much of it the passages say, 0..1;
    best: it beside the passage that is most like it, None where there is no passage.
    """

    text: str
    stems: frozenset[str]
    passages: tuple[Passage, ...]
    quotes: str | None
    coverage: float
    best: Alignment | None
    nearest: Passage | None

    @property
    def says(self) -> str:
        """What the source says there, for a message: ``the paper says on p. 5: '...'``."""
        if self.nearest is None:
            return "no sentence of the source is near it"
        return f"the source says ({self.nearest.where}): '{clipped(self.nearest.text)}'"


@dataclass(frozen=True)
class View:
    """A post as checks see it. n: from 1; prose: what it says; shows: labels of its pictures as far as file names tell."""

    n: int
    post: Post
    prose: str
    claims: tuple[Claim, ...]
    shows: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A thread with its source and facts. written: whether a program wrote it, so that posts carry their evidence."""

    thread: Thread
    source: Source
    facts: Facts
    least: int
    most: int
    library: Library = field(repr=False)

    @cached_property
    def written(self) -> bool:
        """Whether a program wrote the thread."""
        return any(p.evidence or p.role for p in self.thread.posts)

    @cached_property
    def items(self) -> dict[str, Item]:
        """The figures and tables of the source by label, in small letters."""
        return {i.label.casefold(): i for i in self.source.items}

    @cached_property
    def views(self) -> tuple[View, ...]:
        """The posts as checks see them."""
        return tuple(self._view(n, p) for n, p in enumerate(self.thread.posts, 1))

    @cached_property
    def given(self) -> str:
        """What any post may say without evidence: the title, authors and venue, and what the author gave."""
        s, f = self.source, self.facts
        parts = [
            s.title,
            f.title,
            *s.authors,
            *(f.authors or ()),
            s.venue,
            f.venue,
            *f.names,
            *f.handles,
            f.finding,
            f.limitation,
            f.credits,
        ]
        return " \n ".join(p for p in parts if p)

    @cached_property
    def given_names(self) -> frozenset[str]:
        """The spellings of the words of `given`."""
        return frozenset(spelled(self.given))

    def problem(self, id: str, level: Level, post: int | None, message: str) -> Problem:
        """Return a problem with a message of one line."""
        return Problem(id, level, post, " ".join(message.split()))

    def _view(self, n: int, post: Post) -> View:
        prose = prose_of(post.text)
        if n == 1:
            for title in {self.source.title, self.thread.title, self.facts.title or ""} - {""}:
                prose = re.sub(r"\s+".join(map(re.escape, title.split())), "\n\n", prose, flags=re.IGNORECASE)
        told = tuple(x for q in post.evidence for x in self.library.of_quote(q))
        quotes = " \n ".join(plain(q.text) for q in post.evidence) if post.evidence else None
        claims = tuple(self._claim(c, told, quotes) for c in claims_of(prose))
        return View(n, post, prose, claims, tuple(self._labels(post)))

    def _claim(self, text: str, told: tuple[Passage, ...], quotes: str | None) -> Claim:
        stems = content(text)
        if quotes is not None:
            passages = tuple(dict.fromkeys(told))
            coverage = self.library.coverage(stems, frozenset(s for p in passages for s in p.stems) | content(quotes))
        else:
            near = self.library.nearest(stems)
            passages = tuple(p for score, p in near if score >= 0.8 * near[0][0])
            coverage = self.library.coverage(stems, passages[0].stems) if passages else 0.0
        laid = [(align(text, p.text, self.library.small), p) for p in passages[:8]]
        best, nearest = max(laid, key=lambda pair: pair[0].share, default=(None, None))
        if quotes is None and best and not best.verbatim:
            nearest = passages[0]
            best = laid[0][0]
        return Claim(text, stems, passages, quotes, coverage, best, nearest)

    def _labels(self, post: Post) -> Iterator[str]:
        """The labels of the items that a post's pictures show: as the file is named, or the note says, of those that the source has."""
        for picture in post.pictures:
            item = self.items.get((label_of_file(picture.file or picture.alt) or "").casefold())
            if item is None and picture.file and len(post.items) == len(post.pictures):
                item = self.items.get(post.items[post.pictures.index(picture)].casefold())
            if item is None and picture.file:
                item = next((i for i in self.source.items if i.file and i.file.endswith(picture.file.rpartition("/")[2])), None)
            if item:
                yield item.label


def label_of_file(file: str) -> str | None:
    """Return the label that a file's name holds: "Figure 2" of figures/fig2.png, "Table A1" of table-a1.png; None where it holds none."""
    found = _LABEL_OF_FILE.search(file.rpartition("/")[2])
    if not found:
        return None
    number = re.sub(r"[-_.]", "", found[2]).upper()
    return f"{'Figure' if found[1].lower() == 'fig' else 'Table'} {number}"


def clipped(text: str, most: int = 180) -> str:
    """Return text, cut after a word where it is longer than ``most``."""
    return text if len(text) <= most else f"{text[:most].rpartition(' ')[0]} ..."
