"""One call's event socket: commands out, replies and events in, keys in a queue, the hang-up as an exception.

A subclass of greenswitch's OutboundSession that keeps the class, the socket and the contract of `send`, and replaces
reading and correlation (docs/decisions/0002-greenswitch.md says what for). How it works:

- **The greenlet that waits is the one that reads.** There is no reader greenlet and no queue between: whoever waits
  for a reply, a completion or a key reads the socket until it has come. Between waits the kernel keeps the bytes.
- **Every wait is one `recv` with a timeout** on the socket given, against the clock given. A socket-like object with
  its own clock runs whole calls in virtual time.
- **Applications** carry `event-lock`, so they run in order, and an `Event-UUID` of ours; their end is known by the
  same `Application-UUID`, never by a name.
- **Keys** are taken from DTMF events only: FreeSWITCH loses those pressed while no application runs.
- **Hanging up** (an event, a notice, the end of the connection, a frame that is none) raises CallerGoneError from
  whatever waits.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from greenswitch.esl import OutboundSession

from esl_vm.esl.wire import PLAIN_EVENT, Decoder, Frame, Limits, command, execute
from esl_vm.model.call import ALL_KEYS
from esl_vm.model.errors import CallerGoneError, UnsafeArgumentError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

# All a call needs to hear, and nothing more: FreeSWITCH writes 6 to 10 kB for each event.
EVENTS = "CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP"
# Seconds for which FreeSWITCH keeps the socket after the hang-up; without linger the end of a recording that the
# hang-up cut may never be told. Without a number it would keep it for ever.
LINGER_S = 30
# Seconds a recording's end may take after the hang-up; seen 1 ms.
AFTERMATH_S = 5.0
# Seconds a reply may take. FreeSWITCH answers within a millisecond; a stalled disk holds it up.
REPLY_S = 10.0
# Seconds without a frame during an application, after which we ask whether the call is still there.
QUIET_S = 60.0
# Seconds from a key until the application it should have ended is ended by a break. FreeSWITCH ends it itself within
# a millisecond of the key's event, unless the key came before the application began (it begins 20 ms after the
# command at the latest, and a break before it begins is forgotten).
BREAK_AFTER_S = 0.06
BREAK_AGAIN_S = 0.2
# Keys kept for later. Nobody dials more ahead.
MOST_KEYS = 64
READ_SIZE = 65536


class Stream(Protocol):
    """What a session needs of a socket; gevent's sockets have it, and so has an in-memory pipe."""

    def settimeout(self, value: float | None, /) -> None:
        """Seconds after which recv and sendall raise TimeoutError; 0: recv raises BlockingIOError at once."""
        ...

    def recv(self, size: int, /) -> bytes:
        """Some bytes, none at the end of the stream."""
        ...

    def sendall(self, data: bytes, /) -> None:
        """Write all of it."""
        ...

    def makefile(self, mode: str, /) -> Any:
        """Asked for by greenswitch's constructor; never read."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class CallSession(OutboundSession):  # type: ignore[misc] # greenswitch has no types
    """The event socket of one call, for one greenlet.

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
        self.keys: deque[str] = deque()
        self.gone = ""  # why the caller is not there any more; `` while he is
        self.executed = 0  # applications run so far
        self.pressed = 0  # keys pressed so far
        self._uuid = ""
        self._stream = stream
        self._clock = clock
        self._decoder = Decoder(limits)
        self._replies: deque[list[Frame] | None] = deque()
        self._prefix = secrets.token_hex(3)
        self._running = ""  # the Event-UUID of the application we wait for
        self._completion: Frame | None = None
        self._released = False  # FreeSWITCH told that the socket's hold on the call is over
        self._parked = False  # an application of ours has completed, so the call is in the hands of this socket

    def start_event_handlers(self) -> None:
        """Start nothing: greenswitch's two greenlets have no work here."""

    @property
    def uuid(self) -> str:
        """The call's Unique-ID, `` before `connect`."""
        return self._uuid

    # -- the conversation with FreeSWITCH, command by command ------------------------------------------------------

    def connect(self, timeout: float = REPLY_S) -> Frame:
        """Take the call over: `connect`, then listen to its own events only; returns FreeSWITCH's description.

        A filter on the call's Unique-ID goes before the subscription: `event` alone brings all other calls' events
        too. The three commands after `connect` are one write and nobody waits for their replies.

        Raises:
            CallerGoneError: the caller hung up, or there was no answer in time.
            WireError: the answer is no call's.
        """
        answer = self._answer([command("connect")], timeout)
        uuid = answer.get("Unique-ID") or answer.get("Channel-Unique-ID")
        if not uuid or not uuid.replace("-", "").isalnum():
            self._broken("the reply to connect describes no call")
            raise WireError("the reply to connect describes no call")
        self._uuid = uuid
        self._write(
            command(f"filter Unique-ID {uuid}") + command(f"event plain {EVENTS}") + command(f"linger {LINGER_S}"),
            replies=[None, None, None],
        )
        return answer

    def send(self, data: str) -> Frame:
        """Send a command of one line and wait for its reply, as greenswitch's `send` does."""
        return self._answer([command(data)], REPLY_S)

    def api(self, text: str) -> str:
        """Run an api command in FreeSWITCH; returns its output. It holds up this call's events until it is done."""
        return self.send(f"api {text}").data

    def api_all(self, texts: list[str]) -> list[str]:
        """Run api commands in order with one write; returns their outputs."""
        slot: list[Frame] = []
        self._write(b"".join(command(f"api {text}") for text in texts), replies=[slot] * len(texts))
        self._await(lambda: len(slot) == len(texts), REPLY_S)
        return [frame.data for frame in slot]

    def post(self, commands: bytes, count: int) -> None:
        """Send encoded commands whose replies nobody needs."""
        self._write(commands, replies=[None] * count)

    def begin(self, application: str, argument: str = "", *, before: bytes = b"", commands_before: int = 0) -> None:
        """Start an application after those before it, without waiting for anything; raises CallerGoneError.

        Args:
            application: its name.
            argument: all its arguments, as in the dialplan.
            before: encoded commands to send ahead of it in the same write.
            commands_before: how many those are.
        """
        self.check()
        self.executed += 1
        self._running = f"{self._prefix}-{self.executed}"
        self._completion = None
        message = execute(application, argument, self._running)
        self._write(before + message, replies=[None] * (commands_before + 1))

    def finish(self, keys: str = "", *, after_hang_up: bool = False) -> Frame:
        """Wait for the end of the application begun last; returns its CHANNEL_EXECUTE_COMPLETE.

        Args:
            keys: those that end it. One that slipped in before it began (FreeSWITCH drops such keys) is answered
                with a break. The keys stay in the queue.
            after_hang_up: when the caller hangs up, wait for the application's end before raising CallerGoneError.
        """
        break_at: float | None = None
        while self._completion is None:
            if self.gone:
                if after_hang_up:
                    self._outlast_the_caller()
                raise CallerGoneError(self.gone)
            now = self._clock()
            if self.keys and break_at is None and any(key in keys for key in self.keys):
                break_at = now + BREAK_AFTER_S
            if break_at is not None and now >= break_at:
                self.post(command(f"api uuid_break {self._uuid}"), 1)
                break_at = now + BREAK_AGAIN_S
            if not self._read(break_at if break_at is not None else now + QUIET_S) and break_at is None:
                self._still_there()
        completion, self._completion, self._running = self._completion, None, ""
        if self.gone:
            raise CallerGoneError(self.gone)
        return completion

    def wait_key(self, until: float, keys: str) -> str | None:
        """The next of `keys`, from the queue or from the caller; None at that time of the clock. Others are dropped."""
        while True:
            key = self.take_key(keys)
            if key is not None:
                return key
            self.check()
            if self._clock() >= until or not self._read(until):
                return None

    def take_key(self, keys: str) -> str | None:
        """The first of `keys` in the queue; those before it are dropped. None, and an empty queue, if there is none."""
        while self.keys:
            key = self.keys.popleft()
            if key in keys:
                return key
        return None

    def poll(self) -> None:
        """Take in what has come meanwhile, without waiting; raises CallerGoneError."""
        while not self.gone and self._read(None):
            pass
        self.check()

    def check(self) -> None:
        """Raise CallerGoneError if the caller is gone."""
        if self.gone:
            raise CallerGoneError(self.gone)

    def now(self) -> float:
        """The clock's time."""
        return self._clock()

    def hand_back(self, timeout: float = 2.0) -> None:
        """Give the call back to the dialplan and close. Nothing is raised; the caller may be gone by now.

        A call that is given up while FreeSWITCH is still about to park it stays parked for ever; so, where no
        application has run yet, the shortest one does first.
        """
        try:
            if self._uuid and not self.gone:
                if self._running:
                    self.post(command(f"api uuid_break {self._uuid} all"), 1)
                if not self._parked:
                    self.begin("sleep", "1")
                    self._await(lambda: self._parked, timeout)
            if self.connected:
                self._write(command("exit"), replies=[None])
                end = self._clock() + timeout
                while self.connected and self._clock() < end:
                    self._read(end)
        except (CallerGoneError, UnsafeArgumentError):
            pass
        self.stop()

    def stop(self) -> None:
        """Close the connection at once."""
        self.connected = False
        self.gone = self.gone or "closed"
        try:
            self._stream.close()
        except OSError as error:
            log.debug("closing %s: %s", self.address, error)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _answer(self, commands: list[bytes], timeout: float) -> Frame:
        slot: list[Frame] = []
        self._write(b"".join(commands), replies=[slot])
        self._await(lambda: bool(slot), timeout)
        return slot[0]

    def _await(self, done: Callable[[], bool], timeout: float) -> None:
        """Read until `done`; raises CallerGoneError, also when FreeSWITCH is silent for `timeout` seconds."""
        end = self._clock() + timeout
        while not done():
            self.check()
            if not self._read(end) and self._clock() >= end:
                self._broken("FreeSWITCH does not answer")

    def _read(self, until: float | None) -> bool:
        """Read once and take in every whole frame; False if nothing came by that time (None: right now)."""
        stream = self._stream
        try:
            stream.settimeout(0.0 if until is None else max(0.0005, until - self._clock()))
            data = stream.recv(READ_SIZE)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError as error:
            self._closed(f"the connection broke: {error}")
            return True
        if not data:
            self._closed("the connection was closed")
            return True
        decoder = self._decoder
        decoder.feed(data)
        try:
            while (frame := decoder.next()) is not None:
                self._take(frame)
        except WireError as error:
            self._broken(str(error))
        return True

    def _take(self, frame: Frame) -> None:
        event = frame.event
        if event and frame.type == PLAIN_EVENT:
            if event == "CHANNEL_EXECUTE_COMPLETE":
                self._completed(frame)
            elif event == "DTMF":
                self._pressed(frame)
            elif event == "CHANNEL_HANGUP" and frame.get("Unique-ID") == self._uuid:
                self.gone = self.gone or f"hung up: {frame.last('Hangup-Cause') or 'no cause'}"
        elif frame.type in {"command/reply", "api/response"}:
            self._replied(frame)
        elif frame.type == "text/disconnect-notice":
            if frame.get("Content-Disposition") == "linger":
                self._lingering = True
                self.gone = self.gone or "hung up"
            else:
                self._closed("FreeSWITCH ended the session")

    def _completed(self, frame: Frame) -> None:
        uuid = frame.last("Application-UUID") or ""
        if uuid.startswith(self._prefix):
            self._parked = True
            if uuid == self._running:
                self._completion = frame
        elif self.gone and frame.last("Application") == "socket":
            # The application that holds the call for us ended with it; what was queued will never run.
            self._released = True

    def _pressed(self, frame: Frame) -> None:
        key = frame.last("DTMF-Digit")
        if key and len(key) == 1 and key in ALL_KEYS and frame.get("Unique-ID") == self._uuid:
            self.pressed += 1
            if len(self.keys) < MOST_KEYS:
                self.keys.append(key)

    def _replied(self, frame: Frame) -> None:
        if not self._replies:
            raise WireError(f"a reply to nothing: {frame.data[:80]!r}")
        slot = self._replies.popleft()
        if slot is not None:
            slot.append(frame)
        elif frame.type == "command/reply" and frame.data.startswith("-"):
            log.warning("call %s: FreeSWITCH refused a command: %s", self._uuid, frame.data.strip())

    # -- ends ------------------------------------------------------------------------------------------------------

    def _outlast_the_caller(self) -> None:
        """Read on after the hang-up until the running application's end is told, or can't be any more."""
        end = self._clock() + AFTERMATH_S
        while self._completion is None and self.connected and not self._released:
            if not self._read(end):
                log.warning("call %s: no end of the application after the hang-up", self._uuid)
                return

    def _still_there(self) -> None:
        """Ask FreeSWITCH whether the call is; raises CallerGoneError."""
        if self.api(f"uuid_exists {self._uuid}").strip() != "true":
            self.gone = self.gone or "the call is gone"
        self.check()

    def _write(self, data: bytes, replies: list[list[Frame] | None]) -> None:
        if not self.connected:
            raise CallerGoneError(self.gone)
        self._replies.extend(replies)
        try:
            self._stream.settimeout(REPLY_S)
            self._stream.sendall(data)
        except OSError as error:  # a time-out is one, too
            self._closed(f"the connection broke: {error}")
            raise CallerGoneError(self.gone) from error

    def _broken(self, why: str) -> None:
        log.error("call %s from %s: %s; connection closed", self._uuid or "?", self.address, why)
        self._closed(why)
        self.stop()

    def _closed(self, why: str) -> None:
        self.connected = False
        self.gone = self.gone or why
