"""A receiver of webhooks on loopback: writes down what it is told, and answers as it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    def __init__(self):
        self.calls = []
        self.status = 200
        self.headers = {}
        self.over = threading.Event()
        self.drip = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls.append((self.path, dict(self.headers), body))
                if receiver.drip:
                    with contextlib.suppress(OSError):
                        while not receiver.over.wait(0.05):
                            self.wfile.write(b"H")
                            self.wfile.flush()
                    return
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            do_GET = do_POST  # noqa: N815 - a name of http.server

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def told(self):
        return [json.loads(body) for _, _, body in self.calls]


@contextlib.contextmanager
def receiver():
    peer = Receiver()
    thread = threading.Thread(target=peer.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        peer.over.set()
        peer.server.shutdown()
        peer.server.server_close()
