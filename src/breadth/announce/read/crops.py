"""Places of figures and tables set by hand: "Figure 2=p2:343,220,541,300" goes before what was found."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from breadth.announce.read.pdf import open_pdf
from breadth.announce.source import Box, Item, Source
from breadth.errors import AnnounceError, printable

__all__ = ["Crop", "parse_crop", "place_of", "refuse_misplaced", "with_crops"]

Crop = tuple[str, int, Box]
"""Label, page (from 1), box in points from the top left."""

OF = r"(?P<of>(?:supplementary|supplemental|supporting|extended data|appendix)\s+)?"
LABEL = re.compile(OF + r"(?P<kind>fig(?:ure)?|tab(?:le)?)\.?\s*(?P<number>[\w.\-–]+)", re.I)
PLACE = re.compile(r"p(?:age)?\.?\s*(?P<page>\d{1,4})\s*:\s*(?P<box>[^:]*)", re.I)
SLACK = 1.0  # points that a box set by hand may reach out of its page
HOW = "expected LABEL=pPAGE:x0,y0,x1,y1 in points from the top left, such as 'Figure 2=p2:343,220,541,300'"


def parse_crop(text: str) -> Crop:
    """Return label, page and box of a place set by hand; raises AnnounceError, one line, where the text is no such place."""
    label, sign, place = text.partition("=")
    if not sign:
        raise AnnounceError(f"crop {printable(text)!r} has no '='; {HOW}")
    named, where = LABEL.fullmatch(label.strip()), PLACE.fullmatch(place.strip())
    if named is None:
        raise AnnounceError(f"crop {printable(text)!r}: {printable(label.strip())!r} is no figure or table; {HOW}")
    if where is None:
        raise AnnounceError(f"crop {printable(text)!r}: {printable(place.strip())!r} is no place; {HOW}")
    try:
        numbers = [float(v) for v in where["box"].split(",")]
    except ValueError as error:
        raise AnnounceError(f"crop {printable(text)!r}: {printable(where['box'])!r} are not four numbers; {HOW}") from error
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise AnnounceError(f"crop {printable(text)!r} has {len(numbers)} numbers; {HOW}")
    x0, y0, x1, y1 = numbers
    if not (0 <= x0 < x1 and 0 <= y0 < y1) or int(where["page"]) < 1:
        raise AnnounceError(
            f"crop {printable(text)!r}: the box or page is empty or negative; give 0 <= x0 < x1, 0 <= y0 < y1, page >= 1"
        )
    kind = "Figure" if named["kind"].lower().startswith("fig") else "Table"
    return f"{(named['of'] or '').strip().title()} {kind} {named['number']}".strip(), int(where["page"]), (x0, y0, x1, y1)


def place_of(item: Item) -> str:
    """Return where an item stands, as a place is set by hand: "p2:343,220,541,300"."""
    return f"p{item.page}:{','.join(f'{v:.0f}' for v in item.bbox)}"


def refuse_misplaced(crops: Sequence[Crop], source: Source, path: Path) -> None:
    """Raise AnnounceError where a place set by hand is of nothing that the paper names, or reaches out of its page.

    source: the paper as it was read from ``path``. A figure or table that the text names may be set though it was not found.
    """
    if not crops:
        return
    with open_pdf(path) as pdf:
        for label, number, box in crops:
            found = [i for i in source.items if i.label.lower() == label.lower()]
            if not found and not _named(label, source):
                known = ", ".join(dict.fromkeys(i.label for i in source.items)) or "no figure or table"
                raise AnnounceError(f"crop of {label}: the paper has none; expected one of what was found: {known}")
            now = f"; {label} stands at {place_of(found[0])} now" if found else ""
            if number > len(pdf):
                raise AnnounceError(f"crop of {label}: page {number} of a paper of {len(pdf)} pages{now}; correct the page")
            with pdf.page(number) as page:
                if box[2] > page.width + SLACK or box[3] > page.height + SLACK:
                    x0, y0, x1, y1 = box
                    raise AnnounceError(
                        f"crop of {label}: the box {x0:g},{y0:g},{x1:g},{y1:g} reaches out of page {number}, which measures "
                        f"{page.width:.0f} x {page.height:.0f} points{now}; correct the box"
                    )


def _named(label: str, source: Source) -> bool:
    """Whether the text of a paper names a figure or table, as "Figure 2", "Fig. 2" or "Tab. 2"."""
    for sentence in source.sentences:
        for m in LABEL.finditer(sentence.text):
            kind = "figure" if m["kind"].lower().startswith("fig") else "table"
            if f"{(m['of'] or '').strip()} {kind} {m['number'].rstrip('.-–')}".strip().lower() == label.lower():
                return True
    return False


def with_crops(items: Sequence[Item], crops: Iterable[Crop]) -> tuple[Item, ...]:
    """Return the items with those places set by hand, which count as sure; a label that was not found becomes an item without a caption.

    Where a label stands twice (a supplement counts from 1 again), the one on the same page, else the first, is set.
    """
    out = list(items)
    for label, page, box in crops:
        same = [i for i, item in enumerate(out) if item.label.lower() == label.lower()]
        if same:
            at = next((i for i in same if out[i].page == page), same[0])
            out[at] = replace(out[at], page=page, bbox=box, confidence=1.0, doubts=())
        else:
            out.append(Item(label, page, box, "", 1.0))
    return tuple(out)
