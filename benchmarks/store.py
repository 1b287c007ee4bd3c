"""An S3 that serves the files of one folder as fast as the kernel sends them, and counts what it sent.

python benchmarks/store.py FOLDER     prints its endpoint; /-/served says what has been sent since the last time
"""

import json
import os
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SERVED = "/-/served"


class Store(ThreadingHTTPServer):
    """The folder, and the counters."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.folder = folder
        self.lock = threading.Lock()
        self.sent = {"bytes": 0, "requests": 0}


class Answer(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Store

    def log_message(self, *words: object) -> None:
        """Say nothing."""

    def do_HEAD(self) -> None:
        """Answer without content."""
        self._answer(with_content=False)

    def do_GET(self) -> None:
        """Answer whole, or the range that is asked for."""
        if self.path == SERVED:
            self._tell()
        else:
            self._answer(with_content=True)

    def _tell(self) -> None:
        with self.server.lock:
            body = json.dumps(self.server.sent).encode()
            self.server.sent = {"bytes": 0, "requests": 0}
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _answer(self, *, with_content: bool) -> None:
        path = self.server.folder / self.path.partition("?")[0].rpartition("/")[2]
        size = path.stat().st_size
        asked = self.headers.get("Range", "")
        first, _, last = asked.removeprefix("bytes=").partition("-")
        start, end = (int(first), min(int(last or size), size - 1) + 1) if asked else (0, size)
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.send_header("Content-Length", str(end - start))
        self.send_header("ETag", '"0"')
        self.send_header("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        self.end_headers()
        if not with_content:
            return
        self.wfile.flush()
        with path.open("rb") as file:
            while start < end and (sent := os.sendfile(self.connection.fileno(), file.fileno(), start, end - start)):
                start += sent
                with self.server.lock:
                    self.server.sent["bytes"] += sent
        with self.server.lock:
            self.server.sent["requests"] += 1


if __name__ == "__main__":
    store = Store(Path(sys.argv[1]))
    print(f"http://127.0.0.1:{store.server_port}", flush=True)
    store.serve_forever()
