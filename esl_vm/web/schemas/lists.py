"""Distribution lists and broadcasts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from esl_vm.web.schemas.base import NUMBERS, Box, Moment, RequestSchema, ResponseSchema


class ListView(ResponseSchema, frozen=True):
    """A distribution list."""

    number: str = field(name="list")
    name: str
    members: list[str]
    recorded_name: bool


class Lists(ResponseSchema, frozen=True):
    """Distribution lists, by domain and number."""

    lists: list[ListView]


class ListQuery(RequestSchema, frozen=True):
    """Which lists."""

    domain: Annotated[str, Meta(description="Only of this domain.", max_length=128)] = ""


class ListChange(RequestSchema, frozen=True):
    """A list as it is to be."""

    members: Annotated[list[Box], Meta(max_length=10000)]
    name: Annotated[str, Meta(max_length=80)] = ""


class BroadcastQuery(RequestSchema, frozen=True):
    """To whom a broadcast goes, and as what. The sound is the body."""

    to: Annotated[str, Meta(description="Mailboxes, commas between.", pattern=NUMBERS, max_length=1500)] = ""
    list: Annotated[str, Meta(description="Distribution lists, commas between.", pattern=NUMBERS, max_length=300)] = ""
    domain: Annotated[str, Meta(description="A domain: all its mailboxes.", max_length=128)] = ""
    urgent: bool = False
    from_number: Annotated[str, Meta(max_length=64)] = ""
    from_name: Annotated[str, Meta(max_length=80)] = ""
    until: Annotated[Moment | None, Meta(description="Its end: messages that nobody heard by then are withdrawn.")] = (
        None
    )
    id: Annotated[str, Meta(description="Its name: the same one is delivered to each mailbox once.", max_length=64)] = (
        ""
    )


class BroadcastView(ResponseSchema, frozen=True):
    """What became of a broadcast, mailbox by mailbox."""

    id: str
    mailboxes: int
    sent: int
    already: int
    full: list[str]
    closed: list[str]
    missing: list[str]
