"""A real HTTP server on this machine that behaves, and misbehaves, as the services do."""

import hashlib
import html
import http.server
import json
import re
import threading
import urllib.parse
from dataclasses import dataclass, field


@dataclass
class File:
    """What an address answers. etag: None where the server marks no versions; ranges: whether Range requests are understood."""

    content: bytes
    etag: str | None = '"v1"'
    kind: str = "application/octet-stream"
    ranges: bool = True
    headers: dict = field(default_factory=dict)


@dataclass
class Drop:
    """Announce the whole file, send so many bytes, break the connection."""

    after: int


@dataclass
class Hold:
    """Send so many bytes, then nothing more until the server ends."""

    after: int


@dataclass
class Short:
    """Answer a range with its first so many bytes only, and say so."""

    length: int


@dataclass
class Status:
    """Answer with a status and these headers."""

    code: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Announce:
    """Announce another length than there is."""

    length: int


class Server:
    """``files``: path with query -> File or Status; ``faults``: path -> what goes wrong with the next requests, in order; ``log``."""

    def __init__(self):
        self.files, self.faults, self.log = {}, {}, []
        self.ended = threading.Event()
        self.held = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *arguments):
                pass

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.handle_error = lambda request, address: None  # clients are killed here on purpose
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self):
        self.ended.set()
        self._http.shutdown()
        self._http.server_close()

    def requests(self, path):
        """The Range headers of all requests for a path; None where there was none."""
        return [headers.get("Range") for asked, headers in self.log if asked == path]

    def headers(self, path):
        """The headers of all requests for a path."""
        return [headers for asked, headers in self.log if asked == path]

    def answer(self, handler):
        self.log.append((handler.path, dict(handler.headers)))
        handler.close_connection = True
        found = self.files.get(handler.path, Status(404))
        queue = self.faults.get(handler.path)
        fault = queue.pop(0) if queue else None
        if isinstance(fault, Status):
            found = fault
        if isinstance(found, Status):
            self._send(handler, found.code, {**found.headers, "Content-Length": len(found.body)}, found.body)
            return
        content, status, extra = found.content, 200, {}
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        condition = handler.headers.get("If-Range")
        if asked and found.ranges and condition in (None, found.etag):
            start = int(asked[1])
            if start >= len(content):
                self._send(handler, 416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": 0}, b"")
                return
            end = min(start + fault.length, len(content)) if isinstance(fault, Short) else len(content)
            status, extra = 206, {"Content-Range": f"bytes {start}-{end - 1}/{len(content)}"}
            content = content[start:end]
        headers = {"Content-Type": found.kind, "Content-Length": len(content), **extra, **found.headers}
        if found.etag:
            headers["ETag"] = found.etag
        if isinstance(fault, Announce):
            headers["Content-Length"] = fault.length
        body = content[: fault.after] if isinstance(fault, Drop | Hold) else content
        self._send(handler, status, headers, body)
        if isinstance(fault, Hold):
            self.held.set()
            self.ended.wait(30)

    @staticmethod
    def _send(handler, status, headers, body):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, str(value))
        handler.end_headers()
        handler.wfile.write(body)
        handler.wfile.flush()

    # What the services look like.

    def zenodo(self, record, files, **metadata):
        """A record as Zenodo's records API describes it; return the path of each file's content."""
        paths = {name: f"/api/records/{record}/files/{urllib.parse.quote(name, safe='')}/content" for name in files}
        described = [
            {
                "key": name,
                "size": len(content),
                "checksum": f"md5:{hashlib.md5(content).hexdigest()}",
                "links": {"self": self.url + paths[name]},
            }
            for name, content in files.items()
        ]
        about = {"title": "Checkpoints", "license": {"id": "cc-by-4.0"}, "access_right": "open", **metadata}
        self.json(f"/api/records/{record}", {"id": int(record), "metadata": about, "files": described})
        self.files.update({paths[name]: File(content) for name, content in files.items()})
        return paths

    def hub(self, repo, files, *, large=(), revision="main", commit="c" * 40, prefix="", page=2, licence="mit"):
        """A repository of the Hub: its small files in git, the large ones behind a redirect to another host; listed in pages."""
        api = f"/api/{prefix or 'models/'}{repo}"
        self.json(f"{api}/revision/{revision}", {"id": repo, "sha": commit, "cardData": {"license": licence}})
        entries = [{"type": "directory", "oid": "d" * 40, "size": 0, "path": "folder"}]
        paths = {}
        for name, content in files.items():
            paths[name] = f"/{prefix}{repo}/resolve/{commit}/{urllib.parse.quote(name)}"
            sha256 = hashlib.sha256(content).hexdigest()
            entry = {"type": "file", "path": name, "size": len(content)}
            if name in large:
                entry |= {"oid": "e" * 40, "lfs": {"oid": sha256, "size": len(content), "pointerSize": 134}}
                target = f"/cdn/{sha256}?Signature=secret"
                self.files[target] = File(content, etag=f'"{sha256}"')
                there = self.url.replace("127.0.0.1", "localhost") + target
                linked = {"Location": there, "X-Linked-ETag": f'"{sha256}"', "X-Linked-Size": len(content)}
                self.files[paths[name]] = Status(302, linked)
            else:
                entry["oid"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                self.files[paths[name]] = File(content, etag=f'"{entry["oid"]}"', kind="text/plain; charset=utf-8")
            entries.append(entry)
        first = tree = f"{api}/tree/{commit}?recursive=1"
        for start in range(0, len(entries), page):
            following = f"{first}&cursor={start + page}"
            more = {"Link": f'<{self.url}{following}>; rel="next"'} if start + page < len(entries) else {}
            self.json(tree, entries[start : start + page], more)
            tree = following
        return paths

    def drive_file(self, identifier, name, content, *, confirm=False):
        """A file on Drive, behind the page that asks to confirm where it is large; return the path that gives its bytes."""
        ask = f"/uc?export=download&id={identifier}"
        give = f"/download?id={identifier}&export=download&confirm=t&uuid=1234"
        attached = {"Content-Disposition": f"attachment; filename=\"x\"; filename*=UTF-8''{urllib.parse.quote(name)}"}
        self.files[give] = File(content, etag=None, headers={**attached, "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"})
        fields = "".join(
            f'<input type="hidden" name="{k}" value="{v}">'
            for k, v in (("id", identifier), ("export", "download"), ("confirm", "t"), ("uuid", "1234"))
        )
        page = (
            '<html><head><title>Google Drive - Virus scan warning</title></head><body><input type="hidden" name="not" value="this">'
            f'<form id="download-form" action="{self.url}/download" method="get">{fields}</form></body></html>'
        )
        self.files[ask] = (
            File(page.encode(), kind="text/html; charset=utf-8", etag=None)
            if confirm
            else Status(303, {"Location": self.url + give})
        )
        return give

    def drive_folder(self, identifier, title, entries):
        """The embeddable view of a folder. entries: (id, title, address)."""
        shown = "".join(
            f'<div class="flip-entry" id="entry-{i}" tabindex="0"><div class="flip-entry-info"><a href="{a}" target="_blank">'
            f'<div class="flip-entry-visual"><img src="x.png"></div><div class="flip-entry-title">{html.escape(t)}</div></a></div>'
            f'<div class="flip-entry-last-modified"><div>5/6/23</div></div></div>'
            for i, t, a in entries
        )
        page = f'<html><head><title>{title}</title></head><body><div class="flip-entries">{shown}</div></body></html>'
        self.files[f"/embeddedfolderview?id={identifier}"] = File(page.encode(), kind="text/html; charset=utf-8")

    def json(self, path, value, headers=None):
        self.files[path] = File(json.dumps(value).encode(), kind="application/json", headers=headers or {})
