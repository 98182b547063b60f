"""The schedule of the simulated telephone in real time: timers, sockets and a keyboard in one loop.

It waits with gevent's selector, so that a service in the same process goes on meanwhile.
"""

from __future__ import annotations

import selectors
import signal
import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from gevent.selectors import GeventSelector

from esl_vm.sim.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from _typeshed import FileDescriptorLike


class RealTime(Schedule):
    """A schedule on the wall clock; its time never goes back. Use as a context, or `close` it."""

    def __init__(self) -> None:
        super().__init__()
        self._offset = time.time() - time.monotonic()
        self._selector = GeventSelector()
        self._actions: dict[int, dict[int, Callable[[], None]]] = {}

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close it."""
        self.close()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._offset + time.monotonic()

    def watch(self, file: FileDescriptorLike, on_readable: Callable[[], None]) -> None:
        """Have something done whenever a file can be read (or is at its end)."""
        self._set(file, selectors.EVENT_READ, on_readable)

    def watch_writing(self, file: FileDescriptorLike, on_writable: Callable[[], None] | None) -> None:
        """Have something done whenever a file can be written; None: no more."""
        self._set(file, selectors.EVENT_WRITE, on_writable)

    def forget(self, file: FileDescriptorLike) -> None:
        """Watch a file no more; one that isn't watched is no error."""
        descriptor = file if isinstance(file, int) else file.fileno()
        if self._actions.pop(descriptor, None):
            self._selector.unregister(descriptor)

    @contextmanager
    def on_signal(self, number: signal.Signals, action: Callable[[], None]) -> Iterator[None]:
        """Have something done in the loop when a signal comes; when it comes again, what it did before.

        A signal's handler runs between any two instructions: an exception of its own (KeyboardInterrupt) leaves what
        it meets half done, in the call or in the selector. So the handler does nothing, and the loop is woken.
        Outside the main thread, which no signal comes to, nothing happens.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        awake, wake = socket.socketpair()
        awake.setblocking(False)
        wake.setblocking(False)

        def came() -> None:
            if number in awake.recv(64):
                action()

        def once(_number: int, _frame: FrameType | None) -> None:
            signal.signal(number, before)

        self.watch(awake, came)
        before = signal.getsignal(number) or signal.SIG_DFL
        signal.signal(number, once)
        woken_before = signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken_before)
            signal.signal(number, before)
            self.forget(awake)
            awake.close()
            wake.close()

    def run_until(self, reached: Callable[[], bool], timeout: float | None = None) -> bool:
        """Let time pass until a condition holds, at most `timeout` seconds; returns whether it does."""
        end = None if timeout is None else self.now() + timeout
        while not reached():
            now = self.now()
            if end is not None and now >= end:
                return False
            at = self.next_at()
            if at is not None and at <= now:
                self._pop()()
                continue
            moments = [moment for moment in (at, end) if moment is not None]
            self._wait(min(moments) - now if moments else None)
        return True

    def close(self) -> None:
        """Free the selector."""
        self._selector.close()

    def _set(self, file: FileDescriptorLike, event: int, action: Callable[[], None] | None) -> None:
        descriptor = file if isinstance(file, int) else file.fileno()
        actions = dict(self._actions.get(descriptor, {}))
        actions.pop(event, None)
        if action is not None:
            actions[event] = action
        self.forget(descriptor)
        if actions:
            self._actions[descriptor] = actions
            self._selector.register(descriptor, sum(actions))

    def _wait(self, seconds: float | None) -> None:
        for key, events in self._selector.select(seconds):
            for event in (selectors.EVENT_READ, selectors.EVENT_WRITE):
                action = self._actions.get(key.fd, {}).get(event)
                if events & event and action is not None:
                    action()
