"""Send a thread, or show what would be sent; after a failure the same call goes on where it stopped and posts nothing twice."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from breadth.announce.send.journal import Entry, Ref, digest, locked, opened
from breadth.announce.send.plan import Outgoing, Sending, Target, described, plan_sending
from breadth.errors import AnnounceError

__all__ = ["RateLimit", "Sent", "Service", "send"]

T = TypeVar("T")

MOST_WAITS = 5
LONGEST_WAIT = 300.0  # seconds; a service that wants more is asked again by a person


@dataclass(frozen=True)
class Sent:
    """A post that is on its server. before: whether an earlier call had sent it."""

    n: int
    url: str
    before: bool


class RateLimit(Exception):
    """A service takes no more for now. wait: seconds until it does."""

    def __init__(self, wait: float) -> None:
        self.wait = wait


class Service(Protocol):
    """One account on one service. Methods raise AnnounceError with the reason, or RateLimit.

    account: who at which server. key: a new key for a post. found: the post of an earlier attempt that did arrive, or None.
    """

    account: str

    def key(self) -> str: ...
    def prepare(self, sending: Sending) -> None: ...
    def found(self, post: Outgoing, entry: Entry, parent: Ref | None) -> Ref | None: ...
    def post(self, sending: Sending, post: Outgoing, entry: Entry, root: Ref | None, parent: Ref | None) -> Ref: ...


def send(
    folder: Path, to: Target, *, really: bool, report: Callable[[str], None] = print, timeout: float = 60.0
) -> tuple[Sent, ...]:
    """Send the thread of a folder as a chain of answers, and return its posts; where not ``really``, only report what would be sent.

    Credentials come from the environment: BLUESKY_HANDLE and BLUESKY_PASSWORD (an app password; BLUESKY_SERVER, if not bsky.social),
    or MASTODON_SERVER and MASTODON_TOKEN. timeout: seconds a request may take. Raises AnnounceError, also where it stops in the
    middle; what was sent stands in sent-SERVICE.json, and the same call goes on from there.
    """
    sending = plan_sending(folder, to)
    if not really:
        report(described(sending))
        return ()
    if sending.written_for:
        report(f"written for {sending.written_for}; every post fits {to}")
    with locked(folder), _service(to, timeout) as service:
        return _sent(sending, service, report)


def _service(to: Target, timeout: float) -> AbstractContextManager[Service]:
    if to == "bluesky":
        from breadth.announce.send.bluesky import bluesky

        return bluesky(timeout)
    from breadth.announce.send.mastodon import mastodon

    return mastodon(timeout)


def _sent(sending: Sending, service: Service, report: Callable[[str], None]) -> tuple[Sent, ...]:
    journal = opened(sending, service.account)
    _patient(lambda: service.prepare(sending), report)
    refs: list[Ref] = []
    sent: list[Sent] = []
    for post in sending.posts:
        entry = journal.entry(post.n)
        attempt = partial(_arrived, sending, post, service, tuple(refs), report)
        if entry and entry.ref:
            ref, before = entry.ref, True
        else:
            try:
                if entry is None:
                    entry = Entry(post.n, digest(sending.folder, post), service.key(), _now())
                    journal = journal.having(entry)
                    ref, before = attempt(entry, again=False)
                else:
                    ref, before = attempt(entry, again=True)
            except AnnounceError as error:
                done = f"{post.n - 1} of {len(sending.posts)} posts are sent"
                raise AnnounceError(f"post {post.n}: {error}; {done}, the same command goes on from there") from error
            journal = journal.having(replace(entry, ref=ref))
        report(f"post {post.n} of {len(sending.posts)} {'was sent before' if before else 'sent'}: {ref.url}")
        sent.append(Sent(post.n, ref.url, before))
        refs.append(ref)
    return tuple(sent)


def _arrived(
    sending: Sending,
    post: Outgoing,
    service: Service,
    refs: tuple[Ref, ...],
    report: Callable[[str], None],
    entry: Entry,
    *,
    again: bool,
) -> tuple[Ref, bool]:
    """Return a post as its server has it, and whether an earlier attempt had brought it there; refs: the posts before it."""
    root, parent = (refs[0], refs[-1]) if refs else (None, None)
    if again:
        found = _patient(lambda: service.found(post, entry, parent), report)
        if found:
            return found, True
    return _patient(lambda: service.post(sending, post, entry, root, parent), report), False


def _patient(call: Callable[[], T], report: Callable[[str], None]) -> T:
    """Return what a call gives, after waiting where the service asks for it."""
    for _ in range(MOST_WAITS):
        try:
            return call()
        except RateLimit as limit:
            if limit.wait > LONGEST_WAIT:
                minutes = math.ceil(limit.wait / 60)
                raise AnnounceError(f"the service takes no more for {minutes} minutes; run this again then") from None
            report(f"the service asks to wait {math.ceil(limit.wait)} s")
            time.sleep(limit.wait)
    raise AnnounceError(f"the service asked to wait {MOST_WAITS} times; run this again later")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
