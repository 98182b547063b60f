"""The same menu as one would write it with greenswitch: its server, its session, its playback, keys by a handler."""

from __future__ import annotations

from gevent import monkey

monkey.patch_all()

import contextlib
import logging
import socket
import sys

import greenswitch
from greenswitch.esl import OutboundSessionHasGoneAway

STEPS = int(sys.argv[1])


class Menu:
    def __init__(self, session: greenswitch.OutboundSession) -> None:
        self.session = session
        self.keys: list[str] = []

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
greenswitch.OutboundESLServer("127.0.0.1", port, application=Menu, max_connections=5000).listen()
