"""Zenodo: a record's files, with sizes and MD5 checksums, by its public records API (developers.zenodo.org)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, urljoin

from breadth.errors import FetchError
from breadth.fetch.client import Client, StatusError, checked
from breadth.fetch.listing import Checksum, Listing, Remote, bytes_of, safe_paths
from breadth.fetch.places import Zenodo

__all__ = ["list_record"]

_MD5 = re.compile(r"md5:([0-9a-f]{32})")


def list_record(place: Zenodo, source: str, base: str, client: Client) -> Listing:
    """Return the files of a record. base: address of the service. Raises FetchError where it is unknown, removed or closed."""
    page = f"{base}/records/{place.record}"
    address = f"{base}/api/records/{place.record}"
    try:
        record, answer = client.read_json(address)
    except StatusError as error:
        raise FetchError(_refusal(place.record, page, error)) from error
    try:
        files, metadata = record.get("files", []), record["metadata"]
        names = [str(f["key"]) for f in files]
        urls = [_address(f, answer.url, name) for f, name in zip(files, names, strict=True)]
        sizes = [bytes_of(f["size"]) for f in files]
        sums = [_checksum(f.get("checksum")) for f in files]
        number = str(record["id"])
    except (KeyError, TypeError, AttributeError, ValueError):
        raise FetchError(f"Zenodo describes record {place.record} in a form that is not known; look at {page}") from None
    if not files:
        access = metadata.get("access_right", "closed")
        raise FetchError(
            f"Zenodo record {place.record} shows no files ({access}); ask for access at {page}, download by hand"
            if access != "open"
            else f"Zenodo record {place.record} holds no files; see {page}"
        )
    return Listing(
        source,
        "zenodo",
        f"{base}/records/{number}",
        tuple(Remote(*r) for r in zip(names, safe_paths(names), urls, sizes, sums, strict=True)),
        title=_text(metadata.get("title")),
        licence=_licence(metadata),
        revision=number,
    )


def _address(file: dict[str, Any], record: str, name: str) -> str:
    links = file.get("links") or {}
    said = links.get("content") or links.get("self") or f"{record.rstrip('/')}/files/{quote(name, safe='')}/content"
    return checked(urljoin(record, str(said)), came_from=record)


def _checksum(text: Any) -> Checksum | None:
    found = _MD5.fullmatch(text.lower()) if isinstance(text, str) else None
    return None if found is None else Checksum("md5", found[1])


def _licence(metadata: dict[str, Any]) -> str | None:
    said = metadata.get("license") or next(iter(metadata.get("rights") or []), None)
    return _text(said.get("id") if isinstance(said, dict) else said)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _refusal(record: str, page: str, error: StatusError) -> str:
    if error.status in (401, 403):
        return f"Zenodo record {record} is closed; ask for access at {page}, download by hand"
    if error.status == 404:
        return f"Zenodo has no record {record}; check the number, as in zenodo:8247898"
    if error.status == 410:
        return f"Zenodo record {record} was removed; see {page}"
    return str(error)
