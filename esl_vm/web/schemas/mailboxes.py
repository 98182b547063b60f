"""Mailboxes, their PINs, how an owner is notified."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from esl_vm.web.schemas.base import Box, Cursor, Limit, Pin, RequestSchema, ResponseSchema


class MailboxView(ResponseSchema, frozen=True):
    """A mailbox. `settings` has what differs from the service's defaults."""

    mailbox: str
    name: str
    language: str
    timezone: str
    folders: dict[str, int]
    urgent: int
    takes_messages: bool
    filled: Annotated[float, Meta(description="How full it is: 1 = no message can be left.")]
    has_pin: bool
    pin_is_initial: Annotated[bool, Meta(description="Its owner did not choose it; it does not open from a browser.")]
    locked_s: Annotated[int, Meta(description="Seconds for which the PIN is locked.")]
    greetings: dict[str, bool]
    kept_days: Annotated[
        dict[str, int],
        Meta(
            description="By folder: days after it came that a message goes to the trash, 0 = never; after it was deleted that it "
            "goes out of the trash, 0 = at once."
        ),
    ]
    settings: dict[str, str]


class MailboxEntry(ResponseSchema, frozen=True):
    """A mailbox in a list."""

    mailbox: str
    name: str
    email: str
    new: int
    old: int
    urgent: int
    filled: float
    pin_is_initial: bool
    locked_s: int


class MailboxPage(ResponseSchema, frozen=True):
    """A part of the list of mailboxes, by domain and number."""

    mailboxes: list[MailboxEntry]
    next: str | None = None


class MailboxQuery(RequestSchema, frozen=True):
    """Which mailboxes."""

    domain: Annotated[str, Meta(description="Only of this domain.", max_length=128)] = ""
    search: Annotated[
        str, Meta(description="In number, name or e-mail; accents and case don't count.", max_length=80)
    ] = ""
    limit: Limit = 50
    cursor: Cursor = ""


class NewMailbox(RequestSchema, frozen=True):
    """A mailbox to make. `settings`: fields and options as `esl-vm mailbox set` has them."""

    mailbox: Box
    settings: dict[str, str] = field(default_factory=dict)
    pin: Pin | None = None


class MailboxChange(RequestSchema, frozen=True):
    """Fields and options to set; null goes back to the default."""

    settings: dict[str, str | None]


class PinChange(RequestSchema, frozen=True):
    """A new PIN. An owner gives the one in force too; of an administrator's it is said that its owner did not choose it."""

    pin: Pin
    current: Pin | None = None


class Notifications(ResponseSchema, frozen=True):
    """How an owner is notified of messages."""

    email: str
    pager: str
    attach: Annotated[bool, Meta(description="The sound goes with the mail.")]
    transcripts: Annotated[
        bool | None, Meta(description="Messages are written down; null: an administrator switched that off.")
    ] = None


class NotificationsChange(RequestSchema, frozen=True):
    """What of it to change."""

    email: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    pager: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    attach: bool | UnsetType = UNSET
    transcripts: bool | UnsetType = UNSET
