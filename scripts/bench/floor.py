"""The least a gevent server can do: find where frames end, ask for the next application when one has ended."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gevent.server import StreamServer

if TYPE_CHECKING:
    from gevent import socket

EVENTS, STEPS = sys.argv[1], int(sys.argv[2])
EXECUTE = b"sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: a.wav\nevent-lock: true\n\n"
BEGIN = b"connect\n\nfilter Unique-ID x\n\nevent plain " + EVENTS.encode() + b"\n\nlinger 30\n\n"
COMPLETE = b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n"


def handle(stream: socket.socket, _address: object) -> None:
    stream.sendall(BEGIN + EXECUTE)
    left, buffer = STEPS - 1, b""
    while data := stream.recv(65536):
        buffer = buffer + data if buffer else data
        at = 0
        while (end := buffer.find(b"\n\n", at)) >= 0:
            body = end + 2
            if buffer.startswith(b"Content-Length: ", at):
                length = int(buffer[at + 16 : buffer.index(b"\n", at)])
                if len(buffer) < body + length:
                    break
                at = body + length
                if buffer.startswith(COMPLETE, body):
                    stream.sendall(EXECUTE if left > 0 else b"exit\n\n")
                    left -= 1
            else:
                at = body
        buffer = buffer[at:]
    stream.close()


server = StreamServer(("127.0.0.1", 0), handle, backlog=1024)
server.start()
print(server.server_port, flush=True)
server.serve_forever()
