"""A server with OpenAI's API of transcriptions on loopback, that answers, or fails, as it is told to."""

from __future__ import annotations

import contextlib
import json
import threading
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER = {
    "task": "transcribe",
    "language": "french",
    "duration": 4.2,
    "text": " Bonjour, c'est Zoé. Rappelez-moi.",
    "segments": [
        {"start": 0.0, "end": 1.9, "text": " Bonjour, c'est Zoé.", "avg_logprob": -0.2, "no_speech_prob": 0.01},
        {"start": 1.9, "end": 4.2, "text": " Rappelez-moi.", "avg_logprob": -0.4, "no_speech_prob": 0.02},
    ],
}


class EngineServer:
    """What it was asked, and how it answers: each of `steps` once, then `answer`.

    A step is a status, or `drop` (hangs up), `silence` (answers nothing), `slow` (a byte now and then, for ever),
    `rubbish` (no JSON), `odd` (other JSON), `empty` (nothing), `partial` (half of it), `huge` (without end), or an answer.
    """

    def __init__(self, port=0):
        self.asked = []
        self.steps = []
        self.answer = ANSWER
        self.headers = {}
        self.over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                form = message_from_bytes(
                    b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body
                )
                fields = {
                    part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
                    for part in form.get_payload()
                }
                sound = fields.pop("file")
                told = {name: value.decode() for name, value in fields.items()}
                server.asked.append((self.path, self.headers.get("Authorization", ""), told, sound))
                step = server.steps.pop(0) if server.steps else server.answer
                with contextlib.suppress(OSError):
                    self._take(step)

            def _take(self, step):
                if step == "drop":
                    return
                if step == "silence":
                    server.over.wait(60)
                    return
                if step in ("slow", "huge"):
                    self.send_response(200)
                    self.end_headers()
                    piece, pause = (b" ", 0.02) if step == "slow" else (b" " * 65536, 0)
                    while not server.over.wait(pause):
                        self.wfile.write(piece)
                    return
                words = {
                    "empty": b"",
                    "partial": json.dumps(ANSWER).encode()[:99],
                    "rubbish": b"<html>",
                    "odd": b'{"segments": 3}',
                    "list": b"[]",
                }
                known = isinstance(step, str)
                body = words[step] if known else b"{}" if isinstance(step, int) else json.dumps(step).encode()
                self.send_response(step if isinstance(step, int) else 200)
                for name, value in server.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body) + 999 * (step == "partial")))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@contextlib.contextmanager
def engine_server(port=0):
    engine = EngineServer(port)
    threading.Thread(target=engine.server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield engine
    finally:
        engine.over.set()
        engine.server.shutdown()
        engine.server.server_close()
