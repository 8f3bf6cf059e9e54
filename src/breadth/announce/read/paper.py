"""A paper's PDF to a Source: what may be quoted from it, its figures and tables, its links and its own code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from breadth.announce.facts import Facts
from breadth.announce.read.blocks import Sheet, blocks_of, body_of, frames_of, margins_of
from breadth.announce.read.cited import cited
from breadth.announce.read.claims import contributions, limitations, results
from breadth.announce.read.front import Front, front_of
from breadth.announce.read.items import Found, found_in
from breadth.announce.read.lines import lines_of
from breadth.announce.read.links import Place, addresses_of, code_of, links_in
from breadth.announce.read.pdf import Pdf, open_pdf
from breadth.announce.read.sections import paragraphs_of
from breadth.announce.read.sentences import Evidence, sentences_of, vocabulary
from breadth.announce.source import Source

__all__ = ["read_paper"]


def read_paper(path: Path, *, facts: Facts | None = None, report: Callable[[int, int], None] | None = None) -> Source:
    """Return what a paper's PDF says. facts: the author's own, which go before what was read; report(done, of): pages, as they are read.

    Raises AnnounceError where the file is no readable paper. Time: 0.1 s a page or less; memory: the text of all pages, and one page open.
    """
    facts = Facts() if facts is None else facts
    with open_pdf(path) as pdf:
        sheets, places = pages_of(pdf, report)
        found = found_in(pdf, [sheet.lines for sheet in sheets])
    front, evidence = read_text(sheets, found, facts.title)
    title = front.title if facts.title is None else facts.title
    authors = front.authors if facts.authors is None else facts.authors
    links, where = addresses_of(places, evidence)
    code = code_of(links, where, evidence, authors, title) if facts.code_url is None else facts.code_url
    sentences = evidence.sentences
    items = cited(found.items, sentences)
    return Source(
        kind="paper",
        name=path.name,
        title=title,
        authors=authors,
        venue=front.venue if facts.venue is None else facts.venue,
        abstract=tuple(s.number for s in sentences if s.role == "abstract"),
        sentences=sentences,
        contributions=contributions(sentences),
        results=results(sentences, items),
        limitations=limitations(sentences),
        items=items,
        links=links,
        code_url=None if facts.no_code else code,
        paper_url=front.paper_url if facts.paper_url is None else facts.paper_url,
        problems=(*unread(title, authors, evidence), *found.problems),
    )


def pages_of(pdf: Pdf, report: Callable[[int, int], None] | None) -> tuple[list[Sheet], list[Place]]:
    """Return the lines and the links of every page; each page is closed before the next is opened."""
    sheets: list[Sheet] = []
    places: list[Place] = []
    for number in range(1, len(pdf) + 1):
        with pdf.page(number) as page:
            sheets.append(Sheet(number, page.width, page.height, tuple(lines_of(page))))
            places += links_in(page)
        if report is not None:
            report(number, len(pdf))
    return sheets, places


def read_text(sheets: list[Sheet], found: Found, title: str | None) -> tuple[Front, Evidence]:
    """Return a paper's front matter and its sentences, those of figures and tables left out."""
    body, gone = body_of(sheets), margins_of(sheets)
    frames = frames_of(sheets, body, gone)
    front = front_of(sheets, body, gone)
    blocks = []
    for sheet, columns, out in zip(sheets, frames, gone, strict=True):
        captions = [caption.lines for caption in found.captions if caption.page == sheet.number]
        floats = [item.bbox for item in found.items if item.page == sheet.number]
        blocks.append(blocks_of(sheet, body, columns, out, captions, floats))
    paragraphs = paragraphs_of(blocks, body, front.page, front.start)
    return front, sentences_of(paragraphs, vocabulary(sheets), title=front.title if title is None else title, page=front.page)


def unread(title: str, authors: tuple[str, ...], evidence: Evidence) -> list[str]:
    """Return what could not be read, in words for people."""
    found = []
    if not title:
        found.append("no title was found on page 1: give it in facts.toml (title = ...)")
    if not authors:
        found.append("no authors were found on page 1: give them in facts.toml (authors = [...])")
    if not any(s.role == "abstract" for s in evidence.sentences):
        found.append("no abstract was found")
    return found
