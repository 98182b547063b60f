"""Setup calls itself through FreeSWITCH: a message is left in a mailbox made for it, its lamp is lit, it is heard."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from esl_vm.model.errors import VoicemailError
from esl_vm.model.mailbox import Folder, MailboxId
from esl_vm.setup.ears import tone_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from esl_vm.esl.inbound import EventSocketSwitch
    from esl_vm.ops.node import Node

#: The name of the mailbox that is called; one that a killed run has left is known by it.
TEST_NAME = "esl-vm setup calls itself"
EVENTS = ("CHANNEL_EXECUTE", "CHANNEL_EXECUTE_COMPLETE", "CHANNEL_HANGUP_COMPLETE", "MESSAGE_WAITING")
#: FreeSWITCH's vanilla dialplan holds up each call by ten seconds where its default password was not changed.
LONGEST_S = 60.0
SPEAKS_S = 3.0
TONE_HZ = 440
_TONE = f"tone_stream://%(60000,0,{TONE_HZ})"
_SILENCE = "silence_stream://-1"


@dataclass(frozen=True, slots=True)
class Tried:
    """A step of the call: what it was, whether it went well, what was seen, what to do where it did not."""

    step: str
    ok: bool
    said: str
    remedy: str = ""


class CalledMailboxes:
    """The mailboxes, for the call."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.mailboxes = node.mailboxes

    def make(self, box: MailboxId, name: str, pin: str) -> None:
        """Make one, whose owner chose that PIN."""
        self._node.add_mailbox(box, {"name": name}, pin)
        self._node.store.pins.change(box, pin, initial=False)

    def remove(self, box: MailboxId) -> None:
        """Remove it with its messages."""
        self._node.registry.remove(box)

    def left(self) -> list[MailboxId]:
        """Those that are called `TEST_NAME`."""
        return [mailbox.id for mailbox, _ in self._node.registry.overview() if mailbox.name == TEST_NAME]


class _FailedError(VoicemailError):
    """A step did not go well: what was seen, what to do."""

    def __init__(self, said: str, remedy: str) -> None:
        super().__init__(said)
        self.remedy = remedy


class SelfCall:
    """The calls.

    Args:
        switch: FreeSWITCH.
        boxes: makes and removes the mailbox.
        domain: the mailbox's; each_call: the dialplan takes it from each call.
        ears: a folder in which FreeSWITCH may record, for hearing what comes back.
        event: the next event within so many seconds, None where there is none. Nothing is missed between two.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        switch: EventSocketSwitch,
        boxes: CalledMailboxes,
        domain: str,
        event: Callable[[float], Mapping[str, str] | None],
        *,
        ears: Path,
        each_call: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._switch = switch
        self._boxes = boxes
        self._box = MailboxId("9" + "".join(secrets.choice("0123456789") for _ in range(8)), domain)
        self._pin = "".join(secrets.choice("0123456789") for _ in range(8))
        self._event = event
        self._clock = clock
        self._domain = domain if each_call else ""
        self._lamp = ""
        self._ears = ears

    def __call__(self) -> Iterator[Tried]:
        """Each step as it is done; the first that fails is the last. The mailbox is gone in the end."""
        for box in self._boxes.left():
            self._boxes.remove(box)
        self._boxes.make(self._box, TEST_NAME, self._pin)
        try:
            for step, work in (
                ("leave a message", self._leave),
                ("light the lamp", self._see_lamp),
                ("hear it", self._hear),
            ):
                try:
                    yield Tried(step, True, work())
                except VoicemailError as wrong:
                    yield Tried(step, False, str(wrong), getattr(wrong, "remedy", "`esl-vm doctor` says more"))
                    return
        finally:
            self._boxes.remove(self._box)

    def _leave(self) -> str:
        uuid = self._ring("vm_leave", _TONE, {"vm_mailbox": self._box.number, "vm_reason": "none"})
        try:
            self._until(uuid, lambda event: event.get("Application") == "record", lambda: "no recording begins")
            self._listen(SPEAKS_S)
        finally:
            self._hang_up(uuid)
        until = self._clock() + LONGEST_S
        while self._clock() < until:
            if message := self._message():
                return f"a message of {message[1] / 1000:.0f} s is in a mailbox made for it"
            self._listen(0.2)
        raise _FailedError("the message did not come into its mailbox", "`esl-vm spool list` says where it is")

    def _see_lamp(self) -> str:
        until = self._clock() + LONGEST_S
        while not self._lamp and self._clock() < until:
            self._listen(0.2)
        if not self._lamp:
            why = "no MESSAGE_WAITING came: the service is not connected to FreeSWITCH's event socket"
            raise _FailedError(
                why, "`systemctl reload esl-vm`; `esl-vm doctor` says what is wrong with notify.freeswitch"
            )
        return f"MESSAGE_WAITING for {self._lamp}"

    def _hear(self) -> str:
        message = self._message()
        keys = [f"{self._box.number}#", f"{self._pin}#", "1"]
        begun = False
        uuid = self._ring("*98", _SILENCE, {})
        # named as the spool's own trials are: whoever looks after its files leaves them alone
        recording = self._ears / f".probe-{uuid}.wav"

        def heard(event: Mapping[str, str]) -> bool:
            nonlocal begun
            ended = event.get("Event-Name") == "CHANNEL_EXECUTE_COMPLETE"
            if event.get("Application") != "playback":
                return False
            if message and message[0] in event.get("Application-Data", ""):
                begun = begun or not ended
                return begun and ended
            if keys and not ended:
                if len(keys) == 1:
                    self._switch.api(f"uuid_record {uuid} start {recording}")
                self._switch.api(f"uuid_recv_dtmf {event['Unique-ID']} {keys.pop(0)}")
            return False

        try:
            self._until(
                uuid, heard, lambda: "nobody asks for mailbox and PIN" if keys else "the message was not played"
            )
            self._switch.api(f"uuid_record {uuid} stop {recording}")
            heard_s = tone_seconds(recording, TONE_HZ)
        finally:
            self._hang_up(uuid)
            with suppress(OSError):
                recording.unlink()
        if heard_s < SPEAKS_S / 2:
            said = f"it was played, and {heard_s:.1f} s of its tone came back"
            raise _FailedError(said, "see FreeSWITCH's log, and the log: `journalctl -u esl-vm`")
        return f"*98 asked for mailbox and PIN, and {heard_s:.1f} s of its tone came back"

    def _message(self) -> tuple[str, int] | None:
        """The message's id and length in milliseconds; None while there is none."""
        page = self._boxes.mailboxes.page(self._box, Folder.NEW, urgent=None, after=None, most=1)
        return (page.messages[0].id, page.messages[0].duration_ms) if page.messages else None

    def _ring(self, number: str, plays: str, variables: Mapping[str, str]) -> str:
        """A call through the dialplan's context default; its id. Answers come as events: FreeSWITCH replies when it is up."""
        uuid = str(uuid4())
        if self._domain:
            variables = {**variables, "domain_name": self._domain}
        own = {
            "origination_uuid": uuid,
            "origination_caller_id_number": "setup",
            "origination_caller_id_name": "setup",
            "loopback_bowout": "false",
            "originate_timeout": f"{LONGEST_S:.0f}",
            "loopback_export": f"'{','.join(variables)}'",
            **variables,
        }
        told = ",".join(f"{name}={value}" for name, value in own.items())
        line = f"sched_api +1 none originate {{{told}}}loopback/{number}/default &playback({plays})"
        answer = self._switch.api(line).strip()
        if not answer.startswith("+OK"):
            raise _FailedError(
                f"FreeSWITCH does not call: {answer}", "load mod_loopback in autoload_configs/modules.conf.xml"
            )
        return uuid

    def _until(self, uuid: str, good: Callable[[Mapping[str, str]], bool], otherwise: Callable[[], str]) -> None:
        """Until an event of the call's other end is good; raises _FailedError where the call ends before, or nothing comes."""
        until = self._clock() + LONGEST_S
        handed_over = False
        while (left := until - self._clock()) > 0:
            event = self._next(left)
            if event is None:
                break
            if event.get("Unique-ID") == uuid and event.get("Event-Name") == "CHANNEL_HANGUP_COMPLETE":
                raise self._failed(f"the call ended: {event.get('Hangup-Cause', 'without a word')}", handed_over)
            if uuid not in {event.get("variable_other_loopback_leg_uuid"), event.get("Other-Leg-Unique-ID")}:
                continue
            data = event.get("Application-Data", "")
            handed_over = handed_over or event.get("Application") == "socket"
            if event.get("Application") == "execute_extension" and data == "vm_ended_NONE":
                raise _FailedError(
                    "no service took the call", "`systemctl start esl-vm`; does vm_services name its address?"
                )
            if event.get("Application") == "playback" and "im-sorry" in data:
                raise _FailedError(
                    "the service apologises: it can't take messages",
                    "`systemctl restart freeswitch` where its user is new in a group; `esl-vm doctor`",
                )
            if good(event):
                return
        raise self._failed(otherwise(), handed_over)

    def _failed(self, said: str, handed_over: bool) -> _FailedError:
        remedy = (
            "see the log: `journalctl -u esl-vm`"
            if handed_over
            else "the dialplan does not hand it over: `esl-vm doctor`"
        )
        return _FailedError(said, remedy)

    def _listen(self, seconds: float) -> None:
        """Let that time go by, and take in what happens."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0:
            self._next(left)

    def _next(self, seconds: float) -> Mapping[str, str] | None:
        event = self._event(seconds)
        if event and event.get("Event-Name") == "MESSAGE_WAITING" and event.get("MWI-Messages-Waiting") == "yes":
            account = event.get("MWI-Message-Account", "").removeprefix("sip:")
            if account.startswith(f"{self._box.number}@"):
                self._lamp = account
        return event

    def _hang_up(self, uuid: str) -> None:
        with suppress(VoicemailError):
            self._switch.api(f"uuid_kill {uuid}")
