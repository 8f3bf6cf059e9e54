"""The source as a checker looks things up in it: passages by their words, quotes by page, names by their spelling.

A hand-edited post names no evidence; what it says is held against the passages that share the most of its words, each weighed by how
rare it is in the source.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from breadth.announce.check.words import claims_of, content, plain, words_of
from breadth.announce.source import Item, Quote, Sentence, Source

__all__ = ["Library", "Passage", "spelled"]

_TOKEN = re.compile(r"[^\W_]+(?:[-+/&.'’][^\W_]+)*")
_LABEL = re.compile(r"\b(?:fig(?:ure)?|tab(?:le)?)s?\.?\s*[A-Z]?\d", re.IGNORECASE)
_POINTER = re.compile(r"(?:In )?(?:fig(?:ure)?|tab(?:le)?)s?\.?\s*[A-Z]?\d+\w?(?:\s*\([^)]*\))?,?\s(?:also )?\w+", re.IGNORECASE)
_REACH = 6  # sentences that a pointer to a figure opens


@dataclass(frozen=True)
class Passage:
    """A sentence of the source in plain form. number: None for a caption that is no sentence of the source; stems: its content."""

    text: str
    where: str
    number: int | None
    stems: frozenset[str]


class Library:
    """Everything of a source that a claim may rest on: all but references and thanks, which only count for spelling."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.passages = tuple(_passages(source))
        counts = Counter(stem for p in self.passages for stem in p.stems)
        most = math.log(len(self.passages) + 2)
        self._weight = {stem: most - math.log(count + 1) for stem, count in counts.items()}
        self._unknown = most
        self._weights = [self.weight(p.stems) for p in self.passages]
        self._about: dict[Item, frozenset[int]] = {}
        self._place = {p.number: k for k, p in enumerate(self.passages) if p.number is not None}

    def weight(self, stems: Iterable[str]) -> float:
        """Return the sum of the weights of stems, rare ones the most."""
        return sum(self._weight.get(s, self._unknown) for s in stems)

    def coverage(self, claim: frozenset[str], of: frozenset[str]) -> float:
        """Return the share of a claim, 0..1 by weight, whose stems stand among ``of``; 0 for an empty claim."""
        whole = self.weight(claim)
        return self.weight(claim & of) / whole if whole else 0.0

    def nearest(self, claim: frozenset[str], most: int = 12) -> list[tuple[float, Passage]]:
        """Return (score, passage), best first: the share of the claim in the passage, and a little for how much of it that is."""
        found = []
        whole = self.weight(claim)
        for passage, weight in zip(self.passages, self._weights, strict=True):
            common = self.weight(claim & passage.stems)
            if common:
                found.append((common / whole + 0.2 * common / weight, passage))
        found.sort(key=lambda pair: -pair[0])
        return found[:most]

    def around(self, passage: Passage) -> tuple[Passage, ...]:
        """Return a passage with those just before and after it; alone where it is of a caption or the references."""
        if passage.number not in self._place:
            return (passage,)
        k = self._place[passage.number]
        return self.passages[max(0, k - 1) : k + 2]

    def of_quote(self, quote: Quote) -> tuple[Passage, ...]:
        """Return the passages that a quote was taken from; empty where it does not stand in the source."""
        wanted = _fold(quote.text)
        if not wanted:
            return ()
        if quote.sentences and all(1 <= n <= len(self.source.sentences) for n in quote.sentences):
            told = [self.source.sentence(n) for n in quote.sentences]
            if wanted in _fold(" ".join(s.text for s in told)):
                return tuple(_passage(s) for s in told)
        start = self._folded.find(wanted)
        if start < 0:
            return tuple(p for p in self.passages if p.number is None and wanted in _fold(p.text))
        return tuple(
            _passage(s)
            for s, (a, b) in zip(self.source.sentences, self._spans, strict=True)
            if a < start + len(wanted) and start < b
        )

    def material(self, item: Item, *, near: bool) -> frozenset[int]:
        """Return the numbers of the sentences about an item: those that name it and those of its caption; near: and their neighbours."""
        if item not in self._about:
            name = re.compile(_label_pattern(item.label), re.IGNORECASE)
            named = {s.number for s in self.source.sentences if name.search(s.text)}
            self._about[item] = self.caption(item) | set(item.cited_by) | named
        return frozenset(n for k in self._about[item] for n in ((k - 1, k, k + 1) if near else (k,)))

    def opened(self, item: Item) -> frozenset[int]:
        """Return the numbers of the sentences behind one that begins with an item ("Table 4 shows the scores."): those of its section up
        to the next figure or table."""
        found: set[int] = set()
        for k in item.cited_by:
            here = self.source.sentence(k)
            pointer = here.role in ("body", "list") and _POINTER.match(here.text)
            for s in self.source.sentences[k : k + _REACH] if pointer else ():
                if (s.section, s.role) != (here.section, here.role) or _LABEL.search(s.text):
                    break
                found.add(s.number)
        return frozenset(found)

    def caption(self, item: Item) -> frozenset[int]:
        """Return the numbers of the sentences that an item's caption consists of."""
        whole = _fold(item.caption)
        return frozenset(n for n, text in self._captions if text in whole)

    @cached_property
    def stems(self) -> frozenset[str]:
        """The stem of every word of the source."""
        return frozenset(w.stem for text in self._texts for w in words_of(plain(text)))

    @cached_property
    def _texts(self) -> list[str]:
        s = self.source
        return [x.text for x in s.sentences] + [i.caption for i in s.items] + [s.title, s.venue or "", *s.authors]

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Every word of the source, references too, in the form in which names are compared."""
        return frozenset(spelled(" \n ".join(self._texts)))

    @cached_property
    def small(self) -> frozenset[str]:
        """The words that the source writes in small letters: none of them is a name for its capital alone."""
        return frozenset(w for x in self.source.sentences for w in re.findall(r"[^\W\d_]+", x.text) if w.islower())

    @cached_property
    def _captions(self) -> list[tuple[int, str]]:
        return [(s.number, _fold(s.text)) for s in self.source.sentences if s.role == "caption"]

    @cached_property
    def _folded(self) -> str:
        return " ".join(_fold(s.text) for s in self.source.sentences)

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        spans, at = [], 0
        for s in self.source.sentences:
            length = len(_fold(s.text))
            spans.append((at, at + length))
            at += length + 1
        return spans


def spelled(text: str) -> set[str]:
    """Return the words of a text for comparing names: small letters, no hyphens, also without plural; pairs as one ("llama2")."""
    found: set[str] = set()
    before = ""
    for m in _TOKEN.finditer(unicodedata.normalize("NFKC", plain(text))):
        token = re.sub(r"'s?$|[-./+&']", "", m[0].casefold())
        found |= {token, token.removesuffix("s"), before + token}
        found.add(re.sub(r"[-./+&']", "", re.sub(r"(?:-[a-z]{2,})+$", "", m[0]).casefold()))  # GPT-2 of GPT-2-based
        found |= {part for part in re.split(r"[-/+&.']", m[0].casefold()) if part}
        before = token
    return found


def _label_pattern(label: str) -> str:
    kind, _, number = label.partition(" ")
    return rf"\b{kind[:3]}(?:ure|le)?s?\.?[\s~]{re.escape(number)}(?![\d])"


def _passages(source: Source) -> Iterable[Passage]:
    captions = set()
    for s in source.sentences:
        if s.role == "caption":
            captions.add(_fold(s.text))
        if s.role not in ("reference", "acknowledgement"):
            yield _passage(s)
    for item in source.items:
        for text in claims_of(item.caption):
            if _fold(text) not in captions and not any(_fold(text) in c for c in captions):
                yield Passage(plain(text), f"the caption of {item.label}", None, content(text))


def _passage(sentence: Sentence) -> Passage:
    text = plain(sentence.text)
    return Passage(text, sentence.where, sentence.number, content(text))


def _fold(text: str) -> str:
    return re.sub(r"\s+", "", plain(text)).casefold()
