"""Places of figures and tables set by hand: "Figure 2=p2:343,220,541,300" goes before what was found."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from breadth.announce.source import Box, Item
from breadth.errors import AnnounceError, printable

__all__ = ["Crop", "parse_crop", "with_crops"]

Crop = tuple[str, int, Box]
"""Label, page (from 1), box in points from the top left."""

OF = r"(?P<of>(?:supplementary|supplemental|supporting|extended data|appendix)\s+)?"
LABEL = re.compile(OF + r"(?P<kind>fig(?:ure)?|tab(?:le)?)\.?\s*(?P<number>[\w.\-–]+)", re.I)
PLACE = re.compile(r"p(?:age)?\.?\s*(?P<page>\d{1,4})\s*:\s*(?P<box>[^:]*)", re.I)
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
