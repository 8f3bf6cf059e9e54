"""What a server of Bluesky does with the calls that posting makes, and what it refuses, in a hundred lines."""

import base64
import hashlib
import json
import re
import time
from datetime import datetime

import regex

from announce.loopback import Loopback

DID = "did:plc:ewvi7nxzyoun6zhxrhs64oiz"
HANDLES = {"author.bsky.social": DID, "friend.bsky.social": "did:plc:z72i7hdynmk6r22z27h6tvur"}
POSTS = "app.bsky.feed.post"


def cid(content, codec=b"\x71"):
    return "b" + base64.b32encode(b"\x01" + codec + b"\x12\x20" + hashlib.sha256(content).digest()).decode().lower().rstrip("=")


def token(scope, number):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'HS256'})}.{part({'scope': scope, 'sub': DID, 'iat': now, 'exp': now + 7200, 'jti': str(number)})}.c2ln"


class Pds(Loopback):
    """posts: key -> record, in the order in which they came."""

    def __init__(self):
        super().__init__()
        self.posts, self.blobs, self.sessions = {}, {}, 0
        self.valid = None

    def expire(self):
        self.valid = None

    def answer(self, call):  # noqa: PLR0911
        name = call.path.removeprefix("/xrpc/")
        if name == "com.atproto.server.createSession":
            return self.create_session(call.json)
        if name == "com.atproto.identity.resolveHandle":
            did = HANDLES.get(call.query["handle"])
            return (200, {"did": did}) if did else refusal("InvalidRequest", "Unable to resolve handle")
        if call.headers.get("Authorization") != f"Bearer {self.valid}":
            return refusal("ExpiredToken", "Token has expired")
        if name == "com.atproto.repo.uploadBlob":
            link = cid(call.body, b"\x55")
            blob = {"$type": "blob", "ref": {"$link": link}, "mimeType": call.headers["Content-Type"], "size": len(call.body)}
            self.blobs[link] = (blob, call.body)
            return 200, {"blob": blob}
        if name == "com.atproto.repo.getRecord":
            record = self.posts.get(call.query["rkey"])
            if record is None:
                return refusal("RecordNotFound", f"Could not locate record: at://{DID}/{POSTS}/{call.query['rkey']}")
            return 200, {**self.ref(call.query["rkey"]), "value": record}
        if name == "com.atproto.repo.createRecord":
            return self.create_record(call.json)
        return 501, {"error": "MethodNotImplemented", "message": name}

    def create_session(self, given):
        if given["password"] != "app-word":
            return 401, {"error": "AuthenticationRequired", "message": "Invalid identifier or password"}
        self.sessions += 1
        self.valid = token("com.atproto.access", self.sessions)
        refresh = token("com.atproto.refresh", self.sessions)
        return 200, {"did": DID, "handle": given["identifier"], "accessJwt": self.valid, "refreshJwt": refresh, "active": True}

    def ref(self, key):
        return {"uri": f"at://{DID}/{POSTS}/{key}", "cid": cid(json.dumps(self.posts[key], sort_keys=True).encode())}

    def create_record(self, data):
        key, record = data["rkey"], data["record"]
        if key in self.posts:
            return 500, {"error": "InternalServerError", "message": "There is already a value at that key"}
        wrong = self.wrong(data, record)
        if wrong:
            return refusal("InvalidRequest", wrong)
        self.posts[key] = record
        return 200, self.ref(key)

    def wrong(self, data, record):  # noqa: PLR0911
        known = [self.ref(key) for key in self.posts]
        raw = record["text"].encode()
        if data["repo"] != DID or data["collection"] != POSTS or record["$type"] != POSTS:
            return "not a post of this account"
        if not re.fullmatch(r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}", data["rkey"]):
            return "rkey is no TID"
        if not record["createdAt"].endswith("Z") or datetime.fromisoformat(record["createdAt"]).tzinfo is None:
            return "createdAt is no time with zone Z"
        if len(regex.findall(r"\X", record["text"])) > 300 or len(raw) > 3000:
            return "text is too long"
        if "reply" in record and not (
            typeless(record["reply"]["root"]) in known[:1] and typeless(record["reply"]["parent"]) in known
        ):
            return "reply to what is not there"
        for facet in record.get("facets", []):
            start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
            raw[start:end].decode()  # raises within a letter
            if not 0 <= start < end <= len(raw):
                return "facet outside the text"
        for image in record.get("embed", {}).get("images", []):
            blob, content = self.blobs[image["image"]["ref"]["$link"]]
            if image["image"] != blob or len(content) > 1_000_000 or not blob["mimeType"].startswith("image/"):
                return "bad blob"
        return None


def typeless(value):
    """The same without the names of types that a schema gives anyway."""
    return {k: typeless(v) if isinstance(v, dict) else v for k, v in value.items() if k != "$type"}


def refusal(error, message):
    return 400, {"error": error, "message": message}
