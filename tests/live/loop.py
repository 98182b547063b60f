"""Real time for callers: timers and sockets of all telephones in one thread, on the schedule callers' scripts run on."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING

from esl_vm.sim.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop(Schedule):
    """A `Schedule` on the wall clock, and a selector. Everything but `do` and `stop` belongs to the loop's own thread.

    Attributes:
        errors: tracebacks of what went wrong in it; the loop itself goes on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[str] = []
        self._selector = selectors.DefaultSelector()
        self._orders: deque[Callable[[], None]] = deque()
        self._bell, self._clapper = socket.socketpair()
        self._bell.setblocking(False)
        self._stopping = False
        self.watch(self._bell, lambda: self._bell.recv(4096))
        self._thread = threading.Thread(target=self._run, name="telephones", daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def watch(self, sock: socket.socket, readable: Callable[[], object]) -> None:
        """Have something done whenever a socket can be read."""
        self._selector.register(sock, selectors.EVENT_READ, readable)

    def forget(self, sock: socket.socket) -> None:
        """Watch it no more, and close it."""
        self._selector.unregister(sock)
        sock.close()

    def do(self, action: Callable[[], None]) -> None:
        """Have something done in the loop's thread; may be called in any."""
        self._orders.append(action)
        self._clapper.send(b"!")

    def stop(self) -> None:
        """End the thread."""
        self._stopping = True
        self._clapper.send(b"!")
        self._thread.join(10)
        self._selector.close()
        self._bell.close()
        self._clapper.close()

    def _run(self) -> None:
        with contextlib.suppress(PermissionError):  # as FreeSWITCH does for itself where it may
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
        while not self._stopping:
            at = self.next_at()
            for key, _ in self._selector.select(None if at is None else max(0.0, at - self.now())):
                self._safely(key.data)
            while self._orders:
                self._safely(self._orders.popleft())
            while (at := self.next_at()) is not None and at <= self.now():
                self._safely(self._pop())

    def _safely(self, action: Callable[[], object]) -> None:
        try:
            action()
        except Exception:
            self.errors.append(traceback.format_exc())
