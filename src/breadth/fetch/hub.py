"""The Hugging Face Hub: the files of a repository at one commit, with SHA-256 (large files) or git checksums (small ones)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin

from breadth.errors import FetchError
from breadth.fetch.client import Client, StatusError, checked
from breadth.fetch.listing import Checksum, Listing, Remote, bytes_of, safe_paths
from breadth.fetch.places import Hub
from breadth.fetch.services import Services

__all__ = ["list_repository"]

_NEXT = re.compile(r'<([^>]*)>\s*;[^,]*\brel="?next"?')
_COMMIT = re.compile(r"[0-9a-f]{40}")
_MOST_PAGES = 1_000


def list_repository(place: Hub, source: str, services: Services, client: Client) -> Listing:
    """Return the files of a repository at the commit that its revision means now, so that a resumed transfer is of one version.

    Raises FetchError where the repository or revision is unknown, private or gated.
    """
    page = f"{services.hub}/{place.prefix}{place.repo}"
    try:
        about, _ = client.read_json(
            f"{services.hub}/api/{place.kind}/{place.repo}/revision/{quote(place.revision, safe='')}", services.hub_secret
        )
        commit = about["sha"]
        if not _COMMIT.fullmatch(commit):
            raise ValueError
        files = list(_entries(f"{services.hub}/api/{place.kind}/{place.repo}/tree/{commit}?recursive=1", services, client))
        names = [str(e["path"]) for e in files]
        sizes = [bytes_of((e.get("lfs") or e)["size"]) for e in files]
        sums = [_checksum(e) for e in files]
    except StatusError as error:
        raise FetchError(_refusal(place, page, services, error)) from error
    except (KeyError, TypeError, AttributeError, ValueError):
        raise FetchError(f"the Hub describes {place} in a form that is not known; look at {page}") from None
    if not files:
        raise FetchError(f"{place} holds no files at {place.revision}; see {page}")
    root = f"{services.hub}/{place.prefix}{place.repo}/resolve/{commit}"
    urls = [f"{root}/{quote(name)}" for name in names]
    card = about.get("cardData")
    return Listing(
        source,
        "huggingface",
        page,
        tuple(Remote(*r) for r in zip(names, safe_paths(names), urls, sizes, sums, strict=True)),
        title=place.repo,
        licence=_licence(card if isinstance(card, dict) else {}),
        revision=commit,
    )


def _entries(url: str, services: Services, client: Client) -> Iterator[dict[str, Any]]:
    """Files of all pages of a listing."""
    seen = set[str]()
    while url not in seen and len(seen) < _MOST_PAGES:
        seen.add(url)
        entries, answer = client.read_json(url, services.hub_secret)
        yield from (e for e in entries if e["type"] == "file")
        following = _NEXT.search(answer.headers.get("Link", ""))
        if following is None:
            return
        url = checked(urljoin(url, following[1]), came_from=url)
    raise FetchError(f"the Hub lists the files at {url} without an end; give the same command again later")


def _checksum(entry: dict[str, Any]) -> Checksum:
    lfs = entry.get("lfs")
    kind, digest = ("sha256", lfs["oid"]) if lfs else ("git-sha1", entry["oid"])
    if not re.fullmatch(r"[0-9a-f]{64}" if lfs else r"[0-9a-f]{40}", digest):
        raise ValueError
    return Checksum(kind, digest)


def _licence(card: dict[str, Any]) -> str | None:
    said = card.get("license")
    if said == "other" and isinstance(card.get("license_name"), str):
        said = card["license_name"]
    if isinstance(said, list):
        said = ", ".join(str(s) for s in said)
    return said if isinstance(said, str) and said else None


def _refusal(place: Hub, page: str, services: Services, error: StatusError) -> str:
    token = "the token in HF_TOKEN" if services.token else "a token in HF_TOKEN"
    if error.code == "GatedRepo":
        return f"{place} is gated; accept its terms at {page}, and give {token} of the account that did"
    if error.code == "RevisionNotFound":
        return f"{place} has no revision '{place.revision}'; see {page}"
    if error.status in (401, 403, 404):
        return f"{place} does not exist or is private; check the name, or give {token} that may read it"
    return str(error)
