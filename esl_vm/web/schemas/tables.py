"""Many mailboxes at once, by a table."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from esl_vm.web.schemas.base import RequestSchema, ResponseSchema


class TableQuery(RequestSchema, frozen=True):
    """What is done with a table of mailboxes."""

    apply: Annotated[bool, Meta(description="Make the changes; else they are only shown.")] = False
    domain: Annotated[str, Meta(description="Of mailboxes that name none; else the service's own.", max_length=128)] = (
        ""
    )
    reset_pins: Annotated[bool, Meta(description="Set the table's PINs where owners have one too.")] = False


class FieldChange(ResponseSchema, frozen=True):
    """A field before and after; empty = the default."""

    before: str
    after: str


class TableRowView(ResponseSchema, frozen=True):
    """What a row of the table changes."""

    where: Annotated[str, Meta(description="`line 7`, `item 3`.")]
    mailbox: str
    new: bool
    fields: dict[str, FieldChange]
    pin: Annotated[bool | None, Meta(description="true: one is set; false: none is asked any more; null: it stays.")]
    greetings: Annotated[list[str], Meta(description="Those that are taken away.")]


class TableView(ResponseSchema, frozen=True):
    """What a table changes, row by row; what is wrong with it; how many rows were applied."""

    changes: list[TableRowView]
    problems: list[str]
    applied: int
