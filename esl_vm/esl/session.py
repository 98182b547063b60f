"""One call's event socket: applications in order, keys in a queue, the hang-up as an exception.

- **Applications** carry `event-lock`, so they run in order, and an `Event-UUID` of ours; their end is known by the
  same `Application-UUID`, never by a name.
- **Keys** are taken from DTMF events only: FreeSWITCH loses those pressed while no application runs.
- **Hanging up** (an event, a notice, the end of the connection, a frame that is none) raises CallerGoneError from
  whatever waits.
- **A call that somebody else takes** (a transfer, a bridge, a pick-up, a park, another `socket`) raises it too, before
  anything more is done with it.
"""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from esl_vm.esl.commands import assignments, command, execute
from esl_vm.esl.exchange import NEVER, REPLY_S, Exchange, Stream
from esl_vm.esl.keys import KeyQueue
from esl_vm.esl.pause import Pause
from esl_vm.esl.socket_mode import give_back, missing_words
from esl_vm.esl.sounds import LIST_VARIABLES
from esl_vm.esl.taken import HOST, let_go
from esl_vm.model.errors import CallerGoneError, UnsafeArgumentError, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from esl_vm.esl.wire import Frame, FrameLimits

log = logging.getLogger(__name__)

# All a call needs to hear, and nothing more: FreeSWITCH writes 6 to 10 kB for each event.
EVENTS = "CHANNEL_EXECUTE_COMPLETE DTMF CHANNEL_HANGUP CHANNEL_HOLD CHANNEL_UNHOLD"
# Seconds for which FreeSWITCH keeps the socket after the hang-up; without linger the end of a recording that the
# hang-up cut may never be told. Without a number it would keep it for ever.
LINGER_S = 30
# Seconds a recording's end may take after the hang-up; seen 1 ms.
AFTERMATH_S = 5.0
# Seconds without a frame during an application, after which a nudge asks whether the call is still there.
QUIET_S = 60.0
# Seconds from a key until the application it should have ended is ended by a break. FreeSWITCH ends it itself within
# a millisecond of the key's event, unless the key came before the application began (it begins 20 ms after the
# command at the latest, and a break before it begins is forgotten).
BREAK_AFTER_S = 0.06
BREAK_AGAIN_S = 0.2
# Bytes that wake us once nothing is waited for but the end: the last answers and the notice together have some 400.
FAREWELL = 2048
# Why a call is gone whose caller talks on elsewhere: we sent him there, or somebody else took the call.
TRANSFERRED = "transferred"
TAKEN = "taken"
# The state in which the dialplan runs applications, and the first of those in which a call ends (switch_types.h).
_EXECUTING, _ENDING = "4", 10
# With it FreeSWITCH tells nobody of keys, us neither (switch_channel_dequeue_dtmf).
_SENSITIVE = "sensitive_dtmf"
# A key of RFC 2833 is told of when it is pressed, not when it is released: one that is held for three seconds comes too late
# for whoever waits for it. Obeyed where the call's RTP begins (switch_core_media_activate_rtp), so before the answer only.
_RTP_BUGS, _WHEN_PRESSED = "rtp_manual_rtp_bugs", "IGNORE_DTMF_DURATION"
# FreeSWITCH's own channel variables that we set while the call is ours.
CHANGED = (
    *LIST_VARIABLES, HOST, _SENSITIVE, _RTP_BUGS, "playback_terminators", "enable_file_write_buffering", "record_fill_cng",
)  # fmt: skip
_COMPLETE = b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n"
_DTMF = b"Event-Name: DTMF\n"


class Later(NamedTuple):
    """Encoded commands that are sent so many seconds after an application was begun, if it still runs, and their number."""

    after_s: float
    commands: bytes
    number: int


class CallSession(Exchange):
    """The event socket of one call, for one greenlet; its arguments are those of an Exchange."""

    def __init__(
        self,
        address: object,
        stream: Stream,
        *,
        clock: Callable[[], float] = time.monotonic,
        limits: FrameLimits | None = None,
    ) -> None:
        super().__init__(address, stream, clock=clock, limits=limits)
        self.keys = KeyQueue()
        self.executed = 0  # applications run so far
        self.codec_told: Callable[[Frame], bool] | None = None  # whether what runs has to end for it
        self.pause = Pause()  # what is done while the caller holds the call
        self._uuid = ""
        self._prefix = secrets.token_hex(3)
        self._own = b""  # the header that says an event is of this call
        self._running = ""  # the Event-UUID of the application we wait for
        self._mark = b""  # the header that says an event is of that application
        self._completion: Frame | None = None
        self._end_it = False  # the application we wait for is to be ended
        self._released = False  # FreeSWITCH told that the socket's hold on the call is over
        self._socket_data = ""  # the arguments of the `socket` that holds the call for us
        self._state = b""  # the header that says the call is still in the state in which it came to us
        self.missing: tuple[str, ...] = ()  # words that the dialplan's `socket` lacks: the call can only be given back
        self.changed: dict[str, str] = {}  # FreeSWITCH's own channel variables that we have set
        self.before: dict[str, str] = {}  # those of them that were set when the call came
        self._probe: list[Frame] | None = None  # where the answer to a nudge goes
        self._parked = False  # an application of ours has completed, so the call is in the hands of this socket

    @property
    def uuid(self) -> str:
        """The call's Unique-ID, `` before `connect`."""
        return self._uuid

    def connect(self, timeout: float = REPLY_S) -> Frame:
        """Take the call over: `connect`, then listen to its own events only; returns FreeSWITCH's description.

        A filter on the call's Unique-ID goes before the subscription: `event` alone brings all other calls' events
        too. The four commands after `connect` go out with the first thing done, and nobody waits for their replies.

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
        self.missing = missing_words(answer)
        if self.missing:
            return answer  # nearly all that follows would be refused, or answered too late
        self._own = f"\nUnique-ID: {uuid}\n".encode()
        self._state = f"\nChannel-State-Number: {answer.get('Channel-State-Number') or _EXECUTING}\n".encode()
        self._socket_data = answer.get("variable_current_application_data") or ""
        self.before = {name: value for name in CHANGED if (value := answer.last(f"variable_{name}"))}
        listen = command(f"filter Unique-ID {uuid}") + command(f"event plain {EVENTS}")
        self.hold(listen + command(f"linger {LINGER_S}"), 3)
        heard = {_SENSITIVE: "false"} if _SENSITIVE in self.before else {}
        if answer.get("Answer-State") != "answered" and _RTP_BUGS not in self.before:
            heard[_RTP_BUGS] = _WHEN_PRESSED
        self.change(LIST_VARIABLES | {HOST: self._prefix} | heard)
        return answer

    def change(self, variables: Mapping[str, str]) -> None:
        """Set variables that FreeSWITCH itself obeys, of `CHANGED`, ahead of what is done next; `put_back` undoes it."""
        self.changed.update(variables)
        self.hold(command(f"api uuid_setvar_multi {self._uuid} {assignments(variables)}"))

    def put_back(self, **more: str) -> None:
        """Set back what `change` has set, and these besides, ahead of what is done next: the dialplan plays its own way."""
        was = {name: self.before.get(name, "") for name in self.changed} | more
        self.changed.clear()
        self.hold(command(f"api uuid_setvar_multi {self._uuid} {assignments(was)}"))

    def begin(self, application: str, argument: str = "", *, after: bytes = b"") -> None:
        """Start an application after those before it, without waiting for anything; raises CallerGoneError.

        Args:
            application: its name.
            argument: all its arguments, as in the dialplan.
            after: an encoded command to send behind it in the same write.
        """
        if self.gone:
            raise CallerGoneError(self.gone)
        self.pause.begins(playing=application == "playback")
        self.executed += 1
        self._running = f"{self._prefix}-{self.executed}"
        self._mark = f"\nApplication-UUID: {self._running}\n".encode()
        self._completion = None
        self._end_it = False
        self.post(execute(application, argument, self._running) + after, 1 + bool(after))

    def finish(
        self,
        keys: str = "",
        *,
        most_s: float | None = None,
        after_hang_up: bool = False,
        later: Later | None = None,
    ) -> Frame:
        """Wait for the end of the application begun last; returns its CHANNEL_EXECUTE_COMPLETE.

        Args:
            keys: those that end it. One that slipped in before it began (FreeSWITCH drops such keys) is answered
                with a break. The keys stay in the queue.
            most_s: seconds after which it is ended by a break.
            later: commands to send in the middle of it.
            after_hang_up: when the caller hangs up, wait for the application's end before raising CallerGoneError.
        """
        break_at = NEVER if most_s is None else self._clock() + most_s
        later_at = NEVER if later is None else self._clock() + later.after_s
        slipped = False
        while self._completion is None:
            if self.gone:
                if after_hang_up:
                    self._outlast_the_caller()
                raise CallerGoneError(self.gone)
            if self._end_it:
                self._end_it, break_at = False, self._clock()
            wake_at = self.pause.keep(self) if self.pause.pending else NEVER
            if self.keys and not slipped and any(key in keys for key in self.keys):
                slipped = True
                break_at = min(break_at, self._clock() + BREAK_AFTER_S)
            if break_at != NEVER and self._clock() >= break_at:
                self.post(command(f"api uuid_break {self._uuid} all"))  # without "all" the next file of a list begins
                break_at = self._clock() + BREAK_AGAIN_S
            if later is not None and self._clock() >= later_at:
                self.post(later.commands, later.number)
                later, later_at = None, NEVER
            self.read(min(break_at, later_at, wake_at))
            if self._probe:
                self._take_probe(self._probe[0])
        completion, self._completion, self._running = self._completion, None, ""
        if self.gone:
            raise CallerGoneError(self.gone)
        return completion

    def wait_key(self, until: float, keys: str) -> str | None:
        """The next of `keys`, from the queue or from the caller; None at that time of the clock. Others are dropped."""
        while True:
            key = self.keys.take(keys)
            if key is not None:
                return key
            self.check()
            if self.pause.held:
                began = self._clock()
                self.read(NEVER)
                until += self._clock() - began
            elif self._clock() >= until or not self.read(until):
                return None

    def outlast_hold(self) -> None:
        """Wait until the caller holds the call no more; raises CallerGoneError."""
        while self.pause.held:
            self.check()
            self.read(NEVER)

    def late_key(self, until: float, keys: str) -> str | None:
        """As `wait_key`, for a key that has ended an application; None at once if it was told before, by another way."""
        repeats = self.keys.repeats
        while (key := self.keys.take(keys)) is None:
            self.check()
            if self.keys.repeats != repeats or self._clock() >= until or not self.read(until):
                return None
        return key

    def transfer(self, argument: str) -> None:
        """Send the call on in the dialplan. Nothing more can be done with it, though the socket would allow it.

        The transfer and the end of our hold on the call are one write, so FreeSWITCH ends the hold before the call gets
        anywhere. Were it ended later, the call could be in another `socket` already (a telephone that does not answer,
        then its voicemail), and FreeSWITCH would end that one's hold: the dialplan goes on to its apology while the
        second service talks (seen on FreeSWITCH 1.11; mod_event_socket.c clears CF_CONTROLLED, whoever has set it).
        """
        self.begin("transfer", argument, after=command("exit"))
        self.gone = TRANSFERRED

    def hand_back(self, timeout: float = 2.0) -> None:
        """Give the call back to the dialplan and close. Nothing is raised; the caller may be gone by now.

        A call that is given up while FreeSWITCH is still about to park it stays parked for ever; so, where no
        application has run yet, the shortest one does first.
        """
        if self.missing:
            give_back(self, self.missing)
            self.stop()
            return
        try:
            if self._uuid and not self.gone:
                self.poll()
                if self._running:
                    self.post(command(f"api uuid_break {self._uuid} all"))
                if not self._parked:
                    self.begin("sleep", "1")
                    self.read_until(lambda: self._parked, timeout)
            if self._uuid and not self.gone:
                self.put_back()
                self.post(command("exit"))
            elif self.gone == TAKEN:
                let_go(self)
            elif self.connected and self.gone != TRANSFERRED:
                self.post(command("exit"))
            if not self.gone or self.gone in {TRANSFERRED, TAKEN}:
                # FreeSWITCH closes; were we the first, it might meet a reset before it has read the command.
                self._enough = FAREWELL
                end = self._clock() + timeout
                while self.connected and self._clock() < end:
                    self.read(end)
        except (CallerGoneError, UnsafeArgumentError):
            pass
        self.stop()

    def _event(self, frame: Frame) -> None:
        # Looked at as bytes: nearly all events are one of the first two, and the call pays for each.
        body = frame.body
        if body.startswith(_COMPLETE):
            if self._running and body.rfind(self._mark) >= 0:
                self._parked = True
                self._completion = frame
                if self._state not in body:
                    self._moved(frame)
            else:
                self._completed(frame)
        elif body.startswith(_DTMF):
            if self._own in body:
                self.keys.told(body, self._read_at)
        elif not frame.holds(self._own):
            return
        elif frame.event == "CHANNEL_HANGUP":
            self.gone = self.gone or f"hung up: {frame.last('Hangup-Cause') or 'no cause'}"
        elif frame.event == "CODEC":
            if self.codec_told and self.codec_told(frame):
                self._end_it = True
        elif frame.event in {"CHANNEL_HOLD", "CHANNEL_UNHOLD"}:
            self.pause.held = frame.event == "CHANNEL_HOLD"

    def _completed(self, frame: Frame) -> None:
        """Take the end of an application that nobody waits for."""
        if (frame.last("Application-UUID") or "").startswith(self._prefix):
            self._parked = True
        elif frame.last("Application") == "socket" and (frame.last("Application-Data") or "") == self._socket_data:
            # The application that holds the call for us ended; what was queued will never run.
            self._released = True
            self._moved(frame)

    def _moved(self, frame: Frame) -> None:
        """Take notice that the call is not where it came to us any more, unless it is just ending.

        Whoever moves a call gives its channel another state first, then the application that runs ends, then `socket`. So
        the state tells it in time: an application begun after that would run in the new place.
        """
        number = frame.get("Channel-State-Number") or ""
        if not self.gone and number.isdecimal() and int(number) < _ENDING:
            self.gone = TAKEN
            log.info("call %s: somebody else has taken it", self._uuid)

    def _outlast_the_caller(self) -> None:
        """Read on after the hang-up until the running application's end is told, or can't be any more."""
        end = self._clock() + AFTERMATH_S
        while self._completion is None and self.connected and not self._released:
            if not self.read(end):
                log.warning("call %s: no end of the application after the hang-up", self._uuid)
                return

    def nudge(self) -> None:
        """Ask FreeSWITCH whether the call is still there, if it has been silent for long; close if it does not answer.

        For another greenlet, at intervals of some seconds: a wait for an application has no end of its own, and a
        timer for each would cost as much as reading a frame. Does nothing while the session's own greenlet is busy.
        """
        if not self._reading or not self._running or self._clock() - self._read_at < QUIET_S:
            return
        if self._probe is not None:
            self._broken("FreeSWITCH does not answer")
            return
        self._probe = []
        with suppress(CallerGoneError):  # its own greenlet will notice
            self.post(command(f"api uuid_exists {self._uuid}"), 1, self._probe)
            self._set_low_water(1)

    def _take_probe(self, answer: Frame) -> None:
        self._probe = None
        if answer.data.strip() != "true":
            self.gone = self.gone or "the call is gone"
