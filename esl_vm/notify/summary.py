"""What a lamp shows (RFC 3842's message summary), and the accounts that FreeSWITCH knows lamps by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from esl_vm.model.message import Counts

_ACCOUNT = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?([^@:\s]+)@([^@\s;>]+?)(?::[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Summary:
    """Messages as RFC 3842 counts them: `new` and `old` include their urgent ones."""

    new: int = 0
    old: int = 0
    urgent_new: int = 0
    urgent_old: int = 0

    @classmethod
    def of(cls, counts: Counts) -> Self:
        """The folders New and Old; messages filed in other folders light no lamp."""
        return cls(counts.new, counts.old, counts.urgent, counts.urgent_old)

    def __add__(self, other: Summary) -> Summary:
        return Summary(
            self.new + other.new,
            self.old + other.old,
            self.urgent_new + other.urgent_new,
            self.urgent_old + other.urgent_old,
        )

    @property
    def waiting(self) -> str:
        """The value of Messages-Waiting."""
        return "yes" if self.new else "no"

    def __str__(self) -> str:
        """The value of Voice-Message: `2/5 (1/0)`."""
        return f"{self.new}/{self.old} ({self.urgent_new}/{self.urgent_old})"


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """What mod_sofia knows a telephone's lamp by: the user and host it registered or subscribed with."""

    user: str
    host: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read `sip:1001@pbx.example.com` (a MESSAGE_QUERY's Message-Account), the scheme optional; None if it isn't one."""
        found = _ACCOUNT.fullmatch(text.strip())
        return cls(found[1], found[2]) if found else None

    def __str__(self) -> str:
        """Write `1001@pbx.example.com`."""
        return f"{self.user}@{self.host}"
