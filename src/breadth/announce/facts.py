"""What only the author knows, from facts.toml: handles, links, tags, and corrections of what was read. Never guessed."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from breadth.errors import AnnounceError, did_you_mean

__all__ = ["Facts", "facts_in", "read_facts"]

Kind = TypeVar("Kind", bound=BaseModel)


class Facts(BaseModel):
    """Facts of a thread; every one is optional and, where given, goes before what the paper says.

    handles: name of a person or group -> "@handle"; urls: further addresses that posts may show; names: further names, data sets and
    models that posts may mention; credits: text of a last post with thanks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str | None = None
    authors: tuple[str, ...] | None = None
    venue: str | None = None
    paper_url: str | None = None
    code_url: str | None = None
    no_code: bool = False
    hashtags: tuple[str, ...] = ()
    handles: dict[str, str] = {}
    urls: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    finding: str | None = None
    limitation: str | None = None
    credits: str | None = None
    crops: dict[str, str] = {}


def read_facts(path: Path) -> Facts:
    """Return the facts of a TOML file; raises AnnounceError where it is no such file."""
    return facts_in(path, Facts, "title, authors, urls", 'code_url = "https://..."')


def facts_in(path: Path, kind: type[Kind], such_as: str, example: str) -> Kind:
    """Return a TOML file as that kind of facts. such_as, example: what an error says to give; raises AnnounceError as read_facts does."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise AnnounceError(f"facts '{path}': {error.strerror}; give a TOML file with {such_as} and the like") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AnnounceError(f"facts '{path}' is not TOML ({error}); give lines such as: {example}") from error
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            known = list(kind.model_fields)
            raise AnnounceError(
                f"facts '{path}': unknown key '{key}'; expected one of: {', '.join(known)}{did_you_mean(key, known)}"
            ) from error
        raise AnnounceError(f"facts '{path}': {key}: {first['msg']}; correct the value") from error
