"""Mastodon by Mastodon.py: each status carries an idempotency key; what an earlier attempt may have sent is looked up first."""

from __future__ import annotations

import mimetypes
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from breadth.announce.send.account import given
from breadth.announce.send.journal import Entry, Ref
from breadth.announce.send.plan import Outgoing, Sending
from breadth.announce.send.send import RateLimit
from breadth.errors import AnnounceError

if TYPE_CHECKING:
    import mastodon as library

__all__ = ["Server", "mastodon"]

T = TypeVar("T")
CLOCKS_DIFFER = timedelta(minutes=10)
PICTURE_POLLS = 30


@contextmanager
def mastodon(timeout: float) -> Iterator[Server]:
    """Take the account that the environment names and yield it."""
    try:
        import mastodon as library
    except ImportError:
        raise AnnounceError("posting to Mastodon needs Mastodon.py; install it: pip install 'breadth[post]'") from None
    server, token = (
        given("MASTODON_SERVER", "https://mastodon.social"),
        given("MASTODON_TOKEN", "an access token of your server's settings"),
    )
    client = library.Mastodon(
        access_token=token,
        api_base_url=server,
        ratelimit_method="throw",
        request_timeout=timeout,
        # What is asked of a server here, which the library would find out by more calls, and warn where it cannot.
        mastodon_version="4.0.0",
        version_check_mode="created",
    )
    try:
        yield Server(client)
    finally:
        client.session.close()


class Server:
    """An account on a Mastodon server."""

    def __init__(self, client: library.Mastodon) -> None:
        self._client = client
        try:
            me = self._call(client.account_verify_credentials)
        except RateLimit as limit:
            raise AnnounceError(f"Mastodon takes no more requests for {limit.wait:.0f} s; run this again then") from limit
        self._id = me.id
        self.account = me.url

    def _call(self, call: Callable[[], T]) -> T:
        from mastodon import errors

        try:
            return call()
        except errors.MastodonRatelimitError as error:
            reset = self._client.ratelimit_reset
            raise RateLimit(max(reset - time.time(), 0.0) if reset else 60.0) from error
        except errors.MastodonUnauthorizedError as error:
            raise AnnounceError(
                "Mastodon does not accept the token; make a new one with read and write, and set MASTODON_TOKEN"
            ) from error
        except errors.MastodonError as error:
            said = " ".join(" ".join(map(str, error.args[-3:])).split())[:200]
            if "timed out" in said:
                raise AnnounceError("Mastodon did not answer in time") from error
            raise AnnounceError(f"Mastodon could not be reached or refused ({said})") from error

    def key(self) -> str:
        return str(uuid.uuid4())

    def prepare(self, sending: Sending) -> None:
        """Ask how long a status may be on this server, before the first one is sent."""
        try:
            most = self._call(self._client.instance_v2).configuration.statuses.max_characters
        except AttributeError:
            raise AnnounceError("the server does not say how long a post may be; it is no Mastodon of version 4 or later") from None
        for post in sending.posts:
            if post.length > most:
                raise AnnounceError(
                    f"post {post.n} is {post.length} long, this server takes {most}; shorten it, nothing more is sent"
                )

    def found(self, post: Outgoing, entry: Entry, parent: Ref | None) -> Ref | None:
        """Return the status of an earlier attempt: of this account, in answer to the same one, begun no earlier, with the same words."""
        since = datetime.fromisoformat(entry.begun) - CLOCKS_DIFFER
        for status in self._call(lambda: self._client.account_statuses(self._id, exclude_reblogs=True, limit=40)):
            answers = None if status.in_reply_to_id is None else str(status.in_reply_to_id)
            if status.created_at < since or answers != (parent.id if parent else None):
                continue
            source = self._call(partial(self._client.status_source, status.id))
            if source.text.strip() == post.text.strip():
                return Ref(str(status.id), "", str(status.url))
        return None

    def post(self, sending: Sending, post: Outgoing, entry: Entry, root: Ref | None, parent: Ref | None) -> Ref:
        pictures = [self._picture(sending.folder / p.file, p.alt) for p in post.pictures]
        status = self._call(
            lambda: self._client.status_post(
                post.text,
                in_reply_to_id=parent.id if parent else None,
                media_ids=pictures or None,
                language="en",
                idempotency_key=entry.key,
            )
        )
        return Ref(str(status.id), "", str(status.url))

    def _picture(self, path: Path, alt: str) -> str:
        """Upload a picture and return its id when the server has made it ready."""
        content, kind = path.read_bytes(), mimetypes.guess_type(path.name)[0]  # given a path, the library leaves the file open
        media = self._call(lambda: self._client.media_post(content, mime_type=kind, description=alt))
        for _ in range(PICTURE_POLLS):
            if media.url is not None:
                return str(media.id)
            time.sleep(1.0)
            media = self._call(partial(self._client.media, media.id))
        raise AnnounceError(f"Mastodon did not make the picture ready within {PICTURE_POLLS} s")
