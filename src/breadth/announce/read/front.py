"""The front of a paper: its title, its authors' names, and a venue and address where they are printed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from breadth.announce.read.blocks import WORDLIKE, Body, Sheet
from breadth.announce.read.lines import HYPHEN, Line, Word

__all__ = ["Front", "front_of"]

PARTICLES = re.compile(
    "van|von|de|der|den|del|della|di|da|dos|das|do|la|le|el|al|bin|ibn|ben|ter|ten|zu|zur|y|e|af|av|du|des|st|san|mac|mc|dal|lo"
)
PLACE = re.compile(
    r"\b(?:universit\w*|institut\w*|instituto|department|dept|school|college|laborator\w+|labs?|centre|center|academy|faculty|hospital|research|"
    r"inc|ltd|llc|gmbh|corp(?:oration)?|company|technolog\w+|sciences?|engineering|division|group|team|foundation|ministry|council|"
    r"google|microsoft|meta|deepmind|openai|nvidia|amazon|apple|ibm|intel|adobe|huawei|tencent|alibaba|baidu|bytedance|samsung|facebook|"
    r"(?-i:MIT|CNRS|INRIA|ETH|EPFL|KAIST|CSAIL|USA|UK|AI)|inria|china|germany|france|canada|japan|korea|india|switzerland|italy|spain|australia|singapore|"
    r"abstract|keywords|corresponding|correspondence|equal|contribution|contributed|authors?|email|editor|received|accepted|published|preprint|"
    r"mathematics|physics|informatics|economics|statistics|computing|intelligence|learning|systems|"
    r"conference|proceedings|journal|workshop|transactions|volume|version|draft|january|february|march|july|september|"
    r"october|november|december|reviewed|openreview|submitted|supervisor|advisor|anonymous)\b",
    re.I,
)
DEGREE = re.compile(
    r",?\s*\b(?:(?:Student|Senior|Graduate Student|Life)\s+)?(?:Member|Fellow),?\s+(?:IEEE|ACM)\b|"
    r",?\s*\b(?:Ph\.?\s?D\.?|M\.?D\.?|M\.?Sc\.?|B\.?Sc\.?|Dr\.-Ing\.|MBA|MPH)(?=[\s,;]|$)|^(?:Dr|Prof)\.?\s+"
)
SEPARATOR = re.compile(r"\s*(?:,|;|·|•|∙|\||&|\band\b|\bAND\b)\s*")
STARRED = re.compile(r"[∗*†‡§¶‖⋆⋄♠♣♥♦✉⊥#◦△▽□■⟡⁎✝✻ ̊°^]+")
ARXIV = re.compile(r"arXiv:\s?(\d{4}\.\d{4,5})(?:v\d+)?", re.I)
DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|\bdoi:?\s*)(10\.\d{4,9}/[^\s,;]+)", re.I)
OWN = re.compile(
    r"https?://(?:openreview\.net/(?:forum|pdf)\?id=[\w-]+|proceedings\.\S+|aclanthology\.org/\S+|(?:www\.)?jmlr\.org/papers/\S+)"
)
PLACEHOLDER = re.compile(r"X{3,}|x{4,}|n{4,}|\bTBD\b|\bTBA\b|0{7}|1{7}|1234567", re.I)
NOT_YET = re.compile(
    r"\bunder review\b|\bsubmitted to\b|\bdo not distribute\b|\bnot accepted\b|\bconference acronym\b|\bin submission\b|\bwork in progress\b",
    re.I,
)
SHORT_VENUE = re.compile(r"\(([A-Z][A-Za-z]*[A-Z][A-Za-z]*(?:[- ][A-Za-z]+)?)[ ’']{0,2}\s?((?:20|19)?\d\d)\)")
PUBLISHED = re.compile(
    r"(?:published|accepted|presented|to appear|appears?|appearing)\s+(?:as an?\s+[\w\s-]{3,30}?paper\s+)?"
    r"(?:for (?:publication|presentation) )?(?:at|in|by|for|to)\s+(?:the\s+)?(?P<name>[^.;]*?\b(?:20|19)\d\d\b\)?)",
    re.I,
)
MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
NAMED_VENUE = re.compile(
    r"(?P<name>(?:(?:(?:IEEE|ACM) )?(?:Proceedings|Findings|Advances|Transactions|Journal|PROCEEDINGS|TRANSACTIONS|JOURNAL) "
    r"(?:of|on|in|OF|ON|IN)\b|"
    r"(?:\d+(?:st|nd|rd|th) )?(?:[A-Z][\w@/-]+ )*(?:Conference|Workshop|Symposium|Workshops)\b|"
    rf"(?!{MONTH})[A-Z][A-Za-z]*[A-Z][A-Za-z]* ’?'?(?:20)?\d\d\b)[^.;]*?)(?=[.;]|,? (?:[Vv]ol|VOL|[Nn]o|NO)\.? \d|,? \bpages\b|$)"
)
HEAD = re.compile(r"(?:abstract|summary)\b(?:\s*[—–:.-]|$)|(?:[1I]\.?\s+)?introduction$", re.I)
FEWEST = 30  # words of an abstract without a heading
ABSTRACT = re.compile(r"(?:abstract|summary)\b", re.I)
YEAR = re.compile(r"\b(?:19|20)\d\d\b")


@dataclass(frozen=True)
class Front:
    """title, authors: as printed; venue, paper_url: None where none is; page: that of the title, from 1; start: points from its top at
    which the text begins."""

    title: str
    authors: tuple[str, ...]
    venue: str | None
    paper_url: str | None
    page: int
    start: float


@dataclass(frozen=True)
class Name:
    """What may be a name, with the look of its line. row: which line of the front it stands in; x: its left edge."""

    text: str
    row: int
    look: tuple[str, float]
    sure: bool


def front_of(sheets: Sequence[Sheet], body: Body, gone: Sequence[set[int]]) -> Front:
    """Return what the first page, behind a cover the page with the abstract, says of the paper itself.

    gone: indices of each page's running heads and the like.
    """
    page = behind_cover(sheets, body)
    sheet = sheets[page]
    lines = [line for i, line in enumerate(sheet.lines) if i not in gone[page] and line.angle == 0]
    start = beginning(lines, sheet, body)
    above = [line for line in lines if line.bbox[1] < start - 1]
    titled = title_lines(above, sheet, body)
    low = max((line.bbox[3] for line in titled), default=0.0)
    under = [line for line in above if line.bbox[1] > low - 2 and line not in titled]
    address = address_of(sheet) or address_of(sheets[0])
    return Front(title_of(titled), authors_of(under), venue_of(sheet, body, titled), address, page + 1, start)


def behind_cover(sheets: Sequence[Sheet], body: Body) -> int:
    """Return the page, from 0, on which a paper begins: the first, unless only one of the next two has a title over an abstract."""
    if any(HEAD.match(compact(x.text)) for x in sheets[0].lines):
        return 0
    for n, sheet in enumerate(sheets[1:3], 1):
        heads = [x.bbox[1] for x in sheet.lines if re.fullmatch(r"abstract\W?", compact(x.text), re.I)]
        if heads and any(x.bbox[3] < heads[0] and largest(x) > 1.2 * body.size for x in sheet.lines):
            return n
    return 0


def compact(text: str) -> str:
    """Return a text whose letters are not set apart."""
    return re.sub(r"(?<=\b\w)\s(?=\w\b)", "", text)


def beginning(lines: Sequence[Line], sheet: Sheet, body: Body) -> float:
    """Return where the abstract or, without one, the running text begins: points from the top of the first page.

    An abstract may bear no heading: then it is the first prose under the title, above the introduction's heading if there is one.
    """
    heads = [x for x in lines if HEAD.match(compact(x.text))]
    head = min(heads, key=lambda x: x.bbox[1], default=None)
    if head is not None and any(ABSTRACT.match(compact(x.text)) for x in heads):
        return head.bbox[1]
    above = [x for x in lines if head is None or x.bbox[1] < head.bbox[1]]
    low = max((x.bbox[3] for x in title_lines(above, sheet, body)), default=0.0)
    prose = [g for g in prose_of(lines) if g[0].bbox[1] > low - 2]
    if head is not None:
        over = [g for g in prose if g[-1].base < head.base and g[0].bbox[0] - 2 < head.bbox[0] < max(x.bbox[2] for x in g)]
        return min([head.bbox[1], *(g[0].bbox[1] for g in over)])
    if prose:
        return min(g[0].bbox[1] for g in prose)
    ordered = sorted((x for x in lines if abs(x.size - body.size) < 1.2 and not x.bold), key=lambda x: x.base)
    for a, b, c in zip(ordered, ordered[1:], ordered[2:], strict=False):
        alike = all(len(WORDLIKE.findall(x.text)) >= 5 and "@" not in x.text and not PLACE.search(x.text) for x in (a, b, c))
        if alike and c.base - a.base < 3.2 * body.leading and abs(b.bbox[0] - c.bbox[0]) < 2:
            return a.bbox[1]
    return 0.5 * sheet.height


def prose_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines of one size that follow one another at one left edge, the first perhaps indented, where they are sentences."""
    groups: list[list[Line]] = []
    for line in sorted(lines, key=lambda x: x.base):
        for group in groups:
            last = group[-1]
            shift = last.bbox[0] - line.bbox[0]
            edge = abs(shift) < 2 or (len(group) == 1 and 0 < shift < 3 * line.size)
            if edge and abs(last.size - line.size) < 0.6 and 0 < line.base - last.base < 2.1 * line.size:
                group.append(line)
                break
        else:
            groups.append([line])
    found = []
    for group in groups:
        words = [w for line in group for w in WORDLIKE.findall(line.text)]
        small = sum(w[0].islower() for w in words)
        text = " ".join(line.text for line in group)
        if len(group) >= 3 and len(words) >= FEWEST and small > 0.65 * len(words) and "@" not in text and text.count(". ") > 0:
            found.append(group)
    return found


def title_lines(lines: Sequence[Line], sheet: Sheet, body: Body) -> list[Line]:
    """Return the lines of the title: the largest ones, or the bold ones, that follow one another in one size."""
    large = [x for x in lines if largest(x) > 1.12 * body.size and WORDLIKE.search(x.text) and x.bbox[1] < 0.6 * sheet.height]
    if not large:
        large = [x for x in lines if x.bold and len(WORDLIKE.findall(x.text)) >= 2][:1] or list(lines[:1])
    groups: list[list[Line]] = []
    for line in sorted(large, key=lambda x: (x.base, x.bbox[0])):
        for group in groups:
            last = group[-1]
            near = -0.4 * last.size < line.base - last.base < 2.1 * max(largest(last), largest(line))
            if near and abs(largest(line) - largest(last)) < 0.06 * largest(last) and line.bold == last.bold:
                group.append(line)
                break
        else:
            groups.append([line])
    proper = [g for g in groups if len(WORDLIKE.findall(" ".join(x.text for x in g))) >= 2] or groups
    return max(proper, key=lambda g: (round(largest(g[0])), sum(len(x.text) for x in g)), default=[])


def largest(line: Line) -> float:
    """Return the size of a line's largest words, which in small capitals is not that of most letters."""
    return max((w.size for w in line.words if WORDLIKE.search(w.text)), default=line.size)


def title_of(lines: Sequence[Line]) -> str:
    """Return the title's lines as one, without footnote marks."""
    out = ""
    for line in lines:
        text = "".join(w.text if w.glued else f" {w.text}" for w in line.words if not footnoted(w)).strip()
        text = STARRED.sub("", text) if STARRED.search(text[-1:]) else text
        if out.endswith(HYPHEN):
            out = out[:-1] + ("-" if text[:1].isupper() else "") + text
        elif out.endswith("-") and text[:1].isalpha():
            out += text
        else:
            out = f"{out} {text}".strip()
    return re.sub(r"\s+", " ", out).replace(HYPHEN, "-").strip()


def footnoted(word: Word) -> bool:
    return word.raised and (bool(STARRED.fullmatch(word.text)) or word.text.isdigit())


def authors_of(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return the names between the title and the abstract, in the order of print: row by row, from the left."""
    names: list[Name] = []
    rows = in_rows(lines)
    kinds: list[str] = []
    for number, row in enumerate(rows):
        found = [name for line in row for name in names_in(line, number)]
        text = " ".join(line.text for line in row)
        named = bool(found) and all(n.sure for n in found)
        kinds.append("mail" if "@" in text else "name" if named else "other")
        names += [n for n in found if n.sure]
    if not names:
        return ()
    look = names[0].look
    others = {look_of(line) for k, row in zip(kinds, rows, strict=True) for line in row if k != "name"}
    told = look not in others  # the names have a look of their own
    kept: list[str] = []
    for name in names:
        before = kinds[name.row - 1] if name.row else "name"
        gap = rows[name.row][0].base - rows[name.row - 1][0].base if name.row else 0.0
        fresh = before in {"name", "mail"} or gap > 1.9 * rows[name.row][0].size
        if (
            abs(name.look[1] - look[1]) < 0.3
            and (name.look[0] == look[0] or not told)
            and (told or fresh)
            and name.text not in kept
        ):
            kept.append(name.text)
    return tuple(kept)


def in_rows(lines: Sequence[Line]) -> list[list[Line]]:
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda x: (x.base, x.bbox[0])):
        if rows and abs(rows[-1][0].base - line.base) < 0.35 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [sorted(row, key=lambda x: x.bbox[0]) for row in rows]


def look_of(line: Line) -> tuple[str, float]:
    return line.font, round(line.size, 1)


def names_in(line: Line, row: int) -> list[Name]:
    """Return the parts of a line between separators, marks and wide blanks; sure: it reads as a person's name."""
    if "@" in line.text or "http" in line.text:
        return []
    parts: list[list[Word]] = [[]]
    last: Word | None = None
    for word in line.words:
        wide = last is not None and word.bbox[0] - last.bbox[2] > 0.75 * line.size
        mark = word.raised or re.fullmatch(r"[\d,\s]+|[∗*†‡§¶‖⋆]+", word.text) is not None
        if (wide and not mark) or (mark and parts[-1]):
            parts.append([])
        if not mark:
            parts[-1].append(word)
        last = word
    names: list[Name] = []
    for words in parts:
        text = "".join(w.text if w.glued else f" {w.text}" for w in words).strip()
        text = re.sub(r"\((?:[^()]*)\)", "", DEGREE.sub("", text))
        for piece in SEPARATOR.split(text):
            name = (
                re.sub(r"\s+", " ", STARRED.sub(" ", re.sub(r"(?<=[^\W\d_])\d+$", "", piece.strip()))).strip(" .,:;")
                if piece
                else ""
            )
            if piece.strip().endswith((" Jr.", " Sr.")):
                name += "."
            if name in ("Jr", "Sr", "II", "III", "IV") and names:
                names[-1] = Name(
                    f"{names[-1].text}, {name}{'.' if name in ('Jr', 'Sr') else ''}", row, names[-1].look, names[-1].sure
                )
            elif name:
                names.append(Name(name, row, look_of(line), is_name(name)))
    return names


def is_name(text: str) -> bool:
    """Return whether a text reads as a person's name: two to six words with capitals, particles and initials, or Chinese signs."""
    if PLACE.search(text) or re.search(r"[\d@{}<>/:_=+()\[\]]", text):
        return False
    if re.fullmatch(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af·]{2,8}", text.replace(" ", "")):
        return True
    words = text.replace("-", " ").replace("‐", " ").split()
    if not 2 <= len(words) <= 6 or len(text) > 50:
        return False
    full = [w for w in words if not PARTICLES.fullmatch(w.lower().strip(".’'")) or w[0].isupper()]
    long = [w for w in full if len(w.strip(".")) >= 2]
    return (
        bool(long)
        and all(w[0].isupper() or w[:2].lower() in ("d’", "d'", "al") for w in full)
        and all(re.fullmatch(r"[^\W\d_][\w.’'‘`´]*", w) for w in full)
    )


def venue_of(sheet: Sheet, body: Body, titled: Sequence[Line]) -> str | None:
    """Return the venue that the first page prints in its margins, footnotes or above the title, with its year; None where none is."""
    low = max((x.bbox[3] for x in titled), default=0.0)
    edge = []
    for x in sheet.lines:
        small = x.size < 0.97 * body.size and x.bbox[1] > 0.5 * sheet.height
        outer = x.bbox[1] > 0.92 * sheet.height or x.bbox[3] < max(low, 0.1 * sheet.height)
        if x.angle == 0 and (small or outer) and x not in titled:
            edge.append(x)
    for text in runs_of(edge):
        if NOT_YET.search(text) or PLACEHOLDER.search(text):
            continue
        short = SHORT_VENUE.search(text)
        if short is not None:
            year = short[2] if len(short[2]) == 4 else f"20{short[2]}"
            return f"{short[1]} {year}"
        published = PUBLISHED.search(text)
        if published is not None:
            return tidy(published["name"])
        named = NAMED_VENUE.search(text)
        if named is not None and YEAR.search(text) and len(named["name"]) < 160 and text.find(named["name"]) < 90:
            name = tidy(named["name"])
            year_of = YEAR.search(name) or YEAR.search(text)
            return name if YEAR.search(name) or year_of is None else f"{name}, {year_of.group()}"
    return None


def runs_of(lines: Sequence[Line]) -> list[str]:
    """Return small print as texts: lines of one size that follow one another are joined, and each also stands alone before that."""
    out: list[str] = []
    last: Line | None = None
    for line in lines:
        close = last is not None and abs(line.size - last.size) < 0.3 and 0 < line.base - last.base < 1.5 * line.size
        if close and out:
            out[-1] = out[-1][:-1] + line.text if out[-1].endswith(HYPHEN) else f"{out[-1]} {line.text}"
        else:
            out.append(line.text)
        last = line
    return out


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip(" ,.;:(")


def address_of(sheet: Sheet) -> str | None:
    """Return the paper's own address: of an arXiv stamp, a DOI or a proceedings' page on the first page; never a placeholder."""
    stamps = [x.text for x in sheet.lines if x.angle != 0] + [
        x.text for x in sheet.lines if x.angle == 0 and x.text.startswith("arXiv:")
    ]
    for text in stamps:
        match = ARXIV.search(text)
        if match is not None:
            return f"https://arxiv.org/abs/{match[1]}"
    texts = [x.text for x in sheet.lines if x.angle == 0]
    for pattern, head in ((DOI, "https://doi.org/"), (OWN, "")):
        for text in texts:
            match = pattern.search(text)
            found = match.group(match.lastindex or 0).rstrip(".,)") if match is not None else ""
            if found and not PLACEHOLDER.search(found):
                return head + found
    return None
