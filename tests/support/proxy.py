"""A way to a server that can be slow, hang or be cut, while the server itself does well."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Proxy:
    """Listens on loopback and hands everything on to a port there.

    Attributes:
        delay_s: seconds by which each answer comes late. hangs: nothing comes back, connections stay.
        alters: what becomes of each answer on its way.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.delay_s = 0.0
        self.hangs = False
        self.alters: Callable[[bytes], bytes] = bytes
        self._over = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break all connections that are up."""
        for stream in list(self._open):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self._port))
                for stream in (ours, theirs):
                    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._open.add(stream)
                threading.Thread(target=self._hand_on, args=(ours, theirs, False), daemon=True).start()
                threading.Thread(target=self._hand_on, args=(theirs, ours, True), daemon=True).start()

    def _hand_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 20):
                if answers:
                    self._over.wait(self.delay_s)
                    while self.hangs and not self._over.wait(0.02):
                        pass
                    data = self.alters(data)
                target.sendall(data)
        for stream in (source, target):
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)
            self._open.discard(stream)
