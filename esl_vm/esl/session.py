"""One call's event socket: applications in order, keys in a queue, the hang-up as an exception.

- **Applications** carry `event-lock`, so they run in order, and an `Event-UUID` of ours; their end is known by the
  same `Application-UUID`, never by a name.
- **Keys** are taken from DTMF events only: FreeSWITCH loses those pressed while no application runs.
- **Hanging up** (an event, a notice, the end of the connection, a frame that is none) raises CallerGoneError from
  whatever waits.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING

from esl_vm.esl.exchange import REPLY_S, Exchange, Stream
from esl_vm.esl.wire import Frame, Limits, command, execute
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
# Seconds without a frame during an application, after which we ask whether the call is still there.
QUIET_S = 60.0
# Seconds from a key until the application it should have ended is ended by a break. FreeSWITCH ends it itself within
# a millisecond of the key's event, unless the key came before the application began (it begins 20 ms after the
# command at the latest, and a break before it begins is forgotten).
BREAK_AFTER_S = 0.06
BREAK_AGAIN_S = 0.2
# Keys kept for later. Nobody dials more ahead.
MOST_KEYS = 64


class CallSession(Exchange):
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
        super().__init__(address, stream, clock=clock, limits=limits)
        self.keys: deque[str] = deque()
        self.executed = 0  # applications run so far
        self.pressed = 0  # keys pressed so far
        self._uuid = ""
        self._prefix = secrets.token_hex(3)
        self._running = ""  # the Event-UUID of the application we wait for
        self._completion: Frame | None = None
        self._released = False  # FreeSWITCH told that the socket's hold on the call is over
        self._parked = False  # an application of ours has completed, so the call is in the hands of this socket

    @property
    def uuid(self) -> str:
        """The call's Unique-ID, `` before `connect`."""
        return self._uuid

    def connect(self, timeout: float = REPLY_S) -> Frame:
        """Take the call over: `connect`, then listen to its own events only; returns FreeSWITCH's description.

        A filter on the call's Unique-ID goes before the subscription: `event` alone brings all other calls' events
        too. The three commands after `connect` are one write and nobody waits for their replies.

        Raises:
            CallerGoneError: the caller hung up, or there was no answer in time.
            WireError: the answer is no call's.
        """
        answer = self.ask(["connect"], timeout)[0]
        uuid = answer.get("Unique-ID") or answer.get("Channel-Unique-ID")
        if not uuid or not uuid.replace("-", "").isalnum():
            self._broken("the reply to connect describes no call")
            raise WireError("the reply to connect describes no call")
        self._uuid = uuid
        listen = command(f"filter Unique-ID {uuid}") + command(f"event plain {EVENTS}")
        self.post(listen + command(f"linger {LINGER_S}"), [None, None, None])
        return answer

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
        self.post(before + message, [None] * (commands_before + 1))

    def finish(self, keys: str = "", *, most_s: float | None = None, after_hang_up: bool = False) -> Frame:
        """Wait for the end of the application begun last; returns its CHANNEL_EXECUTE_COMPLETE.

        Args:
            keys: those that end it. One that slipped in before it began (FreeSWITCH drops such keys) is answered
                with a break. The keys stay in the queue.
            most_s: seconds after which it is ended by a break.
            after_hang_up: when the caller hangs up, wait for the application's end before raising CallerGoneError.
        """
        break_at = math.inf if most_s is None else self._clock() + most_s
        slipped = False
        while self._completion is None:
            if self.gone:
                if after_hang_up:
                    self._outlast_the_caller()
                raise CallerGoneError(self.gone)
            now = self._clock()
            if self.keys and not slipped and any(key in keys for key in self.keys):
                slipped = True
                break_at = min(break_at, now + BREAK_AFTER_S)
            if now >= break_at:
                self.post(command(f"api uuid_break {self._uuid}"), [None])
                break_at = now + BREAK_AGAIN_S
            if not self.read(min(break_at, now + QUIET_S)) and self._clock() >= now + QUIET_S:
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
            if self._clock() >= until or not self.read(until):
                return None

    def take_key(self, keys: str) -> str | None:
        """The first of `keys` in the queue; those before it are dropped. None, and an empty queue, if there is none."""
        while self.keys:
            key = self.keys.popleft()
            if key in keys:
                return key
        return None

    def hand_back(self, timeout: float = 2.0) -> None:
        """Give the call back to the dialplan and close. Nothing is raised; the caller may be gone by now.

        A call that is given up while FreeSWITCH is still about to park it stays parked for ever; so, where no
        application has run yet, the shortest one does first.
        """
        try:
            if self._uuid and not self.gone:
                if self._running:
                    self.post(command(f"api uuid_break {self._uuid} all"), [None])
                if not self._parked:
                    self.begin("sleep", "1")
                    self.read_until(lambda: self._parked, timeout)
            if self.connected:
                self.post(command("exit"), [None])
                end = self._clock() + timeout
                while self.connected and self._clock() < end:
                    self.read(end)
        except (CallerGoneError, UnsafeArgumentError):
            pass
        self.stop()

    def _event(self, frame: Frame) -> None:
        event = frame.event
        if event == "CHANNEL_EXECUTE_COMPLETE":
            self._completed(frame)
        elif event == "DTMF":
            self._pressed(frame)
        elif event == "CHANNEL_HANGUP" and frame.get("Unique-ID") == self._uuid:
            self.gone = self.gone or f"hung up: {frame.last('Hangup-Cause') or 'no cause'}"

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

    def _outlast_the_caller(self) -> None:
        """Read on after the hang-up until the running application's end is told, or can't be any more."""
        end = self._clock() + AFTERMATH_S
        while self._completion is None and self.connected and not self._released:
            if not self.read(end):
                log.warning("call %s: no end of the application after the hang-up", self._uuid)
                return

    def _still_there(self) -> None:
        """Ask FreeSWITCH whether the call is; raises CallerGoneError."""
        if self.api(f"uuid_exists {self._uuid}").strip() != "true":
            self.gone = self.gone or "the call is gone"
        self.check()
