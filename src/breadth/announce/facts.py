"""What only the author knows, from facts.toml: handles, links, tags, and corrections of what was read. Never guessed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from breadth.errors import AnnounceError, did_you_mean, printable

__all__ = ["Facts", "facts_in", "read_facts"]

Kind = TypeVar("Kind", bound=BaseModel)


def _handle(value: str) -> str:
    """The handle with its @; the sign is added where a bare name was given."""
    if not re.fullmatch(r"@?[\w.-]+(@[\w.-]+)?", value):
        raise ValueError(f'\'{printable(value)}\' is no handle; expected one such as "@name" or "@name@server"')
    return f"@{value.removeprefix('@')}"


def _tag(value: str) -> str:
    """The hashtag with its #; the sign is added where a bare word was given."""
    if not re.fullmatch(r"#?\w+", value):
        raise ValueError(f"'{printable(value)}' is no hashtag; expected one word such as \"#NLP\"")
    return f"#{value.removeprefix('#')}"


class Facts(BaseModel):
    """Facts of a thread; every one is optional and, where given, goes before what the paper says.

    handles: name of a person or group -> "@handle", hashtags: "#tag", each with its sign, which is added where it was left out;
    urls: further addresses that posts may show; names: further names, data sets and models that posts may mention; credits: text of a
    last post with thanks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    title: str | None = None
    authors: tuple[str, ...] | None = None
    venue: str | None = None
    paper_url: str | None = None
    code_url: str | None = None
    no_code: bool = False
    hashtags: tuple[Annotated[str, AfterValidator(_tag)], ...] = ()
    handles: dict[str, Annotated[str, AfterValidator(_handle)]] = {}
    urls: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    finding: str | None = None
    limitation: str | None = None
    credits: str | None = None
    crops: dict[str, str] = {}

    def unused(self, texts: Sequence[str]) -> dict[str, str]:
        """Return the handles (name -> "@handle") that stand in none of the texts."""
        said = {found for text in texts for found in re.findall(r"(?<![\w@/.])@[\w.-]*\w(?:@[\w.-]*\w)?", text)}
        return {name: handle for name, handle in self.handles.items() if handle not in said}


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
            thanks = "credits" in known and key.lower().startswith(("thank", "acknowledg"))
            near = "; did you mean 'credits'?" if thanks else did_you_mean(key, known)
            raise AnnounceError(f"facts '{path}': unknown key '{key}'; expected one of: {', '.join(known)}{near}") from error
        raise AnnounceError(f"facts '{path}': {_told(str(first['loc'][0]), key, first)}") from error


def _told(field: str, key: str, error: Any) -> str:
    """What is wrong with a value, and how it is written. field: the key of the file; key: with the place inside; error: pydantic's."""
    table = '"Figure 2" = "p2:343,220,541,300"' if field == "crops" else '"Author Name" = "@handle"'
    written = {
        "string_type": f'{key} is text in quotes: {key} = "..."',
        "tuple_type": f'{key} is a list: {key} = ["...", "..."]',
        "dict_type": f"{key} is a table: [{key}] then {table}",
        "bool_type": f"{key} is true or false: {key} = true",
        "bool_parsing": f"{key} is true or false: {key} = true",
    }
    words = str(error["msg"]).removeprefix("Value error, ")
    inside = key != field and error["type"] == "string_type"
    return (
        f"each value of {field} is text in quotes" if inside else written.get(error["type"], f"{key}: {words}; correct the value")
    )
