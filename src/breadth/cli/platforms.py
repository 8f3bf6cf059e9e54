"""Names of platforms and services on the command line; who gives another is told in plain words how a thread gets there."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import typer

from breadth.errors import AnnounceError, did_you_mean, printable, unknown_name

__all__ = ["For", "ForIts", "To"]

_Platform = Literal["x", "bluesky", "mastodon", "linkedin"]
_Service = Literal["bluesky", "mastodon"]
_PLATFORMS: Final[tuple[_Platform, ...]] = ("x", "bluesky", "mastodon", "linkedin")
_SERVICES: Final[tuple[_Service, ...]] = ("bluesky", "mastodon")


def _platform(name: str) -> _Platform:
    """The platform of that name; who says twitter is told what it is called."""
    for known in _PLATFORMS:
        if known == name:
            return known
    near = "; did you mean 'x'?" if "twitter" in name.lower() else did_you_mean(name, _PLATFORMS)
    raise AnnounceError(f"unknown platform '{printable(name)}'; expected one of: {', '.join(_PLATFORMS)}{near}")


def _service(name: str) -> _Service:
    """The service to post to; for the others, how a thread gets there."""
    for known in _SERVICES:
        if known == name:
            return known
    open_in_x = "open preview.html and press 'Open in X' under each post"
    paste = "write it with --platform linkedin, press 'Copy' in preview.html, paste it, and attach the pictures of figures/ in their order"
    how = {"x": open_in_x, "twitter": open_in_x, "linkedin": paste}.get(name.lower())
    if how is None:
        raise AnnounceError(unknown_name("service to post to", printable(name), _SERVICES))
    raise AnnounceError(f"--to is '{name}', where breadth does not post; {how}")


For = Annotated[
    _Platform,
    typer.Option(
        "--platform",
        help="Whose form, limits and counting hold; linkedin is one text with all pictures.",
        parser=_platform,
        metavar=f"[{'|'.join(_PLATFORMS)}]",
    ),
]
ForIts = Annotated[
    _Platform | None,
    typer.Option(
        "--platform",
        help="Whose limits and counting hold; where not given, those that the thread was written for (thread.json beside it), else x's.",
        parser=_platform,
        metavar=f"[{'|'.join(_PLATFORMS)}]",
        show_default=False,
    ),
]
To = Annotated[_Service, typer.Option("--to", help="Where to.", parser=_service, metavar=f"[{'|'.join(_SERVICES)}]")]
