"""What a mailbox is: its name, its folders, its greetings, its owner."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from esl_vm.model.errors import InvalidValueError
from esl_vm.model.options import MailboxOptions
from esl_vm.model.owners import FIRST, Owner

if TYPE_CHECKING:
    from esl_vm.model.message import Counts

_NUMBER = re.compile(r"(?=.{1,64}\Z)\+?[A-Za-z0-9][A-Za-z0-9_.+-]*")
_NEARLY = 0.8
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True, order=True)
class MailboxId:
    """The name of a mailbox, written `1001@default`.

    Args:
        number: 1 to 64 letters, digits, `_ . + -`; the first a letter or a digit, perhaps with a `+` before it: a number as
            providers write it (E.164), `+15145550102`.
        domain: 1 to 128 letters, digits, `_ . -`: the tenant (Asterisk's context, FreeSWITCH's domain). Capitals become
            small letters, as in the name of any host: `1001@PBX.example` is `1001@pbx.example`.

    Raises:
        InvalidValueError: one of them is anything else; so an id is safe in a Redis key and a file's name.
    """

    number: str
    domain: str = "default"

    def __post_init__(self) -> None:
        if not _NUMBER.fullmatch(self.number):
            raise InvalidValueError(f"not a mailbox number: {self.number!r}")
        if not _DOMAIN.fullmatch(self.domain):
            raise InvalidValueError(f"not a mailbox domain: {self.domain!r}")
        object.__setattr__(self, "domain", self.domain.lower())

    @classmethod
    def of(cls, number: str, domain: str) -> Self | None:
        """The mailbox of a number that somebody dialled, or sent; None where no mailbox can have it."""
        try:
            return cls(number, domain)
        except InvalidValueError:
            return None

    @classmethod
    def stored(cls, number: str, domain: str) -> Self:
        """As it stands in Redis: a mailbox that version 0.1.0 made may have capitals in its domain."""
        box = cls(number, domain)
        object.__setattr__(box, "domain", domain)
        return box

    @classmethod
    def parse(cls, text: str, domain: str = "default") -> Self:
        """Read `1001@default`, or `1001` with the given domain; raises InvalidValueError."""
        number, at, named = text.strip().partition("@")
        return cls(number, named if at else domain)

    def __str__(self) -> str:
        """Write `1001@default`."""
        return f"{self.number}@{self.domain}"


class Folder(StrEnum):
    """Where a message lies. The first ten are the keys 0 to 9 of the folder list; trash is never offered."""

    NEW = "new"
    OLD = "old"
    WORK = "work"
    FAMILY = "family"
    FRIENDS = "friends"
    CUST1 = "cust1"
    CUST2 = "cust2"
    CUST3 = "cust3"
    CUST4 = "cust4"
    CUST5 = "cust5"
    TRASH = "trash"

    @classmethod
    def of_key(cls, key: str) -> Folder:
        """The folder chosen by key 0 to 9."""
        return tuple(cls)[int(key)]

    @property
    def key(self) -> str:
        """The key that chooses this folder, `` for trash."""
        return "" if self is Folder.TRASH else str(tuple(Folder).index(self))


class Greeting(StrEnum):
    """What an owner can record for callers (guide: Messages d'accueil).

    There are nine for unavailable and for busy, of which a rule or the owner's choice names the one that is heard.
    """

    UNAVAILABLE = "unavailable"
    BUSY = "busy"
    NAME = "name"
    TEMPORARY = "temporary"
    UNAVAILABLE_2 = "unavailable-2"
    UNAVAILABLE_3 = "unavailable-3"
    UNAVAILABLE_4 = "unavailable-4"
    UNAVAILABLE_5 = "unavailable-5"
    UNAVAILABLE_6 = "unavailable-6"
    UNAVAILABLE_7 = "unavailable-7"
    UNAVAILABLE_8 = "unavailable-8"
    UNAVAILABLE_9 = "unavailable-9"
    BUSY_2 = "busy-2"
    BUSY_3 = "busy-3"
    BUSY_4 = "busy-4"
    BUSY_5 = "busy-5"
    BUSY_6 = "busy-6"
    BUSY_7 = "busy-7"
    BUSY_8 = "busy-8"
    BUSY_9 = "busy-9"

    @property
    def kind(self) -> Greeting:
        """The guide's greeting that this is another recording of; itself for the first."""
        return Greeting(self.value.partition("-")[0])

    @property
    def number(self) -> int:
        """Which recording of its kind it is, 1 to 9."""
        return int(self.value.partition("-")[2] or 1)

    def numbered(self, number: int) -> Greeting:
        """The recording of that number, 1 to 9, of the same kind."""
        return self.kind if number == 1 else Greeting(f"{self.kind.value}-{number}")


@dataclass(frozen=True, slots=True)
class StoredGreeting:
    """A greeting that was recorded and accepted.

    Args:
        audio_id: where its sound lies in the audio store.
        duration_ms: how long it plays, in milliseconds.
        starts, ends: a temporary greeting's optional dates, epoch seconds; 0 = open.
    """

    audio_id: str
    duration_ms: int = 0
    starts: int = 0
    ends: int = 0

    def is_active(self, now: float) -> bool:
        """Whether it is to be played at that time (epoch seconds)."""
        return (not self.starts or now >= self.starts) and (not self.ends or now < self.ends)

    def kept_dates(self, now: float) -> tuple[int, int]:
        """The dates that a new recording takes over: those of a time that is over would keep it from being heard."""
        return (0, 0) if 0 < self.ends <= now else (self.starts, self.ends)


def check_dates(greeting: Greeting, starts: int, ends: int, now: float) -> None:
    """Refuse dates (epoch seconds, 0 = open) that a greeting can't have, or in which it is never active.

    Raises:
        InvalidValueError: so it is; the sentence says why.
    """
    if (starts or ends) and greeting is not Greeting.TEMPORARY:
        raise InvalidValueError("only a temporary greeting has dates")
    if ends and ends <= max(starts, now):
        raise InvalidValueError("the greeting would be over before it is active: choose a later end")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as one look at the store shows it: its owner, settings, greetings and counts.

    Args:
        id: its name.
        name: the owner's name, for the directory and mail.
        language: `fr` or `en` (a longer tag is cut to it); `` = the service's default.
        timezone: an IANA name (`America/Toronto`); `` = the service's default.
        email: where mail about messages goes; `` = none. pager: the short notification's address.
        has_pin: whether a PIN is set. pin_is_initial: it is the one an administrator or the default set. pin_changed: when
            it was set, epoch seconds; 0 = not known. pin_mark: another one whenever the PIN is; it tells nothing of it.
        greetings: the recorded ones.
        options: what voicemail.conf would call the mailbox's options; the service's defaults where it has none.
        counts: messages, at the time of the look.
        extensions: accounts whose lamp shows this mailbox, besides its own number.
        aliases: its further numbers.
        sound_ms: sound in all folders but the trash, milliseconds; its quota counts it.
        others: its owners besides the first.
        copies: mailboxes that get a copy of each new message, as they were named.
    """

    id: MailboxId
    counts: Counts
    name: str = ""
    language: str = ""
    timezone: str = ""
    email: str = ""
    pager: str = ""
    has_pin: bool = False
    pin_is_initial: bool = False
    pin_changed: float = 0.0
    pin_mark: str = ""
    greetings: dict[Greeting, StoredGreeting] = field(default_factory=dict)
    options: MailboxOptions = field(default_factory=MailboxOptions)
    extensions: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    sound_ms: int = 0
    others: tuple[Owner, ...] = ()
    copies: tuple[str, ...] = ()

    @property
    def owners(self) -> tuple[Owner, ...]:
        """All of them, the first with the mailbox's own name and PIN."""
        first = Owner(FIRST, self.name, self.pin_is_initial, self.pin_changed, self.pin_mark)
        return (first, *self.others)

    def owner(self, number: int) -> Owner | None:
        """The owner of that number; None: there is none (any more)."""
        return next((one for one in self.owners if one.number == number), None)

    @property
    def accounts(self) -> tuple[str, ...]:
        """What may be registered as its telephone besides its own number: they show its lamp, and open it as their own."""
        return (*self.extensions, *self.aliases)

    @property
    def takes_messages(self) -> bool:
        """Whether it takes messages, or only plays its greeting."""
        return not self.options.announce_only and self.options.maxmsg > 0

    @property
    def is_full(self) -> bool:
        """Whether no message can be left: New holds as many as a folder may, or all its sound reaches its quota.

        `deliver.lua` keeps to the same rule at the moment of delivery.
        """
        return self.filled >= 1

    @property
    def has_room(self) -> bool:
        """Whether a message can be left here: it takes messages and is not full."""
        return self.takes_messages and not self.is_full

    @property
    def nearly_full(self) -> bool:
        """Whether four fifths of what it can hold are reached; `deliver.lua` tells so once, by the same rule."""
        return self.filled >= _NEARLY

    @property
    def filled(self) -> float:
        """How full it is, 0 to 1 (and beyond, should its limits have been lowered): New's messages or all its sound."""
        shares = [0.0]
        if self.options.maxmsg:
            shares.append(self.counts.of(Folder.NEW) / self.options.maxmsg)
        if self.options.quota_seconds:
            shares.append(self.sound_ms / 1000 / self.options.quota_seconds)
        return max(shares)
