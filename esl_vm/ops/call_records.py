"""Call records: what is known of each call, one line in the log when it ends, and the metrics that come of it."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from esl_vm.model.call import Call, Listened, Recorded
    from esl_vm.model.units import Milliseconds
    from esl_vm.ports import Phone
    from esl_vm.speech.utterance import Sound, Utterance

log = logging.getLogger(__name__)


@dataclass(slots=True)
class CallRecord:
    """A call as it goes on. Keys are counted, never named.

    Args:
        call: as it came. action: what it is for. mailbox: whose, `` if it was not known when the call came.
        node: this node. began: when it came, by the monotonic clock.
        status, cause, message_id: what the dialplan was told, `` if nothing.
        owner: which of the mailbox's several owners logged in, by name.
        applications: how often something was played, listened to or recorded.
        recordings: how many of them were recordings.
        first_sound_s: seconds until the first sound was begun; None if there was none.
        answers_s: for each key that something followed at once, seconds from the key to it.
    """

    call: Call
    action: str = ""
    mailbox: str = ""
    node: str = ""
    began: float = field(default_factory=time.monotonic)
    status: str = ""
    cause: str = ""
    message_id: str = ""
    owner: str = ""
    applications: int = 0
    recordings: int = 0
    first_sound_s: float | None = None
    answers_s: list[float] = field(default_factory=list)

    def as_logged(self, *, seconds: float, applications: int, keys: int, end: str) -> dict[str, Any]:
        """The record as it is logged.

        Args:
            seconds: how long the call was ours.
            applications: how many FreeSWITCH ran for it.
            keys: how many were pressed.
            end: `completed`, `failed`, `cut short`, `refused`, or why the caller is gone.
        """
        call = self.call
        return {
            "call": call.uuid,
            "call_id": call.variable("sip_call_id"),
            "action": self.action,
            "from": call.caller.number,
            "to": call.destination,
            "mailbox": self.mailbox,
            "owner": self.owner,
            "node": self.node,
            "freeswitch": call.node,
            "seconds": round(seconds, 3),
            "first_sound_s": None if self.first_sound_s is None else round(self.first_sound_s, 4),
            "slowest_answer_s": round(max(self.answers_s), 4) if self.answers_s else None,
            "applications": applications,
            "recordings": self.recordings,
            "keys": keys,
            "status": self.status,
            "cause": self.cause,
            "message_id": self.message_id,
            "end": end,
        }


def log_call(record: Mapping[str, Any]) -> None:
    """One line in the log: a sentence for people, every field for machines."""
    log.info(
        "call %s %s from %s to %s: %.1f s, %d applications, %d keys, %s, %s",
        record["call"],
        record["action"],
        record["from"] or "unknown",
        record["to"],
        record["seconds"],
        record["applications"],
        record["keys"],
        " ".join(filter(None, (record["status"], record["cause"]))) or "no status",
        record["end"],
        extra={"fields": record},
    )


class MeasuredPhone:
    """A telephone line (ports.Phone) whose record is written while it is used.

    The time from a key to what follows it is the service's own: what Redis, the audio store and other calls in this
    process took. A silence that is waited for (more digits, an answer) is no such time.

    Args:
        phone: the line itself. record: where it is written. clock: seconds, monotonic.
    """

    def __init__(self, phone: Phone, record: CallRecord, clock: Callable[[], float] = time.monotonic) -> None:
        self._phone = phone
        self.answer, self.unread, self.can_record = phone.answer, phone.unread, phone.can_record
        self._record = record
        self._clock = clock
        self._key_at: float | None = None

    @property
    def call(self) -> Call:
        """What is known of the call."""
        return self._phone.call

    def play(self, utterance: Utterance, keys: str) -> str | None:
        """Play; the first one ends the silence at the call's beginning."""
        if utterance:
            self._begins()
        return self._pressed(self._phone.play(utterance, keys))

    def wait_key(self, milliseconds: Milliseconds, keys: str) -> str | None:
        """Wait for a key."""
        return self._pressed(self._phone.wait_key(milliseconds, keys))

    def listen(self, sound: Sound, start_ms: int, keys: str) -> Listened:
        """Play a sound from a position."""
        self._begins()
        listened = self._phone.listen(sound, start_ms, keys)
        self._pressed(listened.key)
        return listened

    def record(self, path: Path, **how: Any) -> Recorded:
        """Record to a file."""
        self._begins()
        self._record.recordings += 1
        recorded = self._phone.record(path, **how)
        self._pressed(recorded.key or None)
        return recorded

    def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables; those that tell how the call ended are part of the record."""
        self._record.status = variables.get("vm_status", self._record.status)
        self._record.cause = variables.get("vm_cause", self._record.cause)
        self._record.message_id = variables.get("vm_message_id", self._record.message_id)
        self._phone.set_variables(variables)

    def transfer(self, extension: str, context: str = "") -> None:
        """Send the caller on."""
        self._answered()
        self._phone.transfer(extension, context)

    def _begins(self) -> None:
        self._record.applications += 1
        if self._record.first_sound_s is None:
            self._record.first_sound_s = self._clock() - self._record.began
        self._answered()

    def _answered(self) -> None:
        if self._key_at is not None:
            self._record.answers_s.append(self._clock() - self._key_at)
            self._key_at = None

    def _pressed(self, key: str | None) -> str | None:
        self._key_at = None if key is None else self._clock()
        return key
