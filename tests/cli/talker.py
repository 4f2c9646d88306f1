"""A server in a process of its own that answers every chat in the same words, and says a line for each request.

It prints its port first.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "I do not know."}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
}


class Talker(BaseHTTPRequestHandler):
    """One answer for all."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        print(self.path, flush=True)
        content = json.dumps(ANSWER).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Talker) as server:
        print(server.server_port, flush=True)
        server.serve_forever()
