"""The numbers of a text in one form: ``16, 464`` and 16.464K, 7B, 3x and three times, 38 % and 38 percent are what they say.

Digits that belong to a name (GPT-2, C4, Figure 3, arXiv numbers) are no numbers here. A number keeps its kind, and whether it was a
bound ("at least", ">") or rounded ("about").
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Final, Literal

__all__ = ["Number", "amount_in", "amounts_of", "derived", "number_in", "numbers_of", "recomputed"]

Kind = Literal["plain", "percent", "times", "ordinal"]
Bound = Literal["", "least", "most", "about"]


@dataclass(frozen=True)
class Number:
    """text: as written, with its unit sign; value: exact; decimals: places written; bound: what stands before it; word: in letters;
    start, end: where it stands."""

    text: str
    value: Decimal
    kind: Kind
    bound: Bound
    decimals: int
    word: bool
    start: int
    end: int


_UNITS: Final = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_PLACES: Final = "second third fourth fifth sixth seventh eighth ninth tenth"
_IN_WORDS: Final = (
    {w: Decimal(n) for n, w in enumerate(_UNITS.split())}
    | {w: Decimal(10 * n) for n, w in enumerate(_TENS.split(), 2)}
    | {"dozen": Decimal(12), "half": Decimal("0.5"), "halves": Decimal("0.5")}
)
_TIMES_IN_WORDS: Final = {
    **dict.fromkeys(("twice", "double", "doubles", "doubled", "doubling", "twofold", "two-fold"), Decimal(2)),
    **dict.fromkeys(("thrice", "triple", "triples", "tripled", "tripling", "threefold", "three-fold"), Decimal(3)),
}
_ORDINALS: Final = {w: Decimal(n) for n, w in enumerate(_PLACES.split(), 2)}
_SCALES: Final = {"k": 3, "K": 3, "M": 6, "B": 9, "T": 12, "thousand": 3, "million": 6, "billion": 9, "trillion": 12, "hundred": 2}

_NO_QUANTITY: Final = re.compile(
    r"""https?://\S+ | www\.\S+ | (?<![\w.+-])[\w.+-]+@\S+ | (?<!\w)[#@]\w+
    | \b(?:arxiv|doi)\b:?\s?\S*\d\S* | (?<![\d.])\d{4}\.\d{4,5}(?:v\d+)?(?![\d.])
    | \b(?:fig(?:ure)?s?|tab(?:le)?s?|eqs?|equations?|sec(?:tion)?s?|app(?:endix|endices)|algorithms?|theorems?|lemmas?|footnotes?|chapters?
        |pages?|pp?)(?:\.\s?|~|\s)(?:[A-Z]?\.?\d+(?:\.\d+)*|[A-Z]\b)(?:\s?\(?[a-z]\)?(?![\w]))?(?:\s?(?:,|and|&|-|–)\s?[A-Z]?\d+(?:\.\d+)*(?![\w%]|\.\d))*
    | \b[A-Za-z]+-\d+(?:\.\d+)*(?:[A-Za-z-]\w*)*\b | \b[^\W\d_]+\d[\w.-]*\w\b | \b[^\W\d_]\w*_\w*\b | \b[^\W\d_]+\d+\b
    | (?<![\w.])\d+D\b | \[\d+(?:\s?[,–-]\s?\d+)*\] | \b\d+(?:st|nd|rd|th)-order\b""",
    re.VERBOSE | re.IGNORECASE,
)
_DIGITS: Final = re.compile(
    r"""(?P<sign>(?<![\w.)\]%])(?<!\d\s)[-+−](?=[\d.]))?
    (?P<number>\d{1,3}(?:,\s?\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?|(?<![\w.])\.\d+)
    (?P<power>\s?[x×·*]\s?10(?:\^\{?[-−]?\d+\}?|[⁻⁰¹²³⁴-⁹]+|[-−]\d+)|[eE][-+−]?\d+(?!\w)|\^\{?[-−]?\d+\}?|[⁻⁰¹²³⁴-⁹]+)?
    (?:(?P<scale>[kKMBT](?![A-Za-z])|[\s-](?:hundred|thousand|million|billion|trillion)\b))?
    (?P<kind>\s?%|[\s-]?per\s?cent(?:age)?\b|\s?[x×X](?![\w])(?!\s?\d)|[\s-]times\b|-?\s?fold\b|(?:st|nd|rd|th)\b)?""",
    re.VERBOSE,
)
_WORDS: Final = re.compile(
    rf"\b(?:(?:{'|'.join(_TENS.split())})-(?:{'|'.join(_UNITS.split()[1:10])})|{'|'.join([*_IN_WORDS, *_TIMES_IN_WORDS, *_ORDINALS])})\b"
    r"(?P<scale>[\s-](?:hundred|thousand|million|billion|trillion)\b)?(?P<kind>[\s-]?per\s?cent\b|\s?%|[\s-]times\b|-?fold\b)?",
    re.IGNORECASE,
)
_LEAST: Final = re.compile(
    r"(?:>=?|≥|⩾|at least|no (?:less|fewer) than|minimum of|(?<!no )more than|exceed\w*|greater than)\s*$", re.IGNORECASE
)
_MOST: Final = re.compile(r"(?:<=?|≤|⩽|at most|up to|no more than|maximum of|(?<!no )(?:less|fewer) than)\s*$", re.IGNORECASE)
_ABOUT: Final = re.compile(
    r"(?:[~∼≈]|about|approximately|approx\.?|roughly|around|nearly|almost|circa|close to|some)\s*$", re.IGNORECASE
)
_RANGE: Final = re.compile(r"\s?(?:-|–|—|−|to|and)\s?", re.IGNORECASE)
_AMOUNTS: Final = {
    "dozens": 12,
    "scores": 20,
    "hundreds": 100,
    "thousands": 1000,
    "millions": 10**6,
    "billions": 10**9,
    "trillions": 10**12,
}
_AMOUNT: Final = re.compile(
    r"\b(?:(?:dozens|hundreds|thousands|millions|billions|trillions)(?:\sof\s(?:thousands|millions|billions))?|orders?\sof\smagnitude)\b",
    re.IGNORECASE,
)
_SUPERSCRIPT: Final = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
_FALLS: Final = re.compile(
    r"\b(?:decreas|declin|drop|fall|fell|reduc|lower|less|fewer|lost|lose|loss|worse|shrink|minus|negative|below|degrad|cut)",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)  # each sentence of a paper is looked at for many posts
def numbers_of(text: str) -> tuple[Number, ...]:
    """Return the numbers of a text in their order. "one", "first" and lone "third" are none: they are words of speech."""
    clear = _without_names(text)
    digits = [n for m in _DIGITS.finditer(clear) if (n := _in_digits(clear, m))]
    taken = [(n.start, n.end) for n in digits]
    words = [_in_words(clear, m) for m in _WORDS.finditer(clear) if not any(s < m.end() and m.start() < e for s, e in taken)]
    found = sorted(digits + [w for w in words if w], key=lambda n: n.start)
    return tuple(_of_range(n, after, clear) for n, after in zip(found, [*found[1:], None], strict=False))


def number_in(number: Number, evidence: str, given: Iterable[Number] | None = None) -> bool:
    """Return whether the evidence holds the number: the same value and kind; rounded where it says "about"; 75 % for 0.75.

    given: the numbers of the evidence, where they were read before.
    """
    return any(_same(number, other, evidence) for other in _readings(numbers_of(evidence) if given is None else given))


def amounts_of(text: str) -> tuple[str, ...]:
    """Return the amounts that a text gives only roughly: "hundreds of thousands", "dozens", "orders of magnitude"."""
    return tuple(m[0] for m in _AMOUNT.finditer(text))


def amount_in(amount: str, evidence: str) -> bool:
    """Return whether the evidence says a rough amount, or has a number of that size: 1,200 for "thousands"."""
    low = amount.lower()
    if low in evidence.lower():
        return True
    sizes = [_AMOUNTS[w] for w in re.findall(r"\w+", low) if w in _AMOUNTS]
    if not sizes:
        return "times" in {n.kind for n in numbers_of(evidence) if n.value >= 10}
    size = math.prod(sizes)
    return any(n.kind == "plain" and size <= n.value < 1000 * size for n in numbers_of(evidence))


def derived(number: Number, claim: str) -> tuple[Number, Number] | None:
    """Return the two numbers that a derived one names behind it: ``1.3x (0.52 vs 0.40)``; None where it names none."""
    behind = re.match(r"[^().]{0,40}\(([^()]*)\)", claim[number.end :])
    if behind is None:
        return None
    two = numbers_of(behind[1])
    return (two[0], two[1]) if len(two) == 2 else None


def recomputed(number: Number, two: tuple[Number, Number]) -> bool:
    """Return whether a derived number follows from its two sources, to the places written: ratio, difference or relative change."""
    a, b = abs(two[0].value), abs(two[1].value)
    high, low = max(a, b), min(a, b)
    results = [high - low]
    if low:
        results += [(high - low) / low * 100, high / low, low / high * 100] if number.kind == "percent" else [high / low]
    if number.kind == "percent" and high:
        results.append((high - low) / high * 100)
    if number.kind == "times":
        results = results[1:]
    step = Decimal(1).scaleb(-number.decimals)
    return any(abs(r - abs(number.value)) <= step / 2 for r in results)


def _of_range(low: Number, high: Number | None, text: str) -> Number:
    """The first of two numbers with what only the second says: ``2.7-4.76 times`` are both times, ``2-3M`` both millions."""
    if high is None or not _RANGE.fullmatch(between := text[low.end : high.start]):
        return low
    if low.kind == "plain" and high.kind in ("percent", "times"):
        low = replace(low, kind=high.kind)
    scale = re.search(r"\d([kKMBT])", high.text)
    if scale and re.fullmatch(r"[-–−]", between) and low.text.isdigit():
        low = replace(low, value=low.value.scaleb(_SCALES[scale[1]]))
    return low


def _same(number: Number, other: Number, evidence: str) -> bool:
    value, there = number.value, other.value
    if value != there and abs(value) == abs(there):
        there = value if _FALLS.search(evidence) else there
    kinds = {number.kind, other.kind}
    equal = value == there
    if number.bound == "about" and not equal and not number.word:
        equal = other.decimals > number.decimals and abs(value - there) <= Decimal(1).scaleb(-number.decimals) / 2
    if len(kinds) == 1 or (
        kinds == {"plain", "percent"} and (number.kind == "plain" or re.search(r"%|per\s?cent|point", evidence))
    ):
        return equal
    if kinds == {"plain", "times"}:
        return equal and bool(re.search(r"factor|ratio|fold", evidence))
    if kinds == {"plain", "percent"}:
        return value == there * 100
    return False


def _readings(numbers: Iterable[Number]) -> Iterable[Number]:
    """Each number, and what else it may be: ``50, 150`` is 50150 or two numbers."""
    for n in numbers:
        yield n
        if re.search(r",\s", n.text):
            for part in re.findall(r"\d+", n.text):
                yield replace(n, value=Decimal(part))


def _without_names(text: str) -> str:
    """The text with spaces in place of whatever has digits and is no quantity; offsets stay."""

    def blank(m: re.Match[str]) -> str:
        if re.match(r"[a-z]+-\d", m[0]):  # top-5, but not GPT-5
            return m[0]
        return "\x01" * len(m[0])

    return _NO_QUANTITY.sub(blank, text)


def _in_digits(text: str, m: re.Match[str]) -> Number | None:
    value = Decimal(re.sub(r"[,\s]", "", m["number"]))
    if m["power"]:
        exponent = re.sub(r"^(?:\s?[x×·*]\s?10|[eE])?\^?\{?|\}$", "", m["power"]).translate(_SUPERSCRIPT)
        e = int(exponent)
        if abs(e) > 400:
            return None
        value = value.scaleb(e) if re.match(r"\s?[x×·*eE]", m["power"]) else value**e
    scale = _SCALES.get((m["scale"] or "").strip(" -\t\n"), 0)
    value = value.scaleb(scale) * (-1 if m["sign"] in ("-", "−") else 1)
    decimals = len(m["number"].partition(".")[2]) - scale
    return Number(m[0].strip(), value.normalize(), _kind(m["kind"]), _bound(text[: m.start()]), decimals, False, m.start(), m.end())


def _in_words(text: str, m: re.Match[str]) -> Number | None:
    word = re.split(r"[\s%]|-(?=fold|times|per)|(?<=y)-", m[0].lower())[0]
    kind = _kind(m["kind"])
    if m[0].lower() in _TIMES_IN_WORDS:
        return Number(m[0], _TIMES_IN_WORDS[m[0].lower()], "times", _bound(text[: m.start()]), 0, True, m.start(), m.end())
    if word in _ORDINALS:
        return Number(m[0], _ORDINALS[word], "ordinal", "", 0, True, m.start(), m.end())
    value = _IN_WORDS.get(word)
    if value is None:
        return None
    compound = re.match(r"[a-z]+-([a-z]+)", m[0].lower())
    if compound and compound[1] in _IN_WORDS:
        value += _IN_WORDS[compound[1]]
    value = value.scaleb(_SCALES.get((m["scale"] or "").strip(" -").lower(), 0))
    if value == 1 and kind == "plain":
        return None
    return Number(m[0], value.normalize(), kind, _bound(text[: m.start()]), 0, True, m.start(), m.end())


def _kind(written: str | None) -> Kind:
    sign = (written or "").strip(" -\t\n").lower()
    if not sign:
        return "plain"
    if sign in ("st", "nd", "rd", "th"):
        return "ordinal"
    return "percent" if sign == "%" or sign.startswith("per") else "times"


def _bound(before: str) -> Bound:
    near = before[-24:]
    if _LEAST.search(near):
        return "least"
    if _MOST.search(near):
        return "most"
    return "about" if _ABOUT.search(near) else ""
