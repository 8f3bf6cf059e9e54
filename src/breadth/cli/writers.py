"""Options of the verbs that may ask a language model, and the model that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from breadth.errors import AnnounceError

if TYPE_CHECKING:
    from breadth.announce.write.models import Writer

__all__ = ["BaseUrl", "By", "Command", "Model", "Timeout", "writer_from"]

By = Annotated[
    Literal["extractive", "openai", "anthropic", "command"],
    typer.Option("--writer", help="Who words it: the source's own sentences, or a language model that may only rephrase them."),
]
Model = Annotated[str | None, typer.Option("--model", help="Model of the writer openai or anthropic.")]
BaseUrl = Annotated[
    str | None, typer.Option("--base-url", help="Address of an endpoint that speaks the writer's protocol, such as a local server.")
]
Command = Annotated[
    str | None, typer.Option("--command", help="Program of the writer command: reads the prompt, prints the answer.")
]
Timeout = Annotated[
    float | None, typer.Option("--timeout", help="Seconds that an answer of a model may take; 120 where not given.", min=1)
]


def writer_from(writer: str, model: str | None, base_url: str | None, command: str | None, timeout: float | None) -> Writer | None:
    """Return the language model that is to write, None for the extractive writer; each refuses the options of the others."""
    given = {"--model": model, "--base-url": base_url, "--command": command, "--timeout": timeout}
    for option in (name for name, value in given.items() if value is not None):
        if writer == "extractive":
            raise AnnounceError(
                f"{option} was given, but the extractive writer asks no model; name one: --writer openai, anthropic or command"
            )
        if option in (("--model", "--base-url") if writer == "command" else ("--command",)):
            takes = "--command and --timeout" if writer == "command" else "--model, --base-url and --timeout"
            raise AnnounceError(f"{option} was given, but the writer {writer} takes {takes} only; leave it out")
    if writer == "extractive":
        return None
    from breadth.announce.write.models import writer_of

    return writer_of(writer, model=model, base_url=base_url, command=command, timeout=120.0 if timeout is None else timeout)
