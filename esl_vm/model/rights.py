"""Who may do what: one table of rights, and how far each credential reaches.

A role is a set of rights; a token has a set of its own. A right says what may be done, a reach with which mailboxes. What
lies beyond one's reach is answered as if it were not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.owners import FIRST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from esl_vm.model.mailbox import Mailbox, MailboxId


class Right(StrEnum):
    """What may be done. The names are those of a token's actions (`esl-vm token add --may`)."""

    ANYBODY = "anybody"
    MAILBOX_READ = "mailbox.read"
    MAILBOX_LIST = "mailbox.list"
    MAILBOX_CHANGE = "mailbox.change"
    MAILBOX_MANAGE = "mailbox.manage"
    PIN_CHANGE = "pin.change"
    MESSAGE_READ = "message.read"
    MESSAGE_HEAR = "message.hear"
    MESSAGE_CHANGE = "message.change"
    MESSAGE_SEND = "message.send"
    CALL_PLACE = "call.place"
    GREETING_READ = "greeting.read"
    GREETING_CHANGE = "greeting.change"
    LIST_READ = "list.read"
    LIST_MANAGE = "list.manage"
    BROADCAST = "broadcast"
    EVENTS_READ = "events.read"
    PRIVACY = "privacy"
    SERVICE_READ = "service.read"
    SERVICE_MANAGE = "service.manage"


class Role(StrEnum):
    """Who somebody is to the service."""

    OWNER = "owner"
    ADMINISTRATOR = "administrator"
    TOKEN = "token"  # noqa: S105 - a role, no secret


GRANTABLE = frozenset(Right) - {Right.ANYBODY}
RIGHTS = {
    Role.OWNER: frozenset(
        {
            Right.MAILBOX_READ,
            Right.MAILBOX_CHANGE,
            Right.PIN_CHANGE,
            Right.MESSAGE_READ,
            Right.MESSAGE_HEAR,
            Right.MESSAGE_CHANGE,
            Right.MESSAGE_SEND,
            Right.CALL_PLACE,
            Right.GREETING_READ,
            Right.GREETING_CHANGE,
            Right.EVENTS_READ,
        }
    ),
    Role.ADMINISTRATOR: GRANTABLE,
}
"""What each role may; a token's rights are its own."""

OWNER_FIELDS = frozenset(
    {"language", "timezone", "email", "pager", "attach", "saycid", "envelope", "sayduration", "autoplay", "brief"}
    | {
        "transcripts_wanted",
        "greeting_rules",
        "notices",
        "notify_rules",
        "envelope_ago",
        "newest_first",
        "receipts",
        "copies",
        "forward_deletes",
        "exits",
        "press_to_leave",
    }
)
"""The fields of a mailbox that MAILBOX_CHANGE is enough for; MAILBOX_MANAGE is needed for the others.

Of `exits` only those that `exits.is_owners`.
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """With which mailboxes something may be done: some, those of some domains, or all."""

    boxes: frozenset[MailboxId] = frozenset()
    domains: frozenset[str] = frozenset()
    everywhere: bool = False

    def has(self, box: MailboxId) -> bool:
        """Whether that mailbox is within it."""
        return self.everywhere or box in self.boxes or box.domain.lower() in self.domains

    def has_domain(self, domain: str) -> bool:
        """Whether all of that domain is within it."""
        return self.everywhere or domain.lower() in self.domains


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody whose credential was checked.

    Args:
        name: for the audit: the mailbox, the administrator's name, the token's.
        role, rights, reach: see there.
        session: which session it is, `` = none. way: by which way it began, `` = a PIN.
        owner: which of a mailbox's owners it is (model/owners.py). person: that owner's name, where there are several.
    """

    name: str
    role: Role
    rights: frozenset[Right]
    reach: Reach
    session: str = ""
    way: str = ""
    owner: int = FIRST
    person: str = ""

    def may(self, right: Right) -> bool:
        """Whether he has that right, within his reach."""
        return right is Right.ANYBODY or right in self.rights

    @property
    def audit_name(self) -> str:
        """As the events tell it: `owner 1001@default`, and of several which: `owner 1001@default Bob Lee`."""
        return f"{self.role} {self.name} {self.person}".rstrip()


NOBODY = Identity("", Role.TOKEN, frozenset(), Reach())


def owner(mailbox: Mailbox, session: str = "", way: str = "", number: int = FIRST) -> Identity:
    """The owner of a mailbox; of several the one of that number."""
    person = mailbox.owner(number) if mailbox.others else None
    reach = Reach(boxes=frozenset({mailbox.id}))
    name = person.name if person else ""
    return Identity(str(mailbox.id), Role.OWNER, RIGHTS[Role.OWNER], reach, session, way, number, name)


def administrator(name: str, session: str = "", way: str = "") -> Identity:
    """An administrator of the service."""
    return Identity(name, Role.ADMINISTRATOR, RIGHTS[Role.ADMINISTRATOR], Reach(everywhere=True), session, way)


def rights_of(words: Iterable[str]) -> frozenset[Right]:
    """The rights of those names; `message.*` stands for all that begin so, `*` for all; raises InvalidValueError."""
    found: set[Right] = set()
    for word in words:
        group = word.removesuffix("*")
        named = {right for right in GRANTABLE if right == word or (word.endswith("*") and right.startswith(group))}
        if not named:
            raise InvalidValueError(f"no right {word!r}; there are {', '.join(sorted(GRANTABLE))}")
        found |= named
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's credential, without its secret.

    Args:
        id: what it is listed and revoked by. name: what for.
        rights, reach: what it may, and where.
        made, expires, used: epoch seconds; expires 0 = never, used 0 = never yet.
    """

    id: str
    name: str
    rights: frozenset[Right]
    reach: Reach
    made: float = 0.0
    expires: float = 0.0
    used: float = 0.0

    @property
    def identity(self) -> Identity:
        """Who presents it."""
        return Identity(self.name or self.id, Role.TOKEN, self.rights, self.reach)


@dataclass(frozen=True, slots=True)
class MessageLink:
    """What a link in a mail opens: one message of one mailbox, until epoch seconds."""

    box: MailboxId
    message_id: str
    until: float


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that signed in, without its secret.

    Args:
        id: what it is ended by. name: the administrator's; `` = the owner's.
        address: from where. since, until: epoch seconds.
        pin_mark: the owner's `Mailbox.pin_mark` at that time: another PIN ends it.
        way: by which way it began, `` = a PIN.
        owner: which of the mailbox's owners it is.
    """

    id: str
    name: str = ""
    address: str = ""
    since: float = 0.0
    until: float = 0.0
    pin_mark: str = field(default="", repr=False)
    way: str = ""
    owner: int = FIRST
