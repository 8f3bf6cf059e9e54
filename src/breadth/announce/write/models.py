"""Language models that may write: any OpenAI-compatible endpoint, Anthropic's, or a local command; here they are only asked.

Keys come from the environment and are never printed. What is answered is not believed: `breadth.announce.write.repair` checks it.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shlex
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal, get_args

from breadth.errors import AnnounceError, printable, unknown_name

__all__ = ["Message", "Writer", "WriterName", "writer_of"]

WriterName = Literal["openai", "anthropic", "command"]

LARGEST_ANSWER = 1_000_000  # bytes; a thread is some ten thousand
LONGEST_WAIT = 60.0  # seconds that a service may ask for
TRIES = 3
TOKENS = 8192


@dataclass(frozen=True)
class Message:
    """One turn of the talk with a model."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Writer:
    """A language model. ask: (messages, JSON schema of the answer) -> the answer as text; raises AnnounceError where none comes."""

    name: WriterName
    ask: Callable[[tuple[Message, ...], dict[str, Any]], str]


def writer_of(
    name: str, *, model: str | None = None, base_url: str | None = None, command: str | None = None, timeout: float = 120.0
) -> Writer:
    """Return a writer, without asking it yet.

    openai: ``base_url`` (default https://api.openai.com/v1, or any compatible endpoint) and ``model``, key in OPENAI_API_KEY (none is
    sent where it is not set, as local servers need none); anthropic: ``model``, key in ANTHROPIC_API_KEY; command: a program with its
    arguments, run without a shell, that reads the prompt on standard input and answers on standard output. timeout: seconds an answer
    may take. Raises AnnounceError where something is missing.
    """
    if name not in get_args(WriterName):
        raise AnnounceError(unknown_name("writer", name, ("extractive", *get_args(WriterName))))
    if name == "command":
        try:
            words = shlex.split(command or "")
        except ValueError as error:
            raise AnnounceError(f"--command '{command}' cannot be read ({error}); quote it as for a shell") from error
        if not words:
            raise AnnounceError("writer command needs --command, a program that reads the prompt and prints the answer")
        return Writer("command", lambda messages, schema: _run(words, messages, schema, timeout))
    if not model:
        raise AnnounceError(f"writer {name} needs --model, the name of a model of that service")
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise AnnounceError(f"--base-url is '{base_url}'; expected an address such as http://localhost:8000/v1")
    variable = f"{name.upper()}_API_KEY"
    key = os.environ.get(variable, "").strip()
    if not key and (name == "anthropic" or base_url is None):
        raise AnnounceError(f"writer {name} needs a key; set {variable} in the environment")
    if name == "anthropic":
        url = f"{(base_url or 'https://api.anthropic.com').rstrip('/').removesuffix('/v1')}/v1/messages"
        headers = {"x-api-key": key, "anthropic-version": "2023-06-01"}
        return Writer(
            "anthropic", lambda messages, schema: _anthropic(_Service(url, headers, key, timeout), model, messages, schema)
        )
    url = f"{(base_url or 'https://api.openai.com/v1').rstrip('/')}/chat/completions"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Writer("openai", lambda messages, schema: _openai(_Service(url, headers, key, timeout), model, messages, schema))


@dataclass(frozen=True)
class _Service:
    url: str
    headers: dict[str, str]
    key: str
    timeout: float

    def told(self, text: str) -> str:
        """Return what a service says as one printable line, without the key that it may repeat."""
        line = " ".join(text.split())[:300]
        return printable(line.replace(self.key, "***") if self.key else line)


def _openai(service: _Service, model: str, messages: tuple[Message, ...], schema: dict[str, Any]) -> str:
    body: dict[str, Any] = {"model": model, "messages": [{"role": m.role, "content": m.text} for m in messages]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    status, answer = _post(service, {**body, "response_format": form})
    if status in {400, 404, 422} and any(word in str(answer) for word in ("response_format", "json_schema")):
        status, answer = _post(service, body)  # a compatible endpoint without schemas; the answer is checked anyway
    _succeeded(service, status, answer)
    try:
        choice = answer["choices"][0]
        text = choice["message"]["content"]
        if choice.get("finish_reason") == "length":
            raise AnnounceError(f"{service.url}: the model stopped at its limit of tokens; use a model that answers at more length")
    except (KeyError, IndexError, TypeError, AttributeError):
        text = None
    return _text(service, text)


def _anthropic(service: _Service, model: str, messages: tuple[Message, ...], schema: dict[str, Any]) -> str:
    tool = {"name": "answer", "description": "Give the answer.", "input_schema": schema}
    body = {
        "model": model,
        "max_tokens": TOKENS,
        "messages": [{"role": m.role, "content": m.text} for m in messages],
        "tools": [tool],
        "tool_choice": {"type": "tool", "name": "answer"},
    }
    status, answer = _post(service, body)
    _succeeded(service, status, answer)
    text = None
    try:
        if answer["stop_reason"] == "max_tokens":
            raise AnnounceError(f"{service.url}: the model stopped at its limit of tokens; use a model that answers at more length")
        for block in answer["content"]:
            if block["type"] == "tool_use":
                text = json.dumps(block["input"], ensure_ascii=False)
            elif block["type"] == "text" and text is None:
                text = block["text"]
    except (KeyError, TypeError):
        text = None
    return _text(service, text)


def _text(service: _Service, text: object) -> str:
    if not isinstance(text, str):
        raise AnnounceError(f"{service.url}: the answer holds no text; check that --base-url speaks this service's protocol")
    return text


def _succeeded(service: _Service, status: int, answer: Any) -> None:
    if status == 200:
        return
    error = answer.get("error") if isinstance(answer, dict) else None
    said = service.told(str(error.get("message") if isinstance(error, dict) else error or answer))
    todo = {401: "check the key", 403: "check the key", 404: "check --base-url and --model"}.get(status, "try again later")
    raise AnnounceError(f"{service.url} answered {status} ({said}); {todo}")


def _post(service: _Service, body: dict[str, Any]) -> tuple[int, Any]:
    """Return status and JSON content of an answer; waits where a service asks for a moment. Raises AnnounceError where none comes."""
    try:
        import httpx
    except ImportError:
        raise AnnounceError("a language model needs httpx; install it: pip install 'breadth[paper]'") from None
    for left in reversed(range(TRIES)):
        try:
            with (
                httpx.Client(timeout=service.timeout) as client,
                client.stream("POST", service.url, headers=service.headers, json=body) as r,
            ):
                raw = _bounded(service, r.iter_bytes(), time.monotonic() + service.timeout)
                status, retry = r.status_code, r.headers.get("Retry-After")
        except httpx.TimeoutException:
            raise AnnounceError(
                f"{service.url} did not answer within {service.timeout:g} s; give --timeout, or try again later"
            ) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AnnounceError(
                f"{service.url} cannot be reached ({service.told(str(error))}); check --base-url and the network"
            ) from None
        if status in {429, 503, 529}:
            wait = _seconds(retry)
            if left and wait <= LONGEST_WAIT:
                time.sleep(wait)
                continue
            raise AnnounceError(
                f"{service.url} takes no more requests for now ({status}, asks for {math.ceil(wait)} s); try again then"
            )
        try:
            return status, json.loads(raw)
        except (ValueError, RecursionError):
            said = service.told(raw[:200].decode(errors="replace"))
            raise AnnounceError(
                f"{service.url} answered {status} with something other than JSON ({said}); check --base-url"
            ) from None
    raise AssertionError


def _bounded(service: _Service, pieces: Any, until: float) -> bytes:
    raw = bytearray()
    for piece in pieces:
        raw += piece
        if len(raw) > LARGEST_ANSWER:
            raise AnnounceError(f"{service.url} answered more than {LARGEST_ANSWER} bytes, which is no thread; try another model")
        if time.monotonic() > until:
            raise AnnounceError(f"{service.url} did not answer within {service.timeout:g} s; give --timeout, or try again later")
    return bytes(raw)


def _seconds(retry: str | None) -> float:
    """Return the seconds of a Retry-After: a number, a date, or 2 where there is none that can be read."""
    try:
        given = float(retry or 2)
        return max(given, 0.0) if math.isfinite(given) else 2.0
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(str(retry)).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return 2.0


def _run(words: list[str], messages: tuple[Message, ...], schema: dict[str, Any], timeout: float) -> str:
    """Return what a command prints for a talk, which it reads as one text."""
    turns = "\n\n".join(m.text if m.role == "user" else f"Your answer was:\n{m.text}" for m in messages)
    prompt = f"{turns}\n\nAnswer with one JSON object and nothing else, of this schema:\n{json.dumps(schema)}\n"
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as complaints:
        given.write(prompt.encode())
        given.seek(0)
        try:
            process = subprocess.Popen(words, stdin=given, stdout=subprocess.PIPE, stderr=complaints, start_new_session=True)
        except OSError as error:
            raise AnnounceError(
                f"command '{words[0]}' cannot be run ({error.strerror}); give --command a program that is there"
            ) from error
        assert process.stdout is not None
        timer = threading.Timer(timeout, _end, (process,))
        timer.start()
        begun = time.monotonic()
        try:
            raw = process.stdout.read(LARGEST_ANSWER + 1)
            if len(raw) > LARGEST_ANSWER:
                raise AnnounceError(
                    f"command '{words[0]}' printed more than {LARGEST_ANSWER} bytes, which is no thread; print the answer only"
                )
            code = process.wait()
        finally:
            timer.cancel()
            if process.poll() is None:
                _end(process)
            process.stdout.close()
            process.wait()
        if code != 0:
            if time.monotonic() - begun >= timeout:
                raise AnnounceError(f"command '{words[0]}' did not answer within {timeout:g} s; give --timeout")
            complaints.seek(0)
            said = complaints.read(100_000).decode(errors="replace").strip().split("\n")[-1][:200]
            raise AnnounceError(
                f"command '{words[0]}' ended with code {code} ({printable(said) or 'no word'}); run it by hand to see why"
            )
    return raw.decode(errors="replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop a command and whatever it has started; nothing where all have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
