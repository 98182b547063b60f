"""What is known of a telephone call when it reaches us, and what its line reports."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from urllib.parse import unquote

from esl_vm.model.message import CallDetails, Caller

ALL_KEYS = "0123456789*#"
#: The user of the first address in Diversion (RFC 5806) or History-Info (RFC 7044); what a name in quotes says is no address.
_FIRST_USER = re.compile(r'\s*(?:"(?:[^"\\]|\\.)*"|[^"<:]*)\s*<?(?:sips?|tel):([^@;>?,\s]+)', re.IGNORECASE)
#: The user to whom a provider sends all calls of a gateway that registered (`gw+NAME`): no number.
_GATEWAY = "gw+"


class Action(StrEnum):
    """What the dialplan asks for (`vm_action`)."""

    CHECK = "check"
    LOGIN = "login"
    LEAVE = "leave"
    DIRECTORY = "directory"
    NOTICE = "notice"
    AUTH = "auth"


class AnswerPolicy(StrEnum):
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
    EXIT = "exit"
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
    """A call as FreeSWITCH describes it: the channel's uuid, who calls, what was dialled, its variables.

    destination: the extension it is in now. rdnis: the one before, where it was transferred or diverted; `` = neither.
    """

    uuid: str = ""
    caller: Caller = field(default_factory=Caller)
    destination: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    answered: bool = False
    node: str = ""
    rdnis: str = ""

    @property
    def details(self) -> CallDetails:
        """Which call it is, for the messages left in it.

        Dialled is what the caller's own telephone or the provider asked for, whatever extensions the call went through
        since. Whom it was for before is told by the other system; else it is the extension that sent it on.
        """
        asked = self.variable("sip_req_user")
        if asked.startswith(_GATEWAY):
            asked = self.variable("sip_to_user")
        if not asked or self.variable("direction") == "outbound":
            asked = self.destination
        users = (_FIRST_USER.match(self.variable(name)) for name in ("sip_h_Diversion", "sip_history_info"))
        found = CallDetails(
            self.variable("sip_call_id"),
            self.uuid,
            asked,
            next((unquote(user[1]) for user in users if user), Caller(self.rdnis).dialable),
            self.variable("vm_label"),
        )
        return found if found.diverted_from != found.dialled else replace(found, diverted_from="")

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
