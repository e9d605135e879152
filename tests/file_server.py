"""A server on this machine that behaves in every way a server can."""

import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from course_utils import downloads

BODY = np.random.default_rng(0).bytes(40 * downloads.CHUNK_BYTES)
HALF = len(BODY) // 2


class Handler(BaseHTTPRequestHandler):
    """One address for each way a server can behave."""

    def log_message(self, *args):
        pass

    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.seen.append((self.path, asked))
        getattr(self, "serve_" + self.path.strip("/").split(".")[0])(asked)

    def send(self, asked, body=BODY, stop=None, status=None):
        start = int(asked[6:-1]) if asked else 0
        if start >= len(body):
            return self.send_error(416)
        self.send_response(status or (206 if asked else 200))
        self.send_header("Content-Length", str(len(body) - start))
        if asked:
            span = f"bytes {start}-{len(body) - 1}/{len(body)}"
            self.send_header("Content-Range", span)
        self.end_headers()
        self.wfile.write(body[start:stop])
        self.wfile.flush()

    def serve_whole(self, asked):
        self.send(asked)

    def serve_cut(self, asked):  # half of what is missing, then silence
        start = int(asked[6:-1]) if asked else 0
        self.send(asked, stop=start + (len(BODY) - start + 1) // 2)

    def serve_cutonce(self, asked):
        self.send(asked, stop=None if asked else HALF)

    def serve_cutdumb(self, asked):  # cut once; knows no Range
        first = len(self.server.seen) == 1
        self.send(None, stop=HALF if first else None)

    def serve_hang(self, asked):
        self.send(asked, stop=HALF)
        self.server.go_on.wait(20)

    def serve_slow(self, asked):
        time.sleep(0.6)
        self.send(asked)

    def serve_gate(self, asked):
        self.server.go_on.wait(20)
        self.send(asked)

    def serve_forbidden(self, asked):
        self.send_error(403)

    def serve_missing(self, asked):
        self.send_error(404)

    def serve_other(self, asked):  # the file was exchanged for another
        self.send(asked, BODY[::-1])

    def serve_wrong(self, asked):  # the log-in page of a hotel's network
        self.send(None, b"<html>please log in</html>")


@contextmanager
def serving():
    """Yield a running server: its `url`, and `seen`, what it was asked.

    Set `go_on` to let go of requests that wait for it.
    """
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.seen, server.go_on = [], threading.Event()
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(
        target=server.serve_forever, args=(0.02,), daemon=True
    ).start()
    try:
        yield server
    finally:
        server.go_on.set()
        server.shutdown()
        server.server_close()


def leftovers(cache):
    """Names in the cache, but for the lock that an open file may need."""
    return {p.name for p in cache.iterdir()} - {"thing.bin.lock"}
