"""The words of a post or a sentence in the form in which they are compared: prose without addresses and tags, claims, stems."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["GREETING", "NUMBERING", "URL", "Word", "claims_of", "content", "plain", "prose_of", "stem", "word_set", "words_of"]

URL: Final = re.compile(r"(?:https?://|www\.)[^\s<>\"]+", re.IGNORECASE)
GREETING: Final = re.compile(
    r"^by\b|\b(?:excited|share|thrilled|happy|joint|co-?lead|led by|(?-i:with(?= @| [A-Z]))|supervised|accepted|our .*paper|others)\b",
    re.IGNORECASE,
)
"""How the first post presents the paper and its authors; what it finds is said in other sentences."""
NUMBERING: Final = re.compile(r"(\d+)/(\d+)")

_FILL = re.compile(r"\[FILL:[^\]\n]*\]")
_TAG = re.compile(r"(?<!\w)[#@][\w.-]*\w")
_LIST = re.compile(r"^[ \t]*(?:[-*•‣–+]|\(?\d{1,2}[.)])[ \t]+", re.MULTILINE)
_SPACES = re.compile(r"\s+")
_SAME = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–−﹣－", "-"),
        **dict.fromkeys("’‘ʼ`´", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("     \u200a\u3000", " "),
        **dict.fromkeys("\u00ad\u200b\u2060\ufeff", None),
        "—": " - ",
        "…": "...",
        "ﬁ": "fi",
        "ﬂ": "fl",
        "ﬀ": "ff",
        "ﬃ": "ffi",
        "ﬄ": "ffl",
        "⩾": "≥",
        "⩽": "≤",
        "∼": "~",
        "≈": "~",
    }
)
_WORD = re.compile(r"[^\W_]+(?:[-'&./+][^\W_]+)*|[<>≤≥=]=?")
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[*]*[A-Z0-9])|\n\s*\n|\n(?=\x00)")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|cf|vs|etc|Fig|Figs|Tab|Eq|Sec|Ref|Dr|Prof|al|resp|approx|No|coef|div|[A-Z]))\.[\"')\]]*\s*$"
)


def word_set(text: str) -> frozenset[str]:
    """Return the words of a list that is written as one text."""
    return frozenset(text.split())


STOP: Final = word_set(
    """a about above according across after again against all almost along already also although among an and any are as at b
    be because been before being below between both but by can could did do does doing done down during each either even
    ever every few first for from further get give given gives had has have having here how however i if in indeed into is
    it its itself just largely least let like likely made make makes may me might more moreover most much must my namely
    near nearly need new next no nor not now of off often on once one only onto or other others our ours out over own paper
    per perhaps quite rather really same see seen several shall she should show showed shown shows since so some still such
    than that the their them then there thereby therefore these they this those though through thus to together too under
    until up upon us use used uses using various very via was we well were what when where whereas whether which while who
    whom whose why will with within without work would yet you your find finds found observe observed demonstrate
    demonstrates demonstrated provide provides present presents propose proposes introduce introduces report reports it's
    we're don't isn't doesn't"""
)
"""Words that say nothing about what a sentence is about; directions, negations and hedges among them are checked on their own."""


class Word:
    """A word: as written, its stem, and where it stands. A plain class with slots, for a paper has ten thousand."""

    __slots__ = ("end", "start", "stem", "text")

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text, self.start, self.end = text, start, end
        self.stem = stem(text)


def plain(text: str) -> str:
    """Return text with one kind of dash, quote and space, without ligatures and soft hyphens: how quotes are compared."""
    return _SPACES.sub(" ", text.translate(_SAME)).strip()


def prose_of(text: str) -> str:
    """Return what a post says: without addresses, tags, handles, FILL marks, bold marks and its last line n/N."""
    lines = text.strip().split("\n")
    if NUMBERING.fullmatch(lines[-1].strip()):
        lines.pop()
    prose = "\n".join(lines)
    for pattern in (_FILL, URL, _TAG):
        prose = pattern.sub(" ", prose)
    return re.sub(r"\*\*|__", "", prose).strip()


def claims_of(prose: str) -> tuple[str, ...]:
    """Return the sentences of a post's prose; a blank line and a list's next entry end one too."""
    marked = _LIST.sub("\x00", prose)
    claims: list[str] = []
    start = 0
    for end in _END.finditer(marked):
        if end[0].strip() == "" and "\n" not in end[0] and _ABBREVIATED.search(marked[start : end.start()]):
            continue
        claims.append(marked[start : end.start()])
        start = end.end()
    claims.append(marked[start:])
    cleaned = (plain(c.replace("\x00", "")) for c in claims)
    return tuple(c for c in cleaned if re.search(r"\w", c))


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """Return the stem of a word: small letters, without plural, -ed, -ing, -ly and hyphens ("pre-trained" -> "pretrain")."""
    w = re.sub(r"'s?$|[-./]", "", word.lower())
    if w in ("data", "dataset", "datasets"):
        return "dataset"
    for ending, rest in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ations", ""),
        ("ation", ""),
        ("ings", ""),
        ("ing", ""),
        ("edly", ""),
        ("ed", ""),
        ("ly", ""),
    ):
        if w.endswith(ending) and len(w) - len(ending) >= 4:
            w = w[: -len(ending)] + rest
            break
    else:
        if w.endswith("s") and not w.endswith(("ss", "us", "is")) and len(w) > 3:
            w = w[:-1]
    if len(w) > 4 and w[-1] == w[-2] and w[-1] not in "sl":
        w = w[:-1]
    if w.endswith("at") and len(w) > 5:
        w = w[:-2]
    return w[:-1] if w.endswith("e") and len(w) > 4 else w


def words_of(text: str) -> list[Word]:
    """Return the words of plain text in their order."""
    return [Word(m[0], m.start(), m.end()) for m in _WORD.finditer(text)]


@lru_cache(maxsize=8192)  # each sentence of a paper is looked at for many posts
def content(text: str) -> frozenset[str]:
    """Return the stems of the words that say what a text is about; numbers are not among them."""
    text = re.sub(r"\bdata[ -]sets?\b", "dataset", text, flags=re.IGNORECASE)
    return frozenset(
        w.stem
        for w in words_of(text)
        if w.text.lower() not in STOP and w.text[0].isalpha() and (len(w.text) > 1 or w.text.isupper())
    )
