"""Where the services are: their public addresses, or stand-ins and mirrors that the environment names."""

from __future__ import annotations

import os
from dataclasses import dataclass

from breadth.fetch.client import Secret, checked

__all__ = ["Services", "from_environment"]


@dataclass(frozen=True)
class Services:
    """Base addresses, without a slash at the end. token: for the Hub, sent to its own host only."""

    zenodo: str = "https://zenodo.org"
    hub: str = "https://huggingface.co"
    drive: str = "https://drive.google.com"
    token: str | None = None

    @property
    def hub_secret(self) -> Secret | None:
        """The token, bound to the host of the Hub."""
        return Secret(self.hub, self.token) if self.token else None


def from_environment() -> Services:
    """Return the services that BREADTH_ZENODO_URL, HF_ENDPOINT, BREADTH_DRIVE_URL and HF_TOKEN name, else the public ones.

    Raises FetchError for an address that may not be asked.
    """
    named = {
        field: checked(url).rstrip("/")
        for field, variable in (("zenodo", "BREADTH_ZENODO_URL"), ("hub", "HF_ENDPOINT"), ("drive", "BREADTH_DRIVE_URL"))
        if (url := os.environ.get(variable, "").strip())
    }
    public = Services()
    token = os.environ.get("HF_TOKEN", "").strip()
    return Services(
        named.get("zenodo", public.zenodo),
        named.get("hub", public.hub),
        named.get("drive", public.drive),
        token if token.isascii() and token.isprintable() and token else None,
    )
