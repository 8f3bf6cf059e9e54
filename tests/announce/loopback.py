"""A server on this machine's own address, for tests of what goes over a network: real requests, faults on demand."""

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

FOREVER = 20.0


class Call:
    """A request as it came: method, path, query, headers, body."""

    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.method, self.path = handler.command, parts.path
        self.query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        self.headers = handler.headers
        self.body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

    @property
    def json(self):
        return json.loads(self.body)


class Loopback:
    """Answers requests by ``answer(call) -> (status, content[, headers])``; ``fault(path, ...)`` spoils one answer.

    calls: what came, in order. A fault names the end of a path, which of its calls is meant (from 1), and one of: a status with
    content; "lost", where the server does its work and the answer never arrives; "down", where the line breaks before the work.
    """

    def __init__(self):
        self.calls, self.faults = [], []
        self._counts = {}
        self._gone = threading.Event()

    def fault(self, path, what, *, call=1, headers=None):
        self.faults.append((path, self._counts.get(path, 0) + call, what, headers or {}))

    def _spoiled(self, path):
        for end in {f[0] for f in self.faults} | set(self._counts):
            if path.endswith(end):
                self._counts[end] = self._counts.get(end, 0) + 1
        return next((f for f in self.faults if path.endswith(f[0]) and self._counts.get(f[0]) == f[1]), None)

    def respond(self, handler):
        call = Call(handler)
        self.calls.append(call)
        fault = self._spoiled(call.path)
        if fault and fault[2] == "down":
            handler.close_connection = True
            handler.connection.close()
            return
        if fault and fault[2] != "lost":
            (status, content), headers = fault[2], fault[3]
        else:
            status, content, headers = (*self.answer(call), {})[:3]
        if fault and fault[2] == "lost":
            self._gone.wait(FOREVER)
            handler.close_connection = True
            return
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(raw)))
        for name, value in headers.items():
            handler.send_header(name, str(value))
        handler.end_headers()
        handler.wfile.write(raw)

    def went(self, path):
        """The requests to a path that ends so."""
        return [c for c in self.calls if c.path.endswith(path)]

    @contextmanager
    def running(self):
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                server.respond(self)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            listening.daemon_threads = True
            thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
            thread.start()
            self.url = f"http://127.0.0.1:{listening.server_port}"
            try:
                yield self
            finally:
                self._gone.set()
                listening.shutdown()
                thread.join()


def soon():
    """Seconds since 1970, at most a second from now, as rate limits are told; waits for the beginning of a second."""
    time.sleep(-time.time() % 1)
    return int(time.time()) + 1
