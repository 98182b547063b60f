"""FreeSWITCH's `socket` application for tests of the listener: real connections, answered at once."""

from __future__ import annotations

import gevent
from esl_peer import DISCONNECT, UUID, answer, described, event, reply
from gevent import socket
from support.waiting import eventually


class Caller:
    """A call that FreeSWITCH brings to the service.

    Args:
        address: the service's.
        number: the caller's, to tell calls apart.
        talks: whether it answers at all.
    """

    def __init__(self, address: tuple[str, int], number: str = "1001", *, talks: bool = True) -> None:
        self.number = number
        self.uuid = UUID[: -len(number)] + number
        self.commands: list[str] = []
        self.closed = False
        self.socket = socket.create_connection(address, timeout=100)
        self.socket.settimeout(None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = gevent.spawn(self._read if talks else self._wait_for_end)

    def executed(self) -> list[str]:
        return [line.split("execute-app-name: ")[1].split("\n")[0] for line in self.commands if "sendmsg" in line]

    def presses(self, key: str) -> None:
        self.writes(event("DTMF", DTMF__Digit=key))

    def writes(self, data: bytes) -> None:
        self.socket.sendall(data.replace(UUID.encode(), self.uuid.encode()))

    def vanishes(self) -> None:
        """Reset the connection, as a FreeSWITCH that crashed does."""
        self._reader.kill()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def ends(self) -> None:
        """Wait until the service has closed the connection."""
        eventually(lambda: self.closed)

    def _wait_for_end(self) -> None:
        try:
            while self.socket.recv(65536):
                pass
        except OSError:
            pass
        self.closed = True

    def _read(self) -> None:
        buffer = b""
        try:
            while data := self.socket.recv(65536):
                buffer += data
                *blocks, buffer = buffer.split(b"\n\n")
                for block in blocks:
                    self.takes(block.decode())
        except OSError:
            pass
        self.closed = True

    def takes(self, block: str) -> None:
        """A command of the service's, to be answered."""
        self.commands.append(block)
        if block == "connect":
            self.writes(described(Caller__Caller__ID__Number=self.number))
        elif block == "exit":
            self.writes(reply("+OK bye") + DISCONNECT)
            self.socket.shutdown(socket.SHUT_WR)
        elif block.startswith("api "):
            self.writes(answer("+OK\n"))
        elif block.startswith("sendmsg"):
            uuid = block.split("Event-UUID: ")[1]
            self.writes(reply())
            self.writes(
                event(
                    "CHANNEL_EXECUTE_COMPLETE",
                    Application="x",
                    Application__Response="FILE PLAYED",
                    Application__UUID=uuid,
                )
            )
        else:
            self.writes(reply())
