"""Figures and tables of real papers with hand-made lists, where those papers are at hand."""

import json
import os
from pathlib import Path

import pytest

from announce.items_pages import match
from breadth.announce.read.items import found_in
from breadth.announce.read.lines import lines_of
from breadth.announce.read.pdf import open_pdf

pytest.importorskip("pypdfium2")
PAPERS = Path(os.environ.get("BREADTH_PAPERS", Path(__file__).parents[3] / "shared" / "papers"))
LISTS = {p.name.removesuffix(".gold.json"): json.loads(p.read_text()) for p in sorted(PAPERS.glob("*.gold.json"))}
LONG = 15  # pages from which reading a paper takes seconds
MISSING = f"no papers with lists in {PAPERS}; set BREADTH_PAPERS to a folder that holds NAME.pdf and NAME.gold.json"


def plain(words):
    return "".join(c for c in words.lower() if c.isalnum())


@pytest.mark.skipif(not LISTS, reason=MISSING)
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (g["pages"] > LONG)) for n, g in LISTS.items()])
def test_every_listed_item_is_found_at_its_place_and_none_is_invented(name):
    gold = LISTS[name]["items"]
    with open_pdf(PAPERS / f"{name}.pdf") as pdf:
        pages = []
        for number in range(1, len(pdf) + 1):
            with pdf.page(number) as page:
                pages.append(lines_of(page))
        items = found_in(pdf, pages).items
    assert sorted((i.label, i.page) for i in items) == sorted((g["label"], g["page"]) for g in gold)
    boxes = {(i.label, i.page): i.bbox for i in items}
    assert [g["label"] for g in gold if match(boxes[g["label"], g["page"]], g["bbox"]) < 0.9] == []
    first = {(g["label"], g["page"]): g["caption_first_words"].replace("\x02", "") for g in gold}
    for item in items:
        words = first[item.label, item.page]
        if not words.startswith("(a caption"):  # a note of who made the list
            assert plain(item.caption).startswith(plain(words)[:25])
