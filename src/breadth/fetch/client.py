"""One request over https: certificates verified, redirects watched, secrets kept to their host, broken answers tried again."""

from __future__ import annotations

import http.client
import ipaddress
import json
import math
import re
import socket
import ssl
import string
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from breadth.errors import FetchError
from breadth.version import __version__

__all__ = ["BROKEN", "Answer", "Client", "Secret", "StatusError", "checked", "file_name", "host_of", "unreachable"]

Answer = http.client.HTTPResponse  # its .url is the address after redirects

_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_REDIRECTS = 10
_LONGEST_WAIT = 300.0  # seconds; whoever asks for more is tried again by a person
_PAGE_BYTES = 64 * 2**20
BROKEN = (OSError, http.client.HTTPException)  # what a connection can raise


class StatusError(FetchError):
    """An answer that is no success. status: of HTTP; code: of the service (X-Error-Code), or an empty text."""

    def __init__(self, message: str, status: int, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class Secret:
    """A token, sent as "Authorization: Bearer" to the one host it belongs to. url: any address there."""

    url: str
    token: str


@dataclass(frozen=True)
class Client:
    """How requests are made. timeout: seconds without a byte; attempts: in a row that fail; wait: called with seconds and the reason."""

    timeout: float = 30.0
    attempts: int = 5
    wait: Callable[[float, str], None] = lambda seconds, why: time.sleep(seconds)

    @cached_property
    def _openers(self) -> dict[bool, OpenerDirector]:
        """By whether the host is this machine, which no proxy can reach for us."""
        return {True: _opener(ProxyHandler({})), False: _opener(ProxyHandler())}

    def open(self, url: str, headers: Mapping[str, str] | None = None, secret: Secret | None = None) -> Answer:
        """Return the successful answer to GET ``url``, to be closed by the caller; 429, 5xx and broken connections are tried again.

        Raises StatusError for any other status, FetchError where nobody answers or a redirect leads where it must not.
        """
        for attempt in range(1, self.attempts + 1):
            pause = min(2.0 ** (attempt - 1), _LONGEST_WAIT)
            try:
                answer = self._follow(url, headers or {}, secret)
            except BROKEN as error:
                failure: FetchError = FetchError(unreachable(url, error))
                if _is_certificate(error):
                    raise failure from error
            else:
                if answer.status in (200, 206):
                    return answer
                with answer:
                    failure = StatusError(
                        f"{host_of(url)} answers {answer.status} {answer.reason} to {_short(url)}",
                        answer.status,
                        answer.headers.get("X-Error-Code", ""),
                    )
                    asked = _asked_wait(answer.headers.get("Retry-After"))
                if answer.status != 429 and answer.status < 500:
                    raise failure
                if asked is not None:
                    pause = asked
                if pause > _LONGEST_WAIT:
                    raise FetchError(f"{host_of(url)} is busy and asks to wait {pause:.0f} s; give the same command again then")
            if attempt < self.attempts:
                self.wait(pause, str(failure).split(";")[0])
        raise failure

    def read(self, url: str, secret: Secret | None = None) -> tuple[bytes, Answer]:
        """Return the whole of a page (at most 64 MiB) and its answer, closed. Raises FetchError as ``open`` does."""
        for attempt in range(1, self.attempts + 1):
            with self.open(url, secret=secret) as answer:
                try:
                    content = answer.read(_PAGE_BYTES + 1)
                except BROKEN as error:
                    failure = FetchError(unreachable(url, error))
                else:
                    announced = answer.headers.get("Content-Length")
                    if len(content) > _PAGE_BYTES:
                        raise FetchError(
                            f"{host_of(url)} answers more than {_PAGE_BYTES:,} bytes to {_short(url)}; expected a listing"
                        )
                    if announced in (None, str(len(content))):
                        return content, answer
                    failure = FetchError(f"{host_of(url)} broke off its answer to {_short(url)}; give the same command again")
            if attempt < self.attempts:
                self.wait(2.0 ** (attempt - 1), str(failure).split(";")[0])
        raise failure

    def read_json(self, url: str, secret: Secret | None = None) -> tuple[Any, Answer]:
        """Return the JSON at ``url`` and its answer. Raises FetchError also where the answer is no JSON."""
        content, answer = self.read(url, secret)
        try:
            return json.loads(content), answer
        except (ValueError, RecursionError):
            raise FetchError(
                f"{host_of(url)} answers something that is no JSON to {_short(url)}; "
                "look at the address in a browser: a login page of the network may be in between"
            ) from None

    def _follow(self, url: str, headers: Mapping[str, str], secret: Secret | None) -> Answer:
        first = url = checked(url)
        for _ in range(_MOST_REDIRECTS):
            request = Request(url, headers={"User-Agent": f"breadth/{__version__}", "Accept-Encoding": "identity", **headers})
            if secret is not None and _origin(url) == _origin(secret.url):
                request.add_unredirected_header("Authorization", f"Bearer {secret.token}")
            answer = self._openers[_is_loopback(host_of(url))].open(request, timeout=self.timeout)
            assert isinstance(answer, http.client.HTTPResponse)
            target = answer.headers.get("Location")
            if answer.status not in _REDIRECTS or target is None:
                return answer
            answer.close()
            # http.client reads headers as Latin-1; the bytes that were sent are what the address means
            url = checked(urljoin(url, quote(target, safe=string.punctuation, encoding="iso-8859-1")), came_from=first)
        raise FetchError(f"{host_of(first)} redirects {_short(first)} in a circle; check the address in a browser")


def _opener(proxies: ProxyHandler) -> OpenerDirector:
    # No handler of redirects, errors, files or ftp: what is not handled here cannot happen.
    opener = OpenerDirector()
    for handler in (proxies, HTTPHandler(), HTTPSHandler(context=ssl.create_default_context())):
        opener.add_handler(handler)
    return opener


def checked(url: str, came_from: str | None = None) -> str:
    """Return ``url`` in ASCII, without its fragment, if it may be asked: https, or http on this machine.

    came_from: the address that led here; a stranger may not lead to this machine. Raises FetchError.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", f":{parts.port}" if parts.port else ""
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        parts, host, port = SplitResult("", "", "", "", ""), "", ""
    shown = f"'{url}'" if came_from is None else f"'{url}', where {_short(came_from)} leads,"
    if not host:
        raise FetchError(f"{shown} is no address; expected one such as https://HOST/FILE")
    if parts.scheme not in ("https", "http"):
        raise FetchError(f"{shown} is not https; '{parts.scheme}' addresses are not fetched")
    if parts.username is not None or parts.password is not None:
        raise FetchError(f"an address on {host} holds a user name or password; give one without, fetch what is closed yourself")
    local = _is_loopback(host)
    if parts.scheme == "http" and not local:
        raise FetchError(f"{shown} is not encrypted; give its https address")
    if came_from is not None and local and not _is_loopback(urlsplit(came_from).hostname or ""):
        raise FetchError(f"{shown} is this machine; a stranger's redirect is not followed here")
    bare = parts._replace(netloc=(f"[{host}]" if ":" in host else host) + port, fragment="")
    return quote(bare.geturl(), safe=string.punctuation)


def host_of(url: str) -> str:
    """Return the host of an address, as shown to a person."""
    return urlsplit(url).hostname or url


def file_name(answer: Answer) -> str | None:
    """Return the name that an answer gives its file (Content-Disposition, RFC 6266: "filename*" before "filename"), or None."""
    said = answer.headers.get("Content-Disposition", "")
    if extended := re.search(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", said, re.IGNORECASE):
        return unquote(extended[1]) or None
    name = answer.headers.get_filename()
    try:
        return name and name.encode("iso-8859-1").decode()  # many servers send the bytes of UTF-8
    except UnicodeError:
        return name


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine, however it is spelled: "127.1", "2130706433" and "::ffff:127.0.0.1" are, as is 0.0.0.0."""
    if host.rstrip(".") == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host if ":" in host else socket.inet_aton(host))
    except (ValueError, OSError):  # a name
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _short(url: str) -> str:
    # A query may hold a signature, which has no place in a terminal or a log.
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _is_certificate(error: BaseException) -> bool:
    return isinstance(getattr(error, "reason", error), ssl.SSLCertVerificationError)


def unreachable(url: str, error: BaseException) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"the certificate of {host_of(url)} cannot be verified ({reason.verify_message}); check the address and the clock"
    said = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason) or type(reason).__name__
    return f"cannot reach {host_of(url)} ({' '.join(said.split())[:120]}); check the network and give the same command again"


def _asked_wait(text: str | None) -> float | None:
    """Return the seconds that a Retry-After header asks for: a number or a date."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.strip().isdecimal() else (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
