"""Commands out, replies in, on one outbound event socket: the part of a session that knows no call.

A subclass of greenswitch's OutboundSession that keeps the class, the socket and the contract of `send`, and replaces
reading and correlation (docs/decisions/0002-greenswitch.md says what for). How it works:

- **The greenlet that waits is the one that reads.** There is no reader greenlet and no queue between: whoever waits
  for something reads the socket until it has come. Between waits the kernel keeps the bytes.
- **Every wait is one `recv` with a timeout** on the socket given, against the clock given. A socket-like object with
  its own clock runs whole calls in virtual time.
- **Replies** come in the order of the commands, one each. A reply nobody needs is taken in when it comes.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from greenswitch.esl import OutboundSession

from esl_vm.esl.wire import PLAIN_EVENT, Decoder, Frame, Limits, command
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

    def sendall(self, data: bytes, /) -> None:
        """Write all of it."""
        ...

    def makefile(self, mode: str, /) -> Any:
        """Asked for by greenswitch's constructor and closed at once."""
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
        limits: Limits | None = None,
    ) -> None:
        super().__init__(address, stream)
        self.sock_file.close()  # greenswitch's buffered reader; we read the socket itself
        self.address = address
        self.gone = ""  # why the caller is not there any more; `` while he is
        self._stream = stream
        self._clock = clock
        self._decoder = Decoder(limits)
        self._timeout: float | None = -1.0  # what the stream was told last
        self._reading = False  # whether a greenlet waits in recv
        self._read_at = -math.inf  # when something came last
        self._replies: deque[list[Frame] | None] = deque()  # where each reply goes that is to come

    def start_event_handlers(self) -> None:
        """Start nothing: greenswitch's two greenlets have no work here."""

    @property
    def uuid(self) -> str:
        """The call's Unique-ID, `` before it is known."""
        return ""

    def now(self) -> float:
        """The clock's time."""
        return self._clock()

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
        self.post(b"".join(map(command, lines)), [replies] * len(lines))
        self.read_until(lambda: len(replies) == len(lines), timeout)
        return replies

    def post(self, data: bytes, replies: list[list[Frame] | None]) -> None:
        """Send encoded commands and wait for nothing.

        Args:
            data: as wire.py encodes them.
            replies: for each command the list its reply is put in when it comes; None: nobody needs it.
        """
        if not self.connected:
            raise CallerGoneError(self.gone)
        self._replies.extend(replies)
        try:
            self._stream.sendall(data)
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
        self.check()

    def read(self, until: float) -> bool:
        """Read once and take in every whole frame; False if nothing came by that time.

        Args:
            until: a time of the clock; NOW: what is there; NEVER: for as long as it takes. The last is the cheapest,
                it needs no timer.
        """
        timeout = None if until == NEVER else 0.0 if until == NOW else max(SHORTEST_S, until - self._clock())
        try:
            if timeout != self._timeout:
                self._stream.settimeout(timeout)
                self._timeout = timeout
            self._reading = True
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
                self._take(frame)
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

    def _event(self, frame: Frame) -> None:
        """Take an event."""

    def _take(self, frame: Frame) -> None:
        if frame.type == PLAIN_EVENT:
            self._event(frame)
        elif frame.type in {"command/reply", "api/response"}:
            if not self._replies:
                raise WireError(f"a reply to nothing: {frame.data[:80]!r}")
            replies = self._replies.popleft()
            if replies is not None:
                replies.append(frame)
            elif frame.type == "command/reply" and frame.data.startswith("-"):
                log.warning("call %s: FreeSWITCH refused a command: %s", self.uuid, frame.data.strip())
        elif frame.type == "text/disconnect-notice":
            if frame.get("Content-Disposition") == "linger":
                self._lingering = True
                self.gone = self.gone or "hung up"
            else:
                self._closed("FreeSWITCH ended the session")

    def _broken(self, why: str) -> None:
        """Give the connection up: what comes next can't be understood, or nothing comes."""
        log.error("call %s from %s: %s; connection closed", self.uuid or "?", self.address, why)
        self._closed(why)
        self.stop()

    def _closed(self, why: str) -> None:
        self.connected = False
        self.gone = self.gone or why
