"""Bluesky by atproto: each post is a record whose key is chosen here, so that a second attempt cannot make a second post."""

from __future__ import annotations

import io
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from breadth.announce.send.account import given
from breadth.announce.send.journal import Entry, Ref
from breadth.announce.send.plan import Facet, Outgoing, Sending
from breadth.announce.send.send import RateLimit
from breadth.errors import AnnounceError

if TYPE_CHECKING:
    from atproto import Client

__all__ = ["Bluesky", "bluesky", "small_enough", "tid"]

T = TypeVar("T")
POSTS = "app.bsky.feed.post"
LARGEST_PICTURE = 1_000_000  # bytes; servers take this much at least
SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"


def tid(microseconds: int, clock: int) -> str:
    """Return a record key of the AT protocol: 53 bits of time and 10 bits that tell apart who made it, in 13 sortable letters."""
    number = (microseconds << 10 | clock) & (1 << 63) - 1
    return "".join(SORTABLE[number >> 5 * place & 31] for place in reversed(range(13)))


@contextmanager
def bluesky(timeout: float) -> Iterator[Bluesky]:
    """Log in with what the environment says and yield the account."""
    try:
        from atproto import Client, Request
    except ImportError:
        raise AnnounceError("posting to Bluesky needs atproto; install it: pip install 'breadth[post]'") from None
    handle, password = (
        given("BLUESKY_HANDLE", "you.bsky.social"),
        given("BLUESKY_PASSWORD", "an app password of your settings page"),
    )
    server = given("BLUESKY_SERVER", "https://bsky.social", default="https://bsky.social")
    request = Request(timeout=timeout)
    try:
        yield Bluesky(Client(base_url=server, request=request), handle, password)
    finally:
        request.close()


class Bluesky:
    """An account of Bluesky that is logged in."""

    def __init__(self, client: Client, handle: str, password: str) -> None:
        self._client, self._handle, self._password = client, handle, password
        self._dids: dict[str, str] = {}
        self._log_in()

    def _log_in(self) -> None:
        import httpx
        from atproto.exceptions import AtProtocolError, RateLimitExceededError, RequestErrorBase

        try:
            self._client.login(self._handle, self._password, fetch_bsky_profile=False)
        except RateLimitExceededError as error:
            raise AnnounceError("the server takes no more log-ins for now; run this again later") from error
        except RequestErrorBase as error:
            if error.response is not None and error.response.status_code in {400, 401, 403}:
                raise AnnounceError(
                    f"Bluesky does not let {self._handle} in ({_said(error)}); check BLUESKY_HANDLE and BLUESKY_PASSWORD (an app password)"
                ) from error
            raise AnnounceError(_failure(error)) from error
        except (AtProtocolError, httpx.HTTPError, ValueError) as error:
            raise AnnounceError(_failure(error)) from error
        session = self._client._session
        assert session is not None
        self._did = session.did
        self.account = session.did

    def _call(self, call: Callable[[], T]) -> T:
        """Return what a call gives; logs in again, once, where the session has come to its end."""
        import httpx
        from atproto.exceptions import AtProtocolError, BadRequestError, RateLimitExceededError, UnauthorizedError

        for last in (False, True):
            try:
                return call()
            except RateLimitExceededError as error:
                wait = error.retry_after
                if wait is None:
                    wait = max(error.reset_at.timestamp() - time.time(), 0.0) if error.reset_at else 60.0
                raise RateLimit(wait) from error
            except (BadRequestError, UnauthorizedError) as error:
                if last or not any(word in _said(error) for word in ("ExpiredToken", "InvalidToken", "AuthMissing")):
                    raise AnnounceError(_failure(error)) from error
                self._log_in()
            except (AtProtocolError, httpx.HTTPError, ValueError) as error:
                raise AnnounceError(_failure(error)) from error
        raise AssertionError

    def key(self) -> str:
        return tid(time.time_ns() // 1000, secrets.randbelow(1024))

    def prepare(self, sending: Sending) -> None:
        """Look up every handle before the first post is sent."""
        for handle in sorted({f.value for p in sending.posts for f in p.facets if f.kind == "mention"} - set(self._dids)):
            try:
                answer = self._call(partial(self._client.com.atproto.identity.resolve_handle, {"handle": handle}))
            except AnnounceError as error:
                raise AnnounceError(
                    f"@{handle} cannot be looked up ({error}); correct the handle where it is wrong, nothing more is sent"
                ) from error
            self._dids[handle] = answer.did

    def found(self, post: Outgoing, entry: Entry, parent: Ref | None) -> Ref | None:
        try:
            answer = self._call(
                lambda: self._client.com.atproto.repo.get_record({"repo": self._did, "collection": POSTS, "rkey": entry.key})
            )
        except AnnounceError as error:
            if "RecordNotFound" in str(error):
                return None
            raise
        return self._ref(answer.uri, answer.cid or "")

    def post(self, sending: Sending, post: Outgoing, entry: Entry, root: Ref | None, parent: Ref | None) -> Ref:
        record: dict[str, Any] = {"$type": POSTS, "text": post.text, "createdAt": entry.begun, "langs": ["en"]}
        if post.facets:
            record["facets"] = [self._facet(f) for f in post.facets]
        if root and parent:
            record["reply"] = {"root": {"uri": root.id, "cid": root.cid}, "parent": {"uri": parent.id, "cid": parent.cid}}
        if post.pictures:
            images = [self._image(sending.folder / p.file, p.alt) for p in post.pictures]
            record["embed"] = {"$type": "app.bsky.embed.images", "images": images}
        data = {"repo": self._did, "collection": POSTS, "rkey": entry.key, "record": record}
        answer = self._call(lambda: self._client.com.atproto.repo.create_record(data))
        return self._ref(answer.uri, answer.cid)

    def _facet(self, facet: Facet) -> dict[str, Any]:
        kinds = {"link": ("link", "uri"), "tag": ("tag", "tag"), "mention": ("mention", "did")}
        name, key = kinds[facet.kind]
        value = self._dids[facet.value] if facet.kind == "mention" else facet.value
        feature = {"$type": f"app.bsky.richtext.facet#{name}", key: value}
        return {"index": {"byteStart": facet.start, "byteEnd": facet.end}, "features": [feature]}

    def _image(self, path: Path, alt: str) -> dict[str, Any]:
        content, kind, (width, height) = small_enough(path)
        # The library's own verb hands the bytes over in a way that httpx warns about.
        upload = partial(
            self._client.invoke_procedure, "com.atproto.repo.uploadBlob", content=content, headers={"Content-Type": kind}
        )
        blob = self._call(upload).content["blob"]
        return {"alt": alt, "image": blob, "aspectRatio": {"width": width, "height": height}}

    def _ref(self, uri: str, cid: str) -> Ref:
        return Ref(uri, cid, f"https://bsky.app/profile/{self._did}/post/{uri.rsplit('/', 1)[-1]}")


def small_enough(path: Path, most: int = LARGEST_PICTURE) -> tuple[bytes, str, tuple[int, int]]:
    """Return a picture's bytes, media type, and width and height in pixels; as JPEG, smaller step by step, where the file is too large."""
    from PIL import Image

    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as opened:
            opened.load()
            kind = Image.MIME.get(opened.format or "", "")
            picture = opened.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise AnnounceError(f"picture '{path}' cannot be read ({error}); write the thread again") from error
    if len(content) <= most and kind in {"image/png", "image/jpeg"}:
        return content, kind, picture.size
    for scale in (1.0, 0.75, 0.5, 0.25):
        size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
        for quality in (92, 80, 60):
            stream = io.BytesIO()
            picture.resize(size).save(stream, "JPEG", quality=quality)
            if stream.tell() <= most:
                return stream.getvalue(), "image/jpeg", size
    raise AnnounceError(f"picture '{path}' stays over {most} bytes at a quarter of its size; give a smaller one")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _failure(error: Exception) -> str:
    from atproto.exceptions import InvokeTimeoutError

    if isinstance(error, InvokeTimeoutError):
        return "Bluesky did not answer in time"
    return f"Bluesky could not be reached or refused ({_said(error)})"
