"""What may be quoted: a paper or a study's findings, taken apart into numbered evidence, figures and tables, and links.

Everything that is posted goes back to one of these; nothing here is ever paraphrased.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Box", "Item", "Link", "Quote", "Role", "Sentence", "Source"]

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in PDF points from the top left corner of the page."""

Role = Literal["title", "abstract", "body", "list", "caption", "footnote", "appendix", "reference", "acknowledgement", "finding"]


@dataclass(frozen=True)
class Sentence:
    """One piece of numbered evidence.

    number: place in reading order, from 1; page: 1-based, None for a study's finding; text: as printed, hyphenation, ligatures and
    split digits healed, one line; section: the heading that it stands under ("" before the first); role: what kind of text it is;
    where: the place in words for people ("p. 5", "findings.json: series PT accuracy").
    """

    number: int
    page: int | None
    text: str
    section: str
    role: Role
    where: str


@dataclass(frozen=True)
class Quote:
    """Words of the source with their page; sentences: the numbers of the evidence they were taken from."""

    page: int | None
    text: str
    sentences: tuple[int, ...] = ()


@dataclass(frozen=True)
class Item:
    """A figure or table.

    label: "Figure 2" or "Table 1", also where "Fig. 2" or "TABLE I" is printed; page: 1-based; bbox: without the caption;
    confidence: 0..1 that the box is right; doubts: why it is lower than it could be, in words; cited_by: numbers of the sentences that name
    it; appendix: whether it stands behind the references or in an appendix. file: a picture that is there already (a study's figure).
    letters: size of its middle letter in points, None where it holds no text (a photograph, a scan).
    """

    label: str
    page: int
    bbox: Box
    caption: str
    confidence: float
    doubts: tuple[str, ...] = ()
    cited_by: tuple[int, ...] = ()
    appendix: bool = False
    file: str | None = None
    letters: float | None = None


@dataclass(frozen=True)
class Link:
    """An address in a paper, as it is to be opened; annotation: whether a link of the PDF gave it (then it is whole), or the text."""

    url: str
    page: int
    in_references: bool
    annotation: bool


@dataclass(frozen=True)
class Source:
    """A paper, or a study's findings in the same form.

    title, authors: as printed; venue: None where none is printed; code_url: the repository of this work, None where none is given;
    paper_url: its own address where it is printed (an arXiv stamp, a DOI); contributions, results: most important first;
    limitation: the candidates about this work, best first. problems: what could not be read, in words for people.
    """

    kind: Literal["paper", "study"]
    name: str
    title: str
    authors: tuple[str, ...]
    venue: str | None
    abstract: tuple[int, ...]
    sentences: tuple[Sentence, ...]
    contributions: tuple[Quote, ...]
    results: tuple[Quote, ...]
    limitations: tuple[Quote, ...]
    items: tuple[Item, ...]
    links: tuple[Link, ...]
    code_url: str | None
    paper_url: str | None
    problems: tuple[str, ...] = ()

    def sentence(self, number: int) -> Sentence:
        """Return the evidence of that number (from 1)."""
        return self.sentences[number - 1]
