"""Figures and tables of a paper: its captions, the place of each, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from breadth.announce.read.captions import Caption, captions_of, grown, heads_of
from breadth.announce.read.choose import Choice, Habit, assigned, habit_of, settled
from breadth.announce.read.field import Field, area, field_of, shared
from breadth.announce.read.glyphs import uprighted
from breadth.announce.read.ink import ink_of
from breadth.announce.read.lines import Line
from breadth.announce.read.looks import Look, look_of, running_lines
from breadth.announce.read.parts import parts_of, rules_beside_text
from breadth.announce.read.pdf import Pdf
from breadth.announce.read.regions import Region, regions_of
from breadth.announce.read.turned import turned_back, turned_ink, turned_lines, turned_size
from breadth.announce.source import Box, Item

__all__ = ["Found", "Place", "found_in"]

BACK = re.compile(r"^(?:(?:\d{1,2}|[A-Z]|[IVX]+)\.?\s+)?(?:References|REFERENCES|Bibliography|BIBLIOGRAPHY|Literature Cited)\s*$")
APPENDIX = re.compile(
    r"^(?:Appendix|APPENDIX|Appendices|APPENDICES|Supplementa(?:ry|l) Materials?|SUPPLEMENTARY MATERIALS?|Technical Appendix)\b"
    r"(?:\s[A-Z\d]{1,2}[.:])?[^.]{0,80}$"
)
LETTERED = re.compile(r"^(?:Supplementary|Supplemental|Supporting|Extended Data|Appendix)|\s[A-Z]{1,2}[.\-]?\d")


@dataclass(frozen=True)
class Found:
    """What was found in a paper. captions: every caption, algorithms' too.

    problems: captions that nothing stands beside, in words for people.
    """

    items: tuple[Item, ...]
    captions: tuple[Place, ...]
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Place:
    """A caption on its page (from 1). lines: the indices of its lines among the page's."""

    label: str
    page: int
    bbox: Box
    lines: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """The captions of a page, or of its text at one angle, and where each may belong. page: from 0; text: (caption, its places)."""

    page: int
    angle: int
    size: tuple[float, float]
    captions: tuple[Caption, ...]
    options: tuple[tuple[Caption, tuple[Region, ...]], ...]


def found_in(pdf: Pdf, pages: Sequence[Sequence[Line]], report: Callable[[int, int], None] | None = None) -> Found:
    """Return figures, tables and captions of a paper whose pages have these lines. Only pages with captions are rendered.

    report(done, all) is called after each page that was looked at. Memory: the map of one page at a time.
    """
    look = look_of(pages)
    heads = captions_of([heads_of(lines, look.font) for lines in pages])
    running = running_lines(pages, [page_size(pdf, n)[1] for n in range(len(pages))])
    todo = [n for n, page in enumerate(heads) if page]
    plans: list[Plan] = []
    for done, n in enumerate(todo, 1):
        for angle in sorted({pages[n][c.lines[0]].angle for c in heads[n]} & {0, 90, 180, 270}):
            field, size = opened(pdf, n, angle, pages[n], heads[n], look, running[n])
            options = tuple((c, tuple(regions_of(field, c))) for c in field.parts.captions if c.kind != "other" and not c.continued)
            plans.append(Plan(n, angle, size, field.parts.captions, options))
        if report is not None:
            report(done, len(todo))
    habit = habit_of([option for plan in plans for option in plan.options])
    items: list[Item] = []
    problems: list[str] = []
    appendix = appendix_start(pages)
    for plan in plans:
        choices = assigned(plan.options, habit)
        if clashing(choices):
            field, _ = opened(pdf, plan.page, plan.angle, pages[plan.page], heads[plan.page], look, running[plan.page])
            choices = settled(field, choices)
        for choice in choices:
            if choice.caption.sure or choice.cost < 4:
                items.append(item_of(plan, choice, choices, habit, appendix))
        known = {c.caption.label for c in choices}
        problems += [
            f"{c.label} (p. {plan.page + 1}): a caption that nothing stands beside"
            for c, regions in plan.options
            if not regions and c.label not in known
        ]
    items = sorted((replace(i, letters=letters_in(i.bbox, pages[i.page - 1])) for i in items), key=lambda i: i.page)
    captions = tuple(Place(c.label, p.page + 1, turned_back(c.bbox, p.angle, p.size), c.lines) for p in plans for c in p.captions)
    return Found(tuple(continued(items, plans)), captions, tuple(problems))


def page_size(pdf: Pdf, n: int) -> tuple[float, float]:
    """Return the width and height of a page as the file states them, in points."""
    width, height = pdf.raw.get_page_size(n)
    return width, height


def opened(
    pdf: Pdf, n: int, angle: int, lines: Sequence[Line], heads: Sequence[Caption], look: Look, running: set[int]
) -> tuple[Field, tuple[float, float]]:
    """Render a page and return it ready for the search, turned so that text of that angle is upright, and its size as it is shown."""
    with pdf.page(n + 1) as page:
        ink, size = ink_of(page), (page.width, page.height)
    ink = turned_ink(ink, angle)
    upright = turned_lines(lines, angle, size)
    rules = rules_beside_text(ink, upright)
    own = [replace(c, bbox=upright[c.lines[0]].bbox) for c in heads if lines[c.lines[0]].angle == angle]
    taken = {i for c in own for i in c.lines}
    whole = [grown(c, upright, rules, taken) for c in own]
    return field_of(parts_of(n + 1, angle, turned_size(size, angle), upright, ink, rules, look, running, whole)), size


def letters_in(box: Box, lines: Sequence[Line]) -> float | None:
    """Return the size of the middle letter in a box of a page with these lines, in points; None where it holds none."""
    sizes: list[float] = []
    for line in lines:
        x0, y0, x1, y1 = uprighted(line.bbox, -line.angle) if line.angle else line.bbox
        if box[0] <= (x0 + x1) / 2 <= box[2] and box[1] <= (y0 + y1) / 2 <= box[3]:
            sizes += [line.size] * len(line.text)
    return sorted(sizes)[len(sizes) // 2] if sizes else None


def clashing(choices: Sequence[Choice]) -> bool:
    """Return whether any two places overlap."""
    boxes = [c.region.box for c in choices]
    return any(shared(a, b) > 0.02 * min(area(a), area(b)) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def appendix_start(pages: Sequence[Sequence[Line]]) -> tuple[int, tuple[int, Box]]:
    """Return the page (from 0) of the references, and page and place of the first appendix's heading; the number of pages for none."""
    back = next((n for n, page in enumerate(pages) if n >= len(pages) // 5 and any(BACK.match(x.text) for x in page)), len(pages))
    heads = ((n, x.bbox) for n, page in enumerate(pages) if n >= max(1, len(pages) // 4) for x in page if APPENDIX.match(x.text))
    return back, next(heads, (len(pages), (0.0, 0.0, 0.0, 0.0)))


def is_behind(page: int, box: Box, appendix: tuple[int, tuple[int, Box]]) -> bool:
    """Return whether a place is behind the references' page or the first appendix's heading: below it, or in a column right of it."""
    back, (first, head) = appendix
    return page > min(back, first) or (page == first and (box[0] > head[2] or (box[1] > head[1] and box[2] > head[0])))


def item_of(plan: Plan, choice: Choice, choices: Sequence[Choice], habit: Habit, appendix: tuple[int, tuple[int, Box]]) -> Item:
    """Return a caption with its place as an Item."""
    caption, region = choice.caption, choice.region
    sure, doubts = judged(choice, choices, habit)
    x0, y0, x1, y1 = turned_back(region.box, plan.angle, plan.size)
    box = (max(0.0, round(x0, 1)), max(0.0, round(y0, 1)), min(plan.size[0], round(x1, 1)), min(plan.size[1], round(y1, 1)))
    behind = is_behind(plan.page, box, appendix) or LETTERED.search(caption.label) is not None
    return Item(caption.label, plan.page + 1, box, caption.text, sure, doubts, appendix=behind)


def judged(choice: Choice, choices: Sequence[Choice], habit: Habit) -> tuple[float, tuple[str, ...]]:
    """Return how sure a place is, 0..1, and in words why it is not surer."""
    caption, region = choice.caption, choice.region
    box = region.box
    others = [c.region.box for c in choices if c is not choice]
    faults = [
        (not caption.sure, 0.75, "the caption does not look like the paper's others"),
        (choice.rival < 1.2, 0.8, "the other side of the caption fits nearly as well"),
        (habit[caption.kind, region.side] > 1.3, 0.8, f"the caption stands on another side than most {caption.kind.lower()}s' do"),
        (region.side in ("left", "right"), 0.75, "the caption stands beside it"),
        (region.crowded, 0.55, "it holds running text"),
        (region.cut, 0.6, "ink goes on past its edge"),
        (caption.kind == "Figure" and not region.drawn, 0.6, "nothing is drawn in it, it holds text alone"),
        (caption.kind == "Table" and region.ruled < 2 and not region.drawn, 0.8, "a table without rules: its end is a guess"),
        (region.gap > 40, 0.7, f"it stands {region.gap:.0f} points from its caption"),
        (min(box[2] - box[0], box[3] - box[1]) < 25 or area(box) < 2500, 0.75, "it is very small"),
        (any(shared(box, o) > 0.02 * min(area(box), area(o)) for o in others), 0.4, "it overlaps another figure or table"),
    ]
    sure = 0.98
    for is_so, factor, _ in faults:
        sure *= factor if is_so else 1.0
    return round(sure, 2), tuple(words for is_so, _, words in faults if is_so)


def continued(items: Sequence[Item], plans: Sequence[Plan]) -> list[Item]:
    """Return the items, with a word on those whose rest stands on a later page under the same label."""
    out = list(items)
    for plan in plans:
        for caption in plan.captions:
            at = next((i for i, item in enumerate(out) if item.label == caption.label), None)
            if caption.continued and at is not None:
                out[at] = replace(out[at], doubts=(*out[at].doubts, f"it goes on on page {plan.page + 1}"))
    return out
