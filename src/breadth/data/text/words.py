"""Words: how a text is cut where no tokeniser is meant, the same for every script."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

__all__ = ["plain_words", "word_spans"]

# Scripts without spaces between words, in which a character is the nearest thing to a word: kana, Han and its compatibility forms.
_SINGLE = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))


@cache
def _pattern() -> re.Pattern[str]:
    """A run of letters, digits and their marks (``\\w`` knows no marks and would cut words of Indic scripts), or one other character."""
    ranges = list[list[int]]()
    for code in range(0x10000):
        if unicodedata.category(chr(code))[0] not in "LNM" or any(low <= code <= high for low, high in _SINGLE):
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return re.compile("[" + "".join(f"\\u{low:04x}-\\u{high:04x}" for low, high in ranges) + r"]+|\S")


def word_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of every word, number, punctuation mark and, in kana and Han and beyond the basic plane, character."""
    return (match.span() for match in _pattern().finditer(text))


def plain_words(text: str) -> list[str]:
    """Return the words and numbers of a text, case folded, without punctuation; kana and Han characters one by one."""
    return [word for word in _pattern().findall(text.casefold()) if word[0].isalnum()]
