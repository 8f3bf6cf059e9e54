"""What a Mastodon server does with the calls that posting makes, in a hundred lines."""

import re
from datetime import UTC, datetime
from email import message_from_bytes
from urllib.parse import parse_qsl

from announce.loopback import Loopback

TOKEN = "a-token"


class Instance(Loopback):
    """statuses: what was posted, in order. slow_pictures: polls until a picture is ready; remembers_keys: whether idempotency holds."""

    def __init__(self, *, max_characters=500):
        super().__init__()
        self.statuses, self.media, self.keys, self.token = [], {}, {}, TOKEN
        self.slow_pictures, self.remembers_keys, self.max_characters = 0, True, max_characters

    def answer(self, call):  # noqa: PLR0911
        path = call.path
        if path.rstrip("/") == "/api/v2/instance":
            return 200, self.instance()
        if call.headers.get("Authorization") != f"Bearer {self.token}":
            return 401, {"error": "The access token is invalid"}
        if path == "/api/v1/accounts/verify_credentials":
            return 200, self.account()
        if path == "/api/v2/media":
            return self.upload(call)
        if found := re.fullmatch(r"/api/v1/media/(\d+)", path):
            return self.ready(found[1])
        if path == "/api/v1/statuses" and call.method == "POST":
            return self.publish(call)
        if path == "/api/v1/accounts/7/statuses":
            return 200, [self.shown(s) for s in reversed(self.statuses)]
        if found := re.fullmatch(r"/api/v1/statuses/(\d+)/source", path):
            text = next(s["text"] for s in self.statuses if s["id"] == found[1])
            return 200, {"id": found[1], "text": text, "spoiler_text": ""}
        return 404, {"error": "Record not found"}

    def instance(self):
        limits = {
            "statuses": {"max_characters": self.max_characters, "max_media_attachments": 4, "characters_reserved_per_url": 23}
        }
        return {
            "domain": "127.0.0.1",
            "title": "here",
            "version": "4.3.1",
            "api_versions": {"mastodon": 2},
            "configuration": limits,
        }

    def account(self):
        return {"id": "7", "username": "author", "acct": "author", "url": f"{self.url}/@author"}

    def upload(self, call):
        head = f"Content-Type: {call.headers['Content-Type']}\r\n\r\n".encode()
        parts = {p.get_param("name", header="content-disposition"): p for p in message_from_bytes(head + call.body).get_payload()}
        number = str(len(self.media) + 1)
        self.media[number] = {
            "bytes": parts["file"].get_payload(decode=True),
            "description": parts["description"].get_payload(decode=True).decode(),
            "left": self.slow_pictures,
        }
        return self.ready(number, 202)

    def ready(self, number, waiting=206):
        media = self.media[number]
        done = media["left"] == 0
        media["left"] = max(media["left"] - 1, 0)
        url = f"{self.url}/media/{number}.png" if done else None
        return (200 if done else waiting), {"id": number, "type": "image", "url": url, "description": media["description"]}

    def publish(self, call):
        fields = parse_qsl(call.body.decode(), keep_blank_values=True)
        given = dict(fields)
        key = call.headers["Idempotency-Key"]
        if key in self.keys and self.remembers_keys:
            return 200, self.shown(self.keys[key])
        pictures = [v for k, v in fields if k == "media_ids[]"]
        parent = given.get("in_reply_to_id")
        if parent is not None and parent not in {s["id"] for s in self.statuses}:
            return 404, {"error": "The post you are trying to reply to does not appear to exist."}
        if len(given["status"]) > self.max_characters or any(self.media[p]["left"] for p in pictures):
            return 422, {"error": "Validation failed"}
        number = str(109_000_000_000_000_000 + len(self.statuses))
        status = {"id": number, "text": given["status"], "parent": parent, "pictures": pictures, "language": given.get("language")}
        status["at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        self.statuses.append(status)
        self.keys[key] = status
        return 200, self.shown(status)

    def shown(self, status):
        html = "<p>" + status["text"].replace("&", "&amp;").replace("<", "&lt;").replace("\n", "<br />") + "</p>"
        return {
            "id": status["id"],
            "created_at": status["at"],
            "in_reply_to_id": status["parent"],
            "url": f"{self.url}/@author/{status['id']}",
            "content": html,
            "account": self.account(),
        }
