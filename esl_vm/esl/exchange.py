"""Commands out, replies in, on one outbound event socket: the part of a session that knows no call.

A subclass of greenswitch's OutboundSession that keeps the class, the socket and the contract of `send`, and replaces
reading and correlation (docs/decisions/0002-greenswitch.md says what for). How it works:

- **The greenlet that waits is the one that reads.** There is no reader greenlet and no queue between: whoever waits
  for something reads the socket until it has come. Between waits the kernel keeps the bytes.
- **Every wait is one `recv` with a timeout** on the socket given, against the clock given. A socket-like object with
  its own clock runs whole calls in virtual time.
- **A few bytes wake nobody** while an event is waited for (SO_RCVLOWAT, where the stream is a socket): that halves the
  number of times a call is woken for an application.
- **Replies** come in the order of the commands, one each. A reply nobody needs is taken in when it comes.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from collections import deque
from typing import TYPE_CHECKING, Protocol

from gevent.socket import wait
from greenswitch.esl import OutboundSession

from esl_vm.esl.commands import command
from esl_vm.esl.wire import DONE, OK, PLAIN_EVENT, Decoder, Frame, FrameLimits
from esl_vm.model.errors import CallerGoneError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# Seconds a reply may take. FreeSWITCH answers within a millisecond; a stalled disk holds it up.
REPLY_S = 10.0
READ_SIZE = 65536
# Times to read until, besides those of the clock.
NOW, NEVER = -math.inf, math.inf
# Seconds after a read in which nothing new is looked for: a conversation that goes on at once has missed nothing.
FRESH_S = 0.001
# Bytes that wake us, unless we wait for a reply or for the rest of a frame. The reply to an execute (45 bytes), even
# after that to a uuid_setvar (58), is shorter; every event FreeSWITCH writes of a call is far longer. An event comes in
# two pieces, and its first, the head of 52 bytes, wakes nobody either. The end of the connection always does.
LOW_WATER = 128
# The shortest wait: a timeout of 0 would mean not to wait at all.
SHORTEST_S = 0.0005


class Stream(Protocol):
    """What a session needs of a socket; gevent's sockets have it, and so has an in-memory pipe."""

    def settimeout(self, value: float | None, /) -> None:
        """Seconds after which recv raises TimeoutError; 0: BlockingIOError at once; None: it waits for ever."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Some bytes, none at the end of the stream."""
        ...

    def send(self, data: bytes, /) -> int:
        """Write what can be written now; how much that was."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Write all of it."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Exchange(OutboundSession):  # type: ignore[misc] # greenswitch has no types
    """One event socket, for one greenlet.

    Args:
        address: the other end, for the log.
        stream: the connected socket.
        clock: seconds, monotonic; the stream's timeouts are measured on it.
        limits: the longest frame accepted.
    """

    def __init__(
        self,
        address: object,
        stream: Stream,
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: FrameLimits | None = None,
    ) -> None:
        # greenswitch's own constructor makes a buffered reader, a queue and handlers that nobody here would use.
        self.sock, self.connected = stream, True
        self.address = address
        self.gone = ""  # why the caller is not there any more; `` while he is
        self._stream = stream
        self._clock = clock
        self._decoder = Decoder(limits)
        self._low_water = 1  # the kernel's own
        self._enough = LOW_WATER  # what it is to be while nothing in particular is waited for
        self._set_option: Callable[[int, int, int], object] | None = getattr(stream, "setsockopt", None)
        # gevent's sockets try to read before they wait; here there is hardly ever anything to read yet, and a system call
        # and an exception for nothing are a twentieth of what an application costs.
        self._readable = getattr(stream, "_read_event", None)
        self._timeout: float | None = -1.0  # what the stream was told last
        self._reading = False  # whether a greenlet waits in recv
        self._read_at = -math.inf  # when something came last
        # Replies come in the order of the commands. Most are needed by nobody, so those are only counted.
        self._sent = 0
        self._held = b""  # commands that go out with the next ones
        self._answered = 0
        self._wanted: deque[tuple[int, list[Frame]]] = deque()  # which reply somebody waits for, and where it goes

    @property
    def uuid(self) -> str:
        """The call's Unique-ID, `` before it is known."""
        return ""

    def now(self) -> float:
        """The clock's time."""
        return self._clock()

    def allow(self, limits: FrameLimits) -> None:
        """From now on accept frames of this length."""
        self._decoder.limits = limits

    def check(self) -> None:
        """Raise CallerGoneError if the caller is gone."""
        if self.gone:
            raise CallerGoneError(self.gone)

    def send(self, data: str) -> Frame:
        """Send a command of one line and wait for its reply, as greenswitch's `send` does."""
        return self.ask([data])[0]

    def api(self, text: str) -> str:
        """Run an api command in FreeSWITCH; returns its output. It holds up this call's events until it is done."""
        return self.send(f"api {text}").data

    def ask(self, lines: list[str], timeout: float = REPLY_S) -> list[Frame]:
        """Send commands of one line in one write; returns their replies.

        Raises:
            CallerGoneError: the caller is gone, or FreeSWITCH is silent for `timeout` seconds.
            UnsafeArgumentError: a command of several lines; none was sent.
        """
        replies: list[Frame] = []
        self.post(b"".join(map(command, lines)), len(lines), replies)
        self.read_until(lambda: len(replies) == len(lines), timeout)
        return replies

    def post(self, data: bytes, count: int = 1, replies: list[Frame] | None = None) -> None:
        """Send encoded commands and wait for nothing.

        Args:
            data: as commands.py encodes them.
            count: how many they are.
            replies: where their replies are put when they come; None: nobody needs them.
        """
        self.hold(data, count, replies)
        self.flush()

    def hold(self, data: bytes, count: int = 1, replies: list[Frame] | None = None) -> None:
        """As `post`, but with the next commands, or before it is waited: each write costs FreeSWITCH and us a wake-up."""
        if not self.connected:
            raise CallerGoneError(self.gone)
        if replies is not None:
            self._wanted.extend((self._sent + n, replies) for n in range(1, count + 1))
        self._sent += count
        self._held += data

    def flush(self) -> None:
        """Send what is held; raises CallerGoneError."""
        data, self._held = self._held, b""
        if not data:
            return
        try:
            # `sendall` costs gevent a system call more; a command is short, so the kernel takes it whole.
            taken = self._stream.send(data)
            if taken < len(data):
                self._stream.sendall(data[taken:])
        except OSError as error:
            self._closed(f"the connection broke: {error}")
            raise CallerGoneError(self.gone) from error

    def read_until(self, done: Callable[[], bool], timeout: float) -> None:
        """Read until `done`; raises CallerGoneError, also when FreeSWITCH is silent for `timeout` seconds."""
        end = self._clock() + timeout
        while not done():
            self.check()
            if not self.read(end) and self._clock() >= end:
                self._broken("FreeSWITCH does not answer")

    def poll(self) -> None:
        """Take in what has come meanwhile, without waiting; raises CallerGoneError."""
        if self._clock() - self._read_at > FRESH_S:
            while not self.gone and self.read(NOW):
                pass
        if self.gone:
            raise CallerGoneError(self.gone)

    def read(self, until: float) -> bool:
        """Read once and take in every whole frame; False if nothing came by that time.

        Args:
            until: a time of the clock; NOW: what is there; NEVER: for as long as it takes. The last is the cheapest,
                it needs no timer.
        """
        if self._held and until != NOW:
            self.flush()
        timeout = None if until == NEVER else 0.0 if until == NOW else max(SHORTEST_S, until - self._clock())
        low_water = 1 if self._wanted or self._decoder.pending else self._enough
        try:
            if timeout != self._timeout:
                self._timeout = timeout
                self._stream.settimeout(timeout)
            if low_water != self._low_water:
                self._set_low_water(low_water)
            self._reading = True
            if timeout != 0 and self._readable is not None:
                wait(self._readable, timeout)
            data = self._stream.recv(READ_SIZE)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:
            self._closed(f"the connection broke: {error}")
            return True
        finally:
            self._reading = False
        if not data:
            self._closed("the connection was closed")
            return True
        self._read_at = self._clock()
        decoder = self._decoder
        decoder.feed(data)
        try:
            while (frame := decoder.next()) is not None:
                if frame is OK or frame is DONE:
                    self._reply(frame)
                elif frame.type == PLAIN_EVENT:
                    self._event(frame)
                else:
                    self._other(frame)
        except WireError as error:
            self._broken(str(error))
        return True

    def stop(self) -> None:
        """Close the connection at once."""
        self._closed("closed")
        try:
            self._stream.close()
        except OSError as error:
            log.debug("closing %s: %s", self.address, error)

    def _set_low_water(self, size: int) -> None:
        """Sleep through what is shorter: the bare +OK that comes before every application's end."""
        self._low_water = size
        if self._set_option is not None:
            self._set_option(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    def _event(self, frame: Frame) -> None:
        """Take an event."""

    def _reply(self, frame: Frame) -> None:
        self._answered += 1
        if self._wanted and self._wanted[0][0] == self._answered:
            self._wanted.popleft()[1].append(frame)
        elif self._answered > self._sent:
            raise WireError(f"a reply to nothing: {frame.data[:80]!r}")
        elif frame is not OK and frame is not DONE and not self.gone and frame.data.startswith("-"):
            log.warning("call %s: FreeSWITCH refused a command: %s", self.uuid, frame.data.strip())

    def _other(self, frame: Frame) -> None:
        if frame.type in {"command/reply", "api/response"}:
            self._reply(frame)
        elif frame.type == "text/disconnect-notice":
            if frame.get("Content-Disposition") == "linger":
                self.gone = self.gone or "hung up"
            else:
                self._closed("FreeSWITCH ended the session")

    def _broken(self, why: str) -> None:
        """Give the connection up: what comes next can't be understood, or nothing comes."""
        if self.uuid:  # of one that is no call tells the listener
            log.error("call %s from %s: %s; connection closed", self.uuid, self.address, why)
        self._closed(why)
        self.stop()

    def _closed(self, why: str) -> None:
        self.connected = False
        self.gone = self.gone or why
