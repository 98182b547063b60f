"""FreeSWITCH's inbound event socket, for asking it and for hearing what happens."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from esl_vm.esl.commands import command
from esl_vm.esl.wire import Decoder, Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from live.loop import Loop


class EventSocket:
    """FreeSWITCH's inbound event socket: commands and their answers, and after `listen` its events.

    Args:
        port, password: where it listens on loopback.
    """

    def __init__(self, port: int, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._decoder = Decoder()
        self._next()  # auth/request
        assert self.ask(f"auth {password}").startswith("+OK"), "FreeSWITCH refuses the password"

    def ask(self, line: str) -> str:
        """The answer to a command of one line."""
        self._socket.sendall(command(line))
        return self._next().data

    def api(self, line: str) -> str:
        """The answer to an api command, without blanks around it."""
        return self.ask(f"api {line}").strip()

    def listen(self, loop: Loop, names: str, heard: Callable[[Frame], None]) -> None:
        """From now on have the loop take in events of these names; nothing can be asked here any more."""
        assert self.ask(f"event plain {names}").startswith("+OK"), names
        self._socket.setblocking(False)

        def readable() -> None:
            while True:
                try:
                    data = self._socket.recv(1 << 20)
                except BlockingIOError:
                    return
                if not data:
                    loop.forget(self._socket)
                    return
                self._decoder.feed(data)
                for frame in self._decoder:
                    if frame.type == "text/event-plain":
                        heard(frame)

        loop.do(lambda: loop.watch(self._socket, readable))

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()

    def _next(self) -> Frame:
        while (frame := self._decoder.next()) is None:
            data = self._socket.recv(65536)
            assert data, "FreeSWITCH closed the event socket"
            self._decoder.feed(data)
        return frame


def members_of(argument: str, delimiter: str = "") -> list[str]:
    """The files of an argument of `playback`; parameters in `{…}` before it are left out.

    Args:
        argument: as in CHANNEL_EXECUTE.
        delimiter: the channel's variable `playback_delimiter`.
    """
    argument = re.sub(r"^\{[^}]*\}", "", argument)
    if argument.startswith("file_string://"):
        return argument.removeprefix("file_string://").split("!")
    return argument.split(delimiter) if delimiter else [argument]
