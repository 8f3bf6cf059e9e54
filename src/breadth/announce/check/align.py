"""A claim laid beside the sentence it comes from, word by word, so that what was changed, dropped or exchanged can be seen."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final, Literal

from breadth.announce.check.numbers import Number, numbers_of
from breadth.announce.check.words import STOP, stem, word_set

__all__ = ["DATES", "Alignment", "Token", "align", "direction", "names_in", "tokens_of"]

Class = Literal["word", "number", "name", "direction"]

UP: Final = word_set(
    """higher more greater larger better increases increase increased increasing improves improve improved improving
    improvement outperform outperforms outperformed outperforming exceed exceeds exceeded beat beats beating surpass
    surpasses surpassed rise rises rose grow grows grew faster stronger above gain gains best highest most largest fastest
    boost boosts raises raise longer positive positively superior wins win won gained strengthens strengthen helps help
    greatest longest after"""
)
DOWN: Final = word_set(
    """lower less fewer smaller worse decreases decrease decreased decreasing degrades degrade degraded reduces reduce reduced
    reducing reduction underperform underperforms underperformed falls fall fell drops drop dropped declines decline
    declined slower weaker below worst lowest least smallest slowest shrinks shrink shorter negative negatively inferior
    loses lose lost hurts hurt harms harm weakens weaken shortest before"""
)
_NEGATION: Final = word_set(
    """not no never without neither nor cannot don't doesn't isn't aren't didn't won't can't couldn't fails fail failed"""
)
_TOKEN: Final = re.compile(r"[^\W_]+(?:[-+/&.'_][^\W_]+)*|[<>≤≥~]=?")
_NUMBERLIKE: Final = re.compile(r"[\d.,]+(?:[kKMBTx×%]|st|nd|rd|th)?")
_LABEL: Final = word_set("""figure figures fig table tables tab section appendix equation eq algorithm limitation limitations""")
DATES: Final = word_set(
    """January February March April May June July August September October November December Monday Tuesday Wednesday Thursday
    Friday Saturday Sunday"""
)


@dataclass(frozen=True)
class Token:
    """A word of a text. key: what must agree for two tokens to be the same; begins: whether it opens a sentence; breaks: whether a
    comma, a stop or a bracket follows."""

    text: str
    key: str
    kind: Class
    number: Number | None
    begins: bool
    breaks: bool

    @property
    def negates(self) -> bool:
        """Whether it turns what it stands before into its opposite."""
        return self.text.lower() in _NEGATION

    @property
    def matters(self) -> bool:
        """Whether it says something: no word of mere grammar."""
        return self.kind != "word" or (self.text.lower() not in STOP and len(self.text) > 1)


@dataclass(frozen=True)
class Alignment:
    """claim, sentence: the tokens; kept: place in the sentence -> place in the claim of what is the same; swapped: the stretches
    (of the claim, of the sentence) that stand in each other's place; share: how much of the claim is the same, 0..1."""

    claim: tuple[Token, ...]
    sentence: tuple[Token, ...]
    kept: dict[int, int]
    swapped: tuple[tuple[tuple[Token, ...], tuple[Token, ...]], ...]
    share: float

    @property
    def verbatim(self) -> bool:
        """Whether the claim keeps the sentence's words so nearly that each difference counts."""
        return self.share >= 0.7 and len(self.kept) >= 4


def align(claim: str, sentence: str, small: Container[str]) -> Alignment:
    """Lay a claim beside a sentence. small: words that the source writes in small letters."""
    a, b = tokens_of(claim, small), tokens_of(sentence, small)
    codes = SequenceMatcher(None, [t.key for t in a], [t.key for t in b], autojunk=False).get_opcodes()
    kept = {j: i1 + k for tag, i1, _, j1, j2 in codes if tag == "equal" for k, j in enumerate(range(j1, j2))}
    swapped = tuple((a[i1:i2], b[j1:j2]) for tag, i1, i2, j1, j2 in codes if tag == "replace")
    return Alignment(a, b, kept, swapped, len(kept) / len(a) if a else 0.0)


def direction(text: str) -> int:
    """Return 1 for a word that says more, -1 for one that says less, 0 for any other."""
    word = text.lower()
    return 1 if word in UP else -1 if word in DOWN else 0


def tokens_of(text: str, small: Container[str]) -> tuple[Token, ...]:
    """Return the tokens of plain text. small: words that the source writes in small letters."""
    return _tokens(text, frozenset(w.lower() for w in re.findall(r"[^\W\d_]+", text) if w.lower() in small))


def names_in(text: str, small: Container[str]) -> tuple[Token, ...]:
    """Return the names of a text: people, models, data sets, places, acronyms, months."""
    return tuple(t for t in tokens_of(text, small) if t.kind == "name")


@lru_cache(maxsize=4096)
def _tokens(text: str, small: frozenset[str]) -> tuple[Token, ...]:
    numbers = numbers_of(text)
    found: list[Token] = []
    begins = True
    at = 0
    for m in _TOKEN.finditer(text):
        if m.start() < at:
            continue
        number = next((n for n in numbers if n.start <= m.start() < n.end or m.start() <= n.start < m.end()), None)
        end = number.end if number else m.end()
        written = text[m.start() : end].strip()
        after = text[end : end + 2]
        breaks = bool(re.match(r"\s?[,;:.!?()\]]", after))
        kind: Class = "word"
        if number:
            kind = "number"
        elif direction(m[0]):
            kind = "direction"
        elif _is_name(m[0], begins, small):
            kind = "name"
        key = f"{number.value} {number.kind}" if number else stem(m[0])
        found.append(Token(written, key, kind, number, begins, breaks))
        begins = bool(re.match(r"[\"')\]]*(?:[.!?:]\s|\s[-•|]\s)", text[end : end + 4] + " "))
        at = end
    return tuple(found)


def _is_name(word: str, begins: bool, small: Container[str]) -> bool:
    bare = re.sub(r"'s?$", "", word)
    low = bare.lower()
    shouted = bare.isupper() and len(bare) > 4 and low in small
    if low in _LABEL or shouted or not re.search(r"[^\W\d_]", bare) or _NUMBERLIKE.fullmatch(bare):
        return False
    if bare in DATES:
        return bare != "May" or not begins
    mixed = not bare[0].isdigit() and re.search(r"(?<=[^\W\d_])-?\d", bare)
    if mixed and (re.search(r"[A-Z]", bare) or "-" not in bare):
        return True  # GPT-2, C4, word2vec, but not top-5
    if re.search(r"[A-Z]", bare[1:]) and not re.fullmatch(r"[A-Z][a-z]+(?:-[A-Z]?[a-z]+)+", bare):
        return True  # LLaMA, BIG-Bench, but not Chain-of-Thought
    ordinary = all(part in STOP or part in small for part in low.split("-"))
    return bare[0].isupper() and len(bare) > 1 and not ordinary and not begins
