"""One file at an https address: its name and size are what the server says when asked."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from breadth.errors import FetchError
from breadth.fetch.client import Client, StatusError, file_name, host_of
from breadth.fetch.listing import Listing, Remote, safe_paths
from breadth.fetch.places import Web

__all__ = ["list_address"]


def list_address(place: Web, source: str, client: Client) -> Listing:
    """Return the one file at an address. Raises FetchError where there is none, or a page for people instead."""
    try:
        answer = client.open(place.url)
    except StatusError as error:
        raise FetchError(_refusal(place.url, error)) from error
    with answer:
        said = PurePosixPath(unquote(urlsplit(place.url).path)).name
        name = (file_name(answer) or said or "download").replace("/", "_")
        is_page = answer.headers.get_content_type() == "text/html" and not name.lower().endswith((".html", ".htm"))
        length = answer.headers.get("Content-Length", "")
    if is_page:
        raise FetchError(f"{place.url} is a page, not a file; give the address that its download button leads to")
    size = int(length) if length.isdecimal() else None
    return Listing(source, "web", place.url, (Remote(name, safe_paths([name])[0], place.url, size),))


def _refusal(url: str, error: StatusError) -> str:
    if error.status in (401, 403):
        return f"{host_of(url)} does not give {url} to everybody ({error.status}); download it by hand"
    if error.status in (404, 410):
        return f"{host_of(url)} has nothing at {url} ({error.status}); check the address"
    return str(error)
