"""What a text names: a Zenodo record, a repository on the Hugging Face Hub, a Drive file or folder, or an https address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from breadth.errors import FetchError, did_you_mean

__all__ = ["EXPECTED", "Drive", "Hub", "Place", "Web", "Zenodo", "place_of"]

EXPECTED = "zenodo:RECORD, hf:USER/REPO, gdrive:ID or an https address"

_NAME = r"[A-Za-z0-9][\w.-]*"
_REPO = re.compile(rf"((?P<kind>models|datasets|spaces)/)?(?P<repo>{_NAME}/{_NAME})(@(?P<revision>[\w./+-]+))?", re.ASCII)
_HUB_PAGE = re.compile(
    rf"/((?P<kind>datasets|spaces)/)?(?P<repo>{_NAME}/{_NAME})(/tree/(?P<revision>[^/]+))?/?", re.ASCII
)  # a branch with a slash in its name is written "hf:USER/REPO@NAME"
_ZENODO_PAGE = re.compile(r"/records?/(?P<record>\d+)/?")
_DRIVE_PAGE = re.compile(r"/(drive/(u/\d+/)?(?P<folder>folders)|(file/(u/\d+/)?d))/(?P<id>[\w-]+)(/.*)?", re.ASCII)
_DOI = re.compile(r"(https?://(dx\.)?doi\.org/|doi:)?10\.5281/zenodo\.(?P<record>\d+)", re.IGNORECASE)
_DRIVE_ID = re.compile(r"[\w-]{5,}", re.ASCII)
Kind = Literal["models", "datasets", "spaces"]


@dataclass(frozen=True)
class Zenodo:
    """A record, by its number; the number of all versions of a work means the latest."""

    record: str


@dataclass(frozen=True)
class Hub:
    """A repository on the Hugging Face Hub at a revision (branch, tag or commit)."""

    repo: str
    kind: Kind = "models"
    revision: str = "main"

    @property
    def prefix(self) -> str:
        """What stands before the repository in the address of a page: nothing for a model."""
        return "" if self.kind == "models" else f"{self.kind}/"

    def __str__(self) -> str:
        return f"hf:{self.prefix}{self.repo}"


@dataclass(frozen=True)
class Drive:
    """A file or folder on Google Drive; a bare id does not tell which."""

    id: str
    kind: Literal["file", "folder", "unknown"] = "unknown"


@dataclass(frozen=True)
class Web:
    """One file at an address."""

    url: str


Place = Zenodo | Hub | Drive | Web


def place_of(text: str) -> Place:
    """Return the place that a text names: "zenodo:RECORD", "hf:[datasets/]USER/REPO[@REVISION]", "gdrive:ID", a DOI or an address.

    The pages of the three services are understood where they are pasted. Raises FetchError for anything else.
    """
    text = text.strip()
    if doi := _DOI.fullmatch(text):
        return Zenodo(doi["record"])
    scheme, colon, rest = text.partition(":")
    if colon and rest.startswith("//"):
        return _page(text, scheme.lower())
    if not colon:
        raise FetchError(f"'{text}' names no place to fetch from; expected {EXPECTED}{_completed(text)}")
    if scheme not in _READERS:
        near = did_you_mean(scheme, [*_READERS, "https"])
        raise FetchError(f"unknown place '{text}'; expected {EXPECTED}{near}")
    return _READERS[scheme](text, rest)


def _completed(text: str) -> str:
    if text.isdecimal():
        return f"; did you mean 'zenodo:{text}'?"
    return f"; did you mean 'hf:{text}'?" if _REPO.fullmatch(text) else ""


def _zenodo(text: str, rest: str) -> Place:
    found = _DOI.fullmatch(rest)
    record = found["record"] if found else rest
    if not re.fullmatch(r"[0-9]{1,12}", record):
        raise FetchError(f"'{text}' names no Zenodo record; expected its number or DOI, as in zenodo:8247898")
    return Zenodo(record)


def _hub(text: str, rest: str) -> Place:
    found = _REPO.fullmatch(rest)
    # "datasets/NAME" matches as USER/REPO, which no user can be called
    if found is None or found["repo"].split("/")[0] in ("models", "datasets", "spaces"):
        raise FetchError(f"'{text}' names no repository; expected hf:USER/REPO, hf:USER/REPO@REVISION or hf:datasets/USER/REPO")
    return _repository(found)


def _repository(found: re.Match[str]) -> Hub:
    kinds: dict[str | None, Kind] = {None: "models", "models": "models", "datasets": "datasets", "spaces": "spaces"}
    return Hub(found["repo"], kinds[found["kind"]], unquote(found["revision"] or "main"))


def _drive(text: str, rest: str) -> Place:
    if not _DRIVE_ID.fullmatch(rest):
        raise FetchError(f"'{text}' names no file or folder of Google Drive; expected gdrive:ID, or the address of its page")
    return Drive(rest)


_READERS = {"zenodo": _zenodo, "hf": _hub, "gdrive": _drive}


def _page(text: str, scheme: str) -> Place:
    if scheme not in ("https", "http"):
        near = did_you_mean(scheme, ["https"])
        raise FetchError(f"'{text}': '{scheme}' addresses are not fetched; expected {EXPECTED}{near}")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise FetchError(f"'{text}' is no address; expected {EXPECTED}") from None
    host = (parts.hostname or "").removeprefix("www.")
    if host == "zenodo.org" and (page := _ZENODO_PAGE.fullmatch(parts.path)):
        return Zenodo(page["record"])
    if host in ("huggingface.co", "hf.co") and (page := _HUB_PAGE.fullmatch(parts.path)):
        return _repository(page)
    if host in ("drive.google.com", "docs.google.com"):
        if page := _DRIVE_PAGE.fullmatch(parts.path):
            return Drive(page["id"], "folder" if page["folder"] else "file")
        if parts.path in ("/open", "/uc") and _DRIVE_ID.fullmatch(found := parse_qs(parts.query).get("id", [""])[0]):
            return Drive(found, "file" if parts.path == "/uc" else "unknown")
        raise FetchError(f"'{text}' names no file or folder of Google Drive; expected gdrive:ID, or the address of its page")
    return Web(text)
