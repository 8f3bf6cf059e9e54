"""Paragraphs to numbered sentences: broken words made whole, footnote marks taken out, no sentence ended by "e.g." or "et al."."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from breadth.announce.read.blocks import Sheet
from breadth.announce.read.lines import HYPHEN, Line
from breadth.announce.read.sections import Paragraph
from breadth.announce.source import Box, Sentence

__all__ = ["Evidence", "marks_of", "sentences_of", "split", "text_of", "vocabulary", "whole"]

SYMBOLS = frozenset("∗*†‡§¶‖⋆♠♣♥♦")
GAP = "…"  # where a displayed formula stands
NOTE = 0xE000  # private signs that stand for the footnotes' numbers until the sentences are known
ADDRESS = re.compile(r"https?://|www\.|(?:github|gitlab|bitbucket|huggingface|zenodo)\.(?:com|org|co)/", re.I)
EDGE = re.compile(r"^[^\w]+|[^\w]+$")
# a boundary: a full stop, closing quotes or brackets, a blank, and what may begin a sentence
STOP = re.compile(
    r"(?P<mark>[.!?])(?P<close>[\"'”’)\]\ue000-\ue0ff]*)(?P<note>(?:\[\d[\d, –-]*\])?)\s+(?=[\"'“‘(\[]*[^\Wa-z_]|[•◦▪■‣])"
)
SHORT = re.compile(
    r"(?:^|[\s(\[“\"'‘–—/])(?:e\.g|i\.e|et al|al|cf|vs|viz|resp|approx|a\.k\.a|w\.r\.t|ca|figs?|eqs?|eqns?|secs?|sects?|tabs?|refs?|"
    r"chaps?|ch|apps?|appx|thms?|props?|lems?|cors?|defs?|algs?|assump|nos?|vols?|pp?|dr|prof|mr|mrs|ms|st|inc|ltd|co|corp|jr|sr|dept|univ|"
    r"ed|eds|est|min|max|avg|std|incl|excl|ext|suppl|i\.i\.d|u\.s|u\.k|e\.u)$",
    re.I,
)
NAMED = re.compile(
    r"\b(?:Appendix|Appendices|App\.|Appx\.|Section|Sec\.|Figure|Fig\.|Table|Tab\.|Part|Panel|Theorem|Assumption|Model|Task|Type)\s[A-Z]$"
)
NUMBER = re.compile(
    r"\s*(?:\(?(?:\d{1,2}|[a-zA-Z]|[ivxIVX]{1,4})|(?:Figure|FIGURE|Fig\.|FIG\.|Table|TABLE|Algorithm|Listing)\s*[A-Z\d.]{1,6})"
)
INITIAL = re.compile(r"(?:^|[\s(.\-])[^\W\d_a-z]$")
# what TeX may break a word at, and looks like a word; and what nearly always keeps its hyphen
GLUED = re.compile(
    "on|in|out|over|under|up|down|with|for|to|be|any|some|every|what|when|where|who|how|so|there|here|may|no|not|an|"
    "as|at|by|of|or|if|off|it|is|after|before|self|non|re|un|dis|de|pre|sub|co|inter|intra|trans|super|semi|anti|auto|bio|geo|micro|macro|hyper|meta|multi|pro|per|con|com"
)
HYPHENED = re.compile(
    "self|well|state|non|cross|high|low|long|short|large|small|fine|data|single|two|three|one|zero|few|real|open|end"
)


@dataclass(frozen=True)
class Evidence:
    """A paper's sentences, and where they stand.

    notes: number of a footnote's sentence -> that of the sentence that bears its mark; rows: (page, box, number) of every printed row of
    every sentence.
    """

    sentences: tuple[Sentence, ...]
    notes: dict[int, int]
    rows: tuple[tuple[int, Box, int], ...]


def vocabulary(sheets: Sequence[Sheet]) -> Counter[str]:
    """Return how often each word stands whole in a paper, in small letters; halves of broken words are left out."""
    found = Counter[str]()
    for sheet in sheets:
        broken = False
        for line in sheet.lines:
            tokens = line.text.lower().split()
            cut = line.text.endswith((HYPHEN, "-"))
            for token in tokens[broken : len(tokens) - cut]:
                found[EDGE.sub("", token)] += 1
            broken = cut
    return found


def whole(first: str, second: str, words: Counter[str]) -> str:
    """Return the two halves of a word broken at a line's end as one: with its hyphen where the paper prints it so, or it is two words."""
    head, tail = first.rsplit(" ", 1)[-1].rsplit("—", 1)[-1], second.split(" ", 1)[0]
    a, b = EDGE.sub("", head), EDGE.sub("", tail)
    for piece in ("’s", "'s"):
        b = b.removesuffix(piece)
    joined, hyphened = words[(a + b).lower()], words[f"{a}-{b}".lower()]
    last, next_one = a.rsplit("-", 1)[-1].lower(), b.split("-", 1)[0].lower()
    both = min(words[last], words[next_one]) >= 2 and min(len(last), len(next_one)) >= 3
    if ADDRESS.search(head):
        keep = True
    elif joined != hyphened:
        keep = hyphened > joined
    elif not a or not b or a[-1].isdigit() or b[0].isdigit() or (b[0].isupper() and (a[-1].isupper() or a[0].islower())):
        keep = True
    elif words[last + next_one]:
        keep = False
    elif "-" in a:
        keep = min(words[last], words[next_one]) >= 1
    else:
        split_words = both and not GLUED.fullmatch(last) and not GLUED.fullmatch(next_one)
        keep = HYPHENED.fullmatch(last) is not None or split_words
    return f"{first}-{second}" if keep else first + second


def marks_of(paragraphs: Sequence[Paragraph]) -> dict[int, set[str]]:
    """Return, for every page, the numbers that its footnotes begin with."""
    found: dict[int, set[str]] = defaultdict(set)
    for paragraph in paragraphs:
        if paragraph.role == "footnote":
            match = re.match(r"^\d{1,2}", paragraph.rows[0][1].text)
            if match is not None:
                found[paragraph.page].add(match.group())
    return found


def line_text(line: Line, marks: set[str], skip: int = 0) -> str:
    """Return a line as text, footnote marks as private signs; a power behind a digit is set off by "^", so that 10 to the 5th is not 105."""
    out = ""
    for i, word in enumerate(line.words):
        text = word.text
        if i < skip:
            continue
        if word.raised:
            parts = [p for p in re.split(r"[,\s]+", text) if p]
            if all(p in marks or (set(p) <= SYMBOLS and (word.glued or not out)) for p in parts):
                out += "".join(chr(NOTE + int(p)) for p in parts if p in marks)
                continue
            if out[-1:].isdigit() and word.glued and (text[0].isdigit() or text[0] in "−-+"):
                text = "^" + text
        out += text if word.glued or not out else f" {text}"
    return out


def text_of(paragraph: Paragraph, marks: dict[int, set[str]], words: Counter[str]) -> tuple[str, list[int], list[int]]:
    """Return a paragraph as one line of text; where in it each of its rows begins; and those rows' pages."""
    out, starts, pages, skip = "", [], [], paragraph.lead
    for k, (page, row) in enumerate(paragraph.rows):
        parts = []
        for line in row.lines:
            parts.append(line_text(line, marks.get(page, set()), skip))
            skip = max(0, skip - len(line.words))
        text = " ".join(p for p in parts if p).strip()
        if k == 0 and paragraph.role == "footnote":
            mark = row.lines[0].words[0]
            text = (
                text.removeprefix(mark.text).lstrip(". ")
                if mark.raised
                else re.sub(r"^(?:\d{1,2}(?!st|nd|rd|th|[\d.,%])|[∗*†‡§¶]+\.?)\s*", "", text)
            )
        if k in paragraph.gaps:
            out = f"{out.rstrip()} {GAP}"
        if out.endswith(HYPHEN) or (out.endswith("-") and text[:1].isalnum() and not out.endswith((" -", "--"))):
            first = text.split(" ", 1)[0]
            head = out[:-1]
            starts.append(len(head) - len(head.rsplit(" ", 1)[-1]))
            out = whole(head, first, words) + text[len(first) :]
        elif text and address_goes_on(out, text):
            starts.append(len(out))
            out += text
        else:
            starts.append(len(out) + bool(out))
            out = f"{out} {text}" if out and text else out + text
        pages.append(page)
    return re.sub(f" ?{HYPHEN}", "-", out), starts, pages


def address_goes_on(out: str, text: str) -> bool:
    """Return whether a row ends within a web address that the next one goes on with."""
    last, first = out.rsplit(" ", 1)[-1], text.split(" ", 1)[0]
    if re.search(r"\b(?:github|gitlab|bitbucket|huggingface|zenodo)\.$", last) and re.match(r"(?:com|org|co)/\w", first):
        return True
    if ADDRESS.search(last) is None:
        return False
    if last[-1] in "/_=&?%~#":
        return True
    if last[-1] in ".,;:)":
        return last[-1] == "." and first[:1].islower() and "/" in first
    return "/" in first.strip("/") or "_" in first or re.search(r"\d.*[a-z]|[a-z].*\d", first) is not None


def split(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of a text begin and end."""
    found, begin = [], 0
    for match in STOP.finditer(text):
        before = text[begin : match.start()]
        if (
            match["mark"] == "."
            and not match["close"]
            and (SHORT.search(before) or (INITIAL.search(before) and not NAMED.search(before)))
        ):
            continue
        if match["mark"] == "?" and (before[-1:] in " ([?" or before == ""):
            continue  # a citation that was never resolved
        if match["mark"] == "." and NUMBER.fullmatch(before):
            continue  # the number of a list's item or of a caption
        end = match.end("note")
        found.append((begin, end))
        begin = match.end()
    if text[begin:].strip():
        found.append((begin, len(text)))
    return found


def sentences_of(paragraphs: Sequence[Paragraph], words: Counter[str], *, title: str = "", page: int = 1) -> Evidence:
    """Return the sentences of a paper in reading order, numbered from 1; the title is the first where one is given, on ``page``."""
    marks = marks_of(paragraphs)
    found = [Sentence(1, page, title, "", "title", f"p. {page}")] if title else []
    bearers: dict[tuple[int, int], int] = {}
    feet: list[tuple[int, int, int]] = []
    rows: list[tuple[int, Box, int]] = []
    for paragraph in paragraphs:
        text, starts, pages = text_of(paragraph, marks, words)
        if paragraph.role == "abstract":
            named = re.match(r"abstract\s*[—–:.-]*\s*", text, re.I)
            text = text if named is None or named.end() == 8 else " " * named.end() + text[named.end() :]
        foot = re.match(r"\d{1,2}", paragraph.rows[0][1].text) if paragraph.role == "footnote" else None
        for begin, end in split(text):
            said = text[begin:end]
            number = len(found) + 1
            first, last = max(0, bisect_right(starts, begin) - 1), max(0, bisect_right(starts, end - 1) - 1)
            for sign in re.findall("[\ue000-\ue0ff]", said):
                bearers.setdefault((pages[first], ord(sign) - NOTE), number)
            said = re.sub("[\ue000-\ue0ff]", "", said).strip()
            if not re.search(r"[^\W_]", said):
                continue
            if foot is not None:
                feet.append((paragraph.page, int(foot.group()), number))
            found.append(Sentence(number, pages[first], said, paragraph.section, paragraph.role, f"p. {pages[first]}"))
            rows += [(pages[k], paragraph.rows[k][1].bbox, number) for k in range(first, last + 1)]
    notes = {number: bearers[page, mark] for page, mark, number in feet if (page, mark) in bearers}
    return Evidence(tuple(found), notes, tuple(rows))
