"""What stand-ins for the Hugging Face Hub on loopback share."""

import http.server
import json

COMMIT = "a" * 40


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers with bytes, or with a JSON value, without a log."""

    def log_message(self, *_):
        pass

    def answer(self, code, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
