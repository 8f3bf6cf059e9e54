"""Google Drive: public files and folders, by the pages that a browser without an account sees.

A folder is read from its embeddable view, which names files but neither sizes nor checksums; a large file hides behind a page that asks
to confirm a download without a virus scan. Google promises neither form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

from breadth.errors import FetchError
from breadth.fetch.client import Answer, Client, StatusError, file_name, host_of
from breadth.fetch.listing import Listing, Remote, safe_paths
from breadth.fetch.places import Drive

__all__ = ["list_drive", "open_file"]

_PAGE_BYTES = 2**22
_ENTRY = re.compile(r"entry-(?P<id>[\w-]+)", re.ASCII)
_MOST_ENTRIES = 20_000
_DEEPEST = 30


def list_drive(place: Drive, source: str, base: str, client: Client) -> Listing:
    """Return the files of a public folder and of the folders inside, or the one file. Raises FetchError where nothing is public."""
    if place.kind != "file":
        view = _view(place.id, base, client)
        if view is not None:
            return _folder_listing(place, view, source, base, client)
        if place.kind == "folder":
            raise FetchError(_closed(place.id, base))
    url = _file_url(base, place.id)
    remote = Remote(place.id, safe_paths([place.id])[0], url)
    try:
        with open_file(remote, {}, client) as answer:
            name = file_name(answer) or place.id
            length = answer.headers.get("Content-Length", "")
    except StatusError as error:
        raise FetchError(_closed(place.id, base) if error.status in (401, 403, 404) else str(error)) from error
    size = int(length) if length.isdecimal() else None
    named = name.replace("/", "_")
    return Listing(
        source, "gdrive", f"{base}/file/d/{place.id}/view", (Remote(name, safe_paths([named])[0], url, size),), title=name
    )


def open_file(remote: Remote, headers: Mapping[str, str], client: Client) -> Answer:
    """Return the answer that carries a file's bytes, confirmed where Drive asks for it. Raises FetchError where it gives another page."""
    # The first request has no range: of the page that asks to confirm, a part would be of no use.
    answer = client.open(remote.url)
    if not _is_page(answer):
        if not headers:
            return answer
        url = answer.url
        answer.close()
        return client.open(url, headers)
    with answer:
        text, here = answer.read(_PAGE_BYTES).decode(errors="replace"), answer.url
    if host_of(here).startswith("accounts."):
        raise FetchError(f"{remote.name}: not shared with everybody who has the link; ask its owner on Google Drive to share it")
    form = _Form()
    form.feed(text)
    if form.action is None:
        if "quota" in text.lower() or "too many users" in text.lower():
            raise FetchError(f"{remote.name}: downloaded too often today, says Google Drive; give the same command again tomorrow")
        raise FetchError(
            f"{remote.name}: Google Drive shows a page instead of the file ({form.title or 'no title'}); open {remote.url}"
        )
    answer = client.open(f"{urljoin(here, form.action).partition('?')[0]}?{urlencode(form.fields)}", headers)
    if _is_page(answer):
        answer.close()
        raise FetchError(f"{remote.name}: Google Drive shows a page instead of the file, even when confirmed; open {remote.url}")
    return answer


def _file_url(base: str, identifier: str) -> str:
    return f"{base}/uc?export=download&id={identifier}"


def _closed(identifier: str, base: str) -> str:
    return (
        f"gdrive:{identifier} does not exist or is not shared with everybody who has the link; "
        f"check the id, or ask its owner to share it (a folder: {base}/drive/folders/{identifier})"
    )


def _is_page(answer: Answer) -> bool:
    shown = answer.headers.get_content_type() == "text/html"
    return shown and answer.headers.get_content_disposition() != "attachment"


def _view(identifier: str, base: str, client: Client) -> _View | None:
    """Return what a folder's page shows, or None where there is no such page."""
    try:
        content, answer = client.read(f"{base}/embeddedfolderview?id={identifier}")
    except StatusError as error:
        if error.status in (400, 401, 403, 404):
            return None
        raise
    view = _View()
    view.feed(content.decode(errors="replace"))
    if host_of(answer.url).startswith("accounts.") or not view.is_folder:
        return None
    return view


def _folder_listing(place: Drive, view: _View, source: str, base: str, client: Client) -> Listing:
    names, identifiers, notes = list[str](), list[str](), list[str]()
    seen = {place.id}
    waiting = [("", view, 0)]
    while waiting:
        prefix, shown, depth = waiting.pop(0)
        for identifier, title, href in shown.entries:
            name = prefix + (title.replace("/", "_") or identifier)
            path = urlsplit(href).path
            if "/folders/" in path:
                if identifier in seen or depth == _DEEPEST:
                    continue
                seen.add(identifier)
                inner = _view(identifier, base, client)
                if inner is None:
                    notes.append(f"{name}: a folder that is not public, left out")
                else:
                    waiting.append((f"{name}/", inner, depth + 1))
            elif "/file/" in path or not path:
                names.append(name)
                identifiers.append(identifier)
            else:
                notes.append(f"{name}: a document of Google's own, which has no file, left out; export it by hand")
        if len(names) > _MOST_ENTRIES:
            raise FetchError(f"gdrive:{place.id} holds more than {_MOST_ENTRIES:,} files; fetch the folders inside one by one")
    if not names:
        raise FetchError(f"gdrive:{place.id} shows no files; check that the folder is shared with everybody who has the link")
    urls = [_file_url(base, i) for i in identifiers]
    files = tuple(Remote(*r) for r in zip(names, safe_paths(names), urls, strict=True))
    return Listing(source, "gdrive", f"{base}/drive/folders/{place.id}", files, title=view.title, notes=tuple(notes))


class _View(HTMLParser):
    """The embeddable page of a folder: one block of class "flip-entry" an entry, with a link and a title."""

    def __init__(self) -> None:
        super().__init__()
        self.is_folder = False
        self.title = ""
        self.entries: list[tuple[str, str, str]] = []  # id, title, address
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {k: v or "" for k, v in attrs}
        classes = found.get("class", "").split()
        self.is_folder |= "flip-entries" in classes or "flip-entry" in classes
        entry = _ENTRY.fullmatch(found.get("id", ""))
        if "flip-entry" in classes and entry is not None:
            self.entries.append((entry["id"], "", ""))
        elif tag == "a" and self.entries and not self.entries[-1][2]:
            self.entries[-1] = (*self.entries[-1][:2], found.get("href", ""))
        elif "flip-entry-title" in classes or tag == "title":
            self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside == "title":
            self.title += data
        elif self._inside is not None and self.entries:
            identifier, title, href = self.entries[-1]
            self.entries[-1] = (identifier, (title + data).strip(), href)


class _Form(HTMLParser):
    """The form of the page that asks to confirm: where it leads and its hidden fields."""

    def __init__(self) -> None:
        super().__init__()
        self.action: str | None = None
        self.fields: list[tuple[str, str]] = []
        self.title = ""
        self._form = self._title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {k: v or "" for k, v in attrs}
        self._title |= tag == "title"
        if tag == "form" and found.get("id") == "download-form":
            self.action, self._form = found.get("action", ""), True
        elif tag == "input" and self._form and found.get("type") == "hidden" and found.get("name"):
            self.fields.append((found["name"], found.get("value", "")))

    def handle_endtag(self, tag: str) -> None:
        self._form &= tag != "form"
        self._title &= tag != "title"

    def handle_data(self, data: str) -> None:
        if self._title:
            self.title = " ".join((self.title + data).split())[:80]
