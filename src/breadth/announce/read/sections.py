"""Blocks to paragraphs: headings, abstract, references, appendix, footnotes; a paragraph goes on across columns, pages and figures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from breadth.announce.read.blocks import BULLET, WORDLIKE, Block, Body, Row
from breadth.announce.read.headings import ACKNOWLEDGEMENT, APPENDIX, ASIDE, KNOWN, NUMBERED, REFERENCES
from breadth.announce.read.lines import HYPHEN, Line
from breadth.announce.source import Role

__all__ = ["Paragraph", "paragraphs_of"]

LEAST, MOST = 30, 400  # words of an abstract that bears no heading
FINAL = re.compile(r"[.!?:][\"'”’)\]]*$")
MARK = re.compile(r"^(?:\d{1,2}(?!st|nd|rd|th|[\d.,%])|[∗*†‡§¶‖#])")


@dataclass
class Paragraph:
    """Rows that make one text. section: the heading above, with a bold lead after a colon; role: what kind of text; page: where it begins."""

    role: Role
    section: str
    page: int
    rows: list[tuple[int, Row]] = field(default_factory=list)
    gaps: set[int] = field(default_factory=set)  # before which rows a displayed formula stands
    lead: int = 0  # so many words of the first row are its bold lead, and part of ``section``

    @property
    def lines(self) -> list[tuple[int, Line]]:
        return [(page, line) for page, row in self.rows for line in row.lines]


@dataclass
class State:
    """What was read so far.

    section: the heading; chapter, size: the one over it, and its font size; role: what the text under it is; begun: whether the front
    matter is over; numbered: how many headings bore arabic numbers; after: whether references or an appendix were met.
    """

    section: str = ""
    chapter: str = ""
    size: float = 0.0
    role: Role = "body"
    begun: bool = False
    numbered: int = 0
    after: bool = False


@dataclass
class Flow:
    """The paragraphs so far. open: the one that may go on; waiting: captions and notes met within it; formula: one was met since."""

    done: list[Paragraph] = field(default_factory=list)
    open: Paragraph | None = None
    waiting: list[Paragraph] = field(default_factory=list)
    column: int = 0
    formula: bool = False

    def close(self) -> None:
        """End the open paragraph."""
        self.done += ([self.open] if self.open is not None else []) + self.waiting
        self.open, self.waiting, self.formula = None, [], False

    def take(self, new: Paragraph, *, first: bool) -> None:
        """Add a paragraph, or what goes on with the open one. first: it is the first of its block."""
        if first and self.open is not None and goes_on(self.open, new):
            if self.formula:
                self.open.gaps.add(len(self.open.rows))
            self.open.rows += new.rows
            self.formula = False
        else:
            self.close()
            self.open = new


def paragraphs_of(pages: Sequence[Sequence[Block]], body: Body, first: int, start: float) -> list[Paragraph]:
    """Return the paragraphs of a paper in reading order; what stands before ``start`` (points) of page ``first`` is its front matter."""
    state, flow = State(), Flow()
    for blocks in pages:
        notes = footnotes(blocks, body, state)
        for place, block in enumerate(blocks):
            above = block.page == first and block.bbox[1] < start - 0.8 * body.size and block.kind != "caption"
            if block.page < first or above:
                continue
            heading = heading_of(block, body)
            if block.kind == "caption" or place in notes:
                flow.waiting += asides(block, "caption" if block.kind == "caption" else "footnote", state)
            elif heading is not None:
                flow.close()
                turn(state, heading, block.rows[0].size)
            elif block.kind in ("other", "bold"):
                flow.formula = flow.formula or (block.kind == "other" and block.column == flow.column)
            else:
                flow.column = block.column
                for k, rows in enumerate(parts_of(block)):
                    made = begun(state, block.page, rows, body)
                    if made is not None:
                        flow.take(made, first=k == 0)
    flow.close()
    if state.begun:
        call_abstract(flow.done, first)
    return flow.done


def call_abstract(paragraphs: Sequence[Paragraph], first: int) -> None:
    """Where no abstract bears a heading, make it of the text above the first heading, on page ``first``, as far as it is as long as one."""
    if any(p.role == "abstract" for p in paragraphs):
        return
    above: list[Paragraph] = []
    for paragraph in paragraphs:
        if paragraph.role in ("caption", "footnote"):
            continue
        if paragraph.role != "body" or paragraph.section or paragraph.page != first:
            break
        above.append(paragraph)
    lengths = [sum(len(WORDLIKE.findall(row.text)) for _, row in p.rows) for p in above]
    taken = above if sum(lengths) <= MOST else above[:1]  # after a long one a letter's text begins without a heading
    if LEAST <= sum(lengths[: len(taken)]) <= MOST and FINAL.search(taken[-1].rows[-1][1].text):
        for paragraph in taken:
            paragraph.role, paragraph.section = "abstract", "Abstract"


def footnotes(blocks: Sequence[Block], body: Body, state: State) -> set[int]:
    """Return the places of the blocks that are footnotes: small, at the foot of a column, begun by a mark or on the first page."""
    found: set[int] = set()
    foot = max((b.bbox[3] for b in blocks), default=0.0)
    heads = [i for i, b in enumerate(blocks) if REFERENCES.match(NUMBERED.sub("", heading_of(b, body) or ""))]
    listed = -1 if state.role == "reference" else heads[0] if heads else len(blocks)
    for column in {b.column for b in blocks}:
        for place in reversed([i for i, b in enumerate(blocks) if b.column == column]):
            block = blocks[place]
            if block.kind == "other":
                continue
            size, first = block.rows[0].size, block.rows[0]
            raised = first.lines[0].words[0].raised
            mark = raised or (MARK.match(first.text) is not None and place < listed)
            small = block.kind == "small" or (block.kind == "text" and size < 0.96 * body.size)
            low = block.bbox[1] > (0.45 if block.page == 1 else 0.3) * foot
            unmarked = place < listed and (block.page == 1 or (size <= 0.93 * body.size and state.role != "abstract"))
            if not (small and low and (mark or unmarked)):
                break
            found.add(place)
    return found


def asides(block: Block, role: Role, state: State) -> list[Paragraph]:
    """Return a caption, or footnotes one by one."""
    groups: list[list[Row]] = []
    for row in block.rows:
        word = row.lines[0].words[0]
        starts = role == "footnote" and (word.raised or re.match(r"^[∗*†‡§¶]|^\d{1,2}(?:https?:|[A-Z])", row.text) is not None)
        if starts or not groups:
            groups.append([])
        groups[-1].append(row)
    return [Paragraph(role, state.section, block.page, [(block.page, row) for row in rows]) for rows in groups]


def heading_of(block: Block, body: Body) -> str | None:
    """Return a block's text where it is a heading."""
    if block.kind == "caption" or len(block.rows) > 3:
        return None
    text = together(re.sub(r"\s+", " ", join_plain(block.rows)).strip())
    name = NUMBERED.sub("", text).rstrip(".:")
    if not 3 <= len(name) <= 130 or not WORDLIKE.search(name) or re.search(r"(?:\. ?){4}", text):
        return None  # the dots of a table of contents
    known = KNOWN.fullmatch(name.lower().replace("  ", " ")) is not None
    numbered = NUMBERED.match(text) is not None
    if block.kind == "bold":
        return text if known or numbered or (not text.endswith((".", ",", ";")) and len(WORDLIKE.findall(name)) <= 14) else None
    if known and len(block.rows) == 1 and block.bbox[2] - block.bbox[0] < 0.75 * block.frame.width:
        return text
    single = len(block.rows) == 1 and block.bbox[2] < block.frame.x1 - 0.08 * block.frame.width
    dotted = re.match(r"^(?:\d{1,2}\.\d|[A-Z]\.\d|[IVX]{1,5}\.\s|[A-Z]\.\s)", text) is not None
    styled = block.rows[0].longest.italic or text.isupper() or centred(block) or re.match(r"^\d{1,2}\.\d", text) is not None
    if (
        numbered
        and dotted
        and single
        and styled
        and not text.endswith((".", ",", ";", ":"))
        and len(name.split()) <= 12
        and name[0].isupper()
    ):
        return text
    return None


def together(text: str) -> str:
    """Return a letter-spaced heading, "1 . R E S U L T S", as a word; any other text as it is."""
    signs = text.split(" ")
    if len(signs) < 5 or any(len(sign) > 2 or (len(sign) == 2 and not sign[0].isdigit()) for sign in signs):
        return text
    return re.sub(r"^([\dIVX]{1,3}\.|\d{1,2})(?=[^\W\d_]{3})", r"\1 ", "".join(signs))


def centred(block: Block) -> bool:
    left, right = block.bbox[0] - block.frame.x0, block.frame.x1 - block.bbox[2]
    return left > 12 and abs(left - right) < 0.1 * block.frame.width


def join_plain(rows: Sequence[Row]) -> str:
    text = " ".join(row.text for row in rows)
    return re.sub(f"{HYPHEN} ?", "", text)


def turn(state: State, heading: str, size: float) -> None:
    """Set what follows a heading."""
    name = NUMBERED.sub("", heading).rstrip(".:").strip()
    arabic = re.match(r"^\d{1,2}\.?\s", heading) is not None
    lettered = re.match(r"^A[.:]?\s+[^\W\d_]{2}", heading) is not None
    part = re.match(r"^(?:\d{1,2}|[A-Z])\.\d", heading) is not None
    part = part or (re.match(r"^[IVX]+\.\s", state.chapter) is not None and re.match(r"^[A-HJ-UWYZ]\.\s", heading) is not None)
    plain = not NUMBERED.match(heading) and not KNOWN.fullmatch(name.lower())
    part = part or (plain and state.chapter != "" and (size < state.size - 0.3 or state.numbered > 0))
    if not part:
        state.chapter, state.size = heading, size
    state.section = f"{state.chapter}: {heading}".rstrip(":") if part and state.chapter else heading
    if re.fullmatch(r"abstract", name, re.I):
        state.role, state.begun = "abstract", True
        return
    if REFERENCES.match(name):
        state.role, state.after = "reference", True
        return
    if APPENDIX.match(heading) or APPENDIX.match(name) or (lettered and state.numbered >= 2):
        state.role, state.after = "appendix", True
        return
    if ACKNOWLEDGEMENT.match(name):
        state.role = "acknowledgement"
        return
    if state.role == "reference" and not (NUMBERED.match(heading) or KNOWN.fullmatch(name.lower())):
        return  # a bold word among the references
    state.numbered += arabic
    if re.match(r"^1\.?\s", heading):
        state.after = False  # what came before was a table of contents
    state.begun = True
    if ASIDE.match(name):
        state.role = "acknowledgement"
        return
    state.role = "appendix" if state.after else "body"


def parts_of(block: Block) -> list[list[Row]]:
    """Return a block's rows, paragraph by paragraph."""
    rows, frame = block.rows, block.frame
    edge = min(row.bbox[0] for row in rows)
    deep = sum(row.bbox[0] > edge + 0.5 * row.size for row in rows)
    hanging = len(rows) > 2 and deep > 0.5 * len(rows)
    parts: list[list[Row]] = [[rows[0]]]
    for before, row in pairwise(rows):
        first = parts[-1][0]
        listed = BULLET.match(first.text) is not None
        ended = FINAL.search(before.text) is not None
        short = before.bbox[2] < frame.x1 - 0.12 * frame.width and block.bbox[2] > before.bbox[2] + 0.1 * frame.width
        shift = row.bbox[0] - edge
        marked = BULLET.match(row.text) is not None and (ended or before.text.endswith((";", ",", "and")))
        marked = marked and shift < 4 * row.size and (listed or short or shift > 0.3 * row.size)
        indented = 0.7 * row.size < shift < 4 * row.size and before.bbox[0] - edge < 0.3 * row.size
        indented = indented and not hanging and not listed and (ended or row.text[:1].isupper())
        outdented = hanging and shift < 0.3 * row.size and before.bbox[0] - edge > 0.3 * row.size
        left = listed and row.bbox[0] < first.bbox[0] - 0.3 * row.size
        led = ended and row.lines[0].words[0].font != before.longest.font and lead_of(row) > 0
        if indented or outdented or (ended and short) or marked or left or led:
            parts.append([])
        parts[-1].append(row)
    return parts


def lead_of(row: Row) -> int:
    """Return how many words at the start of a row are a bold lead: bold, then plain on the same row, or a bold row of its own."""
    words = [w for line in row.lines for w in line.words]
    bold = 0
    while bold < len(words) and words[bold].bold:
        bold += 1
    if bold == 0 or sum(len(WORDLIKE.findall(w.text)) for w in words[:bold]) == 0:
        return 0
    return bold if bold < len(words) or row.bold else 0


def begun(state: State, page: int, rows: Sequence[Row], body: Body) -> Paragraph | None:
    """Return rows as a paragraph of the section they stand in; None for key words and the like."""
    text, role = rows[0].text, state.role
    if ASIDE.match(text) and (rows[0].lines[0].words[0].bold or rows[0].lines[0].words[0].font != body.font):
        return None
    if not state.begun and re.match(r"abstract\b", text, re.I):
        state.role, state.section, state.begun = "abstract", "Abstract", True
        return Paragraph("abstract", "Abstract", page, [(page, row) for row in rows])
    bullet = BULLET.match(text) is not None
    if bullet and role in ("body", "abstract"):
        role = "list"
    made = Paragraph(role, state.section, page, [(page, row) for row in rows])
    words = [w for row in rows[:3] for line in row.lines for w in line.words]
    count = 0 if bullet or role == "reference" else lead_of(rows[0])
    if count and count == sum(len(line.words) for line in rows[0].lines) and len(rows) > 1:
        count += lead_of(rows[1])
    name = (
        "".join(w.text if w.glued else f" {w.text}" for w in words[:count]).replace(f"{HYPHEN} ", "").strip().rstrip(f".:{HYPHEN}")
    )
    if len(name.split()) <= 14 and re.search(r"[^\W\d_]{3}", name):
        apart = count == len(words) or not words[count].text[:1].islower()  # else the lead is its sentence's subject
        made.lead = count if apart else 0
        made.section = f"{state.section}: {name}" if state.section else name
    return made


def goes_on(open_one: Paragraph, new: Paragraph) -> bool:
    """Return whether a block's first paragraph is the rest of one that a column's end, a figure or a formula broke off."""
    if new.lead or new.role == "list" or (open_one.role != new.role and not (open_one.role == "list" and new.role == "body")):
        return False
    last = open_one.rows[-1][1]
    back = open_one.rows[0][1].bbox[0] - new.rows[0][1].bbox[0]
    if open_one.role == "list" and new.page == open_one.page and 3 < back < 60:
        return False
    if abs(last.size - new.rows[0][1].size) > 0.6:
        return False
    tail = last.text
    first = new.rows[0][1].text
    if tail.endswith(HYPHEN) or (tail.endswith("-") and first[:1].islower()):
        return True
    return FINAL.search(tail) is None or (first[:1].islower() and not tail.endswith("."))
