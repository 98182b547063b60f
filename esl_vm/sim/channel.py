"""A channel of FreeSWITCH: its variables, its states, and how events describe it, as far as a service looks at that.

Facts of order and encoding were seen on a FreeSWITCH 1.11 with SIP calls: a variable that is set moves to the end, an
empty value unsets it, the values of events are URL-encoded, those of replies are not.
"""

from __future__ import annotations

import re
import uuid as uuids
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

Headers = list[tuple[str, str]]

HOST = "127.0.0.1"
CORE_UUID = "5f2a1c7e-0b61-4d6e-9a53-7c1e5b7d9f10"
HOSTNAME = "sim"
_UNSAFE = frozenset(b'\r\n #%&+:;<=>?@[\\]^`{|}"')
_ENCODED = [chr(n) if 0x20 <= n <= 0x7E and n not in _UNSAFE else f"%{n:02X}" for n in range(256)]
_ENCODED_TWICE = re.compile("%25([0-9A-F]{2})")

_BARE = frozenset({"CHANNEL_STATE", "DTMF"})
"""Events that do not carry the channel's variables."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A call that comes in, as the caller's telephone and the dialplan made it.

    Args:
        destination: what was dialled.
        number: the caller's; FreeSWITCH fills in 0000000000 where there is none.
        name: as the caller's telephone shows it.
        variables: set by the dialplan before `socket` (`vm_action`, `domain_name` …).
        context: of the dialplan. uuid: the channel's, a random one unless given.
    """

    destination: str
    number: str = "1001"
    name: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    context: str = "default"
    uuid: str = field(default_factory=lambda: str(uuids.uuid4()))


@lru_cache(maxsize=8192)
def encode(value: str) -> str:
    """URL-encode as FreeSWITCH does: commas, slashes and parentheses stay as they are, and so does what looks encoded."""
    if value.isalnum() and value.isascii():
        return value
    encoded = "".join([_ENCODED[byte] for byte in value.encode()])
    return _ENCODED_TWICE.sub(r"%\1", encoded) if "%25" in encoded else encoded


def plain(headers: Iterable[tuple[str, str]]) -> bytes:
    """Headers as lines with encoded values, and the empty line that ends them."""
    return ("".join([f"{name}: {encode(value)}\n" for name, value in headers]) + "\n").encode()


class Channel:
    """One channel.

    Args:
        call: what came in. created: when, microseconds since 1970.
        socket: the arguments of the socket application: `HOST:PORT async full`.

    Attributes:
        variables: by name, in the order in which they were set.
        answered: when, microseconds since 1970; 0 = not (yet).
        cause: why it was hung up, `` before.
        media: the codec read from it: PCMU, or L16 while a recording takes its sound.
    """

    def __init__(self, call: Incoming, created: int, socket: str) -> None:
        self.call = call
        self.uuid = call.uuid
        self.caller = call.number or "0000000000"
        self.name = call.name or self.caller
        self.full_name = f"sofia/internal/{self.caller}@{HOST}"
        self.created = created
        self.socket = socket
        self.variables: dict[str, str] = dict(self._at_start())
        self.state = ("CS_EXECUTE", 4)
        self.answer_state = "ringing"
        self.answered = 0
        self.cause = ""
        self.media = "PCMU"

    def set(self, name: str, value: str | None) -> None:
        """Set a variable, or unset it (None or empty)."""
        self.variables.pop(name, None)
        if value:
            self.variables[name] = value

    def set_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Set variables one after the other."""
        for name, value in pairs:
            self.set(name, value)

    def connect_reply(self, now: float, sequence: int, words: str = "async full") -> bytes:
        """The reply to `connect`: one block."""
        return plain(
            [
                *self._head("CHANNEL_DATA", now, sequence),
                *self._described(),
                *self._profile("Caller"),
                *self._variables(),
                ("Content-Type", "command/reply"),
                ("Reply-Text", "+OK\n"),
                ("Socket-Mode", "async" if "async" in words else "static"),
                ("Control", "full" if "full" in words else "single-channel"),
            ]
        )

    def event(self, name: str, now: float, sequence: int, more: Headers) -> Headers:
        """An event about this channel; `more` are the headers of its own, at the end."""
        variables = [] if name in _BARE else self._variables()
        return [*self._head(name, now, sequence), *self._described(), *self._profile("Caller"), *variables, *more]

    def _at_start(self) -> Headers:
        """The variables of a call that has come to the socket application."""
        call = self.call
        return [
            ("direction", "inbound"),
            ("sip_from_user", self.caller),
            ("sip_from_host", HOST),
            ("sip_call_id", call.uuid),
            ("sip_req_user", call.destination),
            ("sip_to_user", call.destination),
            *call.variables.items(),
            ("current_application_data", self.socket),
            ("current_application", "socket"),
            ("socket_host", self.socket.split()[0].rpartition(":")[0]),
        ]

    def _head(self, name: str, now: float, sequence: int) -> Headers:
        """What every event begins with."""
        return [
            ("Event-Name", name),
            ("Core-UUID", CORE_UUID),
            ("FreeSWITCH-Hostname", HOSTNAME),
            ("Event-Date-Timestamp", str(round(now * 1_000_000))),
            ("Event-Sequence", str(sequence)),
        ]

    def _described(self) -> Headers:
        state, number = self.state
        return [
            ("Channel-State", state),
            ("Channel-State-Number", str(number)),
            ("Channel-Name", self.full_name),
            ("Unique-ID", self.uuid),
            ("Answer-State", self.answer_state),
            *([("Hangup-Cause", self.cause)] if self.cause else []),
            ("Channel-Read-Codec-Name", self.media),
            ("Channel-Read-Codec-Rate", "8000"),
            ("Channel-Write-Codec-Name", "PCMU"),
            ("Channel-Write-Codec-Rate", "8000"),
        ]

    def _profile(self, prefix: str) -> Headers:
        return [
            (f"{prefix}-Caller-ID-Name", self.name),
            (f"{prefix}-Caller-ID-Number", self.caller),
            (f"{prefix}-Destination-Number", self.call.destination),
            (f"{prefix}-Context", self.call.context),
        ]

    def _variables(self) -> Headers:
        return [(f"variable_{name}", value) for name, value in self.variables.items()]
