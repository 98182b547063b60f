"""A connection within the process, in virtual time: what a service takes for a socket, what a node takes for its peer.

Who waits on a `PipeSocket` lets the virtual clock go on; so a service that waits for nothing but its sockets runs
whole calls in no time and always the same way. With several services on one clock (two calls in one mailbox), each in
its greenlet, time goes on only while all of them wait: a service that computes, talks to Redis or waits for a thread
is not waiting on its pipe, and time stands still for everybody. For work done elsewhere there is `TimeKeeper.hold`.
"""

from __future__ import annotations

import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from support.virtual_clock import StuckError, VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from esl_vm.sim.schedule import Timer


class Peer(Protocol):
    """The other end of a connection: the node's side of a call."""

    def feed(self, data: bytes) -> None:
        """Bytes came from the service."""
        ...

    def closed(self) -> None:
        """The service closed its end."""
        ...


@dataclass(slots=True)
class _Waiter:
    """Someone who waits until something is ready."""

    ready: Callable[[], bool]
    event: Any = None
    awake: bool = False


class TimeKeeper:
    """Lets a virtual clock go on when everybody who takes part waits.

    Args:
        clock: the clock of all the calls that take part.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._busy = 0
        self._waiters: list[_Waiter] = []

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let no time pass for as long as the block runs, whatever it waits for in real life (one hub's greenlets)."""
        self.join()
        try:
            yield
        finally:
            self.leave()

    def join(self) -> None:
        """Someone more takes part, and is busy."""
        self._busy += 1

    def leave(self) -> None:
        """Someone who was busy takes part no more."""
        self._busy -= 1
        self._pass_on()

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait, as one who takes part, until something is ready; time goes on meanwhile if all others wait, too.

        Raises:
            StuckError: everybody waits, and nothing is left to happen.
        """
        me = _Waiter(ready)
        self._waiters.append(me)
        self._busy -= 1
        try:
            while not ready():
                if self._busy == 0:
                    self._go_on()
                else:
                    self._sleep(me)
        finally:
            self._waiters.remove(me)
            if not me.awake:
                self._busy += 1

    def _go_on(self) -> None:
        """Do the next thing, unless someone has what he waits for already."""
        if self._wake():
            return
        if not self.clock.advance():
            raise StuckError("everybody waits, and nothing is left to happen")
        self._wake()

    def _wake(self) -> bool:
        """Wake those who sleep and have what they wait for: they are busy from now on. Tells whether there were any."""
        woken = [one for one in self._waiters if not one.awake and one.event is not None and one.ready()]
        for waiter in woken:
            waiter.awake = True
            self._busy += 1
            waiter.event.set()
        return bool(woken)

    def _sleep(self, me: _Waiter) -> None:
        """Wait for the others: until it is our turn to let time pass, or what we wait for has come."""
        from gevent.event import Event  # only several calls at once need greenlets

        if me.event is None:
            me.event = Event()
        me.event.wait()
        me.event.clear()
        if me.awake and not me.ready():  # someone else was quicker
            me.awake = False
            self._busy -= 1

    def _pass_on(self) -> None:
        """All are waiting: one of them must let time pass."""
        if self._busy == 0:
            sleeping = next((waiter for waiter in self._waiters if waiter.event is not None), None)
            if sleeping is not None:
                sleeping.event.set()


class PipeSocket:
    """A connected socket, as far as a service can tell. Time-outs are measured on the virtual clock.

    Args:
        keeper: the keeper of the clock. The connection takes part in it until it is closed.
        peername: what `getpeername` answers.
    """

    def __init__(self, keeper: TimeKeeper, peername: tuple[str, int] = ("127.0.0.1", 50000)) -> None:
        self.peer: Peer | None = None
        self._keeper = keeper
        self._peername = peername
        self._inbox = bytearray()
        self._end = False
        self._open = True
        self._timeout: float | None = None
        keeper.join()

    # The node's side

    def deliver(self, data: bytes) -> None:
        """Bytes for the service."""
        if not self._end:
            self._inbox += data

    def finish(self) -> None:
        """The node closes: the service reads the end after what was delivered."""
        self._end = True

    # The service's side

    def settimeout(self, value: float | None) -> None:
        """Virtual seconds `recv` may take; None: any time, 0: none."""
        self._timeout = value

    def gettimeout(self) -> float | None:
        """The time-out set."""
        return self._timeout

    def recv(self, size: int) -> bytes:
        """Some bytes, none at the end.

        Raises:
            TimeoutError: nothing came in time. BlockingIOError: nothing is there and the time-out is 0.
            OSError: the connection is closed on this side.
        """
        self._check()
        if not self._inbox and not self._end:
            self._wait()
        data = bytes(self._inbox[:size])
        del self._inbox[:size]
        return data

    def sendall(self, data: bytes) -> None:
        """Hand bytes to the node; raises BrokenPipeError once the node has closed."""
        self._check()
        if self._end or self.peer is None:
            raise BrokenPipeError("the node has closed the connection")
        self.peer.feed(bytes(data))

    def send(self, data: bytes) -> int:
        """As sendall; returns how many bytes were taken: all."""
        self.sendall(data)
        return len(data)

    def makefile(self, mode: str = "rb", *_args: Any, **_kwargs: Any) -> io.BufferedIOBase:
        """A file to read from (`rb`) or to write to (`wb`)."""
        raw = _PipeFile(self)
        return io.BufferedWriter(raw) if "w" in mode else io.BufferedReader(raw)

    def close(self) -> None:
        """Close this side; takes part in time no more."""
        if self._open:
            self._open = False
            self._keeper.leave()
            if self.peer is not None:
                self.peer.closed()

    def shutdown(self, _how: int) -> None:
        """Tell the node that no more will come."""
        if self.peer is not None and not self._end:
            self.peer.closed()

    def setsockopt(self, *_args: Any) -> None:
        """Accept any option; a pipe has none."""

    def getpeername(self) -> tuple[str, int]:
        """The address of the node."""
        return self._peername

    def _check(self) -> None:
        if not self._open:
            raise OSError("the connection is closed")

    def _wait(self) -> None:
        if self._timeout == 0:
            raise BlockingIOError("nothing is there")
        late: list[bool] = []
        timer: Timer | None = None
        if self._timeout is not None:
            timer = self._keeper.clock.call_later(self._timeout, lambda: late.append(True))
        try:
            self._keeper.wait(lambda: bool(self._inbox or self._end or late))
        finally:
            self._keeper.clock.cancel(timer)
        if late and not self._inbox and not self._end:
            raise TimeoutError("timed out")


class _PipeFile(io.RawIOBase):
    """What `makefile` wraps."""

    def __init__(self, pipe: PipeSocket) -> None:
        self._pipe = pipe

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._pipe.recv(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        return self._pipe.send(bytes(data))


def call_over_pipe(node, keeper, incoming, voice=None):
    """Let a call come in on a `SimNode`; returns it, and the connected socket for the service in this process."""
    pipe = PipeSocket(keeper)
    call, pipe.peer = node.call(incoming, pipe, voice)
    return call, pipe
