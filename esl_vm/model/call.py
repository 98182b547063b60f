"""What is known of a telephone call when it reaches us, and what its line reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum

from esl_vm.model.message import Caller

ALL_KEYS = "0123456789*#"


class Action(StrEnum):
    """What the dialplan asks for (`vm_action`)."""

    CHECK = "check"
    LOGIN = "login"
    LEAVE = "leave"
    DIRECTORY = "directory"


class Answer(StrEnum):
    """When a caller who leaves a message is answered (`service.answer`, `vm_answer`).

    ALWAYS: at once. KNOWN: at once, where the mailbox is there; else not at all. TONE: the greeting is early media.
    """

    ALWAYS = "always"
    KNOWN = "known"
    TONE = "tone"


class Status(StrEnum):
    """What the dialplan is told (`vm_status`)."""

    SUCCESS = "SUCCESS"
    USEREXIT = "USEREXIT"
    FAILED = "FAILED"


class Cause(StrEnum):
    """Why it is so (`vm_cause`), where `vm_status` alone does not say; docs/options.md says what each means."""

    NONE = ""
    LEFT = "left"
    TOO_SHORT = "too-short"
    OPERATOR = "operator"
    SILENT = "silent"
    PIN = "pin"
    UNKNOWN = "unknown"
    FULL = "full"
    ACTION = "action"
    DOMAIN = "domain"
    AWAY = "away"
    ERROR = "error"
    REFUSED = "refused"
    SOCKET = "socket"
    CODEC = "codec"


@dataclass(frozen=True, slots=True)
class Call:
    """A call as FreeSWITCH describes it: the channel's uuid, who calls, what was dialled, its variables."""

    uuid: str = ""
    caller: Caller = field(default_factory=Caller)
    destination: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    answered: bool = False
    node: str = ""

    def variable(self, name: str) -> str:
        """A channel variable, `` if unset."""
        return self.variables.get(name, "")

    def flag(self, name: str) -> bool:
        """Whether a channel variable says yes: `true`, `yes`, `on` or `1`."""
        return self.variable(name).strip().lower() in {"true", "yes", "on", "1"}


class Ended(Enum):
    """What ended a recording."""

    KEY = "key"
    SILENCE = "silence"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A recording as it ended: its length in milliseconds, what ended it, and the key if one did."""

    ms: int
    ended: Ended
    key: str = ""


@dataclass(frozen=True, slots=True)
class Listened:
    """Where a sound was when it ended or a key stopped it: position in milliseconds; key None at its end.

    failed: nothing sounded, as the file is gone, empty, broken, or of a kind that this call's line can't play.
    """

    key: str | None
    position_ms: int
    failed: bool = False
