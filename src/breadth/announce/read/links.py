"""Addresses in a paper: its link annotations, whole even where a line breaks them, and those in its text; which one is its own code."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass

from breadth.announce.read.pdf import Page
from breadth.announce.read.sentences import Evidence
from breadth.announce.source import Box, Link, Sentence

__all__ = ["Place", "addresses_of", "code_of", "links_in", "repository"]

MOST = 3000  # links of a page that are read
LONGEST = 2000  # characters of an address
HOSTS = (
    r"(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org|codeberg\.org|huggingface\.co|hf\.co|zenodo\.org|anonymous\.4open\.science|osf\.io|sourceforge\.net)"
    r"|gitlab\.[\w-]+(?:\.[\w-]+)+|[\w-]+\.github\.io"
)
REPOSITORY = re.compile(rf"^(?:https?://)?(?:{HOSTS})/?", re.I)
WRITTEN = re.compile(rf"(?<![\w@/.])(?:https?://|www\.|(?=(?:{HOSTS})/))[^\s<>\"“”]+", re.I)
SPACED = re.compile(
    r"\b(https?:\s?//\s?(?:www\.)?|)(github|gitlab|bitbucket|huggingface|zenodo)\s?\.\s?(com|org|co)\s?/\s?(?=[\w~])", re.I
)
PLACEHOLDER = re.compile(
    r"X{4,}|\bTBD\b|your[-_]?(?:name|repo|url)|\buser(?:name)?/repo\b|anonymous/anonymous|example\.(?:com|org)", re.I
)
THING = (
    r"(?:code(?:base)?|implementations?|repositor(?:y|ies)|software|package|toolkit|scripts?|artifacts?|"
    r"project (?:page|website|site)|models? (?:and|,)|checkpoints|data ?sets?(?: and \w+)?|benchmark|library|framework|demo)"
)
OPENED = r"(?:available|released|open[- ]sourced?|found|accessible|provided|published|hosted|obtained|downloaded|accessed)"
OURS = re.compile(
    rf"\b{THING}\b[^.]{{0,80}}?\b(?:(?:is|are|be|made|been|can|was|were)\b[^.]{{0,50}}?{OPENED}|at|available)\b|"
    r"\b(?:we|authors)\b[^.]{0,60}?\b(?:release|released|open[- ]?sourced?|publish|share|provide|make|made|host|include)\b|"
    r"^\W*(?:source )?(?:code|github|project page|project|repository|website|homepage|data|models?)\s*(?:and \w+\s*)?(?::|at|available|is|\()",
    re.I,
)
POSSESSIVE = re.compile(
    r"\b(?:our|ours|we|this (?:paper|work|study|project|article)|reproduce|replicat\w+|the (?:paper|source)'?s? code|"
    r"code (?:is|are|and|for|to)\b)",
    re.I,
)
CODE = re.compile(
    r"\b(?:code(?:base)?|implementation|repositor|software|source|scripts?|github|package|toolkit|librar|framework|reproduc|open[- ]sourc)",
    re.I,
)
THEIRS = re.compile(
    r"\b(?:us(?:e|ed|ing)|adopt\w*|follow(?:s|ed|ing)?|borrow\w*|adapt(?:ed|ing)?|modif(?:y|ied)|extend(?:ed|ing)?|download\w*|based on|"
    r"(?:build(?:s|ing)?|built) (?:up)?on|taken from|obtained from|provided by|from the|implemented (?:in|with|by|using)|official|"
    r"original|their|third[- ]party|open[- ]source (?:implementation|library)|authors of)\b",
    re.I,
)


@dataclass(frozen=True)
class Place:
    """A link annotation: its address as the file gives it, and its box on the page."""

    url: str
    page: int
    box: Box


def links_in(page: Page) -> list[Place]:
    """Return the web addresses of a page's link annotations, in the order of the file."""
    from pypdfium2 import raw as api

    found: list[Place] = []
    position, link, box = ctypes.c_int(0), api.FPDF_LINK(), api.FS_RECTF()
    while len(found) < MOST and api.FPDFLink_Enumerate(page.raw.raw, ctypes.byref(position), ctypes.byref(link)):
        action = api.FPDFLink_GetAction(link)
        if not action or api.FPDFAction_GetType(action) != api.PDFACTION_URI:
            continue
        size = api.FPDFAction_GetURIPath(page.raw.pdf.raw, action, None, 0)
        if not 1 < size <= LONGEST or not api.FPDFLink_GetAnnotRect(link, ctypes.byref(box)):
            continue
        buffer = ctypes.create_string_buffer(size)
        api.FPDFAction_GetURIPath(page.raw.pdf.raw, action, buffer, size)
        url = made_whole(buffer.value.decode("utf-8", "replace"))
        if url is not None:
            found.append(Place(url, page.number, page.box(box.left, box.bottom, box.right, box.top)))
    return found


def made_whole(url: str) -> str | None:
    """Return an address with its scheme; None where it is no web address, or only a placeholder."""
    url = re.sub(r"^(https?):/*(?=[^/])", r"\1://", re.sub(r"\s+", "", url), flags=re.I)
    if re.match(r"https?://", url, re.I) is None:
        if re.match(r"[a-z][a-z0-9+.-]*:", url, re.I) or re.match(r"(?:[\w-]+\.)+[a-z]{2,}(?:/|$)", url, re.I) is None:
            return None  # mailto:, javascript:, a file's name
        url = f"https://{url}"
    return None if PLACEHOLDER.search(url) or not url.isprintable() else url


def written_in(text: str) -> list[str]:
    """Return the addresses that a text spells out, also "github. com/user/name" without its scheme."""
    text = SPACED.sub(lambda m: "".join(m[1].split()) + f"{m[2]}.{m[3]}/", text)
    text = re.sub(r"\b(https?:)\s?/\s?/\s?", r"\1//", text)
    found = []
    for match in WRITTEN.finditer(text):
        url = match.group()
        while url[-1] in ".,;:!?'’”\"]}>" or (url[-1] == ")" and url.count("(") < url.count(")")):
            url = url[:-1]
        found.append(made_whole(url))
    return [url for url in found if url is not None]


def addresses_of(places: Sequence[Place], evidence: Evidence) -> tuple[tuple[Link, ...], list[list[int]]]:
    """Return every address once a page, and for each the numbers of the sentences that print it.

    The annotations' addresses come first, then those of the text that no annotation covers.
    """
    found: dict[tuple[str, int], Link] = {}
    where: dict[tuple[str, int], list[int]] = {}
    for place in places:
        key = key_of(place.url), place.page
        at = printing(place, evidence)
        cited = bool(at) and all(evidence.sentences[n - 1].role == "reference" for n in at)
        found.setdefault(key, Link(place.url, place.page, cited, True))
        where.setdefault(key, []).extend(n for n in at if n not in where.get(key, []))
    for sentence in evidence.sentences:
        for url in written_in(sentence.text):
            page, short = sentence.page or 0, key_of(url)
            known = [
                k
                for k, x in found.items()
                if x.annotation and abs(k[1] - page) <= 1 and (k[0].startswith(short) or short.startswith(k[0]))
            ]
            for key in known or [(short, page)]:
                found.setdefault(key, Link(url, page, sentence.role == "reference", False))
                if sentence.number not in where.setdefault(key, []):
                    where[key].append(sentence.number)
    return tuple(found.values()), [where.get(k, []) for k in found]


def printing(place: Place, evidence: Evidence) -> list[int]:
    """Return the numbers of the sentences on whose rows a link lies; of several on one row, those that spell its address."""
    x, y = (place.box[0] + place.box[2]) / 2, (place.box[1] + place.box[3]) / 2
    numbers = [
        n
        for page, box, n in evidence.rows
        if page == place.page and box[0] - 1 <= x <= box[2] + 1 and box[1] - 2 <= y <= box[3] + 2
    ]
    wanted = re.sub(r"\W", "", key_of(place.url))[:24]
    spelled = [n for n in numbers if wanted in re.sub(r"\W", "", evidence.sentences[n - 1].text).lower()]
    return spelled or numbers or nearest(place, evidence)


def nearest(place: Place, evidence: Evidence) -> list[int]:
    """Return the number of the sentence one of whose rows stands right above or below a link: within two lines, or none."""
    rows = [
        (abs((box[1] + box[3]) / 2 - (place.box[1] + place.box[3]) / 2), n)
        for page, box, n in evidence.rows
        if page == place.page and min(box[2], place.box[2]) > max(box[0], place.box[0])
    ]
    return [min(rows)[1]] if rows and min(rows)[0] < 26 else []


def key_of(url: str) -> str:
    """Return what two spellings of one address share."""
    return re.sub(r"^https?://(?:www\.)?", "", url, flags=re.I).rstrip("/").lower()


def repository(url: str) -> bool:
    """Return whether an address is that of a place where code is kept."""
    return REPOSITORY.match(url) is not None and key_of(url).count("/") >= (0 if ".github.io" in url.lower() else 1)


def code_of(
    links: Sequence[Link], where: Sequence[Sequence[int]], evidence: Evidence, authors: Sequence[str], title: str
) -> str | None:
    """Return the address of this work's own code, None where the paper gives none.

    A repository counts where a sentence says that code is released there, where it stands under the title, or where its owner is an
    author and nothing says that it is someone else's. where: for each link, the numbers of the sentences that print it; repositories
    among the references never count.
    """
    best: tuple[float, int, str] | None = None
    for order, (link, numbers) in enumerate(zip(links, where, strict=True)):
        if link.in_references or not repository(link.url):
            continue
        own = owned(link.url, authors)
        score = own - 1 if link.page > 1 or numbers else 2.5
        for number in numbers:
            sentence = evidence.sentences[number - 1]
            bearer = evidence.notes.get(number)
            score = max(score, scored(link, sentence, own, title))
            if bearer is not None:
                score = max(score, scored(link, evidence.sentences[bearer - 1], own, title))
        if score >= 2 and (best is None or score > best[0]):
            best = (score, -order, link.url)
    return None if best is None else best[2].rstrip("/")


def owned(url: str, authors: Sequence[str]) -> float:
    """Return 2 where a repository's owner bears an author's name, else 0."""
    parts = key_of(url).split("/")
    owner = parts[1] if len(parts) > 1 else parts[0]
    owner = re.sub(r"[^a-z]", "", owner.split(".github.io")[0])
    for author in authors:
        names = [re.sub(r"[^a-z]", "", n.lower()) for n in author.split()]
        if len(names) >= 2 and ((names[-1] in owner and len(names[-1]) >= 4) or (names[0] in owner and len(names[0]) >= 5)):
            return 2.0
    return 0.0


def scored(link: Link, s: Sentence, own: float, title: str) -> float:
    """Return how surely a sentence presents an address as this work's own code; from 2 on it counts."""
    text = re.sub(r"\S*(?:https?:|github\.|\.com/)\S*", " ", s.text)
    name = re.sub(r"[^a-z0-9]", "", key_of(link.url).rsplit("/", 1)[-1])
    bare = len(re.findall(r"[^\W\d_]{2,}", text)) <= 2
    score = own
    if OURS.search(text):
        score += 2.5
    if POSSESSIVE.search(text) and CODE.search(text):
        score += 1
    if THEIRS.search(text) and not re.search(r"\b(?:our|we (?:release|open|publish|make|provide|share))\b", text, re.I):
        score -= 3
    if s.role == "abstract" or (s.page == 1 and s.role == "footnote" and not bare):
        score += 1.5 if CODE.search(text) or bare else 0.5
    if len(name) >= 3 and name in re.sub(r"[^a-z0-9]", "", title.lower()):
        score += 1
    if s.role == "appendix":
        score -= 0.5
    return score
