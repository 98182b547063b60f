"""What the service is measured against: `python -m bench.contenders KIND STEPS EVENTS` prints its port and serves.

floor: the least a gevent server can do: find where frames end, ask for the next application when one has ended.
greenswitch: the same menu as one would write it with greenswitch: its server, its session, its playback, keys by a handler.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

from gevent.server import StreamServer

if TYPE_CHECKING:
    from gevent import socket
    from greenswitch.esl import OutboundSession

KIND, STEPS, EVENTS = sys.argv[1], int(sys.argv[2]), " ".join(sys.argv[3:])
EXECUTE = b"sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: a.wav\nevent-lock: true\n\n"
BEGIN = b"connect\n\nfilter Unique-ID x\n\nevent plain " + EVENTS.encode() + b"\n\nlinger 30\n\n"
COMPLETE = b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n"


def floor(stream: socket.socket, _address: object) -> None:
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


def greenswitch() -> None:
    from gevent import monkey

    monkey.patch_all()
    import socket

    from greenswitch import OutboundESLServer
    from greenswitch.esl import OutboundSessionHasGoneAway

    class Menu:
        def __init__(self, session: OutboundSession) -> None:
            self.session, self.keys = session, []

        def run(self) -> None:
            session = self.session
            with contextlib.suppress(OutboundSessionHasGoneAway):
                session.myevents()
                session.linger()
                session.register_handle("DTMF", lambda event: self.keys.append(event.headers["DTMF-Digit"]))
                for _ in range(STEPS):
                    with session.while_connected():
                        session.playback("a.wav")
                    self.keys.clear()
                session.send("exit")

    logging.basicConfig(level="INFO")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    print(port, flush=True)
    OutboundESLServer("127.0.0.1", port, application=Menu, max_connections=5000).listen()


if KIND == "greenswitch":
    greenswitch()
else:
    server = StreamServer(("127.0.0.1", 0), floor, backlog=1024)
    server.start()
    print(server.server_port, flush=True)
    server.serve_forever()
